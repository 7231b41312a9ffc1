// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Effects } from '../runtime/effects.ts'
import {
  decodeTransactionRecord,
  encodeTransactionRecord,
  type Transaction,
  type TransactionStateName,
} from './transaction.ts'
import {
  isPrepared,
  type Outcome,
  type TransactionEffects,
  TransactionShard,
} from './transaction-shard.ts'

const ID = 't'
const START_MS = 1000
const NOW_MS = 2000
/** Producer ids by their names in the tables. */
const producerIds: Readonly<Record<string, bigint>> = {
  same: 100n,
  previous: 90n,
  fresh: 200n,
  other: 7n,
  '-1': -1n,
}

function nameOf(producerId: bigint): string {
  const found = Object.entries(producerIds).find(([, id]) => id === producerId)
  return found?.[0] ?? String(producerId)
}

function idOf(name = ''): bigint {
  const id = producerIds[name]
  assert.ok(id !== undefined, `a producer id named ${name}`)
  return id
}

/** A shard with one transactional id; formats its decisions as text. */
class Bench {
  readonly shard: TransactionShard
  readonly written: string[] = []
  nowMs = NOW_MS

  constructor(serverVersion = 2) {
    this.shard = new TransactionShard(() => serverVersion)
  }

  set(start: {
    readonly state: TransactionStateName
    readonly epoch: number
    readonly lastEpoch: number
    readonly previous: string
    readonly isPending: boolean
  }): void {
    const { state, epoch, lastEpoch, previous, isPending } = start
    const isOpen = state === 'Ongoing' || isPrepared(state)
    const transaction: Transaction = {
      transactionalId: ID,
      state,
      producerId: idOf('same'),
      previousProducerId: idOf(previous),
      nextProducerId: -1n,
      producerEpoch: epoch,
      lastProducerEpoch: lastEpoch,
      timeoutMs: 60_000,
      partitions: isOpen ? new Map([['t', new Set([0])]]) : new Map(),
      startMs: state === 'Empty' ? -1 : START_MS,
      updatedMs: START_MS,
      clientVersion: 2,
    }
    this.shard.transactions.set(ID, transaction)
    if (isPrepared(state)) this.shard.prepared.add(ID)
    else if (isPending) this.shard.unwritten.set(ID, transaction)
  }

  /** Runs a step and makes it durable; completes what it prepared. */
  step<T>(run: (fx: TransactionEffects) => T): T {
    const fx: TransactionEffects = new Effects()
    const result = run(fx)
    this.carryOut(fx)
    return result
  }

  carryOut(fx: TransactionEffects): void {
    for (const record of fx.records) {
      const { key, value } = encodeTransactionRecord(record)
      this.shard.apply(decodeTransactionRecord(key, value))
      this.shard.written(ID)
      const transaction = this.shard.transactions.get(ID)
      if (transaction !== undefined) this.written.push(textOf(transaction))
      if (transaction !== undefined && isPrepared(transaction.state)) {
        this.step((next) => this.shard.complete(next, transaction, this.nowMs))
      }
    }
  }

  /** Runs a request in the syntax of the tables: `commit same 5 client=2`. */
  request(text: string): string {
    const [what = '', producer, epochText, ...rest] = text.split(' ')
    const clientVersion = Number(/client=(\d)/.exec(text)?.[1] ?? 0)
    const freshProducerId = idOf('fresh')
    const identity = () => ({
      transactionalId: ID,
      producerId: idOf(producer),
      producerEpoch: Number(epochText),
    })
    const partition = Number(rest[0]?.slice(2))
    switch (what) {
      case 'init': {
        const expected = producer === undefined ? undefined : identity()
        const request = { transactionalId: ID, timeoutMs: 60_000, expected, freshProducerId }
        const outcome = this.step((fx) => this.shard.initProducerId(fx, request, this.nowMs))
        return outcomeText(outcome, true)
      }
      case 'add': {
        const request = {
          ...identity(),
          partitions: new Map([['t', new Set([partition])]]),
          clientVersion,
        }
        return this.step((fx) => this.shard.addPartitions(fx, request, this.nowMs))
      }
      case 'verify':
        return this.shard.verify(identity(), 't', partition)
      case 'commit':
      case 'abort': {
        const request = {
          ...identity(),
          isCommitted: what === 'commit',
          clientVersion,
          freshProducerId,
        }
        const outcome = this.step((fx) => this.shard.end(fx, request, this.nowMs))
        return outcomeText(outcome, clientVersion >= 2)
      }
      case 'time-out': {
        const open = this.shard.transactions.get(ID)
        if (open === undefined) return ''
        const { producerId, startMs } = open
        const timer = { kind: 'timeout', transactionalId: ID, producerId, startMs } as const
        this.carryOut(this.shard.expire(timer, this.nowMs))
        if (this.shard.isOverdue(timer)) {
          this.step((fx) => this.shard.timeOut(fx, timer, freshProducerId, this.nowMs))
        }
        return ''
      }
      default:
        return assert.fail(`a request ${what}`)
    }
  }
}

function outcomeText(outcome: Outcome, hasProducer: boolean): string {
  if (outcome.error !== 'NONE') return outcome.error
  return hasProducer ? `NONE ${nameOf(outcome.producerId)} ${outcome.producerEpoch}` : 'NONE'
}

function textOf(transaction: Transaction): string {
  const state = transaction.state.replace(/(?<=.)[A-Z]/, '_$&').toUpperCase()
  const partitions = [...transaction.partitions].flatMap(([topic, indexes]) =>
    [...indexes].sort().map((index) => `${topic}-${index}`),
  )
  return [
    state,
    nameOf(transaction.producerId),
    `${transaction.producerEpoch}/${transaction.lastProducerEpoch}`,
    `previous=${nameOf(transaction.previousProducerId)}`,
    `next=${nameOf(transaction.nextProducerId)}`,
    `partitions=${partitions.join(',')}`,
    `started=${transaction.startMs !== -1}`,
    `client=${transaction.clientVersion}`,
  ].join(' ')
}

const stateNames: Readonly<Record<string, TransactionStateName>> = {
  EMPTY: 'Empty',
  ONGOING: 'Ongoing',
  PREPARE_COMMIT: 'PrepareCommit',
  PREPARE_ABORT: 'PrepareAbort',
  COMPLETE_COMMIT: 'CompleteCommit',
  COMPLETE_ABORT: 'CompleteAbort',
}

describe('the transaction coordinator decides as Apache Kafka 4.4.0', () => {
  // Generated by interop/java/TransactionTable.java, which drives Kafka's TransactionCoordinator:
  // see testdata/README.md.
  const file = join(import.meta.dirname, '../../../testdata/transaction-coordinator-4.4.0.tsv')
  const [, ...rows] = readFileSync(file, 'utf8').trimEnd().split('\n')
  const starts = Map.groupBy(rows, (row) => row.split('\t').slice(0, 4).join('\t'))
  for (const [start, lines] of starts) {
    const [server = '', state = '', epochs = '', pending = ''] = start.split('\t')
    const [epoch, lastEpoch, previous = ''] = epochs.split('/')
    it(`transaction.version ${server}, ${state} ${epochs}, pending: ${pending}`, () => {
      for (const line of lines) {
        const [request = '', reply, written] = line.split('\t').slice(4)
        const bench = new Bench(Number(server))
        const name = stateNames[state]
        if (name !== undefined) {
          bench.set({
            state: name,
            epoch: Number(epoch),
            lastEpoch: Number(lastEpoch),
            previous,
            isPending: pending === 'yes',
          })
        }
        assert.equal(
          `${bench.request(request)}\t${bench.written.join('; ')}`,
          `${reply}\t${written ?? ''}`,
          request,
        )
      }
    })
  }
  it('in more than 1,500 cells', () => assert.ok(rows.length > 1500))
})

describe('the rules of a transactional id', () => {
  /** Requests to one id in sequence, and their replies. */
  const scripts: Readonly<Record<string, string>> = {
    'a new id starts at epoch 0; each later InitProducerId increases the epoch, which fences the producer before it': `
      init                       NONE fresh 0
      init                       NONE fresh 1
      add fresh 0 t-0 client=2   PRODUCER_FENCED
      add fresh 1 t-0 client=2   NONE`,
    'a client of transaction version 2 gets a new epoch at every end': `
      init                       NONE fresh 0
      add fresh 0 t-0 client=2   NONE
      commit fresh 0 client=2    NONE fresh 1
      add fresh 1 t-0 client=2   NONE
      abort fresh 1 client=2     NONE fresh 2`,
    'a repeated EndTxn gets the same reply after a lost one; the opposite outcome is an error': `
      init                       NONE fresh 0
      add fresh 0 t-0 client=2   NONE
      commit fresh 0 client=2    NONE fresh 1
      commit fresh 0 client=2    NONE fresh 1
      abort fresh 0 client=2     INVALID_TXN_STATE`,
    'version 2: an abort without a transaction bumps the epoch, a commit is an error': `
      init                       NONE fresh 0
      commit fresh 0 client=2    INVALID_TXN_STATE
      abort fresh 0 client=2     NONE fresh 1`,
    'a client older than version 2 keeps its epoch': `
      init                       NONE fresh 0
      add fresh 0 t-0 client=0   NONE
      commit fresh 0 client=0    NONE
      commit fresh 0 client=0    NONE
      abort fresh 0 client=0     INVALID_TXN_STATE
      add fresh 0 t-0 client=0   NONE`,
    'InitProducerId aborts an open transaction and has to be repeated': `
      init                       NONE fresh 0
      add fresh 0 t-0 client=2   NONE
      init                       CONCURRENT_TRANSACTIONS
      init                       NONE fresh 2
      commit fresh 0 client=2    PRODUCER_FENCED`,
    'a producer that sends its epoch gets the next one (KIP-360), also when it repeats the request': `
      init                       NONE fresh 0
      init fresh 0               NONE fresh 1
      init fresh 0               NONE fresh 1
      init fresh 1               NONE fresh 2
      init fresh 0               PRODUCER_FENCED
      init other 2               PRODUCER_FENCED`,
    'after a time-out the producer is fenced': `
      init                       NONE fresh 0
      add fresh 0 t-0 client=2   NONE
      time-out                   -
      add fresh 0 t-0 client=2   PRODUCER_FENCED
      verify fresh 0 t-0         PRODUCER_FENCED
      init                       NONE fresh 2`,
    'only partitions that were added may be written to': `
      init                       NONE fresh 0
      verify fresh 0 t-0         TRANSACTION_ABORTABLE
      add fresh 0 t-0 client=0   NONE
      verify fresh 0 t-0         NONE
      verify fresh 0 t-1         TRANSACTION_ABORTABLE`,
  }
  for (const [rule, script] of Object.entries(scripts)) {
    it(rule, () => {
      const bench = new Bench()
      for (const line of script.trim().split('\n')) {
        const [request = '', reply = ''] = line.trim().split(/ {3,}/)
        assert.equal(bench.request(request) || '-', reply, request)
      }
    })
  }

  it('a new producer id is allocated when the epochs of the current one are exhausted', () => {
    const bench = new Bench()
    bench.set({
      state: 'Ongoing',
      epoch: 32766,
      lastEpoch: 32765,
      previous: 'same',
      isPending: false,
    })
    assert.equal(bench.request('commit same 32766 client=2'), 'NONE fresh 0')
    // The reply was lost: the old id is still valid.
    assert.equal(bench.request('commit same 32766 client=2'), 'NONE fresh 0')
    assert.equal(bench.request('add same 32766 t-0 client=2'), 'INVALID_PRODUCER_ID_MAPPING')
    assert.equal(bench.request('add fresh 0 t-0 client=2'), 'NONE')
  })

  it('returns CONCURRENT_TRANSACTIONS for either epoch while markers are being written', () => {
    const bench = new Bench()
    bench.set({ state: 'PrepareCommit', epoch: 6, lastEpoch: 5, previous: 'same', isPending: true })
    for (const epoch of [5, 6]) {
      for (const request of [
        'init',
        `init same ${epoch}`,
        `add same ${epoch} t-0 client=2`,
        `commit same ${epoch} client=2`,
        `abort same ${epoch} client=2`,
      ]) {
        assert.equal(bench.request(request), 'CONCURRENT_TRANSACTIONS', request)
      }
    }
  })

  it('retries a time-out if a record is not durable yet', () => {
    const bench = new Bench()
    bench.set({ state: 'Ongoing', epoch: 5, lastEpoch: 4, previous: 'same', isPending: true })
    const producerId = idOf('same')
    const timer = { kind: 'timeout', transactionalId: ID, producerId, startMs: START_MS } as const
    const fx = bench.shard.expire(timer, NOW_MS)
    assert.deepEqual(fx.records, [])
    assert.deepEqual(fx.timers, [{ kind: 'set', key: ID, dueMs: NOW_MS + 100, event: timer }])
  })

  it('adds partitions of further topics to a transaction', () => {
    const bench = new Bench()
    bench.request('init')
    bench.request('add fresh 0 t-0 client=2')
    const identity = { transactionalId: ID, producerId: idOf('fresh'), producerEpoch: 0 }
    const added = bench.step((fx) =>
      bench.shard.addPartitions(
        fx,
        { ...identity, partitions: new Map([['u', new Set([3])]]), clientVersion: 2 },
        NOW_MS,
      ),
    )
    assert.equal(added, 'NONE')
    assert.equal(bench.shard.verify(identity, 'u', 3), 'NONE')
    assert.equal(bench.shard.verify(identity, 't', 0), 'NONE')
    assert.equal(bench.written.length, 3, 'a record for each change')
  })

  it('never times out a two-phase commit transaction', () => {
    const shard = new TransactionShard(() => 2)
    const fx: TransactionEffects = new Effects()
    const timeoutMs = 0x7fffffff
    const expected = undefined
    const request = { transactionalId: ID, timeoutMs, expected, freshProducerId: idOf('fresh') }
    shard.initProducerId(fx, request, NOW_MS)
    for (const record of fx.records) {
      const { key, value } = encodeTransactionRecord(record)
      shard.apply(decodeTransactionRecord(key, value))
    }
    shard.written(ID)
    const open: TransactionEffects = new Effects()
    const identity = { transactionalId: ID, producerId: idOf('fresh'), producerEpoch: 0 }
    const partitions = new Map([['t', new Set([0])]])
    shard.addPartitions(open, { ...identity, partitions, clientVersion: 2 }, NOW_MS)
    assert.deepEqual(open.timers, [{ kind: 'cancel', key: ID }])
  })
})
