// SPDX-License-Identifier: Apache-2.0
import type { RegistryRecord } from './registry-record.ts'
import type { RegistryState } from './registry-state.ts'
import type { SchemaParser } from './schema-parser.ts'

/** What an operation reads: the state, and parsed schemas. */
export interface RegistryView {
  /** The state. */
  readonly state: RegistryState
  /** Parses the schemas of requests and of the state. */
  readonly parser: SchemaParser
}

/** What an operation changes, and its reply once the records are in the topic. */
export interface Decision<T> {
  /** Records to write, in order. */
  readonly records: readonly RegistryRecord[]
  /** Reply, if the records were applied. */
  readonly reply: T
}

/** A reply without changes. */
export function unchanged<T>(reply: T): Decision<T> {
  return { records: [], reply }
}
