// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  Admin,
  Consumer,
  type ConsumerRecord,
  type MillraceError,
  Producer,
  type ProducerOptions,
} from '@millrace/client'
import { eventually, until } from '../e2e/until.ts'
import type { ClusterUnderTest } from './cluster-under-test.ts'
import { readAll } from './read-all.ts'

const committed = { isolationLevel: 'read_committed' } as const
const text = (record: ConsumerRecord): string => String(record.value)
const values = (records: readonly ConsumerRecord[]): string[] => records.map(text)

export function transactionScenarios(cluster: () => ClusterUnderTest): void {
  const producer = (options: Partial<ProducerOptions> = {}): Producer =>
    new Producer({ ...cluster().client, transactionalId: cluster().unique('tx'), ...options })

  const at = (topic: string, partition = 0) => ({ topic, partition })

  it('returns committed records, and omits aborted ones', async () => {
    const topic = await cluster().createTopic('seen', { partitions: 2 })
    await using sender = producer()
    await sender.initTransactions()
    for (const [value, ends] of [
      ['a', 'commit'],
      ['b', 'abort'],
      ['c', 'commit'],
    ] as const) {
      sender.beginTransaction()
      await sender.send([
        { topic, partition: 0, value: `${value}0` },
        { topic, partition: 1, value: `${value}1` },
      ])
      await (ends === 'commit' ? sender.commitTransaction() : sender.abortTransaction())
    }
    const seen = await readAll(cluster(), topic, 4, committed)
    assert.deepEqual(values(seen).sort(), ['a0', 'a1', 'c0', 'c1'])
    const all = await readAll(cluster(), topic, 6)
    assert.deepEqual(values(all).sort(), ['a0', 'a1', 'b0', 'b1', 'c0', 'c1'])
  })

  it('reads nothing past an open transaction, including later records of others', async () => {
    const topic = await cluster().createTopic('open')
    await using first = producer()
    await using second = producer()
    await first.initTransactions()
    first.beginTransaction()
    await first.send({ topic, value: 'slow' })
    await second.transaction((tx) => tx.send({ topic, value: 'quick' }))
    await using reader = new Consumer({ ...cluster().client, ...committed })
    reader.assign([at(topic)])
    assert.deepEqual(await reader.endOffsets([at(topic)]), [0n])
    await first.commitTransaction()
    assert.deepEqual(values(await readAll(cluster(), topic, 2, committed)), ['slow', 'quick'])
  })

  it('commits records sent by the function, awaited or not, and returns its result', async () => {
    const topic = await cluster().createTopic('work', { partitions: 3 })
    await using sender = producer()
    const result = await sender.transaction((tx) => {
      for (let i = 0; i < 30; i++) void tx.send({ topic, partition: i % 3, value: `${i}` })
      return 'done'
    })
    assert.equal(result, 'done')
    assert.equal((await readAll(cluster(), topic, 30, committed)).length, 30)
  })

  it('aborts if the function throws, and continues', async () => {
    const topic = await cluster().createTopic('throw')
    await using sender = producer()
    const failing = sender.transaction(async (tx) => {
      await tx.send({ topic, value: 'lost' })
      throw new Error('no')
    })
    await assert.rejects(failing, /^Error: no$/)
    await sender.transaction((tx) => tx.send({ topic, value: 'kept' }))
    assert.deepEqual(values(await readAll(cluster(), topic, 1, committed)), ['kept'])
  })

  it('runs the transactions of one producer one after another, in the order of the calls', async () => {
    const topic = await cluster().createTopic('line')
    await using sender = producer()
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        sender.transaction(async (tx) => {
          await tx.send({ topic, value: `${i}a` })
          await tx.send({ topic, value: `${i}b` })
        }),
      ),
    )
    const expected = Array.from({ length: 20 }, (_, i) => [`${i}a`, `${i}b`]).flat()
    assert.deepEqual(values(await readAll(cluster(), topic, 40, committed)), expected)
  })

  it('cannot commit if a send failed, and continues after the abort', async () => {
    const topic = await cluster().createTopic('half', { configs: { 'max.message.bytes': '1000' } })
    await using sender = producer()
    const half = sender.transaction(async (tx) => {
      await tx.send({ topic, value: 'small' })
      // The result of this one is ignored.
      void tx.send({ topic, value: 'x'.repeat(5000) })
    })
    await assert.rejects(half, { code: 'MESSAGE_TOO_LARGE' })
    await sender.transaction((tx) => tx.send({ topic, value: 'whole' }))
    assert.deepEqual(values(await readAll(cluster(), topic, 1, committed)), ['whole'])
  })

  it('fails pending sends when it is aborted', async () => {
    const topic = await cluster().createTopic('waiting')
    await using sender = producer({ lingerMs: 60_000 })
    await sender.initTransactions()
    sender.beginTransaction()
    const sent = sender.send({ topic, value: 'never' })
    const failed = assert.rejects(sent, { code: 'MILLRACE_TRANSACTION_ABORTED' })
    await sender.abortTransaction()
    await failed
    sender.beginTransaction()
    const kept = sender.send({ topic, value: 'kept' })
    await sender.commitTransaction()
    await kept
    assert.deepEqual(values(await readAll(cluster(), topic, 1)), ['kept'])
  })

  it('reports calls that are invalid in a state', async () => {
    const topic = await cluster().createTopic('state')
    const invalid = { code: 'MILLRACE_INVALID_STATE' }
    await using plain = new Producer(cluster().client)
    assert.throws(() => plain.beginTransaction(), invalid)
    await assert.rejects(plain.initTransactions(), /needs a producer with a transactionalId/)
    await using sender = producer()
    assert.throws(() => sender.beginTransaction(), /initTransactions must be called first/)
    await sender.initTransactions()
    await assert.rejects(sender.send({ topic, value: 'x' }), /no transaction is in progress/)
    await assert.rejects(sender.commitTransaction(), /no transaction is in progress/)
    sender.beginTransaction()
    assert.throws(() => sender.beginTransaction(), /a transaction is in progress/)
    // Empty transactions.
    await sender.commitTransaction()
    sender.beginTransaction()
    await sender.abortTransaction()
    await sender.transaction((tx) => tx.send({ topic, value: 'x' }))
  })

  it('is fenced by a newer producer with the same id, which aborts its transaction', async () => {
    const topic = await cluster().createTopic('fence')
    const transactionalId = cluster().unique('fenced')
    await using old = producer({ transactionalId })
    await old.initTransactions()
    old.beginTransaction()
    await old.send({ topic, value: 'old' })
    await using young = producer({ transactionalId })
    await young.transaction((tx) => tx.send({ topic, value: 'young' }))
    await assert.rejects(old.commitTransaction(), { code: 'PRODUCER_FENCED', retriable: false })
    assert.throws(() => old.beginTransaction(), { code: 'PRODUCER_FENCED' })
    await assert.rejects(old.send({ topic, value: 'x' }), { code: 'PRODUCER_FENCED' })
    await young.transaction((tx) => tx.send({ topic, value: 'again' }))
    assert.deepEqual(values(await readAll(cluster(), topic, 2, committed)), ['young', 'again'])
  })

  it('commits offsets and records atomically', async () => {
    const input = await cluster().createTopic('in', { partitions: 2 })
    const output = await cluster().createTopic('out')
    const groupId = cluster().unique('eos')
    await using filler = new Producer(cluster().client)
    await filler.send(
      Array.from({ length: 40 }, (_, i) => ({ topic: input, partition: i % 2, value: `${i}` })),
    )
    await using reader = new Consumer({
      ...cluster().client,
      ...committed,
      groupId,
      autoOffsetReset: 'earliest',
      enableAutoCommit: false,
    })
    await using sender = producer()
    await reader.subscribe([input])
    const pass = async (records: readonly ConsumerRecord[], fails: boolean): Promise<void> =>
      sender.transaction(async (tx) => {
        const offsets = new Map<number, bigint>()
        for (const record of records) {
          void tx.send({ topic: output, value: `out-${text(record)}` })
          offsets.set(record.partition, record.offset + 1n)
        }
        // While the records are in flight.
        await tx.sendOffsets(
          [...offsets].map(([partition, offset]) => ({ topic: input, partition, offset })),
          reader.groupMetadata,
        )
        if (fails) throw new Error('not this time')
      })
    const positions = async (): Promise<string[]> => {
      const found = await reader.committed([at(input, 0), at(input, 1)])
      return found.flatMap((entry) => (entry === null ? [] : `${entry.partition}:${entry.offset}`))
    }
    let first: ConsumerRecord[] = []
    while (first.length === 0) first = (await reader.poll(1000)) as ConsumerRecord[]
    await assert.rejects(pass(first, true), /not this time/)
    assert.deepEqual(await positions(), [], 'nothing was committed')
    let done = 0
    for (let records = first; done < 40; ) {
      await pass(records, false)
      done += records.length
      if (done < 40) records = (await reader.poll(1000)) as ConsumerRecord[]
    }
    assert.deepEqual(await positions(), ['0:20', '1:20'])
    const out = values(await readAll(cluster(), output, 40, committed))
    assert.deepEqual(out.sort(), Array.from({ length: 40 }, (_, i) => `out-${i}`).sort())
  })

  it('rejects offsets of a member that has left, and can continue', async () => {
    const topic = await cluster().createTopic('gone')
    await using sender = producer()
    await sender.initTransactions()
    sender.beginTransaction()
    const stranger = {
      groupId: cluster().unique('nobody'),
      generationId: 4,
      memberId: 'gone',
      groupInstanceId: null,
    }
    const offsets = [{ topic, partition: 0, offset: 1n }]
    await assert.rejects(
      sender.sendOffsetsToTransaction(offsets, stranger),
      ({ code }: MillraceError) => code === 'ILLEGAL_GENERATION' || code === 'UNKNOWN_MEMBER_ID',
    )
    await assert.rejects(sender.commitTransaction())
    await sender.abortTransaction()
    await sender.transaction((tx) => tx.sendOffsets(offsets, stranger.groupId))
    await using admin = new Admin(cluster().client)
    const { groupId } = stranger
    await eventually(async () => {
      const found = (await admin.listConsumerGroupOffsets([groupId])).get(groupId)
      assert.equal(found?.[0]?.offset, 1n)
    })
  })

  it('hides offsets of open transactions from readers that request stable ones', async () => {
    const topic = await cluster().createTopic('unstable')
    const groupId = cluster().unique('unstable')
    await using sender = producer()
    await sender.initTransactions()
    sender.beginTransaction()
    await sender.sendOffsetsToTransaction([{ topic, partition: 0, offset: 7n }], groupId)
    await using admin = new Admin({ ...cluster().client, defaultApiTimeoutMs: 300 })
    const stable = { requireStable: true }
    const asked = { [groupId]: [at(topic)] }
    await assert.rejects(admin.listConsumerGroupOffsets(asked, stable), {
      code: 'UNSTABLE_OFFSET_COMMIT',
    })
    await sender.commitTransaction()
    await eventually(async () => {
      const found = (await admin.listConsumerGroupOffsets(asked, stable)).get(groupId)
      assert.equal(found?.[0]?.offset, 7n)
    })
  })

  it('is described, listed and aborted by an admin client', async () => {
    const topic = await cluster().createTopic('watched', { partitions: 2 })
    const transactionalId = cluster().unique('watched')
    await using sender = producer({ transactionalId, transactionTimeoutMs: 34_000 })
    await sender.initTransactions()
    sender.beginTransaction()
    await sender.send({ topic, partition: 1, value: 'x' })
    await using admin = new Admin(cluster().client)
    const described = (await admin.describeTransactions([transactionalId])).get(transactionalId)
    assert.equal(described?.state, 'Ongoing')
    assert.equal(described?.timeoutMs, 34_000)
    assert.deepEqual(described?.partitions, [at(topic, 1)])
    const listed = await admin.listTransactions({ states: ['Ongoing'] })
    assert.ok(listed.some((each) => each.transactionalId === transactionalId))
    const fenced = (await admin.fenceProducers([transactionalId])).get(transactionalId)
    assert.ok((fenced?.producerEpoch ?? 0) > (described?.producerEpoch ?? 0))
    await assert.rejects(sender.commitTransaction(), { code: 'PRODUCER_FENCED' })
    await until(async () => {
      const now = (await admin.describeTransactions([transactionalId])).get(transactionalId)
      return now?.state === 'Empty'
    })
  })

  it('preserves order and loses nothing over many transactions and partitions', async () => {
    const topic = await cluster().createTopic('many', { partitions: 5 })
    await using sender = producer()
    const kept: string[] = []
    await sender.initTransactions()
    for (let i = 0; i < 40; i++) {
      sender.beginTransaction()
      const sent = Array.from({ length: 10 }, (_, j) => ({
        topic,
        partition: (i + j) % 5,
        value: `${i}-${j}`,
      }))
      for (const record of sent) sender.send(record).catch(() => undefined)
      if (i % 3 === 2) await sender.abortTransaction()
      else {
        await sender.commitTransaction()
        kept.push(...sent.map(({ partition, value }) => `${partition}:${value}`))
      }
    }
    const read = await readAll(cluster(), topic, kept.length, committed)
    for (let partition = 0; partition < 5; partition++) {
      const mine = (line: string): boolean => line.startsWith(`${partition}:`)
      const got = read.map((record) => `${record.partition}:${text(record)}`).filter(mine)
      assert.deepEqual(got, kept.filter(mine))
    }
  })
}
