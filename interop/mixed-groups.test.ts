// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Admin, type AssignorName, Consumer, Producer } from '@millrace/client'
import { libraries, type Peer, peersDirectory, startKafka, startMillrace } from './peers.ts'

/** A member of a group, of our client or another one. */
interface Member {
  /** Partition numbers. */
  readonly partitions: readonly number[]
  readonly read: readonly string[]
  stop(): Promise<void>
}

function foreign(command: string, args: readonly string[]): Member {
  const child: ChildProcess = spawn(command, args)
  let partitions: number[] = []
  const read: string[] = []
  let rest = ''
  child.stdout?.on('data', (data: Buffer) => {
    const lines = (rest + data).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const [what, first = '', value = ''] = line.split(' ')
      if (what === 'assigned') partitions = first === '' ? [] : first.split(',').map(Number)
      else if (what === 'read') read.push(`${first}:${value}`)
    }
  })
  const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  return {
    get partitions() {
      return partitions
    },
    read,
    async stop() {
      child.stdin?.write('\n')
      await gone
    },
  }
}

function ours(address: string, groupId: string, topic: string, assignor: AssignorName): Member {
  const consumer = new Consumer({
    bootstrapServers: address,
    groupId,
    topics: [topic],
    partitionAssignmentStrategy: [assignor],
    autoOffsetReset: 'earliest',
    heartbeatIntervalMs: 200,
    sessionTimeoutMs: 6000,
  })
  const read: string[] = []
  let isStopped = false
  const polling = (async () => {
    while (!isStopped) {
      for (const { partition, value } of await consumer.poll(100))
        read.push(`${partition}:${value}`)
    }
  })()
  return {
    get partitions() {
      return consumer.assignment.map(({ partition }) => partition)
    },
    read,
    async stop() {
      isStopped = true
      await polling
      await consumer.close()
    },
  }
}

const javaNames: Readonly<Record<AssignorName, string>> = {
  range: 'RangeAssignor',
  roundrobin: 'RoundRobinAssignor',
  sticky: 'StickyAssignor',
  'cooperative-sticky': 'CooperativeStickyAssignor',
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = Date.now() + 40_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`still not true: ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

for (const name of ['Apache Kafka 4.4.0', 'millrace']) {
  describe(`members of Java, librdkafka and our client share one group on ${name}`, () => {
    let broker: Peer

    before(async () => {
      broker = name === 'millrace' ? await startMillrace() : await startKafka()
    })
    after(() => broker.stop())

    for (const assignor of Object.keys(javaNames) as AssignorName[]) {
      it(`with ${assignor}`, async () => {
        const { address } = broker
        const topic = `mixed-${assignor}`
        const group = `group-${assignor}`
        await using admin = new Admin({ bootstrapServers: address })
        await admin.createTopics([{ name: topic, numPartitions: 6, replicationFactor: 1 }])
        const classPath = `${join(peersDirectory, 'classes')}:${libraries('kafka-4.4.0')}`
        const java = (): Member =>
          foreign('java', [
            '-Xmx128m',
            '-cp',
            classPath,
            'GroupMember',
            address,
            group,
            topic,
            javaNames[assignor],
          ])
        const python = (): Member =>
          foreign(join(peersDirectory, 'venv/bin/python'), [
            join(import.meta.dirname, 'python/group_member.py'),
            address,
            group,
            topic,
            assignor,
          ])
        const members: Member[] = []
        const isShared = (): boolean => {
          const all = members.flatMap(({ partitions }) => partitions).sort()
          const sizes = members.map(({ partitions }) => partitions.length)
          return all.join() === '0,1,2,3,4,5' && Math.max(...sizes) - Math.min(...sizes) <= 1
        }
        const describeMembers = (): string =>
          members.map(({ partitions }) => `[${partitions}]`).join(' ')
        // The first member is the leader: our client and others in turn. librdkafka has no eager
        // sticky assignor.
        const kinds =
          assignor === 'sticky'
            ? [
                () => ours(address, group, topic, assignor),
                java,
                () => ours(address, group, topic, assignor),
              ]
            : [java, () => ours(address, group, topic, assignor), python]
        for (const start of kinds) {
          members.push(start())
          await until(isShared, describeMembers)
        }
        await using producer = new Producer({ bootstrapServers: address })
        await producer.send(
          Array.from({ length: 60 }, (_, i) => ({ topic, partition: i % 6, value: `${i}` })),
        )
        await until(
          () => members.flatMap(({ read }) => read).length >= 60,
          () => members.map(({ read }) => read.length).join(),
        )
        const read = members.flatMap((member) => member.read)
        assert.equal(new Set(read).size, 60)
        // The leader leaves, and another member becomes leader.
        const first = members.shift() as Member
        await first.stop()
        await until(isShared, describeMembers)
        for (const member of members.splice(0)) await member.stop()
        assert.equal(read.length, 60, 'every record was read once')
      })
    }
  })
}
