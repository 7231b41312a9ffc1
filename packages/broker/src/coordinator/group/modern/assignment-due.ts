// SPDX-License-Identifier: Apache-2.0

/** Whether a group may be assigned anew: the first time at once, later only so often. */
export function isAssignmentDue(
  { assignmentTimestampMs }: { readonly assignmentTimestampMs: number },
  intervalMs: number,
  nowMs: number,
): boolean {
  // Without an interval a clock that was set back does not matter either.
  return (
    assignmentTimestampMs === 0 || intervalMs === 0 || nowMs >= assignmentTimestampMs + intervalMs
  )
}
