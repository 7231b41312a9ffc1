// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import * as p from '@millrace/protocol'
import type { ShareCase } from './share-cells.ts'
import { ACCEPT, REJECT, RELEASE, type ShareScript } from './share-script.ts'

const ABSENT = 'absent'
const ALTERED = 'created by AlterShareGroupOffsets'
const OF_DELETED_TOPIC = 'deletes offsets of a deleted topic'

/** Brings the group of a case into a state. */
const states: Readonly<Record<string, (script: ShareScript) => Promise<void>>> = {
  [ABSENT]: async () => undefined,
  'with a member': async (script) => void (await script.join('m')),
  'with a member that reads': async (script) => {
    await script.join('m')
    await script.fetch('m', 0, { maxWaitMs: 500 })
    await script.acknowledge('m', 1, { acks: [{ first: 0, last: 2, types: ACCEPT }] })
  },
  'whose member has left': async (script) => {
    await script.join('m')
    await script.fetch('m', 0, { maxWaitMs: 500 })
    await script.acknowledge('m', 1, { acks: [{ first: 0, last: 2, types: ACCEPT }] })
    await script.acknowledge('m', -1, { acks: [{ first: 5, last: 7, types: RELEASE }] })
    await script.leave('m')
  },
  [ALTERED]: (script) => script.begin(4),
  'of a consumer with offsets': commitOffset,
}

/** Creates a classic group without members. */
async function commitOffset(script: ShareScript): Promise<void> {
  await script.control.request(
    p.OffsetCommitRequest,
    p.OffsetCommitResponse,
    {
      groupId: script.group,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [
        {
          name: script.topic,
          partitions: [{ partitionIndex: 0, committedOffset: 3n, committedMetadata: '' }],
        },
      ],
    },
    8,
  )
}

type Act = (script: ShareScript) => Promise<void>

const acts: Readonly<Record<string, Act>> = {
  'alters nothing': (script) => script.alter([]),
  'alters an offset': (script) => script.alter([{ name: script.topic, offsets: { 0: 2 } }]),
  'alters invalid offsets': (script) =>
    script.alter([
      { name: script.topic, offsets: { 0: -5, 1: -1, 7: 3 } },
      { name: 'no-such-topic', offsets: { 0: 1 } },
      { name: '', offsets: { 0: 1 } },
    ]),
  'alters an offset beyond the end': (script) =>
    script.alter([{ name: script.topic, offsets: { 0: 1000 } }]),
  'alters only an unknown topic': (script) =>
    script.alter([{ name: 'no-such-topic', offsets: { 0: 1 } }]),
  'alters only an unknown partition': (script) =>
    script.alter([{ name: script.topic, offsets: { 9: 1 } }]),
  'deletes no offsets': (script) => script.deleteOffsets([]),
  'deletes offsets': (script) => script.deleteOffsets([script.topic]),
  'deletes offsets of unknown topics': (script) =>
    script.deleteOffsets(['no-such-topic', script.topic, '']),
  'deletes the group': (script) => script.deleteGroup(),
  [OF_DELETED_TOPIC]: async (script) => {
    await script.deleteTopic()
    await sleep(300)
    await script.deleteOffsets([script.topic])
  },
}

function ofStates(): ShareCase[] {
  return Object.entries(states).flatMap(([state, reach]) =>
    Object.entries(acts).map(
      ([what, act]): ShareCase => ({
        name: `a group ${state}: ${what}`,
        configs: { 'share.auto.offset.reset': 'earliest' },
        partitions: 2,
        async run(script) {
          await script.produce(10)
          await reach(script)
          await act(script)
          await script.describeAll()
          // In Kafka a partition that was read before keeps its start offset until the next
          // acknowledgement.
          const isUnread = state === ABSENT || state === ALTERED
          if (!isUnread || what === OF_DELETED_TOPIC) return
          await script.join('n')
          await script.read('n')
          // A partition without records may be loaded after the reply.
          await sleep(1000)
          await script.describeAll()
        },
      }),
    ),
  )
}

const ALLOWED = { 'errors.deadletterqueue.group.enable': 'true' }

async function bury(script: ShareScript): Promise<void> {
  await script.begin()
  await script.produce(4, { size: 3 })
  await script.produce(2, { size: 5 })
  await script.fetch('m', 0)
  await script.acknowledge('m', 1, { acks: [{ first: 0, last: 3, types: [1, 3, 2, 3] }] })
  await script.acknowledge('m', 2, { acks: [{ first: 4, last: 5, types: RELEASE }] })
  await script.fetch('m', 3)
  await script.acknowledge('m', 4, { acks: [{ first: 2, last: 2, types: RELEASE }] })
  // With a limit of two, the second delivery was the last.
  await script.fetch('m', 5)
  await script.acknowledge('m', 6, { acks: [{ first: 4, last: 5, types: REJECT }] })
  await script.fetch('m', 7, { maxWaitMs: 100 })
}

function deadLetters(): ShareCase[] {
  const configs = { 'share.delivery.count.limit': 2 }
  const kinds: Readonly<
    Record<string, { topic?: Readonly<Record<string, string>>; copies?: boolean; prefix?: string }>
  > = {
    'of that name': { topic: ALLOWED },
    'of that name, with copies': { topic: ALLOWED, copies: true },
    'that does not exist': {},
    'that is not meant for it': { topic: {} },
    'of another prefix': { topic: ALLOWED, prefix: 'other.' },
  }
  return Object.entries(kinds).map(([kind, { topic, copies = false, prefix = 'dlq.' }]) => ({
    name: `a dead letter queue ${kind}`,
    configs,
    async run(script) {
      const name = `${prefix}${script.topic}`
      if (topic !== undefined) await script.createOther(name, topic)
      await script.configure({
        'errors.deadletterqueue.topic.name': name,
        'errors.deadletterqueue.copy.record.enable': copies,
      })
      await sleep(200)
      await bury(script)
      await script.noteRecords(name, topic === ALLOWED && prefix === 'dlq.' ? 5 : 0)
    },
  }))
}

/** Five of ten records are acquired by a member. */
async function readSome(script: ShareScript): Promise<void> {
  await script.produce(10)
  await script.join('m')
  await script.fetch('m', 0, { maxWaitMs: 500, maxRecords: 5, mode: 1 })
}

const endings: readonly ShareCase[] = [
  {
    name: 'a group is deleted while a session is open',
    configs: { 'share.auto.offset.reset': 'earliest' },
    async run(script) {
      await readSome(script)
      await script.deleteGroup()
      await script.leave('m')
      await script.deleteGroup()
      await script.describeAll()
    },
  },
  {
    name: 'a topic is deleted while a session is open',
    configs: { 'share.auto.offset.reset': 'earliest' },
    async run(script) {
      await readSome(script)
      await script.deleteTopic()
      await sleep(300)
      await script.acknowledge('m', 1, { acks: [{ first: 0, last: 4, types: ACCEPT }] })
      await script.fetch('m', 2, { maxWaitMs: 300 })
      await script.fetch('m', 3, { maxWaitMs: 300 })
      await script.acknowledge('m', -1)
    },
  },
  {
    name: 'a partition is added to a topic',
    configs: { 'share.auto.offset.reset': 'latest' },
    async run(script) {
      await script.join('m')
      await script.describeAll()
      await script.grow(2)
      await script.produce(5, { partition: 1 })
      await script.leave('m')
      await script.join('n')
      await script.fetch('n', 0, { partitions: [1], maxWaitMs: 500 })
      await script.describeAll()
    },
  },
  {
    name: 'a group whose members have left resumes at its position',
    configs: { 'share.auto.offset.reset': 'earliest' },
    async run(script) {
      await script.produce(10)
      await script.join('a')
      await script.fetch('a', 0, { maxWaitMs: 500 })
      await script.acknowledge('a', 1, { acks: [{ first: 0, last: 4, types: ACCEPT }] })
      await script.acknowledge('a', -1)
      await script.leave('a')
      await script.join('b')
      await script.fetch('b', 0, { maxWaitMs: 500 })
      await script.describeAll()
    },
  },
  {
    name: 'AlterShareGroupOffsets of an empty group id',
    async run(script) {
      await script.alter([{ name: script.topic, offsets: { 0: 1 } }], '')
      await script.deleteOffsets([script.topic], '')
      await script.describeAll('')
    },
  },
]

/** Offsets, undeliverable records, and deletion of groups. */
export function shareOffsetCases(): ShareCase[] {
  return [...ofStates(), ...deadLetters(), ...endings]
}
