// SPDX-License-Identifier: Apache-2.0

/** A command line that cannot be understood; the process exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
