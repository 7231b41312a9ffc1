// SPDX-License-Identifier: Apache-2.0

export interface GroupProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** Identifies a request that waits for its reply. */
export type ReplyToken = number

/**
 * A member of a classic group. Soft state: only what a stable generation holds is written to the
 * log.
 */
export interface ClassicMember {
  readonly memberId: string
  groupInstanceId: string | null
  clientId: string
  clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocols: readonly GroupProtocol[]
  assignment: Buffer
  /** The JoinGroup that waits for the generation to begin. */
  awaitingJoin: ReplyToken | undefined
  /** The SyncGroup that waits for the leader's assignment. */
  awaitingSync: ReplyToken | undefined
  /** Joined for the first time and has not seen a generation begin. */
  isNew: boolean
}

/** Whether the member would bring nothing new: the same protocols with the same metadata. */
export function matchesProtocols(
  member: ClassicMember,
  protocols: readonly GroupProtocol[],
): boolean {
  return (
    member.protocols.length === protocols.length &&
    member.protocols.every((protocol, i) => {
      const other = protocols[i]
      return (
        other !== undefined &&
        protocol.name === other.name &&
        protocol.metadata.equals(other.metadata)
      )
    })
  )
}

export function metadataOf(member: ClassicMember, protocolName: string | undefined): Buffer {
  const protocol = member.protocols.find((candidate) => candidate.name === protocolName)
  return protocol?.metadata ?? Buffer.alloc(0)
}
