// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { partitionForKey } from '../packages/broker/src/coordinator/runtime/partition-for-key.ts'
import { coordinatorFound, createTopic, errorText, until } from './wire-steps.ts'

const TOPIC = 'cells'
/** Longer than a rebalance waits for its members. */
const REPLY_MS = 4000
const REBALANCE_MS = 1000
const SESSION_MS = 45_000
const NO_VERSION = -1
/** Default of `offsets.topic.num.partitions`. */
const OFFSETS_PARTITIONS = 50

const EPOCH_WITHOUT_MEMBER = 'OffsetFetch: an epoch without member id'

/** Ids in reports, so that they are the same on every broker. */
const KNOWN = 'same'

/** A group on one broker, in its state before the request of a cell. */
interface Start {
  readonly client: WireClient
  readonly address: string
  readonly topicId: string
  readonly group: string
  /** A member of the group, or an id of the same form that no member has. */
  readonly memberId: string
  /** Group instance id of the member, or null. */
  readonly instanceId: string | null
  /** Generation or member epoch. */
  readonly epoch: number
  /** Connections whose requests wait for a rebalance. */
  readonly held: WireClient[]
}

type Setup = (start: Start) => Promise<Start>

const METADATA = Buffer.concat([
  // Consumer protocol version 0, one topic, no user data.
  Buffer.from([0, 0, 0, 0, 0, 1, 0, TOPIC.length]),
  Buffer.from(TOPIC),
  Buffer.from([255, 255, 255, 255]),
])

interface Join {
  readonly memberId?: string
  readonly instanceId?: string | null
  readonly protocolType?: string
  readonly protocols?: readonly string[]
  readonly sessionTimeoutMs?: number
  readonly version?: number
}

function join(start: Start, given: Join, client = start.client) {
  const version = given.version ?? 9
  return client.request(
    p.JoinGroupRequest,
    p.JoinGroupResponse,
    {
      groupId: start.group,
      memberId: given.memberId ?? '',
      ...(version >= 5 ? { groupInstanceId: given.instanceId ?? null } : {}),
      protocolType: given.protocolType ?? 'consumer',
      protocols: (given.protocols ?? ['range']).map((name) => ({ name, metadata: METADATA })),
      sessionTimeoutMs: given.sessionTimeoutMs ?? SESSION_MS,
      ...(version >= 1 ? { rebalanceTimeoutMs: REBALANCE_MS } : {}),
    },
    version,
  )
}

/** Joins as the only member of a classic group, which then waits for its assignment. */
async function joined(start: Start, instanceId: string | null = null): Promise<Start> {
  const first = await join(start, { instanceId })
  const isKnown = first.errorCode === p.ErrorCode.NONE
  const reply = isKnown ? first : await join(start, { instanceId, memberId: first.memberId })
  if (reply.errorCode !== p.ErrorCode.NONE) throw new Error(`join: ${errorText(reply.errorCode)}`)
  return { ...start, memberId: reply.memberId, instanceId, epoch: reply.generationId }
}

async function synced(start: Start): Promise<Start> {
  const { errorCode } = await start.client.request(p.SyncGroupRequest, p.SyncGroupResponse, {
    groupId: start.group,
    generationId: start.epoch,
    memberId: start.memberId,
    groupInstanceId: start.instanceId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId: start.memberId, assignment: Buffer.from([1, 2, 3]) }],
  })
  if (errorCode !== p.ErrorCode.NONE) throw new Error(`sync: ${errorText(errorCode)}`)
  return start
}

async function commit(start: Start): Promise<number> {
  const { topics } = await start.client.request(
    p.OffsetCommitRequest,
    p.OffsetCommitResponse,
    {
      groupId: start.group,
      generationIdOrMemberEpoch: start.epoch,
      memberId: start.epoch < 0 ? '' : start.memberId,
      topics: [
        {
          name: TOPIC,
          partitions: [{ partitionIndex: 0, committedOffset: 3n, committedMetadata: 'm' }],
        },
      ],
    },
    9,
  )
  return topics[0]?.partitions[0]?.errorCode ?? p.ErrorCode.UNKNOWN_SERVER_ERROR
}

async function left(start: Start): Promise<Start> {
  await start.client.request(p.LeaveGroupRequest, p.LeaveGroupResponse, {
    groupId: start.group,
    members: [{ memberId: start.memberId, groupInstanceId: start.instanceId }],
  })
  return start
}

/** A second member joins, and the group waits for the first to join again. */
async function preparing(start: Start): Promise<Start> {
  const client = await WireClient.connect(start.address)
  start.held.push(client)
  const { memberId } = await join(start, {}, client)
  void join(start, { memberId }, client).catch(() => undefined)
  await until(async () => ((await classicState(start)) === 'PreparingRebalance' ? true : undefined))
  return start
}

async function classicState(start: Start): Promise<string | undefined> {
  const { groups } = await start.client.request(p.DescribeGroupsRequest, p.DescribeGroupsResponse, {
    groups: [start.group],
  })
  return groups[0]?.groupState
}

interface Beat {
  readonly memberId: string
  readonly memberEpoch: number
  readonly instanceId?: string | null
  readonly full?: boolean
  readonly assignor?: string | null
  readonly topics?: readonly string[] | null
  readonly regex?: string | null
  readonly owned?: readonly number[] | null
}

function beat(start: Start, given: Beat, version = 1) {
  const isFull = given.full ?? given.memberEpoch === 0
  return start.client.request(
    p.ConsumerGroupHeartbeatRequest,
    p.ConsumerGroupHeartbeatResponse,
    {
      groupId: start.group,
      memberId: given.memberId,
      memberEpoch: given.memberEpoch,
      instanceId: given.instanceId ?? null,
      rebalanceTimeoutMs: isFull ? REBALANCE_MS : -1,
      subscribedTopicNames: given.topics === undefined ? (isFull ? [TOPIC] : null) : given.topics,
      ...(version >= 1 ? { subscribedTopicRegex: given.regex ?? null } : {}),
      serverAssignor: given.assignor ?? null,
      topicPartitions:
        given.owned === undefined || given.owned === null
          ? isFull
            ? []
            : null
          : [{ topicId: start.topicId, partitions: [...given.owned] }],
    },
    version,
  )
}

let members = 0
const newMemberId = (): string => `member-${String(members++).padStart(17, '0')}`

async function consumer(start: Start, instanceId: string | null = null): Promise<Start> {
  const memberId = newMemberId()
  let epoch = 0
  await until(async () => {
    const reply = await beat(start, { memberId, memberEpoch: epoch, instanceId })
    if (reply.errorCode !== p.ErrorCode.NONE) throw new Error(errorText(reply.errorCode))
    epoch = reply.memberEpoch
    return reply.assignment?.topicPartitions.some(({ partitions }) => partitions.length === 2)
      ? true
      : undefined
  })
  await beat(start, { memberId, memberEpoch: epoch, instanceId, owned: [0, 1] })
  return { ...start, memberId, instanceId, epoch }
}

async function consumerLeft(start: Start, epoch: number): Promise<Start> {
  const { memberId, instanceId } = start
  await beat(start, { memberId, memberEpoch: epoch, instanceId, full: false })
  return start
}

function shareBeat(start: Start, memberId: string, memberEpoch: number, topics?: string[] | null) {
  return start.client.request(p.ShareGroupHeartbeatRequest, p.ShareGroupHeartbeatResponse, {
    groupId: start.group,
    memberId,
    memberEpoch,
    subscribedTopicNames: topics === undefined ? (memberEpoch === 0 ? [TOPIC] : null) : topics,
  })
}

async function shareMember(start: Start): Promise<Start> {
  const memberId = newMemberId()
  let epoch = 0
  await until(async () => {
    const reply = await shareBeat(start, memberId, epoch)
    epoch = reply.memberEpoch
    return reply.assignment?.topicPartitions.some(({ partitions }) => partitions.length === 2)
      ? true
      : undefined
  })
  return { ...start, memberId, epoch }
}

function streamsBeat(start: Start, memberId: string, memberEpoch: number, isFull: boolean) {
  return start.client.request(p.StreamsGroupHeartbeatRequest, p.StreamsGroupHeartbeatResponse, {
    groupId: start.group,
    memberId,
    memberEpoch,
    endpointInformationEpoch: 0,
    rebalanceTimeoutMs: isFull ? REBALANCE_MS : -1,
    topology: isFull
      ? {
          epoch: 0,
          subtopologies: [
            {
              subtopologyId: '0',
              sourceTopics: [TOPIC],
              sourceTopicRegex: [],
              stateChangelogTopics: [],
              repartitionSinkTopics: [],
              repartitionSourceTopics: [],
              copartitionGroups: [],
            },
          ],
        }
      : null,
    activeTasks: isFull ? [] : null,
    standbyTasks: isFull ? [] : null,
    warmupTasks: isFull ? [] : null,
    processId: isFull ? 'process' : null,
    userEndpoint: null,
    clientTags: isFull ? [] : null,
  })
}

async function streamsMember(start: Start): Promise<Start> {
  const memberId = newMemberId()
  let epoch = 0
  await until(async () => {
    const reply = await streamsBeat(start, memberId, epoch, epoch === 0)
    if (reply.errorCode !== p.ErrorCode.NONE) throw new Error(errorText(reply.errorCode))
    epoch = reply.memberEpoch
    const count = reply.activeTasks?.flatMap(({ partitions }) => partitions).length
    return count === 2 ? true : undefined
  })
  return { ...start, memberId, epoch }
}

/** Brings a group into a state, by the state's name in the table. */
const setups: Readonly<Record<string, Setup>> = {
  absent: async (start) => start,
  'with offsets only': async (start) => {
    await commit({ ...start, epoch: -1 })
    return start
  },
  'classic, completing': (start) => joined(start),
  'classic, stable': async (start) => {
    const known = await synced(await joined(start))
    await commit(known)
    return known
  },
  'classic, preparing': async (start) => preparing(await synced(await joined(start))),
  'classic, static': async (start) => synced(await joined(start, 'instance')),
  'classic, empty': async (start) => left(await synced(await joined(start))),
  'consumer, stable': async (start) => {
    const known = await consumer(start)
    await commit(known)
    return known
  },
  'consumer, static': (start) => consumer(start, 'instance'),
  'consumer, static away': async (start) => consumerLeft(await consumer(start, 'instance'), -2),
  'consumer, empty': async (start) => consumerLeft(await consumer(start), -1),
  'share, stable': shareMember,
  'share, empty': async (start) => {
    const known = await shareMember(start)
    await shareBeat(known, known.memberId, -1)
    return known
  },
  'streams, stable': streamsMember,
  'streams, empty': async (start) => {
    const known = await streamsMember(start)
    await streamsBeat(known, known.memberId, -1, false)
    return known
  },
}

/** The request of a cell; returns the reply as text. */
type Run = (start: Start) => Promise<string>

interface Probe {
  readonly name: string
  readonly run: Run
}

const memberIds: Readonly<Record<string, (start: Start) => string>> = {
  member: ({ memberId }) => memberId,
  unknown: () => 'unknown-member-0000000',
  'no member': () => '',
}

const epochs: Readonly<Record<string, (start: Start) => number>> = {
  'same epoch': ({ epoch }) => epoch,
  'epoch-1': ({ epoch }) => epoch - 1,
  'epoch+1': ({ epoch }) => epoch + 1,
  'epoch -1': () => -1,
}

const instanceIds: Readonly<Record<string, string | null>> = {
  '': null,
  'same instance': 'instance',
  'other instance': 'other',
}

/** Text of an error message with ids that differ from run to run replaced. */
function messageText(start: Start, message: string | null | undefined): string {
  if (message === null || message === undefined) return ''
  // The libraries for regular expressions have texts of their own.
  const text = message.replace(/(is not a valid regular expression): .*/, '$1')
  return ` "${text
    .replaceAll(/\((\d+)\)/g, (_, epoch) => `(${relative(start, Number(epoch))})`)
    .replaceAll(start.memberId, KNOWN)
    .replaceAll(/member-\d{17}/g, 'new')
    .replaceAll(start.group, 'group')}"`
}

const PARTITIONS = [
  { partitionIndex: 0, committedOffset: 7n, committedMetadata: '' },
  { partitionIndex: 9, committedOffset: 7n, committedMetadata: '' },
]

function codes(
  topics: readonly {
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
  }[],
): string {
  return topics
    .flatMap(({ partitions }) => partitions)
    .map(({ partitionIndex, errorCode }) => `${partitionIndex}:${errorText(errorCode)}`)
    .sort()
    .join(' ')
}

async function fetchOffsets(
  start: Start,
  memberId: string | null,
  memberEpoch: number,
): Promise<string> {
  const topics = [{ name: TOPIC, partitionIndexes: [0, 9] }]
  const reply = await start.client.request(
    p.OffsetFetchRequest,
    p.OffsetFetchResponse,
    { groups: [{ groupId: start.group, memberId, memberEpoch, topics }] },
    9,
  )
  const [group] = reply.groups
  const offsets = (group?.topics ?? [])
    .flatMap(({ partitions }) => partitions)
    .map(
      ({ partitionIndex, committedOffset, errorCode }) =>
        `${partitionIndex}@${committedOffset}:${errorText(errorCode)}`,
    )
  return `${errorText(group?.errorCode ?? NO_VERSION)} ${offsets.join(' ')}`
}

function membershipProbes(): Probe[] {
  const all: Probe[] = []
  for (const [who, memberIdOf] of Object.entries(memberIds)) {
    for (const [when, epochOf] of Object.entries(epochs)) {
      for (const [where, instanceId] of Object.entries(instanceIds)) {
        const of = (start: Start) => ({
          groupId: start.group,
          memberId: memberIdOf(start),
          groupInstanceId: instanceId,
        })
        const name = [who, when, where].filter((part) => part !== '').join(', ')
        all.push({
          name: `Heartbeat: ${name}`,
          run: async (start) => {
            const body = { ...of(start), generationId: epochOf(start) }
            return errorText(
              (await start.client.request(p.HeartbeatRequest, p.HeartbeatResponse, body)).errorCode,
            )
          },
        })
        for (const [protocols, protocolType, protocolName] of [
          ['', 'consumer', 'range'],
          ['other type', 'connect', 'range'],
          ['other protocol', 'consumer', 'roundrobin'],
          ['no protocol', null, null],
        ] as const) {
          if (protocols !== '' && (who !== 'member' || when !== 'same epoch')) continue
          all.push({
            name: `SyncGroup: ${name} ${protocols}`,
            run: async (start) => {
              const reply = await start.client.request(p.SyncGroupRequest, p.SyncGroupResponse, {
                ...of(start),
                generationId: epochOf(start),
                protocolType,
                protocolName,
                assignments: [],
              })
              const { errorCode, assignment } = reply
              const names = `${reply.protocolType} ${reply.protocolName}`
              return `${errorText(errorCode)} ${names} ${assignment.toString('hex')}`
            },
          })
        }
        for (const version of when === 'same epoch' && where === '' ? [2, 6, 7, 8, 9, 10] : [9]) {
          all.push({
            name: `OffsetCommit v${version}: ${name}`,
            run: async (start) => {
              const { groupInstanceId, ...member } = of(start)
              const topic = version >= 10 ? { topicId: start.topicId } : { name: TOPIC }
              const reply = await start.client.request(
                p.OffsetCommitRequest,
                p.OffsetCommitResponse,
                {
                  ...member,
                  ...(version >= 7 ? { groupInstanceId } : {}),
                  generationIdOrMemberEpoch: epochOf(start),
                  topics: [{ ...topic, partitions: PARTITIONS }],
                },
                version,
              )
              return codes(reply.topics)
            },
          })
        }
        all.push({
          name: `TxnOffsetCommit: ${name}`,
          run: async (start) => {
            const producer = await start.client.request(
              p.InitProducerIdRequest,
              p.InitProducerIdResponse,
              { transactionalId: start.group, transactionTimeoutMs: 60_000 },
            )
            const reply = await start.client.request(
              p.TxnOffsetCommitRequest,
              p.TxnOffsetCommitResponse,
              {
                ...of(start),
                transactionalId: start.group,
                producerId: producer.producerId,
                producerEpoch: producer.producerEpoch,
                generationIdOrMemberEpoch: epochOf(start),
                topics: [{ name: TOPIC, partitions: PARTITIONS }],
              },
              5,
            )
            return codes(reply.topics)
          },
        })
      }
      all.push({
        name: `OffsetFetch: ${who}, ${when}`,
        run: (start) => {
          const memberEpoch = epochOf(start)
          const isAdmin = who === 'no member' && memberEpoch < 0
          return fetchOffsets(start, isAdmin ? null : memberIdOf(start), memberEpoch)
        },
      })
      all.push({
        name: `ConsumerGroupHeartbeat: ${who}, ${when}`,
        run: async (start) => {
          const given = { memberId: memberIdOf(start), memberEpoch: epochOf(start) }
          return consumerText(start, await beat(start, { ...given, full: false }))
        },
      })
      all.push({
        name: `ShareGroupHeartbeat: ${who}, ${when}`,
        run: async (start) =>
          heartbeatText(start, await shareBeat(start, memberIdOf(start), epochOf(start))),
      })
      all.push({
        name: `StreamsGroupHeartbeat: ${who}, ${when}`,
        run: async (start) =>
          heartbeatText(start, await streamsBeat(start, memberIdOf(start), epochOf(start), false)),
      })
    }
    for (const [where, instanceId] of Object.entries(instanceIds)) {
      all.push({
        name: `LeaveGroup: ${who}${where === '' ? '' : `, ${where}`}`,
        run: async (start) => {
          const reply = await start.client.request(p.LeaveGroupRequest, p.LeaveGroupResponse, {
            groupId: start.group,
            members: [{ memberId: memberIdOf(start), groupInstanceId: instanceId }],
          })
          const each = reply.members.map(({ errorCode }) => errorText(errorCode))
          return `${errorText(reply.errorCode)} [${each}]`
        },
      })
    }
    all.push({
      name: `LeaveGroup v2: ${who}`,
      run: async (start) => {
        const body = { groupId: start.group, memberId: memberIdOf(start) }
        return errorText(
          (await start.client.request(p.LeaveGroupRequest, p.LeaveGroupResponse, body, 2))
            .errorCode,
        )
      },
    })
  }
  return all
}

/** An epoch relative to that of the member; 0 and below have meanings of their own. */
function relative(start: Start, epoch: number): string {
  if (epoch <= 0) return String(epoch)
  const more = epoch - start.epoch
  return more < 0 ? `same${more}` : `same+${more}`
}

interface Heartbeat {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly memberId: string | null
  readonly memberEpoch: number
}

function heartbeatText(start: Start, reply: Heartbeat): string {
  const { errorCode, errorMessage, memberId, memberEpoch } = reply
  const id = memberId === start.memberId ? KNOWN : memberId === null ? 'null' : 'new'
  const text = `${errorText(errorCode)}${messageText(start, errorMessage)}`
  return `${text} member ${id} epoch ${relative(start, memberEpoch)}`
}

function consumerText(
  start: Start,
  reply: Heartbeat & {
    readonly assignment: {
      readonly topicPartitions: readonly { readonly partitions: readonly number[] }[]
    } | null
  },
): string {
  const partitions = reply.assignment?.topicPartitions.flatMap((each) => each.partitions)
  // Which partitions a member gets may depend on its id.
  return `${heartbeatText(start, reply)} assigned ${partitions?.length ?? 'null'}`
}

/** JoinGroup, which may wait for other members. */
const joins: Readonly<Record<string, (start: Start) => Join>> = {
  'a new member': () => ({}),
  'a new member, v3': () => ({ version: 3 }),
  'a new static member': () => ({ instanceId: 'new' }),
  'the same instance': () => ({ instanceId: 'instance' }),
  'the same instance, unknown id': () => ({ instanceId: 'instance', memberId: 'unknown' }),
  'the member': ({ memberId, instanceId }) => ({ memberId, instanceId }),
  'an unknown id': () => ({ memberId: 'unknown' }),
  'another protocol': () => ({ protocols: ['roundrobin'] }),
  'another protocol type': () => ({ protocolType: 'connect' }),
  'no protocol type': () => ({ protocolType: '' }),
  'no protocols': () => ({ protocols: [] }),
  'a short session': () => ({ sessionTimeoutMs: 10 }),
  'a long session': () => ({ sessionTimeoutMs: 10_000_000 }),
}

function joinProbes(): Probe[] {
  return Object.entries(joins).map(([name, of]) => ({
    name: `JoinGroup: ${name}`,
    run: async (start) => {
      const reply = await join(start, of(start))
      const { errorCode, generationId, protocolName, protocolType, leader, memberId } = reply
      const generation = relative(start, generationId)
      // The leader among several members depends on their ids.
      if (start.held.length > 0 && errorCode === p.ErrorCode.NONE) return `NONE ${generation}`
      const leads = leader === '' ? 'no leader' : leader === memberId ? 'leads' : 'follows'
      const names = `${protocolType} ${protocolName}`
      return `${errorText(errorCode)} ${generation} ${names} ${leads} of ${reply.members.length}`
    },
  }))
}

/** Heartbeats that join, change or leave. */
const beats: Readonly<Record<string, (start: Start) => Beat>> = {
  'a new member': () => ({ memberId: newMemberId(), memberEpoch: 0 }),
  'a member without id': () => ({ memberId: '', memberEpoch: 0 }),
  'the member joins again': ({ memberId, instanceId }) => ({
    memberId,
    memberEpoch: 0,
    instanceId,
  }),
  'a new static member': () => ({ memberId: newMemberId(), memberEpoch: 0, instanceId: 'new' }),
  'another member with the instance': () => ({
    memberId: newMemberId(),
    memberEpoch: 0,
    instanceId: 'instance',
  }),
  'an unknown assignor': () => ({ memberId: newMemberId(), memberEpoch: 0, assignor: 'none' }),
  'the range assignor': () => ({ memberId: newMemberId(), memberEpoch: 0, assignor: 'range' }),
  'no subscription': () => ({ memberId: newMemberId(), memberEpoch: 0, topics: null }),
  'an empty subscription': () => ({ memberId: newMemberId(), memberEpoch: 0, topics: [] }),
  'a regular expression': () => ({
    memberId: newMemberId(),
    memberEpoch: 0,
    topics: null,
    regex: 'cel.*',
  }),
  'an invalid regular expression': () => ({
    memberId: newMemberId(),
    memberEpoch: 0,
    topics: null,
    regex: '[',
  }),
  'owned partitions of a new member': () => ({
    memberId: newMemberId(),
    memberEpoch: 0,
    owned: [0],
  }),
  'an invalid epoch': ({ memberId }) => ({ memberId, memberEpoch: -3 }),
  leaves: ({ memberId }) => ({ memberId, memberEpoch: -1, full: false }),
  'leaves for a while': ({ memberId }) => ({ memberId, memberEpoch: -2, full: false }),
  'the instance leaves': ({ memberId }) => ({
    memberId,
    memberEpoch: -1,
    instanceId: 'instance',
    full: false,
  }),
  'the instance leaves for a while': ({ memberId }) => ({
    memberId,
    memberEpoch: -2,
    instanceId: 'instance',
    full: false,
  }),
  'another instance leaves': ({ memberId }) => ({
    memberId,
    memberEpoch: -1,
    instanceId: 'other',
    full: false,
  }),
  'the member owns its partitions': ({ memberId, epoch }) => ({
    memberId,
    memberEpoch: epoch,
    owned: [0, 1],
    full: false,
  }),
  'the member, previous epoch, owns its partitions': ({ memberId, epoch }) => ({
    memberId,
    memberEpoch: epoch - 1,
    owned: [0, 1],
    full: false,
  }),
  'the member, previous epoch, owns another partition': ({ memberId, epoch }) => ({
    memberId,
    memberEpoch: epoch - 1,
    owned: [7],
    full: false,
  }),
  'the member subscribes to another topic': ({ memberId, epoch }) => ({
    memberId,
    memberEpoch: epoch,
    topics: ['none'],
    full: false,
  }),
}

function modernProbes(): Probe[] {
  const consumers = Object.entries(beats).map(([name, of]) => ({
    name: `ConsumerGroupHeartbeat: ${name}`,
    run: async (start: Start) => consumerText(start, await beat(start, of(start))),
  }))
  const others = (
    [
      ['a new member', () => newMemberId(), 0],
      ['a member without id', () => '', 0],
      ['the member joins again', ({ memberId }: Start) => memberId, 0],
      ['the member leaves', ({ memberId }: Start) => memberId, -1],
      ['an unknown member leaves', () => 'unknown', -1],
      ['the member leaves for a while', ({ memberId }: Start) => memberId, -2],
      ['an invalid epoch', ({ memberId }: Start) => memberId, -3],
    ] as const
  ).flatMap(([name, memberIdOf, epoch]) => [
    {
      name: `ShareGroupHeartbeat: ${name}`,
      run: async (start: Start) =>
        heartbeatText(start, await shareBeat(start, memberIdOf(start), epoch)),
    },
    {
      name: `StreamsGroupHeartbeat: ${name}`,
      run: async (start: Start) =>
        heartbeatText(start, await streamsBeat(start, memberIdOf(start), epoch, epoch === 0)),
    },
  ])
  return [...consumers, ...others]
}

function adminProbes(): Probe[] {
  return [
    { name: EPOCH_WITHOUT_MEMBER, run: (start) => fetchOffsets(start, null, start.epoch) },
    {
      name: 'DeleteGroups',
      run: async ({ client, group }) => {
        const body = { groupsNames: [group] }
        const { results } = await client.request(
          p.DeleteGroupsRequest,
          p.DeleteGroupsResponse,
          body,
        )
        return results.map(({ errorCode }) => errorText(errorCode)).join()
      },
    },
    ...[TOPIC, 'none'].map((name) => ({
      name: `OffsetDelete: ${name}`,
      run: async ({ client, group }: Start) => {
        const reply = await client.request(p.OffsetDeleteRequest, p.OffsetDeleteResponse, {
          groupId: group,
          topics: [{ name, partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] }],
        })
        return `${errorText(reply.errorCode)} ${codes(reply.topics)}`
      },
    })),
    {
      name: 'ConsumerGroupDescribe',
      run: async (start) => {
        const { groups } = await start.client.request(
          p.ConsumerGroupDescribeRequest,
          p.ConsumerGroupDescribeResponse,
          { groupIds: [start.group], includeAuthorizedOperations: false },
        )
        return groups.map((group) => describedText(start, group)).join()
      },
    },
    {
      name: 'ShareGroupDescribe',
      run: async (start) => {
        const { groups } = await start.client.request(
          p.ShareGroupDescribeRequest,
          p.ShareGroupDescribeResponse,
          { groupIds: [start.group], includeAuthorizedOperations: false },
        )
        return groups.map((group) => describedText(start, group)).join()
      },
    },
    {
      name: 'StreamsGroupDescribe',
      run: async (start) => {
        const { groups } = await start.client.request(
          p.StreamsGroupDescribeRequest,
          p.StreamsGroupDescribeResponse,
          { groupIds: [start.group], includeAuthorizedOperations: false },
        )
        return groups.map((group) => describedText(start, group)).join()
      },
    },
    ...[5, 6].map((version) => ({
      name: `DescribeGroups v${version}`,
      run: async (start: Start) => {
        const { groups } = await start.client.request(
          p.DescribeGroupsRequest,
          p.DescribeGroupsResponse,
          { groups: [start.group] },
          version,
        )
        return groups
          .map(
            ({ errorCode, errorMessage, groupState, protocolType, protocolData, members: all }) => {
              const error = `${errorText(errorCode)}${messageText(start, errorMessage)}`
              return `${error} ${groupState} ${protocolType} ${protocolData} ${all.length}`
            },
          )
          .join()
      },
    })),
  ]
}

function describedText(
  start: Start,
  group: {
    readonly errorCode: number
    readonly errorMessage: string | null
    readonly groupState: string
    readonly groupEpoch: number
    readonly assignmentEpoch: number
    readonly members: readonly unknown[]
  },
): string {
  const error = `${errorText(group.errorCode)}${messageText(start, group.errorMessage)}`
  const { groupState, members } = group
  const groupEpoch = relative(start, group.groupEpoch)
  const assignmentEpoch = relative(start, group.assignmentEpoch)
  return `${error} ${groupState} ${groupEpoch} ${assignmentEpoch} ${members.length}`
}

export interface Cell {
  readonly name: string
  readonly setup: Setup
  readonly probe: Probe
}

/** Every state that can be reached over the wire × every request. */
export function groupCells(): Cell[] {
  const probes = [...membershipProbes(), ...joinProbes(), ...modernProbes(), ...adminProbes()]
  return Object.entries(setups).flatMap(([state, setup]) =>
    probes.map((probe) => ({ name: `${state}: ${probe.name}`, setup, probe })),
  )
}

/** The group as the broker lists it. */
async function listed(start: Start): Promise<string> {
  const { groups } = await start.client.request(p.ListGroupsRequest, p.ListGroupsResponse, {
    statesFilter: [],
    typesFilter: [],
  })
  const found = groups.find(({ groupId }) => groupId === start.group)
  if (found === undefined) return 'not listed'
  return `${found.groupType} ${found.groupState} ${found.protocolType}`
}

/**
 * Commits an offset of another group with the same coordinator. A group that is only in memory is
 * listed by Apache Kafka after the next write to the coordinator's partition.
 */
async function neighbourCommit(start: Start): Promise<void> {
  const partition = partitionForKey(start.group, OFFSETS_PARTITIONS)
  let index = 0
  while (partitionForKey(`neighbour-${index}`, OFFSETS_PARTITIONS) !== partition) index++
  const code = await commit({ ...start, group: `neighbour-${index}`, epoch: -1 })
  if (code !== p.ErrorCode.NONE) throw new Error(`neighbour: ${errorText(code)}`)
}

/** Runs all cells on one broker; returns outcomes by name of the cell. */
export async function runGroupCells(
  address: string,
  cells: readonly Cell[],
): Promise<Map<string, string>> {
  const outcomes = new Map<string, string>()
  const setup = await WireClient.connect(address)
  const topicId = await createTopic(setup, TOPIC, 2)
  await warmUp(setup)
  setup.close()
  const queue = cells.map((cell, index) => ({ cell, group: `cell-${index}` })).reverse()
  const work = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      outcomes.set(next.cell.name, await runCell(next.cell, { address, topicId, ...next }))
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  return outcomes
}

async function runCell(
  { setup, probe }: Cell,
  given: { readonly address: string; readonly topicId: string; readonly group: string },
): Promise<string> {
  const client = await WireClient.connect(given.address)
  const held: WireClient[] = []
  try {
    const { address, topicId, group } = given
    const start = await setup({
      client,
      address,
      topicId,
      group,
      held,
      memberId: 'member-0000000000nobody',
      instanceId: null,
      epoch: 3,
    })
    const waiting = new AbortController()
    const reply = await Promise.race([
      probe.run(start).catch((error: Error) => error.message),
      sleep(REPLY_MS, 'no reply', { signal: waiting.signal }),
    ])
    waiting.abort()
    const observer = await WireClient.connect(address)
    held.push(observer)
    await neighbourCommit({ ...start, client: observer })
    return `${reply}; ${await listed({ ...start, client: observer })}`
  } catch (error) {
    return `setup: ${(error as Error).message}`
  } finally {
    for (const each of [client, ...held]) each.close()
  }
}

/** Kafka creates the internal topics on the first request, and loads them with a delay. */
async function warmUp(client: WireClient): Promise<void> {
  for (const keyType of [0, 1]) await coordinatorFound(client, keyType, 'warm-up')
  await until(async () => {
    const { errorCode } = await client.request(p.ListGroupsRequest, p.ListGroupsResponse, {
      statesFilter: [],
      typesFilter: [],
    })
    return errorCode === 0 ? true : undefined
  })
}
