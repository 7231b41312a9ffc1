// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin, Consumer, Producer, string, topic } from '@millrace/client'
import { SchemaRegistry } from '@millrace/schema-registry'
import {
  avroSerde,
  jsonSchemaSerde,
  protobufSerde,
  RegistrySchemaLookup,
  SchemaRegistryClient,
  type SchemaSerde,
} from '@millrace/schema-registry/serdes'

const user = {
  type: 'record',
  name: 'User',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
} as const
const person = {
  type: 'object',
  properties: { id: { type: 'integer' }, note: { type: ['string', 'null'] } },
} as const
const proto = 'syntax = "proto3"; message User { int64 id = 1; string note = 2; }'

describe('records with schemas', () => {
  it('pass from producer to consumer, in every format and with both forms of ids', async () => {
    await using broker = await Broker.start()
    const kafka = { bootstrapServers: broker.address, network: broker.network }
    await using registry = await SchemaRegistry.start({
      client: kafka,
      config: { listeners: 'http://127.0.0.1:0' },
    })
    const urls = registry.address
    const cases: readonly (readonly [
      string,
      (client: SchemaRegistryClient, idIn: 'prefix' | 'header') => SchemaSerde<unknown>,
      object,
    ])[] = [
      [
        'avro',
        (client, idIn) => avroSerde(client, { schema: user, idIn }) as SchemaSerde<unknown>,
        { id: 7n, note: 'x' },
      ],
      [
        'json',
        (client, idIn) => jsonSchemaSerde(client, { schema: person, idIn }) as SchemaSerde<unknown>,
        { id: 7, note: null },
      ],
      [
        'proto',
        (client, idIn) => protobufSerde(client, { schema: proto, idIn }) as SchemaSerde<unknown>,
        { id: 7n, note: 'x' },
      ],
    ]
    for (const [name, serdeOf, value] of cases) {
      for (const idIn of ['prefix', 'header'] as const) {
        // A client of each side, so that nothing is cached for the other.
        using sending = new SchemaRegistryClient({ urls })
        using reading = new SchemaRegistryClient({ urls })
        const written = topic(`${name}-${idIn}`, { key: string(), value: serdeOf(sending, idIn) })
        const read = topic(`${name}-${idIn}`, { key: string(), value: serdeOf(reading, idIn) })
        await using producer = new Producer(kafka)
        const sends = Array.from({ length: 20 }, (_, i) =>
          producer.send(written, { key: `${i}`, value }),
        )
        await Promise.all(sends)
        await using consumer = new Consumer({
          ...kafka,
          groupId: `${name}-${idIn}`,
          autoOffsetReset: 'earliest',
        })
        consumer.subscribe([read])
        const keys: string[] = []
        for await (const record of consumer) {
          assert.deepEqual({ ...(record.value as object) }, value)
          keys.push(String(record.key))
          if (keys.length === 20) break
        }
        assert.deepEqual(
          keys,
          Array.from({ length: 20 }, (_, i) => `${i}`),
        )
      }
    }
  })

  it('are refused by a topic that requires schemas, if theirs is not registered', async () => {
    let lookup: RegistrySchemaLookup | undefined
    await using broker = await Broker.start({
      schemaLookup: {
        isRegistered: async (question) => (await lookup?.isRegistered(question)) ?? false,
      },
    })
    const kafka = { bootstrapServers: broker.address, network: broker.network }
    await using registry = await SchemaRegistry.start({
      client: kafka,
      config: { listeners: 'http://127.0.0.1:0' },
    })
    using client = new SchemaRegistryClient({ urls: registry.address })
    lookup = new RegistrySchemaLookup(client)
    await using admin = new Admin(kafka)
    const configs = { 'confluent.value.schema.validation': 'true' }
    const byName = {
      ...configs,
      'confluent.value.subject.name.strategy':
        'io.confluent.kafka.serializers.subject.RecordNameStrategy',
    }
    await admin.createTopics([
      { name: 'checked', configs },
      { name: 'named', configs: byName },
    ])
    await using producer = new Producer(kafka)
    const value = { id: 1n, note: null }
    const send = (name: string, options: object = {}) =>
      producer.send(
        topic(name, { key: string(), value: avroSerde(client, { schema: user, ...options }) }),
        { key: 'a', value },
      )
    await send('checked')
    await send('checked', { idIn: 'header' })
    await send('named', { subjectNameStrategy: 'record' })
    await send('named', { subjectNameStrategy: 'record', idIn: 'header' })
    const unknown = await client.register('other', { schema: '"string"' })
    const bytes = Buffer.from([0, 0, 0, 0, unknown.id, 2, 65])
    for (const name of ['checked', 'named']) {
      await assert.rejects(producer.send({ topic: name, value: bytes }), {
        code: 'INVALID_RECORD',
        message: /has schema \d+, which is not registered under the subject/,
      })
      await assert.rejects(producer.send({ topic: name, value: 'text' }), {
        code: 'INVALID_RECORD',
      })
    }
  })
})
