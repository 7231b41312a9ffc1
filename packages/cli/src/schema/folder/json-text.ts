// SPDX-License-Identifier: Apache-2.0

const tokens = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/gs

/** A JSON text without spaces between its tokens; numbers and strings are not changed. */
export function compactJson(text: string): string {
  return (text.match(tokens) ?? []).join('')
}

/** A JSON text on lines; numbers and strings are not changed. */
export function indentedJson(text: string): string {
  let out = ''
  let depth = 0
  let previous = ''
  const line = (): string => `\n${'  '.repeat(depth)}`
  for (const token of text.match(tokens) ?? []) {
    const isClosing = token === '}' || token === ']'
    const isEmpty = isClosing && (previous === '{' || previous === '[')
    if (isClosing) {
      depth -= 1
      if (!isEmpty) out += line()
    } else if (previous === '{' || previous === '[' || previous === ',') out += line()
    out += token === ':' ? ': ' : token
    if (token === '{' || token === '[') depth += 1
    previous = token
  }
  return out
}
