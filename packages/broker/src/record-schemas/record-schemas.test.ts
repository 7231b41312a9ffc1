// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeWorld, silentLogger } from '@millrace/base'
import { buildBatch, type NewRecord, RecordBatch } from '@millrace/protocol'
import { InvalidRecordsError } from '../log/produce-validation.ts'
import { RecordSchemas } from './record-schemas.ts'
import type { SchemaQuestion, SchemaRules } from './schema-lookup.ts'

const guid = 'ef524ea1-b91e-7317-3d93-8ade36c1db32'
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll('-', ''), 'hex')

function batchOf(...records: Partial<NewRecord>[]): RecordBatch {
  return new RecordBatch(
    buildBatch(
      records.map((record) => ({
        timestamp: 0n,
        key: null,
        value: null,
        headers: [],
        ...record,
      })),
    ),
  )
}

/** A registry with some ids; questions wait until `answer` is called. */
class Registry {
  readonly asked: SchemaQuestion[] = []
  readonly #answers: (() => void)[] = []
  readonly #known: readonly (number | string)[]
  error: Error | undefined
  isHeld = false
  now = 0

  constructor(...known: (number | string)[]) {
    this.#known = known
  }

  async isRegistered(question: SchemaQuestion): Promise<boolean> {
    this.asked.push(question)
    if (this.isHeld) await new Promise<void>((resolve) => this.#answers.push(resolve))
    if (this.error !== undefined) throw this.error
    return this.#known.includes(question.id)
  }

  answer(): void {
    this.#answers.shift()?.()
  }

  open(): RecordSchemas {
    const clock = { ...nodeWorld.clock, monotonic: () => this.now }
    return new RecordSchemas(this, { clock, logger: silentLogger })
  }
}

const about = (rules: SchemaRules, partition = 't-0') => ({ topic: 't', partition, rules })
const value: SchemaRules = { value: 'topic' }

describe('schemas of records', () => {
  it('must be there and registered', async () => {
    const header = (name: string, hex: string) => ({
      headers: [{ key: name, value: bytes(hex) }],
    })
    const cases: readonly (readonly [
      string,
      SchemaRules,
      Partial<NewRecord>,
      RegExp | undefined,
    ])[] = [
      ['a registered id', value, { value: bytes('0000000007aa') }, undefined],
      ['an id without a payload', value, { value: bytes('0000000007') }, undefined],
      ['a registered GUID', value, { value: bytes(`01${guid}aa`) }, undefined],
      [
        'a GUID in the header',
        value,
        { value: bytes('aa'), ...header('__value_schema_id', `01${guid}`) },
        undefined,
      ],
      ['a tombstone', value, {}, undefined],
      [
        'the key of another rule',
        value,
        { key: bytes('aa'), value: bytes('0000000007') },
        undefined,
      ],
      ['no rule', {}, { value: bytes('aa') }, undefined],
      [
        'an unknown id',
        value,
        { value: bytes('0000000008aa') },
        /value of the record has schema 8, which is not/,
      ],
      [
        'text',
        value,
        { value: Buffer.from('{"a":1}') },
        /value of the record does not start with a schema id/,
      ],
      ['a short id', value, { value: bytes('00000000') }, /does not start/],
      ['a short GUID', value, { value: bytes('01ef') }, /does not start/],
      ['no bytes', value, { value: Buffer.alloc(0) }, /does not start/],
      [
        'the header of the key',
        value,
        { value: bytes('aa'), ...header('__key_schema_id', `01${guid}`) },
        /does not start/,
      ],
      [
        'a key',
        { key: 'record' },
        { key: bytes('0000000008') },
        /key of the record .* strategy record/,
      ],
    ]
    for (const [name, rules, record, expected] of cases) {
      const schemas = new Registry(7, guid).open()
      const checking = Promise.resolve().then(() => schemas.check(batchOf(record), about(rules)))
      if (expected === undefined) await assert.doesNotReject(checking, name)
      else {
        await assert.rejects(checking, (error: unknown) => {
          assert.ok(error instanceof InvalidRecordsError, name)
          assert.equal(error.code, 'INVALID_RECORD')
          assert.equal(error.recordErrors.length, 1)
          assert.match(error.recordErrors[0]?.message ?? '', expected, name)
          return true
        })
      }
    }
  })

  it('name each record that is refused', async () => {
    const schemas = new Registry(7).open()
    const batch = batchOf(
      { value: bytes('0000000007') },
      { value: bytes('0000000008') },
      { value: bytes('aa') },
    )
    await assert.rejects(
      schemas.check(batch, about(value)) ?? Promise.resolve(),
      (error: unknown) => {
        assert.ok(error instanceof InvalidRecordsError)
        assert.deepEqual(
          error.recordErrors.map(({ batchIndex }) => batchIndex),
          [1, 2],
        )
        return true
      },
    )
  })

  it('are looked up once if registered, and again after a second if not', async () => {
    const registry = new Registry(7)
    const schemas = registry.open()
    const check = async (hex: string): Promise<void> => {
      try {
        await schemas.check(batchOf({ value: bytes(hex) }), about(value))
      } catch (error) {
        assert.ok(error instanceof InvalidRecordsError)
      }
    }
    for (const hex of ['0000000007', '0000000007', '0000000008', '0000000008']) await check(hex)
    assert.deepEqual(
      registry.asked.map(({ id }) => id),
      [7, 8],
    )
    registry.now = 1001
    for (const hex of ['0000000007', '0000000008']) await check(hex)
    assert.deepEqual(
      registry.asked.map(({ id }) => id),
      [7, 8, 8],
    )
    assert.equal(schemas.check(batchOf({ value: bytes('0000000007') }), about(value)), undefined)
  })

  it('are checked in order of arrival within a partition', async () => {
    const registry = new Registry(7, 8)
    const schemas = registry.open()
    await schemas.check(batchOf({ value: bytes('0000000007') }), about(value))
    registry.isHeld = true
    const done: string[] = []
    const follow = (name: string, checking: Promise<void> | undefined): Promise<void> =>
      (checking ?? Promise.resolve()).then(() => void done.push(name))
    const slow = follow(
      'slow',
      schemas.check(batchOf({ value: bytes('0000000008') }), about(value)),
    )
    const quick = follow(
      'quick',
      schemas.check(batchOf({ value: bytes('0000000007') }), about(value)),
    )
    const other = schemas.check(batchOf({ value: bytes('0000000007') }), about(value, 't-1'))
    assert.equal(other, undefined, 'another partition does not wait')
    await new Promise(setImmediate)
    assert.deepEqual(done, [])
    registry.answer()
    await Promise.all([slow, quick])
    assert.deepEqual(done, ['slow', 'quick'])
    registry.isHeld = false
    await new Promise(setImmediate)
    assert.equal(schemas.check(batchOf({ value: bytes('0000000007') }), about(value)), undefined)
  })

  it('are refused for a while if the registry does not answer, and not forever', async () => {
    const registry = new Registry(7)
    const schemas = registry.open()
    registry.error = new Error('connect ECONNREFUSED')
    const batch = batchOf({ value: bytes('0000000007') })
    await assert.rejects(schemas.check(batch, about(value)) ?? Promise.resolve(), {
      code: 'REQUEST_TIMED_OUT',
      message: /cannot be checked: connect ECONNREFUSED/,
    })
    registry.error = undefined
    await schemas.check(batch, about(value))
    await new Promise(setImmediate)
    assert.equal(schemas.check(batch, about(value)), undefined)
  })

  it('of one hostile batch are not all asked at once', async () => {
    const registry = new Registry()
    registry.isHeld = true
    const schemas = registry.open()
    const records = Array.from({ length: 1000 }, (_, i) => ({
      value: bytes(`00${i.toString(16).padStart(8, '0')}`),
    }))
    const checking = schemas.check(batchOf(...records), about(value)) ?? Promise.resolve()
    checking.catch(() => {})
    let answered = 0
    while (answered < records.length) {
      await new Promise(setImmediate)
      assert.ok(registry.asked.length <= answered + 16)
      registry.answer()
      answered += 1
    }
    await assert.rejects(checking, InvalidRecordsError)
  })
})
