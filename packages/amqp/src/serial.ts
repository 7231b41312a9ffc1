// SPDX-License-Identifier: Apache-2.0

/** Serial number arithmetic of RFC 1982 over 32 bits, used for AMQP sequence numbers. */
export function next(number: number, by = 1): number {
  return (number + by) >>> 0
}

/** How far `a` is ahead of `b`; negative when it is behind. */
export function distance(a: number, b: number): number {
  return (a - b) | 0
}
