// SPDX-License-Identifier: Apache-2.0
import type { DestinationPolicy } from '../config/destination-policy.ts'

/** The settings of a destination that decide about failed deliveries. */
export type RedeliveryPolicy = Pick<
  DestinationPolicy,
  'maxDeliveryAttempts' | 'redeliveryDelayMs' | 'redeliveryMultiplier' | 'redeliveryMaxDelayMs'
>

/** What happens to a message after a failed delivery. */
export type Redelivery =
  | { readonly kind: 'discard' }
  /** Delivered again after a time; 0 for immediately. */
  | { readonly kind: 'deliver'; readonly delayMs: number }

/** Decides after the `count`-th failed delivery of a message. */
export function redeliveryAfter(policy: RedeliveryPolicy, count: number): Redelivery {
  const { maxDeliveryAttempts, redeliveryDelayMs, redeliveryMultiplier } = policy
  if (maxDeliveryAttempts > 0 && count >= maxDeliveryAttempts) return { kind: 'discard' }
  if (redeliveryDelayMs === 0) return { kind: 'deliver', delayMs: 0 }
  const grown = redeliveryDelayMs * redeliveryMultiplier ** (count - 1)
  return { kind: 'deliver', delayMs: Math.min(grown, policy.redeliveryMaxDelayMs) }
}
