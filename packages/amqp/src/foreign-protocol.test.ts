// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { amqpHeader, saslHeader } from './codec/frames.ts'
import { foreignProtocolOf } from './foreign-protocol.ts'

describe('the first bytes of a connection', () => {
  const starts: readonly [string, Buffer | string][] = [
    // ApiVersions version 4 of 45 bytes; Metadata version 1 of 30 bytes.
    ['Kafka', Buffer.from([0, 0, 0, 45, 0, 18, 0, 4])],
    ['Kafka', Buffer.from([0, 0, 0, 30, 0, 3, 0, 1])],
    ['HTTP', 'GET / HTTP/1.1'],
    ['HTTP', 'OPTIONS /x HTTP/1.1'],
    // Sent by servers.
    ['HTTP', 'HTTP/1.1 400 '],
    ['TLS', Buffer.from([0x15, 3, 3, 0, 2, 2, 70, 0])],
    ['TLS', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1])],
    ['AMQP 0-9-1', 'AMQP\0\0\x09\x01'],
    ['MQTT', Buffer.from([0x10, 16, 0, 4, 0x4d, 0x51, 0x54, 0x54])],
    ['MQTT', Buffer.from([0x10, 0x80, 0x01, 0, 4, 0x4d, 0x51, 0x54])],
    ['STOMP', 'CONNECT\n'],
    ['OpenWire', Buffer.from([0, 0, 1, 0x4c, 1, 0x41, 0x63, 0x74])],
  ]
  for (const [name, start] of starts) {
    it(`identify ${name} (${JSON.stringify(start.toString('latin1'))})`, () => {
      assert.equal(
        foreignProtocolOf(Buffer.from(start as string, 'latin1').subarray(0, 8))?.name,
        name,
      )
    })
  }

  it('identify no foreign protocol if they are AMQP 1.0 or unknown', () => {
    const unknown = [
      amqpHeader,
      saslHeader,
      Buffer.alloc(8),
      Buffer.alloc(8, 0xff),
      Buffer.from('hellohel'),
    ]
    for (const start of unknown) assert.equal(foreignProtocolOf(start), undefined)
  })
})
