// SPDX-License-Identifier: Apache-2.0
import { isSystemError, MillraceError } from '@millrace/base'
import { UsageError } from './usage-error.ts'

/** stderr text and exit status of a failed command. */
export function failureOf(
  error: unknown,
  args: readonly string[],
): { readonly text: string; readonly status: number } {
  const isOurs =
    error instanceof MillraceError || error instanceof UsageError || isSystemError(error)
  return {
    text: isOurs ? explainError(error as Error, args) : String((error as Error).stack),
    status: error instanceof UsageError ? 2 : 1,
  }
}

/** The message of an error, and a hint. */
function explainError(error: Error, args: readonly string[]): string {
  if (!(error instanceof MillraceError)) return error.message
  const hint = hintFor(error, args[0] === 'jms' ? '--from or --to' : '--amqp')
  return hint === undefined ? error.message : `${error.message}\n  ${hint}`
}

function hintFor(error: MillraceError, amqpOption: string): string | undefined {
  if (/cannot connect to (amqps?|wss?):/.test(error.message)) {
    return /ECONNREFUSED/.test(error.message)
      ? `is a JMS provider running there? \`millrace start\` starts one; ${amqpOption} HOST:PORT names another`
      : `is it the port of a JMS provider? ${amqpOption} HOST:PORT names another`
  }
  if (/closed the connection before it answered ApiVersions/.test(error.message)) {
    return 'AMQP uses another port; TLS needs security.protocol=SSL in --config; --bootstrap HOST:PORT names another'
  }
  if (error.code === 'MILLRACE_REGISTRY') return registryHint(error.message)
  if (/cannot connect to .*ECONNREFUSED/.test(error.message)) {
    return 'is a broker running there? `millrace start` starts one; --bootstrap HOST:PORT names another'
  }
  switch (error.code) {
    case 'MILLRACE_FOREIGN_PROTOCOL':
      return '--bootstrap HOST:PORT names the port of a Kafka broker'
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      return '`millrace topic list` shows all topics'
    case 'GROUP_ID_NOT_FOUND':
      return '`millrace group list` shows all groups'
    case 'UNKNOWN_MEMBER_ID':
    case 'NON_EMPTY_GROUP':
      return 'the group has members: stop them first'
    case 'SASL_AUTHENTICATION_FAILED':
      return 'check the user name and password in --config'
    case 'MILLRACE_TLS':
      return "name the cluster's certificate with ssl.truststore.type=PEM and ssl.truststore.location in --config"
    default:
      return undefined
  }
}

function registryHint(message: string): string | undefined {
  if (/ECONNREFUSED/.test(message)) {
    return 'is a registry running there? `millrace start` starts one; --registry URL names another'
  }
  if (/: 401 /.test(message)) return 'check --user, --token-file or --config'
  if (/40401|Subject '.*' not found/.test(message))
    return '`millrace schema list` shows all subjects'
  return undefined
}
