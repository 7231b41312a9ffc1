// SPDX-License-Identifier: Apache-2.0

/** Period after a change in which further changes are likely. */
const RESTLESS_MS = 3000
const SHORTEST_MS = 100

/**
 * The heartbeat interval for a member. It is shorter than the configured one if the member has
 * partitions to revoke or to receive, or if its group has just changed, so that a rebalance takes
 * milliseconds instead of several intervals. In a large group it is less short.
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
