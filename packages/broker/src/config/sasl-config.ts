// SPDX-License-Identifier: Apache-2.0
// SASL settings of one listener (KIP-103, KIP-152).
import { parseJaas } from '@millrace/base'
import type { BrokerConfig } from './broker-config.ts'
import { ConfigError, invalidValue } from './config-definition.ts'
import { saslServerHandlers } from './sasl-classes.ts'

/** SASL mechanisms that the broker has. */
export const saslMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const
/** Name of a SASL mechanism. */
export type SaslMechanismName = (typeof saslMechanisms)[number]

/** Settings of one mechanism of a listener. */
export interface SaslMechanismConfig {
  readonly mechanism: SaslMechanismName
  /** Passwords by user, of PLAIN; undefined without a JAAS configuration. */
  readonly users: ReadonlyMap<string, string> | undefined
  /** Longest session without authenticating again, milliseconds; 0 for no limit. */
  readonly maxReauthMs: number
}

const MODULES: Readonly<Record<SaslMechanismName, string>> = {
  PLAIN: 'org.apache.kafka.common.security.plain.PlainLoginModule',
  'SCRAM-SHA-256': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  'SCRAM-SHA-512': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  OAUTHBEARER: 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule',
}

/** Callback handlers of Kafka whose work is done here without them. */
const HANDLERS: Partial<Readonly<Record<SaslMechanismName, readonly string[]>>> = saslServerHandlers

function isMechanism(name: string): name is SaslMechanismName {
  return saslMechanisms.some((mechanism) => mechanism === name)
}

/** Reads what a listener's mechanisms need. Throws `ConfigError`, which quotes no secret. */
export function saslConfigOf(config: BrokerConfig, listener: string): SaslMechanismConfig[] {
  const enabled = config.listenerList(listener, 'sasl.enabled.mechanisms')
  const unknown = enabled.find((name) => !isMechanism(name))
  if (unknown !== undefined || enabled.length === 0) {
    throw invalidValue(
      'sasl.enabled.mechanisms',
      unknown ?? '',
      `for listener ${listener} one or more of ${saslMechanisms.join(', ')}`,
    )
  }
  return enabled.filter(isMechanism).map((mechanism) => {
    checkHandler(config, listener, mechanism)
    return {
      mechanism,
      users: usersOf(config, listener, mechanism),
      maxReauthMs: Number(
        config.listenerText(listener, 'connections.max.reauth.ms', mechanism) ?? '0',
      ),
    }
  })
}

function checkHandler(config: BrokerConfig, listener: string, mechanism: SaslMechanismName): void {
  const key = 'sasl.server.callback.handler.class'
  const handler = config.listenerText(listener, key, mechanism)
  if (handler === null || HANDLERS[mechanism]?.includes(handler) === true) return
  const allowed = HANDLERS[mechanism]?.[0]
  throw invalidValue(
    key,
    handler,
    `${allowed === undefined ? 'no value' : allowed} for ${mechanism}: other Java classes cannot be loaded`,
  )
}

/** Users of PLAIN. Errors in another mechanism's JAAS configuration are errors here, too. */
function usersOf(
  config: BrokerConfig,
  listener: string,
  mechanism: SaslMechanismName,
): ReadonlyMap<string, string> | undefined {
  const key = `listener.name.${listener.toLowerCase()}.${mechanism.toLowerCase()}.sasl.jaas.config`
  const text = config.listenerJaas(listener, mechanism)
  if (text === null) return undefined
  let entry: ReturnType<typeof parseJaas>
  try {
    entry = parseJaas(text)
  } catch (error) {
    throw new ConfigError(
      key,
      `Invalid value [hidden] for configuration ${key}: ${(error as Error).message}`,
    )
  }
  // No other class is ever looked up (CVE-2023-25194, CVE-2025-27818, CVE-2025-27819).
  if (entry.module !== MODULES[mechanism]) {
    throw invalidValue(key, entry.module, `the login module ${MODULES[mechanism]}`)
  }
  if (mechanism !== 'PLAIN') return undefined
  return new Map(
    [...entry.options]
      .filter(([name]) => name.startsWith('user_') && name !== 'user_')
      .map(([name, password]) => [name.slice('user_'.length), password]),
  )
}
