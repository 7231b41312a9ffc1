// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import { channelSelectors } from '../channel-selectors/index.ts'
import { channels } from '../channels/index.ts'
import type { ComponentContext, Definition } from '../component.ts'
import { UnsupportedError } from '../config/keys.ts'
import { isJavaClass } from '../config/part.ts'
import { interceptors } from '../interceptors/index.ts'
import { sinkProcessors } from '../sink-processors/index.ts'
import { sinks } from '../sinks/index.ts'
import { sources } from '../sources/index.ts'
import { isCustomType, loadCustomComponent } from './custom-component.ts'
import { refusedTypes } from './refused-types.ts'

// biome-ignore lint/suspicious/noExplicitAny: a list holds definitions of every configuration
type AnyDefinition = Definition<any, any, any>

/** All built-in components. */
export const builtIn = {
  source: sources,
  channel: channels,
  sink: sinks,
  interceptor: interceptors,
  'channel selector': channelSelectors,
  'sink processor': sinkProcessors,
} as const

/** Roles of components: source, channel, sink and so on. */
export type ComponentRole = keyof typeof builtIn

/**
 * The definition that a `type` names: a built-in component by its short name or Flume's class,
 * ignoring case, or user code. Throws an `Error` that lists the built-in components.
 */
export async function findDefinition<C extends ComponentContext, T>(
  role: ComponentRole,
  type: string,
  directory: string,
): Promise<Definition<C, T>> {
  const list: readonly AnyDefinition[] = builtIn[role]
  const wanted = type.trim().toLowerCase()
  const found = list.find(
    (each) =>
      each.type.toLowerCase() === wanted ||
      each.aliases?.some((alias) => alias.toLowerCase() === wanted),
  )
  if (found !== undefined) return found
  const refused = refusedTypes[wanted]
  if (refused !== undefined) {
    throw new UnsupportedError(`is ${type}, which is not supported: ${refused}`)
  }
  if (isCustomType(type)) return loadCustomComponent(type, directory)
  const nearest = nearestType(type, list)
  if (nearest === undefined) {
    // A bare name may be an installed package.
    try {
      return await loadCustomComponent(type, directory)
    } catch {
      // It is not a package.
    }
  }
  const article = /^[aeiou]/.test(role) ? 'an' : 'a'
  throw new Error(
    `is ${JSON.stringify(type)}, which is not ${article} ${role}${hintFor(type, nearest, list)}`,
  )
}

function hintFor(
  type: string,
  nearest: string | undefined,
  list: readonly AnyDefinition[],
): string {
  const own = 'a file or package of your own'
  if (nearest !== undefined) return `; did you mean ${nearest}?`
  if (isJavaClass(type)) return `: it is a Java class that is not here; ${own} can take its place`
  return `; there is ${list.map((each) => each.type).join(', ')}, or ${own}`
}

/**
 * The nearest type. Java classes are compared by their last word, since packages are too similar.
 */
function nearestType(type: string, list: readonly AnyDefinition[]): string | undefined {
  const aliases = list.flatMap((each) => each.aliases ?? [])
  if (!isJavaClass(type))
    return nearestSpelling(type, [...list.map((each) => each.type), ...aliases])
  const lastWord = (name: string): string => name.slice(name.lastIndexOf('.') + 1)
  const word = nearestSpelling(lastWord(type), aliases.map(lastWord))
  return word === undefined ? undefined : aliases.find((alias) => lastWord(alias) === word)
}
