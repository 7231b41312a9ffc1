// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util'
import { nearestSpelling } from '@millrace/base'
import { UsageError } from './usage-error.ts'

export interface Option {
  /** Placeholder of the value in the help; a switch has none. */
  readonly value?: string
  readonly short?: string
  readonly multiple?: true
  readonly help: string
}
export type Options = Readonly<Record<string, Option>>

export interface ParsedOptions {
  /** The last value given for an option. */
  value(name: string): string | undefined
  values(name: string): readonly string[]
  has(name: string): boolean
  /** The last value of an option as a number within bounds, whole or with a fraction. */
  number(
    name: string,
    bounds?: { readonly min?: number; readonly max?: number; readonly isFractional?: boolean },
  ): number | undefined
  readonly positionals: readonly string[]
  /** Throws `UsageError` if positional arguments are missing or there are too many. */
  check(): void
}

/** Parses a command's options; throws `UsageError` with the nearest spelling for an unknown one. */
export function parseOptions(
  args: readonly string[],
  options: Options,
  expected: readonly string[] = [],
): ParsedOptions {
  const { tokens, values, positionals } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, option]) => [
        name,
        {
          type: option.value === undefined ? ('boolean' as const) : ('string' as const),
          multiple: true,
          ...(option.short === undefined ? {} : { short: option.short }),
        },
      ]),
    ),
  })
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = options[token.name]
    if (option === undefined) {
      const nearest = nearestSpelling(token.name, Object.keys(options))
      throw new UsageError(
        `unknown option ${token.rawName}${nearest === undefined ? '' : `; did you mean --${nearest}?`}`,
      )
    }
    if (option.value !== undefined && token.value === undefined) {
      throw new UsageError(`option --${token.name} needs a value: --${token.name} ${option.value}`)
    }
    if (option.value === undefined && token.value !== undefined) {
      throw new UsageError(`option --${token.name} takes no value`)
    }
  }
  const all = (name: string): readonly string[] => {
    const given = values[name]
    return Array.isArray(given) ? given.filter((value) => typeof value === 'string') : []
  }
  return {
    value: (name) => all(name).at(-1),
    values: all,
    has: (name) => values[name] !== undefined,
    number(name, { min = 0, max = Number.MAX_SAFE_INTEGER, isFractional = false } = {}) {
      const text = all(name).at(-1)
      if (text === undefined) return undefined
      const number = Number(text)
      const isRight = text.trim() !== '' && (isFractional || Number.isInteger(number))
      if (isRight && number >= min && number <= max) return number
      const kind = isFractional ? 'number' : 'whole number'
      const most = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`
      throw new UsageError(`invalid --${name} ${text}: expected a ${kind} from ${min}${most}`)
    },
    positionals,
    check: () => checkPositionals(positionals, expected),
  }
}

function checkPositionals(given: readonly string[], expected: readonly string[]): void {
  const required = expected.filter((name) => !name.startsWith('['))
  const missing = required[given.length]
  if (missing !== undefined) {
    throw new UsageError(`${missing.replace('...', '')} is missing: ${expected.join(' ')}`)
  }
  const isOpen = expected.some((name) => name.includes('...'))
  const extra = given[expected.length]
  if (!isOpen && extra !== undefined) {
    // A value may be a secret.
    throw new UsageError(`unexpected argument ${extra.replace(/=.*$/s, '=…')}`)
  }
}

/** Formats the options as help text, one paragraph each. */
export function optionHelp(options: Options): string {
  const left = Object.entries(options).map(([name, option]) => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `
    return `  ${short}--${name}${option.value === undefined ? '' : ` ${option.value}`}`
  })
  const width = Math.max(...left.map((text) => text.length)) + 2
  return Object.values(options)
    .map((option, i) => `${(left[i] ?? '').padEnd(width)}${option.help}`)
    .join('\n')
}
