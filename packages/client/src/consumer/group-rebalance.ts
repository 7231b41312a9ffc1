// SPDX-License-Identifier: Apache-2.0
import { channels } from '../diagnostics.ts'
import type { Cluster } from '../metadata/cluster.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import { type Assignment, placesOf } from './assignment.ts'
import type { GroupLink, Membership } from './group/membership.ts'
import type { OffsetCommits } from './offset-commits.ts'
import type { PartitionState } from './partition-state.ts'
import type { ReadGate } from './read-gate.ts'
import type { RebalanceListener } from './rebalance-listener.ts'
import { isOfGroup, type Subscription, subscribedTopics } from './subscription.ts'

/** What a rebalance changes and whom it asks. */
export interface RebalanceParts {
  readonly link: GroupLink
  readonly membership: Membership
  readonly assignment: Assignment
  readonly commits: OffsetCommits
  readonly gate: ReadGate
  readonly subscription: () => Subscription
  readonly excludeInternalTopics: boolean
}

/** Applies to the assignment what the membership learns, with the calls of the listener. */
export class GroupRebalance {
  /** Observer of the assignment. */
  listener: RebalanceListener = {}
  readonly #parts: RebalanceParts
  readonly #cluster: Cluster
  readonly #membership: Membership
  readonly #assignment: Assignment
  /** Last assignment, for sticky assignors. */
  #previous: readonly TopicPartition[] = []
  /** Partition counts that the assignment depends on, if this member leads the group. */
  #watched: ReadonlyMap<string, number> | undefined
  #joinedTopics = ''
  /** Call of a listener in progress. */
  #callback: Promise<void> | undefined

  constructor(parts: RebalanceParts) {
    this.#parts = parts
    this.#cluster = parts.link.cluster
    this.#membership = parts.membership
    this.#assignment = parts.assignment
  }

  /** Whether the group needs work before records may be returned. */
  get isDue(): boolean {
    const { needsJoin, isLost, fatal } = this.#membership
    return needsJoin || isLost || fatal !== undefined
  }

  /** Topics that are subscribed now. */
  get topics(): readonly string[] {
    const { topics } = this.#cluster.metadata
    return subscribedTopics(this.#parts.subscription(), topics, this.#parts)
  }

  /** Gives up lost partitions, joins the group and applies its assignment, as far as is due. */
  async advance(): Promise<void> {
    const membership = this.#membership
    const { gate } = this.#parts
    if (membership.isLost) {
      await gate.inside()
      membership.isLost = false
      await this.#revoke([...this.#assignment.states], 'lost')
    }
    if (membership.fatal !== undefined) throw membership.fatal
    if (!membership.needsJoin) return
    const isPattern = this.#parts.subscription().kind === 'pattern'
    if (isPattern && this.#cluster.metadata.clusterId === null) await this.#cluster.refresh()
    await gate.inside()
    const { topics } = this
    const leaving = [...this.#assignment.states].filter(
      ({ topic }) => !membership.isCooperative || !topics.includes(topic),
    )
    await this.#revoke(leaving, 'revoked')
    if (membership.isLost) return
    const owned = this.#assignment.partitions
    const joining = membership.join({
      topics,
      owned,
      previous: membership.isCooperative ? owned : this.#previous,
    })
    const { assigned, watched } = await joining.catch((error: unknown) => {
      // The read fails; the next one joins again.
      membership.needsJoin = true
      throw error
    })
    await gate.inside()
    // The group may have changed while the consumer waited for a poll.
    if (membership.isLost || !membership.isMember) return
    this.#watched = watched
    this.#joinedTopics = topics.join()
    await this.#apply(assigned)
    if (this.topics.join() !== this.#joinedTopics) membership.requestJoin()
  }

  async #apply(assigned: readonly TopicPartition[]): Promise<void> {
    const membership = this.#membership
    const assignment = this.#assignment
    this.#previous = assigned
    const names = new Set(assigned.map(partitionName))
    const taken = [...assignment.states].filter((state) => !names.has(partitionName(state)))
    await this.#revoke(taken, 'revoked')
    const added = assignment.add(assigned)
    membership.assignmentApplied(assignment.partitions, taken.length > 0)
    const isNew = this.#cluster.track(added.map(({ topic }) => topic))
    if (isNew) this.#cluster.requestRefresh()
    if (channels.rebalance.hasSubscribers) {
      channels.rebalance.publish({
        groupId: this.#parts.link.groupId,
        generationId: membership.generation.generationId,
        assigned,
        revoked: placesOf(taken),
      })
    }
    const { listener } = this
    const { onPartitionsAssigned } = listener
    if (onPartitionsAssigned !== undefined) {
      await this.#call(() => onPartitionsAssigned.call(listener, placesOf(added)))
    }
  }

  /** Revokes partitions: handlers finish, offsets are committed, and the listener is called. */
  async #revoke(states: readonly PartitionState[], how: 'revoked' | 'lost'): Promise<void> {
    if (states.length === 0) return
    if (how === 'lost') for (const state of states) state.revoke()
    await this.#parts.gate.settle(states)
    // Handlers took long, and the group did not wait.
    const isLost = how === 'lost' || this.#membership.isLost
    if (!isLost) await this.#parts.commits.commitBeforeRevocation(states)
    const { listener } = this
    const callback = isLost
      ? (listener.onPartitionsLost ?? listener.onPartitionsRevoked)
      : listener.onPartitionsRevoked
    if (callback !== undefined) await this.#call(() => callback.call(listener, placesOf(states)))
    this.#assignment.revoke(states)
  }

  async #call(callback: () => void | Promise<void>): Promise<void> {
    const work = (async () => callback())()
    this.#callback = work.then(
      () => {},
      () => {},
    )
    try {
      await work
    } finally {
      this.#callback = undefined
    }
  }

  /** Resolves when no call of the listener is in progress. */
  async callbacksDone(): Promise<void> {
    while (this.#callback !== undefined) await this.#callback
  }

  /** Joins again if the topics or partition counts changed that the assignment depends on. */
  metadataChanged(): void {
    const membership = this.#membership
    const subscription = this.#parts.subscription()
    if (!membership.isMember || !isOfGroup(subscription)) return
    const { topics } = this
    const isPattern = subscription.kind === 'pattern'
    if (isPattern && topics.join() !== this.#joinedTopics) membership.requestJoin()
    const watched = this.#watched
    if (watched === undefined) return
    const known = this.#cluster.metadata.topics
    for (const [topic, count] of watched) {
      const now = known.get(topic)?.partitions.length
      if (now !== undefined && now !== count) membership.requestJoin()
    }
    // Topics that match the pattern and did not exist before.
    for (const topic of topics) {
      if (!watched.has(topic) && known.has(topic)) membership.requestJoin()
    }
  }

  /** Revokes all partitions and leaves the group; a later subscription joins again. */
  async leave(): Promise<void> {
    await this.#revoke([...this.#assignment.states], 'revoked')
    await this.#membership.leave('the consumer unsubscribed from all topics')
    this.#membership.needsJoin = true
  }

  /** Calls the listener when the consumer closes, which need not be inside a read. */
  async revokeForClose(states: readonly PartitionState[]): Promise<void> {
    if (states.length === 0) return
    await this.listener.onPartitionsRevoked?.(placesOf(states))
  }
}
