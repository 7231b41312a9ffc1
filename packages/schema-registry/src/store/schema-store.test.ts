// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogger, MillraceError, nodeWorld, silentLogger } from '@millrace/base'
import { type Registered, register } from '../registry/register.ts'
import { type EncodedRecord, encodeRecord } from '../registry/registry-record.ts'
import { sampleFormat } from '../testing/sample-format.ts'
import { SchemaStore, type SchemaStoreOptions } from './schema-store.ts'
import type { SchemaTopic, TopicListener } from './schema-topic.ts'

/** What becomes of an append. */
type Fate = 'written' | 'lost' | 'writtenThenFails' | 'fails later' | 'too large'

/** A topic in memory whose appends can fail. */
class MemoryTopic implements SchemaTopic {
  readonly records: { readonly key: Buffer | null; readonly value: Buffer | null }[] = []
  readonly fates: Fate[] = []
  /** Records of failed appends that arrive before the next one. */
  #late: readonly EncodedRecord[] = []
  readonly #followers: { readonly listener: TopicListener; passed: number }[] = []

  add(key: string | null, value: string | null): void {
    this.records.push({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
    })
    this.#pass()
  }

  end(): Promise<bigint> {
    return Promise.resolve(BigInt(this.records.length))
  }

  follow(listener: TopicListener): void {
    this.#followers.push({ listener, passed: 0 })
    this.#pass()
  }

  #pass(): void {
    setImmediate(() => {
      for (const follower of this.#followers) {
        const { listener } = follower
        for (const record of this.records.slice(follower.passed)) {
          listener.onRecord({ offset: BigInt(follower.passed++), timestampMs: 5, ...record })
        }
        listener.onPosition(BigInt(follower.passed))
      }
    })
  }

  async append(records: readonly EncodedRecord[]): Promise<bigint> {
    const fate = this.fates.shift() ?? 'written'
    await nodeWorld.clock.yield()
    for (const { key, value } of this.#late) this.add(key, value)
    this.#late = []
    if (fate === 'too large') throw new MillraceError('MESSAGE_TOO_LARGE', 'too large')
    if (fate === 'lost') throw new MillraceError('NOT_ENOUGH_REPLICAS', 'no replicas')
    if (fate === 'fails later') {
      this.#late = records
      throw new MillraceError('MILLRACE_DELIVERY_TIMEOUT', 'no reply')
    }
    for (const { key, value } of records) this.add(key, value)
    if (fate === 'writtenThenFails') {
      throw new MillraceError('MILLRACE_DELIVERY_TIMEOUT', 'no reply')
    }
    return BigInt(this.records.length - 1)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

async function open(
  topic: MemoryTopic,
  options: Partial<SchemaStoreOptions> = {},
): Promise<SchemaStore> {
  const store = new SchemaStore({
    topic,
    formats: [sampleFormat()],
    defaults: {
      settings: { compatibilityLevel: 'NONE' },
      mode: 'READWRITE',
      validateFields: false,
      validateNewSchemas: false,
    },
    timeoutMs: 10_000,
    initTimeoutMs: 10_000,
    clock: nodeWorld.clock,
    logger: silentLogger,
    ...options,
  })
  await store.load()
  return store
}

function add(store: SchemaStore, subject: string, schema: string): Promise<Registered> {
  const request = {
    schema,
    schemaType: 'AVRO',
    references: [],
    metadata: undefined,
    ruleSet: undefined,
    id: undefined,
    version: 0,
  }
  return store.change([`subject ${subject}`, `schema ${schema}`], (tools) =>
    register(tools, subject, request, { normalize: false, force: false, nextId: tools.nextId }),
  )
}

describe('the store of schemas', () => {
  it('writes nothing while another registry leads, and then continues its ids', async () => {
    const topic = new MemoryTopic()
    let isLeader = true
    const first = await open(topic, { mayWrite: () => isLeader })
    const second = await open(topic)
    assert.equal((await add(first, 'a', '{"a":1}')).id, 1)
    isLeader = false
    second.mayHaveChanged()
    assert.equal((await add(second, 'b', '{"b":1}')).id, 2)
    const { length } = topic.records
    await assert.rejects(add(first, 'a', '{"a":2}'), { errorCode: 50004 })
    await assert.rejects(add(first, 'c', '{"c":1}'), { errorCode: 50004 })
    assert.equal(topic.records.length, length)
    isLeader = true
    first.mayHaveChanged()
    assert.ok((await add(first, 'c', '{"c":1}')).id > 2)
    assert.equal((await add(first, 'd', '{"b":1}')).id, 2, 'the schema of the other registry')
  })

  const failures: Readonly<Record<string, { readonly fate: Fate; readonly code: number }>> = {
    'a write that was lost': { fate: 'lost', code: 50001 },
    'a write that was done although it failed': { fate: 'writtenThenFails', code: 50002 },
    'a write that arrives after it failed': { fate: 'fails later', code: 50002 },
    'a schema that is too large for the topic': { fate: 'too large', code: 42209 },
  }
  for (const [name, { fate, code }] of Object.entries(failures)) {
    it(`survives ${name}`, async () => {
      const topic = new MemoryTopic()
      const store = await open(topic)
      assert.equal((await add(store, 'a', '{"a":1}')).id, 1)
      topic.fates.push(fate)
      await assert.rejects(add(store, 'b', '{"b":1}'), { errorCode: code })
      const other = await add(store, 'c', '{"c":1}')
      const again = await add(store, 'b', '{"b":1}')
      const ids = [other.id, again.id]
      assert.equal(new Set([1, ...ids]).size, 3, `an id was assigned twice: 1, ${ids}`)
      // Another registry that reads the topic sees the same.
      const reader = await open(topic)
      for (const [subject, id] of [
        ['a', 1],
        ['b', again.id],
        ['c', other.id],
      ] as const) {
        assert.equal(reader.state.latest(subject)?.id, id)
        assert.equal(store.state.latest(subject)?.id, id)
      }
    })
  }

  it('decides on what was written by a failed write', async () => {
    const topic = new MemoryTopic()
    const store = await open(topic)
    topic.fates.push('written', 'fails later')
    await assert.rejects(add(store, 'a', '{"a":1}'), { errorCode: 50002 })
    // The record arrives with the next write, which is a no-op: the retry finds its schema.
    const { id, version } = await add(store, 'a', '{"a":1}')
    assert.deepEqual({ id, version }, { id: 1, version: 1 })
    assert.equal(store.state.versions('a', 'all').length, 1)
  })

  it('gives a schema another id if a second writer took the first one', async () => {
    const topic = new MemoryTopic()
    const [one, two] = [await open(topic), await open(topic)]
    await add(one, 'first', '{"f":1}')
    await add(two, 'second', '{"s":1}')
    // Both assign id 3 at the same time.
    const [a, b] = await Promise.all([add(one, 'a', '{"a":1}'), add(two, 'b', '{"b":1}')])
    assert.notEqual(a.id, b.id)
    const reader = await open(topic)
    assert.equal(reader.state.latest('a')?.id, a.id)
    assert.equal(reader.state.latest('b')?.id, b.id)
  })

  it('assigns the ids of concurrent registrations once', async () => {
    const store = await open(new MemoryTopic())
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, i) => add(store, `s${i % 20}`, `{"a":${i % 100}}`)),
    )
    const bySchema = new Map(replies.map(({ schema, id }) => [schema, id]))
    assert.equal(new Set(bySchema.values()).size, 100)
    for (const { schema, id } of replies) assert.equal(bySchema.get(schema), id)
  })

  it('assigns no id or version of more than 32 bits', async () => {
    const topic = new MemoryTopic()
    const last = 2 ** 31 - 1
    for (const [subject, version, id] of [
      ['a', 1, last - 1],
      [':.c:b', last, 1],
    ] as const) {
      topic.add(
        JSON.stringify({ keytype: 'SCHEMA', subject, version, magic: 1 }),
        JSON.stringify({ subject, version, id, schema: '{"x":1}' }),
      )
    }
    const store = await open(topic)
    assert.equal((await add(store, 'a', '{"a":1}')).id, last)
    await assert.rejects(add(store, 'a', '{"a":2}'), { errorCode: 42205 })
    await assert.rejects(add(store, ':.c:b', '{"a":2}'), { errorCode: 42201 })
    const reader = await open(topic)
    assert.equal(reader.state.latest('a')?.id, last)
  })

  it('acknowledges no record that it cannot read', async () => {
    const topic = new MemoryTopic()
    const store = await open(topic)
    await add(store, 'a', '{"a":1}')
    const entry = store.state.latest('a')
    assert.ok(entry !== undefined)
    for (const broken of [{ id: 2 ** 31 }, { id: -1 }, { id: 1.5 }]) {
      const value = { ...entry, subject: 'b', ...broken }
      const records = [{ kind: 'schema', subject: 'b', version: 1, value } as const]
      const written = store.change('all', () => ({ records, reply: 'done' }))
      await assert.rejects(written, { errorCode: 50001 })
      assert.equal(topic.records.at(-1)?.value, null, 'the record is removed')
      assert.equal(store.state.latest('b'), undefined)
    }
  })

  it('skips records that are not readable, and logs them', async () => {
    const topic = new MemoryTopic()
    const garbage: readonly (readonly [string | null, string | null])[] = [
      [null, '{}'],
      ['', null],
      ['no json', 'no json'],
      ['[]', '[]'],
      ['"text"', '{}'],
      ['{"keytype":"SCHEMA"}', '{}'],
      ['{"keytype":"SCHEMA","subject":"a","version":"x","magic":1}', '{}'],
      ['{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}', '{"subject":"a"}'],
      ['{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}', '[1'],
      ['{"keytype":"SCHEMA","subject":"a","version":0,"magic":1}', '{"id":1,"schema":"{}"}'],
      ['{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}', '{"id":-1,"schema":"{}"}'],
      [
        '{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}',
        '{"id":2147483648,"schema":"{}"}',
      ],
      ['{"keytype":"MODE","magic":0}', '{"mode":"SIDEWAYS"}'],
      ['{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"SIDEWAYS"}'],
      ['{"keytype":"DELETE_SUBJECT","subject":"a","magic":0}', '{}'],
      ['{"keytype":{},"magic":0}', '{}'],
      [`{"keytype":"${'x'.repeat(100_000)}"}`, '{}'],
    ]
    for (const [key, value] of garbage) topic.add(key, value)
    topic.add('{"keytype":"SOMETHING_NEW","subject":"a"}', '{"a":1}')
    const { key, value } = encodeRecord({ kind: 'mode', subject: 'a', value: 'READONLY' })
    topic.add(key, value)
    const lines: string[] = []
    const logger = createLogger({ now: () => 0, write: (line) => lines.push(line) })
    const store = await open(topic, { logger })
    assert.equal(store.state.mode('a'), 'READONLY')
    assert.equal(store.state.mode('b'), 'READWRITE')
    assert.deepEqual(store.state.subjects(':*:', 'all'), [])
    const logged = lines.filter((line) => /is not readable; it is skipped/.test(line))
    assert.equal(logged.length, garbage.length - 1, 'all but the unknown type')
    assert.equal((await add(store, 'b', '{"b":1}')).id, 1)
  })

  it('reads records in the forms of older registries', async () => {
    const topic = new MemoryTopic()
    topic.add('{"magic":0,"keytype":"CONFIG","subject":null}', '{"compatibilityLevel":"FULL"}')
    topic.add(
      '{"subject":"a","version":1,"magic":0,"keytype":"SCHEMA"}',
      '{"subject":"a","version":1,"id":7,"schema":"{}"}',
    )
    topic.add(
      '{"keytype":"SCHEMA","subject":"b","version":1,"magic":1}',
      '{"subject":"b","version":1,"id":8,"md5":"71JOoLkecxc9k4reNsHbMg==","schemaType":"AVRO","references":[],"metadata":null,"ruleSet":null,"schema":"{\\"b\\":1}","deleted":false,"offset":3,"ts":9}',
    )
    const store = await open(topic)
    assert.equal(store.state.ownSettings('')?.compatibilityLevel, 'FULL')
    assert.equal(store.state.latest('a')?.id, 7)
    assert.equal(store.state.latest('b')?.guid, 'ef524ea0-b91e-7317-3d93-8ade36c1db32')
    assert.equal((await add(store, 'c', '{"c":1}')).id, 9)
    // The older key is removed, or compaction would keep its value beside that of the new key.
    await store.change('all', () => ({
      records: [{ kind: 'config', subject: '', value: null }],
      reply: undefined,
    }))
    const last = topic.records.slice(-2).map(({ key, value }) => [String(key), value])
    assert.deepEqual(last, [
      ['{"magic":0,"keytype":"CONFIG","subject":null}', null],
      ['{"keytype":"CONFIG","magic":0}', null],
    ])
  })
})
