// SPDX-License-Identifier: Apache-2.0
import { Agent, type AgentOptions } from './agent.ts'
import type { Definition } from './component.ts'
import { ConfigurationError } from './config/configuration-error.ts'
import type { Key, Keys, PrefixKey } from './config/keys.ts'
import { agentsOf, type Entry } from './config/read-agents.ts'
import type { EventFunction } from './interceptors/function-interceptor.ts'
import type { ComponentClass } from './plan/custom-component.ts'
import { type AgentPlan, planAgent } from './plan/plan-agent.ts'
import { builtIn, type ComponentRole } from './plan/registry.ts'

/** Type of an option: that of the key if it is a primitive, else the text as in a file. */
type InputOf<T> = [T] extends [number | undefined]
  ? number
  : [T] extends [boolean | undefined]
    ? boolean
    : [T] extends [string | undefined]
      ? NonNullable<T>
      : [T] extends [readonly string[]]
        ? readonly string[]
        : string

type RequiredNames<K extends Keys> = {
  [P in keyof K]: K[P] extends { readonly isRequired: true } ? P : never
}[keyof K]
type OptionalNames<K extends Keys> = {
  [P in keyof K]: K[P] extends { readonly isRequired: false } | PrefixKey ? P : never
}[keyof K]
type Input<K> =
  K extends Key<infer T> ? InputOf<T> : Readonly<Record<string, string | number | boolean>>

/** Options of a kind of component, from its keys. */
type OptionsOf<D> = D extends {
  readonly type: infer N extends string
  readonly keys: infer K extends Keys
}
  ? { readonly type: N } & { readonly [P in RequiredNames<K>]: Input<K[P]> } & {
      readonly [P in OptionalNames<K>]?: Input<K[P]>
    }
  : never

/** A user-defined class or definition, with its options. */
interface Custom {
  // biome-ignore lint/suspicious/noExplicitAny: any configuration and context
  readonly type: ComponentClass<any, any> | Definition<any, any, any>
  readonly [option: string]: unknown
}

type Component<R extends ComponentRole> = OptionsOf<(typeof builtIn)[R][number]> | Custom

export type SourceOptions = Component<'source'> & {
  readonly channels: readonly string[]
  readonly interceptors?: Readonly<Record<string, Component<'interceptor'> | EventFunction>>
  readonly selector?: Component<'channel selector'>
}
export type SinkOptions = Component<'sink'> & { readonly channel: string }

/** An agent in TypeScript: Flume's model with keys in camel case. */
export interface AgentDefinition {
  /** Name of the agent. */
  readonly name: string
  /** Sources, by name. */
  readonly sources?: Readonly<Record<string, SourceOptions>>
  /** Channels, by name. */
  readonly channels: Readonly<Record<string, Component<'channel'>>>
  /** Sinks, by name. */
  readonly sinks?: Readonly<Record<string, SinkOptions>>
  /** Groups of sinks, by name. */
  readonly sinkGroups?: Readonly<
    Record<
      string,
      { readonly sinks: readonly string[]; readonly processor?: Component<'sink processor'> }
    >
  >
  /** Base directory of relative paths. Default: the working directory. */
  readonly directory?: string
}

/** Checks an agent; throws `ConfigurationError` with all problems. */
export async function defineAgent(definition: AgentDefinition): Promise<AgentPlan> {
  const { name } = definition
  const writer = new EntryWriter(name)
  writer.section('channels', 'channel', definition.channels)
  writer.section('sources', 'source', definition.sources ?? {})
  writer.section('sinks', 'sink', definition.sinks ?? {})
  writer.groups(definition.sinkGroups ?? {})
  const [agent] = agentsOf(writer.entries, {
    environment: {},
    directory: definition.directory ?? process.cwd(),
    inline: writer.inline,
  })
  if (agent === undefined) throw new ConfigurationError([])
  const plan = await planAgent(agent.config, agent.reporter)
  const { problems } = agent.reporter
  if (problems.length > 0 || plan === undefined) throw new ConfigurationError(problems)
  return plan
}

/** Defines and starts an agent. */
export async function startAgent(
  definition: AgentDefinition,
  options?: AgentOptions,
): Promise<Agent> {
  const agent = new Agent(await defineAgent(definition), options)
  await agent.start()
  return agent
}

type Options = Readonly<Record<string, unknown>>

/** Converts a definition to the entries of a file. */
class EntryWriter {
  readonly entries: Entry[] = []
  readonly inline = new Map<string, unknown>()
  readonly #agent: string

  constructor(agent: string) {
    this.#agent = agent
  }

  #add(key: string, value: unknown): void {
    const text = Array.isArray(value) ? value.join(' ') : String(value)
    this.entries.push({
      key: `${this.#agent}.${key}`,
      value: text,
      line: undefined,
      where: `agent ${this.#agent}`,
    })
  }

  section(name: string, role: ComponentRole, components: Readonly<Record<string, unknown>>): void {
    this.#add(name, Object.keys(components))
    for (const [each, options] of Object.entries(components)) {
      this.#component(`${name}.${each}`, role, options as Options)
    }
  }

  groups(groups: NonNullable<AgentDefinition['sinkGroups']>): void {
    this.#add('sinkgroups', Object.keys(groups))
    for (const [name, { sinks, processor }] of Object.entries(groups)) {
      this.#add(`sinkgroups.${name}.sinks`, sinks)
      if (processor !== undefined) {
        this.#component(`sinkgroups.${name}.processor`, 'sink processor', processor as Options)
      }
    }
  }

  #component(place: string, role: ComponentRole, options: Options): void {
    const { type, interceptors, selector, ...rest } = options
    const keys = this.#type(place, role, type)
    for (const [name, value] of Object.entries(rest)) this.#option(place, keys, name, value)
    if (selector !== undefined) {
      this.#component(`${place}.selector`, 'channel selector', selector as Options)
    }
    if (interceptors === undefined) return
    this.#add(`${place}.interceptors`, Object.keys(interceptors as Options))
    for (const [name, each] of Object.entries(interceptors as Options)) {
      const own = `${place}.interceptors.${name}`
      this.#component(
        own,
        'interceptor',
        typeof each === 'function' ? { type: each } : (each as Options),
      )
    }
  }

  /** Keys of a type, which give the spelling of its options. */
  #type(place: string, role: ComponentRole, type: unknown): Keys {
    if (typeof type !== 'string') {
      this.#add(`${place}.type`, 'inline')
      this.inline.set(`${this.#agent}.${place}`, type)
      return (type as { readonly keys?: Keys } | undefined)?.keys ?? {}
    }
    this.#add(`${place}.type`, type)
    const list: readonly { readonly type: string; readonly keys: Keys }[] = builtIn[role]
    return list.find((each) => each.type.toLowerCase() === type.toLowerCase())?.keys ?? {}
  }

  #option(place: string, keys: Keys, name: string, value: unknown): void {
    if (value === undefined) return
    const key = keys[name]
    if (key?.kind === 'prefix') {
      for (const [rest, each] of Object.entries(value as Options)) {
        this.#add(`${place}.${key.prefix}${rest}`, each)
      }
      return
    }
    this.#add(`${place}.${key?.key ?? name}`, value)
  }
}
