// SPDX-License-Identifier: Apache-2.0

/** Milliseconds of the units of `roundUnit`. */
export const ROUND_UNITS = { second: 1000, minute: 60_000, hour: 3_600_000 } as const
