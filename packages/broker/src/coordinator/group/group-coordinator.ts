// SPDX-License-Identifier: Apache-2.0
import { attempt, type Logger, type World } from '@millrace/base'
import { type ErrorName, ProtocolError } from '@millrace/protocol'
import type { EndMarker } from '../../log/control-batch.ts'
import type { NewTopic } from '../../metadata/topic-operations.ts'
import { GROUP_METADATA_TOPIC, type Topics } from '../../topics.ts'
import type { ShardRuntime } from '../runtime/shard-runtime.ts'
import { ShardedTopic } from '../runtime/sharded-topic.ts'
import type { ClassicGroup } from './classic/classic-group.ts'
import type {
  HeartbeatRequest,
  JoinReply,
  JoinRequest,
  LeaveReply,
  LeaveRequest,
  SyncReply,
  SyncRequest,
} from './classic/classic-requests.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'
import type { ConsumerHeartbeat, ConsumerHeartbeatReply } from './consumer/consumer-requests.ts'
import type { Group } from './group.ts'
import type { GroupConfig } from './group-config.ts'
import type { GroupEffects, GroupTimer } from './group-effects.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type ReplayedGroupRecord,
} from './group-record.ts'
import { GroupShard } from './group-shard.ts'
import type { TopicsView } from './modern/topics-view.ts'
import type { Offsets } from './offsets/committed-offsets.ts'
import type { CommitRequest, TopicPartition } from './offsets/offset-requests.ts'
import { ShareGroup, type StatePartitions } from './share/share-group.ts'
import type { ShareHeartbeat, ShareHeartbeatReply } from './share/share-group-coordinator.ts'
import type { StreamsGroup } from './streams/streams-group.ts'
import type { StreamsHeartbeat, StreamsHeartbeatReply } from './streams/streams-requests.ts'
import type { ConfiguredTopology } from './streams/topology.ts'

type Runtime = ShardRuntime<GroupRecord, ReplayedGroupRecord, GroupTimer, GroupShard>

export interface GroupCoordinatorOptions {
  readonly world: World
  readonly logger: Logger
  readonly topics: Topics
  readonly topicsView: TopicsView
  readonly config: GroupConfig
  readonly offsetsTopic: Omit<NewTopic, 'name'>
  readonly createTopic: (topic: NewTopic) => Promise<void>
  readonly expiryIntervalMs: number
}

export interface OffsetView {
  readonly error: ErrorName
  readonly offsets: Offsets
  /** Whether an open transaction has an offset for the partition. */
  isUnstable(topic: string, partition: number): boolean
}

/** Groups and their offsets: finds the shard of a group and runs its steps. */
export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions
  readonly #shards: ShardedTopic<GroupRecord, ReplayedGroupRecord, GroupTimer, GroupShard>

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options
    this.#shards = new ShardedTopic({
      ...options,
      topic: { name: GROUP_METADATA_TOPIC, ...options.offsetsTopic },
      newShard: () => new GroupShard(options.config, options.topicsView),
      serde: { encode: encodeGroupRecord, decode: decodeGroupRecord },
    })
    options.topics.onDelete((names) =>
      attempt(options.logger, 'removal of deleted topics', () => this.#forgetTopics(names)),
    )
    this.#shards.every(options.expiryIntervalMs, 'expiry of offsets', () => this.#expire())
  }

  /** Creates `__consumer_offsets` if it does not exist. */
  ensureTopic(): Promise<void> {
    return this.#shards.ensure()
  }

  /** Partition of `__consumer_offsets` for a group; the topic must exist. */
  partitionFor(groupId: string): number {
    return this.#shards.partitionFor(groupId)
  }

  async join(request: Omit<JoinRequest, 'token'>): Promise<JoinReply> {
    const runtime = await this.#shards.of(request.groupId)
    const { token, reply } = runtime.expectReply<JoinReply>()
    this.#start(runtime, (shard, fx, now) => shard.join(fx, { ...request, token }, now))
    return reply
  }

  async sync(request: Omit<SyncRequest, 'token'>): Promise<SyncReply> {
    const runtime = await this.#shards.of(request.groupId)
    const { token, reply } = runtime.expectReply<SyncReply>()
    this.#start(runtime, (shard, fx, now) => shard.sync(fx, { ...request, token }, now))
    return reply
  }

  /** Runs a step whose outcome is sent as a reply; a failed write rejects the reply. */
  #start(runtime: Runtime, step: (shard: GroupShard, fx: GroupEffects, now: number) => void): void {
    this.#shards.step(runtime, step).catch(() => undefined)
  }

  async heartbeat(request: HeartbeatRequest): Promise<ErrorName> {
    const runtime = await this.#shards.of(request.groupId)
    return this.#shards.step(runtime, (shard, fx, now) => shard.heartbeat(fx, request, now))
  }

  async leave(request: LeaveRequest): Promise<LeaveReply> {
    const runtime = await this.#shards.of(request.groupId)
    return this.#shards.step(runtime, (shard, fx, now) => shard.leave(fx, request, now))
  }

  /** Server-side assignors that members may request. */
  get consumerAssignors(): readonly string[] {
    return this.#options.config.consumer.assignors
  }

  async consumerHeartbeat(request: ConsumerHeartbeat): Promise<ConsumerHeartbeatReply> {
    const runtime = await this.#shards.of(request.groupId)
    return this.#shards.step(runtime, (shard, fx, now) =>
      shard.consumers.heartbeat(fx, request, now),
    )
  }

  /** Partitions whose state must be initialized before a member of a share group can read them. */
  async shareUninitialized(request: ShareHeartbeat): Promise<StatePartitions> {
    const { shard } = await this.#shards.of(request.groupId)
    return shard.shares.uninitialized(request)
  }

  /** See `ShareGroupCoordinator.emptyGroup`. Throws `INVALID_GROUP_ID` for an empty id. */
  async emptyShareGroup(groupId: string, mayCreate: boolean): Promise<ShareGroup> {
    if (groupId === '') throw new ProtocolError('INVALID_GROUP_ID', 'The group id is invalid.')
    const { shard } = await this.#shards.of(groupId)
    return shard.shares.emptyGroup(groupId, mayCreate)
  }

  async shareInitializing(groupId: string, partitions: StatePartitions): Promise<void> {
    const runtime = await this.#shards.of(groupId)
    await this.#shards.step(runtime, (shard, fx) =>
      shard.shares.beginInitializing(fx, groupId, partitions),
    )
  }

  async shareInitialized(groupId: string, partitions: StatePartitions): Promise<void> {
    const runtime = await this.#shards.of(groupId)
    await this.#shards.step(runtime, (shard, fx) =>
      shard.shares.endInitializing(fx, groupId, partitions),
    )
  }

  async shareForgetTopics(groupId: string, topicIds: ReadonlySet<string>): Promise<void> {
    const runtime = await this.#shards.of(groupId)
    await this.#shards.step(runtime, (shard, fx) =>
      shard.shares.forgetTopics(fx, groupId, topicIds),
    )
  }

  async shareHeartbeat(request: ShareHeartbeat): Promise<ShareHeartbeatReply> {
    const runtime = await this.#shards.of(request.groupId)
    return this.#shards.step(runtime, (shard, fx, now) => shard.shares.heartbeat(fx, request, now))
  }

  async streamsHeartbeat(request: StreamsHeartbeat): Promise<StreamsHeartbeatReply> {
    const runtime = await this.#shards.of(request.groupId)
    return this.#shards.step(runtime, (shard, fx, now) => shard.streams.heartbeat(fx, request, now))
  }

  /** The current state of a streams group, and its resolved topology. */
  async describeStreamsGroup(groupId: string): Promise<
    | {
        readonly group: StreamsGroup
        readonly configured: ConfiguredTopology | undefined
      }
    | undefined
  > {
    const { shard } = await this.#shards.of(groupId)
    const group = shard.streams.find(groupId)
    return group === undefined
      ? undefined
      : { group, configured: shard.streams.configuredTopology(group) }
  }

  async shareGroup(groupId: string): Promise<ShareGroup | undefined> {
    const { shard } = await this.#shards.of(groupId)
    return shard.shares.find(groupId)
  }

  shareGroups(): ShareGroup[] {
    return this.groups().filter((group) => group instanceof ShareGroup)
  }

  /** The current state of a consumer group, and its assignor. */
  async describeConsumerGroup(
    groupId: string,
  ): Promise<{ readonly group: ConsumerGroup; readonly assignor: string } | undefined> {
    const { shard } = await this.#shards.of(groupId)
    const group = shard.consumerGroup(groupId)
    return group === undefined
      ? undefined
      : { group, assignor: shard.consumers.assignorName(group) }
  }

  /** Returns one error per offset. */
  async commit(request: CommitRequest): Promise<readonly ErrorName[]> {
    const runtime = await this.#shards.of(request.groupId)
    return this.#shards.step(runtime, (shard, fx, now) => {
      const errors = shard.offsetRequests.commit(fx, request, now)
      const isMember = request.generationId >= 0 && errors.includes('NONE')
      if (isMember) shard.touch(fx, request.groupId, request.memberId, now)
      return errors
    })
  }

  /** Committed offsets of a group that a reader may see. */
  async offsets(
    groupId: string,
    reader: { readonly memberId: string | null; readonly memberEpoch: number },
  ): Promise<OffsetView> {
    const { shard } = await this.#shards.of(groupId)
    return {
      error:
        shard.groups.get(groupId)?.checkOffsetFetch(reader.memberId, reader.memberEpoch) ?? 'NONE',
      offsets: shard.offsets.of(groupId),
      isUnstable: (topic, partition) => shard.offsets.isUnstable(groupId, topic, partition),
    }
  }

  /**
   * Ends a transaction in one partition of `__consumer_offsets`: its offsets are committed or
   * dropped.
   */
  async endTransaction(index: number, marker: EndMarker): Promise<void> {
    await this.#shards.at(index).endTransaction(marker)
  }

  async deleteOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<{ readonly error: ErrorName; readonly results: readonly ErrorName[] }> {
    const runtime = await this.#shards.of(groupId)
    return this.#shards.step(runtime, (shard, fx) =>
      shard.offsetRequests.delete(fx, groupId, partitions),
    )
  }

  async deleteGroup(groupId: string): Promise<ErrorName> {
    const runtime = await this.#shards.of(groupId)
    return this.#shards.step(runtime, (shard, fx) => shard.deleteGroup(fx, groupId))
  }

  async group(groupId: string): Promise<Group | undefined> {
    const runtime = await this.#shards.of(groupId)
    return runtime.shard.groups.get(groupId)
  }

  async classicGroup(groupId: string): Promise<ClassicGroup | undefined> {
    const runtime = await this.#shards.of(groupId)
    return runtime.shard.classicGroup(groupId)
  }

  groups(): Group[] {
    return this.#shards.all().flatMap((runtime) => [...runtime.shard.groups.values()])
  }

  async #forgetTopics(names: ReadonlySet<string>): Promise<void> {
    for (const runtime of this.#shards.all()) {
      const forget = this.#shards.step(runtime, (shard, fx) =>
        shard.offsetRequests.deleteTopics(fx, names),
      )
      await forget.catch(() => undefined)
    }
  }

  async #expire(): Promise<void> {
    for (const runtime of this.#shards.all()) {
      if (this.#shards.isClosed) return
      await this.#shards.step(runtime, (shard, fx, now) => shard.offsetRequests.expire(fx, now))
    }
  }

  close(): void {
    this.#shards.close()
  }
}
