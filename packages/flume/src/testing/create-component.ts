// SPDX-License-Identifier: Apache-2.0
import type { ComponentContext, Definition } from '../component.ts'

/** Creates a component from values of some of its keys; the others have their defaults. */
export function createComponent<C extends ComponentContext, T>(
  // biome-ignore lint/suspicious/noExplicitAny: the keys of any component
  definition: Definition<C, T, any, string>,
  values: Readonly<Record<string, unknown>>,
  context: C,
): T {
  const keys = definition.keys as Record<string, { kind: string; fallback?: unknown }>
  const defaults = Object.fromEntries(
    Object.entries(keys).map(([name, key]) => [
      name,
      key.kind === 'prefix' ? new Map() : key.fallback,
    ]),
  )
  return definition.create({ ...defaults, ...values }, context)
}
