// SPDX-License-Identifier: Apache-2.0
import { identifier } from './source-text.ts'

/** Named types of one source file: each gets an identifier, and its text once. */
export class Declarations {
  readonly #texts = new Map<string, string>()
  /** Identifiers by the key of what they name. */
  readonly #names = new Map<string, string>()
  readonly #taken = new Set<string>()
  /** Whether a type of the `decimal` class is used. */
  usesDecimal = false

  /**
   * The identifier of a type, and whether it is new: then `add` must follow. Equal keys have one
   * identifier. The wanted names are tried in turn, then the last one with numbers.
   */
  nameOf(
    key: string,
    ...wanted: readonly string[]
  ): { readonly name: string; readonly isNew: boolean } {
    const known = this.#names.get(key)
    if (known !== undefined) return { name: known, isNew: false }
    const candidates = wanted.map(identifier)
    const last = candidates.at(-1) ?? 'Type'
    let name = candidates.find((each) => !this.#taken.has(each))
    for (let number = 2; name === undefined; number += 1) {
      const numbered = `${last}${number}`
      if (!this.#taken.has(numbered)) name = numbered
    }
    this.#taken.add(name)
    this.#names.set(key, name)
    // Its place is before the types that its text uses.
    this.#texts.set(name, '')
    return { name, isNew: true }
  }

  /** Whether a type of this name is declared. */
  has(name: string): boolean {
    return this.#texts.has(name)
  }

  /** Sets the text of a type. */
  add(name: string, text: string): void {
    this.#texts.set(name, text)
  }

  /** The texts in the order of their names' first uses. */
  texts(): readonly string[] {
    return [...this.#texts.values()].filter((text) => text !== '')
  }
}
