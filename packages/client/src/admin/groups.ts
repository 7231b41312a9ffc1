// SPDX-License-Identifier: Apache-2.0
import { elementAt, MillraceError } from '@millrace/base'
import {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
  DeleteGroupsRequest,
  DeleteGroupsResponse,
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
  DescribeGroupsRequest,
  DescribeGroupsResponse,
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
  ErrorCode,
  LeaveGroupRequest,
  LeaveGroupResponse,
  ListGroupsRequest,
  ListGroupsResponse,
  type MessageOf,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetDeleteRequest,
  OffsetDeleteResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  ProtocolError,
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from '@millrace/protocol'
import { decodeAssignment, decodeSubscription } from '../consumer/group/consumer-protocol.ts'
import {
  type CommittedOffset,
  commitTopics,
  committedIn,
  OFFSETS_BY_NAME,
  type OffsetAndMetadata,
  offsetFetchMessage,
} from '../consumer/offset-messages.ts'
import { partitionName, partitionsByTopic, type TopicPartition } from '../topic-partition.ts'
import {
  type AdminCaller,
  errorOf,
  groupCoordinator,
  type ItemResult,
  Outcomes,
  throwIfError,
} from './caller.ts'
import { type AclOperation, operationsOf } from './names.ts'

/** Groups with all their partitions, or with the given ones. */
export type GroupSelection = readonly string[] | Readonly<Record<string, readonly TopicPartition[]>>

function partitionsByGroup(
  groups: GroupSelection,
): Map<string, readonly TopicPartition[] | undefined> {
  if (!isList(groups)) return new Map(Object.entries(groups))
  return new Map(groups.map((groupId) => [groupId, undefined]))
}

function isList(groups: GroupSelection): groups is readonly string[] {
  return Array.isArray(groups)
}

/** A check that throws the error in a reply about one group. */
function groupsOk(groupId: string) {
  return ({ groups }: { readonly groups: readonly ItemResult[] }): void => {
    for (const group of groups) throwIfError(group, `group ${groupId}`)
  }
}

/** Types of groups. */
export type GroupType = 'classic' | 'consumer' | 'share' | 'streams'

/** A group without its members. */
export interface GroupListing {
  /** Id of the group. */
  readonly groupId: string
  /** Empty for groups that only hold offsets. */
  readonly protocolType: string
  /** As the broker spells it: `Stable`, `Empty`, `PreparingRebalance` … */
  readonly state: string
  /** As the broker spells it: `Classic`, `Consumer`, `Share`, `Streams`. */
  readonly type: string
}

/** Groups to list; absent fields match all. */
export interface GroupFilter {
  /** States, such as `Stable`. */
  readonly states?: readonly string[]
  /** Types of groups. */
  readonly types?: readonly GroupType[]
}

export async function listGroups(
  caller: AdminCaller,
  { states = [], types = [] }: GroupFilter = {},
): Promise<GroupListing[]> {
  const listed = await caller.everywhere(async (node) => {
    const response = await caller.call(
      node,
      ListGroupsRequest,
      ListGroupsResponse,
      { statesFilter: [...states], typesFilter: [...types] },
      (reply) => throwIfError(reply, 'ListGroups'),
    )
    return response.groups
  })
  return listed
    .map(({ groupId, protocolType, groupState, groupType }) => ({
      groupId,
      protocolType,
      state: groupState,
      type: groupType,
    }))
    .sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
}

/** A member of a group. */
export interface MemberDescription {
  /** Id of the member. */
  readonly memberId: string
  /** Name of a static member (KIP-345), or null. */
  readonly groupInstanceId: string | null
  /** Client id. */
  readonly clientId: string
  /** Host of the client, as the broker sees it. */
  readonly host: string
  /** Rack of the client, or null. */
  readonly rackId: string | null
  /** Partitions assigned to the member. */
  readonly assignment: readonly TopicPartition[]
  /** Target assignment; undefined for classic groups. */
  readonly targetAssignment: readonly TopicPartition[] | undefined
  /** Topics that the member subscribes to. */
  readonly subscribedTopics: readonly string[]
  /** Member epoch; undefined for classic groups. */
  readonly memberEpoch: number | undefined
}

/** A group and its members. */
export interface GroupDescription {
  /** Id of the group. */
  readonly groupId: string
  /** Type of the group. */
  readonly type: GroupType
  /** State, such as `Stable` or `Empty`. */
  readonly state: string
  /** Protocol type, such as `consumer`. */
  readonly protocolType: string
  /** Assignor or protocol; empty if there is none. */
  readonly assignor: string
  /** Epoch of the group; undefined for classic groups. */
  readonly groupEpoch: number | undefined
  /** Members. */
  readonly members: readonly MemberDescription[]
  /** Id of the broker that coordinates the group. */
  readonly coordinator: number
  /** Operations that the client is authorized for on the group; undefined if not requested. */
  readonly authorizedOperations: readonly AclOperation[] | undefined
}

export interface DescribeGroupOptions {
  readonly includeAuthorizedOperations?: boolean
}

export async function describeClassicGroups(
  caller: AdminCaller,
  groupIds: readonly string[],
  options: DescribeGroupOptions = {},
): Promise<Map<string, GroupDescription>> {
  return caller.forEach(groupIds, (groupId) => describeClassic(caller, groupId, options))
}

async function describeClassic(
  caller: AdminCaller,
  groupId: string,
  options: DescribeGroupOptions,
): Promise<GroupDescription> {
  const response = await caller.call(
    groupCoordinator(groupId),
    DescribeGroupsRequest,
    DescribeGroupsResponse,
    {
      groups: [groupId],
      ...(options.includeAuthorizedOperations === true
        ? { includeAuthorizedOperations: true }
        : {}),
    },
    groupsOk(groupId),
  )
  const group = elementAt(response.groups, 0)
  const isConsumers = group.protocolType === 'consumer' || group.protocolType === ''
  return {
    groupId,
    type: 'classic',
    state: group.groupState,
    protocolType: group.protocolType,
    assignor: group.protocolData,
    groupEpoch: undefined,
    members: group.members.map((member) => {
      const { memberId, groupInstanceId, clientId, clientHost } = member
      const subscription =
        isConsumers && member.memberMetadata.length > 0
          ? decodeSubscription(member.memberMetadata, { memberId, groupInstanceId })
          : undefined
      return {
        memberId,
        groupInstanceId,
        clientId,
        host: clientHost,
        rackId: subscription?.rackId ?? null,
        assignment: isConsumers ? decodeAssignment(member.memberAssignment) : [],
        targetAssignment: undefined,
        subscribedTopics: subscription?.topics ?? [],
        memberEpoch: undefined,
      }
    }),
    coordinator: (await caller.cluster.coordinator('group', groupId)).id,
    authorizedOperations: operationsOf(group.authorizedOperations),
  }
}

/** Consumer groups of either protocol. */
export async function describeConsumerGroups(
  caller: AdminCaller,
  groupIds: readonly string[],
  options: DescribeGroupOptions = {},
): Promise<Map<string, GroupDescription>> {
  return caller.forEach(groupIds, async (groupId) => {
    try {
      const response = await caller.call(
        groupCoordinator(groupId),
        ConsumerGroupDescribeRequest,
        ConsumerGroupDescribeResponse,
        {
          groupIds: [groupId],
          includeAuthorizedOperations: options.includeAuthorizedOperations ?? false,
        },
        groupsOk(groupId),
      )
      const group = elementAt(response.groups, 0)
      return await newKind(caller, 'consumer', {
        ...group,
        members: group.members.map((member) => ({ groupInstanceId: member.instanceId, ...member })),
      })
    } catch (error) {
      // A classic group, or a broker that knows only classic groups.
      const isClassic =
        error instanceof MillraceError &&
        (error.code === 'GROUP_ID_NOT_FOUND' || error.code === 'UNSUPPORTED_VERSION')
      if (!isClassic) throw error
      return describeClassic(caller, groupId, options)
    }
  })
}

interface NewKindGroup {
  readonly groupId: string
  readonly groupState: string
  readonly groupEpoch: number
  readonly assignorName: string | null
  readonly authorizedOperations: number
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly rackId: string | null
    readonly memberEpoch: number
    readonly clientId: string
    readonly clientHost: string
    readonly subscribedTopicNames: readonly string[]
    readonly assignment: Assigned
    readonly targetAssignment?: Assigned
  }[]
}

interface Assigned {
  readonly topicPartitions: readonly {
    readonly topicName: string
    readonly partitions: readonly number[]
  }[]
}

function placesOf({ topicPartitions }: Assigned): TopicPartition[] {
  return topicPartitions.flatMap(({ topicName, partitions }) =>
    partitions.map((partition) => ({ topic: topicName, partition })),
  )
}

async function newKind(
  caller: AdminCaller,
  type: GroupType,
  group: NewKindGroup,
): Promise<GroupDescription> {
  return {
    groupId: group.groupId,
    type,
    state: group.groupState,
    protocolType: type,
    assignor: group.assignorName ?? '',
    groupEpoch: group.groupEpoch,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      host: member.clientHost,
      rackId: member.rackId,
      assignment: placesOf(member.assignment),
      targetAssignment:
        member.targetAssignment === undefined ? undefined : placesOf(member.targetAssignment),
      subscribedTopics: member.subscribedTopicNames,
      memberEpoch: member.memberEpoch,
    })),
    coordinator: (await caller.cluster.coordinator('group', group.groupId)).id,
    authorizedOperations: operationsOf(group.authorizedOperations),
  }
}

export async function describeShareGroups(
  caller: AdminCaller,
  groupIds: readonly string[],
  options: DescribeGroupOptions = {},
): Promise<Map<string, GroupDescription>> {
  return caller.forEach(groupIds, async (groupId) => {
    const response = await caller.call(
      groupCoordinator(groupId),
      ShareGroupDescribeRequest,
      ShareGroupDescribeResponse,
      {
        groupIds: [groupId],
        includeAuthorizedOperations: options.includeAuthorizedOperations ?? false,
      },
      groupsOk(groupId),
    )
    const group = elementAt(response.groups, 0)
    return newKind(caller, 'share', {
      ...group,
      members: group.members.map((member) => ({ groupInstanceId: null, ...member })),
    })
  })
}

/** A streams group as the broker describes it: topology, members with their tasks, epochs. */
export type StreamsGroupDescription = MessageOf<
  typeof StreamsGroupDescribeResponse
>['groups'][number]

export async function describeStreamsGroups(
  caller: AdminCaller,
  groupIds: readonly string[],
  options: DescribeGroupOptions = {},
): Promise<Map<string, StreamsGroupDescription>> {
  return caller.forEach(groupIds, async (groupId) => {
    const response = await caller.call(
      groupCoordinator(groupId),
      StreamsGroupDescribeRequest,
      StreamsGroupDescribeResponse,
      {
        groupIds: [groupId],
        includeAuthorizedOperations: options.includeAuthorizedOperations ?? false,
      },
      groupsOk(groupId),
    )
    return elementAt(response.groups, 0)
  })
}

/** Deletes groups of any type that have no members. */
export async function deleteGroups(
  caller: AdminCaller,
  groupIds: readonly string[],
): Promise<void> {
  await caller.forEach(groupIds, async (groupId) => {
    await caller.call(
      groupCoordinator(groupId),
      DeleteGroupsRequest,
      DeleteGroupsResponse,
      { groupsNames: [groupId] },
      ({ results }) => {
        for (const result of results) throwIfError(result, `group ${groupId}`)
      },
    )
  })
}

/** Committed offsets of groups, of all partitions or of the given ones. Keys are group ids. */
export async function listGroupOffsets(
  caller: AdminCaller,
  groups: GroupSelection,
  { requireStable = false }: { readonly requireStable?: boolean } = {},
): Promise<Map<string, CommittedOffset[]>> {
  const wanted = partitionsByGroup(groups)
  return caller.forEach([...wanted.keys()], async (groupId) => {
    const check = (result: ItemResult): void => throwIfError(result, `offsets of group ${groupId}`)
    const response = await caller.call(
      groupCoordinator(groupId),
      OffsetFetchRequest,
      OffsetFetchResponse,
      offsetFetchMessage(groupId, wanted.get(groupId) ?? null, requireStable),
      (reply) => {
        committedIn(reply, check)
      },
      OFFSETS_BY_NAME,
    )
    return committedIn(response, check)
  })
}

/** Sets committed offsets of a group without active members. */
export async function alterGroupOffsets(
  caller: AdminCaller,
  groupId: string,
  offsets: readonly (TopicPartition & OffsetAndMetadata)[],
): Promise<void> {
  const response = await caller.call(
    groupCoordinator(groupId),
    OffsetCommitRequest,
    OffsetCommitResponse,
    {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: commitTopics(offsets),
    },
    ({ topics }) => {
      for (const { partitions } of topics) {
        for (const { errorCode } of partitions) {
          const error = errorOf(errorCode, null, `group ${groupId}`)
          if (
            errorCode !== ErrorCode.NONE &&
            error.retriable &&
            errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
          )
            throw error
        }
      }
    },
    OFFSETS_BY_NAME,
  )
  const outcomes = new Outcomes<undefined>()
  for (const { name, partitions } of response.topics) {
    for (const each of partitions) {
      const place = { topic: name, partition: each.partitionIndex }
      outcomes.add(`${groupId}: ${partitionName(place)}`, each, () => undefined)
    }
  }
  outcomes.all()
}

export async function deleteGroupOffsets(
  caller: AdminCaller,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<void> {
  const response = await caller.call(
    groupCoordinator(groupId),
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    {
      groupId,
      topics: [...partitionsByTopic(partitions)].map(([name, list]) => ({
        name,
        partitions: list.map((partitionIndex) => ({ partitionIndex })),
      })),
    },
    (reply) => throwIfError(reply, `group ${groupId}`),
  )
  const outcomes = new Outcomes<undefined>()
  for (const { name, partitions: list } of response.topics) {
    for (const each of list) {
      const place = { topic: name, partition: each.partitionIndex }
      outcomes.add(`${groupId}: ${partitionName(place)}`, each, () => undefined)
    }
  }
  outcomes.all()
}

/** Removes members from a classic group: the named static members, or all. */
export async function removeMembersFromConsumerGroup(
  caller: AdminCaller,
  groupId: string,
  options: { readonly groupInstanceIds?: readonly string[]; readonly reason?: string } = {},
): Promise<void> {
  const members =
    options.groupInstanceIds?.map((groupInstanceId) => ({ memberId: '', groupInstanceId })) ??
    (await describeClassic(caller, groupId, {})).members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
    }))
  if (members.length === 0) return
  const reason = options.reason ?? 'member was removed by an admin'
  const response = await caller.call(
    groupCoordinator(groupId),
    LeaveGroupRequest,
    LeaveGroupResponse,
    (version) => {
      if (version < 3) {
        throw new ProtocolError('UNSUPPORTED_VERSION', 'removing members needs LeaveGroup 3')
      }
      return {
        groupId,
        members: members.map((member) => (version >= 5 ? { ...member, reason } : member)),
      }
    },
    (reply) => throwIfError(reply, `group ${groupId}`),
  )
  const outcomes = new Outcomes<undefined>()
  for (const each of response.members) {
    outcomes.add(each.groupInstanceId ?? each.memberId, each, () => undefined)
  }
  outcomes.all()
}

/** Progress of a share group in one partition. */
export interface ShareGroupOffset extends TopicPartition {
  /** First offset that is not finished; -1 before the group read the partition. */
  readonly startOffset: bigint
  /** Leader epoch of the offset; -1 if unknown. */
  readonly leaderEpoch: number
  /** Records that are not finished; -1 if the broker does not report them. */
  readonly lag: bigint
}

/** Offsets of groups, by group id; without partitions, all that the groups have. */
export async function listShareGroupOffsets(
  caller: AdminCaller,
  groups: GroupSelection,
): Promise<Map<string, ShareGroupOffset[]>> {
  const wanted = partitionsByGroup(groups)
  return caller.forEach([...wanted.keys()], async (groupId) => {
    const partitions = wanted.get(groupId)
    const topics =
      partitions === undefined
        ? null
        : [...partitionsByTopic(partitions)].map(([topicName, list]) => ({
            topicName,
            partitions: list,
          }))
    const response = await caller.call(
      groupCoordinator(groupId),
      DescribeShareGroupOffsetsRequest,
      DescribeShareGroupOffsetsResponse,
      { groups: [{ groupId, topics }] },
      groupsOk(groupId),
    )
    return (response.groups[0]?.topics ?? []).flatMap(({ topicName, partitions: list }) =>
      list.map(({ partitionIndex, startOffset, leaderEpoch, lag, ...result }) => {
        const place = { topic: topicName, partition: partitionIndex }
        throwIfError(result, `group ${groupId}: ${partitionName(place)}`)
        return { ...place, startOffset, leaderEpoch, lag }
      }),
    )
  })
}

export async function alterShareGroupOffsets(
  caller: AdminCaller,
  groupId: string,
  offsets: readonly (TopicPartition & { readonly offset: bigint })[],
): Promise<void> {
  const response = await caller.call(
    groupCoordinator(groupId),
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsResponse,
    {
      groupId,
      topics: [...Map.groupBy(offsets, ({ topic }) => topic)].map(([topicName, list]) => ({
        topicName,
        partitions: list.map(({ partition, offset }) => ({
          partitionIndex: partition,
          startOffset: offset,
        })),
      })),
    },
    (reply) => throwIfError(reply, `group ${groupId}`),
  )
  const outcomes = new Outcomes<undefined>()
  for (const { topicName, partitions } of response.responses) {
    for (const each of partitions) {
      outcomes.add(`${groupId}: ${topicName}-${each.partitionIndex}`, each, () => undefined)
    }
  }
  outcomes.all()
}

export async function deleteShareGroupOffsets(
  caller: AdminCaller,
  groupId: string,
  topics: readonly string[],
): Promise<void> {
  const response = await caller.call(
    groupCoordinator(groupId),
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsResponse,
    { groupId, topics: topics.map((topicName) => ({ topicName })) },
    (reply) => throwIfError(reply, `group ${groupId}`),
  )
  const outcomes = new Outcomes<undefined>()
  for (const each of response.responses) {
    outcomes.add(`${groupId}: ${each.topicName}`, each, () => undefined)
  }
  outcomes.all()
}
