// SPDX-License-Identifier: Apache-2.0
import { type CompressionType, incrementSequence, sealBatch } from '@millrace/protocol'
import { ProducerBatch } from './producer-batch.ts'

const NO_IDENTITY = { producerId: -1n, producerEpoch: -1, baseSequence: -1 }

/**
 * Splits a batch that the broker finds too large. The halves have the records and the sequence
 * numbers of the batch: records from `middle` on are in the second half.
 */
export function splitBatch(
  batch: ProducerBatch,
  options: {
    readonly compression: CompressionType
    readonly compressionLevel: number | undefined
  },
): { readonly middle: number; readonly first: ProducerBatch; readonly second: ProducerBatch } {
  const { result, topicId, createdAt, size, identity } = batch
  const records = batch.records()
  const middle = Math.ceil(records.length / 2)
  const halfOf = (from: number, to: number): ProducerBatch => {
    const { topic, partition } = result
    const half = new ProducerBatch({ topic, partition, topicId, createdAt, initialSize: size })
    for (const { timestamp, key, value, headers } of records.slice(from, to)) {
      half.append(Number(timestamp), key, value, headers)
    }
    half.attempts = 1
    const bytes = half.encode(options.compression, options.compressionLevel)
    if (identity !== undefined) {
      const baseSequence = incrementSequence(identity.baseSequence, from)
      half.identity = { ...identity, baseSequence }
    }
    sealBatch(bytes, half.identity ?? NO_IDENTITY)
    return half
  }
  return { middle, first: halfOf(0, middle), second: halfOf(middle, records.length) }
}
