// SPDX-License-Identifier: Apache-2.0
import { type CharacterSet, PatternError } from './syntax.ts'

const set = (expression: string, isNegated = false): CharacterSet => ({ expression, isNegated })

/** `\d`, `\s`, … : ASCII, without the flag (?U). */
export const PREDEFINED: Readonly<Record<string, CharacterSet>> = {
  d: set('0-9'),
  D: set('0-9', true),
  h: set('\\t\\u{20}\\u{A0}\\u{1680}\\u{180E}\\u{2000}-\\u{200A}\\u{202F}\\u{205F}\\u{3000}'),
  H: set('\\t\\u{20}\\u{A0}\\u{1680}\\u{180E}\\u{2000}-\\u{200A}\\u{202F}\\u{205F}\\u{3000}', true),
  s: set('\\t\\n\\v\\f\\r\\u{20}'),
  S: set('\\t\\n\\v\\f\\r\\u{20}', true),
  v: set('\\n\\v\\f\\r\\u{85}\\u{2028}\\u{2029}'),
  V: set('\\n\\v\\f\\r\\u{85}\\u{2028}\\u{2029}', true),
  w: set('a-zA-Z_0-9'),
  W: set('a-zA-Z_0-9', true),
}

/** `.` without the flag (?s). */
export const DOT = set('\\n\\r\\u{85}\\u{2028}\\u{2029}', true)
/** `.` with the flag (?d). */
export const UNIX_DOT = set('\\n', true)
export const ANYTHING = set('\\s\\S')

const POSIX: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\u{0}-\\u{7F}',
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: 'a-zA-Z0-9',
  Punct: '\\u{21}-\\u{2F}\\u{3A}-\\u{40}\\u{5B}-\\u{60}\\u{7B}-\\u{7E}',
  Graph: '\\u{21}-\\u{7E}',
  Print: '\\u{20}-\\u{7E}',
  Blank: '\\u{20}\\t',
  Cntrl: '\\u{0}-\\u{1F}\\u{7F}',
  XDigit: '0-9a-fA-F',
  Space: '\\t\\n\\v\\f\\r\\u{20}',
}

/** Methods of `java.lang.Character`. */
const JAVA_METHODS: Readonly<Record<string, string>> = {
  javaLowerCase: '\\p{Lowercase}',
  javaUpperCase: '\\p{Uppercase}',
  javaAlphabetic: '\\p{Alphabetic}',
  javaIdeographic: '\\p{Ideographic}',
  javaTitleCase: '\\p{Lt}',
  javaDigit: '\\p{Nd}',
  javaDefined: '[\\p{Any}--\\p{Cn}]',
  javaLetter: '\\p{L}',
  javaLetterOrDigit: '\\p{L}\\p{Nd}',
  javaSpaceChar: '\\p{Z}',
  javaWhitespace: '\\t-\\r\\u{1C}-\\u{1F}[\\p{Z}--[\\u{A0}\\u{2007}\\u{202F}]]',
  javaISOControl: '\\u{0}-\\u{1F}\\u{7F}-\\u{9F}',
  javaMirrored: '\\p{Bidi_Mirrored}',
}

/** `\p{IsX}`, ignoring case. */
const BINARY: Readonly<Record<string, string>> = {
  alphabetic: '\\p{Alphabetic}',
  letter: '\\p{L}',
  ideographic: '\\p{Ideographic}',
  lowercase: '\\p{Lowercase}',
  uppercase: '\\p{Uppercase}',
  titlecase: '\\p{Lt}',
  cased: '\\p{Lowercase}\\p{Uppercase}\\p{Lt}',
  white_space: '\\p{White_Space}',
  whitespace: '\\p{White_Space}',
  control: '\\p{Cc}',
  punctuation: '\\p{P}',
  hex_digit: '\\p{Hex_Digit}',
  hexdigit: '\\p{Hex_Digit}',
  assigned: '[\\p{Any}--\\p{Cn}]',
  noncharacter_code_point: '\\p{Noncharacter_Code_Point}',
  digit: '\\p{Nd}',
  join_control: '\\p{Join_Control}',
  joincontrol: '\\p{Join_Control}',
}

/** Categories that are Java's own. */
const JAVA_CATEGORIES: Readonly<Record<string, string>> = {
  L1: '\\u{0}-\\u{FF}',
  all: '\\p{Any}',
  LC: '\\p{Lu}\\p{Ll}\\p{Lt}',
  LD: '\\p{L}\\p{Nd}',
}

const CATEGORIES = /^(C[cfnos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)$/

function category(name: string): string | undefined {
  const own = Object.hasOwn(JAVA_CATEGORIES, name) ? JAVA_CATEGORIES[name] : undefined
  return own ?? (CATEGORIES.test(name) ? `\\p{${name}}` : undefined)
}

function script(name: string): string | undefined {
  // Java ignores case; ECMAScript does not.
  const spelled = name
    .split(/[_ ]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join('_')
  try {
    new RegExp(`\\p{Script=${spelled}}`, 'v')
    return `\\p{Script=${spelled}}`
  } catch {
    return undefined
  }
}

/** The set that `\p{name}` means. Throws `PatternError` for names that are not known. */
export function property(name: string): CharacterSet {
  const expression = propertyExpression(name)
  if (expression === undefined)
    throw new PatternError(`without \\p{${name}}, which is not known here`)
  return set(expression)
}

function own(table: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

function propertyExpression(name: string): string | undefined {
  const [key = '', value] = name.split('=')
  if (value !== undefined) {
    switch (key.toLowerCase()) {
      case 'sc':
      case 'script':
        return script(value)
      case 'gc':
      case 'general_category':
        return category(value)
      default:
        return undefined
    }
  }
  if (name.startsWith('Is')) {
    const rest = name.slice(2)
    return own(BINARY, rest.toLowerCase()) ?? category(rest) ?? script(rest)
  }
  // Blocks have no counterpart.
  if (name.startsWith('In')) return undefined
  return own(POSIX, name) ?? own(JAVA_METHODS, name) ?? category(name)
}
