// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  ProtocolError,
} from '@millrace/protocol'
import type { Cluster } from '../metadata/cluster.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import { coordinatorMoved, type GroupLink, type Membership } from './group/membership.ts'
import {
  type CommittedOffset,
  commitTopics,
  committedIn,
  OFFSETS_BY_NAME,
  type OffsetAndMetadata,
  offsetFetchMessage,
} from './offset-messages.ts'

/** Reads and writes a group's committed offsets at its coordinator. */
export class CommittedOffsets {
  readonly #cluster: Cluster
  readonly #link: GroupLink
  readonly #membership: Membership
  readonly #requireStable: boolean

  constructor(options: {
    readonly link: GroupLink
    readonly membership: Membership
    readonly requireStable: boolean
  }) {
    this.#cluster = options.link.cluster
    this.#link = options.link
    this.#membership = options.membership
    this.#requireStable = options.requireStable
  }

  /** By `topic-partition`; partitions without an offset are absent. */
  async fetch(
    partitions: readonly TopicPartition[],
    timeoutMs: number,
  ): Promise<Map<string, CommittedOffset>> {
    const message = offsetFetchMessage(this.#link.groupId, partitions, this.#requireStable)
    return this.#retry(timeoutMs, async () => {
      const response = await this.#link.request(
        OffsetFetchRequest,
        OffsetFetchResponse,
        message,
        OFFSETS_BY_NAME,
      )
      const committed = committedIn(response, ({ errorCode }) =>
        this.#check('OffsetFetch', errorCode),
      )
      return new Map(committed.map((each) => [partitionName(each), each]))
    })
  }

  /**
   * Rejects with `ILLEGAL_GENERATION` and the like after a rebalance without this member: its
   * partitions belong to others.
   */
  async commit(
    offsets: readonly (TopicPartition & OffsetAndMetadata)[],
    timeoutMs: number,
  ): Promise<void> {
    if (offsets.length === 0) return
    const topics = commitTopics(offsets)
    await this.#retry(timeoutMs, async () => {
      const { generationId, memberId, groupInstanceId } = this.#membership.generation
      const isMember = generationId >= 0
      const response = await this.#link.request(
        OffsetCommitRequest,
        OffsetCommitResponse,
        {
          groupId: this.#link.groupId,
          generationIdOrMemberEpoch: generationId,
          memberId: isMember ? memberId : '',
          groupInstanceId: isMember ? groupInstanceId : null,
          topics,
        },
        OFFSETS_BY_NAME,
      )
      for (const { partitions } of response.topics) {
        for (const { errorCode } of partitions) this.#check('OffsetCommit', errorCode)
      }
    })
  }

  #check(what: string, errorCode: number): void {
    if (errorCode === ErrorCode.NONE) return
    const code = errorName(errorCode)
    if (coordinatorMoved.has(errorCode)) this.#link.forget()
    if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) this.#membership.requestJoin()
    if (errorCode === ErrorCode.ILLEGAL_GENERATION || errorCode === ErrorCode.UNKNOWN_MEMBER_ID) {
      if (this.#membership.isMember) this.#membership.lose()
    }
    throw new ProtocolError(code, `${what} of group ${this.#link.groupId}: ${code}`)
  }

  /** The member's epoch rose while the commit was in flight; the next commit uses the new epoch. */
  #isStale(error: unknown): error is MillraceError {
    const isStale = error instanceof MillraceError && error.code === 'STALE_MEMBER_EPOCH'
    return isStale && this.#membership.isMember
  }

  async #retry<T>(timeoutMs: number, attempt: () => Promise<T>): Promise<T> {
    const deadline = this.#cluster.clock.monotonic() + timeoutMs
    for (let count = 0; ; count++) {
      try {
        return await attempt()
      } catch (error) {
        const isPassing = error instanceof MillraceError && error.retriable
        if (!isPassing && !this.#isStale(error)) throw error
        if (this.#cluster.isClosed || this.#cluster.clock.monotonic() >= deadline) throw error
        // The commit is not repeated for a topic that does not exist any more.
        if (error.code === 'UNKNOWN_TOPIC_OR_PARTITION' && count > 3) throw error
        await this.#cluster.backOff(count)
      }
    }
  }
}
