// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '@millrace/base'
import { type ErrorName, ProtocolError, ZERO_UUID } from '@millrace/protocol'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import type { ShareGroup, StatePartitions } from '../coordinator/group/share/share-group.ts'
import type {
  ShareHeartbeat,
  ShareHeartbeatReply,
} from '../coordinator/group/share/share-group-coordinator.ts'
import type { ShareStateCoordinator } from '../coordinator/share/share-state-coordinator.ts'
import { type SharePartitionKey, shareKeyText } from '../coordinator/share/share-state-record.ts'
import {
  UNINITIALIZED_COUNT,
  UNINITIALIZED_OFFSET,
} from '../coordinator/share/share-state-shard.ts'
import type { Topics } from '../topics.ts'
import type { SharePartitions } from './share-partitions.ts'

export interface ShareGroupOffset {
  readonly partition: number
  /** -1 if the group has not read the partition. */
  readonly startOffset: bigint
  readonly leaderEpoch: number
  /** Number of records that are not done; -1 if unknown. */
  readonly lag: bigint
}

/**
 * Operations that need both the members and the state of a share group: first heartbeats, offsets,
 * deletion.
 */
export class ShareGroups {
  readonly #groups: GroupCoordinator
  readonly #states: ShareStateCoordinator
  readonly #partitions: SharePartitions
  readonly #topics: Topics
  readonly #logger: Logger
  /** Pending initializations by group, one after another. */
  readonly #initializing = new Map<string, Promise<void>>()

  constructor(options: {
    readonly groups: GroupCoordinator
    readonly states: ShareStateCoordinator
    readonly partitions: SharePartitions
    readonly topics: Topics
    readonly logger: Logger
  }) {
    this.#groups = options.groups
    this.#states = options.states
    this.#partitions = options.partitions
    this.#topics = options.topics
    this.#logger = options.logger
    options.topics.onDelete(() => {
      this.#forgetDeleted().catch((error) => {
        this.#logger.error('could not delete the share group state of deleted topics', { error })
      })
    })
  }

  /**
   * Handles a heartbeat, then initializes the state of partitions that the member can read from
   * now on and handles the heartbeat again, so that the reply assigns them. As in Kafka, the group
   * epoch increases once for the member and once for the partitions. If the state cannot be
   * initialized, the next heartbeat retries it.
   */
  async heartbeat(request: ShareHeartbeat): Promise<ShareHeartbeatReply> {
    const reply = await this.#groups.shareHeartbeat(request)
    const next = { ...request, memberEpoch: reply.memberEpoch, subscribedTopicNames: null }
    const missing = await this.#groups.shareUninitialized(next)
    if (missing.size === 0) return reply
    try {
      await this.#inTurn(request.groupId, async () => {
        const still = await this.#groups.shareUninitialized(next)
        if (still.size > 0) await this.#initialize(request.groupId, still)
      })
    } catch (error) {
      const { groupId } = request
      this.#logger.warn('could not initialize the state of share partitions', { groupId, error })
      return reply
    }
    const second = await this.#groups.shareHeartbeat(next)
    return { ...second, assignment: second.assignment ?? reply.assignment }
  }

  #inTurn(groupId: string, work: () => Promise<void>): Promise<void> {
    const before = this.#initializing.get(groupId) ?? Promise.resolve()
    const done = before.catch(() => undefined).then(work)
    this.#initializing.set(groupId, done)
    const forget = (): void => {
      if (this.#initializing.get(groupId) === done) this.#initializing.delete(groupId)
    }
    done.then(forget, forget)
    return done
  }

  /**
   * A partition added to a topic that the group already reads starts at its first record: records
   * written before the group noticed the partition must not be lost.
   */
  async #initialize(groupId: string, partitions: StatePartitions): Promise<void> {
    const known = (await this.#groups.shareGroup(groupId))?.initialized ?? new Map()
    await this.#groups.shareInitializing(groupId, partitions)
    await Promise.all(
      [...partitions].flatMap(([topicId, { partitions: list }]) =>
        [...list].map(async (partition) => {
          const key = { groupId, topicId, partition }
          if ((await this.#states.read(key)) !== undefined) return
          const startOffset = known.has(topicId) ? 0n : UNINITIALIZED_OFFSET
          await this.#states.initialize(key, { stateEpoch: 0, startOffset })
        }),
      ),
    )
    await this.#groups.shareInitialized(groupId, partitions)
  }

  // ----------------------------------------------------------------------------------------------
  // offsets

  /** Start offsets of a group in topic partitions; -1 for partitions it does not read. */
  async offsets(
    groupId: string,
    topicId: string,
    partitions: readonly number[],
  ): Promise<ShareGroupOffset[]> {
    return Promise.all(
      partitions.map(async (partition) => {
        const state = await this.#states.read({ groupId, topicId, partition })
        const log = this.#topics.byId(topicId)?.partitions[partition]?.log
        const count = state?.deliveryCompleteCount ?? UNINITIALIZED_COUNT
        const isStarted = state !== undefined && count !== UNINITIALIZED_COUNT
        const startOffset = isStarted ? state.startOffset : UNINITIALIZED_OFFSET
        const isKnown = startOffset !== UNINITIALIZED_OFFSET && log !== undefined
        const done = BigInt(count)
        return {
          partition,
          startOffset,
          leaderEpoch: state?.leaderEpoch ?? 0,
          lag: isKnown ? log.highWatermark - startOffset - done : -1n,
        }
      }),
    )
  }

  /**
   * Sets the start offsets of a group; creates the group if it does not exist. Throws
   * `NON_EMPTY_GROUP`, and `GROUP_ID_NOT_FOUND` for a group of another kind.
   */
  async alterOffsets(
    groupId: string,
    topics: readonly {
      readonly name: string
      readonly partitions: readonly { readonly partition: number; readonly startOffset: bigint }[]
    }[],
  ): Promise<Map<string, ErrorName>> {
    await this.#groups.emptyShareGroup(groupId, true)
    const outcomes = new Map<string, ErrorName>()
    const changed = new Map<string, { name: string; partitions: Set<number> }>()
    const starts = new Map<string, { key: SharePartitionKey; startOffset: bigint }>()
    for (const { name, partitions } of topics) {
      const topic = this.#topics.get(name)
      // A known topic creates the group, even if none of its partitions is known.
      if (topic !== undefined) {
        changed.set(topic.id, changed.get(topic.id) ?? { name, partitions: new Set() })
      }
      for (const { partition, startOffset } of partitions) {
        const isKnown = topic?.partitions[partition] !== undefined
        outcomes.set(`${name}-${partition}`, isKnown ? 'NONE' : 'UNKNOWN_TOPIC_OR_PARTITION')
        if (topic === undefined || !isKnown) continue
        changed.get(topic.id)?.partitions.add(partition)
        const key = { groupId, topicId: topic.id, partition }
        starts.set(shareKeyText(key), { key, startOffset })
      }
    }
    if (changed.size === 0) return outcomes
    await this.#inTurn(groupId, async () => {
      await this.#groups.shareInitializing(groupId, changed)
      await Promise.all(
        [...starts.values()].map(({ key, startOffset }) => this.#begin(key, startOffset)),
      )
      await this.#groups.shareInitialized(groupId, changed)
    })
    this.#partitions.forget(groupId, ({ topic, index }) =>
      Boolean(changed.get(topic.id)?.partitions.has(index)),
    )
    return outcomes
  }

  async #begin(
    key: { readonly groupId: string; readonly topicId: string; readonly partition: number },
    startOffset: bigint,
  ): Promise<void> {
    const known = await this.#states.read(key)
    await this.#states.initialize(key, { stateEpoch: (known?.stateEpoch ?? -1) + 1, startOffset })
  }

  /**
   * Deletes the state of a group in topics, where it starts over. Throws `GROUP_ID_NOT_FOUND` and
   * `NON_EMPTY_GROUP`. A topic that the group has not read gets its own
   * `UNKNOWN_TOPIC_OR_PARTITION`.
   */
  async deleteOffsets(
    groupId: string,
    names: readonly string[],
  ): Promise<
    { readonly name: string; readonly topicId: string; readonly error: ProtocolError | undefined }[]
  > {
    const group = await this.#groups.emptyShareGroup(groupId, false)
    const ids = new Set<string>()
    const outcomes = names.map((name) => {
      const topic = this.#topics.get(name)
      const isRead = topic !== undefined && group.initialized.has(topic.id)
      if (isRead) {
        ids.add(topic.id)
        return { name, topicId: topic.id, error: undefined }
      }
      const why =
        topic === undefined
          ? 'This server does not host this topic-partition.'
          : 'There is no offset information to delete.'
      return {
        name,
        topicId: ZERO_UUID,
        error: new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION', why),
      }
    })
    if (ids.size > 0) {
      await this.#deleteStates(group, ids)
      await this.#groups.shareForgetTopics(groupId, ids)
    }
    return outcomes
  }

  async #deleteStates(group: ShareGroup, ids: ReadonlySet<string>): Promise<void> {
    const { groupId } = group
    const deletions: Promise<void>[] = []
    for (const topics of [group.initialized, group.initializing]) {
      for (const [topicId, { partitions }] of topics) {
        if (!ids.has(topicId)) continue
        for (const partition of partitions) {
          deletions.push(this.#states.delete({ groupId, topicId, partition }))
        }
      }
    }
    await Promise.all(deletions)
    this.#partitions.forget(groupId, ({ topic }) => ids.has(topic.id))
  }

  /** Deletes a share group with its state; other groups are left to the group coordinator. */
  async deleteGroup(groupId: string): Promise<ErrorName> {
    const group = await this.#groups.shareGroup(groupId)
    if (group?.isEmpty === true) {
      const ids = new Set([...group.initialized.keys(), ...group.initializing.keys()])
      await this.#deleteStates(group, ids)
      this.#partitions.forget(groupId)
    }
    return this.#groups.deleteGroup(groupId)
  }

  async #forgetDeleted(): Promise<void> {
    for (const group of this.#groups.shareGroups()) {
      const ids = new Set(
        [...group.initialized.keys(), ...group.initializing.keys()].filter(
          (id) => this.#topics.byId(id) === undefined,
        ),
      )
      if (ids.size === 0) continue
      await this.#deleteStates(group, ids)
      await this.#groups.shareForgetTopics(group.groupId, ids)
    }
  }
}
