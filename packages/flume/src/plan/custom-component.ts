// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ComponentContext, Definition } from '../component.ts'
import { type Keys, type PrefixKey, prefixed } from '../config/keys.ts'
import { reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import { applyFunction, type EventFunction } from '../interceptors/function-interceptor.ts'

/** A user-defined class. Without `keys` it gets all its entries as text. */
export interface ComponentClass<T, C extends ComponentContext = ComponentContext> {
  readonly keys?: Keys
  readonly about?: string
  new (config: never, context: C): T
}

/** Whether a `type` names user code: a file or a package, with or without the name of an export. */
export function isCustomType(type: string): boolean {
  return (
    /^\.{0,2}\//.test(type) ||
    type.includes('#') ||
    type.startsWith('@') ||
    /\.[mc]?[jt]s$/.test(type)
  )
}

/**
 * Loads `./file.ts`, `./file.ts#Export`, `package` or `package#Export`. Without the name of an
 * export, the module must have exactly one class or definition. Throws an `Error` with the reason.
 */
export async function loadCustomComponent<C extends ComponentContext, T>(
  type: string,
  directory: string,
): Promise<Definition<C, T>> {
  const [specifier = '', exportName] = type.split('#')
  const module = await importModule(specifier, directory)
  const named = Object.entries(module).filter(([, value]) => isComponent(value))
  const found = exportName === undefined ? named : named.filter(([name]) => name === exportName)
  const [only] = found
  if (only === undefined || found.length > 1) {
    const names = named.map(([name]) => name).join(', ') || 'none'
    throw new Error(
      exportName === undefined
        ? `${specifier} has ${found.length === 0 ? 'no component' : 'several components'} (${names}); name one as ${specifier}#Name`
        : `${specifier} has no component ${exportName}; it has ${names}`,
    )
  }
  return asDefinition<C, T>(type, only[1])
}

async function importModule(specifier: string, directory: string): Promise<object> {
  const isFile = /^\.{0,2}\//.test(specifier) || /\.[mc]?[jt]s$/.test(specifier)
  try {
    const path = isFile
      ? resolve(directory, specifier)
      : createRequire(`${directory}/`).resolve(specifier)
    return (await import(pathToFileURL(path).href)) as object
  } catch (error) {
    throw new Error(`cannot load ${specifier}: ${reasonOf(error)}`)
  }
}

function isComponent(value: unknown): boolean {
  return isDefinition(value) || (typeof value === 'function' && /^class\b/.test(String(value)))
}

function isDefinition(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'create' in value &&
    typeof value.create === 'function' &&
    'keys' in value
  )
}

/** The definition of a value in place of a type: a definition, a class, or a function of events. */
export function inlineDefinition<C extends ComponentContext, T>(value: unknown): Definition<C, T> {
  if (isComponent(value)) return asDefinition('inline', value)
  if (typeof value !== 'function')
    throw new Error('is not a component: expected a name, a class or a definition')
  const change = value as EventFunction
  return {
    type: 'function',
    about: '',
    keys: {},
    create: () => ({ intercept: (events: Event[]) => applyFunction(change, events) }) as T,
  }
}

const ANYTHING: { readonly all: PrefixKey } = { all: prefixed('') }

/** Definition of a user-defined class. */
export function asDefinition<C extends ComponentContext, T>(
  type: string,
  value: unknown,
): Definition<C, T> {
  if (isDefinition(value)) return value as Definition<C, T>
  const Class = value as ComponentClass<T, C>
  const keys = Class.keys
  if (keys !== undefined) {
    return {
      type,
      about: Class.about ?? '',
      keys,
      create: (config, context) => new Class(config as never, context),
    }
  }
  return {
    type,
    about: Class.about ?? '',
    keys: ANYTHING,
    create: (config, context) =>
      new Class(Object.fromEntries((config as { all: Map<string, string> }).all) as never, context),
  }
}
