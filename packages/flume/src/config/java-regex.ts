// SPDX-License-Identifier: Apache-2.0

const POSIX: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7F',
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: 'a-zA-Z0-9',
  Punct: '!-\\/:-@\\[-`{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1F\\x7F',
  XDigit: '0-9a-fA-F',
  Space: ' \\t\\n\\v\\f\\r',
}
/** Java's `.` and `\s` are not quite JavaScript's. */
const SPACE = ' \\t\\n\\v\\f\\r'

/**
 * A `java.util.regex` pattern as a RegExp. What JavaScript cannot do (possessive quantifiers, atomic groups) is refused with an `Error` that
 * says so; what it does otherwise is written out.
 */
export function javaRegex(pattern: string, flags = ''): RegExp {
  const leading = /^\(\?([a-z]+)\)/.exec(pattern)
  let given = flags
  let body = pattern
  if (leading !== null) {
    body = pattern.slice(leading[0].length)
    for (const flag of leading[1] as string) {
      if (!'imsux'.includes(flag) || flag === 'x')
        throw new Error(`a pattern without the flag (?${flag})`)
      if (flag !== 'u') given += flag
    }
  }
  const source = translate(body)
  try {
    return new RegExp(source, [...new Set(`${given}u`)].join(''))
  } catch {
    // Java lets many escapes pass that JavaScript's Unicode mode does not.
  }
  try {
    return new RegExp(source, [...new Set(given)].join(''))
  } catch (error) {
    throw new Error(`a regular expression; ${(error as Error).message}`)
  }
}

/** The same, for a text that has to match from its beginning to its end. */
export function javaRegexWhole(pattern: string): RegExp {
  const { source, flags } = javaRegex(pattern)
  return new RegExp(`^(?:${source})$`, flags)
}

function translate(pattern: string): string {
  let out = ''
  let inClass = 0
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i] as string
    const next = pattern[i + 1] ?? ''
    if (character === '\\') {
      if (next === 'Q') {
        const end = pattern.indexOf('\\E', i + 2)
        const quoted = pattern.slice(i + 2, end < 0 ? undefined : end)
        out += quoted.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
        i = end < 0 ? pattern.length : end + 1
        continue
      }
      const posix = /^\\([pP])\{(?:Is)?(\w+)\}/.exec(pattern.slice(i))
      const set = posix === null ? undefined : POSIX[posix[2] as string]
      if (posix !== null && set !== undefined) {
        out += inClass > 0 ? set : `[${posix[1] === 'P' ? '^' : ''}${set}]`
        i += posix[0].length - 1
        continue
      }
      i++
      out += escaped(next, inClass > 0)
      continue
    }
    if (inClass > 0) {
      if (character === '[') {
        throw new Error('a regular expression without a class inside a class')
      }
      if (character === '&' && next === '&') {
        throw new Error('a regular expression without && in a class')
      }
      if (character === ']') inClass--
      out += character
      continue
    }
    if (character === '[') {
      inClass++
      out += character
      // A bracket that comes first stands for itself.
      if (next === ']') {
        out += '\\]'
        i++
      } else if (next === '^' && pattern[i + 2] === ']') {
        out += '^\\]'
        i += 2
      }
      continue
    }
    if (/[*+?}]/.test(character) && next === '+') {
      throw new Error(`a regular expression without the possessive quantifier ${character}+`)
    }
    if (character === '(' && pattern.startsWith('(?>', i)) {
      throw new Error('a regular expression without the atomic group (?>…)')
    }
    out += character
  }
  return out
}

function escaped(character: string, inClass: boolean): string {
  switch (character) {
    case 's':
      return inClass ? SPACE : `[${SPACE}]`
    case 'S':
      return inClass ? '\\S' : `[^${SPACE}]`
    case 'h':
      return inClass ? ' \\t' : '[ \\t]'
    case 'A':
      return '^'
    case 'z':
    case 'Z':
      return '$'
    case 'a':
      return '\\x07'
    case 'e':
      return '\\x1B'
    default:
      return /[a-zA-Z0-9]/.test(character) ||
        /[\\^$.*+?()[\]{}|/]/.test(character) ||
        (inClass && character === '-')
        ? `\\${character}`
        : character
  }
}

/** A replacement of Java's (`$1`, `${name}`, `\$`) as JavaScript's. */
export function javaReplacement(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string
    if (character === '\\') {
      i++
      const next = text[i] ?? ''
      out += next === '$' ? '$$' : next
      continue
    }
    if (character !== '$') {
      out += character
      continue
    }
    const named = /^\$\{(\w+)\}/.exec(text.slice(i))
    if (named !== null) {
      out += `$<${named[1]}>`
      i += named[0].length - 1
      continue
    }
    if (!/\d/.test(text[i + 1] ?? ''))
      throw new Error('a text in which $ stands before a number, or as \\$')
    out += text[i + 1] === '0' ? '$&' : `$${text[i + 1]}`
    i++
  }
  return out
}
