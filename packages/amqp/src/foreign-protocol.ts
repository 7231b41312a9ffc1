// SPDX-License-Identifier: Apache-2.0
import { httpRefusal, type ProtocolName, protocolOf } from '@millrace/base'

/** A protocol other than AMQP 1.0, recognized by the first bytes of a connection. */
export interface ForeignProtocol {
  /** Name of the protocol. */
  readonly name: Exclude<ProtocolName, 'AMQP 1.0'>
  /**
   * Reply that clients of the protocol understand as a refusal; undefined if no such reply exists.
   */
  readonly answer?: Buffer
}

const httpAnswer = httpRefusal('This port speaks AMQP 1.0, not HTTP.')

/**
 * Recognizes the protocol of a peer whose first eight bytes are not AMQP 1.0; undefined if unknown.
 */
export function foreignProtocolOf(start: Buffer): ForeignProtocol | undefined {
  const name = protocolOf(start)
  if (name === undefined || name === 'AMQP 1.0') return undefined
  const isResponse = start.toString('latin1').startsWith('HTTP/')
  return name === 'HTTP' && !isResponse ? { name, answer: httpAnswer } : { name }
}
