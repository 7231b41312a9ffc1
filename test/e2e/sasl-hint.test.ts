// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeWorld } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { Admin, type ClientOptions, Producer } from '@millrace/client'

const API_VERSIONS = 18
const PRODUCE = 0
const METADATA = 3

/** A network whose connections end when a request of the API is sent. */
function endingAt(api: number): NonNullable<ClientOptions['network']> {
  return {
    async connect(options) {
      const connection = await nodeWorld.network.connect(options)
      const write = connection.write.bind(connection)
      connection.write = (buffers) => {
        const request = Buffer.concat(buffers)
        if (request.readInt16BE(4) !== api) return write(buffers)
        queueMicrotask(() => connection.onClose(undefined))
        connection.destroy()
        return true
      }
      return connection
    },
  }
}

describe('the hint to set the option sasl', () => {
  const cells: readonly [api: number, title: string, isHinted: boolean][] = [
    [METADATA, 'the first request', true],
    [PRODUCE, 'a request of a client that got replies on another connection', false],
    [API_VERSIONS, 'the request of API versions', false],
  ]
  for (const [api, title, isHinted] of cells) {
    it(`is ${isHinted ? '' : 'not '}part of the error when ${title} ends a connection`, async () => {
      await using broker = await Broker.start({ config: { listeners: 'PLAINTEXT://127.0.0.1:0' } })
      await using admin = new Admin({ bootstrapServers: broker.address })
      await admin.createTopics([{ name: 'orders' }])
      await using producer = new Producer({
        bootstrapServers: broker.address,
        network: endingAt(api),
        deliveryTimeoutMs: 1000,
        requestTimeoutMs: 500,
        maxBlockMs: 500,
      })
      const error: unknown = await producer.send({ topic: 'orders', value: 'x' }).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      const texts: string[] = []
      for (let at = error; at instanceof Error; at = at.cause) texts.push(at.message)
      assert.ok(texts.length > 0, 'the send fails')
      assert.equal(/set the option sasl/.test(texts.join('\n')), isHinted, texts.join('\n'))
    })
  }
})
