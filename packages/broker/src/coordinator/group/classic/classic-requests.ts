// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import type { GroupProtocol, ReplyToken } from './classic-member.ts'

/**
 * Requests to the coordinator, independent of their wire format, with the metadata of their client.
 */
export interface JoinRequest {
  readonly token: ReplyToken
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly GroupProtocol[]
  /** New members must rejoin with the member id they are assigned (KIP-394). */
  readonly requireKnownMemberId: boolean
  /** JoinGroup 9 and later can return `skipAssignment` to a leader (KIP-814). */
  readonly supportsSkippingAssignment: boolean
  readonly reason: string | null
  /** Id to assign to a member that has none. */
  readonly newId: string
}

export interface JoinReply {
  readonly error: ErrorName
  readonly memberId: string
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leaderId: string
  readonly skipAssignment: boolean
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly metadata: Buffer
  }[]
}

export function joinError(error: ErrorName, memberId: string): JoinReply {
  return {
    error,
    memberId,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leaderId: '',
    skipAssignment: false,
    members: [],
  }
}

export interface SyncRequest {
  readonly token: ReplyToken
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
  readonly groupInstanceId: string | null
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface SyncReply {
  readonly error: ErrorName
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

export function syncError(error: ErrorName): SyncReply {
  return { error, protocolType: null, protocolName: null, assignment: Buffer.alloc(0) }
}

export interface HeartbeatRequest {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
  readonly groupInstanceId: string | null
}

export interface LeaveRequest {
  readonly groupId: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
  }[]
}

export interface LeaveReply {
  readonly error: ErrorName
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly error: ErrorName
  }[]
}
