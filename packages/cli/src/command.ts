// SPDX-License-Identifier: Apache-2.0

/** One subcommand of `millrace`. */
export interface Command {
  readonly name: string
  /** One line in the list of commands. */
  readonly summary: string
  /** Resolves with the exit status. */
  run(args: readonly string[]): Promise<number>
}

/** A command line that cannot be understood; the process exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
