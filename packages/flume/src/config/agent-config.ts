// SPDX-License-Identifier: Apache-2.0
import type { Properties } from './keys.ts'
import type { Place } from './problem.ts'

/** A component of a configuration. */
export interface ComponentConfig {
  readonly name: string
  /** Empty if it is missing. */
  readonly type: string
  /** Its entries, without the prefix of agent and component; with `type`. */
  readonly properties: Properties
  /** A class, definition or function in place of the name of a type. */
  readonly inline?: unknown
}

export interface SourceConfig extends ComponentConfig {
  readonly channels: readonly string[]
  readonly interceptors: readonly ComponentConfig[]
  readonly selector: ComponentConfig
}

export interface SinkConfig extends ComponentConfig {
  /** Empty if it is missing. */
  readonly channel: string
}

export interface SinkGroupConfig {
  readonly name: string
  readonly sinks: readonly string[]
  readonly processor: ComponentConfig
  readonly properties: Properties
}

/** An agent of a configuration. */
export interface AgentConfig {
  readonly name: string
  /** Place of problems that have no line: the path of a file, or `agent NAME`. */
  readonly where: string
  /** Base directory of relative paths. */
  readonly directory: string
  readonly sources: readonly SourceConfig[]
  readonly channels: readonly ComponentConfig[]
  readonly sinks: readonly SinkConfig[]
  readonly sinkGroups: readonly SinkGroupConfig[]
}

/** Place of a component in the configuration: that of its type, else of its first entry. */
export function placeOf({ properties }: { readonly properties: Properties }): Place | undefined {
  const [first] = properties.values()
  return properties.get('type') ?? first
}
