// SPDX-License-Identifier: Apache-2.0
import {
  type BuilderHeader,
  type CompressionType,
  RecordBatch,
  RecordBatchBuilder,
  type RecordBytes,
  readRecords,
} from '@millrace/protocol'
import type { BufferPool } from './buffer-pool.ts'
import type { Delivery } from './delivery.ts'
import { RecordMetadata } from './producer-record.ts'

interface AppendedRecord {
  readonly timestamp: number
  readonly key: RecordBytes
  readonly value: RecordBytes
  readonly headers: readonly BuilderHeader[]
}

/** Where the records of a batch are; set when the broker has answered. */
export interface BatchResult {
  readonly topic: string
  readonly partition: number
  baseOffset: bigint
  logAppendTimeMs: number
  readonly timestamps: number[]
  /**
   * Set when the batch was too large and was split: records from `middle` on are in the second
   * half.
   */
  parts?: { readonly middle: number; readonly first: BatchResult; readonly second: BatchResult }
}

/** An observer of a batch's outcome. */
export interface Settleable {
  settle(error?: Error): void
}

/**
 * Producer id, epoch and first sequence number: by these a broker recognises a repeated batch
 * (KIP-98).
 */
export interface BatchIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional: boolean
}

/** Records of one partition on their way to the broker. */
export class ProducerBatch {
  readonly result: BatchResult
  /** Id that the topic must have; undefined for any. */
  readonly topicId: string | undefined
  readonly createdAt: number
  #builder: RecordBatchBuilder | undefined
  #encoded: Buffer | undefined
  readonly #pool: BufferPool | undefined
  #memory: Buffer | undefined
  readonly deliveries: Settleable[] = []
  identity: BatchIdentity | undefined
  attempts = 0
  /** Why the last attempt failed, if one did. */
  lastError: Error | undefined
  /** Bytes of `bufferMemory` that the batch occupies. */
  memory = 0
  isClosed = false
  /** Whether its records belong together: it is never split. */
  isWhole = false
  /** Whether its callers were notified; a late answer only matters for the sequence. */
  isDone = false

  constructor(options: {
    readonly topic: string
    readonly partition: number
    readonly topicId?: string | undefined
    readonly createdAt: number
    readonly initialSize: number
    readonly pool?: BufferPool
  }) {
    this.result = {
      topic: options.topic,
      partition: options.partition,
      baseOffset: -1n,
      logAppendTimeMs: -1,
      timestamps: [],
    }
    this.topicId = options.topicId
    this.createdAt = options.createdAt
    this.#pool = options.pool
    this.#builder = new RecordBatchBuilder(options.initialSize, options.pool?.allocate)
  }

  get recordCount(): number {
    return this.result.timestamps.length
  }

  /** Bytes before compression while it is open, afterwards as sent. */
  get size(): number {
    return this.#encoded?.length ?? this.#builder?.size ?? 0
  }

  /** Adds a record without a delivery; returns its index in the batch. */
  append(
    timestamp: number,
    key: RecordBytes,
    value: RecordBytes,
    headers: readonly BuilderHeader[],
  ): number {
    const builder = this.#builder as RecordBatchBuilder
    builder.append(timestamp, key, value, headers)
    return this.result.timestamps.push(timestamp) - 1
  }

  /** Adds a record of a delivery, which then waits for this batch, too. */
  add(record: AppendedRecord, delivery: Delivery): RecordMetadata {
    const index = this.append(record.timestamp, record.key, record.value, record.headers)
    if (this.deliveries.at(-1) !== delivery) {
      this.deliveries.push(delivery)
      delivery.expect()
    }
    return new RecordMetadata(this.result, index)
  }

  /** Closes the batch and returns its bytes; the same ones each time. */
  encode(compression: CompressionType, compressionLevel: number | undefined): Buffer {
    this.isClosed = true
    if (this.#encoded === undefined) {
      const builder = this.#builder as RecordBatchBuilder
      this.#encoded = builder.finish({ compression, compressionLevel })
      this.#memory = builder.memory
      this.#builder = undefined
    }
    return this.#encoded
  }

  /**
   * Returns the memory to the pool. The broker must have answered, so that no socket refers to it.
   */
  recycle(): void {
    if (this.#memory !== undefined) this.#pool?.release(this.#memory)
    this.#memory = undefined
  }

  /** The records again, for a batch that must be split. */
  records(): ReturnType<typeof readRecords> {
    return readRecords(new RecordBatch(this.#encoded as Buffer))
  }
}
