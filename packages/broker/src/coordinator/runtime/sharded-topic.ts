// SPDX-License-Identifier: Apache-2.0
import { attempt, type Logger, type Timer, type World } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import type { NewTopic } from '../../metadata/topic-operations.ts'
import type { Partition, Topics } from '../../topics.ts'
import { Effects } from './effects.ts'
import { InternalTopic } from './internal-topic.ts'
import { partitionForKey } from './partition-for-key.ts'
import { type RecordSerde, type Shard, ShardRuntime } from './shard-runtime.ts'

export interface ShardedTopicOptions<
  Record,
  Replayed,
  Event,
  S extends Shard<Record, Replayed, Event>,
> {
  readonly world: World
  readonly logger: Logger
  readonly topics: Topics
  readonly topic: NewTopic
  readonly createTopic: (topic: NewTopic) => Promise<void>
  readonly newShard: () => S
  readonly serde: RecordSerde<Record, Replayed>
  /** Called when a shard has been replayed from its log. */
  readonly onOpen?: (runtime: ShardRuntime<Record, Replayed, Event, S>) => void
  /** Called when the records of a step are durable. */
  readonly onDurable?: (
    runtime: ShardRuntime<Record, Replayed, Event, S>,
    records: readonly Record[],
  ) => void
  /** Called after a timer event was passed to a shard. */
  readonly onExpired?: (runtime: ShardRuntime<Record, Replayed, Event, S>, event: Event) => void
}

/** A coordinator's topic and its state: one shard per partition, replayed on first use. */
export class ShardedTopic<Record, Replayed, Event, S extends Shard<Record, Replayed, Event>> {
  readonly #options: ShardedTopicOptions<Record, Replayed, Event, S>
  readonly #topic: InternalTopic
  readonly #runtimes = new Map<number, ShardRuntime<Record, Replayed, Event, S>>()
  /**
   * The partition that each runtime was created for; a topic that was deleted and created again has
   * new ones.
   */
  readonly #partitions = new Map<number, Partition>()
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: ShardedTopicOptions<Record, Replayed, Event, S>) {
    this.#options = options
    this.#topic = new InternalTopic(options.topic, options)
    options.topics.onDelete((names) => {
      if (names.has(options.topic.name)) this.#closeAll()
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Creates the topic if it does not exist. */
  ensure(): Promise<void> {
    return this.#topic.ensure()
  }

  /** The partition of a key; the topic must exist. */
  partitionFor(key: string): number {
    return partitionForKey(key, Math.max(1, this.#topic.partitionCount))
  }

  /** The runtime of a key. Throws `COORDINATOR_NOT_AVAILABLE` after `close`. */
  async of(key: string): Promise<ShardRuntime<Record, Replayed, Event, S>> {
    if (this.#isClosed) {
      throw new ProtocolError('COORDINATOR_NOT_AVAILABLE', 'the broker is shutting down')
    }
    await this.ensure()
    return this.at(this.partitionFor(key))
  }

  /** Undefined if the topic does not exist: then there is no state for any key. */
  ifExists(key: string): ShardRuntime<Record, Replayed, Event, S> | undefined {
    return this.#topic.partitionCount === 0 ? undefined : this.at(this.partitionFor(key))
  }

  at(index: number): ShardRuntime<Record, Replayed, Event, S> {
    const partition = this.#options.topics.partition(this.#options.topic.name, index)
    const known = this.#runtimes.get(index)
    if (known !== undefined && this.#partitions.get(index) === partition) return known
    known?.close()
    const { world, logger, newShard, serde, onOpen, onDurable, onExpired } = this.#options
    const runtime: ShardRuntime<Record, Replayed, Event, S> = new ShardRuntime({
      newShard,
      serde,
      log: partition.log,
      leaderEpoch: () => partition.leaderEpoch,
      clock: world.clock,
      logger,
      onDurable: (records) => onDurable?.(runtime, records),
      onExpired: (event) => onExpired?.(runtime, event),
    })
    this.#runtimes.set(index, runtime)
    this.#partitions.set(index, partition)
    onOpen?.(runtime)
    return runtime
  }

  /** Every shard, including those not used yet. */
  all(): ShardRuntime<Record, Replayed, Event, S>[] {
    return Array.from({ length: this.#topic.partitionCount }, (_, index) => this.at(index))
  }

  /** Shards used so far, by partition. */
  get opened(): ReadonlyMap<number, ShardRuntime<Record, Replayed, Event, S>> {
    return this.#runtimes
  }

  /** Runs one step; resolves with its result when its records are durable. */
  step<Result>(
    runtime: ShardRuntime<Record, Replayed, Event, S>,
    step: (shard: S, fx: Effects<Record, Event>, nowMs: number) => Result,
  ): Promise<Result> {
    return runtime.run((shard, nowMs) => {
      const fx: Effects<Record, Event> = new Effects()
      return { result: step(shard, fx, nowMs), fx }
    })
  }

  /**
   * Runs the coordinator's periodic work, `intervalMs` after the previous run has ended, until
   * `close`.
   */
  every(intervalMs: number, what: string, work: () => Promise<void>): void {
    const { world, logger } = this.#options
    this.#timer = world.clock.setTimer(intervalMs, () => {
      attempt(logger, what, async () => {
        try {
          await work()
        } finally {
          if (!this.#isClosed) this.every(intervalMs, what, work)
        }
      })
    })
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#closeAll()
  }

  #closeAll(): void {
    for (const runtime of this.#runtimes.values()) runtime.close()
    this.#runtimes.clear()
    this.#partitions.clear()
  }
}
