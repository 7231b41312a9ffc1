// SPDX-License-Identifier: Apache-2.0

const LAST_EPOCH = 0x7fffffff

/**
 * The epoch of the next request in a fetch or share session. After the last one follows 1, since 0
 * creates a session.
 */
export function nextSessionEpoch(epoch: number): number {
  return epoch === LAST_EPOCH ? 1 : epoch + 1
}
