// SPDX-License-Identifier: Apache-2.0
import { elementAt } from './element-at.ts'

/** One entry of a properties file, and its line. */
export interface PropertyLine {
  /** Key, without escapes. */
  readonly key: string
  /** Value, without escapes. */
  readonly value: string
  /** Line number, from 1; the first line of a continued entry. */
  readonly line: number
}

/**
 * Parses a Java properties file: comments, `=`, `:` or whitespace as separator, continuation lines,
 * escapes.
 */
export function parseProperties(text: string): Map<string, string> {
  return new Map(parsePropertyLines(text).map(({ key, value }) => [key, value]))
}

/**
 * Like `parseProperties`, but keeps every entry with its line, including entries that a later one
 * overrides.
 */
export function parsePropertyLines(text: string): PropertyLine[] {
  return [...logicalLines(text)].map(({ text: entry, line }) => {
    const { key, value } = splitLine(entry)
    return { key: unescapeText(key), value: unescapeText(value), line }
  })
}

function* logicalLines(text: string): Generator<{ readonly text: string; readonly line: number }> {
  const lines = text.split(/\r\n|\r|\n/)
  if (lines.at(-1) === '') lines.pop()
  let pending = ''
  let first = 0
  for (const [index, raw] of lines.entries()) {
    const line = raw.replace(/^[ \t\f]+/, '')
    // Also after a backslash that continues an empty line.
    if (pending === '' && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    if (pending === '') first = index + 1
    const backslashes = /\\*$/.exec(line)?.[0].length ?? 0
    const isContinued = backslashes % 2 === 1
    pending += isContinued ? line.slice(0, -1) : line
    if (isContinued && index < lines.length - 1) continue
    yield { text: pending, line: first }
    pending = ''
  }
  if (pending !== '') yield { text: pending, line: first }
}

function splitLine(line: string): { readonly key: string; readonly value: string } {
  let end = 0
  while (end < line.length) {
    const character = elementAt(line, end)
    if (character === '\\') end++
    else if (/[=: \t\f]/.test(character)) break
    end++
  }
  const value = line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
  return { key: line.slice(0, end), value }
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescapeText(text: string): string {
  return text.replace(
    /\\u([0-9a-fA-F]{4})|\\(.)/g,
    (_all, hex: string | undefined, other: string) =>
      hex === undefined ? (ESCAPES[other] ?? other) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
