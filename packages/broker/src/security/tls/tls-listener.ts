// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import { type FileSystem, type Logger, systemErrorCode } from '@millrace/base'
import type { FileContents, Reloaded } from '@millrace/base/keystore'
import type { BrokerConfig } from '../../config/broker-config.ts'
import { ConfigError } from '../../config/config-definition.ts'
import { type StoreConfig, type TlsConfig, tlsConfigOf } from '../../config/tls-config.ts'

/** What a listener shows and trusts. */
interface Loaded {
  readonly options: TlsOptions
  readonly certificate: X509Certificate
}

/** How long a TLS handshake may take, milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 15_000

/** What is loaded on first use: most brokers have no TLS. */
interface Tools {
  readonly tls: typeof import('node:tls')
  readonly keystore: typeof import('@millrace/base/keystore')
}

interface TlsListenerOptions {
  readonly config: BrokerConfig
  readonly listenerName: string
  readonly files: FileSystem
  readonly logger: Logger
}

/** TLS on one listener: its key and certificates, loaded again when they change. */
export class TlsListener {
  readonly #config: BrokerConfig
  readonly #name: string
  readonly #files: FileSystem
  readonly #tools: Tools
  readonly #loaded: Reloaded<Loaded>

  private constructor(options: TlsListenerOptions, tools: Tools) {
    this.#config = options.config
    this.#name = options.listenerName
    this.#files = options.files
    this.#tools = tools
    const { logger, listenerName: listener } = options
    this.#loaded = new tools.keystore.Reloaded({
      read: () => this.#read(this.#config),
      onLoaded: ({ certificate: { validTo } }) =>
        logger.info('loaded a new certificate', { listener, validTo }),
      onFailed: ({ message }) =>
        logger.error('a listener keeps its old certificate', { listener, error: message }),
    })
  }

  /** Rejects with a `ConfigError` if the key or a certificate cannot be used. */
  static async open(options: TlsListenerOptions): Promise<TlsListener> {
    const [tls, keystore] = await Promise.all([
      import('node:tls'),
      import('@millrace/base/keystore'),
    ])
    return new TlsListener(options, { tls, keystore })
  }

  /** Options of `tls.createServer`. */
  get options(): TlsOptions {
    return this.#loaded.value.options
  }

  /**
   * Throws `ConfigError` unless the listener can change to a configuration: the certificate must
   * keep its subject and its alternative names, except where `ssl.allow.dn.changes` and
   * `ssl.allow.san.changes` say otherwise.
   */
  check(next: BrokerConfig): void {
    this.#read(next).create(this.#loaded.value)
  }

  /**
   * Loads key and certificates again. Returns the options if something changed. What cannot be used
   * is logged once, and the listener keeps what it has.
   */
  refresh(): TlsOptions | undefined {
    return this.#loaded.refresh()?.options
  }

  /** Subject of a client's certificate, as Java writes it. */
  distinguishedName(certificate: Buffer): string {
    return this.#tools.keystore.distinguishedName(certificate)
  }

  #settings(config: BrokerConfig): TlsConfig {
    return tlsConfigOf(config, this.#name, this.#tools.tls.getCiphers())
  }

  /** `create` throws unless the new certificate may replace the current one. */
  #read(config: BrokerConfig): FileContents<Loaded> {
    const settings = this.#settings(config)
    const sources = this.#sources(settings)
    return {
      parts: [JSON.stringify(settings), sources.keystore, sources.truststore ?? ''],
      create: (current) => {
        const next = this.#parse(settings, sources)
        if (current !== undefined) checkIdentity(current.certificate, next.certificate, settings)
        return next
      },
    }
  }

  #sources({ keystore, truststore }: TlsConfig): Sources {
    return {
      keystore: this.#bytesOf(keystore),
      truststore: truststore === undefined ? undefined : this.#bytesOf(truststore),
    }
  }

  #bytesOf(store: StoreConfig): Buffer {
    if (store.kind === 'inline') return Buffer.from(store.pem)
    try {
      return this.#files.readFile(store.path)
    } catch (error) {
      throw unusable(store, `cannot be read: ${systemErrorCode(error) ?? error}`)
    }
  }

  #parse(settings: TlsConfig, sources: Sources): Loaded {
    const { keystore, truststore, keyPassword, clientAuth } = settings
    this.#refuseJks(keystore, sources.keystore)
    const store = keystore.kind === 'file' ? keystore.password : undefined
    const identity = attempted(keystore, () =>
      this.#tools.keystore.identityOf(sources.keystore, { store, key: keyPassword }),
    )
    const ca =
      truststore === undefined || sources.truststore === undefined
        ? undefined
        : this.#trusted(truststore, sources.truststore)
    const options: TlsOptions = {
      ...identity,
      ...(ca === undefined ? {} : { ca }),
      minVersion: settings.minVersion,
      maxVersion: settings.maxVersion,
      ...(settings.ciphers === undefined ? {} : { ciphers: settings.ciphers }),
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'required',
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    }
    // Says whether key and certificate belong together.
    attempted(keystore, () => this.#tools.tls.createSecureContext(options))
    const certificate = attempted(keystore, () => new X509Certificate(identity.cert))
    return { options, certificate }
  }

  #refuseJks(store: StoreConfig, bytes: Buffer): void {
    if (!this.#tools.keystore.isJavaKeystore(bytes)) return
    const path = nameOf(store)
    const target = path.replace(/(\.jks)?$/, '.p12')
    throw unusable(
      store,
      `is a JKS key store; convert it with: keytool -importkeystore -srckeystore ${path} -destkeystore ${target} -deststoretype PKCS12`,
    )
  }

  #trusted(store: StoreConfig, bytes: Buffer): string[] {
    this.#refuseJks(store, bytes)
    const password = store.kind === 'file' ? store.password : undefined
    const found = attempted(store, () => this.#tools.keystore.certificatesOf(bytes, password))
    if (found.length === 0) throw unusable(store, 'has no certificates')
    return found
  }
}

interface Sources {
  readonly keystore: Buffer
  readonly truststore: Buffer | undefined
}

function nameOf(store: StoreConfig): string {
  return store.kind === 'file' ? store.path : '[hidden]'
}

function unusable(store: StoreConfig, what: string): ConfigError {
  const { key } = store
  return new ConfigError(key, `Invalid value ${nameOf(store)} for configuration ${key}: it ${what}`)
}

function attempted<T>(store: StoreConfig, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw unusable(store, `cannot be used: ${(error as Error).message}`)
  }
}

/** Kafka's safeguard against another host's certificate. */
function checkIdentity(
  current: X509Certificate,
  next: X509Certificate,
  { keystore, allowDnChanges, allowSanChanges }: TlsConfig,
): void {
  if (!allowDnChanges && current.subject !== next.subject) {
    throw unusable(
      keystore,
      'has a certificate with another subject, which ssl.allow.dn.changes=true permits',
    )
  }
  if (!allowSanChanges && namesOf(current).some((name) => !namesOf(next).includes(name))) {
    throw unusable(
      keystore,
      'has a certificate that lacks alternative names, which ssl.allow.san.changes=true permits',
    )
  }
}

function namesOf({ subjectAltName }: X509Certificate): string[] {
  return (subjectAltName ?? '').split(/,\s*/).filter((name) => name !== '')
}
