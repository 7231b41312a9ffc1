// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { ModernMember } from './modern-group.ts'

/** Kinds of groups with heartbeats, as in Kafka's messages. */
export type ModernKind = 'consumer' | 'share' | 'streams'

/** `UNKNOWN_MEMBER_ID`. */
export function unknownMember(groupId: string, memberId: string): ProtocolError {
  return new ProtocolError(
    'UNKNOWN_MEMBER_ID',
    `Member ${memberId} is not a member of group ${groupId}.`,
  )
}

/** `GROUP_MAX_SIZE_REACHED`. */
export function groupIsFull(kind: ModernKind, maxSize: number): ProtocolError {
  return new ProtocolError(
    'GROUP_MAX_SIZE_REACHED',
    `The ${kind} group has reached its maximum capacity of ${maxSize} members.`,
  )
}

/**
 * Throws `FENCED_MEMBER_EPOCH` unless a heartbeat has the epoch of its member or 0, by which the
 * member rejoins. `isRepeated` is asked about the previous epoch: the reply with the new one was
 * lost, and is returned again, if the member still has only what it had then.
 */
export function throwIfFencedEpoch(
  kind: ModernKind,
  member: ModernMember,
  epoch: number,
  isRepeated: () => boolean,
): void {
  if (epoch === 0 || epoch === member.memberEpoch) return
  const isEarlier = epoch < member.memberEpoch
  if (isEarlier && epoch === member.previousMemberEpoch && isRepeated()) return
  throw new ProtocolError(
    'FENCED_MEMBER_EPOCH',
    `The ${kind} group member has a ${isEarlier ? 'smaller' : 'greater'} member epoch (${epoch}) than the one known by the group coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  )
}
