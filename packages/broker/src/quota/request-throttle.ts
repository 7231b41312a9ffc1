// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { MutationQuota, QuotaClient, Quotas } from './quotas.ts'

/** Measures one request against the quotas of its client, and collects how long that is to wait. */
export class RequestThrottle {
  readonly #quotas: Quotas
  readonly #client: QuotaClient
  readonly #nowMs: () => number
  #throttleMs = 0
  #mutations: { readonly quota: MutationQuota | undefined; readonly isStrict: boolean } | undefined

  constructor(options: {
    readonly quotas: Quotas
    readonly client: QuotaClient
    readonly nowMs: () => number
  }) {
    this.#quotas = options.quotas
    this.#client = options.client
    this.#nowMs = options.nowMs
  }

  /** How long the client is to wait after this request. */
  get throttleMs(): number {
    return this.#throttleMs
  }

  /** Measures the size of a Produce request. */
  produced(bytes: number): void {
    if (this.#quotas.has('producer_byte_rate')) this.#record('producer_byte_rate', bytes)
  }

  /** The most that may be returned to one Fetch. */
  get maxFetchBytes(): number {
    if (!this.#quotas.has('consumer_byte_rate')) return Number.MAX_SAFE_INTEGER
    return this.#quotas.maxFetchBytes(this.#client)
  }

  /**
   * Measures what a Fetch would return. Above the quota the reply must be empty, and nothing is
   * counted: false is returned.
   */
  mayReturn(bytes: number): boolean {
    if (!this.#quotas.has('consumer_byte_rate')) return true
    if (this.#record('consumer_byte_rate', bytes) === 0) return true
    const options = { value: -bytes, nowMs: this.#nowMs() }
    this.#quotas.record('consumer_byte_rate', this.#client, options)
    return false
  }

  /** Measures what a fetch returns in any case. */
  returned(bytes: number): void {
    if (this.#quotas.has('consumer_byte_rate')) this.#record('consumer_byte_rate', bytes)
  }

  /** Measures the time that the event loop spent on the request. */
  worked(elapsedMs: number): void {
    if (!this.#quotas.has('request_percentage')) return
    // Percent of a thread, by the second.
    this.#record('request_percentage', (elapsedMs / 1000) * 100)
  }

  /**
   * Says that the request changes topics, and whether its client understands that a change is
   * refused; others are only throttled (KIP-599).
   */
  changesTopics({ isStrict }: { readonly isStrict: boolean }): void {
    const quota = this.#quotas.has('controller_mutation_rate')
      ? this.#quotas.mutations(this.#client, this.#nowMs())
      : undefined
    this.#mutations = { quota, isStrict }
  }

  /** Counts partitions to create or delete. Throws `THROTTLING_QUOTA_EXCEEDED`. */
  takePartitions(count: number): void {
    const { quota, isStrict = false } = this.#mutations ?? {}
    if (quota === undefined) return
    const isExceeded = isStrict && !quota.mayTake()
    if (!isExceeded) quota.take(count)
    // A strict client waits only after a refusal, not after the request that used up the quota.
    if (isExceeded || !isStrict) this.#throttleMs = Math.max(this.#throttleMs, quota.throttleMs())
    if (isExceeded) {
      throw new ProtocolError(
        'THROTTLING_QUOTA_EXCEEDED',
        'The throttling quota has been exceeded.',
      )
    }
  }

  #record(
    key: 'producer_byte_rate' | 'consumer_byte_rate' | 'request_percentage',
    value: number,
  ): number {
    const throttleMs = this.#quotas.record(key, this.#client, { value, nowMs: this.#nowMs() })
    this.#throttleMs = Math.max(this.#throttleMs, throttleMs)
    return throttleMs
  }
}
