// SPDX-License-Identifier: Apache-2.0

/** Records in one state, as stored in the log of share-group states. */
export interface StateBatch {
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  /** 0 available, 2 acknowledged, 3 being sent to the dead letter queue, 4 archived. */
  readonly deliveryState: number
  readonly deliveryCount: number
}

/**
 * Merges newer batches over older ones and drops those before `startOffset`. Sorted, without
 * overlaps.
 */
export function mergeStateBatches(
  older: readonly StateBatch[],
  newer: readonly StateBatch[],
  startOffset: bigint,
): StateBatch[] {
  let result: readonly StateBatch[] = older
  for (const batch of newer) result = overlay(result, batch)
  const merged: StateBatch[] = []
  for (const batch of result) {
    if (batch.lastOffset < startOffset) continue
    const first = batch.firstOffset < startOffset ? startOffset : batch.firstOffset
    const last = merged.at(-1)
    const continues =
      last !== undefined &&
      last.lastOffset + 1n === first &&
      last.deliveryState === batch.deliveryState &&
      last.deliveryCount === batch.deliveryCount
    if (continues) merged[merged.length - 1] = { ...last, lastOffset: batch.lastOffset }
    else merged.push({ ...batch, firstOffset: first })
  }
  return merged
}

function overlay(batches: readonly StateBatch[], added: StateBatch): StateBatch[] {
  const result: StateBatch[] = []
  let isPlaced = false
  const place = (): void => {
    if (!isPlaced) result.push(added)
    isPlaced = true
  }
  for (const batch of batches) {
    if (batch.lastOffset < added.firstOffset) {
      result.push(batch)
      continue
    }
    if (batch.firstOffset > added.lastOffset) {
      place()
      result.push(batch)
      continue
    }
    if (batch.firstOffset < added.firstOffset) {
      result.push({ ...batch, lastOffset: added.firstOffset - 1n })
    }
    place()
    if (batch.lastOffset > added.lastOffset) {
      result.push({ ...batch, firstOffset: added.lastOffset + 1n })
    }
  }
  place()
  return result
}
