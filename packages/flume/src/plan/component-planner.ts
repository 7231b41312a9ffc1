// SPDX-License-Identifier: Apache-2.0
import type { ComponentContext, Definition } from '../component.ts'
import { type ComponentConfig, placeOf } from '../config/agent-config.ts'
import {
  type KeyProblem,
  type Keys,
  type PartType,
  type Properties,
  type Property,
  readKeys,
  UnsupportedError,
  type ValuesOf,
} from '../config/keys.ts'
import type { Effect, Reporter } from '../config/problem.ts'
import { reasonOf } from '../errors.ts'
import { inlineDefinition, isCustomType, loadCustomComponent } from './custom-component.ts'
import { type ComponentRole, findDefinition } from './registry.ts'

/** A component whose entries were read and are valid. */
export interface Planned<C extends ComponentContext, T> {
  readonly name: string
  readonly config: ComponentConfig
  /** Values of its entries. */
  readonly values: Readonly<Record<string, unknown>>
  readonly definition: Definition<C, T>
}

/** A component to be planned. */
export interface Wanted {
  readonly role: ComponentRole
  /** Prefix of its keys, as in `sources.r1.interceptors.i1`. */
  readonly prefix: string
  /** The component that is left out if this one is invalid: itself, or its source. */
  readonly owner: string
  readonly config: ComponentConfig
  /** Keys that are read elsewhere, as `channels`; prefixes end with a dot. */
  readonly structure?: readonly string[]
  /** Effect of a type that does not exist. Default: the owner is left out. */
  readonly unknownType?: Effect
  /** Whether the component is left out in any case, so that its problems have no other effect. */
  readonly isLeftOut?: boolean
}

/** Finds the definitions of components and reads their entries. */
export class ComponentPlanner {
  readonly #reporter: Reporter
  readonly #directory: string

  constructor(reporter: Reporter, directory: string) {
    this.#reporter = reporter
    this.#directory = directory
  }

  /** Returns the component, or undefined if it is invalid, which is reported. */
  async plan<C extends ComponentContext, T>(wanted: Wanted): Promise<Planned<C, T> | undefined> {
    const { config } = wanted
    const definition = await this.#definition<C, T>(wanted)
    if (definition === undefined) return undefined
    const properties = withoutStructure(config.properties, ['type', ...(wanted.structure ?? [])])
    const problems: KeyProblem[] = []
    const read = readKeys(definition.keys, properties, problems)
    const values = await this.#withParts(definition.keys, read, properties, problems)
    if (problems.every(({ effect }) => effect === 'none')) {
      for (const { key, message, effect } of definition.check?.(values) ?? []) {
        problems.push({ key, message, place: properties.get(key), effect: effect ?? 'component' })
      }
    }
    for (const problem of problems) this.#report(wanted, problem)
    const isValid = problems.every(({ effect }) => effect === 'none')
    return isValid ? { name: config.name, config, values, definition } : undefined
  }

  #report(wanted: Wanted, { key, message, place, effect }: KeyProblem): void {
    this.#reporter.report({
      key: `${wanted.prefix}.${key}`,
      message,
      place: place ?? placeOf(wanted.config),
      effect: effect === 'agent' && wanted.isLeftOut === true ? 'component' : effect,
      component: wanted.owner,
    })
  }

  async #definition<C extends ComponentContext, T>(
    wanted: Wanted,
  ): Promise<Definition<C, T> | undefined> {
    const { role, config, unknownType } = wanted
    const place = config.properties.get('type')
    if (config.type === '' && config.inline === undefined) {
      this.#report(wanted, { key: 'type', message: 'is missing', place, effect: 'component' })
      return undefined
    }
    try {
      return config.inline !== undefined
        ? inlineDefinition<C, T>(config.inline)
        : await findDefinition<C, T>(role, config.type, this.#directory)
    } catch (error) {
      // A component of Flume that is not supported is never left out silently.
      const effect = error instanceof UnsupportedError ? 'agent' : (unknownType ?? 'component')
      this.#report(wanted, { key: 'type', message: reasonOf(error), place, effect })
      return undefined
    }
  }

  /** Loads the user's own serializers and the like. */
  async #withParts<K extends Keys>(
    keys: K,
    values: ValuesOf<K>,
    properties: Properties,
    problems: KeyProblem[],
  ): Promise<ValuesOf<K>> {
    const loaded: Record<string, PartType> = {}
    for (const [name, key] of Object.entries(keys)) {
      if (key.kind !== 'single' || key.isPart !== true) continue
      const { type } = (values as Readonly<Record<string, PartType>>)[name] as PartType
      if (!isCustomType(type)) continue
      try {
        const custom = await loadCustomComponent(type, this.#directory)
        loaded[name] = { type, custom }
      } catch (error) {
        const spelling = key.key ?? name
        const place = properties.get(spelling)
        problems.push({ key: spelling, message: reasonOf(error), place, effect: 'component' })
      }
    }
    return { ...values, ...loaded }
  }
}

function withoutStructure(
  properties: Properties,
  structure: readonly string[],
): Map<string, Property> {
  return new Map(
    [...properties].filter(
      ([key]) =>
        !structure.some((each) => (each.endsWith('.') ? key.startsWith(each) : key === each)),
    ),
  )
}
