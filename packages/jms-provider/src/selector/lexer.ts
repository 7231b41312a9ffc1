// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'

/** An invalid selector. */
export class InvalidSelectorError extends MillraceError {
  override readonly name = 'InvalidSelectorError'
  /** Position of the error in the selector, in characters from 1. */
  readonly position: number

  /** Creates the error for a position in a selector. */
  constructor(selector: string, position: number, problem: string) {
    super(
      'MILLRACE_INVALID_SELECTOR',
      `invalid selector ${JSON.stringify(selector)}: ${problem}, at position ${position}`,
    )
    this.position = position
  }
}

export type TokenKind =
  | 'identifier'
  | 'keyword'
  | 'string'
  | 'exact'
  | 'approximate'
  | 'symbol'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  /** A keyword in upper case, a string without quotes, otherwise the source text. */
  readonly text: string
  /** Start position, from 1. */
  readonly position: number
}

const keywords = new Set([
  'NULL',
  'TRUE',
  'FALSE',
  'NOT',
  'AND',
  'OR',
  'BETWEEN',
  'LIKE',
  'IN',
  'IS',
  'ESCAPE',
])

const patterns = {
  space: /\s+/y,
  identifier: /[\p{L}\p{Nl}\p{Sc}\p{Pc}][\p{L}\p{Nl}\p{Sc}\p{Pc}\p{Nd}\p{Mn}\p{Mc}]*/uy,
  string: /'(?:[^']|'')*'/y,
  approximate: /(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?|\d+(?:[eE][+-]?\d+[fFdD]?|[fFdD])/y,
  exact: /(?:0[xX][\da-fA-F]+|\d+)[lL]?/y,
  symbol: /<>|<=|>=|[=<>+\-*/(),]/y,
} as const

/**
 * Splits a selector (Jakarta Messaging 3.1, section 3.8.1) into tokens. The last one has kind
 * `end`.
 */
export function tokensOf(selector: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(selector)?.[0]
  }
  while (at < selector.length) {
    const space = match(patterns.space)
    if (space !== undefined) {
      at += space.length
      continue
    }
    const token = nextToken(match, at + 1)
    if (token === undefined) {
      const problem =
        selector[at] === "'"
          ? 'unterminated string'
          : `unexpected character ${JSON.stringify(String.fromCodePoint(selector.codePointAt(at) as number))}`
      throw new InvalidSelectorError(selector, at + 1, problem)
    }
    tokens.push(token.token)
    at += token.length
  }
  tokens.push({ kind: 'end', text: '', position: selector.length + 1 })
  return tokens
}

function nextToken(
  match: (pattern: RegExp) => string | undefined,
  position: number,
): { readonly token: Token; readonly length: number } | undefined {
  const word = match(patterns.identifier)
  if (word !== undefined) {
    const upper = word.toUpperCase()
    const token: Token = keywords.has(upper)
      ? { kind: 'keyword', text: upper, position }
      : { kind: 'identifier', text: word, position }
    return { token, length: word.length }
  }
  const string = match(patterns.string)
  if (string !== undefined) {
    const text = string.slice(1, -1).replaceAll("''", "'")
    return { token: { kind: 'string', text, position }, length: string.length }
  }
  for (const kind of ['approximate', 'exact', 'symbol'] as const) {
    const text = match(patterns[kind])
    if (text !== undefined) return { token: { kind, text, position }, length: text.length }
  }
  return undefined
}
