// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorName, ProtocolError } from '@millrace/protocol'
import type { Topics } from '../../topics.ts'
import { type AdmissionRules, TransactionAdmission } from './transaction-admission.ts'
import type { TransactionCoordinator } from './transaction-coordinator.ts'
import { TransactionMarkers } from './transaction-markers.ts'

const producer = { transactionalId: 'tx', producerId: 7n, producerEpoch: 0 }
const implicit: AdmissionRules = { isImplicit: true, knowsAbortable: true }
const explicit: AdmissionRules = { isImplicit: false, knowsAbortable: true }

/** Partitions of topic `t`, and a coordinator that answers as a test says. */
class Bench {
  /** Partitions with an open transaction of the producer. */
  readonly open = new Set<number>()
  verifies = true
  added: ErrorName = 'NONE'
  verified: ErrorName = 'NONE'
  readonly calls: string[] = []
  /** Additions wait for this. */
  gate: Promise<void> = Promise.resolve()
  readonly admission: TransactionAdmission

  constructor() {
    const topics: Pick<Topics, 'partition'> = {
      partition: (_topic, index) =>
        ({
          log: { producers: { hasOpenTransaction: () => this.open.has(index) } },
        }) as unknown as ReturnType<Topics['partition']>,
    }
    const coordinator: Pick<TransactionCoordinator, 'addPartitions' | 'verify'> = {
      addPartitions: async ({ partitions }) => {
        this.calls.push(`add ${[...(partitions.get('t') ?? [])].join(' ')}`)
        await this.gate
        return this.added
      },
      verify: (_request, _topic, index) => {
        this.calls.push(`verify ${index}`)
        return this.verified
      },
    }
    this.admission = new TransactionAdmission({
      coordinator: coordinator as TransactionCoordinator,
      topics: topics as Topics,
      verifies: () => this.verifies,
    })
  }

  /** `at once`, `later`, or the error. */
  async admit(indexes: readonly number[], rules: AdmissionRules): Promise<string> {
    const partitions = indexes.map((partition) => ({ topic: 't', partition }))
    try {
      const admitted = this.admission.admit(producer, partitions, rules)
      await admitted
      return admitted === undefined ? 'at once' : 'later'
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error))
      return error.code
    }
  }
}

describe('a transactional write', () => {
  it('into partitions of the open transaction is admitted at once, without the coordinator', async () => {
    for (const rules of [implicit, explicit]) {
      const bench = new Bench()
      bench.open.add(0).add(1)
      assert.equal(await bench.admit([0, 1], rules), 'at once')
      assert.deepEqual(bench.calls, [])
    }
  })

  it('adds partitions implicitly with transaction.version 2: those that are missing', async () => {
    const bench = new Bench()
    bench.open.add(1)
    assert.equal(await bench.admit([0, 1, 2], implicit), 'later')
    assert.deepEqual(bench.calls, ['add 0 2', 'verify 0', 'verify 2'])
  })

  it('into partitions that were added explicitly is only verified', async () => {
    const bench = new Bench()
    assert.equal(await bench.admit([0, 1], explicit), 'at once')
    assert.deepEqual(bench.calls, ['verify 0', 'verify 1'])
  })

  it('is not verified if transaction.partition.verification.enable is false', async () => {
    const bench = new Bench()
    bench.verifies = false
    bench.verified = 'TRANSACTION_ABORTABLE'
    assert.equal(await bench.admit([0], explicit), 'at once')
    assert.deepEqual(bench.calls, [])
  })

  const knowing = { knowsAbortable: true }
  const old = { knowsAbortable: false }
  const errors: readonly (readonly [
    error: ErrorName,
    rules: AdmissionRules,
    told: ErrorName,
    why: string,
  ])[] = [
    ['PRODUCER_FENCED', implicit, 'INVALID_PRODUCER_EPOCH', 'the producer may abort (KIP-588)'],
    ['PRODUCER_FENCED', explicit, 'INVALID_PRODUCER_EPOCH', 'the producer may abort (KIP-588)'],
    ['TRANSACTION_ABORTABLE', { isImplicit: false, ...knowing }, 'TRANSACTION_ABORTABLE', ''],
    ['TRANSACTION_ABORTABLE', { isImplicit: false, ...old }, 'INVALID_TXN_STATE', 'an old client'],
    ['CONCURRENT_TRANSACTIONS', implicit, 'CONCURRENT_TRANSACTIONS', ''],
    [
      'CONCURRENT_TRANSACTIONS',
      explicit,
      'NOT_ENOUGH_REPLICAS',
      'old clients retry it without a request for metadata',
    ],
    ['INVALID_PRODUCER_ID_MAPPING', implicit, 'INVALID_PRODUCER_ID_MAPPING', ''],
    ['COORDINATOR_NOT_AVAILABLE', implicit, 'COORDINATOR_NOT_AVAILABLE', ''],
  ]
  for (const [error, rules, told, why] of errors) {
    it(`${error} of the coordinator, implicit ${rules.isImplicit}: ${told} ${why}`, async () => {
      const bench = new Bench()
      if (rules.isImplicit) bench.added = error
      else bench.verified = error
      assert.equal(await bench.admit([0], rules), told)
    })
  }

  it('is refused if the transaction ended while the partition was added', async () => {
    const bench = new Bench()
    bench.verified = 'TRANSACTION_ABORTABLE'
    assert.equal(await bench.admit([0], implicit), 'TRANSACTION_ABORTABLE')
    assert.deepEqual(bench.calls, ['add 0', 'verify 0'])
  })
})

describe('writes of one producer', () => {
  it('stay in order: a later one waits for one that adds a partition', async () => {
    const bench = new Bench()
    const { promise, resolve } = Promise.withResolvers<void>()
    bench.gate = promise
    bench.open.add(1)
    const order: string[] = []
    const first = bench.admit([0], implicit).then((how) => order.push(`first ${how}`))
    const second = bench.admit([1], implicit).then((how) => order.push(`second ${how}`))
    await Promise.resolve()
    assert.deepEqual(order, [])
    resolve()
    await Promise.all([first, second])
    assert.deepEqual(order, ['first later', 'second later'])
    assert.equal(await bench.admit([1], implicit), 'at once', 'nothing is pending any more')
  })

  it('are decided on their own after one that was refused', async () => {
    const bench = new Bench()
    bench.added = 'PRODUCER_FENCED'
    const first = bench.admit([0], implicit)
    bench.open.add(1)
    const second = bench.admit([1], implicit)
    assert.deepEqual([await first, await second], ['INVALID_PRODUCER_EPOCH', 'later'])
  })
})

describe('the marker of a transaction for one partition', () => {
  const marker = { producerId: 7n, producerEpoch: 0 } as Parameters<TransactionMarkers['write']>[2]

  /** Markers over a partition whose log does as a test says. */
  function markersWith(append: () => { lastOffset: bigint }, acknowledged: string[] = []) {
    const topics = {
      partition: (topic: string) => {
        if (topic === 'gone') throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION', 'gone')
        return {
          leaderEpoch: 4,
          log: {
            appendMarker: append,
            acknowledged: async (offset: bigint) => void acknowledged.push(String(offset)),
          },
        }
      },
    }
    const groups = {
      endTransaction: async (index: number) => void acknowledged.push(`groups ${index}`),
    }
    return new TransactionMarkers({
      topics,
      groups,
      clock: { now: () => 5 },
    } as unknown as ConstructorParameters<typeof TransactionMarkers>[0])
  }

  it('is durable before the write resolves', async () => {
    const acknowledged: string[] = []
    await markersWith(() => ({ lastOffset: 9n }), acknowledged).write('t', 0, marker)
    assert.deepEqual(acknowledged, ['10'])
  })

  it('of committed offsets is written by the group coordinator', async () => {
    const acknowledged: string[] = []
    const markers = markersWith(() => assert.fail('not into the log'), acknowledged)
    await markers.write('__consumer_offsets', 3, marker)
    assert.deepEqual(acknowledged, ['groups 3'])
  })

  const errors: readonly (readonly [ErrorName, isMoot: boolean, why: string])[] = [
    ['UNKNOWN_TOPIC_OR_PARTITION', true, 'the partition is gone'],
    ['INVALID_PRODUCER_EPOCH', true, 'the partition is past this transaction'],
    ['TRANSACTION_COORDINATOR_FENCED', true, 'a later coordinator has written it'],
    ['KAFKA_STORAGE_ERROR', false, 'the marker is still needed'],
    ['NOT_LEADER_OR_FOLLOWER', false, 'the marker is still needed'],
  ]
  for (const [code, isMoot, why] of errors) {
    it(`${code} ${isMoot ? 'needs no marker' : 'is retried'}: ${why}`, async () => {
      const markers = markersWith(() => {
        throw new ProtocolError(code, code)
      })
      const needed = markers.writeIfNeeded('t', 0, marker)
      if (isMoot) await needed
      else await assert.rejects(needed, { code })
      await assert.rejects(
        markers.write('t', 0, marker),
        { code },
        'other callers receive the error',
      )
    })
  }

  it('of a program error is not swallowed', async () => {
    const markers = markersWith(() => {
      throw new TypeError('x')
    })
    await assert.rejects(markers.writeIfNeeded('t', 0, marker), TypeError)
    await markersWith(() => assert.fail()).writeIfNeeded('gone', 0, marker)
  })
})
