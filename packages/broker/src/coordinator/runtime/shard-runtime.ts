// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, type Timer } from '@millrace/base'
import {
  buildBatch,
  type NewRecord,
  ProtocolError,
  RecordBatch,
  readRecords,
} from '@millrace/protocol'
import { type EndMarker, isAbortMarker } from '../../log/control-batch.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { Effects, TransactionalProducer } from './effects.ts'

/** A coordinator's state machine, as driven by the runtime. */
export interface Shard<Record, Replayed, Event> {
  /** `producerId` identifies the transaction that the record belongs to. */
  apply(record: Replayed, nowMs: number, producerId?: bigint, offset?: bigint): void
  /** A transaction marker: pending records of its producer are committed or dropped. */
  endTransaction?(producerId: bigint, isCommitted: boolean, nowMs: number): void
  restore(nowMs: number): Effects<Record, Event>
  expire(event: Event, nowMs: number): Effects<Record, Event>
}

export interface RecordSerde<Record, Replayed> {
  encode(record: Record): { readonly key: Buffer; readonly value: Buffer | null }
  decode(key: Buffer, value: Buffer | null): Replayed
}

/** Maximum bytes of records in one batch; larger decisions are split. */
const MAX_BATCH_BYTES = 512 * 1024

/**
 * Runs one shard over one log: decide, append, apply; replies are sent when the records are
 * durable. Steps run one at a time, so the state machine needs no locks.
 */
export class ShardRuntime<Record, Replayed, Event, S extends Shard<Record, Replayed, Event>> {
  /** Undefined while the log cannot be replayed after a failure. */
  #shard: S | undefined
  readonly #newShard: () => S
  readonly #serde: RecordSerde<Record, Replayed>
  readonly #log: PartitionLog
  readonly #leaderEpoch: () => number
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #onDurable: ((records: readonly Record[]) => void) | undefined
  readonly #onExpired: ((event: Event) => void) | undefined
  readonly #timers = new Map<string, Timer>()
  /** Pending requests by token. */
  readonly #waiting = new Map<
    number,
    { resolve(reply: unknown): void; reject(error: unknown): void }
  >()
  #nextToken = 1

  constructor(options: {
    readonly newShard: () => S
    readonly serde: RecordSerde<Record, Replayed>
    readonly log: PartitionLog
    readonly leaderEpoch: () => number
    readonly clock: Clock
    readonly logger: Logger
    /** Called when the records of a step are durable. */
    readonly onDurable?: (records: readonly Record[]) => void
    /** Called after a timer event was passed to the shard. */
    readonly onExpired?: (event: Event) => void
  }) {
    this.#newShard = options.newShard
    this.#serde = options.serde
    this.#log = options.log
    this.#leaderEpoch = options.leaderEpoch
    this.#clock = options.clock
    this.#logger = options.logger
    this.#onDurable = options.onDurable
    this.#onExpired = options.onExpired
    this.#shard = this.#load()
  }

  /** The state. Throws `COORDINATOR_NOT_AVAILABLE` while the log cannot be read. */
  get shard(): S {
    this.#shard ??= this.#load()
    return this.#shard
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch()
  }

  /**
   * Rebuilds the state from the log. Undecodable records, which a client may have written, are
   * skipped.
   */
  #load(): S {
    const shard = this.#newShard()
    const now = this.#clock.now()
    let skippedCount = 0
    let firstSkipped: { readonly offset: bigint; readonly error: unknown } | undefined
    const skip = (offset: bigint, error: unknown): void => {
      skippedCount++
      firstSkipped ??= { offset, error }
    }
    try {
      for (const batch of this.#log.batches(this.#log.logStartOffset)) {
        try {
          this.#replay(batch, { shard, now, skip })
        } catch (error) {
          skip(batch.baseOffset, error)
        }
      }
    } catch (error) {
      throw new ProtocolError('COORDINATOR_NOT_AVAILABLE', `cannot read ${this.#log.name}`, {
        cause: error,
      })
    }
    if (firstSkipped !== undefined) {
      const { name } = this.#log
      this.#logger.error('skipped records of a coordinator', {
        log: name,
        count: skippedCount,
        ...firstSkipped,
      })
    }
    this.#shard = shard
    this.#setTimers(shard.restore(now))
    return shard
  }

  #replay(
    batch: RecordBatch,
    {
      shard,
      now,
      skip,
    }: {
      readonly shard: S
      readonly now: number
      readonly skip: (offset: bigint, error: unknown) => void
    },
  ): void {
    if (batch.isControl) {
      const isAborted = isAbortMarker(batch)
      if (isAborted !== undefined) shard.endTransaction?.(batch.producerId, !isAborted, now)
      return
    }
    const producerId = batch.isTransactional ? batch.producerId : undefined
    for (const record of readRecords(batch)) {
      if (record.key === null) continue
      try {
        const decoded = this.#serde.decode(record.key, record.value)
        shard.apply(decoded, now, producerId, record.offset)
      } catch (error) {
        skip(record.offset, error)
      }
    }
  }

  /** Creates a token with which a step can reply, now or later. */
  expectReply<Reply>(): { readonly token: number; readonly reply: Promise<Reply> } {
    const token = this.#nextToken++
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#waiting.set(token, { resolve: resolve as (reply: unknown) => void, reject })
    })
    return { token, reply }
  }

  /** Runs one step; resolves with its result when its records are durable. */
  async run<Result>(
    step: (shard: S, nowMs: number) => { fx: Effects<Record, Event>; result: Result },
  ): Promise<Result> {
    const { fx, result } = step(this.shard, this.#clock.now())
    await this.#carryOut(fx)
    return result
  }

  async #carryOut(fx: Effects<Record, Event>): Promise<void> {
    this.#setTimers(fx)
    try {
      if (fx.records.length > 0) await this.#append(fx.records, fx.producer)
    } catch (error) {
      this.#fail(error)
      throw error
    }
    if (fx.records.length > 0) this.#onDurable?.(fx.records)
    for (const { token, reply } of fx.replies) {
      this.#waiting.get(token)?.resolve(reply)
      this.#waiting.delete(token)
    }
  }

  /** Ends a transaction in this log; resolves when the marker is durable. */
  async endTransaction(marker: EndMarker): Promise<void> {
    const now = this.#clock.now()
    try {
      const { lastOffset } = this.#log.appendMarker(marker, {
        leaderEpoch: this.#leaderEpoch(),
        timestamp: BigInt(now),
      })
      this.shard.endTransaction?.(marker.producerId, marker.isCommitted, now)
      await this.#log.acknowledged(lastOffset + 1n)
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  #append(
    records: readonly Record[],
    producer: TransactionalProducer | undefined,
  ): Promise<void> | undefined {
    const options = producer === undefined ? {} : { ...producer, isTransactional: true }
    const now = this.#clock.now()
    const encoded = records.map((record) => this.#serde.encode(record))
    const batches: RecordBatch[] = []
    let part: NewRecord[] = []
    let size = 0
    for (const { key, value } of encoded) {
      part.push({ timestamp: BigInt(now), key, value })
      size += key.length + (value?.length ?? 0)
      if (size >= MAX_BATCH_BYTES) {
        batches.push(new RecordBatch(buildBatch(part, options)))
        part = []
        size = 0
      }
    }
    if (part.length > 0) batches.push(new RecordBatch(buildBatch(part, options)))
    const { baseOffset, lastOffset } = this.#log.append(batches, this.#leaderEpoch())
    let offset = baseOffset
    for (const { key, value } of encoded) {
      this.shard.apply(this.#serde.decode(key, value), now, producer?.producerId, offset++)
    }
    return this.#log.acknowledged(lastOffset + 1n)
  }

  /**
   * State and log would diverge: rejects all pending requests and drops the state, to be replayed
   * from the log.
   */
  #fail(error: unknown): void {
    this.#logger.error('coordinator failed to write', { log: this.#log.name, error })
    const unavailable = new ProtocolError(
      'COORDINATOR_NOT_AVAILABLE',
      `cannot write ${this.#log.name}`,
      {
        cause: error,
      },
    )
    this.#refuseWaiting(unavailable)
    this.#cancelTimers()
    this.#shard = undefined
    try {
      this.#shard = this.#load()
    } catch (loadError) {
      this.#logger.error('coordinator failed to read', { log: this.#log.name, error: loadError })
    }
  }

  #setTimers(fx: Effects<Record, Event>): void {
    for (const change of fx.timers) {
      if (change.kind === 'set' && change.ifAbsent && this.#timers.has(change.key)) continue
      this.#timers.get(change.key)?.cancel()
      this.#timers.delete(change.key)
      if (change.kind === 'cancel') continue
      const delay = change.dueMs - this.#clock.now()
      const timer = this.#clock.setTimer(delay, () => {
        this.#timers.delete(change.key)
        attempt(this.#logger, 'a coordinator timer', () => this.#expire(change.event))
      })
      this.#timers.set(change.key, timer)
    }
  }

  async #expire(event: Event): Promise<void> {
    try {
      const done = this.#carryOut(this.shard.expire(event, this.#clock.now()))
      this.#onExpired?.(event)
      await done
    } catch (error) {
      this.#logger.warn('coordinator timer failed', { log: this.#log.name, error })
    }
  }

  #cancelTimers(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  /** Cancels the timers and rejects pending requests. */
  close(): void {
    this.#cancelTimers()
    const closed = new ProtocolError('COORDINATOR_NOT_AVAILABLE', 'the broker is shutting down')
    this.#refuseWaiting(closed)
  }

  #refuseWaiting(error: ProtocolError): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
