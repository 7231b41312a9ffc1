// SPDX-License-Identifier: Apache-2.0
import type { Properties } from './keys.ts'

/** A component as the configuration has it, before anything of it is made. */
export interface ComponentConfig {
  readonly name: string
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
  readonly channel: string
}

export interface SinkGroupConfig {
  readonly name: string
  readonly sinks: readonly string[]
  readonly processor: ComponentConfig
}

/** One agent of a configuration. */
export interface AgentConfig {
  readonly name: string
  /** What problems are reported against: a file's path, or `agent NAME`. */
  readonly where: string
  /** Relative paths start here. */
  readonly directory: string
  readonly sources: readonly SourceConfig[]
  readonly channels: readonly ComponentConfig[]
  readonly sinks: readonly SinkConfig[]
  readonly sinkGroups: readonly SinkGroupConfig[]
}
