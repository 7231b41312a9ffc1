// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { ProtocolError } from '@millrace/protocol'
import type { StateBatch } from '../coordinator/share/state-batches.ts'
import type { AcknowledgementBatch } from './acknowledgement.ts'
import type { AcquiredRecords, ReadBatch } from './acquisition.ts'
import { DeliveryState, type InFlightBatch, type Range } from './in-flight.ts'
import { SharePartition, type ShareSettings } from './share-partition.ts'

const LOCK_MS = 1000

const settings: ShareSettings = {
  deliveryCountLimit: 5,
  lockDurationMs: LOCK_MS,
  maxLocks: 2000,
  isRenewable: true,
  hasDeadLetterQueue: false,
}

/** States by their names in the tables: available, acquired, acknowledged, archiving, archived. */
const LETTERS = 'AQKGX'

/** A share partition with its log and clock, driven by the syntax of the tables. */
class Bench {
  partition: SharePartition
  nowMs = 100_000
  #logStart: number
  readonly #settings: ShareSettings
  readonly #log: readonly ReadBatch[]

  constructor(options: {
    readonly settings?: Partial<ShareSettings>
    readonly start?: number
    readonly log: readonly ReadBatch[]
  }) {
    this.#settings = { ...settings, ...options.settings }
    this.#log = options.log
    this.partition = new SharePartition(options.start ?? 0)
    this.#logStart = options.start ?? 0
  }

  get text(): string {
    const { partition } = this
    const next = partition.nextFetch({ ...this.#settings, maxLocks: Number.POSITIVE_INFINITY })
    const batches = partition.batches.map(batchText).join(' ')
    return `start=${partition.startOffset} done=${partition.deliveryCompleteCount} next=${next} ${batches}`
  }

  fetch(text: string): AcquiredRecords[] | 'full' | 'end' | 'out of range' {
    const memberId = text.split(' ')[1] ?? ''
    const number = (name: string): number => Number(new RegExp(`${name}=(\\d+)`).exec(text)?.[1])
    const fetchOffset = this.partition.nextFetch(this.#settings)
    if (fetchOffset === undefined) return 'full'
    if (fetchOffset < this.#logStart) {
      this.partition.moveLogStart(this.#logStart)
      return 'out of range'
    }
    const batches = this.#log.filter(({ last }) => last >= fetchOffset).slice(0, number('batches'))
    if (batches.length === 0) return 'end'
    const read = {
      fetchOffset,
      batches,
      maxRecords: number('max'),
      batchSize: number('size'),
      isStrict: text.includes(' strict'),
    }
    return this.partition.acquire(memberId, read, this.#settings, this.nowMs)
  }

  acknowledge(memberId: string, batches: readonly AcknowledgementBatch[]): string {
    try {
      this.partition.acknowledge(memberId, batches, this.#settings, this.nowMs)
      return 'NONE'
    } catch (error) {
      assert.ok(error instanceof ProtocolError)
      return error.code
    }
  }

  pass(ms: number): void {
    const end = this.nowMs + ms
    for (let due = this.partition.nextDueMs; due !== undefined && due <= end; ) {
      this.nowMs = due
      this.partition.expire(this.#settings, due)
      due = this.partition.nextDueMs
    }
    this.nowMs = end
  }

  /** Runs a request of a table; returns its reply. */
  request(text: string): string {
    const [what = '', who = '', ...rest] = text.split(' ')
    switch (what) {
      case 'fetch': {
        const got = this.fetch(text)
        if (typeof got === 'string') return got
        return got.length === 0 ? 'nothing' : acquiredText(got)
      }
      case 'acknowledge':
        return this.acknowledge(who, rest.map(acknowledgementOf))
      case 'release':
        this.partition.release(who, this.#settings)
        return ''
      case 'pass':
        this.pass(Number(who))
        return ''
      case 'log':
        this.#logStart = Number(rest[0])
        this.partition.moveLogStart(this.#logStart)
        return ''
      case 'dead-lettered': {
        const [first = 0, last = 0] = who.split('-').map(Number)
        this.partition.deadLettered({ first, last, deliveryCount: 0, cause: 'rejected' })
        return ''
      }
      case 'restart': {
        const { deliveryCountLimit } = this.#settings
        const batches = (rest[0] ?? '').split(',').filter(Boolean).map(stateOf)
        this.partition = new SharePartition(Number(who), batches, deliveryCountLimit)
        return ''
      }
      default:
        return assert.fail(`a request ${what}`)
    }
  }

  /** Changes that were persisted since the last call. */
  persisted(isWhole: boolean): string {
    const update = this.partition.takeUpdate()
    if (update === undefined) return ''
    const batches = new Map<number, string>()
    for (const { firstOffset, lastOffset, deliveryState, deliveryCount } of update.batches) {
      for (let offset = Number(firstOffset); offset <= Number(lastOffset); offset++) {
        if (!isWhole && offset < this.partition.startOffset) continue
        batches.set(offset, `${LETTERS[deliveryState]}${deliveryCount}`)
      }
    }
    const ranges: { first: number; last: number; what: string }[] = []
    for (const [offset, what] of [...batches].sort(([a], [b]) => a - b)) {
      const before = ranges.at(-1)
      if (before !== undefined && before.what === what && before.last + 1 === offset) {
        before.last = offset
      } else ranges.push({ first: offset, last: offset, what })
    }
    const text = ranges.map(({ first, last, what }) => `${first}-${last}:${what}`).join(',')
    if (!isWhole) return text
    return `start=${update.startOffset} done=${update.deliveryCompleteCount} ${text}`
  }
}

function acquiredText(acquired: readonly AcquiredRecords[]): string {
  return acquired
    .map(({ first, last, deliveryCount }) => `${first}-${last}:${deliveryCount}`)
    .join(',')
}

function batchText({ ranges, isSplit }: InFlightBatch): string {
  const merged: (Pick<Range, 'first' | 'last'> & { what: string })[] = []
  for (const { first, last, state, deliveryCount, memberId } of ranges) {
    const what = `${LETTERS[state]}${deliveryCount}${memberId}`
    const before = merged.at(-1)
    if (before?.what === what) merged[merged.length - 1] = { ...before, last }
    else merged.push({ first, last, what })
  }
  const text = merged.map(({ first, last, what }) => `${first}-${last}:${what}`).join(',')
  return isSplit ? `${text}*` : text
}

/** `0-9:2` releases ten records, `0-1:1,2` accepts one and releases the other. */
function acknowledgementOf(text: string): AcknowledgementBatch {
  const [range = '', types = ''] = text.split(':')
  const [first = 0n, last = 0n] = range.split('-').map(BigInt)
  return {
    firstOffset: first,
    lastOffset: last,
    acknowledgeTypes: types.split(',').map(Number),
  }
}

function stateOf(text: string): StateBatch {
  const [, first = '', last = '', letter = '', count = ''] =
    /^(\d+)-(\d+):(\w)(\d+)$/.exec(text) ?? []
  return {
    firstOffset: BigInt(first),
    lastOffset: BigInt(last),
    deliveryState: LETTERS.indexOf(letter),
    deliveryCount: Number(count),
  }
}

function logOf(text: string): ReadBatch[] {
  return text.split(',').map((batch) => {
    const [, first, last, kind] = /^(\d+)-(\d+)(\w?)$/.exec(batch) ?? []
    return { first: Number(first), last: Number(last), isAborted: kind === 'a' }
  })
}

// Generated by interop/java/SharePartitionTable.java, which drives Kafka's SharePartition: see
// testdata/README.md.
const golden = gunzipSync(
  readFileSync(join(import.meta.dirname, '../../testdata/share-partition-4.4.0.tsv.gz')),
)
  .toString()
  .trimEnd()
  .split('\n')

describe('a share partition behaves as in Apache Kafka 4.4.0', () => {
  const cases: string[][] = []
  for (const line of golden) {
    if (line.startsWith('case ')) cases.push([line])
    else if (!line.startsWith('throttle ')) cases.at(-1)?.push(line)
  }
  for (const [about = '', ...lines] of cases) {
    it(about.split(' log=')[0] as string, () => {
      const value = (name: string): string => new RegExp(`${name}=(\\S+)`).exec(about)?.[1] ?? ''
      const bench = new Bench({
        settings: {
          deliveryCountLimit: Number(value('limit')),
          maxLocks: Number(value('locks')),
          isRenewable: value('renewable') === 'true',
          hasDeadLetterQueue: value('queue') === 'true',
        },
        start: Number(value('start')),
        log: logOf(value('log')),
      })
      for (const [i, line] of lines.entries()) {
        const [request = '', reply, written, state] = line.split('\t')
        const got = bench.request(request)
        const persisted = bench.persisted(request.startsWith('acknowledge'))
        assert.equal(
          [got, persisted, bench.text].join('\t'),
          [reply, written, state].join('\t'),
          `line ${i}: ${request}`,
        )
      }
    })
  }

  it('in more than 5,000 steps', () => assert.ok(golden.length > 5000))

  for (const line of golden) {
    const [about = '', how = '', sequence = ''] = line.split('\t')
    if (!about.startsWith('throttle ')) continue
    it(`${about}, ${how}`, () => {
      const [, limit, size, max] = /limit=(\d+) size=(\d+).* max=(\d+)/.exec(about) ?? []
      const bench = new Bench({
        settings: { deliveryCountLimit: Number(limit) },
        log: [{ first: 0, last: Number(size) - 1, isAborted: false }],
      })
      const strict = about.includes(' strict') ? ' strict' : ''
      const poison = how === 'release all' ? undefined : Number(how.split(' ')[1])
      assert.equal(
        deliveries(bench, `fetch m1${strict} max=${max} size=500 batches=5`, poison),
        sequence,
      )
    })
  }
})

/**
 * Ranges acquired by repeated fetches until all records are done: every record is released, or
 * every record but one is accepted.
 */
function deliveries(bench: Bench, fetch: string, poison?: number): string {
  const sequence: string[] = []
  for (;;) {
    const got = bench.fetch(fetch)
    if (typeof got === 'string' || got.length === 0) return sequence.join(' ')
    sequence.push(acquiredText(got))
    for (const { first, last } of got) {
      const acknowledgeTypes = Array.from({ length: last - first + 1 }, (_, i) =>
        poison === undefined || first + i === poison ? 2 : 1,
      )
      bench.acknowledge('m1', [
        { firstOffset: BigInt(first), lastOffset: BigInt(last), acknowledgeTypes },
      ])
    }
  }
}

describe('the rules of a share partition', () => {
  const log = logOf('0-9,10-19,20-119')
  const one = logOf('0-99')

  /** Requests in sequence, and their replies. */
  const scripts: Readonly<Record<string, string>> = {
    'whole log batches are acquired until the record limit is reached': `
      fetch m1 max=5 size=500 batches=3          0-9:1
      fetch m2 max=15 size=500 batches=3         10-119:1`,
    'a strict record limit is exact, and the rest of the batch stays available': `
      fetch m1 strict max=5 size=500 batches=3   0-4:1
      fetch m2 strict max=8 size=500 batches=3   5-9:1,10-12:1`,
    'released records are delivered again, to any member, before new records': `
      fetch m1 max=5 size=500 batches=1          0-9:1
      acknowledge m1 3-4:2                       NONE
      fetch m2 max=20 size=500 batches=2         3-4:2,10-19:1`,
    'only the member that acquired a record may acknowledge it, once': `
      fetch m1 max=5 size=500 batches=1          0-9:1
      acknowledge m2 0-9:1                       INVALID_RECORD_STATE
      acknowledge m1 2-4:1                       NONE
      acknowledge m1 4-6:1                       INVALID_RECORD_STATE
      acknowledge m1 5-9:1                       NONE`,
    'acknowledging a record that was not acquired is an error; acknowledging one that is long done is not': `
      fetch m1 max=5 size=500 batches=1          0-9:1
      acknowledge m1 8-12:1                      INVALID_REQUEST
      acknowledge m1 0-9:1                       NONE
      fetch m1 max=5 size=500 batches=1          10-19:1
      acknowledge m1 0-9:1                       NONE`,
    'an acquisition lock expires after its duration, a renewed one later': `
      fetch m1 max=5 size=500 batches=1          0-9:1
      pass 600
      acknowledge m1 0-4:4                       NONE
      pass 500
      acknowledge m1 5-9:1                       INVALID_RECORD_STATE
      acknowledge m1 0-4:1                       NONE
      fetch m2 max=5 size=500 batches=1          5-9:2`,
    'records of a member that leaves are released': `
      fetch m1 max=5 size=500 batches=1          0-9:1
      fetch m2 max=5 size=500 batches=1          10-19:1
      release m1
      fetch m2 max=5 size=500 batches=1          0-9:2`,
    'a rejected record is not delivered again': `
      fetch m1 max=5 size=500 batches=1          0-9:1
      acknowledge m1 0-9:2,2,3,2,2,2,2,2,2,2     NONE
      fetch m1 max=9 size=500 batches=1          0-1:2,3-9:2`,
    'records that often failed are delivered alone only with what a fetch reads': `
      fetch m1 max=5 size=500 batches=1          0-9:1
      fetch m1 max=110 size=500 batches=2        10-119:1
      acknowledge m1 25-25:2                     NONE
      fetch m1 max=5 size=500 batches=1          25-25:2
      acknowledge m1 25-25:2                     NONE
      fetch m1 max=5 size=500 batches=1          25-25:3
      acknowledge m1 25-25:2                     NONE
      acknowledge m1 0-9:2                       NONE
      acknowledge m1 12-12:2                     NONE
      fetch m2 max=500 size=500 batches=2        0-9:2,12-12:2`,
    'of a batch whose first records left the log the others are delivered again': `
      fetch m1 max=5 size=500 batches=1          0-9:1
      log start 5
      pass 1001
      fetch m2 max=5 size=500 batches=1          5-9:2
      acknowledge m2 5-9:1                       NONE`,
    'even if only its last record is left': `
      fetch m1 max=5 size=500 batches=1          0-9:1
      log start 9
      pass 1001
      fetch m2 max=5 size=500 batches=1          9-9:2`,
  }
  for (const [rule, script] of Object.entries(scripts)) {
    it(rule, () => {
      const bench = new Bench({ log })
      for (const line of script.trim().split('\n')) {
        const [request = '', reply = ''] = line.trim().split(/ {3,}/)
        assert.equal(bench.request(request), reply, request)
      }
    })
  }

  it('counts no record as done that left the log while it was acquired', () => {
    const bench = new Bench({ log })
    bench.request('fetch m1 max=5 size=500 batches=1')
    bench.request('log start 5')
    bench.request('pass 1001')
    assert.equal(bench.text, 'start=5 done=0 next=5 0-4:X1,5-9:A1*')
  })

  const refusals: readonly (readonly [
    what: string,
    member: string,
    ack: string,
    message: RegExp,
  ])[] = [
    ['a batch of another', 'm2', '0-9:1', /^Member is not the owner of batch record$/],
    ['an offset of another', 'm2', '12-13:1', /^Member is not the owner of offset$/],
    ['a batch that was released', 'm1', '20-29:1', /^The batch .*not in the acquired state\.$/],
    ['an offset that was released', 'm1', '11-11:1', /^The offset .*The offset is not acquired\.$/],
  ]
  for (const [what, member, ack, message] of refusals) {
    it(`says why ${what} cannot be acknowledged`, () => {
      const bench = new Bench({ log: logOf('0-9,10-19,20-29') })
      for (let i = 0; i < 3; i++) bench.request('fetch m1 max=5 size=500 batches=1')
      bench.request('acknowledge m1 11-11:2')
      bench.request('acknowledge m1 20-29:2')
      const batch = acknowledgementOf(ack)
      assert.throws(() => bench.partition.acknowledge(member, [batch], settings, bench.nowMs), {
        code: 'INVALID_RECORD_STATE',
        message,
      })
    })
  }

  it('delivers ever smaller parts of a batch that is released repeatedly, finally single records', () => {
    const sequence = deliveries(new Bench({ log: one }), 'fetch m1 max=500 size=500 batches=1')
    const singles = (first: number, last: number): string[] =>
      Array.from({ length: last - first + 1 }, (_, i) => `${first + i}-${first + i}:5`)
    assert.deepEqual(sequence.split(' '), [
      '0-99:1',
      '0-99:2',
      '0-99:3',
      '0-49:4',
      ...singles(0, 49),
      '50-99:4',
      ...singles(50, 99),
    ])
  })

  it('archives no valid record together with one that crashes its readers', () => {
    const bench = new Bench({ log: one })
    for (;;) {
      const got = bench.fetch('fetch m1 max=500 size=500 batches=1')
      if (typeof got === 'string' || got.length === 0) break
      const hasPoison = got.some(({ first, last }) => first <= 42 && last >= 42)
      for (const { first, last } of got) {
        const batch = { firstOffset: BigInt(first), lastOffset: BigInt(last) }
        bench.acknowledge('m1', [{ ...batch, acknowledgeTypes: [hasPoison ? 2 : 1] }])
      }
      const archived = bench.partition.ranges.filter(
        ({ state }) => state === DeliveryState.Archived,
      )
      assert.ok(archived.every(({ first, last }) => first === 42 && last === 42))
    }
    assert.equal(bench.partition.startOffset, 100)
  })

  it('acquires at most as many records as the group may have in flight', () => {
    const bench = new Bench({ settings: { maxLocks: 100 }, log })
    assert.equal(bench.request('fetch m1 max=500 size=500 batches=3'), '0-119:1')
    assert.equal(bench.request('fetch m1 max=500 size=500 batches=3'), 'full')
    bench.request('acknowledge m1 30-39:2')
    assert.equal(bench.request('fetch m1 max=500 size=500 batches=3'), '30-39:2')
  })

  it('does not deliver records of aborted transactions, but their markers', () => {
    const bench = new Bench({ log: logOf('0-4,5-9a,10-10m') })
    assert.equal(bench.request('fetch m1 max=500 size=500 batches=3'), '0-4:1,10-10:1')
    bench.request('acknowledge m1 0-4:1 10-10:0')
    assert.equal(bench.partition.startOffset, 11)
  })

  it('continues to send records to the dead letter queue after a restart', () => {
    const bench = new Bench({ settings: { hasDeadLetterQueue: true }, log })
    bench.request('fetch m1 max=5 size=500 batches=1')
    bench.request('acknowledge m1 0-1:3 2-9:1')
    assert.equal(bench.persisted(true), 'start=0 done=8 0-1:G1,2-9:K1')
    bench.request('restart 0 0-1:G1,2-9:K1')
    const [undeliverable] = bench.partition.takeUndeliverable()
    assert.deepEqual(undeliverable, { first: 0, last: 1, deliveryCount: 1, cause: 'rejected' })
    assert.equal(bench.partition.startOffset, 0)
    bench.request('dead-lettered 0-1')
    assert.equal(bench.partition.startOffset, 10)
  })
})
