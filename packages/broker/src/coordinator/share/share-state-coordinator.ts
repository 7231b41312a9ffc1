// SPDX-License-Identifier: Apache-2.0
import type { Logger, Timer, World } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import type { NewTopic } from '../../metadata/topic-operations.ts'
import { SHARE_GROUP_STATE_TOPIC, type Topics } from '../../topics.ts'
import { Effects } from '../runtime/effects.ts'
import { InternalTopic } from '../runtime/internal-topic.ts'
import { partitionForKey } from '../runtime/partition-for-key.ts'
import { ShardRuntime } from '../runtime/shard-runtime.ts'
import {
  decodeShareState,
  encodeShareState,
  type ReplayedShareState,
  type SharePartitionKey,
  type ShareStateRecord,
  shareKeyText,
} from './share-state-record.ts'
import {
  type ShareState,
  type ShareStateEffects,
  ShareStateShard,
  type StateWrite,
} from './share-state-shard.ts'

type Runtime = ShardRuntime<ShareStateRecord, ReplayedShareState, never, ShareStateShard>

export interface ShareStateOptions {
  readonly world: World
  readonly logger: Logger
  readonly topics: Topics
  readonly stateTopic: Omit<NewTopic, 'name'>
  readonly createTopic: (topic: NewTopic) => Promise<void>
  readonly updatesPerSnapshot: number
  readonly coldSnapshotMs: number
  readonly pruneIntervalMs: number
}

/** Keeps the progress of share groups in `__share_group_state`: finds the shard of a group's partition and runs its steps. */
export class ShareStateCoordinator {
  readonly #options: ShareStateOptions
  readonly #topic: InternalTopic
  readonly #runtimes = new Map<number, Runtime>()
  #pruneTimer: Timer | undefined
  #closed = false

  constructor(options: ShareStateOptions) {
    this.#options = options
    this.#topic = new InternalTopic(
      { name: SHARE_GROUP_STATE_TOPIC, ...options.stateTopic },
      options,
    )
    this.#schedulePruning()
  }

  ensureTopic(): Promise<void> {
    return this.#topic.ensure()
  }

  async #runtimeOf(key: SharePartitionKey): Promise<Runtime> {
    if (this.#closed) {
      throw new ProtocolError('COORDINATOR_NOT_AVAILABLE', 'the broker is shutting down')
    }
    await this.ensureTopic()
    return this.#runtime(partitionForKey(shareKeyText(key), this.#topic.partitionCount))
  }

  #runtime(index: number): Runtime {
    let runtime = this.#runtimes.get(index)
    if (runtime === undefined) {
      const { world, logger, topics, updatesPerSnapshot } = this.#options
      const partition = topics.partition(SHARE_GROUP_STATE_TOPIC, index)
      runtime = new ShardRuntime({
        newShard: () => new ShareStateShard(updatesPerSnapshot),
        serde: { encode: encodeShareState, decode: decodeShareState },
        log: partition.log,
        leaderEpoch: () => partition.leaderEpoch,
        clock: world.clock,
        logger,
      })
      this.#runtimes.set(index, runtime)
    }
    return runtime
  }

  #step<Result>(
    runtime: Runtime,
    step: (shard: ShareStateShard, fx: ShareStateEffects, nowMs: number) => Result,
  ): Promise<Result> {
    return runtime.run((shard, nowMs) => {
      const fx: ShareStateEffects = new Effects()
      return { result: step(shard, fx, nowMs), fx }
    })
  }

  async initialize(
    key: SharePartitionKey,
    start: { readonly stateEpoch: number; readonly startOffset: bigint },
  ): Promise<void> {
    const runtime = await this.#runtimeOf(key)
    await this.#step(runtime, (shard, fx, now) => shard.initialize(fx, key, start, now))
  }

  async read(key: SharePartitionKey): Promise<ShareState | undefined> {
    const { shard } = await this.#runtimeOf(key)
    return shard.states.get(shareKeyText(key))
  }

  async write(write: StateWrite): Promise<void> {
    const runtime = await this.#runtimeOf(write.key)
    await this.#step(runtime, (shard, fx, now) => shard.write(fx, write, now))
  }

  async delete(key: SharePartitionKey): Promise<void> {
    const runtime = await this.#runtimeOf(key)
    await this.#step(runtime, (shard, fx) => shard.delete(fx, key))
  }

  #schedulePruning(): void {
    const { world, pruneIntervalMs, logger } = this.#options
    this.#pruneTimer = world.clock.setTimer(pruneIntervalMs, () => {
      void this.prune()
        .catch((error) => logger.error('pruning of share-group states failed', { error }))
        .then(() => {
          if (!this.#closed) this.#schedulePruning()
        })
    })
  }

  /** Forgets what later snapshots tell again. */
  async prune(): Promise<void> {
    const { coldSnapshotMs, topics } = this.#options
    for (const [index, runtime] of this.#runtimes) {
      if (this.#closed) return
      await this.#step(runtime, (shard, fx, now) => shard.snapshotCold(fx, now, coldSnapshotMs))
      const { redundantBefore } = runtime.shard
      if (redundantBefore === undefined) continue
      topics.partition(SHARE_GROUP_STATE_TOPIC, index).log.advanceLogStart(redundantBefore)
    }
  }

  close(): void {
    this.#closed = true
    this.#pruneTimer?.cancel()
    for (const runtime of this.#runtimes.values()) runtime.close()
  }
}
