// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import * as p from '@millrace/protocol'
import { seededRandom } from '@millrace/testkit'
import {
  ACCEPT,
  type Acknowledged,
  type Acquired,
  REJECT,
  RELEASE,
  ShareScript,
} from './share-script.ts'

/** A sequence of requests with a separate group. */
export interface ShareCase {
  readonly name: string
  /** Configurations of the group. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>
  /** Partitions of the topic; default 1. */
  readonly partitions?: number
  run(script: ShareScript): Promise<void>
}

const RENEW = [4]
const LOCK_MS = 1000
/** Delivery limits; the unit test covers all of them. */
const LIMITS = [2, 3, 4, 5, 6, 10]
const PARALLEL = 8
/** Long enough for a configuration change or the end of a session to take effect. */
const SETTLE_MS = 200

function all(acquired: readonly Acquired[], types: readonly number[]): Acknowledged[] {
  return acquired.map(({ first, last }) => ({ first, last, types }))
}

/** Like `all`, but releases one record. */
function allBut(acquired: readonly Acquired[], poison: number): Acknowledged[] {
  return acquired.map(({ first, last }) => {
    if (poison < first || poison > last) return { first, last, types: ACCEPT }
    const types = Array.from({ length: last - first + 1 }, (_, i) => (first + i === poison ? 2 : 1))
    return { first, last, types }
  })
}

/**
 * Fetches repeatedly, and acknowledges acquired records in separate requests: whether Kafka
 * acquires records at once that the same request releases is random.
 */
async function redeliver(
  script: ShareScript,
  answer: (acquired: readonly Acquired[], round: number) => Acknowledged[],
  { rounds = 30, ...request }: { rounds?: number; maxRecords?: number; mode?: number } = {},
): Promise<void> {
  let acquired = await script.fetch('m', 0, request)
  for (let round = 1; round < rounds && acquired.length > 0; round++) {
    await script.acknowledge('m', 2 * round - 1, { acks: answer(acquired, round) })
    acquired = await script.fetch('m', 2 * round, request)
  }
  await script.describe()
}

/** Delivery of records that are released repeatedly, in ever smaller parts. */
function throttled(): ShareCase[] {
  const layouts: Readonly<Record<string, readonly number[]>> = {
    '1x120': [120],
    '4x25': [25, 25, 25, 25],
    '7,1,16,3': [7, 1, 16, 3],
    '1x5': [5],
  }
  const cases: ShareCase[] = []
  for (const limit of LIMITS) {
    for (const [layout, batches] of Object.entries(layouts)) {
      for (const mode of [0, 1]) {
        cases.push({
          name: `limit ${limit}, batches ${layout}, mode ${mode}, all released`,
          configs: { 'share.delivery.count.limit': limit },
          async run(script) {
            await script.begin()
            for (const size of batches) await script.produce(size)
            await redeliver(script, (acquired) => all(acquired, RELEASE), {
              mode,
              maxRecords: mode === 1 ? 50 : 500,
            })
          },
        })
      }
      cases.push({
        name: `limit ${limit}, batches ${layout}, one is poison`,
        configs: { 'share.delivery.count.limit': limit },
        async run(script) {
          await script.begin()
          for (const size of batches) await script.produce(size)
          await redeliver(script, (acquired) => allBut(acquired, 3))
        },
      })
    }
  }
  return cases
}

/** Acknowledgements of other types. */
function answers(): ShareCase[] {
  const mixed = (acquired: readonly Acquired[], round: number): Acknowledged[] =>
    acquired.map(({ first, last }) => ({
      first,
      last,
      types: Array.from({ length: last - first + 1 }, (_, i) => ((first + i + round) % 3) + 1),
    }))
  const gaps = (acquired: readonly Acquired[]): Acknowledged[] => all(acquired, [0])
  const every: Readonly<
    Record<string, (acquired: readonly Acquired[], n: number) => Acknowledged[]>
  > = {
    accepted: (acquired) => all(acquired, ACCEPT),
    rejected: (acquired) => all(acquired, REJECT),
    gaps,
    mixed,
  }
  return Object.entries(every).map(([name, answer]) => ({
    name: `batches of 10 and 40: ${name}`,
    async run(script) {
      await script.begin()
      for (const size of [10, 40, 10, 40]) await script.produce(size)
      await redeliver(script, answer, { maxRecords: 30 })
    },
  }))
}

/** Acknowledgements that are invalid, late, or of records that were not acquired. */
const acknowledgements: readonly ShareCase[] = [
  ...[1, 2].flatMap((version) =>
    [
      [],
      [{ first: 0, last: 4, types: [] }],
      [{ first: 4, last: 0, types: ACCEPT }],
      [{ first: 0, last: 4, types: [1, 1] }],
      [{ first: 0, last: 4, types: [1, 1, 2, 2, 3, 3] }],
      [{ first: 0, last: 4, types: [5] }],
      [{ first: 0, last: 4, types: [-1] }],
      [{ first: 0, last: 4, types: RENEW }],
      [{ first: 0, last: 4, types: [1, 1, 4, 1, 1] }],
      [
        { first: 5, last: 9, types: ACCEPT },
        { first: 0, last: 4, types: ACCEPT },
      ],
      [
        { first: 0, last: 4, types: ACCEPT },
        { first: 4, last: 6, types: ACCEPT },
      ],
      [
        { first: 0, last: 4, types: ACCEPT },
        { first: 3, last: 6, types: ACCEPT },
      ],
      [{ first: 0, last: 20, types: ACCEPT }],
      [{ first: 8, last: 12, types: ACCEPT }],
      [{ first: 50, last: 60, types: ACCEPT }],
      [{ first: -5, last: 2, types: ACCEPT }],
      [{ first: 0, last: 0, types: [0] }],
    ].map(
      (acks): ShareCase => ({
        name: `v${version} acknowledges ${acks.map(({ first, last, types }) => `${first}-${last}=${types}`).join(' ') || 'nothing'}`,
        async run(script) {
          await script.begin()
          await script.produce(10)
          await script.fetch('m', 0, { version })
          await script.acknowledge('m', 1, { acks, version })
          await script.fetch('m', 2, { acks, version })
          await script.acknowledge('other', 0, { acks, version })
          await script.fetch('other', 0, { version, acks })
          await script.fetch('other', 0, { version })
          await script.acknowledge('other', 1, { acks, version })
          await script.describe()
        },
      }),
    ),
  ),
  {
    name: 'acknowledges twice',
    async run(script) {
      await script.begin()
      await script.produce(10)
      await script.fetch('m', 0)
      for (let i = 1; i < 4; i++) {
        await script.acknowledge('m', i, { acks: [{ first: 3, last: 6, types: ACCEPT }] })
      }
      await script.acknowledge('m', 4, { acks: [{ first: 0, last: 3, types: ACCEPT }] })
      await script.acknowledge('m', 5, { acks: [{ first: 0, last: 2, types: ACCEPT }] })
      await script.acknowledge('m', 6, { acks: [{ first: 0, last: 2, types: RELEASE }] })
      await script.describe()
    },
  },
  {
    name: 'acknowledges an unknown partition and an unknown topic',
    async run(script) {
      await script.begin()
      await script.produce(10)
      await script.fetch('m', 0)
      const acks = [{ first: 0, last: 9, types: ACCEPT }]
      await script.acknowledge('m', 1, { acks, partitions: [3] })
      await script.acknowledge('m', 2, { acks, topicId: 'AAAAAAAAAAAAAAAAAAAAaQ' })
      await script.fetch('m', 3, { acks, partitions: [3] })
      await script.fetch('m', 4, { acks, topicId: 'AAAAAAAAAAAAAAAAAAAAaQ' })
      await script.fetch('m', 5, { partitions: [] })
      await script.fetch('m', 6, { partitions: [], forgotten: [3] })
      await script.fetch('m', 7, { partitions: [] })
    },
  },
  {
    name: 'acknowledges records that another member has acquired',
    async run(script) {
      await script.begin()
      await script.produce(10)
      await script.produce(10)
      await script.fetch('a', 0, { maxRecords: 10 })
      await script.fetch('b', 0, { maxRecords: 10 })
      const acks = [{ first: 5, last: 14, types: ACCEPT }]
      await script.acknowledge('a', 1, { acks })
      await script.acknowledge('b', 1, { acks })
      await script.acknowledge('a', 2, { acks: [{ first: 0, last: 9, types: ACCEPT }] })
      await script.acknowledge('b', 2, { acks: [{ first: 10, last: 19, types: RELEASE }] })
      await script.fetch('a', 3, {})
      await script.describe()
    },
  },
]

/** Requests with every session epoch. */
const sessions: readonly ShareCase[] = [
  ...[-2, -1, 0, 1, 2, 5, 2147483647].flatMap((epoch) =>
    ['none', 'open', 'ended', 'of another member'].map(
      (state): ShareCase => ({
        name: `epoch ${epoch}, session ${state}`,
        async run(script) {
          await script.begin()
          await script.produce(10)
          const set = async (): Promise<void> => {
            if (state === 'open' || state === 'ended') await script.fetch('m', 0)
            if (state === 'ended') await script.acknowledge('m', -1)
            if (state === 'of another member') await script.fetch('other', 0)
          }
          await set()
          await script.fetch('m', epoch)
          await script.fetch('m', epoch === -1 ? 0 : epoch + 1)
          await script.acknowledge('m', -1)
          await script.disconnect('m')
          await script.disconnect('other')
          await sleep(SETTLE_MS)
          await set()
          await script.acknowledge('m', epoch, { acks: [{ first: 0, last: 1, types: ACCEPT }] })
          await script.acknowledge('m', epoch === -1 ? -1 : epoch + 1)
          await script.acknowledge('m', 1)
        },
      }),
    ),
  ),
  ...[
    ['no group', { group: null }],
    ['group ""', { group: '' }],
    ['no member', { member: null }],
    ['member ""', { member: '' }],
    ['member of 36 characters', { member: 'm'.repeat(36) }],
    ['member of 37 characters', { member: 'm'.repeat(37) }],
    ['no records', { maxRecords: 0 }],
    ['negative records', { maxRecords: -1 }],
    ['no bytes', { maxBytes: 0 }],
    ['one byte', { maxBytes: 1 }],
    ['negative bytes', { maxBytes: -1 }],
    ['batches of 0', { batchSize: 0 }],
    ['batches of 1', { batchSize: 1 }],
    ['batches of 3', { batchSize: 3 }],
    ['mode 1', { mode: 1, maxRecords: 3 }],
    ['mode 2', { mode: 2 }],
    ['mode -1', { mode: -1 }],
    ['minBytes', { minBytes: 1_000_000, maxWaitMs: 100 }],
    ['minBytes of -1', { minBytes: -1 }],
    ['renewal in a first fetch', { isRenewal: true }],
    ['acknowledgement in a first fetch', { acks: [{ first: 0, last: 1, types: ACCEPT }] }],
  ].map(
    ([name, request]): ShareCase => ({
      name: `a request with ${name}`,
      async run(script) {
        await script.begin()
        await script.produce(10)
        await script.produce(10)
        await script.fetch('m', 0, request as object)
        await script.fetch('m', 1, request as object)
        await script.acknowledge('m', 2, request as object)
        await script.acknowledge('m', -1, request as object)
      },
    }),
  ),
  {
    name: 'a session of several partitions',
    partitions: 4,
    async run(script) {
      const partitions = [0, 1, 2, 3]
      await script.begin(0, partitions)
      await script.fetch('before', 0, { partitions })
      for (const partition of partitions) await script.produce(10, { partition })
      await script.fetch('m', 0, { partitions: [0, 1] })
      await script.fetch('m', 1, { partitions: [] })
      await script.fetch('m', 2, { partitions: [2] })
      await script.fetch('m', 3, { partitions: [3], forgotten: [0] })
      await script.produce(10, { partition: 0 })
      await script.produce(10, { partition: 1 })
      await script.fetch('m', 4, { partitions: [] })
      await script.fetch('m', 5, { partitions: [0] })
      await script.fetch('m', 6, { partitions: [0], forgotten: [0] })
      await script.fetch('m', 7, { partitions: [1], acks: [{ first: 0, last: 9, types: ACCEPT }] })
      await script.fetch('m', 8, { partitions: [7] })
      await script.fetch('m', 9, { partitions: [] })
      await script.fetch('m', -1, {
        partitions: [1],
        acks: [{ first: 10, last: 12, types: ACCEPT }],
      })
      await script.describe(partitions)
      await script.fetch('n', 0, { partitions: [1, 2], maxRecords: 15 })
      await script.fetch('n', 1, { partitions: [3], maxRecords: 15 })
      await script.fetch('n', 2, { partitions: [], maxRecords: 15 })
    },
  },
  {
    name: 'a session that ends releases its records',
    async run(script) {
      await script.begin()
      await script.produce(10)
      await script.fetch('a', 0)
      await script.acknowledge('a', 1, { acks: [{ first: 0, last: 2, types: ACCEPT }] })
      await script.acknowledge('a', -1, { acks: [{ first: 3, last: 3, types: REJECT }] })
      await script.fetch('b', 0)
      script.disconnect('b')
      await script.fetch('c', 0, { maxWaitMs: 2000 })
      await script.fetch('c', -1, { acks: [{ first: 4, last: 9, types: ACCEPT }] })
      await script.describe()
    },
  },
  {
    name: 'a session is replaced',
    async run(script) {
      await script.begin()
      await script.produce(10)
      await script.fetch('a', 0)
      await script.fetch('a', 0)
      await script.acknowledge('a', 1, { acks: [{ first: 0, last: 9, types: ACCEPT }] })
      await script.fetch('a', 2)
      await script.describe()
    },
  },
]

/** Acquisition locks and their renewal. */
const locks: readonly ShareCase[] = [
  {
    name: 'locks expire, finally one record at a time',
    configs: { 'share.record.lock.duration.ms': LOCK_MS, 'share.delivery.count.limit': 4 },
    async run(script) {
      await script.begin()
      await script.produce(8)
      let acquired = await script.fetch('m', 0)
      for (let i = 1; i < 7 && acquired.length > 0; i++) {
        await script.acknowledge('m', i, { acks: [] })
        const before = script.lines.length
        acquired = await script.fetch('n', i - 1, { maxWaitMs: 3 * LOCK_MS })
        if (script.lines.length !== before + 1) throw new Error('not noted')
      }
      await script.describe()
    },
  },
  {
    name: 'a record whose lock has expired cannot be acknowledged',
    configs: { 'share.record.lock.duration.ms': LOCK_MS },
    async run(script) {
      await script.begin()
      await script.produce(4)
      await script.fetch('m', 0)
      await script.fetch('n', 0, { maxWaitMs: 3 * LOCK_MS, maxRecords: 1, mode: 1 })
      await script.acknowledge('m', 1, { acks: [{ first: 1, last: 3, types: ACCEPT }] })
      await script.acknowledge('m', 2, { acks: [{ first: 0, last: 0, types: ACCEPT }] })
      await script.acknowledge('m', 3, {
        acks: [{ first: 0, last: 0, types: RENEW }],
        isRenewal: true,
      })
      await script.describe()
    },
  },
  {
    name: 'a renewed lock lasts longer',
    configs: { 'share.record.lock.duration.ms': 2 * LOCK_MS },
    async run(script) {
      await script.begin()
      await script.produce(4)
      await script.fetch('m', 0)
      const acks = [{ first: 0, last: 1, types: RENEW }]
      let epoch = 1
      for (; epoch < 7; epoch++) {
        await sleep(LOCK_MS / 2)
        await script.acknowledge('m', epoch, { acks, isRenewal: true })
      }
      await script.fetch('n', 0, { maxWaitMs: 100 })
      await script.acknowledge('m', epoch++, { acks: [{ first: 0, last: 1, types: ACCEPT }] })
      await script.acknowledge('m', epoch++, { acks: [{ first: 2, last: 3, types: ACCEPT }] })
      await script.describe()
    },
  },
  {
    name: 'invalid renewals',
    async run(script) {
      await script.begin()
      await script.produce(6)
      await script.fetch('m', 0)
      const acks = [{ first: 0, last: 1, types: RENEW }]
      await script.acknowledge('m', 1, { acks })
      await script.acknowledge('m', 2, { acks, isRenewal: true })
      await script.fetch('m', 3, { acks, isRenewal: true })
      const nothing = { maxRecords: 0, maxBytes: 0, minBytes: 0, maxWaitMs: 0 }
      await script.fetch('m', 3, { acks, isRenewal: true, ...nothing })
      await script.fetch('m', 4, { acks, isRenewal: true, ...nothing, maxRecords: 1 })
      await script.fetch('m', 4, { acks, isRenewal: true, ...nothing, maxBytes: 1 })
      await script.fetch('m', 4, { acks, isRenewal: true, ...nothing, minBytes: 1 })
      await script.fetch('m', 4, { acks, isRenewal: true, ...nothing, maxWaitMs: 1 })
      await script.fetch('m', 4, { acks, ...nothing })
      await script.fetch('m', 5, { isRenewal: true, ...nothing })
      await script.fetch('m', 6, {
        acks: [{ first: 0, last: 5, types: [4, 1, 4, 2, 3, 4] }],
        isRenewal: true,
        ...nothing,
      })
      await script.acknowledge('m', 7, {
        acks: [{ first: 1, last: 1, types: RENEW }],
        isRenewal: true,
      })
      await script.acknowledge('m', 8, {
        acks: [{ first: 0, last: 2, types: RENEW }],
        isRenewal: true,
      })
      await script.acknowledge('m', 9, {
        acks: [{ first: 0, last: 0, types: ACCEPT }],
        isRenewal: true,
      })
      await script.describe()
    },
  },
  {
    name: 'renewals disabled in the group',
    configs: { 'share.renew.acknowledge.enable': false },
    async run(script) {
      await script.begin()
      await script.produce(6)
      await script.fetch('m', 0)
      const acks = [{ first: 0, last: 1, types: RENEW }]
      await script.acknowledge('m', 1, { acks, isRenewal: true })
      await script.acknowledge('m', 2, {
        acks: [{ first: 0, last: 2, types: [1, 4, 1] }],
        isRenewal: true,
      })
      await script.describe()
    },
  },
  {
    name: 'at most as many records as locks',
    configs: { 'share.partition.max.record.locks': 100 },
    async run(script) {
      await script.begin()
      for (let i = 0; i < 5; i++) await script.produce(30)
      await script.produce(150)
      let epoch = 0
      await script.fetch('m', epoch++, { maxRecords: 70 })
      await script.fetch('m', epoch++, { maxRecords: 70 })
      await script.fetch('m', epoch++, { maxRecords: 70 })
      await script.fetch('m', epoch++, { acks: [{ first: 30, last: 59, types: ACCEPT }] })
      await script.fetch('m', epoch++, { acks: [{ first: 60, last: 89, types: RELEASE }] })
      await script.fetch('m', epoch++, { acks: [{ first: 0, last: 29, types: ACCEPT }] })
      await script.fetch('m', epoch++, { acks: [{ first: 60, last: 119, types: ACCEPT }] })
      await script.fetch('m', epoch++, {})
      await script.describe()
    },
  },
]

/** Start offset and isolation level of a group. */
const beginnings: readonly ShareCase[] = [
  ...['earliest', 'latest', 'by_duration:PT1H', 'by_duration:PT0S', 'by_duration:P30D'].map(
    (reset): ShareCase => ({
      name: `share.auto.offset.reset=${reset}`,
      configs: { 'share.auto.offset.reset': reset },
      async run(script) {
        const hour = 3_600_000
        await script.produce(10, { timestamp: Date.now() - 24 * hour })
        await script.produce(10, { timestamp: Date.now() - hour / 2 })
        await script.begin(-1)
        await script.describe()
        await script.fetch('m', 0, { maxWaitMs: 300 })
        await script.describe()
        await script.produce(5)
        await script.fetch('m', 1, { maxWaitMs: 300 })
        await script.acknowledge('m', 2, { acks: [{ first: 20, last: 24, types: ACCEPT }] })
        await script.describe()
      },
    }),
  ),
  ...[0, 5, 10, 15].map(
    (offset): ShareCase => ({
      name: `begins at offset ${offset} of 10`,
      async run(script) {
        await script.produce(10)
        await script.begin(offset)
        await script.describe()
        await script.fetch('m', 0, { maxWaitMs: 200 })
        await script.describe()
        await script.produce(10)
        await script.fetch('m', 1, { maxWaitMs: 200 })
        await script.describe()
      },
    }),
  ),
  {
    name: 'records are deleted while they are acquired',
    async run(script) {
      await script.begin()
      for (let i = 0; i < 4; i++) await script.produce(10)
      await script.fetch('m', 0, { maxRecords: 10 })
      await script.fetch('m', 1, { maxRecords: 10 })
      await deleteRecords(script, 15)
      await script.describe()
      await script.acknowledge('m', 2, { acks: [{ first: 0, last: 9, types: ACCEPT }] })
      await script.acknowledge('m', 3, { acks: [{ first: 10, last: 19, types: RELEASE }] })
      await script.read('n')
      await script.describe()
    },
  },
  ...['read_uncommitted', 'read_committed'].map(
    (level): ShareCase => ({
      name: `share.isolation.level=${level}`,
      configs: { 'share.isolation.level': level },
      async run(script) {
        await script.begin()
        await script.produce(5)
        const ended = await transaction(script, false)
        await script.produce(5)
        await script.fetch('m', 0)
        await ended()
        await script.fetch('m', 1, { maxWaitMs: 300 })
        const committed = await transaction(script, true)
        await committed()
        await script.produce(5)
        await script.fetch('m', 2, { maxWaitMs: 300 })
        await script.fetch('m', 3, { acks: [{ first: 0, last: 4, types: ACCEPT }] })
        await script.describe()
      },
    }),
  ),
  {
    name: 'share.isolation.level changes while records are available',
    configs: { 'share.isolation.level': 'read_uncommitted' },
    async run(script) {
      await script.begin()
      const ended = await transaction(script, false)
      await script.fetch('m', 0, { maxRecords: 2, mode: 1 })
      await script.configure({ 'share.isolation.level': 'read_committed' })
      await sleep(SETTLE_MS)
      await script.fetch('m', 1)
      await ended()
      await script.fetch('m', 2, { maxWaitMs: 300 })
      await script.produce(5)
      await script.fetch('m', 3, { maxWaitMs: 300 })
      await script.describe()
    },
  },
]

async function deleteRecords(script: ShareScript, before: number): Promise<void> {
  await script.control.request(p.DeleteRecordsRequest, p.DeleteRecordsResponse, {
    topics: [{ name: script.topic, partitions: [{ partitionIndex: 0, offset: BigInt(before) }] }],
    timeoutMs: 5000,
  })
}

/** Writes 5 records in a transaction, and returns a function that ends it. */
async function transaction(script: ShareScript, committed: boolean): Promise<() => Promise<void>> {
  const transactionalId = `${script.group}-${committed}`
  const { control } = script
  let id: { producerId: bigint; producerEpoch: number }
  for (;;) {
    await control.request(
      p.FindCoordinatorRequest,
      p.FindCoordinatorResponse,
      { keyType: 1, coordinatorKeys: [transactionalId] },
      6,
    )
    const reply = await control.request(
      p.InitProducerIdRequest,
      p.InitProducerIdResponse,
      { transactionalId, transactionTimeoutMs: 60_000 },
      5,
    )
    id = reply
    if (reply.errorCode === 0) break
    await sleep(50)
  }
  const { producerId, producerEpoch } = id
  await control.request(
    p.AddPartitionsToTxnRequest,
    p.AddPartitionsToTxnResponse,
    {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: script.topic, partitions: [0] }],
    },
    3,
  )
  const records = p.buildBatch(
    Array.from({ length: 5 }, () => ({
      timestamp: BigInt(Date.now()),
      key: null,
      value: Buffer.from('in a transaction'),
    })),
    { producerId, producerEpoch, baseSequence: 0, isTransactional: true },
  )
  await script.write(records, 0, transactionalId)
  return async () => {
    await control.request(
      p.EndTxnRequest,
      p.EndTxnResponse,
      { transactionalId, producerId, producerEpoch, committed },
      4,
    )
    for (;;) {
      const { transactionStates } = await control.request(
        p.DescribeTransactionsRequest,
        p.DescribeTransactionsResponse,
        { transactionalIds: [transactionalId] },
      )
      if (transactionStates[0]?.transactionState.startsWith('Complete')) return
      await sleep(10)
    }
  }
}

/** Random requests. The replies of both brokers must be the same up to the first difference. */
function random(seed: number): ShareCase {
  return {
    name: `conversation ${seed}`,
    configs: {
      'share.delivery.count.limit': 2 + (seed % 5),
      'share.partition.max.record.locks': 100,
    },
    async run(script) {
      const chance = seededRandom(seed)
      await script.begin(chance.integer(3) === 0 ? 3 : 0)
      const members = ['a', 'b']
      const epochs = new Map(members.map((member) => [member, 0]))
      const held = new Map<string, Acquired[]>(members.map((member) => [member, []]))
      const answer = (member: string): Acknowledged[] => {
        const taken = held.get(member) ?? []
        held.set(member, [])
        return taken.flatMap(({ first, last }): Acknowledged[] => {
          const kind = chance.integer(6)
          if (kind === 0) {
            held.get(member)?.push({ first, last, deliveryCount: 1 })
            return []
          }
          if (kind < 4) return [{ first, last, types: [kind] }]
          const middle = first + chance.integer(last - first + 1)
          if (kind === 4) {
            const types = Array.from({ length: middle - first + 1 }, () => 1 + chance.integer(3))
            if (middle < last) held.get(member)?.push({ first: middle + 1, last, deliveryCount: 1 })
            return [{ first, last: middle, types }]
          }
          const types = Array.from({ length: last - first + 1 }, () => chance.integer(4))
          return [{ first, last, types }]
        })
      }
      for (let i = 0; i < 40; i++) {
        const member = members[chance.integer(2)] as string
        const epoch = epochs.get(member) ?? 0
        const what = chance.integer(12)
        if (what < 3) await script.produce(1 + chance.integer(chance.integer(3) === 0 ? 60 : 8))
        else if (what < 9) {
          const acquired = await script.fetch(member, epoch, {
            maxRecords: 1 + chance.integer(40),
            batchSize: 1 + chance.integer(40),
            mode: chance.integer(3) === 0 ? 1 : 0,
          })
          held.get(member)?.push(...acquired)
          epochs.set(member, epoch + 1)
        } else if (what < 11) {
          if (epoch === 0) continue
          await script.acknowledge(member, epoch, { acks: sorted(answer(member)) })
          epochs.set(member, epoch + 1)
        } else if (epoch > 0 && chance.integer(2) === 0) {
          await script.acknowledge(member, -1, { acks: sorted(answer(member)) })
          // Kafka replies before all records are released.
          await sleep(SETTLE_MS)
          epochs.set(member, 0)
          held.set(member, [])
        } else await script.describe()
      }
      await script.describe()
    },
  }
}

function sorted(acks: readonly Acknowledged[]): Acknowledged[] {
  return acks.toSorted((a, b) => a.first - b.first)
}

/** All sequences; `seeds` is the number of random ones. */
export function shareCases(seeds: number): ShareCase[] {
  return [
    ...throttled(),
    ...answers(),
    ...acknowledgements,
    ...sessions,
    ...locks,
    ...beginnings,
    ...Array.from({ length: seeds }, (_, i) => random(i + 1)),
  ]
}

const warm = new Set<string>()

/** Runs them on one broker, several at a time; returns the replies by name of the sequence. */
export async function runShareCases(
  address: string,
  cases: readonly ShareCase[],
): Promise<Map<string, readonly string[]>> {
  const outcomes = new Map<string, readonly string[]>()
  const waiting = [...cases.entries()]
  const started = Date.now()
  if (!warm.has(address)) {
    warm.add(address)
    await Promise.all(
      Array.from({ length: PARALLEL }, (_, i) => warmUp(address, `warm-${started}-${i}`)),
    )
  }
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, { name, partitions = 1, configs, run }] = next
      const script = await ShareScript.start({ address, name: `${started}-${i}`, partitions })
      try {
        if (configs !== undefined) {
          await script.configure(configs)
          await sleep(SETTLE_MS)
        }
        await run(script)
      } catch (error) {
        script.note(String(error))
      }
      script.close()
      outcomes.set(name, script.lines)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  return outcomes
}

/** Waits until the broker serves share groups at full speed. */
async function warmUp(address: string, name: string): Promise<void> {
  const script = await ShareScript.start({ address, name, partitions: 1 })
  await script.begin()
  for (let epoch = 0; epoch < 100; epoch += 2) {
    await script.produce(1)
    const acquired = await script.fetch('m', epoch)
    await script.acknowledge('m', epoch + 1, { acks: all(acquired, ACCEPT) })
  }
  script.close()
}
