// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { reasonOf } from '../errors.ts'
import { splitWords } from './keys.ts'

/** Where the texts in `${…}` come from. */
export interface Sources {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** What was given as `-Dname=value`. */
  readonly system: ReadonlyMap<string, string>
  /** Other entries of the configuration. */
  readonly properties: ReadonlyMap<string, string>
  /** `${filter["key"]}`: the filters of the agent. */
  readonly filters: ReadonlyMap<string, ConfigFilter>
}

/** Looks a secret up; undefined when it does not have it. */
export type ConfigFilter = (key: string) => string | undefined

const FILTERED = /\$\{\s*(\w+)\s*\[\s*(["']?)([^\]"']+)\2\s*\]\s*\}/g
const NAMED = /\$\{(?:(env|sys):)?([\w.-]+)(?::-([^}]*))?\}/g
const MAX_DEPTH = 10

/** Replaces `${env:X}`, `${sys:X}`, `${X}` and `${filter["x"]}`; throws an `Error` that names what cannot be found. */
export function substitute(value: string, sources: Sources, depth = 0): string {
  if (!value.includes('${')) return value
  if (depth > MAX_DEPTH) throw new Error(`refers to itself: ${value}`)
  const named = value.replace(NAMED, (all, kind: string | undefined, name: string, fallback) => {
    const found = lookUp(kind, name, sources) ?? (fallback as string | undefined)
    if (found === undefined) throw new Error(`has ${all}, and ${whereItIsNot(kind, name)}`)
    return substitute(found, sources, depth + 1)
  })
  // What a filter gives is a secret as it stands, and not looked into.
  return named.replace(FILTERED, (all, filterName: string, _quote, key: string) => {
    const filter = sources.filters.get(filterName)
    if (filter === undefined) {
      const known = [...sources.filters.keys()].join(', ') || 'none'
      throw new Error(`has ${all}, and there is no config filter ${filterName}; there is ${known}`)
    }
    const found = filter(key)
    if (found === undefined)
      throw new Error(`has ${all}, and filter ${filterName} does not know ${key}`)
    return found
  })
}

function lookUp(kind: string | undefined, name: string, sources: Sources): string | undefined {
  if (kind === 'env') return sources.environment[name]
  if (kind === 'sys') return sources.system.get(name)
  return sources.properties.get(name) ?? sources.environment[name] ?? sources.system.get(name)
}

function whereItIsNot(kind: string | undefined, name: string): string {
  if (kind === 'env') return `the environment has no ${name}`
  if (kind === 'sys') return `no -D${name}= was given`
  return `neither the file nor the environment has ${name}`
}

export interface FilterOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Makes a config filter of its properties; throws an `Error` that says what is wrong. */
export function makeFilter(
  type: string,
  properties: ReadonlyMap<string, string>,
  { environment }: FilterOptions,
): ConfigFilter {
  switch (type.toLowerCase()) {
    case 'env':
    case 'org.apache.flume.configfilter.environmentvariableconfigfilter':
      return (key) => environment[key]
    case 'external':
    case 'org.apache.flume.configfilter.externalprocessconfigfilter': {
      const [command, ...args] = splitWords(properties.get('command') ?? '')
      if (command === undefined)
        throw new Error('command is missing: the program that knows the values')
      return (key) => runFilter(command, [...args, key])
    }
    case 'hadoop':
      throw new Error(
        'hadoop credential stores are not supported; use external with a command that reads it',
      )
    default:
      throw new Error(`type is ${JSON.stringify(type)}; allowed is env, external`)
  }
}

function runFilter(command: string, args: readonly string[]): string | undefined {
  try {
    const output = execFileSync(command, args, { encoding: 'utf8', timeout: 30_000 })
    return output.split('\n')[0]?.trim()
  } catch (error) {
    throw new Error(`config filter ${command} ${args.join(' ')} failed: ${reasonOf(error)}`)
  }
}
