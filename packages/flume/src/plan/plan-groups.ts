// SPDX-License-Identifier: Apache-2.0
import type { ComponentContext, Sink, SinkProcessor, SinkProcessorContext } from '../component.ts'
import {
  type AgentConfig,
  type ComponentConfig,
  placeOf,
  type SinkConfig,
  type SinkGroupConfig,
} from '../config/agent-config.ts'
import { doesNotExist, type Reporter } from '../config/problem.ts'
import type { ComponentPlanner, Planned } from './component-planner.ts'

export interface PlannedSink extends Planned<ComponentContext, Sink> {
  readonly config: SinkConfig
}

type PlannedProcessor = Planned<SinkProcessorContext, SinkProcessor>

/** Sinks that share the events of a channel; a sink without a group is a group of one. */
export interface PlannedSinkGroup {
  readonly name: string
  readonly channel: string
  readonly sinks: readonly PlannedSink[]
  readonly processor: PlannedProcessor
}

/** Puts sinks into their groups. `sinks` are the valid ones. */
export async function planGroups(
  agent: AgentConfig,
  sinks: readonly PlannedSink[],
  components: ComponentPlanner,
  reporter: Reporter,
): Promise<PlannedSinkGroup[]> {
  const planner = new GroupPlanner(agent, sinks, components, reporter)
  return [...(await planner.configured()), ...(await planner.single())]
}

class GroupPlanner {
  readonly #agent: AgentConfig
  readonly #sinks: readonly PlannedSink[]
  readonly #components: ComponentPlanner
  readonly #reporter: Reporter
  /** The group that each sink is in. */
  readonly #groupOf = new Map<string, string>()

  constructor(
    agent: AgentConfig,
    sinks: readonly PlannedSink[],
    components: ComponentPlanner,
    reporter: Reporter,
  ) {
    this.#agent = agent
    this.#sinks = sinks
    this.#components = components
    this.#reporter = reporter
  }

  async configured(): Promise<PlannedSinkGroup[]> {
    const groups: PlannedSinkGroup[] = []
    for (const group of this.#agent.sinkGroups) groups.push(...(await this.#group(group)))
    return groups
  }

  async #group(group: SinkGroupConfig): Promise<PlannedSinkGroup[]> {
    const { name, processor: config } = group
    const prefix = `sinkgroups.${name}`
    const members = this.#members(group)
    const processor = await this.#components.plan<SinkProcessorContext, SinkProcessor>({
      role: 'sink processor',
      prefix: `${prefix}.processor`,
      owner: prefix,
      config,
    })
    this.#checkPriorities(group)
    const [first] = members
    // As in Flume, the sinks of a group that cannot be created do not run.
    if (first === undefined || processor === undefined) return []
    if (members.length > 1 && processor.definition.type === 'default') {
      const message =
        'is default, which is for one sink; expected failover or load_balance for several'
      const place = config.properties.get('type') ?? placeOf(group)
      this.#reporter.remove(prefix, `${prefix}.processor.type`, message, place)
      return []
    }
    return this.#byChannel(group, members, processor)
  }

  /** Valid sinks of a group. A sink belongs to the first group that names it. */
  #members(group: SinkGroupConfig): readonly PlannedSink[] {
    const prefix = `sinkgroups.${group.name}`
    const key = `${prefix}.sinks`
    const place = group.properties.get('sinks') ?? placeOf(group)
    if (group.sinks.length === 0) {
      this.#reporter.remove(prefix, key, 'is missing', place)
      return []
    }
    const members: PlannedSink[] = []
    for (const name of group.sinks) {
      const other = this.#groupOf.get(name)
      const sink = this.#sinks.find((each) => each.name === name)
      if (other !== undefined) {
        this.#reporter.warn(key, `names ${name}, which is in group ${other} already`, place)
      } else if (sink === undefined) {
        // Problems of an invalid sink are reported with the sink.
        if (this.#agent.sinks.some((each) => each.name === name)) continue
        this.#reporter.warn(key, doesNotExist('sink', name, this.#agent.sinks), place)
      } else {
        this.#groupOf.set(name, group.name)
        members.push(sink)
      }
    }
    if (members.length === 0) {
      this.#reporter.remove(prefix, key, 'has no sink that can run', place)
    }
    return members
  }

  #checkPriorities({ name, sinks, processor }: SinkGroupConfig): void {
    for (const [key, property] of processor.properties) {
      const sink = /^priority\.(.+)$/.exec(key)?.[1]
      if (sink === undefined || sinks.includes(sink)) continue
      const message = `is for sink ${sink}, which is not in the group; it has ${sinks.join(', ')}`
      this.#reporter.warn(`sinkgroups.${name}.processor.${key}`, message, property)
    }
  }

  /** A processor serves one channel: the sinks of each channel are a separate group. */
  #byChannel(
    { name, properties }: SinkGroupConfig,
    members: readonly PlannedSink[],
    processor: PlannedProcessor,
  ): PlannedSinkGroup[] {
    const channels = [...new Set(members.map(({ config }) => config.channel))]
    if (channels.length > 1) {
      const message = `names sinks of different channels (${channels.join(', ')}); the sinks of each channel share its events among themselves`
      this.#reporter.warn(`sinkgroups.${name}.sinks`, message, properties.get('sinks'))
    }
    return channels.map((channel, index) => ({
      name: index === 0 ? name : `${name}:${channel}`,
      channel,
      sinks: members.filter(({ config }) => config.channel === channel),
      processor,
    }))
  }

  /** Sinks without a group. */
  async single(): Promise<PlannedSinkGroup[]> {
    const config: ComponentConfig = { name: 'default', type: 'default', properties: new Map() }
    const groups: PlannedSinkGroup[] = []
    for (const sink of this.#sinks) {
      if (this.#groupOf.has(sink.name)) continue
      const processor = await this.#components.plan<SinkProcessorContext, SinkProcessor>({
        role: 'sink processor',
        prefix: `sinks.${sink.name}`,
        owner: `sinks.${sink.name}`,
        config,
      })
      if (processor === undefined) continue
      groups.push({ name: sink.name, channel: sink.config.channel, sinks: [sink], processor })
    }
    return groups
  }
}
