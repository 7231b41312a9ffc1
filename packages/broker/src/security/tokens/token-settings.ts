// SPDX-License-Identifier: Apache-2.0
import type { BrokerConfig } from '../../config/broker-config.ts'
import type { TokenSettings } from './delegation-tokens.ts'

/** Settings of delegation tokens. */
export function tokenSettings(config: BrokerConfig): TokenSettings {
  return {
    secret: config.get('delegation.token.secret.key') || undefined,
    maxLifetimeMs: config.number('delegation.token.max.lifetime.ms'),
    renewPeriodMs: config.number('delegation.token.expiry.time.ms'),
  }
}
