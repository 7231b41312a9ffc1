// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from '@millrace/protocol'
import type { StreamsGroup } from '../coordinator/group/streams/streams-group.ts'
import type { StreamsMember } from '../coordinator/group/streams/streams-member.ts'
import {
  type AssignedTasks,
  type TargetTasks,
  taskIdsOf,
} from '../coordinator/group/streams/tasks.ts'
import type {
  ConfiguredTopology,
  Subtopology,
  Topology,
} from '../coordinator/group/streams/topology.ts'
import { topicsOf } from '../coordinator/group/streams/topology.ts'
import { AuthorizedOperations } from '../security/authorized-operations.ts'
import { defineHandler } from './handler.ts'
import { deniedGroup, hiddenGroup, missingGroup } from './missing-group.ts'

/** Status codes of a topology description: descriptions are not stored here (KIP-1331). */
const DescriptionStatus = { notRequested: 0, notStored: 1 } as const

/**
 * StreamsGroupDescribe (key 89): streams groups, their topologies, members and tasks (KIP-1071).
 */
export const streamsGroupDescribe = defineHandler(
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
  async (request, { broker, access }) => ({
    throttleTimeMs: 0,
    groups: await Promise.all(
      request.groupIds.map(async (groupId) => {
        if (!access.allows('group', groupId)) return deniedGroup(groupId)
        const described = await broker.groups.describeStreamsGroup(groupId)
        if (described === undefined) {
          return missingGroup(broker, groupId, 'streams')
        }
        const { group, configured } = described
        if (access.deniedTopics(topicsOf(group.topology)).size > 0) {
          return hiddenGroup(
            groupId,
            'The described group uses topics that the client is not authorized to describe.',
          )
        }
        return {
          groupId,
          errorCode: ErrorCode.NONE,
          groupState: group.state,
          groupEpoch: group.groupEpoch,
          assignmentEpoch: group.assignmentEpoch,
          topology: describedTopology(group.topology, configured),
          members: [...group.members.values()].map((member) => describedMember(member, group)),
          authorizedOperations: request.includeAuthorizedOperations
            ? access.operations('group', groupId)
            : AuthorizedOperations.omitted,
          topologyDescriptionStatus: request.includeTopologyDescription
            ? DescriptionStatus.notStored
            : DescriptionStatus.notRequested,
          assignorName: 'sticky',
        }
      }),
    ),
  }),
)

function describedTopology(
  topology: Topology | undefined,
  configured: ConfiguredTopology | undefined,
) {
  if (topology === undefined) return null
  return {
    epoch: topology.epoch,
    subtopologies: topology.subtopologies.map((subtopology) => {
      const { subtopologyId } = subtopology
      const internal = configured?.subtopologies?.get(subtopologyId)?.internalPartitions
      return describedSubtopology(subtopology, internal)
    }),
  }
}

function describedSubtopology(
  subtopology: Subtopology,
  internal: ReadonlyMap<string, number> | undefined,
) {
  const described = (topic: Subtopology['stateChangelogTopics'][number]) => ({
    ...topic,
    partitions: internal?.get(topic.name) ?? topic.partitions,
  })
  return {
    subtopologyId: subtopology.subtopologyId,
    sourceTopics: [...subtopology.sourceTopics].sort(),
    repartitionSinkTopics: [...subtopology.repartitionSinkTopics].sort(),
    stateChangelogTopics: subtopology.stateChangelogTopics.map(described),
    repartitionSourceTopics: subtopology.repartitionSourceTopics.map(described),
  }
}

function describedMember(member: StreamsMember, group: StreamsGroup) {
  return {
    memberId: member.memberId,
    memberEpoch: member.memberEpoch,
    instanceId: member.instanceId,
    rackId: member.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    topologyEpoch: member.topologyEpoch,
    processId: member.processId,
    userEndpoint: member.userEndpoint,
    clientTags: member.clientTags,
    taskOffsets: [],
    taskEndOffsets: [],
    assignment: describedTasks(member.assigned),
    targetAssignment: describedTasks(group.target(member.memberId)),
    isClassic: false,
  }
}

function describedTasks({ active, standby, warmup }: AssignedTasks | TargetTasks) {
  return {
    activeTasks: taskIdsOf(active),
    standbyTasks: taskIdsOf(standby),
    warmupTasks: taskIdsOf(warmup),
  }
}
