// SPDX-License-Identifier: Apache-2.0
import type { Channel } from '../channel.ts'
import { unknownChannels } from '../channel-selectors/unknown-channels.ts'
import type {
  ChannelSelector,
  ChannelSelectorContext,
  ComponentContext,
  Interceptor,
  Sink,
  Source,
  SourceContext,
} from '../component.ts'
import {
  type AgentConfig,
  type ComponentConfig,
  placeOf,
  type SinkConfig,
  type SourceConfig,
} from '../config/agent-config.ts'
import { splitWords } from '../config/keys.ts'
import { type ConfigProblem, doesNotExist, type Reporter } from '../config/problem.ts'
import { checkBatch } from './batch-check.ts'
import { ComponentPlanner, type Planned } from './component-planner.ts'
import { type PlannedSink, type PlannedSinkGroup, planGroups } from './plan-groups.ts'

export interface PlannedSource extends Planned<SourceContext, Source> {
  readonly config: SourceConfig
  /** Existing channels of the source. */
  readonly channels: readonly string[]
  readonly interceptors: readonly Planned<ComponentContext, Interceptor>[]
  readonly selector: Planned<ChannelSelectorContext, ChannelSelector>
}

export type PlannedChannel = Planned<ComponentContext, Channel>

/** An agent whose components were checked; nothing is created yet. */
export interface AgentPlan {
  /** Name of the agent. */
  readonly name: string
  /** Directory that relative paths start from. */
  readonly directory: string
  /** What problems are reported against: a file's path. */
  readonly where: string
  /** Channels. */
  readonly channels: readonly PlannedChannel[]
  /** Sources. */
  readonly sources: readonly PlannedSource[]
  /** Sinks, each in a group; a single sink is a group of one. */
  readonly sinkGroups: readonly PlannedSinkGroup[]
  /**
   * Listed components that do not run, as `sinks.k1`: invalid ones, those that need them, and
   * unused channels.
   */
  readonly leftOut: readonly string[]
  /** Warnings, and why components are left out. */
  readonly problems: readonly ConfigProblem[]
}

/**
 * Checks an agent as Flume does: an invalid component is left out and the others run; a type that
 * does not exist stops the agent. Returns undefined if nothing can run. All problems are in
 * `reporter`.
 */
export async function planAgent(
  agent: AgentConfig,
  reporter: Reporter,
): Promise<AgentPlan | undefined> {
  const components = new ComponentPlanner(reporter, agent.directory)
  const planner = new AgentPlanner(agent, components, reporter)
  const channels = await planner.channels()
  const sources = await planner.sources(channels)
  const sinks = await planner.sinks(channels)
  const sinkGroups = await planGroups(agent, sinks, components, reporter)
  const used = planner.used(channels, sources, sinkGroups)
  const isEmpty = sources.length + sinkGroups.length === 0
  if (isEmpty && reporter.problems.every(({ effect }) => effect === 'none')) {
    reporter.stop('sources', 'and sinks are empty: the agent would do nothing')
  }
  if (isEmpty || reporter.isStopped) return undefined
  const created = [
    ...used.map(({ name }) => `channels.${name}`),
    ...sources.map(({ name }) => `sources.${name}`),
    ...sinkGroups.flatMap((group) => group.sinks.map(({ name }) => `sinks.${name}`)),
  ]
  return {
    name: agent.name,
    directory: agent.directory,
    where: agent.where,
    channels: used,
    sources,
    sinkGroups,
    leftOut: listed(agent).filter((component) => !created.includes(component)),
    problems: reporter.problems,
  }
}

function listed({ channels, sources, sinks }: AgentConfig): string[] {
  return [
    ...channels.map(({ name }) => `channels.${name}`),
    ...sources.map(({ name }) => `sources.${name}`),
    ...sinks.map(({ name }) => `sinks.${name}`),
  ]
}

class AgentPlanner {
  readonly #agent: AgentConfig
  readonly #reporter: Reporter
  readonly #components: ComponentPlanner

  constructor(agent: AgentConfig, components: ComponentPlanner, reporter: Reporter) {
    this.#agent = agent
    this.#components = components
    this.#reporter = reporter
  }

  async channels(): Promise<PlannedChannel[]> {
    const planned: PlannedChannel[] = []
    for (const config of this.#agent.channels) {
      const prefix = `channels.${config.name}`
      const one = await this.#components.plan<ComponentContext, Channel>({
        role: 'channel',
        prefix,
        owner: prefix,
        config,
        unknownType: 'agent',
      })
      if (one !== undefined) planned.push(one)
    }
    return planned
  }

  async sources(channels: readonly PlannedChannel[]): Promise<PlannedSource[]> {
    const planned: PlannedSource[] = []
    for (const config of this.#agent.sources) {
      const one = await this.#source(config, channels)
      if (one !== undefined) planned.push(one)
    }
    return planned
  }

  async #source(
    config: SourceConfig,
    channels: readonly PlannedChannel[],
  ): Promise<PlannedSource | undefined> {
    const prefix = `sources.${config.name}`
    const own = this.#channelsOf(config, channels)
    const planned = await this.#components.plan<SourceContext, Source>({
      role: 'source',
      prefix,
      owner: prefix,
      config,
      structure: ['channels', 'channel', 'interceptors', 'interceptors.', 'selector', 'selector.'],
      unknownType: 'agent',
      isLeftOut: own === undefined,
    })
    const interceptors = await this.#interceptors(config)
    const selector = await this.#selector(config, own ?? [])
    if (own === undefined || planned === undefined) return undefined
    if (interceptors === undefined || selector === undefined) return undefined
    const source = {
      ...planned,
      config,
      channels: own.map(({ name }) => name),
      interceptors,
      selector,
    }
    return checkBatch(prefix, source, own, this.#reporter) ? source : undefined
  }

  /** Existing channels of a source; undefined if there is none, which is reported. */
  #channelsOf(
    config: SourceConfig,
    channels: readonly PlannedChannel[],
  ): readonly PlannedChannel[] | undefined {
    const owner = `sources.${config.name}`
    const key = `${owner}.channels`
    const property = config.properties.get('channels')
    const singular = config.properties.get('channel')
    if (config.channels.length === 0) {
      const hint = singular === undefined ? '' : '; a source has `channels`, with an s'
      this.#reporter.remove(owner, key, `is missing${hint}`, singular ?? placeOf(config))
      return undefined
    }
    if (singular !== undefined) {
      this.#reporter.warn(`${owner}.channel`, 'is not known; did you mean channels?', singular)
    }
    const found = channels.filter(({ name }) => config.channels.includes(name))
    for (const name of config.channels) {
      // Problems of an invalid channel are reported with the channel.
      if (this.#agent.channels.some((channel) => channel.name === name)) continue
      const message = doesNotExist('channel', name, channels)
      if (found.length === 0) this.#reporter.remove(owner, key, message, property)
      else this.#reporter.warn(key, message, property)
    }
    return found.length === 0 ? undefined : found
  }

  async #interceptors(
    source: SourceConfig,
  ): Promise<readonly Planned<ComponentContext, Interceptor>[] | undefined> {
    const owner = `sources.${source.name}`
    const planned: Planned<ComponentContext, Interceptor>[] = []
    for (const config of source.interceptors) {
      const one = await this.#components.plan<ComponentContext, Interceptor>({
        role: 'interceptor',
        prefix: `${owner}.interceptors.${config.name}`,
        owner,
        config: withPlace(config, source, 'interceptors'),
      })
      if (one !== undefined) planned.push(one)
    }
    return planned.length === source.interceptors.length ? planned : undefined
  }

  /** A selector may only name channels of its source. */
  async #selector(
    source: SourceConfig,
    channels: readonly PlannedChannel[],
  ): Promise<Planned<ChannelSelectorContext, ChannelSelector> | undefined> {
    const owner = `sources.${source.name}`
    const { properties } = source.selector
    const planned = await this.#components.plan<ChannelSelectorContext, ChannelSelector>({
      role: 'channel selector',
      prefix: `${owner}.selector`,
      owner,
      config: source.selector,
    })
    // A source without channels is left out for that reason.
    if (channels.length === 0) return planned
    let isValid = true
    const known = channels.map(({ name }) => name)
    // Flume ignores what a replicating selector names and the source does not have.
    const isIgnored = planned?.definition.type === 'replicating'
    for (const [key, property] of properties) {
      if (!/^(optional|default)$|^(mapping|optional)\./.test(key)) continue
      const [name = ''] = key.split('.')
      if (planned !== undefined && !(name in planned.definition.keys)) continue
      for (const { message } of unknownChannels(key, splitWords(property.value), known)) {
        const report = { key: `${owner}.selector.${key}`, message, place: property }
        if (isIgnored) this.#reporter.report({ ...report, effect: 'none' })
        else this.#reporter.report({ ...report, effect: 'component', component: owner })
        isValid &&= isIgnored
      }
    }
    return isValid ? planned : undefined
  }

  async sinks(channels: readonly PlannedChannel[]): Promise<PlannedSink[]> {
    const planned: PlannedSink[] = []
    for (const config of this.#agent.sinks) {
      const one = await this.#sink(config, channels)
      if (one !== undefined) planned.push(one)
    }
    return planned
  }

  async #sink(
    config: SinkConfig,
    channels: readonly PlannedChannel[],
  ): Promise<PlannedSink | undefined> {
    const prefix = `sinks.${config.name}`
    const channel = this.#channelOf(config, channels)
    const planned = await this.#components.plan<ComponentContext, Sink>({
      role: 'sink',
      prefix,
      owner: prefix,
      config,
      structure: ['channel', 'channels'],
      unknownType: 'agent',
      isLeftOut: channel === undefined,
    })
    if (channel === undefined || planned === undefined) return undefined
    const sink = { ...planned, config }
    return checkBatch(prefix, sink, [channel], this.#reporter) ? sink : undefined
  }

  #channelOf(config: SinkConfig, channels: readonly PlannedChannel[]): PlannedChannel | undefined {
    const owner = `sinks.${config.name}`
    const key = `${owner}.channel`
    const plural = config.properties.get('channels')
    if (config.channel === '') {
      const hint = plural === undefined ? '' : '; a sink has one `channel`, without an s'
      this.#reporter.remove(owner, key, `is missing${hint}`, plural ?? placeOf(config))
      return undefined
    }
    if (plural !== undefined) {
      this.#reporter.warn(`${owner}.channels`, 'is not known; did you mean channel?', plural)
    }
    const found = channels.find(({ name }) => name === config.channel)
    if (found !== undefined) return found
    if (this.#agent.channels.some(({ name }) => name === config.channel)) return undefined
    const message = doesNotExist('channel', config.channel, channels)
    this.#reporter.remove(owner, key, message, config.properties.get('channel'))
    return undefined
  }

  /** Channels that a source or a sink uses. Flume leaves out the others, too. */
  used(
    channels: readonly PlannedChannel[],
    sources: readonly PlannedSource[],
    groups: readonly PlannedSinkGroup[],
  ): PlannedChannel[] {
    return channels.filter(({ name, config }) => {
      const isUsed =
        sources.some((source) => source.channels.includes(name)) ||
        groups.some((group) => group.channel === name)
      if (!isUsed) {
        const message = 'is used by no source and no sink, and is left out'
        this.#reporter.warn(`channels.${name}`, message, placeOf(config))
      }
      return isUsed
    })
  }
}

/** A part without entries has the place where its component lists it. */
function withPlace(part: ComponentConfig, owner: ComponentConfig, key: string): ComponentConfig {
  const property = owner.properties.get(key)
  if (part.properties.size > 0 || property === undefined) return part
  return { ...part, properties: new Map([['', property]]) }
}
