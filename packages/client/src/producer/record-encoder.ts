// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import {
  type BuilderHeader,
  ProtocolError,
  RecordBatchBuilder,
  type RecordBytes,
} from '@millrace/protocol'
import { SerdeError, type Serializer } from '../serde/serde.ts'
import type { Topic } from '../serde/topic.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import type { ProducerRecord } from './producer-record.ts'
import { RecordSerialization, type Serializers } from './record-serialization.ts'

/** A serialized record, before it is in a batch. */
export interface EncodedRecord {
  readonly topic: string
  readonly topicId: string | undefined
  readonly partition: number | undefined
  readonly key: RecordBytes
  readonly value: RecordBytes
  readonly headers: readonly BuilderHeader[]
  readonly timestamp: number
  readonly maxSize: number
}

/** Records of one send whose serializers have `prepareSerialize`. */
interface Preparation {
  readonly serializations: readonly RecordSerialization[]
  /** Undefined if all are prepared. */
  readonly prepared: Promise<unknown> | undefined
}

/** Passes bytes and texts unchanged. */
export const plainSerializer: Serializer<Uint8Array | string> = {
  serialize(value, { topic, part }) {
    if (typeof value === 'string' || value instanceof Uint8Array) return value
    throw new SerdeError(
      `the ${part} for topic ${topic} is ${typeof value}: a string or Uint8Array is needed, or a serializer`,
    )
  },
}

/** Serializes records and checks them, before any record of a send is queued. */
export class RecordEncoder {
  readonly #options: Pick<ResolvedProducerOptions, 'maxRequestSize' | 'bufferMemory'>
  readonly #serializers: Serializers
  #serialization: RecordSerialization | undefined

  constructor(
    options: Pick<ResolvedProducerOptions, 'maxRequestSize' | 'bufferMemory'>,
    serializers: Serializers,
  ) {
    this.#options = options
    this.#serializers = serializers
  }

  /** Calls the serializers' `prepareSerialize` for all records of a send. */
  prepare(
    records: readonly ProducerRecord<unknown, unknown>[],
    typed: Topic<unknown, unknown> | undefined,
  ): Preparation {
    const serializers = typed ?? this.#serializers
    const serializations = records.map((record) => {
      const serialization = new RecordSerialization(topicOf(record, typed), serializers)
      serialization.begin(record.headers)
      return serialization
    })
    const pending = records.flatMap((record, i) => serializations[i]?.prepare(record) ?? [])
    return {
      serializations,
      prepared: pending.length === 0 ? undefined : Promise.all(pending),
    }
  }

  /** Shared by all records of a topic: nothing is allocated for each. */
  #serializationFor(
    topic: string,
    typed: Topic<unknown, unknown> | undefined,
  ): RecordSerialization {
    const serializers = typed ?? this.#serializers
    if (this.#serialization?.isFor(topic, serializers) !== true) {
      this.#serialization = new RecordSerialization(topic, serializers)
    }
    return this.#serialization as RecordSerialization
  }

  encodeAll(
    records: readonly ProducerRecord<unknown, unknown>[],
    typed: Topic<unknown, unknown> | undefined,
    now: number,
    prepared: readonly RecordSerialization[] | undefined,
  ): EncodedRecord[] {
    return records.length === 1
      ? [this.#encode(records[0] as ProducerRecord<unknown, unknown>, typed, now, prepared?.[0])]
      : records.map((record, i) => this.#encode(record, typed, now, prepared?.[i]))
  }

  #encode(
    record: ProducerRecord<unknown, unknown>,
    typed: Topic<unknown, unknown> | undefined,
    now: number,
    prepared: RecordSerialization | undefined,
  ): EncodedRecord {
    const topic = topicOf(record, typed)
    const { partition, value } = record
    if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0)) {
      throw new MillraceError(
        'MILLRACE_INVALID_RECORD',
        `a record for topic ${topic} has partition ${partition}: expected a whole number from 0`,
      )
    }
    if (value === undefined) {
      throw new MillraceError(
        'MILLRACE_INVALID_RECORD',
        `a record for topic ${topic} has no value; null stands for a tombstone`,
      )
    }
    const timestamp = record.timestamp ?? now
    if (!Number.isInteger(timestamp) || timestamp < 0) {
      throw new MillraceError(
        'MILLRACE_INVALID_RECORD',
        `a record for topic ${topic} has timestamp ${timestamp}: expected milliseconds since 1970`,
      )
    }
    let serialization = prepared
    if (serialization === undefined) {
      serialization = this.#serializationFor(topic, typed)
      serialization.begin(record.headers)
    }
    let key = serialization.key(record.key)
    // The partitioner uses the serialized form.
    if (typeof key === 'string' && partition === undefined) key = Buffer.from(key)
    const valueBytes = serialization.value(value)
    const headers = serialization.list()
    const maxSize = RecordBatchBuilder.maxSizeOf(key, valueBytes, headers)
    const limit = Math.min(this.#options.maxRequestSize, this.#options.bufferMemory)
    if (maxSize > limit) {
      const name = limit === this.#options.maxRequestSize ? 'maxRequestSize' : 'bufferMemory'
      throw new ProtocolError(
        'MESSAGE_TOO_LARGE',
        `a record for topic ${topic} takes ${maxSize} bytes, more than ${name} ${limit}`,
      )
    }
    const { topicId } = record
    return { topic, topicId, partition, key, value: valueBytes, headers, timestamp, maxSize }
  }
}

/** Topic of a record. Throws `MILLRACE_INVALID_RECORD` if it has none. */
export function topicOf(
  record: ProducerRecord<unknown, unknown>,
  typed: Topic<unknown, unknown> | undefined,
): string {
  const topic = typed?.name ?? record.topic
  if (typeof topic === 'string' && topic !== '') return topic
  throw new MillraceError('MILLRACE_INVALID_RECORD', `a record needs a topic, not ${topic}`)
}
