// SPDX-License-Identifier: Apache-2.0

/** Records that a member has acquired, with one delivery count. */
export interface AcquiredRecords {
  readonly first: number
  readonly last: number
  readonly deliveryCount: number
}

/** A batch read from the log: the fields that concern offsets. */
export interface ReadBatch {
  readonly first: number
  readonly last: number
  /** Whether its transaction was aborted and the group reads committed records only. */
  readonly isAborted: boolean
}

/** Data that a fetch read from the log, and how much of it may be acquired. */
export interface ReadRecords {
  /** Offset returned by `nextFetch`. */
  readonly fetchOffset: number
  readonly batches: readonly ReadBatch[]
  readonly maxRecords: number
  /** Maximum records in one acquired range, as far as the log's batches allow. */
  readonly batchSize: number
  /**
   * Whether `maxRecords` is exact; otherwise whole batches are acquired until it is reached
   * (KIP-1206).
   */
  readonly isStrict: boolean
}

/**
 * Delivery count from which a batch is delivered in ever smaller parts: one of its records may
 * crash its readers, and the others must not be archived with it.
 */
export function throttledCount(limit: number): number {
  return Math.max(2, Math.ceil(limit / 2))
}

/** Last offset of the log batch that contains the offset; the offset itself between batches. */
export function endOfBatch(batches: readonly ReadBatch[], offset: number): number {
  const batch = batches.findLast(({ first }) => first <= offset)
  return batch !== undefined && offset <= batch.last ? batch.last : offset
}

/**
 * Splits an acquired range at the log's batch boundaries, into ranges of about `batchSize` records.
 */
export function partsOf(
  { batches, batchSize }: ReadRecords,
  first: number,
  last: number,
): { readonly first: number; readonly last: number }[] {
  const parts: { readonly first: number; readonly last: number }[] = []
  let from = first
  for (const batch of batches) {
    if (batch.first > last) break
    if (batch.first - from < batchSize) continue
    parts.push({ first: from, last: batch.first - 1 })
    from = batch.first
  }
  parts.push({ first: from, last })
  return parts
}
