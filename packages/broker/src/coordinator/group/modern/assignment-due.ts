// SPDX-License-Identifier: Apache-2.0

/** Assignment time of a group that is new or has no members: its next assignment is not delayed. */
export const NEVER_ASSIGNED_MS = 0

/**
 * Whether a new assignment may be computed: at once the first time, later at most once per
 * interval.
 */
export function isAssignmentDue(
  { assignmentTimestampMs }: { readonly assignmentTimestampMs: number },
  intervalMs: number,
  nowMs: number,
): boolean {
  // Without an interval, a clock that was set back has no effect.
  return (
    assignmentTimestampMs === NEVER_ASSIGNED_MS ||
    intervalMs === 0 ||
    nowMs >= assignmentTimestampMs + intervalMs
  )
}
