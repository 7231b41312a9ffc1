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

/** What a batch's records tell about where they are, filled in when the broker has answered. */
export interface BatchResult {
  readonly topic: string
  readonly partition: number
  baseOffset: bigint
  logAppendTimeMs: number
  readonly timestamps: number[]
  /** Set when the batch was too large and went as two: records from `middle` on are in the second. */
  parts?: { readonly middle: number; readonly first: BatchResult; readonly second: BatchResult }
}

/** Something that is told when a batch is settled. */
export interface Settleable {
  settle(error?: Error): void
}

/** Producer id, epoch and first sequence: by these a broker knows a batch that comes again (KIP-98). */
export interface BatchIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional: boolean
}

/** Records of one partition on their way. */
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
  /** Bytes of `bufferMemory` it holds. */
  memory = 0
  isClosed = false
  /** Its records belong together: it is never sent as two. */
  isWhole = false
  /** Its callers were told; a late answer only matters for the sequence. */
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

  /** Adds a record without telling anybody; returns its index in the batch. */
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

  /** Adds a record of a delivery, which then waits for this batch too. */
  add(record: AppendedRecord, delivery: Delivery): RecordMetadata {
    const index = this.append(record.timestamp, record.key, record.value, record.headers)
    if (this.deliveries.at(-1) !== delivery) {
      this.deliveries.push(delivery)
      delivery.expect()
    }
    return new RecordMetadata(this.result, index)
  }

  /** Ends the batch and returns its bytes; the same ones every time. */
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

  /** Gives the memory back. The broker must have answered, so that nothing of it waits in a socket. */
  recycle(): void {
    if (this.#memory !== undefined) this.#pool?.release(this.#memory)
    this.#memory = undefined
  }

  /** The records again, for a batch that has to be sent as two. */
  records(): ReturnType<typeof readRecords> {
    return readRecords(new RecordBatch(this.#encoded as Buffer))
  }
}
