// SPDX-License-Identifier: Apache-2.0
import type { Logger, World } from '@millrace/base'
import type { NewTopic } from '../../metadata/topic-operations.ts'
import { SHARE_GROUP_STATE_TOPIC, type Topics } from '../../topics.ts'
import { ShardedTopic } from '../runtime/sharded-topic.ts'
import {
  decodeShareState,
  encodeShareState,
  type ReplayedShareState,
  type SharePartitionKey,
  type ShareStateRecord,
  shareKeyText,
} from './share-state-record.ts'
import { type ShareState, ShareStateShard, type StateWrite } from './share-state-shard.ts'

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

/**
 * Stores the state of share groups in `__share_group_state`: finds the shard of a share partition
 * and runs its steps.
 */
export class ShareStateCoordinator {
  readonly #options: ShareStateOptions
  readonly #shards: ShardedTopic<ShareStateRecord, ReplayedShareState, never, ShareStateShard>

  constructor(options: ShareStateOptions) {
    this.#options = options
    this.#shards = new ShardedTopic({
      ...options,
      topic: { name: SHARE_GROUP_STATE_TOPIC, ...options.stateTopic },
      newShard: () => new ShareStateShard(options.updatesPerSnapshot),
      serde: { encode: encodeShareState, decode: decodeShareState },
    })
    this.#shards.every(options.pruneIntervalMs, 'pruning of share-group states', () => this.prune())
  }

  ensureTopic(): Promise<void> {
    return this.#shards.ensure()
  }

  async initialize(
    key: SharePartitionKey,
    start: { readonly stateEpoch: number; readonly startOffset: bigint },
  ): Promise<void> {
    const runtime = await this.#shards.of(shareKeyText(key))
    await this.#shards.step(runtime, (shard, fx, now) => shard.initialize(fx, key, start, now))
  }

  async read(key: SharePartitionKey): Promise<ShareState | undefined> {
    const { shard } = await this.#shards.of(shareKeyText(key))
    return shard.states.get(shareKeyText(key))
  }

  async write(write: StateWrite): Promise<void> {
    const runtime = await this.#shards.of(shareKeyText(write.key))
    await this.#shards.step(runtime, (shard, fx, now) => shard.write(fx, write, now))
  }

  async delete(key: SharePartitionKey): Promise<void> {
    const runtime = await this.#shards.of(shareKeyText(key))
    await this.#shards.step(runtime, (shard, fx) => shard.delete(fx, key))
  }

  /** Deletes records that later snapshots supersede. */
  async prune(): Promise<void> {
    const { coldSnapshotMs, topics } = this.#options
    for (const [index, runtime] of this.#shards.opened) {
      if (this.#shards.isClosed) return
      await this.#shards.step(runtime, (shard, fx, now) =>
        shard.snapshotCold(fx, now, coldSnapshotMs),
      )
      const { redundantBefore } = runtime.shard
      if (redundantBefore === undefined) continue
      topics.partition(SHARE_GROUP_STATE_TOPIC, index).log.advanceLogStart(redundantBefore)
    }
  }

  close(): void {
    this.#shards.close()
  }
}
