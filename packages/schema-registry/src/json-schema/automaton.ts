// SPDX-License-Identifier: Apache-2.0

/** A step of an automaton: consumes a character, checks a position, or branches. */
type Instruction =
  | { readonly kind: 'character'; readonly accepts: (character: string) => boolean }
  | { readonly kind: 'position'; readonly assertion: '^' | '$' | 'b' | 'B' }
  | { readonly kind: 'split'; readonly targets: readonly number[] }
  | { readonly kind: 'match' }

/** A regular expression as a nondeterministic automaton. */
export interface Automaton {
  readonly instructions: readonly Instruction[]
  readonly isUnicode: boolean
}

/** Instructions of one automaton, and steps of one match. */
const maxInstructions = 5000
const maxSteps = 20_000_000
const maxNesting = 100

type Expression =
  | { readonly kind: 'character'; readonly accepts: (character: string) => boolean }
  | { readonly kind: 'position'; readonly assertion: '^' | '$' | 'b' | 'B' }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Expression[] }
  | {
      readonly kind: 'repeat'
      readonly part: Expression
      readonly min: number
      /** Undefined if there is no upper bound. */
      readonly max: number | undefined
    }

class Unsupported extends Error {}

/**
 * The automaton of a valid expression; undefined if it has look-around, backreferences or flags
 * other than `u` and `i`, or is too large.
 */
export function automatonOf(source: string, flags: string): Automaton | undefined {
  if (/[^ui]/.test(flags)) return undefined
  try {
    const instructions: Instruction[] = []
    emit(new ExpressionParser(source, flags).parse(), instructions)
    instructions.push({ kind: 'match' })
    return { instructions, isUnicode: flags.includes('u') }
  } catch (error) {
    if (error instanceof Unsupported) return undefined
    throw error
  }
}

/** Whether the text contains a match; undefined if that takes too many steps. */
export function matches(automaton: Automaton, text: string): boolean | undefined {
  const { instructions, isUnicode } = automaton
  const visited = new Int32Array(instructions.length).fill(-1)
  let steps = 0
  let current: number[] = []
  let index = 0
  let position = 0
  let isMatch = false
  const add = (start: number, threads: number[]): void => {
    const pending = [start]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      steps += 1
      if (visited[next] === position) continue
      visited[next] = position
      const instruction = instructions[next]
      if (instruction === undefined) continue
      if (instruction.kind === 'split') pending.push(...instruction.targets)
      else if (instruction.kind === 'match') isMatch = true
      else if (instruction.kind === 'character') threads.push(next)
      else if (holds(instruction.assertion, text, index)) pending.push(next + 1)
    }
  }
  for (;;) {
    // A match may start at any position.
    add(0, current)
    if (isMatch) return true
    if (steps > maxSteps) return undefined
    if (index >= text.length) return false
    const code = isUnicode ? (text.codePointAt(index) ?? 0) : text.charCodeAt(index)
    const character = String.fromCodePoint(code)
    index += code > 0xffff ? 2 : 1
    position += 1
    const following: number[] = []
    for (const thread of current) {
      steps += 1
      const instruction = instructions[thread]
      if (instruction?.kind === 'character' && instruction.accepts(character)) {
        add(thread + 1, following)
      }
    }
    if (isMatch) return true
    current = following
  }
}

function holds(assertion: '^' | '$' | 'b' | 'B', text: string, index: number): boolean {
  if (assertion === '^') return index === 0
  if (assertion === '$') return index === text.length
  const isWord = (at: number): boolean => /^\w$/.test(text[at] ?? '')
  return (isWord(index - 1) !== isWord(index)) === (assertion === 'b')
}

function emit(expression: Expression, instructions: Instruction[]): void {
  if (instructions.length > maxInstructions) throw new Unsupported()
  switch (expression.kind) {
    case 'character':
    case 'position':
      instructions.push(expression)
      return
    case 'sequence':
      for (const part of expression.parts) emit(part, instructions)
      return
    case 'choice':
      emitChoice(expression.parts, instructions)
      return
    case 'repeat':
      emitRepeat(expression, instructions)
  }
}

function emitChoice(parts: readonly Expression[], instructions: Instruction[]): void {
  const branch = instructions.length
  instructions.push({ kind: 'split', targets: [] })
  const starts: number[] = []
  const ends: number[] = []
  for (const part of parts) {
    starts.push(instructions.length)
    emit(part, instructions)
    ends.push(instructions.length)
    instructions.push({ kind: 'split', targets: [] })
  }
  instructions[branch] = { kind: 'split', targets: starts }
  for (const end of ends) instructions[end] = { kind: 'split', targets: [instructions.length] }
}

function emitRepeat(
  { part, min, max }: Extract<Expression, { kind: 'repeat' }>,
  instructions: Instruction[],
): void {
  if (min > maxInstructions || (max ?? 0) > maxInstructions) throw new Unsupported()
  for (let count = 0; count < min; count += 1) emit(part, instructions)
  if (max === undefined) {
    const loop = instructions.length
    instructions.push({ kind: 'split', targets: [] })
    emit(part, instructions)
    instructions.push({ kind: 'split', targets: [loop] })
    instructions[loop] = { kind: 'split', targets: [loop + 1, instructions.length] }
    return
  }
  const optional: number[] = []
  for (let count = min; count < max; count += 1) {
    optional.push(instructions.length)
    instructions.push({ kind: 'split', targets: [] })
    emit(part, instructions)
  }
  for (const at of optional) {
    instructions[at] = { kind: 'split', targets: [at + 1, instructions.length] }
  }
}

/** Parses an expression that the engine of Node has accepted. */
class ExpressionParser {
  readonly #source: string
  readonly #flags: string
  #position = 0
  #depth = 0

  constructor(source: string, flags: string) {
    this.#source = source
    this.#flags = flags
  }

  parse(): Expression {
    const expression = this.#choice()
    if (this.#position < this.#source.length) throw new Unsupported()
    return expression
  }

  #choice(): Expression {
    this.#depth += 1
    if (this.#depth > maxNesting) throw new Unsupported()
    const parts = [this.#sequence()]
    while (this.#source[this.#position] === '|') {
      this.#position += 1
      parts.push(this.#sequence())
    }
    this.#depth -= 1
    return { kind: 'choice', parts }
  }

  #sequence(): Expression {
    const parts: Expression[] = []
    for (;;) {
      const character = this.#source[this.#position]
      if (character === undefined || character === '|' || character === ')') break
      parts.push(this.#repeat(this.#atom()))
    }
    return { kind: 'sequence', parts }
  }

  #repeat(part: Expression): Expression {
    const match = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(this.#source.slice(this.#position))
    if (match === null) return part
    this.#position += match[0].length
    const [, sign, min = '0', comma, max = ''] = match
    if (sign === '*') return { kind: 'repeat', part, min: 0, max: undefined }
    if (sign === '+') return { kind: 'repeat', part, min: 1, max: undefined }
    if (sign === '?') return { kind: 'repeat', part, min: 0, max: 1 }
    const last = comma === '' ? Number(min) : max === '' ? undefined : Number(max)
    return { kind: 'repeat', part, min: Number(min), max: last }
  }

  #atom(): Expression {
    const rest = this.#source.slice(this.#position)
    const character = rest[0] ?? ''
    if (character === '(') return this.#group(rest)
    if (character === '^' || character === '$') {
      this.#position += 1
      return { kind: 'position', assertion: character }
    }
    if (character === '[') return this.#class(rest)
    if (character === '\\') return this.#escape(rest)
    const text = this.#flags.includes('u')
      ? String.fromCodePoint(rest.codePointAt(0) ?? 0)
      : character
    return this.#consuming(text, text === '{' || text === '}' || text === ']' ? `\\${text}` : text)
  }

  #group(rest: string): Expression {
    const open = /^\((?:\?:|\?<[A-Za-z_$][\w$]*>)?/.exec(rest)?.[0] ?? '('
    if (open === '(' && rest[1] === '?') throw new Unsupported()
    this.#position += open.length
    const expression = this.#choice()
    this.#position += 1
    return expression
  }

  #class(rest: string): Expression {
    // Only sets without nested sets: the flag `v` is never used.
    const text = /^\[(?:\\[\s\S]|[^\]\\])*\]/.exec(rest)?.[0]
    if (text === undefined) throw new Unsupported()
    return this.#consuming(text, text)
  }

  #escape(rest: string): Expression {
    // A pair of surrogate escapes is one character under the flag `u`.
    if (/^\\(?:[1-9]|k|u[dD][89abAB])/.test(rest)) throw new Unsupported()
    const assertion = rest[1]
    if (assertion === 'b' || assertion === 'B') {
      this.#position += 2
      return { kind: 'position', assertion }
    }
    const text =
      /^\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|[pP]\{[^}]*\}|c[A-Za-z]|[\s\S])/.exec(
        rest,
      )?.[0]
    if (text === undefined) throw new Unsupported()
    return this.#consuming(text, text)
  }

  /** An atom of one character; the engine of Node decides which characters it accepts. */
  #consuming(text: string, atom: string): Expression {
    this.#position += text.length
    const expression = new RegExp(`^(?:${atom})$`, this.#flags)
    const known = new Map<string, boolean>()
    const accepts = (character: string): boolean => {
      const cached = known.get(character)
      if (cached !== undefined) return cached
      const accepted = expression.test(character)
      if (known.size < 256) known.set(character, accepted)
      return accepted
    }
    return { kind: 'character', accepts }
  }
}
