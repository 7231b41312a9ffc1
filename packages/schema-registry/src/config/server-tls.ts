// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import type { TlsOptions } from 'node:tls'
import type { Logger } from '@millrace/base'
import { certificatesOf, identityOf, Reloaded } from '@millrace/base/keystore'
import { type RegistryConfig, RegistryConfigError } from './registry-config.ts'

type FileKey = 'ssl.keystore.location' | 'ssl.truststore.location'
type PasswordKey = 'ssl.keystore.password' | 'ssl.key.password' | 'ssl.truststore.password'

/**
 * TLS of the `https` listeners: key and certificates, loaded again when a file changes. The
 * constructor throws `RegistryConfigError` for files that cannot be used.
 */
export class ServerTls {
  readonly #config: RegistryConfig
  readonly #loaded: Reloaded<TlsOptions>

  constructor(config: RegistryConfig, logger: Logger) {
    this.#config = config
    this.#loaded = new Reloaded({
      read: () => this.#read(),
      onLoaded: () => logger.info('loaded a new certificate for the schema registry'),
      onFailed: ({ message }) =>
        logger.error('the schema registry keeps its old certificate', { error: message }),
    })
  }

  /** Options of `tls.createServer`. */
  get options(): TlsOptions {
    return this.#loaded.value
  }

  /** Reads the files again. Returns the options if something changed and can be used. */
  refresh(): TlsOptions | undefined {
    return this.#loaded.refresh()
  }

  #read() {
    const keystore = this.#bytesOf('ssl.keystore.location')
    if (keystore === undefined) {
      throw new RegistryConfigError(
        'ssl.keystore.location is missing: an https listener needs its key and certificate',
      )
    }
    const truststore = this.#bytesOf('ssl.truststore.location')
    return {
      parts: [keystore, truststore ?? ''],
      create: (): TlsOptions => ({
        ...this.#used('ssl.keystore.location', () =>
          identityOf(keystore, {
            store: this.#password('ssl.keystore.password'),
            key: this.#password('ssl.key.password'),
          }),
        ),
        ...this.#clientAuthentication(truststore),
        minVersion: 'TLSv1.2',
      }),
    }
  }

  #clientAuthentication(truststore: Buffer | undefined): TlsOptions {
    const isRequired = this.#config.boolean('ssl.client.auth')
    const mode = isRequired ? 'REQUIRED' : this.#config.text('ssl.client.authentication')
    if (mode === 'NONE') return {}
    if (truststore === undefined) {
      throw new RegistryConfigError(
        `ssl.truststore.location is missing: ssl.client.authentication=${mode} needs it`,
      )
    }
    const ca = this.#used('ssl.truststore.location', () =>
      certificatesOf(truststore, this.#password('ssl.truststore.password')),
    )
    return { requestCert: true, rejectUnauthorized: mode === 'REQUIRED', ca }
  }

  #password(key: PasswordKey): string | undefined {
    const text = this.#config.text(key)
    return text === '' ? undefined : text
  }

  #bytesOf(key: FileKey): Buffer | undefined {
    const path = this.#config.text(key)
    return path === '' ? undefined : this.#used(key, () => readFileSync(path))
  }

  #used<T>(key: FileKey, use: () => T): T {
    try {
      return use()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const path = this.#config.text(key)
      throw new RegistryConfigError(`cannot use ${key}=${path}: ${reason}`, error)
    }
  }
}
