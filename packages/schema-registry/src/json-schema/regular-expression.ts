// SPDX-License-Identifier: Apache-2.0
import { createContext, runInContext } from 'node:vm'
import { type Automaton, automatonOf, matches } from './automaton.ts'

/** Tests texts against a regular expression of a schema, in bounded time. */
export interface BoundedRegExp {
  /**
   * Whether the text contains a match. Throws `RegExpLimitError` if that cannot be decided within
   * the bounds.
   */
  test(text: string): boolean
}

/** A match that took more time or steps than allowed. */
export class RegExpLimitError extends Error {
  override readonly name = 'RegExpLimitError'
}

/** Time for one match of an expression that is not linear, in milliseconds. */
const matchTimeMs = 50

const posixClasses: Readonly<Record<string, string>> = {
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: 'a-zA-Z0-9',
  Upper: 'A-Z',
  Lower: 'a-z',
  XDigit: '0-9a-fA-F',
  Space: '\\s',
  Blank: ' \\t',
}

interface Compiled {
  readonly source: string
  readonly flags: string
}

/**
 * Whether a regular expression is valid: of ECMA-262 (with or without the flag `u`), or of Java
 * with forms that can be translated. It is compiled, never executed.
 */
export function isCompilable(pattern: string): boolean {
  return compile(pattern) !== undefined
}

/**
 * A matcher that is safe for patterns and texts of strangers. Expressions without look-around and
 * backreferences run on an automaton, in time linear in the text, with a bound on the steps.
 * All others run in the engine of Node with a time limit of 50 ms per match.
 * Throws `SyntaxError` for an invalid expression.
 */
export function boundedRegExp(pattern: string): BoundedRegExp {
  const compiled = compile(pattern)
  if (compiled === undefined) throw new SyntaxError(`invalid regular expression: ${pattern}`)
  const automaton = automatonOf(compiled.source, compiled.flags)
  return automaton === undefined ? withTimeLimit(compiled) : onAutomaton(automaton, pattern)
}

function onAutomaton(automaton: Automaton, pattern: string): BoundedRegExp {
  return {
    test(text) {
      const result = matches(automaton, text)
      if (result === undefined) {
        throw new RegExpLimitError(`the pattern ${pattern} needs too many steps for this text`)
      }
      return result
    },
  }
}

function withTimeLimit({ source, flags }: Compiled): BoundedRegExp {
  const context = createContext({ source, flags, text: '' })
  runInContext('var expression = new RegExp(source, flags)', context)
  return {
    test(text) {
      context.text = text
      try {
        const result: unknown = runInContext('expression.test(text)', context, {
          timeout: matchTimeMs,
        })
        return result === true
      } catch (error) {
        throw new RegExpLimitError(`the pattern ${source} took more than ${matchTimeMs} ms`, {
          cause: error,
        })
      }
    },
  }
}

function compile(pattern: string): Compiled | undefined {
  // Without the flag `u`, an engine of ECMA-262 takes `\A` for the letter A.
  const java = fromJava(pattern)
  const candidates: readonly Compiled[] = [
    { source: pattern, flags: 'u' },
    ...(java.source === pattern ? [] : [{ ...java, flags: `${java.flags}u` }, java]),
    { source: pattern, flags: '' },
  ]
  return candidates.find(({ source, flags }) => {
    try {
      new RegExp(source, flags)
      return true
    } catch {
      return false
    }
  })
}

/** Java's forms that ECMA-262 lacks: flags at the start, `\A`, `\Z`, POSIX classes, `a++`. */
function fromJava(pattern: string): Compiled {
  const flags = /^\(\?([ims]+)\)/.exec(pattern)
  const source = pattern
    .slice(flags?.[0].length ?? 0)
    .replace(/\\A/g, '^')
    .replace(/\\[zZ]/g, '$')
    .replace(/\\p\{(\w+)\}/g, (whole, name: string) => {
      const set = posixClasses[name]
      return set === undefined ? whole : `[${set}]`
    })
    .replace(/((?:^|[^\\])[*+?}])\+/g, '$1')
  return { source, flags: flags?.[1] ?? '' }
}
