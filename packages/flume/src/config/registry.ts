// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import { channelSelectors } from '../channel-selectors/index.ts'
import { channels } from '../channels/index.ts'
import type { ComponentContext, Definition } from '../component.ts'
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
 * The definition that a `type` names: a built-in by its short name or Flume's class, upper and lower case alike, or code of the
 * user. Throws an `Error` that says what there is.
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
  if (refused !== undefined) throw new Error(`is ${type}, which is not supported: ${refused}`)
  if (isCustomType(type)) return loadCustomComponent(type, directory)
  const names = list.map((each) => each.type)
  const nearest = nearestSpelling(type, [...names, ...list.flatMap((each) => each.aliases ?? [])])
  if (nearest === undefined) {
    // Perhaps a package; a bare name is a package only when it is installed.
    try {
      return await loadCustomComponent(type, directory)
    } catch {
      // Not one either.
    }
  }
  throw new Error(
    `is ${JSON.stringify(type)}, which is no ${role}${nearest === undefined ? `; there is ${names.join(', ')}, or a file or package of your own` : `; did you mean ${nearest}?`}`,
  )
}
