// SPDX-License-Identifier: Apache-2.0
import { defaultProcessor } from './default-processor.ts'
import { failoverProcessor } from './failover-processor.ts'
import { loadBalancingProcessor } from './load-balancing-processor.ts'

export const sinkProcessors = [defaultProcessor, failoverProcessor, loadBalancingProcessor] as const
