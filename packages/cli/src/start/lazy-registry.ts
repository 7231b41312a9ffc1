// SPDX-License-Identifier: Apache-2.0
import { EarlyListener, type Logger } from '@millrace/base'
import type { SchemaRegistry } from '@millrace/schema-registry'

/** Address of a registry, and how it starts. */
export interface LazyRegistryOptions {
  /** Address to listen on. */
  readonly host: string
  /** Port; 0 selects a free one. */
  readonly port: number
  /** Loads and starts the registry on the socket. */
  readonly start: (listener: EarlyListener) => Promise<SchemaRegistry>
  /** Receives errors. */
  readonly logger: Logger
}

/**
 * A registry that is loaded with its first connection: until then it is a listening socket. If it
 * cannot start, the connections that wait for it are refused, and the next one tries again.
 */
export class LazyRegistry {
  readonly #options: LazyRegistryOptions
  #listener: EarlyListener | undefined
  #starting: Promise<SchemaRegistry | undefined> | undefined
  #isClosing = false

  private constructor(options: LazyRegistryOptions) {
    this.#options = options
  }

  /** Listens. Rejects with `MILLRACE_LISTEN`. */
  static async listen(options: LazyRegistryOptions): Promise<LazyRegistry> {
    const registry = new LazyRegistry(options)
    const { host, port, logger } = options
    registry.#listener = await EarlyListener.listen({
      host,
      port,
      onWaiting: () => registry.#begin(),
      onError: (error) => logger.warn('listening socket of the schema registry', { error }),
    })
    return registry
  }

  /** URL. */
  get address(): string {
    const { host } = this.#options
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#port}`
  }

  get #port(): number {
    return this.#options.port === 0 ? (this.#listener?.port ?? 0) : this.#options.port
  }

  #begin(): void {
    const { start, logger } = this.#options
    const listener = this.#listener
    if (this.#starting !== undefined || this.#isClosing || listener === undefined) return
    this.#starting = start(listener).catch((error: unknown) => {
      logger.error('the schema registry cannot start', { error })
      listener.refuseWaiting(refusal(error))
      this.#starting = undefined
      return undefined
    })
  }

  /** Stops the registry, or the socket if it was never used. Idempotent. */
  async close(): Promise<void> {
    this.#isClosing = true
    const registry = await this.#starting
    await registry?.close()
    this.#listener?.close()
  }
}

/** An answer in Confluent's form to a request that was not read. */
function refusal(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error)
  const message = `the schema registry cannot start: ${reason}`
  const body = JSON.stringify({ error_code: 50001, message })
  return [
    'HTTP/1.1 503 Service Unavailable',
    'content-type: application/vnd.schemaregistry.v1+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
