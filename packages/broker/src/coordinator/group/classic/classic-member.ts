// SPDX-License-Identifier: Apache-2.0

export interface GroupProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** Identifies a pending request. */
export type ReplyToken = number

/** A member of a classic group. Soft state: only stable generations are written to the log. */
export interface ClassicMember {
  readonly memberId: string
  groupInstanceId: string | null
  clientId: string
  clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocols: readonly GroupProtocol[]
  assignment: Buffer
  /** The pending JoinGroup request. */
  awaitingJoin: ReplyToken | undefined
  /** The pending SyncGroup request. */
  awaitingSync: ReplyToken | undefined
  /** Whether the member joined for the first time and is not yet part of a generation. */
  isNew: boolean
}

/** Whether the member's protocols and their metadata are unchanged. */
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
