// SPDX-License-Identifier: Apache-2.0

/**
 * Strings in the order in which a Java `HashMap` or `HashSet` iterates over them. Confluent's
 * messages come in this order. `reserved` is the number of entries the table was created for.
 */
export function javaHashOrder(keys: Iterable<string>, reserved = 0): readonly string[] {
  const distinct = [...new Set(keys)]
  let capacity = 16
  while (capacity < Math.trunc(reserved / 0.75) + 1) capacity *= 2
  while (distinct.length > capacity * 0.75) capacity *= 2
  return distinct
    .map((key) => ({ key, bucket: bucketOf(key, capacity) }))
    .sort((a, b) => a.bucket - b.bucket)
    .map(({ key }) => key)
}

function bucketOf(key: string, capacity: number): number {
  let hash = 0
  for (let index = 0; index < key.length; index += 1) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0
  }
  return (hash ^ (hash >>> 16)) & (capacity - 1)
}
