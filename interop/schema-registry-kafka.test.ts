// SPDX-License-Identifier: Apache-2.0
// The schema registry over Apache Kafka: the same requests as over millrace have the same replies,
// and leave the same records in the topic, which the registry reads again over the other broker.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Admin, Consumer, Producer } from '@millrace/client'
import { SchemaRegistry } from '@millrace/schema-registry'
import { type Peer, startKafka, startMillrace } from './peers.ts'

type Step = readonly [method: string, path: string, body?: object]

const record = (...fields: readonly string[]): object => ({
  schema: JSON.stringify({
    type: 'record',
    name: 'R',
    fields: fields.map((name) => ({ name, type: 'int', default: 0 })),
  }),
})

const steps: readonly Step[] = [
  ['GET', '/subjects'],
  ['POST', '/subjects/a/versions', record('a')],
  ['POST', '/subjects/a/versions', record('a', 'b')],
  ['POST', '/subjects/:.c:a/versions', record('a')],
  ['PUT', '/config/a', { compatibility: 'full_transitive' }],
  ['PUT', '/mode/:.c:', { mode: 'READONLY' }],
  ['POST', '/subjects/:.c:a/versions', record('c')],
  ['DELETE', '/subjects/a/versions/2'],
  ['DELETE', '/subjects/a/versions/2?permanent=true'],
  ['POST', '/subjects/a/versions', record('a', 'c')],
  ['POST', '/subjects/b/versions', record('a')],
  ['DELETE', '/subjects/b'],
  ['GET', '/subjects?deleted=true'],
  ['GET', '/schemas/ids/1/versions?deleted=true'],
  ['GET', '/contexts'],
]

function start(bootstrapServers: string): Promise<SchemaRegistry> {
  return SchemaRegistry.start({
    client: { bootstrapServers },
    config: { listeners: 'http://127.0.0.1:0' },
  })
}

async function reply(registry: SchemaRegistry, [method, path, body]: Step): Promise<string> {
  const response = await fetch(registry.address + path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return `${method} ${path}: ${response.status} ${await response.text()}`
}

type Row = readonly [key: string | null, value: string | null]

async function rows(bootstrapServers: string): Promise<Row[]> {
  await using consumer = new Consumer({ bootstrapServers })
  const partition = { topic: '_schemas', partition: 0 }
  const [end = 0n] = await consumer.endOffsets([partition])
  consumer.assign([partition])
  consumer.seekToBeginning()
  const found: Row[] = []
  while ((await consumer.position(partition)) < end) {
    for (const { keyBytes, valueBytes } of await consumer.poll(1000)) {
      found.push([keyBytes?.toString() ?? null, valueBytes?.toString() ?? null])
    }
  }
  return found
}

describe('a schema registry over Apache Kafka', () => {
  let kafka: Peer
  let millrace: Peer
  before(async () => {
    ;[kafka, millrace] = await Promise.all([startKafka(), startMillrace()])
  })
  after(async () => {
    await Promise.all([kafka?.[Symbol.asyncDispose](), millrace?.[Symbol.asyncDispose]()])
  })

  it('replies and writes as over millrace, and each reads the topic of the other', async () => {
    const replies: string[][] = []
    const topics: Row[][] = []
    for (const { address } of [kafka, millrace]) {
      await using registry = await start(address)
      const found: string[] = []
      for (const step of steps) found.push(await reply(registry, step))
      replies.push(found)
      topics.push(await rows(address))
    }
    assert.deepEqual(replies[0], replies[1])
    assert.deepEqual(topics[0], topics[1])
    assert.ok(
      replies[0]?.some((each) => each.includes('"id":3,"version":2')),
      'ids continue',
    )
    // The records of Kafka's topic, in a new one of millrace.
    await using admin = new Admin({ bootstrapServers: millrace.address })
    await admin.deleteTopics(['_schemas'])
    await admin.createTopics([
      { name: '_schemas', numPartitions: 1, configs: { 'cleanup.policy': 'compact' } },
    ])
    await using producer = new Producer({ bootstrapServers: millrace.address })
    for (const [key, value] of topics[0] ?? []) {
      await producer.send({ topic: '_schemas', partition: 0, key, value })
    }
    await using before = await start(kafka.address)
    await using moved = await start(millrace.address)
    for (const step of steps.filter(([method]) => method === 'GET')) {
      assert.equal(await reply(moved, step), await reply(before, step))
    }
  })
})
