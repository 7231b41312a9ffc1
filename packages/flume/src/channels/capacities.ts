// SPDX-License-Identifier: Apache-2.0
import type { CheckProblem } from '../config/keys.ts'

import { ChannelFullError } from '../errors.ts'

/** Throws `ChannelFullError` for a batch that exceeds the transaction capacity. */
export function requireFit(channel: string, count: number, transactionCapacity: number): void {
  if (count <= transactionCapacity) return
  throw new ChannelFullError(
    `channel ${channel} takes ${transactionCapacity} events in a transaction, not ${count}: raise its transactionCapacity, or lower the batch size`,
  )
}

/** Problems with a transaction capacity above the capacity. */
export function checkCapacities(config: {
  readonly capacity: number
  readonly transactionCapacity: number
}): CheckProblem[] {
  if (config.transactionCapacity <= config.capacity) return []
  return [
    {
      key: 'transactionCapacity',
      message: `is ${config.transactionCapacity}, more than the channel's capacity of ${config.capacity}`,
    },
  ]
}
