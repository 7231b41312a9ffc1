// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin, Consumer } from '@millrace/client'
import { SchemaRegistry } from '@millrace/schema-registry'
import { sampleFormat } from '../../packages/schema-registry/src/testing/sample-format.ts'

const formats = [sampleFormat('AVRO'), sampleFormat('JSON')]

interface Reply {
  readonly status: number
  readonly body: unknown
}

async function call(
  registry: SchemaRegistry,
  method: string,
  path: string,
  body?: unknown,
): Promise<Reply> {
  const response = await fetch(registry.address + path, {
    method,
    ...(body === undefined
      ? {}
      : {
          body: typeof body === 'string' ? body : JSON.stringify(body),
          headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
        }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

describe('a schema registry on a broker', () => {
  let broker: Broker
  const start = (config: Readonly<Record<string, string>> = {}): Promise<SchemaRegistry> =>
    SchemaRegistry.start({
      client: { bootstrapServers: broker.address },
      config: { listeners: 'http://127.0.0.1:0', ...config },
      formats,
    })

  before(async () => {
    broker = await Broker.start()
  })
  after(() => broker.close())

  it('registers, finds and deletes schemas, and keeps them over a restart', async () => {
    const schema = { schema: '{"a": 1}' }
    {
      await using registry = await start()
      assert.deepEqual(await call(registry, 'GET', '/subjects'), { status: 200, body: [] })
      const first = await call(registry, 'POST', '/subjects/s/versions', schema)
      assert.equal(first.status, 200)
      assert.deepEqual(first.body, {
        id: 1,
        version: 1,
        guid: 'bb6cb5c6-8df4-6529-41ca-f652a366f2d8',
        schema: '{"a":1}',
      })
      const second = await call(registry, 'POST', '/subjects/s/versions', { schema: '{"b":1}' })
      assert.equal((second.body as { id: number }).id, 2)
      assert.deepEqual(await call(registry, 'DELETE', '/subjects/s/versions/2'), {
        status: 200,
        body: 2,
      })
      assert.deepEqual(await call(registry, 'DELETE', '/subjects/s/versions/2?permanent=true'), {
        status: 200,
        body: 2,
      })
    }
    await using registry = await start()
    assert.deepEqual((await call(registry, 'GET', '/subjects/s/versions')).body, [1])
    const next = await call(registry, 'POST', '/subjects/s/versions', { schema: '{"c":1}' })
    assert.equal((next.body as { id: number }).id, 3, 'the id of a deleted schema')
    const { body } = await call(registry, 'GET', '/schemas/ids/1?subject=s')
    const { ts, ...rest } = body as { ts: number }
    assert.ok(ts > 0)
    assert.deepEqual(rest, {
      subject: 's',
      version: 1,
      guid: 'bb6cb5c6-8df4-6529-41ca-f652a366f2d8',
      schema: '{"a":1}',
    })
  })

  it('writes the records of the topic as other registries do', async () => {
    const topic = '_schemas_records'
    await using registry = await start({ 'kafkastore.topic': topic })
    const reference = { name: 'A', subject: 'a', version: 1 }
    await call(registry, 'POST', '/subjects/a/versions', { schema: '{"a":1}' })
    await call(registry, 'POST', '/subjects/:.x:b/versions', {
      schema: '{"b":1}',
      schemaType: 'JSON',
      metadata: { properties: { owner: 'me' }, tags: { 'x.y': ['PII'] } },
    })
    await call(registry, 'PUT', '/config', { compatibility: 'full' })
    await call(registry, 'PUT', '/mode/a', { mode: 'readonly' })
    await call(registry, 'POST', '/subjects/c/versions', {
      schema: '{"c":1}',
      references: [reference],
    })
    await call(registry, 'DELETE', '/subjects/c')
    await call(registry, 'DELETE', '/config')
    const records: (readonly [string | undefined, string | undefined])[] = []
    await using consumer = new Consumer({ bootstrapServers: broker.address })
    consumer.assign([{ topic, partition: 0 }])
    consumer.seekToBeginning()
    while (records.length < 9) {
      for (const { keyBytes, valueBytes } of await consumer.poll(1000)) {
        records.push([keyBytes?.toString(), valueBytes?.toString()])
      }
    }
    assert.deepEqual(records, [
      ['{"keytype":"NOOP","magic":0}', undefined],
      [
        '{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}',
        '{"subject":"a","version":1,"id":1,"schema":"{\\"a\\":1}","deleted":false}',
      ],
      [
        '{"keytype":"CONTEXT","tenant":"default","context":".x","magic":0}',
        '{"tenant":"default","context":".x"}',
      ],
      [
        '{"keytype":"SCHEMA","subject":":.x:b","version":1,"magic":1}',
        '{"subject":":.x:b","version":1,"id":1,"schemaType":"JSON","metadata":{"tags":{"x.y":["PII"]},"properties":{"owner":"me"}},"schema":"{\\"b\\":1}","deleted":false}',
      ],
      ['{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"FULL"}'],
      ['{"keytype":"MODE","subject":"a","magic":0}', '{"subject":"a","mode":"READONLY"}'],
      [
        '{"keytype":"SCHEMA","subject":"c","version":1,"magic":1}',
        '{"subject":"c","version":1,"id":2,"references":[{"name":"A","subject":"a","version":1}],"schema":"{\\"c\\":1}","deleted":false}',
      ],
      ['{"keytype":"DELETE_SUBJECT","subject":"c","magic":0}', '{"subject":"c","version":1}'],
      ['{"keytype":"CONFIG","magic":0}', undefined],
    ])
  })

  it('refuses a topic that would lose schemas', async () => {
    await using admin = new Admin({ bootstrapServers: broker.address })
    await admin.createTopics([
      { name: 'two-partitions', numPartitions: 2, configs: { 'cleanup.policy': 'compact' } },
      { name: 'not-compacted', numPartitions: 1 },
    ])
    for (const [topic, message] of [
      ['two-partitions', /topic two-partitions has 2 partitions; it must have 1/],
      ['not-compacted', /topic not-compacted has cleanup\.policy=delete; it must be compact/],
    ] as const) {
      await assert.rejects(start({ 'kafkastore.topic': topic }), message)
    }
  })
})
