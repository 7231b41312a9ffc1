// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { Broker } from '../broker.ts'

const AMQP_ADVICE = '; AMQP clients connect to the JMS provider, port 5672 by default'

describe('a client of another protocol on a Kafka listener', () => {
  const warnings: string[] = []
  let broker: Broker
  before(async () => {
    broker = await Broker.start({
      logger: { ...silentLogger, warn: (message) => warnings.push(message) },
    })
  })
  after(() => broker.close())

  /** Sends bytes on a new connection, and returns the bytes received until it was closed. */
  async function send(bytes: string): Promise<string> {
    const [host, port] = broker.address.split(':')
    const socket = createConnection({ host: host ?? '', port: Number(port) })
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.on('error', () => {})
    socket.write(Buffer.from(bytes, 'latin1'))
    await once(socket, 'close')
    return received
  }

  for (const [what, bytes, warning, reply] of [
    ['AMQP 1.0', 'AMQP\0\x01\0\0', `AMQP 1.0 on the Kafka listener PLAINTEXT${AMQP_ADVICE}`, /^$/],
    [
      'AMQP 1.0 with SASL',
      'AMQP\x03\x01\0\0',
      `AMQP 1.0 on the Kafka listener PLAINTEXT${AMQP_ADVICE}`,
      /^$/,
    ],
    ['AMQP 0-9-1', 'AMQP\0\0\x09\x01', 'AMQP 0-9-1 on the Kafka listener PLAINTEXT', /^$/],
    [
      'HTTP',
      'GET / HTTP/1.1\r\n\r\n',
      'HTTP on the Kafka listener PLAINTEXT',
      /^HTTP\/1\.1 400 [\s\S]*This port speaks the Kafka protocol, not HTTP\.\n$/,
    ],
    [
      'TLS',
      '\x16\x03\x01\x02\0\x01\0\x01\xfc',
      'TLS on the Kafka listener PLAINTEXT, whose security protocol is PLAINTEXT',
      /^$/,
    ],
    ['MQTT', '\x10\x10\0\x04MQTT\x04', 'MQTT on the Kafka listener PLAINTEXT', /^$/],
    ['STOMP', 'CONNECT\naccept-version:1.2\n\n\0', 'STOMP on the Kafka listener PLAINTEXT', /^$/],
  ] as const) {
    it(`is reported in a warning: ${what}`, async () => {
      warnings.length = 0
      assert.match(await send(bytes), reply)
      assert.deepEqual(warnings, [`a client speaks ${warning}`])
    })
  }

  it('is not reported if its protocol is unknown', async () => {
    warnings.length = 0
    assert.equal(await send('hellohello'), '')
    assert.deepEqual(warnings, ['cannot read a request, closing its connection'])
  })
})
