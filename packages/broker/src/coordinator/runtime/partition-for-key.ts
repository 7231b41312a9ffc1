// SPDX-License-Identifier: Apache-2.0

/** Java's `String.hashCode`: 31-based over UTF-16 units, in 32 bits. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/** The coordinator partition of a group or transactional id, as Kafka computes it. */
export function partitionForKey(key: string, partitionCount: number): number {
  const hash = javaHashCode(key)
  return (hash === -2147483648 ? 0 : Math.abs(hash)) % partitionCount
}
