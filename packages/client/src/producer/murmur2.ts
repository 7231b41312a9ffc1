// SPDX-License-Identifier: Apache-2.0

const SEED = 0x9747b28c
const M = 0x5bd1e995

/** Murmur2 of `data` as in Java's clients; 32 bits, signed. */
export function murmur2(data: Uint8Array): number {
  const { length } = data
  let hash = SEED ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let k =
      (data[at] as number) |
      ((data[at + 1] as number) << 8) |
      ((data[at + 2] as number) << 16) |
      ((data[at + 3] as number) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(k, M)
  }
  const left = length - at
  if (left >= 3) hash ^= (data[at + 2] as number) << 16
  if (left >= 2) hash ^= (data[at + 1] as number) << 8
  if (left >= 1) hash = Math.imul(hash ^ (data[at] as number), M)
  hash ^= hash >>> 13
  hash = Math.imul(hash, M)
  return hash ^ (hash >>> 15)
}
