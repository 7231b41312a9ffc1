// SPDX-License-Identifier: Apache-2.0

/** Reads a Java properties file: comments, `=`, `:` or blank as separator, continued lines, escapes. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const { key, value } = splitLine(line)
    properties.set(unescapeText(key), unescapeText(value))
  }
  return properties
}

function* logicalLines(text: string): Generator<string> {
  let pending = ''
  let continued = false
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = raw.replace(/^[ \t\f]+/, '')
    if (!continued && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const backslashes = /\\*$/.exec(line)?.[0].length ?? 0
    continued = backslashes % 2 === 1
    if (continued) {
      pending += line.slice(0, -1)
      continue
    }
    yield pending + line
    pending = ''
  }
  if (pending !== '') yield pending
}

function splitLine(line: string): { readonly key: string; readonly value: string } {
  let end = 0
  while (end < line.length) {
    const character = line[end] as string
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
