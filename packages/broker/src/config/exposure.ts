// SPDX-License-Identifier: Apache-2.0
import { isLoopback, isReadableByOthers } from '@millrace/base'
import type { BrokerConfig } from './broker-config.ts'
import { ConfigError } from './config-definition.ts'
import type { ListenerConfig } from './listeners.ts'

/**
 * Throws `ConfigError` for a listener that other machines can reach without authentication and
 * authorizer, so that every client would be allowed everything. `allow.insecure.listeners` permits
 * it.
 */
export function checkExposure(config: BrokerConfig): void {
  if (config.boolean('allow.insecure.listeners')) return
  if (config.string('authorizer.class.name') !== '') return
  const open = config.listeners.find(
    (listener) => !isLoopback(listener.host) && !isAuthenticated(config, listener),
  )
  if (open === undefined) return
  const { listenerName, host, port } = open
  const address = `${host === '' ? '0.0.0.0' : host}:${port}`
  throw new ConfigError(
    'listeners',
    `Listener ${listenerName} on ${address} would let anyone on the network read and write everything: it has neither authentication nor an authorizer. Set up SASL or TLS client authentication, listen on 127.0.0.1, or accept it with --insecure (allow.insecure.listeners=true), as in a container whose ports are published to the host only`,
  )
}

function isAuthenticated(
  config: BrokerConfig,
  { listenerName, securityProtocol }: ListenerConfig,
): boolean {
  if (securityProtocol.startsWith('SASL_')) return true
  if (securityProtocol !== 'SSL') return false
  return config.listenerText(listenerName, 'ssl.client.auth') === 'required'
}

/** A warning for each file with a private key that other accounts of the machine may read. */
export function readableKeys(config: BrokerConfig): string[] {
  const paths = new Map(
    [...config.given].flatMap(([key, path]) =>
      /(^|\.)ssl\.keystore\.location$/.test(key) ? [[path.trim(), key] as const] : [],
    ),
  )
  return [...paths].flatMap(([path, key]) =>
    isReadableByOthers(path)
      ? [`${path} (${key}) contains a private key and is readable by others; chmod 600 ${path}`]
      : [],
  )
}
