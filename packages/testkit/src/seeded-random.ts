// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@millrace/base'

/** Reproducible randomness (mulberry32): the same seed returns the same sequence. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  return {
    bytes: (size) => Buffer.from(Array.from({ length: size }, () => Math.floor(next() * 256))),
    integer: (limit) => Math.floor(next() * limit),
  }
}
