// SPDX-License-Identifier: Apache-2.0

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
    assignmentTimestampMs === 0 || intervalMs === 0 || nowMs >= assignmentTimestampMs + intervalMs
  )
}
