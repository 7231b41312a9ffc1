// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '../errors.ts'

/** `DEFAULT`, or a pattern with its replacement. */
type Rule =
  | { readonly kind: 'default' }
  | {
      readonly kind: 'rule'
      readonly text: string
      /** Matches the whole name. */
      readonly whole: RegExp
      /** Finds every match, as Java's `replaceAll`. */
      readonly every: RegExp
      readonly replacement: string
      readonly letterCase: string
    }

/**
 * Maps the distinguished name of a client's certificate to the name of its principal by
 * `ssl.principal.mapping.rules` (KIP-371): a list of `RULE:pattern/replacement/[L|U]` and
 * `DEFAULT`. The first rule that matches the whole name decides.
 */
export class PrincipalMapping {
  readonly #rules: readonly Rule[]

  /** Throws `INVALID_CONFIG` for a rule that cannot be read. */
  constructor(rules: string) {
    this.#rules = parseRules(rules)
  }

  /** The principal's name. Throws `MILLRACE_NO_MATCHING_RULE` if no rule matches. */
  nameOf(distinguishedName: string): string {
    for (const rule of this.#rules) {
      if (rule.kind === 'default') return distinguishedName
      if (!rule.whole.test(distinguishedName)) continue
      const { every, replacement, letterCase } = rule
      const name = distinguishedName.replace(every, (...found: unknown[]) =>
        expand(replacement, groupsOf(found)),
      )
      if (letterCase === 'L') return name.toLowerCase()
      return letterCase === 'U' ? name.toUpperCase() : name
    }
    const rules = this.#rules.map((rule) => (rule.kind === 'default' ? 'DEFAULT' : rule.text))
    throw new MillraceError(
      'MILLRACE_NO_MATCHING_RULE',
      `no rule of ssl.principal.mapping.rules matches ${distinguishedName}: [${rules.join(', ')}]`,
    )
  }
}

/** A part that ends at the next unescaped `/`. */
const part = /((?:\\.|[^\\/])*)\//y

function parseRules(text: string): Rule[] {
  const rules: Rule[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) return undefined
    at = pattern.lastIndex
    return match[1] ?? match[0]
  }
  for (take(/\s*/y); at < text.length; take(/\s*/y)) {
    const start = at
    if (take(/DEFAULT/y) !== undefined) rules.push({ kind: 'default' })
    else {
      if (take(/RULE:/y) === undefined) throw unreadable(text, start, start)
      const pattern = take(part)
      const replacement = pattern === undefined ? undefined : take(part)
      if (pattern === undefined || replacement === undefined) throw unreadable(text, start, start)
      const letterCase = take(/[LU]?/y) ?? ''
      if (take(/(?=\s*(?:[,\n]|$))/y) === undefined) throw unreadable(text, start, at)
      rules.push(ruleOf(text.slice(start, at), pattern, replacement, letterCase))
    }
    if (take(/\s*(?:,|\n|$)/y) === undefined) throw unreadable(text, start, at)
  }
  return rules
}

function ruleOf(text: string, pattern: string, replacement: string, letterCase: string): Rule {
  try {
    return {
      kind: 'rule',
      text,
      whole: new RegExp(`^(?:${pattern})$`),
      every: new RegExp(pattern, 'g'),
      replacement,
      letterCase,
    }
  } catch (error) {
    throw invalid(`${text}: ${(error as Error).message}`)
  }
}

function unreadable(text: string, start: number, from: number): MillraceError {
  const rule = text.slice(start).split(/[,\n]/)[0]
  const rest = text.slice(from).split(/[,\n]/)[0]
  return invalid(
    `invalid rule ${rule}, unmatched: ${rest}; expected DEFAULT or RULE:pattern/replacement/[LU]`,
  )
}

function invalid(message: string): MillraceError {
  return new MillraceError('INVALID_CONFIG', `ssl.principal.mapping.rules: ${message}`)
}

/** The groups that `String.replace` passes to its callback, before the offset. */
function groupsOf(found: readonly unknown[]): readonly (string | undefined)[] {
  const end = found.findIndex((each) => typeof each === 'number')
  return found.slice(0, end).map((each) => (typeof each === 'string' ? each : undefined))
}

/** Replaces `$n` by the group n and `\c` by c; a reference to a group that does not exist stays. */
function expand(replacement: string, groups: readonly (string | undefined)[]): string {
  return replacement.replace(/\\(.)|\$(\d+)/gs, (text, escaped?: string, digits?: string) => {
    if (escaped !== undefined) return escaped
    // As many digits as form a group number: $12 is group 1 and "2" if there are fewer than twelve
    // groups.
    for (let length = digits?.length ?? 0; length > 0; length--) {
      const index = Number(digits?.slice(0, length))
      if (index < groups.length) return (groups[index] ?? '') + (digits?.slice(length) ?? '')
    }
    return text
  })
}
