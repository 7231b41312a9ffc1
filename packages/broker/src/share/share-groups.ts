// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '@millrace/base'
import { type ErrorName, ProtocolError } from '@millrace/protocol'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import type { ShareGroup, StatePartitions } from '../coordinator/group/share/share-group.ts'
import type {
  ShareHeartbeat,
  ShareHeartbeatReply,
} from '../coordinator/group/share/share-group-coordinator.ts'
import type { ShareStateCoordinator } from '../coordinator/share/share-state-coordinator.ts'
import { UNINITIALIZED_OFFSET } from '../coordinator/share/share-state-shard.ts'
import type { Topics } from '../topics.ts'
import type { SharePartitions } from './share-partitions.ts'

export interface ShareGroupOffset {
  readonly partition: number
  /** -1 when nobody has read yet. */
  readonly startOffset: bigint
  readonly leaderEpoch: number
  /** Records that are not done; -1 when it cannot be told. */
  readonly lag: bigint
}

/** What needs a share group's members and its progress together: first heartbeats, offsets, deletion. */
export class ShareGroups {
  readonly #groups: GroupCoordinator
  readonly #states: ShareStateCoordinator
  readonly #partitions: SharePartitions
  readonly #topics: Topics
  readonly #logger: Logger
  /** What is being set up, by group: one after another. */
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
        this.#logger.error('could not forget what share groups read of deleted topics', { error })
      })
    })
  }

  /** Sets up the progress of what a member is about to read first, so that it is assigned with this very heartbeat. */
  async heartbeat(request: ShareHeartbeat): Promise<ShareHeartbeatReply> {
    const missing = await this.#groups.shareUninitialized(request)
    if (missing.size > 0) {
      await this.#inTurn(request.groupId, async () => {
        const still = await this.#groups.shareUninitialized(request)
        if (still.size > 0) await this.#initialize(request.groupId, still)
      })
    }
    return this.#groups.shareHeartbeat(request)
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

  async #initialize(groupId: string, partitions: StatePartitions): Promise<void> {
    await this.#groups.shareInitializing(groupId, partitions)
    await Promise.all(
      [...partitions].flatMap(([topicId, { partitions: list }]) =>
        [...list].map(async (partition) => {
          const key = { groupId, topicId, partition }
          const known = await this.#states.read(key)
          if (known !== undefined) return
          const start = { stateEpoch: 0, startOffset: UNINITIALIZED_OFFSET }
          await this.#states.initialize(key, start)
        }),
      ),
    )
    await this.#groups.shareInitialized(groupId, partitions)
  }

  // ---------------------------------------------------------------------------------------------- offsets

  /** Where a group is in partitions of a topic; those it does not read have -1. */
  async offsets(
    groupId: string,
    topicId: string,
    partitions: readonly number[],
  ): Promise<ShareGroupOffset[]> {
    return Promise.all(
      partitions.map(async (partition) => {
        const state = await this.#states.read({ groupId, topicId, partition })
        const log = this.#topics.byId(topicId)?.partitions[partition]?.log
        const startOffset = state?.startOffset ?? UNINITIALIZED_OFFSET
        const isKnown = startOffset !== UNINITIALIZED_OFFSET && log !== undefined
        const done = BigInt(Math.max(0, state?.deliveryCompleteCount ?? 0))
        return {
          partition,
          startOffset,
          leaderEpoch: state?.leaderEpoch ?? 0,
          lag: isKnown ? log.highWatermark - startOffset - done : -1n,
        }
      }),
    )
  }

  async #emptyGroup(groupId: string): Promise<ShareGroup> {
    const group = await this.#groups.shareGroup(groupId)
    if (group === undefined) {
      throw new ProtocolError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    }
    if (!group.isEmpty) throw new ProtocolError('NON_EMPTY_GROUP', 'The group is not empty.')
    return group
  }

  /** Throws `GROUP_ID_NOT_FOUND` or `NON_EMPTY_GROUP`. */
  async alterOffsets(
    groupId: string,
    topics: readonly {
      readonly name: string
      readonly partitions: readonly { readonly partition: number; readonly startOffset: bigint }[]
    }[],
  ): Promise<Map<string, ErrorName>> {
    await this.#emptyGroup(groupId)
    const outcomes = new Map<string, ErrorName>()
    const changed = new Map<string, { name: string; partitions: Set<number> }>()
    const writes: Promise<void>[] = []
    for (const { name, partitions } of topics) {
      const topic = this.#topics.get(name)
      for (const { partition, startOffset } of partitions) {
        const isKnown = topic?.partitions[partition] !== undefined
        outcomes.set(`${name}-${partition}`, isKnown ? 'NONE' : 'UNKNOWN_TOPIC_OR_PARTITION')
        if (topic === undefined || !isKnown) continue
        const entry = changed.get(topic.id) ?? { name, partitions: new Set<number>() }
        entry.partitions.add(partition)
        changed.set(topic.id, entry)
        writes.push(this.#begin({ groupId, topicId: topic.id, partition }, startOffset))
      }
    }
    await Promise.all(writes)
    if (changed.size > 0) await this.#groups.shareInitialized(groupId, changed)
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

  /** Forgets where a group is in topics, so that it begins anew there. */
  async deleteOffsets(
    groupId: string,
    names: readonly string[],
  ): Promise<{ readonly name: string; readonly topicId: string; readonly error: ErrorName }[]> {
    const group = await this.#emptyGroup(groupId)
    const ids = new Set<string>()
    const outcomes = names.map((name) => {
      const topic = this.#topics.get(name)
      if (topic === undefined) {
        return { name, topicId: '', error: 'UNKNOWN_TOPIC_OR_PARTITION' as const }
      }
      ids.add(topic.id)
      return { name, topicId: topic.id, error: 'NONE' as const }
    })
    await this.#deleteStates(group, ids)
    await this.#groups.shareForgetTopics(groupId, ids)
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

  /** Deletes a group of share consumers with its progress; others are left to the group coordinator. */
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
