// SPDX-License-Identifier: Apache-2.0
// The registry while its broker or its topic is gone, and over topics of other registries.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createLogger } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { Admin, Producer } from '@millrace/client'
import { SchemaRegistry } from '@millrace/schema-registry'
import { sampleFormat } from '../../packages/schema-registry/src/testing/sample-format.ts'
import { eventually } from './until.ts'

const headers = { 'content-type': 'application/json' }

/** Status and body of a request. */
async function call(
  registry: SchemaRegistry,
  method: string,
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly json: unknown }> {
  const response = await fetch(registry.address + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers }),
  })
  return { status: response.status, json: await response.json() }
}

const schema = (name: string): object => ({ schema: JSON.stringify({ [name]: 1 }) })

function start(
  bootstrapServers: string,
  options: { readonly lines?: string[]; readonly config?: Readonly<Record<string, string>> } = {},
): Promise<SchemaRegistry> {
  const { lines = [], config = {} } = options
  return SchemaRegistry.start({
    client: { bootstrapServers, retryBackoffMaxMs: 100, reconnectBackoffMaxMs: 100 },
    config: { listeners: 'http://127.0.0.1:0', ...config },
    formats: [sampleFormat('AVRO'), sampleFormat('PROTOBUF')],
    logger: createLogger({ now: () => 0, write: (line) => lines.push(line) }),
  })
}

describe('a schema registry without its broker', () => {
  it('serves from memory, refuses writes in time, and continues when the broker returns', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'millrace-registry-outage-'))
    const lines: string[] = []
    let broker = await Broker.start({ dataDirectory })
    try {
      const { address } = broker
      const config = { 'kafkastore.timeout.ms': '1000' }
      await using registry = await start(address, { lines, config })
      assert.equal((await call(registry, 'POST', '/subjects/a/versions', schema('a'))).status, 200)
      await broker.abandon()
      assert.equal((await call(registry, 'GET', '/schemas/ids/1')).status, 200)
      for (let attempt = 0; attempt < 2; attempt++) {
        const refused = await call(registry, 'POST', '/subjects/a/versions', schema('b'))
        assert.equal(refused.status, 500)
        const { error_code: code } = refused.json as { readonly error_code: number }
        // 50004: it may have lost its membership in the group of registries by then.
        assert.ok([50001, 50002, 50004].includes(code), `error_code ${code}`)
      }
      // Finding an existing schema needs no write.
      assert.equal((await call(registry, 'POST', '/subjects/a/versions', schema('a'))).status, 200)
      broker = await Broker.start({ dataDirectory, listen: address })
      await eventually(async () => {
        const found = await call(registry, 'POST', '/subjects/a/versions', schema('b'))
        assert.equal(found.status, 200, JSON.stringify(found.json))
      })
      const { json } = await call(registry, 'GET', '/subjects/a/versions')
      assert.deepEqual(json, [1, 2])
      const outages = lines.filter((line) => line.includes('cannot read topic'))
      assert.ok(outages.length <= 3, outages.join('\n'))
    } finally {
      await broker.close()
      rmSync(dataDirectory, { recursive: true, force: true })
    }
  })

  it('says in time that it cannot start', async () => {
    const started = start('127.0.0.1:1', { config: { 'kafkastore.init.timeout.ms': '300' } })
    await assert.rejects(started, /kafkastore\.init\.timeout\.ms=300|127\.0\.0\.1:1/)
  })
})

describe('a schema registry whose topic is deleted', () => {
  for (const isCreatedAgain of [false, true]) {
    const name = isCreatedAgain ? 'and created again' : 'for good'
    it(`serves from memory and writes nothing: ${name}`, async () => {
      await using broker = await Broker.start()
      const lines: string[] = []
      const config = { 'kafkastore.timeout.ms': '2000' }
      await using registry = await start(broker.address, { lines, config })
      assert.equal((await call(registry, 'POST', '/subjects/a/versions', schema('a'))).status, 200)
      await using admin = new Admin({ bootstrapServers: broker.address })
      await admin.deleteTopics(['_schemas'])
      if (isCreatedAgain) await admin.createTopics([{ name: '_schemas', numPartitions: 1 }])
      const refused = await call(registry, 'POST', '/subjects/a/versions', schema('b'))
      assert.equal(refused.status, 500, JSON.stringify(refused.json))
      assert.equal((await call(registry, 'GET', '/schemas/ids/1')).status, 200)
      const topics = await admin.listTopics({ listInternal: true })
      assert.equal(
        topics.some((topic) => topic.name === '_schemas'),
        isCreatedAgain,
      )
      await eventually(async () => {
        assert.ok(lines.some((line) => line.includes('cannot read topic _schemas')))
      })
      if (isCreatedAgain) {
        await using fresh = await start(broker.address, {
          config: { 'kafkastore.topic.skip.validation': 'true' },
        })
        assert.deepEqual((await call(fresh, 'GET', '/subjects')).json, [])
      }
    })
  }
})

describe('a topic of another registry', () => {
  it('is taken over: ids, deletions, settings and contexts', async () => {
    await using broker = await Broker.start()
    await using admin = new Admin({ bootstrapServers: broker.address })
    await admin.createTopics([
      { name: '_schemas', numPartitions: 1, configs: { 'cleanup.policy': 'compact' } },
    ])
    await using producer = new Producer({ bootstrapServers: broker.address })
    const value = (subject: string, version: number, id: number, more = ''): string =>
      `{"subject":"${subject}","version":${version},"id":${id},"schema":"{\\"v${id}\\":1}","deleted":false${more}}`
    const key = (subject: string, version: number): string =>
      `{"keytype":"SCHEMA","subject":"${subject}","version":${version},"magic":1}`
    const records: readonly (readonly [key: string, value: string | null])[] = [
      ['{"keytype":"NOOP","magic":0}', null],
      ['{"keytype":"CONFIG","subject":null,"magic":0}', '{"compatibilityLevel":"NONE"}'],
      [key('a', 1), value('a', 1, 1)],
      [key('a', 2), value('a', 2, 2, ',"schemaType":"AVRO"')],
      ['{"keytype":"DELETE_SUBJECT","subject":"a","magic":0}', '{"subject":"a","version":2}'],
      [key('a', 3), value('a', 3, 5, ',"references":[{"name":"n","subject":"b","version":1}]')],
      [key('b', 1), value('b', 1, 4)],
      [
        '{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}',
        '{"tenant":"default","context":".c"}',
      ],
      [key(':.c:a', 1), value(':.c:a', 1, 7)],
      ['{"keytype":"MODE","subject":"b","magic":0}', '{"subject":"b","mode":"READONLY"}'],
      ['not json', 'not json'],
      [
        '{"keytype":"ASSOC","tenant":"default","resourceName":"t","resourceNamespace":"-","resourceType":"topic","associationType":"value","subject":"a","magic":0}',
        '{"tenant":"default","resourceName":"t","resourceNamespace":"-","resourceId":"x","resourceType":"topic","associationType":"value","subject":"a","lifecycle":"WEAK"}',
      ],
    ]
    for (const [recordKey, recordValue] of records) {
      await producer.send({ topic: '_schemas', key: recordKey, value: recordValue })
    }
    await using registry = await start(broker.address)
    for (const [path, expected] of [
      ['/subjects', [':.c:a', 'a', 'b']],
      ['/subjects/a/versions', [3]],
      ['/subjects/a/versions?deleted=true', [1, 2, 3]],
      ['/subjects/b/versions/1/referencedby', [5]],
      ['/config', { compatibilityLevel: 'NONE' }],
      ['/mode/b', { mode: 'READONLY' }],
      ['/contexts', ['.', '.c']],
      ['/schemas/ids/7/subjects?subject=:.c:', [':.c:a']],
      [
        '/associations/resources/-/t?resourceType=topic&associationType=value',
        [
          {
            resourceName: 't',
            resourceNamespace: '-',
            resourceId: 'x',
            resourceType: 'topic',
            associationType: 'value',
            subject: 'a',
            lifecycle: 'WEAK',
          },
        ],
      ],
    ] as const) {
      assert.deepEqual((await call(registry, 'GET', path)).json, expected, path)
    }
    const next = await call(registry, 'POST', '/subjects/z/versions', schema('z'))
    assert.equal((next.json as { readonly id: number }).id, 6)
    const inContext = await call(registry, 'POST', '/subjects/:.c:z/versions', schema('z'))
    assert.equal((inContext.json as { readonly id: number }).id, 8)
  })
})
