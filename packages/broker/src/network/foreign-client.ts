// SPDX-License-Identifier: Apache-2.0
import { httpRefusal, protocolOf } from '@millrace/base'
import type { ListenerConfig } from '../config/listeners.ts'

/** A client of another protocol than Kafka's. */
export interface ForeignClient {
  /** Warning for the log. */
  readonly warning: string
  /** Reply that the client understands as a refusal; undefined if no such reply exists. */
  readonly answer: Buffer | undefined
}

const httpAnswer = httpRefusal('This port speaks the Kafka protocol, not HTTP.')

/** Recognizes a client that speaks no Kafka by its first bytes; undefined if unknown. */
export function foreignClientOf(
  start: Buffer,
  { listenerName, securityProtocol }: Pick<ListenerConfig, 'listenerName' | 'securityProtocol'>,
): ForeignClient | undefined {
  const name = protocolOf(start)
  if (name === undefined || name === 'Kafka') return undefined
  const what = `a client speaks ${name} on the Kafka listener ${listenerName}`
  const advice =
    name === 'TLS'
      ? `, whose security protocol is ${securityProtocol}`
      : name === 'AMQP 1.0'
        ? '; AMQP clients connect to the JMS provider, port 5672 by default'
        : ''
  return { warning: `${what}${advice}`, answer: name === 'HTTP' ? httpAnswer : undefined }
}
