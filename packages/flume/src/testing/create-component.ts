// SPDX-License-Identifier: Apache-2.0
import type { ComponentContext, Definition } from '../component.ts'
import { type KeyProblem, type Keys, readKeys } from '../config/keys.ts'

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

/** Creates a component from the entries of a configuration file. Throws for invalid ones. */
export function createFromEntries<C extends ComponentContext, T>(
  // biome-ignore lint/suspicious/noExplicitAny: the keys of any component
  definition: Definition<C, T, any, string>,
  entries: Readonly<Record<string, string>>,
  context: C,
): T {
  const properties = new Map(
    Object.entries(entries).map(([key, value]) => [key, { value, where: 'test', line: undefined }]),
  )
  const problems: KeyProblem[] = []
  const values = readKeys(definition.keys as Keys, properties, problems)
  const all = [...problems, ...(definition.check?.(values) ?? [])]
  if (all.length > 0) throw new Error(all.map(({ key, message }) => `${key} ${message}`).join('\n'))
  return definition.create(values, context)
}
