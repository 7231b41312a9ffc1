// SPDX-License-Identifier: Apache-2.0
// The text of `sasl.jaas.config` (KIP-85): `module flag key="value" …;`.

/** A login module and its options. */
export interface JaasEntry {
  /** Class name of the login module. */
  readonly module: string
  /** Options of the login module. */
  readonly options: ReadonlyMap<string, string>
}

const FLAGS = ['required', 'requisite', 'sufficient', 'optional']

/** Reads a JAAS configuration of one login module. Throws an `Error` that quotes no value. */
export function parseJaas(text: string): JaasEntry {
  const tokens = [...tokensOf(text)]
  let at = 0
  const word = (what: string): string => {
    const token = tokens[at++]
    if (token === undefined || token.kind !== 'word') throw new Error(`${what} is missing`)
    return token.text
  }
  const module = word('the login module')
  const flag = word('the control flag')
  if (!FLAGS.includes(flag.toLowerCase())) {
    throw new Error(`the control flag is none of ${FLAGS.join(', ')}`)
  }
  const options = new Map<string, string>()
  while (tokens[at]?.kind !== 'end') {
    if (at >= tokens.length) throw new Error('the semicolon at the end is missing')
    const key = word('an option')
    if (tokens[at++]?.kind !== 'equals') throw new Error(`option ${key} has no =`)
    const value = tokens[at++]
    if (value?.kind !== 'word' && value?.kind !== 'quoted') {
      throw new Error(`option ${key} has no value`)
    }
    options.set(key, value.text)
  }
  if (at + 1 < tokens.length) throw new Error('there is more than one login module')
  return { module, options }
}

type Token =
  | { readonly kind: 'word' | 'quoted'; readonly text: string }
  | { readonly kind: 'equals' | 'end' }

/** Blank, comment, quoted text, `=`, `;`, or a word. */
const PART =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"((?:\\[\s\S]|[^"\\\n])*)"|'((?:\\[\s\S]|[^'\\\n])*)'|(=)|(;)|([^\s"'=;]+)/y

function* tokensOf(text: string): Generator<Token> {
  PART.lastIndex = 0
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text)
    if (match === null) throw new Error('a quoted value has no end')
    const [, double, single, equals, end, word] = match
    const quoted = double ?? single
    if (quoted !== undefined) yield { kind: 'quoted', text: unescaped(quoted) }
    else if (equals !== undefined) yield { kind: 'equals' }
    else if (end !== undefined) yield { kind: 'end' }
    else if (word !== undefined) yield { kind: 'word', text: word }
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/**
 * Escapes of Java's `StreamTokenizer`: letters, octal numbers, and any other character as it is.
 */
function unescaped(text: string): string {
  return text.replace(/\\(?:([0-3]?[0-7]{1,2})|([\s\S]))/g, (_all, octal?: string, other = '') =>
    octal === undefined
      ? (ESCAPES[other] ?? other)
      : String.fromCharCode(Number.parseInt(octal, 8)),
  )
}
