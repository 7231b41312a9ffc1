// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import type { JavaPattern } from './java-pattern.ts'

type Piece = { readonly text: string } | { readonly group: number }

/** A replacement of Java: `$1`, `${name}`, and `\\` before a literal character. */
export class Replacement {
  readonly #pieces: readonly Piece[]

  /** Throws an `Error` for a text that Java does not accept, or for a group that does not exist. */
  constructor(text: string, pattern: Pick<JavaPattern, 'groupCount' | 'names'>) {
    this.#pieces = parse(text, pattern)
  }

  get usesGroups(): boolean {
    return this.#pieces.some((piece) => 'group' in piece && piece.group > 0)
  }

  /** The replacement of a match. A group that did not match is empty. */
  expand(groups: readonly (string | undefined)[]): string {
    let out = ''
    for (const piece of this.#pieces)
      out += 'text' in piece ? piece.text : (groups[piece.group] ?? '')
    return out
  }
}

function parse(text: string, pattern: Pick<JavaPattern, 'groupCount' | 'names'>): Piece[] {
  const pieces: Piece[] = []
  let plain = ''
  const add = (group: number): void => {
    if (plain !== '') pieces.push({ text: plain })
    plain = ''
    pieces.push({ group })
  }
  for (let at = 0; at < text.length; ) {
    const character = elementAt(text, at)
    if (character === '\\') {
      if (at + 1 === text.length) throw new Error('a text without a \\ at its end')
      plain += text[at + 1]
      at += 2
    } else if (character === '$') {
      const { group, end } = reference(text, at + 1, pattern)
      add(group)
      at = end
    } else {
      plain += character
      at++
    }
  }
  if (plain !== '') pieces.push({ text: plain })
  return pieces
}

/**
 * The group that the text after a dollar sign names. As many digits count as there are groups for.
 */
function reference(
  text: string,
  start: number,
  { groupCount, names }: Pick<JavaPattern, 'groupCount' | 'names'>,
): { readonly group: number; readonly end: number } {
  const named = /^\{([a-zA-Z][a-zA-Z0-9]*)\}/.exec(text.slice(start))
  if (named !== null) {
    const group = names.get(elementAt(named, 1))
    if (group === undefined)
      throw new Error(`a text without \${${named[1]}}: there is no group ${named[1]}`)
    return { group, end: start + named[0].length }
  }
  const digits = /^\d+/.exec(text.slice(start))?.[0] ?? ''
  if (digits === '')
    throw new Error('a text in which $ stands before a number or a {name}, or as \\$')
  let end = 1
  while (end < digits.length && Number(digits.slice(0, end + 1)) <= groupCount) end++
  const group = Number(digits.slice(0, end))
  if (group > groupCount)
    throw new Error(`a text without $${group}: the pattern has ${groupCount} groups`)
  return { group, end: start + end }
}
