// SPDX-License-Identifier: Apache-2.0
import { elementAt, entryOf } from '@millrace/base'

import { InvalidSelectorError, type Token, type TokenKind, tokensOf } from './lexer.ts'
import { LikePattern } from './like-pattern.ts'

/**
 * Value of an identifier or expression. Exact numbers are `bigint`, approximate ones `number`;
 * undefined is NULL.
 */
export type SelectorValue = string | boolean | bigint | number | undefined

/** The headers and properties of a message, by name. */
export interface Selectable {
  /** Returns the value of a header or property; undefined if absent. */
  valueOf(name: string): SelectorValue
}

/** A compiled expression. */
type Evaluate = (message: Selectable) => SelectorValue

/** Static type of an expression, as far as it is known without a message. */
type StaticType = 'boolean' | 'string' | 'number' | 'unknown'

interface Expression {
  readonly evaluate: Evaluate
  readonly type: StaticType
  /** True for an identifier: only identifiers may precede LIKE, IN and IS. */
  readonly identifier?: string
  readonly position: number
}

/** A compiled message selector (Jakarta Messaging 3.1, section 3.8.1). */
export class Selector {
  /** Source text of the selector. */
  readonly text: string
  readonly #evaluate: Evaluate
  /** Identifiers that the selector uses. */
  readonly identifiers: ReadonlySet<string>

  private constructor(text: string, evaluate: Evaluate, identifiers: ReadonlySet<string>) {
    this.text = text
    this.#evaluate = evaluate
    this.identifiers = identifiers
  }

  /**
   * Compiles a selector. Returns undefined for null and blank text, which match all messages.
   * Throws `InvalidSelectorError`.
   */
  static compile(text: string | null | undefined): Selector | undefined {
    if (text === null || text === undefined || text.trim() === '') return undefined
    const parser = new Parser(text)
    const expression = parser.parse()
    return new Selector(text, expression.evaluate, parser.identifiers)
  }

  /** Returns true only if the selector evaluates to TRUE; unknown does not match. */
  matches(message: Selectable): boolean {
    return this.#evaluate(message) === true
  }
}

/** Maximum depth of parentheses and NOTs; each level uses stack during evaluation. */
const MAX_DEPTH = 200

class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0
  readonly identifiers = new Set<string>()

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokensOf(text)
  }

  parse(): Expression {
    const expression = this.#condition(this.#or())
    const rest = this.#peek()
    if (rest.kind !== 'end') throw this.#unexpected(rest, 'an operator or the end of the selector')
    return expression
  }

  #peek(): Token {
    return elementAt(this.#tokens, this.#at)
  }

  #next(): Token {
    const token = this.#peek()
    if (token.kind !== 'end') this.#at++
    return token
  }

  /** Consumes the next token if it is the given keyword or symbol. */
  #take(...texts: readonly string[]): Token | undefined {
    const token = this.#peek()
    const isWord = token.kind === 'keyword' || token.kind === 'symbol'
    if (!isWord || !texts.includes(token.text)) return undefined
    return this.#next()
  }

  #expect(text: string): void {
    if (this.#take(text) === undefined) throw this.#unexpected(this.#peek(), text)
  }

  #expectKind(kind: TokenKind, what: string): Token {
    const token = this.#peek()
    if (token.kind !== kind) throw this.#unexpected(token, what)
    return this.#next()
  }

  #unexpected(token: Token, wanted: string): InvalidSelectorError {
    const found = token.kind === 'end' ? 'the end of the selector' : JSON.stringify(token.text)
    return this.#error(token.position, `expected ${wanted}, found ${found}`)
  }

  #error(position: number, problem: string): InvalidSelectorError {
    return new InvalidSelectorError(this.#text, position, problem)
  }

  /** Parses an expression that can be true or false. */
  #condition(expression: Expression): Expression {
    if (expression.type === 'boolean' || expression.type === 'unknown') return expression
    throw this.#error(expression.position, `expected a condition, found a ${expression.type}`)
  }

  #number(expression: Expression): Expression {
    if (expression.type === 'number' || expression.type === 'unknown') return expression
    throw this.#error(expression.position, `expected a number, found a ${expression.type}`)
  }

  #or(): Expression {
    let left = this.#and()
    while (this.#take('OR') !== undefined) {
      const a = this.#condition(left).evaluate
      const b = this.#condition(this.#and()).evaluate
      left = {
        type: 'boolean',
        position: left.position,
        evaluate: (m) => or(truth(a(m)), () => truth(b(m))),
      }
    }
    return left
  }

  #and(): Expression {
    let left = this.#not()
    while (this.#take('AND') !== undefined) {
      const a = this.#condition(left).evaluate
      const b = this.#condition(this.#not()).evaluate
      left = {
        type: 'boolean',
        position: left.position,
        evaluate: (m) => and(truth(a(m)), () => truth(b(m))),
      }
    }
    return left
  }

  #not(): Expression {
    const not = this.#take('NOT')
    if (not === undefined) return this.#comparison()
    return this.#nested(not.position, () => {
      const { evaluate } = this.#condition(this.#not())
      return {
        type: 'boolean',
        position: not.position,
        evaluate: (m) => negate(truth(evaluate(m))),
      }
    })
  }

  #nested<T>(position: number, parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) {
      throw this.#error(position, `nested deeper than ${MAX_DEPTH} levels`)
    }
    const result = parse()
    this.#depth--
    return result
  }

  #comparison(): Expression {
    let left = this.#sum()
    for (;;) {
      const operator = this.#take('=', '<>', '<', '<=', '>', '>=')
      if (operator !== undefined) {
        left = this.#compare(left, operator, this.#sum())
        continue
      }
      if (this.#take('IS') !== undefined) {
        left = this.#isNull(left)
        continue
      }
      const isNot = this.#isNotBefore('BETWEEN', 'LIKE', 'IN')
      const test = this.#take('BETWEEN', 'LIKE', 'IN')
      if (test === undefined) return left
      left = this.#test(left, test, isNot)
    }
  }

  #isNotBefore(...texts: readonly string[]): boolean {
    const following = this.#tokens[this.#at + 1]
    const isNot = this.#peek().kind === 'keyword' && this.#peek().text === 'NOT'
    if (!isNot || following?.kind !== 'keyword' || !texts.includes(following.text)) return false
    this.#next()
    return true
  }

  #compare(left: Expression, operator: Token, right: Expression): Expression {
    const { text } = operator
    const isOrder = text !== '=' && text !== '<>'
    if (isOrder) {
      this.#number(left)
      this.#number(right)
    }
    const types = new Set([left.type, right.type])
    types.delete('unknown')
    if (types.size > 1) {
      throw this.#error(operator.position, `a ${left.type} cannot be compared with a ${right.type}`)
    }
    const { evaluate: a } = left
    const { evaluate: b } = right
    const compare = entryOf(comparisons, text)
    return {
      type: 'boolean',
      position: left.position,
      evaluate: (message) => compared(compare, a(message), b(message)),
    }
  }

  #identifierOf(expression: Expression, operator: string): Evaluate {
    if (expression.identifier !== undefined) return expression.evaluate
    throw this.#error(expression.position, `expected an identifier before ${operator}`)
  }

  #isNull(left: Expression): Expression {
    const isNot = this.#take('NOT') !== undefined
    this.#expect('NULL')
    const evaluate = this.#identifierOf(left, 'IS NULL')
    return {
      type: 'boolean',
      position: left.position,
      evaluate: (message) => (evaluate(message) === undefined) !== isNot,
    }
  }

  #test(left: Expression, test: Token, isNot: boolean): Expression {
    const { position } = left
    if (test.text === 'BETWEEN') {
      const { evaluate } = this.#number(left)
      const low = this.#number(this.#sum()).evaluate
      this.#expect('AND')
      const high = this.#number(this.#sum()).evaluate
      const decide = isNot ? outside : between
      return { type: 'boolean', position, evaluate: (m) => decide(evaluate(m), low(m), high(m)) }
    }
    const evaluate = this.#identifierOf(left, test.text)
    const matches = test.text === 'IN' ? this.#stringList() : this.#likePattern()
    return {
      type: 'boolean',
      position,
      // Unknown for a property that is not a string, as for a missing one.
      evaluate(message) {
        const value = evaluate(message)
        return typeof value === 'string' ? matches(value) !== isNot : undefined
      },
    }
  }

  #stringList(): (text: string) => boolean {
    this.#expect('(')
    const strings = new Set<string>()
    do strings.add(this.#expectKind('string', 'a string').text)
    while (this.#take(',') !== undefined)
    this.#expect(')')
    return (text) => strings.has(text)
  }

  #likePattern(): (text: string) => boolean {
    const text = this.#expectKind('string', 'a pattern in quotes')
    let escapeChar: string | undefined
    if (this.#take('ESCAPE') !== undefined) {
      const escaping = this.#expectKind('string', 'an escape character in quotes')
      if ([...escaping.text].length !== 1) {
        throw this.#error(escaping.position, 'the escape must be a single character')
      }
      escapeChar = escaping.text
    }
    const pattern = new LikePattern(text.text, escapeChar)
    return (value) => pattern.matches(value)
  }

  #sum(): Expression {
    let left = this.#product()
    for (;;) {
      const operator = this.#take('+', '-')
      if (operator === undefined) return left
      left = this.#arithmetic(left, operator.text, this.#product())
    }
  }

  #product(): Expression {
    let left = this.#unary()
    for (;;) {
      const operator = this.#take('*', '/')
      if (operator === undefined) return left
      left = this.#arithmetic(left, operator.text, this.#unary())
    }
  }

  #arithmetic(left: Expression, operator: string, right: Expression): Expression {
    const a = this.#number(left).evaluate
    const b = this.#number(right).evaluate
    return {
      type: 'number',
      position: left.position,
      evaluate: (message) => calculate(operator, a(message), b(message)),
    }
  }

  #unary(): Expression {
    const sign = this.#take('+', '-')
    if (sign === undefined) return this.#primary()
    const number = this.#peek()
    // -9223372036854775808 is a long although its absolute value is not.
    if (number.kind === 'exact' && sign.text === '-') {
      this.#next()
      return this.#exact({ ...number, text: `-${number.text}`, position: sign.position })
    }
    return this.#nested(sign.position, () => {
      const { evaluate } = this.#number(this.#unary())
      return {
        type: 'number',
        position: sign.position,
        evaluate(message) {
          const value = evaluate(message)
          if (typeof value === 'bigint')
            return sign.text === '-' ? BigInt.asIntN(64, -value) : value
          if (typeof value === 'number') return sign.text === '-' ? -value : value
          return undefined
        },
      }
    })
  }

  #primary(): Expression {
    const token = this.#next()
    const { kind, text, position } = token
    switch (kind) {
      case 'identifier':
        this.identifiers.add(text)
        return { type: 'unknown', identifier: text, position, evaluate: (m) => m.valueOf(text) }
      case 'string':
        return { type: 'string', position, evaluate: () => text }
      case 'exact':
        return this.#exact(token)
      case 'approximate': {
        const value = Number.parseFloat(text)
        return { type: 'number', position, evaluate: () => value }
      }
      case 'keyword':
        if (text === 'TRUE') return { type: 'boolean', position, evaluate: () => true }
        if (text === 'FALSE') return { type: 'boolean', position, evaluate: () => false }
        break
      case 'symbol':
        if (text === '(') {
          return this.#nested(position, () => {
            const { identifier: _, ...inner } = this.#or()
            this.#expect(')')
            return inner
          })
        }
        break
      default:
    }
    throw this.#unexpected(token, 'a name, a value or an opening parenthesis')
  }

  #exact({ text, position }: Token): Expression {
    const digits = text.replace(/[lL]$/, '')
    const isNegative = digits.startsWith('-')
    const magnitude = isNegative ? digits.slice(1) : digits
    const isOctal = /^0[0-7]+$/.test(magnitude)
    const size = BigInt(isOctal ? `0o${magnitude.slice(1)}` : magnitude)
    const value = isNegative ? -size : size
    if (BigInt.asIntN(64, value) !== value) {
      throw this.#error(position, `${text} is out of range for a long`)
    }
    return { type: 'number', position, evaluate: () => value }
  }
}

type Truth = boolean | undefined

function truth(value: SelectorValue): Truth {
  return typeof value === 'boolean' ? value : undefined
}

function negate(value: Truth): Truth {
  return value === undefined ? undefined : !value
}

function and(a: Truth, right: () => Truth): Truth {
  if (a === false) return false
  const b = right()
  if (b === false) return false
  return a === undefined || b === undefined ? undefined : true
}

function or(a: Truth, right: () => Truth): Truth {
  if (a === true) return true
  const b = right()
  if (b === true) return true
  return a === undefined || b === undefined ? undefined : false
}

function isNumber(value: SelectorValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function equal(a: SelectorValue, b: SelectorValue): boolean | undefined {
  // A long and a double are compared by value, without loss of precision.
  if (isNumber(a) && isNumber(b)) return a <= b && a >= b
  return typeof a === typeof b ? a === b : undefined
}

type Comparison = (a: SelectorValue, b: SelectorValue) => boolean

const isLess: Comparison = (a, b) => isNumber(a) && isNumber(b) && a < b
const isAtMost: Comparison = (a, b) => isNumber(a) && isNumber(b) && a <= b
const isGreater: Comparison = (a, b) => isNumber(a) && isNumber(b) && a > b
const isAtLeast: Comparison = (a, b) => isNumber(a) && isNumber(b) && a >= b

/** Comparisons of different types are false. */
const comparisons: Readonly<Record<string, Comparison>> = {
  '=': (a, b) => equal(a, b) === true,
  '<>': (a, b) => equal(a, b) === false,
  '<': isLess,
  '<=': isAtMost,
  '>': isGreater,
  '>=': isAtLeast,
}

/** `value >= low AND value <= high`. */
function between(value: SelectorValue, low: SelectorValue, high: SelectorValue): Truth {
  return and(compared(isAtLeast, value, low), () => compared(isAtMost, value, high))
}

/**
 * NOT BETWEEN means `value < low OR value > high`, which is false for a value that is not a number.
 */
function outside(value: SelectorValue, low: SelectorValue, high: SelectorValue): Truth {
  return or(compared(isLess, value, low), () => compared(isGreater, value, high))
}

function compared(compare: Comparison, a: SelectorValue, b: SelectorValue): Truth {
  return a === undefined || b === undefined ? undefined : compare(a, b)
}

/**
 * Two exact numbers have an exact result, as with Java's longs; otherwise the result is a double.
 */
function calculate(operator: string, a: SelectorValue, b: SelectorValue): SelectorValue {
  if (!isNumber(a) || !isNumber(b)) return undefined
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    switch (operator) {
      case '+':
        return BigInt.asIntN(64, a + b)
      case '-':
        return BigInt.asIntN(64, a - b)
      case '*':
        return BigInt.asIntN(64, a * b)
      default:
        return b === 0n ? undefined : BigInt.asIntN(64, a / b)
    }
  }
  const x = Number(a)
  const y = Number(b)
  switch (operator) {
    case '+':
      return x + y
    case '-':
      return x - y
    case '*':
      return x * y
    default:
      return x / y
  }
}
