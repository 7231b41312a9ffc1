// SPDX-License-Identifier: Apache-2.0

/** What an operation must have for itself: some names, or everything. */
export type LockedNames = readonly string[] | 'all'

/**
 * Orders operations: those that share a name run one after another, others at the same time. An
 * operation takes all its names at once, in the order of the calls, so none waits forever.
 */
export class OperationLocks {
  readonly #tails = new Map<string, Promise<void>>()
  #barrier: Promise<void> = Promise.resolve()

  /** Runs an operation once all earlier ones that share a name have settled. */
  run<T>(names: LockedNames, operation: () => Promise<T>): Promise<T> {
    const before =
      names === 'all' ? [...this.#tails.values()] : names.map((name) => this.#tails.get(name))
    const done = Promise.all([this.#barrier, ...before]).then(operation)
    const settled = done.then(
      () => {},
      () => {},
    )
    if (names === 'all') {
      this.#barrier = settled
      this.#tails.clear()
      return done
    }
    for (const name of names) {
      this.#tails.set(name, settled)
      settled
        .then(() => {
          if (this.#tails.get(name) === settled) this.#tails.delete(name)
        })
        .catch(() => {})
    }
    return done
  }
}
