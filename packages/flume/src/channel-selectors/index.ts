// SPDX-License-Identifier: Apache-2.0
import { loadBalancingSelector } from './load-balancing-selector.ts'
import { multiplexingSelector } from './multiplexing-selector.ts'
import { replicatingSelector } from './replicating-selector.ts'

export const channelSelectors = [
  replicatingSelector,
  multiplexingSelector,
  loadBalancingSelector,
] as const
