// SPDX-License-Identifier: Apache-2.0

/** A group counts as restless for this long after a change: more of the kind usually follows. */
const RESTLESS_MS = 3000
const SHORTEST_MS = 100

/**
 * When a member is to come back. One that has something to give up or to get, or whose group has
 * just changed, sooner than the configured interval, so that a rebalance takes milliseconds instead
 * of several intervals; in a large group not so soon.
 */
export function heartbeatIntervalMs(
  configuredMs: number,
  group: {
    readonly memberCount: number
    readonly isSettled: boolean
    readonly sinceChangeMs: number
  },
): number {
  if (group.isSettled && group.sinceChangeMs > RESTLESS_MS) return configuredMs
  return Math.min(configuredMs, Math.max(SHORTEST_MS, group.memberCount * 5))
}
