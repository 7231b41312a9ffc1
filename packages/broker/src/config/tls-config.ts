// SPDX-License-Identifier: Apache-2.0
// What the configuration says about TLS on one listener.
import { openSslCipherName } from '@millrace/base'
import type { BrokerConfig, BrokerConfigKey } from './broker-config.ts'
import { ConfigError, invalidValue } from './config-definition.ts'

/** Where a key or certificates come from. */
export type StoreConfig =
  | {
      readonly kind: 'file'
      /** Key of the configuration, for errors. */
      readonly key: string
      readonly path: string
      readonly password: string | undefined
    }
  | { readonly kind: 'inline'; readonly key: string; readonly pem: string }

/** TLS of one listener, as configured. */
export interface TlsConfig {
  readonly listenerName: string
  readonly keystore: StoreConfig
  /** Password of the private key, if it is not that of the store. */
  readonly keyPassword: string | undefined
  /** Undefined if clients are not asked for certificates that this listener could check. */
  readonly truststore: StoreConfig | undefined
  readonly clientAuth: 'none' | 'requested' | 'required'
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'
  /** OpenSSL's names, separated by colons; undefined for the default. */
  readonly ciphers: string | undefined
  /** Whether a new certificate may have another subject. */
  readonly allowDnChanges: boolean
  /** Whether a new certificate may have other alternative names. */
  readonly allowSanChanges: boolean
}

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const STORE_TYPES = ['PEM', 'PKCS12', 'JKS']

/**
 * Reads and checks the TLS settings of a listener. Throws `ConfigError`, which quotes no secret.
 */
export function tlsConfigOf(
  config: BrokerConfig,
  listenerName: string,
  /** Names of the cipher suites that Node has. */
  knownCiphers: readonly string[],
): TlsConfig {
  const text = (key: BrokerConfigKey): string | undefined => {
    const value = config.listenerText(listenerName, key)
    return value === null || value === '' ? undefined : value
  }
  for (const key of ['ssl.keystore.type', 'ssl.truststore.type'] as const) {
    const type = text(key)
    if (type !== undefined && !STORE_TYPES.includes(type.toUpperCase())) {
      throw invalidValue(key, type, `one of ${STORE_TYPES.join(', ')}`)
    }
  }
  // If SASL authenticates clients, Kafka requests a certificate only if the listener's own key is
  // set.
  const isSasl = config.listeners.some(
    (each) => each.listenerName === listenerName && each.securityProtocol === 'SASL_SSL',
  )
  const own = config.ownListenerText(listenerName, 'ssl.client.auth')
  const clientAuth = ((isSasl ? own : text('ssl.client.auth')) ?? 'none') as TlsConfig['clientAuth']
  const truststore = truststoreOf(text)
  if (truststore === undefined && clientAuth !== 'none') {
    throw new ConfigError(
      'ssl.truststore.location',
      `Missing configuration ssl.truststore.location for listener ${listenerName}: ssl.client.auth=${clientAuth} needs the certificates that sign those of clients`,
    )
  }
  return {
    listenerName,
    keystore: keystoreOf(text, listenerName),
    keyPassword: text('ssl.key.password'),
    truststore,
    clientAuth,
    ...versionsOf(config.listenerList(listenerName, 'ssl.enabled.protocols')),
    ciphers: ciphersOf(config.listenerList(listenerName, 'ssl.cipher.suites'), knownCiphers),
    allowDnChanges: text('ssl.allow.dn.changes')?.toLowerCase() === 'true',
    allowSanChanges: text('ssl.allow.san.changes')?.toLowerCase() === 'true',
  }
}

type Text = (key: BrokerConfigKey) => string | undefined

function keystoreOf(text: Text, listenerName: string): StoreConfig {
  const path = text('ssl.keystore.location')
  const privateKey = text('ssl.keystore.key')
  const chain = text('ssl.keystore.certificate.chain')
  if (privateKey !== undefined || chain !== undefined) {
    if (path !== undefined) {
      throw invalidValue('ssl.keystore.location', path, 'no value beside ssl.keystore.key')
    }
    if (privateKey === undefined || chain === undefined) {
      const [missing, given] = ['ssl.keystore.key', 'ssl.keystore.certificate.chain']
      const isKeyMissing = privateKey === undefined
      throw new ConfigError(
        'ssl.keystore.key',
        `Missing configuration ${isKeyMissing ? missing : given}: it belongs to ${isKeyMissing ? given : missing}`,
      )
    }
    return { kind: 'inline', key: 'ssl.keystore.key', pem: `${privateKey}\n${chain}` }
  }
  if (path === undefined) {
    throw new ConfigError(
      'ssl.keystore.location',
      `Missing configuration ssl.keystore.location for listener ${listenerName}: expected a PEM or PKCS12 file with the private key and its certificates`,
    )
  }
  const password = text('ssl.keystore.password')
  refusePasswordOfPem('ssl.keystore.password', password, text('ssl.keystore.type'))
  return { kind: 'file', key: 'ssl.keystore.location', path, password }
}

function truststoreOf(text: Text): StoreConfig | undefined {
  const path = text('ssl.truststore.location')
  const pem = text('ssl.truststore.certificates')
  const password = text('ssl.truststore.password')
  if (pem !== undefined) {
    if (path !== undefined) {
      throw invalidValue(
        'ssl.truststore.location',
        path,
        'no value beside ssl.truststore.certificates',
      )
    }
    return { kind: 'inline', key: 'ssl.truststore.certificates', pem }
  }
  if (path === undefined) return undefined
  refusePasswordOfPem('ssl.truststore.password', password, text('ssl.truststore.type'))
  return { kind: 'file', key: 'ssl.truststore.location', path, password }
}

function refusePasswordOfPem(
  key: string,
  password: string | undefined,
  type: string | undefined,
): void {
  if (password === undefined || type?.toUpperCase() !== 'PEM') return
  throw new ConfigError(
    key,
    `Invalid value [hidden] for configuration ${key}: expected no value with PEM; the password of an encrypted key is ssl.key.password`,
  )
}

function versionsOf(enabled: readonly string[]): Pick<TlsConfig, 'minVersion' | 'maxVersion'> {
  const unknown = enabled.find((name) => !VERSIONS.some((version) => version === name))
  const known = VERSIONS.filter((version) => enabled.includes(version))
  const [minVersion] = known
  const maxVersion = known.at(-1)
  if (unknown !== undefined || minVersion === undefined || maxVersion === undefined) {
    throw invalidValue('ssl.enabled.protocols', enabled.join(','), 'TLSv1.2, TLSv1.3 or both')
  }
  return { minVersion, maxVersion }
}

function ciphersOf(suites: readonly string[], knownCiphers: readonly string[]): string | undefined {
  if (suites.length === 0) return undefined
  const known = new Set(knownCiphers.map((name) => name.toUpperCase()))
  const names = suites.map((suite) => {
    const name = openSslCipherName(suite)
    if (known.has(name)) return name
    throw invalidValue(
      'ssl.cipher.suites',
      suite,
      'names as TLS_AES_256_GCM_SHA384 or TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
    )
  })
  return names.join(':')
}
