// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling, parsePropertyLines } from '@millrace/base'
import { reasonOf } from '../errors.ts'
import type {
  AgentConfig,
  ComponentConfig,
  SinkConfig,
  SinkGroupConfig,
  SourceConfig,
} from './agent-config.ts'
import { type Property, splitWords } from './keys.ts'
import { type ConfigFilter, makeFilter, substitute } from './substitute.ts'

/** One file, or what stands for one. */
export interface ConfigText {
  /** How it is named in messages. */
  readonly where: string
  /** Content of the file. */
  readonly text: string
}

/** An entry of a configuration, wherever it comes from. */
export interface Entry extends Property {
  readonly key: string
  readonly where: string
}

export interface ReadOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly system?: ReadonlyMap<string, string>
  readonly directory: string
  /** What is given in place of types, by the component's place: `a1.sources.s1`. */
  readonly inline?: ReadonlyMap<string, unknown>
}

/** A problem and where it stands, ready to be shown. */
export type Report = (key: string, message: string, line?: number) => void

const SECTIONS = ['sources', 'channels', 'sinks', 'sinkgroups', 'configfilters'] as const
type Section = (typeof SECTIONS)[number]

/**
 * Reads Flume's configuration files into agents, as far as their structure goes: names, lists, references. What the entries of a
 * component mean is for its definition to say. Later files win over earlier ones, as in Flume. Problems are added to `problems`.
 */
export function readAgents(
  texts: readonly ConfigText[],
  options: ReadOptions,
  problems: string[],
): AgentConfig[] {
  const entries = texts.flatMap(({ where, text }) =>
    parsePropertyLines(text).map(({ key, value, line }) => ({
      key,
      value: value.trim(),
      line,
      where,
    })),
  )
  return agentsOf(entries, options, problems)
}

/** The same from entries. */
export function agentsOf(
  given: readonly Entry[],
  options: ReadOptions,
  problems: string[],
): AgentConfig[] {
  const entries = new Map(given.map((entry) => [entry.key, entry]))
  const byAgent = new Map<string, Entry[]>()
  for (const entry of entries.values()) {
    const at = entry.key.indexOf('.')
    if (at <= 0) {
      // A name for `${name}` elsewhere.
      continue
    }
    const agent = entry.key.slice(0, at)
    const list = byAgent.get(agent) ?? []
    list.push(entry)
    byAgent.set(agent, list)
  }
  const values = new Map([...entries].map(([key, { value }]) => [key, value]))
  return [...byAgent]
    .filter(([, list]) => isAgent(list))
    .map(([name, list]) => new AgentReader(name, list, values, options, problems).read())
}

/** Entries whose second word is none of an agent's are variables of somebody, unless there is nothing else. */
function isAgent(entries: readonly Entry[]): boolean {
  return entries.some(({ key }) => {
    const section = key.split('.')[1] ?? ''
    return (
      (SECTIONS as readonly string[]).includes(section) ||
      nearestSpelling(section, SECTIONS) !== undefined
    )
  })
}

class AgentReader {
  readonly #name: string
  readonly #problems: string[]
  readonly #options: ReadOptions
  readonly #where: string
  /** By their names without the agent's. */
  readonly #entries = new Map<string, Entry>()

  constructor(
    name: string,
    entries: readonly Entry[],
    values: ReadonlyMap<string, string>,
    options: ReadOptions,
    problems: string[],
  ) {
    this.#name = name
    this.#options = options
    this.#problems = problems
    this.#where = entries[0]?.where ?? `agent ${name}`
    const own = (entry: Entry): string => entry.key.slice(name.length + 1)
    const filters = new Map<string, ConfigFilter>()
    const resolve = (entry: Entry): Entry => {
      try {
        const value = substitute(entry.value, {
          environment: options.environment,
          system: options.system ?? new Map(),
          properties: values,
          filters,
        })
        return { ...entry, value }
      } catch (error) {
        this.#report(own(entry), reasonOf(error), entry.line, entry.where)
        return entry
      }
    }
    // Filters first: what they give may stand in any other entry.
    const isFilter = (entry: Entry): boolean => own(entry).startsWith('configfilters')
    for (const entry of entries.filter(isFilter)) this.#entries.set(own(entry), resolve(entry))
    this.#readFilters(filters)
    for (const entry of entries) {
      if (!isFilter(entry)) this.#entries.set(own(entry), resolve(entry))
    }
  }

  #report(key: string, message: string, line?: number, where = this.#where): void {
    const at = line === undefined ? where : `${where}:${line}`
    this.#problems.push(`${at}: ${this.#name}.${key} ${message}`)
  }

  #readFilters(filters: Map<string, ConfigFilter>): void {
    for (const { name, properties } of this.#components('configfilters')) {
      const texts = new Map([...properties].map(([key, { value }]) => [key, value]))
      try {
        const type = texts.get('type') ?? ''
        filters.set(name, makeFilter(type, texts, { environment: this.#options.environment }))
      } catch (error) {
        const line = properties.get('type')?.line
        this.#report(`configfilters.${name}`, reasonOf(error), line)
      }
    }
  }

  read(): AgentConfig {
    this.#checkSections()
    const channels = this.#components('channels')
    const channelNames = channels.map(({ name }) => name)
    const sources = this.#components('sources').map((each) => this.#source(each, channelNames))
    const sinks = this.#components('sinks').map((each) => this.#sink(each, channelNames))
    const sinkGroups = this.#components('sinkgroups').map((each) => this.#group(each, sinks))
    this.#checkGroups(sinkGroups)
    if (sources.length + sinks.length === 0) {
      this.#report('sources', 'and sinks are empty: the agent would do nothing')
    }
    for (const { name, properties } of channels) {
      const isUsed =
        sources.some((source) => source.channels.includes(name)) ||
        sinks.some((sink) => sink.channel === name)
      if (!isUsed) {
        this.#report(`channels.${name}`, 'is used by no source and no sink', lineOf(properties))
      }
    }
    return {
      name: this.#name,
      where: this.#where,
      directory: this.#options.directory,
      sources,
      channels,
      sinks,
      sinkGroups,
    }
  }

  #checkSections(): void {
    for (const [key, { line, where }] of this.#entries) {
      const [section = ''] = key.split('.')
      if ((SECTIONS as readonly string[]).includes(section)) continue
      const nearest = nearestSpelling(section, SECTIONS)
      this.#report(
        key,
        `is not known${nearest === undefined ? `; after the agent's name comes ${SECTIONS.join(', ')}` : `; did you mean ${this.#name}.${nearest}?`}`,
        line,
        where,
      )
    }
  }

  /** The components that a section lists, each with its entries; entries of others are problems. */
  #components(section: Section): ComponentConfig[] {
    const names = [...new Set(splitWords(this.#entries.get(section)?.value ?? ''))]
    const properties = new Map(names.map((name) => [name, new Map<string, Property>()]))
    const prefix = `${section}.`
    for (const [key, { value, line, where }] of this.#entries) {
      if (!key.startsWith(prefix)) continue
      const rest = key.slice(prefix.length)
      // Names may have dots; the longest that fits owns the entry.
      const owner = names
        .filter((name) => rest === name || rest.startsWith(`${name}.`))
        .sort((a, b) => b.length - a.length)[0]
      if (owner === undefined) {
        const name = rest.split('.')[0] as string
        const nearest = nearestSpelling(name, names)
        const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
        this.#report(
          key,
          `is for ${name}, which ${this.#name}.${section} does not list${hint}`,
          line,
          where,
        )
        continue
      }
      if (rest !== owner) properties.get(owner)?.set(rest.slice(owner.length + 1), { value, line })
    }
    return names.map((name) =>
      this.#component(section, name, properties.get(name) as Map<string, Property>),
    )
  }

  #component(section: Section, name: string, properties: Map<string, Property>): ComponentConfig {
    const type = properties.get('type')?.value ?? ''
    if (type === '' && section !== 'sinkgroups') {
      this.#report(`${section}.${name}.type`, 'is missing', lineOf(properties))
    }
    return this.#withInline(`${section}.${name}`, { name, type, properties })
  }

  #withInline(place: string, component: ComponentConfig): ComponentConfig {
    const inline = this.#options.inline?.get(`${this.#name}.${place}`)
    return inline === undefined ? component : { ...component, inline }
  }

  #source(component: ComponentConfig, channelNames: readonly string[]): SourceConfig {
    const { name, properties } = component
    const property = properties.get('channels')
    const channels = splitWords(property?.value ?? '')
    const key = `sources.${name}.channels`
    if (channels.length === 0) {
      const singular = properties.get('channel')
      const hint = singular === undefined ? '' : '; a source has `channels`, with an s'
      this.#report(key, `is missing${hint}`, (property ?? singular)?.line ?? lineOf(properties))
    }
    this.#checkNames(key, channels, channelNames, 'channel', property?.line)
    const own = without(properties, ['channels', 'channel', 'interceptors', 'selector'])
    return {
      ...component,
      properties: own,
      channels,
      interceptors: this.#interceptors(component),
      selector: subComponent('selector', properties, 'selector.', 'replicating'),
    }
  }

  #interceptors({ name, properties }: ComponentConfig): ComponentConfig[] {
    const names = splitWords(properties.get('interceptors')?.value ?? '')
    for (const [key, { line }] of properties) {
      if (!key.startsWith('interceptors.')) continue
      const rest = key.slice('interceptors.'.length)
      if (names.some((each) => rest.startsWith(`${each}.`))) continue
      const each = rest.split('.')[0] as string
      this.#report(
        `sources.${name}.${key}`,
        `is for ${each}, which ${this.#name}.sources.${name}.interceptors does not list`,
        line,
      )
    }
    return names.map((each) => {
      const component = subComponent(each, properties, `interceptors.${each}.`, '')
      if (component.type === '') {
        const line = properties.get('interceptors')?.line
        this.#report(`sources.${name}.interceptors.${each}.type`, 'is missing', line)
      }
      return this.#withInline(`sources.${name}.interceptors.${each}`, component)
    })
  }

  #sink(component: ComponentConfig, channelNames: readonly string[]): SinkConfig {
    const { name, properties } = component
    const property = properties.get('channel')
    const channel = property?.value ?? ''
    const key = `sinks.${name}.channel`
    if (channel === '') {
      const plural = properties.get('channels')
      const hint = plural === undefined ? '' : '; a sink has one `channel`, without an s'
      this.#report(key, `is missing${hint}`, plural?.line ?? lineOf(properties))
    } else this.#checkNames(key, [channel], channelNames, 'channel', property?.line)
    return { ...component, properties: without(properties, ['channel', 'channels']), channel }
  }

  #group({ name, properties }: ComponentConfig, sinks: readonly SinkConfig[]): SinkGroupConfig {
    const property = properties.get('sinks')
    const members = splitWords(property?.value ?? '')
    const key = `sinkgroups.${name}.sinks`
    if (members.length === 0) this.#report(key, 'is missing', property?.line ?? lineOf(properties))
    const known = sinks.map((sink) => sink.name)
    this.#checkNames(key, members, known, 'sink', property?.line)
    const channels = new Set(
      sinks.filter((sink) => members.includes(sink.name)).map(({ channel }) => channel),
    )
    if (channels.size > 1) {
      this.#report(
        key,
        `names sinks of different channels (${[...channels].join(', ')}): a group shares one`,
        property?.line,
      )
    }
    for (const [each, { line }] of properties) {
      if (each === 'sinks' || each.startsWith('processor.')) continue
      this.#report(
        `sinkgroups.${name}.${each}`,
        'is not known; a group has sinks and processor.*',
        line,
      )
    }
    return {
      name,
      sinks: members,
      processor: subComponent('processor', properties, 'processor.', 'default'),
    }
  }

  #checkGroups(groups: readonly SinkGroupConfig[]): void {
    const owner = new Map<string, string>()
    for (const { name, sinks } of groups) {
      for (const sink of sinks) {
        const other = owner.get(sink)
        if (other !== undefined) {
          this.#report(
            `sinkgroups.${name}.sinks`,
            `names ${sink}, which is in group ${other} already`,
          )
        }
        owner.set(sink, name)
      }
    }
  }

  #checkNames(
    key: string,
    names: readonly string[],
    known: readonly string[],
    what: string,
    line: number | undefined,
  ): void {
    for (const name of names) {
      if (known.includes(name)) continue
      const nearest = nearestSpelling(name, known)
      const hint =
        nearest !== undefined
          ? `; did you mean ${nearest}?`
          : `; there is ${known.length === 0 ? 'none' : known.join(', ')}`
      this.#report(key, `names ${what} ${name}, which does not exist${hint}`, line)
    }
  }
}

function lineOf(properties: ReadonlyMap<string, Property>): number | undefined {
  const [first] = properties.values()
  return first?.line
}

/** The entries of a part of a component, as a component of its own. */
function subComponent(
  name: string,
  all: ReadonlyMap<string, Property>,
  prefix: string,
  defaultType: string,
): ComponentConfig {
  const properties = new Map<string, Property>()
  for (const [key, property] of all) {
    if (key.startsWith(prefix)) properties.set(key.slice(prefix.length), property)
  }
  return { name, type: properties.get('type')?.value ?? defaultType, properties }
}

function without(
  properties: ReadonlyMap<string, Property>,
  names: readonly string[],
): Map<string, Property> {
  return new Map(
    [...properties].filter(
      ([key]) => !names.some((name) => key === name || key.startsWith(`${name}.`)),
    ),
  )
}
