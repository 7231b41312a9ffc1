// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'

import type { Reporter } from '../config/problem.ts'
import type { Planned } from './component-planner.ts'

/**
 * Whether the batch size of a component fits into a transaction of each of its channels, as Flume
 * 1.11 requires. A default size is reduced when the agent runs.
 */
export function checkBatch(
  prefix: string,
  planned: Planned<never, unknown>,
  channels: readonly Planned<never, unknown>[],
  reporter: Reporter,
): boolean {
  const { batchSize } = planned.values
  if (typeof batchSize !== 'number') return true
  const key = batchKey(planned)
  const property = planned.config.properties.get(key)
  if (property === undefined) return true
  let fits = true
  for (const { name, values } of channels) {
    const limit = values.transactionCapacity
    if (typeof limit !== 'number' || batchSize <= limit) continue
    const message = `is ${batchSize}, more than the transactionCapacity of channel ${name} (${limit})`
    reporter.remove(prefix, `${prefix}.${key}`, message, property)
    fits = false
  }
  return fits
}

/** Spelling of the batch size in the file. */
function batchKey({ definition, config }: Planned<never, unknown>): string {
  const key = definition.keys.batchSize
  if (key?.kind !== 'single') return 'batchSize'
  const spelled = [key.key ?? 'batchSize', ...(key.alsoKnownAs ?? [])]
  return spelled.find((each) => config.properties.has(each)) ?? elementAt(spelled, 0)
}
