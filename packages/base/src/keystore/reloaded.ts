// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'

/** Contents of files, and the value that is made of them. */
export interface FileContents<T> {
  /** Every byte of the files and of the settings that the value depends on. */
  readonly parts: readonly (Buffer | string)[]
  /** Creates the value; throws if the contents cannot be used in place of `current`. */
  create(current: T | undefined): T
}

/** Options of `Reloaded`. */
export interface ReloadedOptions<T> {
  /** Reads the files; throws if one cannot be read. */
  readonly read: () => FileContents<T>
  /** Called when a changed value is in use. */
  readonly onLoaded: (value: T) => void
  /** Called once for each change that cannot be used. */
  readonly onFailed: (error: Error) => void
}

/**
 * A value that is made of files, such as a key and its certificates: it is loaded again when a file
 * changes. While a change cannot be used, the value before it stays.
 */
export class Reloaded<T> {
  readonly #options: ReloadedOptions<T>
  #value: T
  #fingerprint: string
  /** What could not be used last, so that each failure is reported once. */
  #refused: string | undefined

  /** Reads the files. Throws if they cannot be used. */
  constructor(options: ReloadedOptions<T>) {
    this.#options = options
    const contents = options.read()
    this.#value = contents.create(undefined)
    this.#fingerprint = fingerprintOf(contents.parts)
  }

  /** The value in use. */
  get value(): T {
    return this.#value
  }

  /** Reads the files again. Returns the new value if something changed and can be used. */
  refresh(): T | undefined {
    const { read, onLoaded, onFailed } = this.#options
    let fingerprint: string | undefined
    try {
      const contents = read()
      fingerprint = fingerprintOf(contents.parts)
      if (fingerprint === this.#fingerprint) this.#refused = undefined
      if (fingerprint === (this.#refused ?? this.#fingerprint)) return undefined
      this.#value = contents.create(this.#value)
      this.#fingerprint = fingerprint
      this.#refused = undefined
    } catch (error) {
      const reason = fingerprint ?? String(error)
      const isKnown = reason === this.#refused
      this.#refused = reason
      if (!isKnown) onFailed(error instanceof Error ? error : new Error(String(error)))
      return undefined
    }
    onLoaded(this.#value)
    return this.#value
  }
}

function fingerprintOf(parts: readonly (Buffer | string)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}\0`).update(part)
  return hash.digest('hex')
}
