// SPDX-License-Identifier: Apache-2.0
// Names and texts of schemas are untrusted: only these functions put them into source text.

/** Words that cannot be names of types, and names that generated source uses. */
const RESERVED = new Set(
  `any as async await bigint boolean break case catch class const continue debugger declare default
  delete do else enum export extends false finally for from function get if implements import in
  infer instanceof interface is keyof let module namespace never new null number object of package
  private protected public readonly require return set static string super switch symbol this throw
  true try type typeof undefined unique unknown unsafe using var void while with yield
  Array Buffer Date Decimal Object Record`
    .split(/\s+/)
    .filter((word) => word !== ''),
)

/**
 * A name as a TypeScript identifier: letters, digits, `_` and `$` remain, other characters become
 * `_`. A reserved word gets a `_` at its end.
 */
export function identifier(name: string): string {
  const plain = name.replaceAll(/[^\p{L}\p{Nd}_$]/gu, '_').normalize('NFC')
  // Letters of other scripts may be no identifier characters in an older compiler.
  const safe = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(plain)
    ? plain
    : `_${plain.replaceAll(/[^\p{ID_Continue}$]/gu, '_')}`
  return RESERVED.has(safe) ? `${safe}_` : safe
}

/** A text as a string literal. */
export function literal(text: string): string {
  const escaped = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll("'", "\\'")
    // Line ends of the language, byte order marks and text that changes the reading direction.
    .replaceAll(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
    })
  return `'${escaped}'`
}

/** A name as the key of a property: quoted unless it is a plain identifier. */
export function propertyKey(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : literal(name)
}

/** A JSON value as the type that has this value only. */
export function literalType(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return literal(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : 'number'
    case 'boolean':
      return String(value)
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value)) return `[${value.map(literalType).join(', ')}]`
      return objectLiteralType(value)
    default:
      return 'unknown'
  }
}

function objectLiteralType(value: object): string {
  const members = Object.entries(value).map(
    ([name, each]) => `${propertyKey(name)}: ${literalType(each)}`,
  )
  return members.length === 0 ? 'Record<string, never>' : `{ ${members.join('; ')} }`
}

/** Longest documentation that is copied, in characters. */
const MAX_DOC = 2000
const LINE = 96

/** A doc comment, or no line if there is no text. `indent` is put before each line. */
export function docComment(text: unknown, indent = ''): string[] {
  if (typeof text !== 'string') return []
  const lines = text
    .slice(0, MAX_DOC)
    // Ends of comments, and tags that compilers act on.
    .replaceAll('*/', '* /')
    .replaceAll(/@(?=ts-|jsx)/gi, '@ ')
    .replaceAll(/[\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, ' ')
    .split(/\r\n|[\r\n\v\f\u0085]/)
    .map((line) => line.replaceAll(/\p{Cc}/gu, ' ').trim())
    .filter((line, i, all) => line !== '' || (i > 0 && i < all.length - 1))
  const [first] = lines
  if (first === undefined || (lines.length === 1 && first === '')) return []
  if (lines.length === 1 && first.length + indent.length + 7 <= LINE) {
    return [`${indent}/** ${first} */`]
  }
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`]
}

/** A type as an element: unions and intersections in parentheses. */
export function grouped(type: string): string {
  return isCompound(type) ? `(${type})` : type
}

/** Whether `|` or `&` stands outside of brackets and literals. */
function isCompound(type: string): boolean {
  let depth = 0
  let isQuoted = false
  for (let at = 0; at < type.length; at += 1) {
    const character = type[at]
    if (isQuoted) {
      if (character === '\\') at += 1
      else if (character === "'") isQuoted = false
    } else if (character === "'") isQuoted = true
    else if ('([{<'.includes(character ?? '')) depth += 1
    else if (')]}>'.includes(character ?? '')) depth -= 1
    else if (depth === 0 && (character === '|' || character === '&')) return true
  }
  return false
}

/** The union of types, each once; `never` of none. */
export function unionOf(types: readonly string[]): string {
  const distinct = [...new Set(types)].filter((type) => type !== 'never')
  if (distinct.includes('unknown')) return 'unknown'
  return distinct.length === 0 ? 'never' : distinct.map(groupedBranch).join(' | ')
}

function groupedBranch(type: string): string {
  return /[&]/.test(type) ? grouped(type) : type
}

/** The intersection of types, each once; `unknown` of none. */
export function intersectionOf(types: readonly string[]): string {
  const distinct = [...new Set(types)].filter((type) => type !== 'unknown')
  if (distinct.length === 1) return distinct[0] ?? 'unknown'
  return distinct.length === 0 ? 'unknown' : distinct.map(grouped).join(' & ')
}
