// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { nodeWorld } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import { HeldSends } from './held-sends.ts'
import { TransactionStore } from './transaction-store.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-held-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const MEGABYTE = 1024 * 1024
const queue = (name: string, isTemporary = false): Destination =>
  ({ name, isTemporary }) as never as Destination
const [first, second, temporary] = [queue('first'), queue('second'), queue('temporary', true)]

function record(text: string, size = 0): NewRecord {
  return {
    key: text === 'no key' ? null : text,
    value: size < 0 ? null : Buffer.alloc(size, text),
    headers: [
      { key: 'näme', value: text },
      { key: 'amqp', value: Buffer.from([0, 255]) },
    ],
  } as never as NewRecord
}

type Limits = ConstructorParameters<typeof TransactionStore>[0]

function store(limits: Partial<Limits> = {}, hasFiles = true): TransactionStore {
  return new TransactionStore(
    {
      maxBytes: 100 * MEGABYTE,
      maxTotalBytes: 200 * MEGABYTE,
      memoryBytes: 4 * MEGABYTE,
      directory,
      ...limits,
    },
    { fileSystem: hasFiles ? nodeWorld.fileSystem : undefined, random: nodeWorld.random },
  )
}

/** Limits with which everything stays in memory. */
const inMemory = (): TransactionStore => store({ memoryBytes: 1e9 }, false)

/** The contents of the sends, as text to compare. */
function contentOf(sends: HeldSends): string[] {
  const found: string[] = []
  for (const piece of sends.topicSends()) {
    for (const { destination, record: each } of piece) {
      const headers = each.headers.map(
        ({ key, value }) => `${key}=${Buffer.from(value).toString('hex')}`,
      )
      found.push([destination.name, each.key, each.value?.toString(), ...headers].join('|'))
    }
  }
  return found
}

describe('the messages sent in a transaction', () => {
  it('are read repeatedly in order and unchanged, from memory and from files', () => {
    const records = [
      { to: first, it: record('no key', 10) },
      { to: second, it: record('null', -1) },
      { to: temporary, it: record('t', 5) },
      { to: first, it: record('empty', 0) },
      { to: second, it: record('large', 3 * MEGABYTE) },
      ...Array.from({ length: 300 }, (_, i) => ({
        to: i % 3 === 0 ? first : second,
        it: record(`${i}`, 20_000),
      })),
    ]
    const memory = new HeldSends(inMemory())
    const files = store()
    const held = new HeldSends(files)
    const expected: string[] = []
    for (const { to, it: each } of records) {
      held.add(to, each)
      memory.add(to, each)
      const one = new HeldSends(inMemory())
      one.add(to, each)
      expected.push(...contentOf(one))
    }
    assert.ok(files.spilledBytes > 5 * MEGABYTE)
    assert.ok(files.memory < 2 * MEGABYTE, `${files.memory}`)
    assert.deepEqual(contentOf(held), expected)
    assert.deepEqual(contentOf(held), contentOf(memory))
    assert.equal(held.temporary.length, 1)
    assert.equal(held.count, records.length)
    held.clear()
    assert.deepEqual([files.bytes, files.memory, files.spilledBytes], [0, 0, 0])
    assert.deepEqual(readdirSync(directory), [])
  })

  it('use little memory over many small transactions', () => {
    const shared = store({ memoryBytes: 2 * MEGABYTE })
    const all = Array.from({ length: 100 }, () => new HeldSends(shared))
    for (let round = 0; round < 20; round++) {
      for (const each of all) each.add(first, record(`${round}`, 5000))
    }
    assert.ok(shared.bytes > 9 * MEGABYTE)
    assert.ok(shared.memory < 3 * MEGABYTE, `${shared.memory}`)
    for (const each of all) assert.equal(contentOf(each).length, 20)
    for (const each of all.splice(0, 99)) each.clear()
    assert.equal(all[0] === undefined ? 0 : contentOf(all[0]).length, 20)
    all[0]?.clear()
    assert.deepEqual([shared.bytes, shared.memory, shared.spilledBytes], [0, 0, 0])
  })

  it('are refused beyond a limit, with the name of the setting', () => {
    const fill = (sends: HeldSends, to = first): void => {
      for (let i = 0; i < 1000; i++) sends.add(to, record('x', 100_000))
    }
    const shared = store({ maxBytes: 3 * MEGABYTE, maxTotalBytes: 5 * MEGABYTE })
    const held = new HeldSends(shared)
    assert.throws(() => fill(held), {
      code: 'amqp:resource-limit-exceeded',
      message: /amqp\.transaction\.max\.bytes/,
    })
    assert.throws(() => fill(new HeldSends(shared)), /amqp\.transactions\.max\.bytes/)
    assert.throws(
      () => fill(new HeldSends(store()), temporary),
      /amqp\.transactions\.memory\.bytes/,
    )
    const nowhere = store({ directory: join(directory, 'missing') })
    assert.throws(() => fill(new HeldSends(nowhere)), {
      code: 'amqp:resource-limit-exceeded',
      message: /cannot write the transaction to .*missing: ENOENT/,
    })
    assert.throws(() => fill(new HeldSends(store({}, false))), /amqp\.transactions\.memory\.bytes/)
    held.clear()
    shared.close()
    assert.deepEqual(readdirSync(directory), [])
  })
})
