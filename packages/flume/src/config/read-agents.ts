// SPDX-License-Identifier: Apache-2.0
import {
  elementAt,
  isProviderKey,
  nearestSpelling,
  parsePropertyLines,
  referenceResolver,
} from '@millrace/base'
import { reasonOf } from '../errors.ts'
import type {
  AgentConfig,
  ComponentConfig,
  SinkConfig,
  SinkGroupConfig,
  SourceConfig,
} from './agent-config.ts'
import { type Property, splitWords } from './keys.ts'
import { Reporter } from './problem.ts'
import { type ConfigFilter, makeFilter, substitute } from './substitute.ts'

/** A configuration file, or a text in place of one. */
export interface ConfigText {
  /** Name in messages. */
  readonly where: string
  /** Content of the file. */
  readonly text: string
}

/** An entry of a configuration. */
export interface Entry extends Property {
  readonly key: string
}

export interface ReadOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly system?: ReadonlyMap<string, string>
  readonly directory: string
  /** Classes, definitions or functions in place of types, by component: `a1.sources.s1`. */
  readonly inline?: ReadonlyMap<string, unknown>
}

/** Structure of an agent, and the problems found so far. */
export interface ReadAgent {
  readonly config: AgentConfig
  readonly reporter: Reporter
}

const SECTIONS = ['sources', 'channels', 'sinks', 'sinkgroups', 'configfilters'] as const
type Section = (typeof SECTIONS)[number]

/** What `String.trim` removes in Java. */
function javaTrim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 0x20) start++
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--
  return text.slice(start, end)
}

/**
 * Reads the structure of agents from Flume's configuration files: names and lists. The planner
 * checks references and entries of components. Later files override earlier ones, as in Flume.
 */
export function readAgents(texts: readonly ConfigText[], options: ReadOptions): ReadAgent[] {
  const entries = texts.flatMap(({ where, text }) =>
    parsePropertyLines(text.replace(/^\uFEFF/, '')).map(({ key, value, line }) => ({
      key: javaTrim(key),
      value: javaTrim(value),
      line,
      where,
    })),
  )
  return agentsOf(entries, { ...options, ignoresEmpty: true })
}

/** The same from entries. */
export function agentsOf(
  given: readonly Entry[],
  options: ReadOptions & { readonly ignoresEmpty?: boolean },
): ReadAgent[] {
  const entries = new Map(given.map((entry) => [entry.key, entry]))
  const byAgent = new Map<string, Entry[]>()
  for (const entry of entries.values()) {
    const at = entry.key.indexOf('.')
    // A name without a dot is a variable, used as `${name}` in other entries.
    if (at <= 0 || isProviderKey(entry.key)) continue
    const agent = entry.key.slice(0, at)
    const list = byAgent.get(agent) ?? []
    list.push(entry)
    byAgent.set(agent, list)
  }
  const values = new Map([...entries].map(([key, { value }]) => [key, value]))
  const references = referencesOf(values, options.environment)
  return [...byAgent]
    .filter(([, list]) => isAgent(list))
    .map(([name, list]) => new AgentReader(name, list, { ...options, values, references }).read())
}

/** Replaces references to the config providers of the file (KIP-297); throws an `Error`. */
type References = (key: string, value: string) => string

function referencesOf(
  values: ReadonlyMap<string, string>,
  environment: ReadOptions['environment'],
): References {
  try {
    const resolve = referenceResolver(values, { environment })
    return (key, value) => {
      try {
        return resolve(key, value)
      } catch (error) {
        throw new Error(reasonOf(error).replace(`${key}: `, ''))
      }
    }
  } catch (error) {
    const reason = reasonOf(error)
    return (_key, value) => {
      // An invalid provider concerns the entries that refer to one.
      if (/\$\{[^}]*:/.test(value)) throw new Error(reason)
      return value
    }
  }
}

interface ReaderOptions extends ReadOptions {
  readonly ignoresEmpty?: boolean
  /** All entries of the files. */
  readonly values: ReadonlyMap<string, string>
  readonly references: References
}

/**
 * Entries whose second word is not a section of an agent are variables, unless the agent has
 * nothing else.
 */
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
  readonly #options: ReaderOptions
  readonly #where: string
  readonly #reporter: Reporter
  /** Entries by their keys without the name of the agent. */
  readonly #entries = new Map<string, Entry>()

  constructor(name: string, entries: readonly Entry[], options: ReaderOptions) {
    this.#name = name
    this.#options = options
    this.#where = entries[0]?.where ?? `agent ${name}`
    this.#reporter = new Reporter(name, this.#where)
    const filters = new Map<string, ConfigFilter>()
    // Filters first: other entries may use their values.
    const isFilter = (entry: Entry): boolean => this.#own(entry).startsWith('configfilters')
    for (const entry of entries.filter(isFilter)) this.#add(entry, filters)
    this.#readFilters(filters)
    for (const entry of entries) if (!isFilter(entry)) this.#add(entry, filters)
  }

  #own({ key }: Entry): string {
    return key.slice(this.#name.length + 1)
  }

  #add(entry: Entry, filters: ReadonlyMap<string, ConfigFilter>): void {
    const key = this.#own(entry)
    const { environment, system = new Map(), values: properties, references } = this.#options
    let value = entry.value
    try {
      const replaced = substitute(value, { environment, system, properties, filters })
      value = references(entry.key, replaced.value)
      for (const text of replaced.unresolved) this.#reporter.warn(key, `has ${text}`, entry)
    } catch (error) {
      this.#reporter.stop(key, reasonOf(error), entry)
    }
    if (this.#options.ignoresEmpty === true && javaTrim(value) === '') {
      this.#reporter.warn(key, 'has no value and is ignored, as in Flume', entry)
    } else this.#entries.set(key, { ...entry, value })
  }

  #readFilters(filters: Map<string, ConfigFilter>): void {
    for (const { name, properties } of this.#components('configfilters')) {
      const texts = new Map([...properties].map(([key, { value }]) => [key, value]))
      try {
        const type = texts.get('type') ?? ''
        filters.set(name, makeFilter(type, texts, { environment: this.#options.environment }))
      } catch (error) {
        this.#reporter.warn(`configfilters.${name}`, reasonOf(error), properties.get('type'))
      }
    }
  }

  read(): ReadAgent {
    this.#checkSections()
    const config = {
      name: this.#name,
      where: this.#where,
      directory: this.#options.directory,
      channels: this.#components('channels'),
      sources: this.#components('sources').map((each) => this.#source(each)),
      sinks: this.#components('sinks').map((each) => this.#sink(each)),
      sinkGroups: this.#components('sinkgroups').map((each) => this.#group(each)),
    }
    return { config, reporter: this.#reporter }
  }

  #checkSections(): void {
    for (const [key, entry] of this.#entries) {
      const [section = ''] = key.split('.')
      if ((SECTIONS as readonly string[]).includes(section)) continue
      const nearest = nearestSpelling(section, SECTIONS)
      const hint =
        nearest === undefined
          ? `; after the agent's name comes ${SECTIONS.join(', ')}`
          : `; did you mean ${this.#name}.${nearest}?`
      this.#reporter.warn(key, `is not known${hint}`, entry)
    }
  }

  /**
   * Components that a section lists, with their entries. Entries of other components are reported.
   */
  #components(section: Section): ComponentConfig[] {
    const names = [...new Set(splitWords(this.#entries.get(section)?.value ?? ''))]
    const properties = new Map(names.map((name) => [name, new Map<string, Property>()]))
    const prefix = `${section}.`
    for (const [key, entry] of this.#entries) {
      if (!key.startsWith(prefix)) continue
      const rest = key.slice(prefix.length)
      // Names may contain dots; the longest match owns the entry.
      const owner = names
        .filter((name) => rest === name || rest.startsWith(`${name}.`))
        .sort((a, b) => b.length - a.length)[0]
      if (owner === undefined) this.#reportUnlisted(section, key, rest, names, entry)
      else if (rest !== owner) {
        const { value, line, where } = entry
        properties.get(owner)?.set(javaTrim(rest.slice(owner.length + 1)), { value, line, where })
      }
    }
    return names.map((name) => {
      const own = properties.get(name) as Map<string, Property>
      const component = { name, type: own.get('type')?.value ?? '', properties: own }
      return this.#withInline(`${section}.${name}`, component)
    })
  }

  #reportUnlisted(
    section: Section,
    key: string,
    rest: string,
    names: readonly string[],
    entry: Entry,
  ): void {
    const name = elementAt(rest.split('.'), 0)
    const nearest = nearestSpelling(name, names)
    const hint = names.includes(`${name},`)
      ? '; names are separated by blanks, without commas'
      : nearest === undefined
        ? ''
        : `; did you mean ${nearest}?`
    const message = `is for ${name}, which ${this.#name}.${section} does not list${hint}`
    this.#reporter.warn(key, message, entry)
  }

  #withInline(place: string, component: ComponentConfig): ComponentConfig {
    const inline = this.#options.inline?.get(`${this.#name}.${place}`)
    return inline === undefined ? component : { ...component, inline }
  }

  #source(component: ComponentConfig): SourceConfig {
    const { properties } = component
    return {
      ...component,
      channels: [...new Set(splitWords(properties.get('channels')?.value ?? ''))],
      interceptors: this.#interceptors(component),
      selector: subComponent('selector', properties, 'selector.', 'replicating'),
    }
  }

  #interceptors({ name, properties }: ComponentConfig): ComponentConfig[] {
    const names = splitWords(properties.get('interceptors')?.value ?? '')
    for (const [key, property] of properties) {
      if (!key.startsWith('interceptors.')) continue
      const rest = key.slice('interceptors.'.length)
      if (names.some((each) => rest.startsWith(`${each}.`))) continue
      const each = elementAt(rest.split('.'), 0)
      this.#reporter.warn(
        `sources.${name}.${key}`,
        `is for ${each}, which ${this.#name}.sources.${name}.interceptors does not list`,
        property,
      )
    }
    return names.map((each) =>
      this.#withInline(
        `sources.${name}.interceptors.${each}`,
        subComponent(each, properties, `interceptors.${each}.`, ''),
      ),
    )
  }

  #sink(component: ComponentConfig): SinkConfig {
    return { ...component, channel: component.properties.get('channel')?.value ?? '' }
  }

  #group({ name, properties }: ComponentConfig): SinkGroupConfig {
    for (const [key, property] of properties) {
      if (key === 'sinks' || key.startsWith('processor.')) continue
      const message = 'is not known; a group has sinks and processor.*'
      this.#reporter.warn(`sinkgroups.${name}.${key}`, message, property)
    }
    return {
      name,
      sinks: [...new Set(splitWords(properties.get('sinks')?.value ?? ''))],
      processor: subComponent('processor', properties, 'processor.', 'default'),
      properties,
    }
  }
}

/** Entries of a part of a component, as a component. */
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
