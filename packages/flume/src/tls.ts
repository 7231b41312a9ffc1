// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import type { ConnectionOptions, SecureContextOptions, TlsOptions } from 'node:tls'
import { certificatesOf, type Identity, identityOf } from '@millrace/base/keystore'
import { boolean, type CheckProblem, choice, ignored, optionalText, text } from './config/keys.ts'
import { pathOf } from './config/paths.ts'
import { ChannelError, reasonOf } from './errors.ts'

const STORE_TYPES = ['JKS', 'PKCS12', 'PEM', 'JCEKS'] as const

/**
 * Keys of a source that listens with TLS. The type of a store is recognized by its content; `type`
 * is only checked.
 */
export const serverTlsKeys = {
  ssl: boolean(false, { alsoKnownAs: ['enableSSL'] }),
  keystore: optionalText(),
  keystorePassword: optionalText({ key: 'keystore-password', alsoKnownAs: ['keystorePassword'] }),
  keystoreType: choice(STORE_TYPES, 'JKS', { key: 'keystore-type' }),
  excludeProtocols: text('SSLv3', { key: 'exclude-protocols', alsoKnownAs: ['excludeProtocols'] }),
  includeProtocols: optionalText({ key: 'include-protocols' }),
  excludeCipherSuites: optionalText({ key: 'exclude-cipher-suites' }),
  includeCipherSuites: optionalText({ key: 'include-cipher-suites' }),
}

/** Keys of an HTTP server for client certificates, users and tokens. Flume has none of them. */
export const httpGuardKeys = {
  clientAuth: choice(['none', 'required'], 'none', { key: 'client-auth' }),
  truststore: optionalText(),
  truststorePassword: optionalText({ key: 'truststore-password' }),
  usersFile: optionalText({ key: 'auth.users.file' }),
  tokensFile: optionalText({ key: 'auth.tokens.file' }),
}

interface ClientAuth {
  readonly clientAuth: 'none' | 'required'
  readonly truststore: string | undefined
  readonly truststorePassword: string | undefined
}

/** Problems with the certificates that clients must show. */
export function checkClientAuth(config: ClientAuth & ServerTls): CheckProblem[] {
  if (config.clientAuth === 'none') return []
  if (!config.ssl) return [{ key: 'client-auth', message: 'needs ssl = true' }]
  if (config.truststore !== undefined) return []
  return [{ key: 'truststore', message: 'is missing: client-auth = required needs it' }]
}

/** Options that make a TLS server require a certificate of its clients. */
export function clientAuthOf(config: ClientAuth, directory: string): TlsOptions {
  if (config.clientAuth === 'none') return {}
  return {
    requestCert: true,
    rejectUnauthorized: true,
    ca: trusted(config.truststore as string, config.truststorePassword, directory),
  }
}

/** Keys of a sink that connects with TLS. */
export const clientTlsKeys = {
  ssl: boolean(false),
  trustAllCerts: boolean(false, { key: 'trust-all-certs' }),
  truststore: optionalText(),
  truststorePassword: optionalText({ key: 'truststore-password' }),
  truststoreType: choice(STORE_TYPES, 'JKS', { key: 'truststore-type' }),
  keystore: optionalText(),
  keystorePassword: optionalText({ key: 'keystore-password' }),
  keystoreType: choice(STORE_TYPES, 'JKS', { key: 'keystore-type' }),
  excludeProtocols: text('SSLv3', { key: 'exclude-protocols' }),
  includeProtocols: optionalText({ key: 'include-protocols' }),
  excludeCipherSuites: optionalText({ key: 'exclude-cipher-suites' }),
  includeCipherSuites: optionalText({ key: 'include-cipher-suites' }),
  componentKeystore: ignored('said by keystore', { key: 'component-keystore' }),
}

interface Protocols {
  readonly excludeProtocols: string
  readonly includeProtocols: string | undefined
  readonly includeCipherSuites: string | undefined
}

interface ServerTls extends Protocols {
  readonly ssl: boolean
  readonly keystore: string | undefined
  readonly keystorePassword: string | undefined
}

interface ClientTls extends Protocols {
  readonly ssl: boolean
  readonly trustAllCerts: boolean
  readonly truststore: string | undefined
  readonly truststorePassword: string | undefined
  readonly keystore: string | undefined
  readonly keystorePassword: string | undefined
}

/** Problems with the keys of a listening source. */
export function checkServerTls(config: ServerTls): CheckProblem[] {
  if (!config.ssl || config.keystore !== undefined) return []
  return [{ key: 'keystore', message: 'is missing: ssl = true needs the key to show to clients' }]
}

/** Options of `tls.createServer`; undefined without `ssl`. */
export function serverTls(config: ServerTls, directory: string): TlsOptions | undefined {
  if (!config.ssl) return undefined
  return {
    ...identity(config.keystore as string, config.keystorePassword, directory),
    ...protocols(config),
  }
}

/** Options of `tls.connect`; undefined without `ssl`. */
export function clientTls(config: ClientTls, directory: string): ConnectionOptions | undefined {
  if (!config.ssl) return undefined
  return {
    ...(config.keystore === undefined
      ? {}
      : identity(config.keystore, config.keystorePassword, directory)),
    ...(config.truststore === undefined
      ? {}
      : { ca: trusted(config.truststore, config.truststorePassword, directory) }),
    ...protocols(config),
    rejectUnauthorized: !config.trustAllCerts,
    // As Flume's Avro client: the chain is checked, the host name is not.
    checkServerIdentity: () => undefined,
  }
}

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

function protocols(
  config: Protocols,
): Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'ciphers'> {
  const split = (list: string): string[] => list.split(/[\s,]+/).filter((word) => word !== '')
  const included =
    config.includeProtocols === undefined ? undefined : split(config.includeProtocols)
  const excluded = split(config.excludeProtocols)
  const allowed = VERSIONS.slice(2).filter(
    (version) => (included?.includes(version) ?? true) && !excluded.includes(version),
  )
  const [min] = allowed
  const max = allowed.at(-1)
  if (min === undefined || max === undefined) {
    throw new ChannelError(
      'no TLS version is left by include-protocols and exclude-protocols; there are TLSv1.2 and TLSv1.3',
    )
  }
  const ciphers = config.includeCipherSuites
  return {
    minVersion: min,
    maxVersion: max,
    ...(ciphers === undefined ? {} : { ciphers: split(ciphers).join(':') }),
  }
}

/** Key and certificates of a store, whatever its type. */
function identity(path: string, password: string | undefined, directory: string): Identity {
  try {
    return identityOf(readFileSync(pathOf(path, directory)), { store: password })
  } catch (error) {
    throw new ChannelError(`cannot read keystore ${path}: ${reasonOf(error)}`, error)
  }
}

/** Trusted certificates. */
function trusted(path: string, password: string | undefined, directory: string): string[] {
  try {
    return certificatesOf(readFileSync(pathOf(path, directory)), password)
  } catch (error) {
    throw new ChannelError(`cannot read truststore ${path}: ${reasonOf(error)}`, error)
  }
}
