// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MillraceError } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { Consumer, string, topic } from '@millrace/client'
import { ConnectionFactory, jmsListener, MessageFormatException, serdeBody } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { SchemaRegistry } from '@millrace/schema-registry'
import { avroSerde, SchemaRegistryClient } from '@millrace/schema-registry/serdes'

const order = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'item', type: 'string' },
  ],
} as const

describe('JMS messages with schemas', () => {
  it('reach listeners and Kafka consumers as typed values', async () => {
    await using broker = await Broker.start()
    const kafka = { bootstrapServers: broker.address, network: broker.network }
    await using provider = await JmsProvider.start({
      client: kafka,
      config: { 'amqp.listener': '127.0.0.1:0' },
    })
    await using registry = await SchemaRegistry.start({
      client: kafka,
      config: { listeners: 'http://127.0.0.1:0' },
    })
    using sending = new SchemaRegistryClient({ urls: registry.address })
    using reading = new SchemaRegistryClient({ urls: registry.address })
    const factory = new ConnectionFactory(`amqp://${provider.address}`)
    const received = Promise.withResolvers<bigint>()
    const body = serdeBody(avroSerde(reading, { schema: order }), 'orders')
    const errors: unknown[] = []
    await using listener = await jmsListener('orders', (value) => received.resolve(value.id), {
      connection: factory,
      body,
      onError: (error) => errors.push(error),
    })
    await using context = await factory.createContext()
    const codec = serdeBody(avroSerde(sending, { schema: order }), 'orders')
    const value = { id: 7n, item: 'tea' }
    await codec.prepareEncode?.(value)
    await context.createProducer().send(context.createQueue('orders'), codec.encode(value))
    assert.equal(await received.promise, 7n)
    const orders = topic('orders', { key: string(), value: avroSerde(reading) })
    await using consumer = new Consumer({
      ...kafka,
      groupId: 'g',
      topics: [orders],
      autoOffsetReset: 'earliest',
    })
    for await (const record of consumer) {
      assert.deepEqual({ ...(record.value as object) }, value)
      break
    }
    assert.throws(() => codec.decode(context.createTextMessage('x')), MessageFormatException)
    const inHeader = serdeBody(avroSerde(sending, { schema: order, idIn: 'header' }), 'orders')
    await inHeader.prepareEncode?.(value)
    assert.throws(() => inHeader.encode(value), /must be in its body/)
    await listener.close()
    assert.deepEqual(errors, [])
  })

  it('are received again after an outage of the registry, and not counted', async () => {
    await using broker = await Broker.start()
    const kafka = { bootstrapServers: broker.address, network: broker.network }
    await using provider = await JmsProvider.start({
      client: kafka,
      config: { 'amqp.listener': '127.0.0.1:0' },
    })
    let failures = 3
    const flaky = {
      serialize: (text: string) => text,
      deserialize: (bytes: Buffer) => bytes.toString(),
      prepareDeserialize: async () => {
        failures -= 1
        if (failures >= 0) throw new RetriableError()
      },
    }
    const received = Promise.withResolvers<readonly [string, number]>()
    const factory = new ConnectionFactory(`amqp://${provider.address}`)
    const errors: unknown[] = []
    await using listener = await jmsListener(
      'queue',
      (value, { message }) =>
        received.resolve([value, Number(message.getObjectProperty('JMSXDeliveryCount'))]),
      {
        connection: factory,
        body: serdeBody(flaky, 'queue'),
        retry: { maxAttempts: 1, backoffMs: 5 },
        onError: (error) => errors.push(error),
      },
    )
    await using context = await factory.createContext()
    const message = serdeBody(flaky, 'queue').encode('hello')
    await context.createProducer().send(context.createQueue('queue'), message)
    assert.deepEqual(await received.promise, ['hello', 1])
    assert.equal(errors.length, 3)
    await listener.close()
  })
})

class RetriableError extends MillraceError {
  constructor() {
    super('MILLRACE_REGISTRY', 'no answer', { retriable: true })
  }
}
