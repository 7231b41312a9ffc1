// SPDX-License-Identifier: Apache-2.0

/** A transaction has to fit into its channel. */
export function checkCapacities(config: {
  readonly capacity: number
  readonly transactionCapacity: number
}): { readonly key: string; readonly message: string }[] {
  if (config.transactionCapacity <= config.capacity) return []
  return [
    {
      key: 'transactionCapacity',
      message: `is ${config.transactionCapacity}, more than the channel's capacity of ${config.capacity}`,
    },
  ]
}
