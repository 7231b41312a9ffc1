// SPDX-License-Identifier: Apache-2.0
import type { RegistryRecord } from './registry-record.ts'
import type { RegistryState, SchemaEntry } from './registry-state.ts'
import { contextOf } from './subject.ts'

/**
 * Records with the highest ids of contexts, to be written before versions are removed that are the
 * last to have them: an id is not assigned again after a restart. Confluent's registry reads such a
 * record as a no-op.
 */
export function highestIds(
  state: RegistryState,
  removed: readonly SchemaEntry[],
): RegistryRecord[] {
  const contexts = new Set(removed.map(({ subject }) => contextOf(subject)))
  return [...contexts]
    .filter((context) => !state.keepsMaxId(context, removed))
    .map((context) => ({ kind: 'maxId', context, value: state.maxId(context) }) as const)
}
