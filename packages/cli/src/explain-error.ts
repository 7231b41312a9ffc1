// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'

/** An error's message, and what one may do about it. */
export function explainError(error: Error): string {
  if (!(error instanceof MillraceError)) return error.message
  const hint = hintFor(error)
  return hint === undefined ? error.message : `${error.message}\n  ${hint}`
}

function hintFor(error: MillraceError): string | undefined {
  if (/cannot connect to .*ECONNREFUSED/.test(error.message)) {
    return 'is a broker running there? `millrace start` starts one; --bootstrap HOST:PORT names another'
  }
  switch (error.code) {
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      return '`millrace topic list` shows the topics there are'
    case 'GROUP_ID_NOT_FOUND':
      return '`millrace group list` shows the groups there are'
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
