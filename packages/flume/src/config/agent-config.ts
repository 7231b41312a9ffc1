// SPDX-License-Identifier: Apache-2.0
import type { Properties } from './keys.ts'
import type { Place } from './problem.ts'

/** A component as the configuration has it, before anything of it is created. */
export interface ComponentConfig {
  readonly name: string
  /** Empty when the configuration has none. */
  readonly type: string
  /** Its own entries, without the agent's and its own name before them; `type` is among them. */
  readonly properties: Properties
  /** A class, definition or function given in place of a type's name. */
  readonly inline?: unknown
}

export interface SourceConfig extends ComponentConfig {
  readonly channels: readonly string[]
  readonly interceptors: readonly ComponentConfig[]
  readonly selector: ComponentConfig
}

export interface SinkConfig extends ComponentConfig {
  /** Empty when the configuration has none. */
  readonly channel: string
}

export interface SinkGroupConfig {
  readonly name: string
  readonly sinks: readonly string[]
  readonly processor: ComponentConfig
  readonly properties: Properties
}

/** One agent of a configuration. */
export interface AgentConfig {
  readonly name: string
  /** What problems without a place of their own are reported against: a file's path, or `agent NAME`. */
  readonly where: string
  /** Relative paths start here. */
  readonly directory: string
  readonly sources: readonly SourceConfig[]
  readonly channels: readonly ComponentConfig[]
  readonly sinks: readonly SinkConfig[]
  readonly sinkGroups: readonly SinkGroupConfig[]
}

/** Where a component stands in the configuration: its type, or else its first entry. */
export function placeOf({ properties }: { readonly properties: Properties }): Place | undefined {
  const [first] = properties.values()
  return properties.get('type') ?? first
}
