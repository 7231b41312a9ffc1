// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { reasonOf } from '../errors.ts'
import { splitWords } from './keys.ts'

/** Sources of the values of `${…}`. */
export interface Sources {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Values of `-Dname=value` options. */
  readonly system: ReadonlyMap<string, string>
  /** Other entries of the configuration. */
  readonly properties: ReadonlyMap<string, string>
  /** `${filter["key"]}`: the filters of the agent. */
  readonly filters: ReadonlyMap<string, ConfigFilter>
}

/** Looks up a secret; returns undefined if it does not exist. */
export type ConfigFilter = (key: string) => string | undefined

const FILTERED = /\$\{\s*(\w+)\s*\[\s*(["']?)([^\]"']+)\2\s*\]\s*\}/g
const NAMED = /\$(\$)?\{(?:(env|sys):)?([\w.-]+)(?::-([^}]*))?\}/g
const MAX_DEPTH = 10

/** A value in which texts were replaced. */
export interface Substituted {
  readonly value: string
  /** Texts that could not be replaced, with the reason. As in Flume they are left unchanged. */
  readonly unresolved: readonly string[]
}

/**
 * Replaces `${env:X}`, `${sys:X}`, `${X}`, `${X:-default}` and `${filter["x"]}`. Throws an `Error`
 * for a text that refers to itself.
 */
export function substitute(value: string, sources: Sources): Substituted {
  if (!value.includes('${')) return { value, unresolved: [] }
  const unresolved: string[] = []
  const named = replaceNamed(value, sources, unresolved, 0)
  // The value of a filter is a secret: nothing in it is replaced.
  const filtered = named.replace(FILTERED, (all, filterName: string, _quote, key: string) => {
    const filter = sources.filters.get(filterName)
    let found: string | undefined
    try {
      found = filter?.(key)
    } catch (error) {
      unresolved.push(`${all}, and ${reasonOf(error)}`)
      return all
    }
    if (found !== undefined) return found
    const known = [...sources.filters.keys()].join(', ') || 'none'
    unresolved.push(
      filter === undefined
        ? `${all}, and there is no config filter ${filterName}; there is ${known}`
        : `${all}, and filter ${filterName} has no ${key}`,
    )
    return all
  })
  return { value: filtered, unresolved }
}

function replaceNamed(
  value: string,
  sources: Sources,
  unresolved: string[],
  depth: number,
): string {
  if (depth > MAX_DEPTH) throw new Error(`refers to itself: ${value}`)
  return value.replace(NAMED, (all, escaped, kind: string | undefined, name: string, fallback) => {
    // Two dollar signs stand for one.
    if (escaped !== undefined) return all.slice(1)
    const found = lookUp(kind, name, sources) ?? (fallback as string | undefined)
    if (found !== undefined) return replaceNamed(found, sources, unresolved, depth + 1)
    unresolved.push(`${all}, and ${whereItIsNot(kind, name)}`)
    return all
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

/** Creates a config filter from its properties; throws an `Error` for invalid ones. */
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
      throw new Error(`type is ${JSON.stringify(type)}; expected env or external`)
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
