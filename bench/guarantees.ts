// SPDX-License-Identifier: Apache-2.0
// Share groups, transactions and the consumer protocol on millrace and on Apache Kafka 4.4.0 in
// turn, with the same client: `npm run bench:guarantees`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin, Consumer, Producer, ShareConsumer } from '@millrace/client'
import { type Peer, preparePeers, startKafka, startMillrace } from '../interop/peers.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const SHARED = 100_000
const MEMBERS = 100

/** One measurement of one broker. `isRate`: higher is better. */
interface Task {
  readonly name: string
  readonly unit: string
  readonly isRate: boolean
  run(bootstrapServers: string, round: number): Promise<number>
}

async function topic(bootstrapServers: string, name: string, numPartitions: number): Promise<void> {
  await using admin = new Admin({ bootstrapServers })
  await admin.createTopics([{ name, numPartitions, replicationFactor: 1 }])
}

async function fill(bootstrapServers: string, name: string, count: number): Promise<void> {
  await using producer = new Producer({ bootstrapServers })
  const value = Buffer.alloc(100, 'x')
  for (let sent = 0; sent < count; sent += 10_000) {
    const size = Math.min(10_000, count - sent)
    await producer.send(Array.from({ length: size }, () => ({ topic: name, value })))
  }
}

async function fromTheBeginning(bootstrapServers: string, name: string): Promise<void> {
  await using admin = new Admin({ bootstrapServers })
  const changes = [{ name: 'share.auto.offset.reset', value: 'earliest' }]
  await admin.incrementalAlterConfigs([{ type: 'group', name, changes }])
}

/**
 * Records per second that the members of one share group accept, from the first record to the last.
 */
function sharing(members: number): Task {
  return {
    name: `share group, ${members} member${members === 1 ? '' : 's'}`,
    unit: 'records/s',
    isRate: true,
    async run(bootstrapServers, round) {
      const name = `share-${members}-${round}`
      await topic(bootstrapServers, name, 4)
      await fill(bootstrapServers, name, SHARED)
      await fromTheBeginning(bootstrapServers, name)
      let count = 0
      let since = 0
      const consumers = Array.from(
        { length: members },
        () => new ShareConsumer({ bootstrapServers, groupId: name, topics: [name] }),
      )
      const work = async (consumer: ShareConsumer): Promise<void> => {
        while (count < SHARED) {
          const { length } = await consumer.poll(200)
          if (length > 0 && since === 0) since = performance.now()
          count += length
        }
        await consumer.commit()
      }
      await Promise.all(consumers.map(work))
      const seconds = (performance.now() - since) / 1000
      await Promise.all(consumers.map((consumer) => consumer.close()))
      return SHARED / seconds
    },
  }
}

function transacting(size: number, count: number): Task {
  return {
    name: `transactions of ${size} record${size === 1 ? '' : 's'}, one after another`,
    unit: 'transactions/s',
    isRate: true,
    async run(bootstrapServers, round) {
      const name = `tx-${size}-${round}`
      await topic(bootstrapServers, name, 1)
      await using producer = new Producer({ bootstrapServers, transactionalId: name })
      const value = Buffer.alloc(100, 'x')
      const transact = (): Promise<unknown> =>
        producer.transaction((tx) =>
          tx.send(Array.from({ length: size }, () => ({ topic: name, value }))),
        )
      for (let i = 0; i < 20; i++) await transact()
      const since = performance.now()
      for (let i = 0; i < count; i++) await transact()
      return count / ((performance.now() - since) / 1000)
    },
  }
}

function firstRecord(kind: 'share' | 'consumer'): Task {
  return {
    name: `first record after subscribing, ${kind} group`,
    unit: 'ms',
    isRate: false,
    async run(bootstrapServers, round) {
      const name = `first-${kind}-${round}`
      await topic(bootstrapServers, name, 1)
      await fill(bootstrapServers, name, 1)
      if (kind === 'share') await fromTheBeginning(bootstrapServers, name)
      const options = { bootstrapServers, groupId: name, topics: [name] }
      const since = performance.now()
      await using consumer =
        kind === 'share'
          ? new ShareConsumer(options)
          : new Consumer({ ...options, groupProtocol: 'consumer', autoOffsetReset: 'earliest' })
      while ((await consumer.poll(1000)).length === 0);
      return performance.now() - since
    },
  }
}

/** Time from one more member joining until all have their final assignment. */
const rebalance: Task = {
  name: `a member joins ${MEMBERS - 1} others (consumer protocol)`,
  unit: 'ms',
  isRate: false,
  async run(bootstrapServers, round) {
    const name = `rebalance-${round}`
    await topic(bootstrapServers, name, 2 * MEMBERS)
    const open = (): Consumer =>
      new Consumer({ bootstrapServers, groupId: name, topics: [name], groupProtocol: 'consumer' })
    const members = Array.from({ length: MEMBERS - 1 }, open)
    let isOver = false
    const polling: Promise<void>[] = []
    const poll = async (member: Consumer): Promise<void> => {
      while (!isOver) await member.poll(200)
    }
    for (const member of members) polling.push(poll(member))
    const settled = async (): Promise<void> => {
      for (;;) {
        const counts = members.map(({ assignment }) => assignment.length)
        const total = counts.reduce((sum, each) => sum + each, 0)
        if (total === 2 * MEMBERS && counts.every((each) => each >= 1 && each <= 3)) return
        await sleep(5)
      }
    }
    await settled()
    const since = performance.now()
    const last = open()
    members.push(last)
    polling.push(poll(last))
    await settled()
    const took = performance.now() - since
    isOver = true
    await Promise.all(polling)
    await Promise.all(members.map((member) => member.close()))
    return took
  },
}

const tasks: readonly Task[] = [
  sharing(1),
  sharing(4),
  sharing(16),
  transacting(100, 200),
  transacting(1, 300),
  firstRecord('share'),
  firstRecord('consumer'),
  rebalance,
]

/** Time from the start of the process until a group of ten thousand is described. */
async function reload(): Promise<number> {
  const first = await startMillrace()
  {
    await using admin = new Admin({ bootstrapServers: first.address })
    await admin.createTopics([{ name: 'of-many', numPartitions: 1, replicationFactor: 1 }])
    for (let i = 0; i < 10_000; i += 200) {
      await Promise.all(
        Array.from({ length: 200 }, (_, k) =>
          admin.alterConsumerGroupOffsets(`group-${i + k}`, [
            { topic: 'of-many', partition: 0, offset: 0n },
          ]),
        ),
      )
    }
  }
  await first.stop()
  const since = performance.now()
  await using second = await startMillrace({ directory: first.directory })
  await using admin = new Admin({ bootstrapServers: second.address })
  const { length } = await admin.listGroups()
  if (length !== 10_000) throw new Error(`${length} groups were restored`)
  return performance.now() - since
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

await preparePeers()
const peers: Record<'millrace' | 'kafka', Peer> = {
  millrace: await startMillrace(),
  kafka: await startKafka(),
}
const lines = [
  '| task | unit | millrace | Apache Kafka 4.4.0 | ratio |',
  '| --- | --- | --- | --- | --- |',
]
for (const task of tasks) {
  const found = { millrace: [] as number[], kafka: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    const turn =
      round % 2 === 0 ? (['millrace', 'kafka'] as const) : (['kafka', 'millrace'] as const)
    for (const name of turn) found[name].push(await task.run(peers[name].address, round))
  }
  const [ours, theirs] = [median(found.millrace), median(found.kafka)]
  const row = [ours, theirs].map((value) => value.toFixed(0))
  lines.push(`| ${task.name} | ${task.unit} | ${row.join(' | ')} | ${(ours / theirs).toFixed(2)} |`)
  process.stdout.write(`${lines.at(-1)}\n`)
}
await peers.kafka.stop()
await peers.millrace.stop()
lines.push(
  `| start-up with 10,000 groups, until they are listed | ms | ${(await reload()).toFixed(0)} | - | - |`,
)
process.stdout.write(`${lines.at(-1)}\n`)
const day = new Date().toISOString().slice(0, 10)
writeFileSync(join(import.meta.dirname, 'results', `${day}-guarantees.md`), `${lines.join('\n')}\n`)
process.exit(0)
