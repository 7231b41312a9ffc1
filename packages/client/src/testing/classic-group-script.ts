// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  type ErrorName,
  HeartbeatRequest,
  HeartbeatResponse,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  LeaveGroupResponse,
  OffsetCommitRequest,
  OffsetCommitResponse,
  SyncGroupRequest,
  SyncGroupResponse,
} from '@millrace/protocol'
import { encodeAssignment } from '../consumer/group/consumer-protocol.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { type Reply, ScriptedCluster, type Silence } from './scripted-cluster.ts'

/** A coordinator of one classic group, whose leader is its only member by default. */
export class ClassicGroupScript extends ScriptedCluster {
  generationId = 0
  memberId = 'member-1'
  leaderId = 'member-1'
  /** Assignment for members that do not lead. */
  assigned: readonly TopicPartition[] = [{ topic: 't', partition: 0 }]
  /** Further members that the leader sees: id and subscription. */
  others: readonly { readonly memberId: string; readonly metadata: Buffer }[] = []
  heartbeat: ErrorName | Silence = 'NONE'

  constructor(nodeCount = 1) {
    super(nodeCount)
    this.topic('t', [1, 1])
    this.answer(JoinGroupRequest, JoinGroupResponse, (request) => ({
      errorCode: 0,
      generationId: ++this.generationId,
      protocolType: 'consumer',
      protocolName: request.protocols[0]?.name ?? '',
      leader: this.leaderId,
      skipAssignment: false,
      memberId: this.memberId,
      members:
        this.leaderId === this.memberId
          ? [
              {
                memberId: this.memberId,
                groupInstanceId: request.groupInstanceId,
                metadata: request.protocols[0]?.metadata ?? Buffer.alloc(0),
              },
              ...this.others.map((other) => ({ ...other, groupInstanceId: null })),
            ]
          : [],
    }))
    this.answer(SyncGroupRequest, SyncGroupResponse, (request) => ({
      errorCode: 0,
      protocolType: 'consumer',
      protocolName: request.protocolName ?? '',
      assignment:
        request.assignments.find(({ memberId }) => memberId === this.memberId)?.assignment ??
        encodeAssignment(this.assigned),
    }))
    this.answer(HeartbeatRequest, HeartbeatResponse, () => {
      const { heartbeat } = this
      if (heartbeat === 'close' || heartbeat === 'silence') return heartbeat
      return { errorCode: ErrorCode[heartbeat] }
    })
    this.answer(LeaveGroupRequest, LeaveGroupResponse, { errorCode: 0, members: [] })
    this.answer(OffsetCommitRequest, OffsetCommitResponse, (request) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
      })),
    }))
  }

  /** A refused JoinGroup. */
  joinError(error: ErrorName, memberId = ''): Reply<typeof JoinGroupResponse> {
    return {
      errorCode: ErrorCode[error],
      generationId: -1,
      protocolType: null,
      protocolName: null,
      leader: '',
      skipAssignment: false,
      memberId,
      members: [],
    }
  }

  syncError(error: ErrorName): Reply<typeof SyncGroupResponse> {
    return {
      errorCode: ErrorCode[error],
      protocolType: null,
      protocolName: null,
      assignment: Buffer.alloc(0),
    }
  }
}
