// SPDX-License-Identifier: Apache-2.0

import type { Channel } from '../channel.ts'
import { unknownChannels } from '../channel-selectors/index.ts'
import type {
  ChannelSelector,
  ChannelSelectorContext,
  ComponentContext,
  Definition,
  Interceptor,
  Sink,
  SinkProcessor,
  SinkProcessorContext,
  Source,
  SourceContext,
} from '../component.ts'
import { reasonOf } from '../errors.ts'
import type { AgentConfig, ComponentConfig, SinkConfig, SourceConfig } from './agent-config.ts'
import { inlineDefinition, isCustomType, loadCustomComponent } from './custom-component.ts'
import {
  type Keys,
  type PartType,
  type Problem,
  type Properties,
  type Property,
  readKeys,
  splitWords,
  type ValuesOf,
} from './keys.ts'
import { type ComponentRole, findDefinition } from './registry.ts'

/** A component whose entries were read and found right: it only has to be made. */
export interface Planned<C extends ComponentContext, T> {
  readonly name: string
  readonly config: ComponentConfig
  /** What its entries say. */
  readonly values: Readonly<Record<string, unknown>>
  readonly definition: Definition<C, T>
}

export interface PlannedSource extends Planned<SourceContext, Source> {
  readonly config: SourceConfig
  readonly interceptors: readonly Planned<ComponentContext, Interceptor>[]
  readonly selector: Planned<ChannelSelectorContext, ChannelSelector>
}

export interface PlannedSink extends Planned<ComponentContext, Sink> {
  readonly config: SinkConfig
}

/** Sinks that share a channel's events; a sink without a group is one of its own. */
export interface PlannedSinkGroup {
  readonly name: string
  readonly channel: string
  readonly sinks: readonly PlannedSink[]
  readonly processor: Planned<SinkProcessorContext, SinkProcessor>
}

/** An agent that only has to be made. */
export interface AgentPlan {
  /** Name of the agent. */
  readonly name: string
  /** Directory that relative paths start from. */
  readonly directory: string
  /** What problems are reported against: a file's path. */
  readonly where: string
  /** Channels. */
  readonly channels: readonly Planned<ComponentContext, Channel>[]
  /** Sources. */
  readonly sources: readonly PlannedSource[]
  /** Sinks, each in a group; a single sink is a group of one. */
  readonly sinkGroups: readonly PlannedSinkGroup[]
}

/** Finds the definitions of an agent's components and reads their entries; what is wrong is added to `problems`. */
export async function planAgent(agent: AgentConfig, problems: string[]): Promise<AgentPlan> {
  const planner = new Planner(agent, problems)
  const channels = await planner.all<ComponentContext, Channel>(
    'channel',
    'channels',
    agent.channels,
  )
  const sources: PlannedSource[] = []
  for (const source of agent.sources) {
    const planned = await planner.one<SourceContext, Source>(
      'source',
      `sources.${source.name}`,
      source,
      [],
    )
    if (planned === undefined) continue
    const interceptors: Planned<ComponentContext, Interceptor>[] = []
    for (const each of source.interceptors) {
      const key = `sources.${source.name}.interceptors.${each.name}`
      const found = await planner.one<ComponentContext, Interceptor>('interceptor', key, each)
      if (found !== undefined) interceptors.push(found)
    }
    const selector = await planner.selector(source)
    if (selector !== undefined) sources.push({ ...planned, config: source, interceptors, selector })
  }
  const sinks: PlannedSink[] = []
  for (const sink of agent.sinks) {
    const planned = await planner.one<ComponentContext, Sink>('sink', `sinks.${sink.name}`, sink)
    if (planned !== undefined) sinks.push({ ...planned, config: sink })
  }
  const sinkGroups = await planner.groups(sinks)
  planner.checkBatches(sources, sinks, channels)
  return {
    name: agent.name,
    directory: agent.directory,
    where: agent.where,
    channels,
    sources,
    sinkGroups,
  }
}

class Planner {
  readonly #agent: AgentConfig
  readonly #problems: string[]

  constructor(agent: AgentConfig, problems: string[]) {
    this.#agent = agent
    this.#problems = problems
  }

  report(key: string, message: string, line?: number): void {
    const { where, name } = this.#agent
    this.#problems.push(
      `${line === undefined ? where : `${where}:${line}`}: ${name}.${key} ${message}`,
    )
  }

  async all<C extends ComponentContext, T>(
    role: ComponentRole,
    section: string,
    configs: readonly ComponentConfig[],
  ): Promise<Planned<C, T>[]> {
    const planned: Planned<C, T>[] = []
    for (const config of configs) {
      const one = await this.one<C, T>(role, `${section}.${config.name}`, config)
      if (one !== undefined) planned.push(one)
    }
    return planned
  }

  async one<C extends ComponentContext, T>(
    role: ComponentRole,
    prefix: string,
    config: ComponentConfig,
    extraKeys: readonly string[] = [],
  ): Promise<Planned<C, T> | undefined> {
    // That it is missing has been said.
    if (config.type === '') return undefined
    let definition: Definition<C, T>
    try {
      definition =
        config.inline !== undefined
          ? inlineDefinition<C, T>(config.inline)
          : await findDefinition<C, T>(role, config.type, this.#agent.directory)
    } catch (error) {
      this.report(`${prefix}.type`, reasonOf(error), config.properties.get('type')?.line)
      return undefined
    }
    const properties = new Map<string, Property>(
      [...config.properties].filter(([key]) => key !== 'type' && !extraKeys.includes(key)),
    )
    const problems: Problem[] = []
    const read = readKeys(definition.keys, properties, problems)
    const values = await this.#withParts(definition.keys, read, properties, problems)
    if (problems.length === 0) {
      for (const { key, message } of definition.check?.(values) ?? []) {
        problems.push({ key, message, line: properties.get(key)?.line })
      }
    }
    const line = config.properties.get('type')?.line
    for (const problem of problems) {
      this.report(`${prefix}.${problem.key}`, problem.message, problem.line ?? line)
    }
    return { name: config.name, config, values, definition }
  }

  /** Loads the user's own serializers and the like. */
  async #withParts<K extends Keys>(
    keys: K,
    values: ValuesOf<K>,
    properties: Properties,
    problems: Problem[],
  ): Promise<ValuesOf<K>> {
    const loaded: Record<string, PartType> = {}
    for (const [name, key] of Object.entries(keys)) {
      if (key.kind !== 'single' || key.isPart !== true) continue
      const { type } = (values as Readonly<Record<string, PartType>>)[name] as PartType
      if (!isCustomType(type)) continue
      try {
        const custom = await loadCustomComponent(type, this.#agent.directory)
        loaded[name] = { type, custom }
      } catch (error) {
        const spelling = key.key ?? name
        const { line } = properties.get(spelling) ?? {}
        problems.push({ key: spelling, message: reasonOf(error), line })
      }
    }
    return { ...values, ...loaded }
  }

  /** A selector may only name channels of its source. */
  async selector(
    source: SourceConfig,
  ): Promise<Planned<ChannelSelectorContext, ChannelSelector> | undefined> {
    const prefix = `sources.${source.name}.selector`
    const planned = await this.one<ChannelSelectorContext, ChannelSelector>(
      'channel selector',
      prefix,
      source.selector,
    )
    for (const [key, { value, line }] of source.selector.properties) {
      if (!/^(optional|default)$|^(mapping|optional)\./.test(key)) continue
      for (const { message } of unknownChannels(key, splitWords(value), source.channels)) {
        this.report(`${prefix}.${key}`, message, line)
      }
    }
    return planned
  }

  async groups(sinks: readonly PlannedSink[]): Promise<PlannedSinkGroup[]> {
    const groups: PlannedSinkGroup[] = []
    const grouped = new Set<string>()
    for (const { name, sinks: members, processor: config } of this.#agent.sinkGroups) {
      const processor = await this.one<SinkProcessorContext, SinkProcessor>(
        'sink processor',
        `sinkgroups.${name}.processor`,
        config,
      )
      const own = sinks.filter((sink) => members.includes(sink.name))
      for (const member of members) grouped.add(member)
      this.#checkMembers(name, members, config)
      const [first] = own
      if (processor === undefined || first === undefined) continue
      if (own.length > 1 && processor.definition.type === 'default') {
        this.report(
          `sinkgroups.${name}.processor.type`,
          'is default, which is for one sink; allowed for several is failover, load_balance',
        )
        continue
      }
      groups.push({ name, channel: first.config.channel, sinks: own, processor })
    }
    const single: ComponentConfig = { name: 'default', type: 'default', properties: new Map() }
    for (const sink of sinks) {
      if (grouped.has(sink.name)) continue
      const processor = await this.one<SinkProcessorContext, SinkProcessor>(
        'sink processor',
        '',
        single,
      )
      if (processor === undefined) continue
      groups.push({ name: sink.name, channel: sink.config.channel, sinks: [sink], processor })
    }
    return groups
  }

  #checkMembers(group: string, members: readonly string[], processor: ComponentConfig): void {
    for (const [key, { line }] of processor.properties) {
      const sink = /^priority\.(.+)$/.exec(key)?.[1]
      if (sink === undefined || members.includes(sink)) continue
      this.report(
        `sinkgroups.${group}.processor.${key}`,
        `is for sink ${sink}, which is not in the group; it has ${members.join(', ')}`,
        line,
      )
    }
  }

  /** A batch has to fit into a transaction of every channel it goes through, as Flume 1.11 demands. */
  checkBatches(
    sources: readonly PlannedSource[],
    sinks: readonly PlannedSink[],
    channels: readonly Planned<ComponentContext, Channel>[],
  ): void {
    const limits = new Map(
      channels.map(({ name, values }) => [name, values.transactionCapacity as number | undefined]),
    )
    const check = (
      prefix: string,
      planned: Planned<never, unknown>,
      names: readonly string[],
    ): void => {
      const batchSize = planned.values.batchSize
      if (typeof batchSize !== 'number') return
      for (const name of names) {
        const limit = limits.get(name)
        if (limit === undefined || batchSize <= limit) continue
        const key = batchKey(planned)
        const property = planned.config.properties.get(key)
        // What nobody wrote is made to fit.
        if (property === undefined) continue
        this.report(
          `${prefix}.${key}`,
          `is ${batchSize}, more than the transactionCapacity of channel ${name} (${limit})`,
          property.line,
        )
      }
    }
    for (const source of sources) {
      check(`sources.${source.name}`, source as never, source.config.channels)
    }
    for (const sink of sinks) check(`sinks.${sink.name}`, sink as never, [sink.config.channel])
  }
}

/** How the file spells a component's batch size. */
function batchKey({ definition, config }: Planned<never, unknown>): string {
  const key = definition.keys.batchSize
  if (key?.kind !== 'single') return 'batchSize'
  const spelled = [key.key ?? 'batchSize', ...(key.alsoKnownAs ?? [])]
  return spelled.find((each) => config.properties.has(each)) ?? (spelled[0] as string)
}

/** Everything a component's configuration says, as one text. */
export function fingerprint(config: ComponentConfig): string {
  const entries = [...config.properties]
    .map(([key, { value }]) => [key, value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const {
    name,
    type,
    properties: _properties,
    ...rest
  } = config as ComponentConfig & Partial<SourceConfig>
  const parts = {
    name,
    type,
    inline: inlineNumber(config.inline),
    entries,
    channels: rest.channels,
    channel: (config as Partial<SinkConfig>).channel,
    interceptors: rest.interceptors?.map(fingerprint),
    selector: rest.selector === undefined ? undefined : fingerprint(rest.selector),
  }
  return JSON.stringify(parts)
}

const inlineNumbers = new WeakMap<object, number>()
let inlineCount = 0

/** The same thing given again is the same component. */
function inlineNumber(inline: unknown): number | undefined {
  if (typeof inline !== 'object' && typeof inline !== 'function') return undefined
  if (inline === null) return undefined
  const known = inlineNumbers.get(inline)
  if (known !== undefined) return known
  inlineNumbers.set(inline, ++inlineCount)
  return inlineCount
}
