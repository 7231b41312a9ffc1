// SPDX-License-Identifier: Apache-2.0
import {
  AclOperation,
  ErrorCode,
  type MessageOf,
  ProtocolError,
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from '@millrace/protocol'
import type {
  StreamsHeartbeat,
  StreamsHeartbeatReply,
} from '../coordinator/group/streams/streams-requests.ts'
import { taskIdsOf, tasksOf } from '../coordinator/group/streams/tasks.ts'
import { StatusCode, topicsOf } from '../coordinator/group/streams/topology.ts'
import { topicNameError } from '../topic-name.ts'
import { isInternalTopic } from '../topics.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt, textUnlessDenied } from './outcome.ts'
import { requireTopics, throwIfEmpty } from './request-checks.ts'

type Request = MessageOf<typeof StreamsGroupHeartbeatRequest>

/**
 * StreamsGroupHeartbeat (key 88): a member of a streams group reports its topology and tasks, and
 * receives its assignment (KIP-1071).
 */
export const streamsGroupHeartbeat = defineHandler(
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
  (request, context) =>
    attempt(
      context,
      async () => {
        context.access.requireGroup(request.groupId)
        requireTopics(request.topology === null ? [] : topicsOf(request.topology), context.access)
        check(request)
        const heartbeat = heartbeatOf(request, context)
        const reply = await withInternalTopics(heartbeat, context)
        const { assignment } = reply
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          memberId: reply.memberId,
          memberEpoch: reply.memberEpoch,
          heartbeatIntervalMs: reply.heartbeatIntervalMs,
          acceptableRecoveryLagLegacy: 0,
          taskOffsetIntervalMs: 0,
          status: reply.status,
          activeTasks: assignment === undefined ? null : taskIdsOf(assignment.active),
          standbyTasks: assignment === undefined ? null : taskIdsOf(assignment.standby),
          warmupTasks: assignment === undefined ? null : taskIdsOf(assignment.warmup),
          endpointInformationEpoch: reply.endpointInformationEpoch,
          partitionsByUserEndpoint: reply.partitionsByEndpoint ?? null,
        }
      },
      (error) => ({
        throttleTimeMs: 0,
        errorCode: error.errorCode,
        errorMessage: textUnlessDenied(error),
        memberId: '',
        memberEpoch: 0,
        heartbeatIntervalMs: 0,
        acceptableRecoveryLagLegacy: 0,
        taskOffsetIntervalMs: 0,
        status: error.code === 'GROUP_AUTHORIZATION_FAILED' ? [] : null,
        endpointInformationEpoch: 0,
      }),
    ),
)

function heartbeatOf(request: Request, context: RequestContext): StreamsHeartbeat {
  const { activeTasks, standbyTasks, warmupTasks } = request
  return {
    groupId: request.groupId,
    memberId: request.memberId,
    memberEpoch: request.memberEpoch,
    endpointInformationEpoch: request.endpointInformationEpoch,
    rackId: request.rackId,
    clientId: context.clientId,
    clientHost: context.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    topology: request.topology,
    owned:
      activeTasks === null || standbyTasks === null || warmupTasks === null
        ? undefined
        : {
            active: tasksOf(activeTasks),
            standby: tasksOf(standbyTasks),
            warmup: tasksOf(warmupTasks),
          },
    processId: request.processId,
    userEndpoint: request.userEndpoint,
    clientTags: request.clientTags,
    shutdownApplication: request.shutdownApplication,
  }
}

/**
 * Creates missing internal topics of the group. A member that joins then gets its tasks at once;
 * others with their next heartbeat.
 */
async function withInternalTopics(
  heartbeat: StreamsHeartbeat,
  { broker, access }: RequestContext,
): Promise<StreamsHeartbeatReply> {
  const reply = await broker.groups.streamsHeartbeat(heartbeat)
  if (reply.topicsToCreate.length === 0) return reply
  const operation = AclOperation.CREATE
  const denied = access.allowsCluster({ logsDenial: false })
    ? []
    : [
        ...access.deniedTopics(
          reply.topicsToCreate.map(({ name }) => name),
          { operation },
        ),
      ]
  if (denied.length > 0) {
    return withDetail(reply, `Unauthorized to CREATE on topics ${denied.join(',')}.`)
  }
  const failures: string[] = []
  for (const topic of reply.topicsToCreate) {
    try {
      await broker.createTopic(topic)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      if (error.code !== 'TOPIC_ALREADY_EXISTS') failures.push(`${topic.name}: ${error.message}`)
    }
  }
  if (failures.length === 0) {
    return heartbeat.memberEpoch === 0 ? broker.groups.streamsHeartbeat(heartbeat) : reply
  }
  return withDetail(reply, `Creation failed: ${failures.join('; ')}.`)
}

/** Adds the status for missing internal topics. */
function withDetail(reply: StreamsHeartbeatReply, detail: string): StreamsHeartbeatReply {
  const status = reply.status.map((each) =>
    each.statusCode === StatusCode.missingInternalTopics
      ? { ...each, statusDetail: `${each.statusDetail}; ${detail}` }
      : each,
  )
  return { ...reply, status }
}

function check(request: Request): void {
  const invalid = (message: string): ProtocolError => new ProtocolError('INVALID_REQUEST', message)
  const { memberEpoch, topology, activeTasks, standbyTasks, warmupTasks } = request
  if (request.instanceId !== null) throw invalid('Static membership is not yet supported.')
  if (request.taskOffsets !== null) throw invalid('TaskOffsets are not supported yet.')
  if (request.taskEndOffsets !== null) throw invalid('TaskEndOffsets are not supported yet.')
  if ((warmupTasks?.length ?? 0) > 0) throw invalid('WarmupTasks are not supported yet.')
  if (topology?.subtopologies.some(({ sourceTopicRegex }) => sourceTopicRegex.length > 0)) {
    throw invalid('Regular expressions for source topics are not supported yet.')
  }
  throwIfEmpty(request.memberId, 'MemberId')
  throwIfEmpty(request.groupId, 'GroupId')
  throwIfEmpty(request.rackId, 'RackId')
  const tasks = { ActiveTasks: activeTasks, StandbyTasks: standbyTasks, WarmupTasks: warmupTasks }
  if (memberEpoch === 0) {
    if (request.rebalanceTimeoutMs === -1) {
      throw invalid('RebalanceTimeoutMs must be provided in first request.')
    }
    for (const [name, list] of Object.entries(tasks)) {
      if (list === null || list.length > 0) {
        throw invalid(`${name} must be empty when (re-)joining.`)
      }
    }
    if (topology === null) throw invalid('Topology must be non-null when (re-)joining.')
    checkTopology(topology)
    return
  }
  if (memberEpoch === -2) throw invalid("InstanceId can't be null.")
  if (memberEpoch < -2) {
    throw invalid(`MemberEpoch is ${memberEpoch}, but must be greater than or equal to -2.`)
  }
  const given = Object.values(tasks).filter((list) => list !== null).length
  if (given !== 0 && given !== 3)
    throw invalid('If one task-type is non-null, all must be non-null.')
  if (topology !== null) throw invalid('Topology can only be provided when (re-)joining.')
}

function checkTopology(topology: NonNullable<Request['topology']>): void {
  const invalid = (message: string): ProtocolError =>
    new ProtocolError('STREAMS_INVALID_TOPOLOGY', message)
  const names = [...topicsOf(topology)]
  const internal = names.filter(isInternalTopic)
  if (internal.length > 0) {
    throw invalid(
      `Use of Kafka internal topics ${internal.join(',')} in a Kafka Streams topology is prohibited.`,
    )
  }
  const wrong = names.filter((name) => topicNameError(name) !== undefined)
  if (wrong.length > 0) throw invalid(`Topic names ${wrong.join(',')} are not valid topic names.`)
  for (const { stateChangelogTopics } of topology.subtopologies) {
    for (const { name, partitions } of stateChangelogTopics) {
      if (partitions === 0) continue
      throw invalid(
        `Changelog topic ${name} must have an undefined partition count, but it is set to ${partitions}.`,
      )
    }
  }
}
