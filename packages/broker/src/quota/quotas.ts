// SPDX-License-Identifier: Apache-2.0
import type { MetadataImage } from '../metadata/metadata-image.ts'
import type { MetadataRecord } from '../metadata/metadata-record.ts'
import { type QuotaKey, QuotaLimits } from './quota-limits.ts'
import { RateWindow, type RateWindowOptions } from './rate-window.ts'
import { TokenBucket } from './token-bucket.ts'

/** Measured entities above which those without recent requests are forgotten. */
const MAX_ENTITIES = 10_000

/** The longest throttle time: replies have it as an int32, and timers have the same limit. */
const MAX_THROTTLE_MS = 0x7fffffff

/** Whose requests are measured. */
export interface QuotaClient {
  /** Name of the principal, without its type. */
  readonly user: string
  readonly clientId: string
}

/** Settings of a broker's quotas. */
export interface QuotasOptions {
  readonly image: Pick<MetadataImage, 'quotas'>
  /** Windows of rates of bytes and of request time. */
  readonly windows: RateWindowOptions
  /** Windows of rates of changes of topics. */
  readonly controllerWindows: RateWindowOptions
}

/** A controller-mutation quota at the time of one request. */
export interface MutationQuota {
  /** Whether there is a token, so that the request may be carried out. */
  mayTake(): boolean
  take(tokens: number): void
  throttleMs(): number
}

/**
 * The quotas of a broker (KIP-13, 55, 124, 599, 612): follows the limits in the metadata, which
 * apply to connected clients at once, and measures what clients use.
 */
export class Quotas {
  readonly #options: QuotasOptions
  #limits: QuotaLimits
  readonly #rates = new EntityStates(() => new RateWindow(this.#options.windows))
  readonly #buckets = new EntityStates(() => new TokenBucket(this.#options.controllerWindows))
  readonly #connections = new EntityStates(() => new RateWindow(this.#options.windows))

  constructor(options: QuotasOptions) {
    this.#options = options
    this.#limits = new QuotaLimits(options.image.quotas())
  }

  /** Follows records that were applied to the image. */
  follow(records: readonly MetadataRecord[]): void {
    if (records.some(({ kind }) => kind === 'ClientQuotaRecord')) {
      this.#limits = new QuotaLimits(this.#options.image.quotas())
    }
  }

  /** Whether any client has a limit of this kind. */
  has(key: QuotaKey): boolean {
    return this.#limits.has(key)
  }

  /**
   * Measures what a client used, and returns how long it is to wait, at most 2³¹−1 ms. What was
   * measured of a request that is refused may be taken back with a negative value.
   */
  record(
    key: Exclude<QuotaKey, 'controller_mutation_rate'>,
    { user, clientId }: QuotaClient,
    options: { readonly value: number; readonly nowMs: number },
  ): number {
    const limit = this.#limits.limitOf(key, user, clientId)
    if (limit === undefined) return 0
    const { value, nowMs } = options
    const rate = this.#rates.of(`${key} ${limit.entity}`, nowMs)
    rate.record(value, nowMs)
    const throttleMs = Math.min(rate.throttleMs(limit.value, nowMs), MAX_THROTTLE_MS)
    // A second of CPU time is used in a second at most: Kafka waits no longer for it than a sample.
    const { sampleMs } = this.#options.windows
    return key === 'request_percentage' ? Math.min(throttleMs, sampleMs) : throttleMs
  }

  /** The most that may be fetched at once: all that the window allows. */
  maxFetchBytes({ user, clientId }: QuotaClient): number {
    const limit = this.#limits.limitOf('consumer_byte_rate', user, clientId)
    if (limit === undefined) return Number.MAX_SAFE_INTEGER
    const { count, sampleMs } = this.#options.windows
    return Math.ceil((limit.value * (count - 1) * sampleMs) / 1000)
  }

  /** The controller-mutation quota of a client; undefined for none. */
  mutations({ user, clientId }: QuotaClient, nowMs: number): MutationQuota | undefined {
    const limit = this.#limits.limitOf('controller_mutation_rate', user, clientId)
    if (limit === undefined) return undefined
    const bucket = this.#buckets.of(limit.entity, nowMs)
    return {
      mayTake: () => bucket.available(limit.value, nowMs) >= 0,
      take: (tokens) => bucket.take(tokens, limit.value, nowMs),
      throttleMs: () => Math.min(bucket.throttleMs(limit.value, nowMs), MAX_THROTTLE_MS),
    }
  }

  /** Counts a connection, and returns after how long it is to be closed; 0 if it is accepted. */
  connectionThrottleMs(address: string, nowMs: number): number {
    const limit = this.#limits.connectionRateOf(address)
    if (limit === undefined) return 0
    const rate = this.#connections.of(address, nowMs)
    rate.record(1, nowMs)
    const throttleMs = Math.min(rate.throttleMs(limit, nowMs), MAX_THROTTLE_MS)
    // A connection that is refused does not count.
    if (throttleMs > 0) rate.record(-1, nowMs)
    return throttleMs
  }
}

/** What was measured of each entity. Clients choose their ids, so there is a bound. */
class EntityStates<S extends { isIdle(nowMs: number): boolean }> {
  readonly #create: () => S
  readonly #states = new Map<string, S>()

  constructor(create: () => S) {
    this.#create = create
  }

  of(entity: string, nowMs: number): S {
    const known = this.#states.get(entity)
    if (known !== undefined) return known
    if (this.#states.size >= MAX_ENTITIES) this.#makeRoom(nowMs)
    const state = this.#create()
    this.#states.set(entity, state)
    return state
  }

  #makeRoom(nowMs: number): void {
    for (const [entity, state] of this.#states) {
      if (state.isIdle(nowMs)) this.#states.delete(entity)
    }
    // All are in use: the oldest is forgotten.
    const [oldest] = this.#states.keys()
    if (this.#states.size >= MAX_ENTITIES && oldest !== undefined) this.#states.delete(oldest)
  }
}
