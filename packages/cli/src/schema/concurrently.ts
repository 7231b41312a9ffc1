// SPDX-License-Identifier: Apache-2.0

/** Requests to a registry in flight at the same time. */
const LANES = 8

/** Maps items with up to eight calls in flight; results have the order of the items. */
export async function concurrently<T, R>(
  items: readonly T[],
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const entries = items.entries()
  const lane = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await map(item)
  }
  await Promise.all(Array.from({ length: Math.min(LANES, items.length) }, lane))
  return results
}
