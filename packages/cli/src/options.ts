// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util'
import { nearestSpelling } from '@millrace/base'
import { UsageError } from './command.ts'

export interface Option {
  /** Name of the value in the help; a switch has none. */
  readonly value?: string
  readonly short?: string
  readonly multiple?: true
  readonly help: string
}
export type Options = Readonly<Record<string, Option>>

export interface ParsedOptions {
  /** Last value given for an option. */
  value(name: string): string | undefined
  values(name: string): readonly string[]
  has(name: string): boolean
}

/** Parses a command's options; throws `UsageError` with the nearest spelling for one it does not have. */
export function parseOptions(args: readonly string[], options: Options): ParsedOptions {
  const { tokens, values } = parseArgs({
    args: [...args],
    strict: false,
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
    if (token.kind === 'positional') throw new UsageError(`unexpected argument ${token.value}`)
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
  }
}

/** The options as help text, one paragraph each. */
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
