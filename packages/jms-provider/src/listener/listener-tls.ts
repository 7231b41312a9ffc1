// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { TlsOptions } from 'node:tls'
import { type Logger, systemErrorCode } from '@millrace/base'
import { certificatesOf, identityOf, Reloaded } from '@millrace/base/keystore'
import { type ProviderConfig, ProviderConfigError } from '../config/provider-config.ts'

type FileKey = 'tls.certificate.file' | 'tls.key.file' | 'tls.ca.file'

/**
 * TLS of the listeners: key and certificates, loaded again when a file changes. The constructor
 * throws `ProviderConfigError` for files that cannot be used.
 */
export class ListenerTls {
  readonly #config: ProviderConfig
  readonly #loaded: Reloaded<TlsOptions>

  constructor(config: ProviderConfig, logger: Logger) {
    this.#config = config
    this.#loaded = new Reloaded({
      read: () => this.#read(),
      onLoaded: () => logger.info('loaded a new certificate for AMQP'),
      onFailed: ({ message }) =>
        logger.error('AMQP listeners keep their old certificate', { error: message }),
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
    const certificate = this.#bytesOf('tls.certificate.file')
    if (certificate === undefined) {
      throw new ProviderConfigError(
        'a TLS listener requires amqp.tls.certificate.file, and amqp.tls.key.file unless that file has the key',
      )
    }
    const key = this.#bytesOf('tls.key.file')
    const ca = this.#bytesOf('tls.ca.file')
    return {
      parts: [certificate, key ?? '', ca ?? ''],
      create: (): TlsOptions => {
        const identity = this.#identityOf(certificate, key)
        const auth = this.#config.text('tls.client.auth')
        return {
          ...identity,
          ...(ca === undefined ? {} : { ca: this.#trusted(ca) }),
          requestCert: auth !== 'none',
          rejectUnauthorized: auth === 'required',
        }
      },
    }
  }

  #identityOf(certificate: Buffer, key: Buffer | undefined) {
    const store = this.#password('tls.key.password')
    return this.#used(key === undefined ? 'tls.certificate.file' : 'tls.key.file', () => {
      const identity = identityOf(
        key === undefined ? certificate : Buffer.concat([key, Buffer.from('\n'), certificate]),
        { store },
      )
      const leaf = new X509Certificate(identity.cert)
      if (!leaf.checkPrivateKey(createPrivateKey(identity.key))) {
        throw new Error('it has the key of another certificate')
      }
      return identity
    })
  }

  #trusted(ca: Buffer): string[] {
    return this.#used('tls.ca.file', () => {
      const found = certificatesOf(ca, this.#password('tls.ca.password'))
      if (found.length === 0) throw new Error('it has no certificates')
      return found
    })
  }

  #password(key: 'tls.key.password' | 'tls.ca.password'): string | undefined {
    const password = this.#config.text(key)
    return password === '' ? undefined : password
  }

  #bytesOf(key: FileKey): Buffer | undefined {
    const path = this.#config.text(key)
    if (path === '') return undefined
    try {
      return readFileSync(path)
    } catch (error) {
      throw new ProviderConfigError(
        `cannot read amqp.${key} ${path}: ${systemErrorCode(error) ?? error}`,
      )
    }
  }

  #used<T>(key: FileKey, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw new ProviderConfigError(
        `cannot use amqp.${key} ${this.#config.text(key)}: ${(error as Error).message}`,
      )
    }
  }
}
