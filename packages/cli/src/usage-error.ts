// SPDX-License-Identifier: Apache-2.0

/** An invalid command line; the process exits with status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
