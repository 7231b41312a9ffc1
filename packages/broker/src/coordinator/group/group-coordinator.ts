// SPDX-License-Identifier: Apache-2.0
import type { Logger, Timer, World } from '@millrace/base'
import { type ErrorName, ProtocolError } from '@millrace/protocol'
import type { NewTopic } from '../../metadata/topic-operations.ts'
import { GROUP_METADATA_TOPIC, type Topics } from '../../topics.ts'
import { Effects } from '../runtime/effects.ts'
import { partitionForKey } from '../runtime/partition-for-key.ts'
import { ShardRuntime } from '../runtime/shard-runtime.ts'
import type { ClassicTimer } from './classic-coordinator.ts'
import type { ClassicGroup } from './classic-group.ts'
import type {
  HeartbeatRequest,
  JoinReply,
  JoinRequest,
  LeaveReply,
  LeaveRequest,
  SyncReply,
  SyncRequest,
} from './classic-requests.ts'
import type { GroupConfig } from './group-config.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type ReplayedGroupRecord,
} from './group-record.ts'
import {
  type CommitRequest,
  type CommittedOffset,
  type GroupEffects,
  GroupShard,
  type TopicPartition,
} from './group-shard.ts'

type Runtime = ShardRuntime<GroupRecord, ReplayedGroupRecord, ClassicTimer, GroupShard>

export interface GroupCoordinatorOptions {
  readonly world: World
  readonly logger: Logger
  readonly topics: Topics
  readonly config: GroupConfig
  readonly offsetsTopic: Omit<NewTopic, 'name'>
  readonly createTopic: (topic: NewTopic) => Promise<void>
  readonly expiryIntervalMs: number
}

/** Groups and their offsets: finds the shard of a group and runs its steps. */
export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions
  readonly #runtimes = new Map<number, Runtime>()
  #creating: Promise<void> | undefined
  #expiryTimer: Timer | undefined
  #closed = false

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options
    options.topics.onDelete((names) => void this.#forgetTopics(names))
    this.#scheduleExpiry()
  }

  /** Makes `__consumer_offsets` if it is not there yet. */
  async ensureTopic(): Promise<void> {
    if (this.#options.topics.get(GROUP_METADATA_TOPIC) !== undefined) return
    this.#creating ??= this.#options
      .createTopic({ name: GROUP_METADATA_TOPIC, ...this.#options.offsetsTopic })
      .finally(() => {
        this.#creating = undefined
      })
    await this.#creating
  }

  async #runtimeOf(groupId: string): Promise<Runtime> {
    if (this.#closed)
      throw new ProtocolError('COORDINATOR_NOT_AVAILABLE', 'the broker is shutting down')
    await this.ensureTopic()
    const topic = this.#options.topics.get(GROUP_METADATA_TOPIC)
    const count = topic?.partitions.length ?? 0
    if (count === 0)
      throw new ProtocolError('COORDINATOR_NOT_AVAILABLE', 'there is no offsets topic')
    return this.#runtime(partitionForKey(groupId, count))
  }

  #runtime(index: number): Runtime {
    let runtime = this.#runtimes.get(index)
    if (runtime === undefined) {
      const partition = this.#options.topics.partition(GROUP_METADATA_TOPIC, index)
      const { world, logger, config } = this.#options
      runtime = new ShardRuntime({
        newShard: () => new GroupShard(config),
        serde: { encode: encodeGroupRecord, decode: decodeGroupRecord },
        log: partition.log,
        leaderEpoch: () => partition.leaderEpoch,
        clock: world.clock,
        logger,
      })
      this.#runtimes.set(index, runtime)
    }
    return runtime
  }

  /** Loads what is not loaded yet: listings and retention look at every group. */
  #allRuntimes(): Runtime[] {
    const topic = this.#options.topics.get(GROUP_METADATA_TOPIC)
    return (topic?.partitions ?? []).map((partition) => this.#runtime(partition.index))
  }

  async join(request: Omit<JoinRequest, 'token'>): Promise<JoinReply> {
    const runtime = await this.#runtimeOf(request.groupId)
    const { token, reply } = runtime.expectReply<JoinReply>()
    this.#start(runtime, (shard, now, fx) => shard.classic.join(fx, { ...request, token }, now))
    return reply
  }

  async sync(request: Omit<SyncRequest, 'token'>): Promise<SyncReply> {
    const runtime = await this.#runtimeOf(request.groupId)
    const { token, reply } = runtime.expectReply<SyncReply>()
    this.#start(runtime, (shard, now, fx) => shard.classic.sync(fx, { ...request, token }, now))
    return reply
  }

  /** A step whose outcome arrives as a reply; a failed write rejects that reply. */
  #start(runtime: Runtime, step: (shard: GroupShard, now: number, fx: GroupEffects) => void): void {
    this.#step(runtime, step).catch(() => undefined)
  }

  #step<Result>(
    runtime: Runtime,
    step: (shard: GroupShard, now: number, fx: GroupEffects) => Result,
  ): Promise<Result> {
    return runtime.run((shard, now) => {
      const fx: GroupEffects = new Effects()
      const result = step(shard, now, fx)
      return { fx, result }
    })
  }

  async heartbeat(request: HeartbeatRequest): Promise<ErrorName> {
    const runtime = await this.#runtimeOf(request.groupId)
    return this.#step(runtime, (shard, now, fx) => shard.classic.heartbeat(fx, request, now))
  }

  async leave(request: LeaveRequest): Promise<LeaveReply> {
    const runtime = await this.#runtimeOf(request.groupId)
    return this.#step(runtime, (shard, now, fx) => shard.classic.leave(fx, request, now))
  }

  async commit(
    request: CommitRequest,
  ): Promise<{ readonly error: ErrorName; readonly tooLarge: ReadonlySet<number> }> {
    const runtime = await this.#runtimeOf(request.groupId)
    return this.#step(runtime, (shard, now, fx) => shard.commit(fx, request, now))
  }

  async offsets(
    groupId: string,
  ): Promise<ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>> {
    const runtime = await this.#runtimeOf(groupId)
    return runtime.shard.offsetsOf(groupId)
  }

  async deleteOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<{ readonly error: ErrorName; readonly results: readonly ErrorName[] }> {
    const runtime = await this.#runtimeOf(groupId)
    return this.#step(runtime, (shard, _now, fx) => shard.deleteOffsets(fx, groupId, partitions))
  }

  async deleteGroup(groupId: string): Promise<ErrorName> {
    const runtime = await this.#runtimeOf(groupId)
    return this.#step(runtime, (shard, _now, fx) => shard.deleteGroup(fx, groupId))
  }

  async group(groupId: string): Promise<ClassicGroup | undefined> {
    const runtime = await this.#runtimeOf(groupId)
    return runtime.shard.groups.get(groupId)
  }

  groups(): ClassicGroup[] {
    return this.#allRuntimes().flatMap((runtime) => [...runtime.shard.groups.values()])
  }

  async #forgetTopics(names: ReadonlySet<string>): Promise<void> {
    for (const runtime of this.#allRuntimes()) {
      await this.#step(runtime, (shard, _now, fx) => shard.deleteTopics(fx, names)).catch(
        () => undefined,
      )
    }
  }

  #scheduleExpiry(): void {
    const { world, expiryIntervalMs, logger } = this.#options
    this.#expiryTimer = world.clock.setTimer(expiryIntervalMs, () => {
      void this.#expire()
        .catch((error) => logger.error('expiry of offsets failed', { error }))
        .then(() => {
          if (!this.#closed) this.#scheduleExpiry()
        })
    })
  }

  async #expire(): Promise<void> {
    for (const runtime of this.#allRuntimes()) {
      if (this.#closed) return
      await this.#step(runtime, (shard, now, fx) => shard.expireOffsets(fx, now))
    }
  }

  close(): void {
    this.#closed = true
    this.#expiryTimer?.cancel()
    for (const runtime of this.#runtimes.values()) runtime.close()
  }
}
