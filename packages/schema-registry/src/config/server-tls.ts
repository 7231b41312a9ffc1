// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs'
import type { TlsOptions } from 'node:tls'
import { certificatesOf, identityOf } from '@millrace/base/keystore'
import { type RegistryConfig, RegistryConfigError } from './registry-config.ts'

/** Certificates of the `https` listeners, and when their files were changed. */
export interface ServerTls {
  /** Options of `tls.createServer`. */
  readonly options: TlsOptions
  /** Changes when a file does. */
  readonly version: string
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function read<T>(key: string, path: string, of: (bytes: Buffer) => T): T {
  try {
    return of(readFileSync(path))
  } catch (error) {
    throw new RegistryConfigError(`cannot read ${key}=${path}: ${reasonOf(error)}`, error)
  }
}

/** Reads the certificates of the `https` listeners. Throws `RegistryConfigError`. */
export function readServerTls(config: RegistryConfig): ServerTls {
  const password = (key: 'ssl.keystore.password' | 'ssl.key.password'): string | undefined =>
    config.text(key) === '' ? undefined : config.text(key)
  const keystore = config.text('ssl.keystore.location')
  if (keystore === '') {
    throw new RegistryConfigError('ssl.keystore.location is missing: an https listener needs it')
  }
  const version = serverTlsVersion(config)
  const identity = read('ssl.keystore.location', keystore, (bytes) =>
    identityOf(bytes, {
      store: password('ssl.keystore.password'),
      key: password('ssl.key.password'),
    }),
  )
  return {
    options: { ...identity, ...clientAuthentication(config), minVersion: 'TLSv1.2' },
    version,
  }
}

function clientAuthentication(config: RegistryConfig): TlsOptions {
  const isRequired = config.boolean('ssl.client.auth')
  const mode = isRequired ? 'REQUIRED' : config.text('ssl.client.authentication')
  if (mode === 'NONE') return {}
  const truststore = config.text('ssl.truststore.location')
  if (truststore === '') {
    throw new RegistryConfigError(
      `ssl.truststore.location is missing: ssl.client.authentication=${mode} needs it`,
    )
  }
  const password = config.text('ssl.truststore.password')
  const ca = read('ssl.truststore.location', truststore, (bytes) =>
    certificatesOf(bytes, password === '' ? undefined : password),
  )
  return { requestCert: true, rejectUnauthorized: mode === 'REQUIRED', ca }
}

/** Times and sizes of the files with certificates; empty for files that are missing. */
export function serverTlsVersion(config: RegistryConfig): string {
  return (['ssl.keystore.location', 'ssl.truststore.location'] as const)
    .map((key) => {
      const stats = statSync(config.text(key), { throwIfNoEntry: false })
      return stats === undefined ? '' : `${stats.mtimeMs} ${stats.size} ${stats.ino}`
    })
    .join(' ')
}
