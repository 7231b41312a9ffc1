// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'

/** The first bytes of a connection are those of another protocol, so the port is a wrong one. */
export class ForeignProtocolError extends MillraceError {
  override readonly name = 'ForeignProtocolError'
  constructor(protocol: string, where = 'the peer') {
    super('MILLRACE_FOREIGN_PROTOCOL', `${where} speaks ${protocol}, not the Kafka protocol`)
    this.protocol = protocol
  }
  readonly protocol: string
}

/** What a peer speaks whose first four bytes are no size of a reply to ApiVersions. */
export function foreignProtocolOf(start: Buffer): string | undefined {
  const text = start.toString('latin1')
  if (text === 'HTTP') return 'HTTP'
  if (text === 'AMQP') return 'AMQP'
  if (text === 'SSH-') return 'SSH'
  // A TLS alert: type 21, version 3.x.
  if (start[0] === 0x15 && start[1] === 0x03) return 'TLS'
  return undefined
}
