// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  InitProducerIdRequest,
  InitProducerIdResponse,
  ProtocolError,
} from '@millrace/protocol'
import type { Cluster } from '../metadata/cluster.ts'
import { backoffMs } from '../options.ts'
import type { ProducerIdentity } from './transaction-manager.ts'

/** The id and epoch of an idempotent producer without transactions. */
export class ProducerIdentitySource {
  readonly #cluster: Cluster
  #current: ProducerIdentity | undefined
  #obtaining: Promise<void> | undefined
  #failures = 0
  #isClosed = false

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  get current(): ProducerIdentity | undefined {
    return this.#current
  }

  /** The next `obtain` requests another id: the epochs of the current one are used up. */
  forget(): void {
    this.#current = undefined
  }

  close(): void {
    this.#isClosed = true
  }

  /**
   * Requests an id, unless a request is in flight. Calls `onDelayed` with a backoff after an error
   * that may pass, `onRefused` with any other.
   */
  obtain(callbacks: {
    readonly onObtained: () => void
    readonly onRefused: (error: Error) => void
    readonly onDelayed: (ms: number) => void
  }): void {
    this.#obtaining ??= this.#request().then(
      () => {
        this.#obtaining = undefined
        this.#failures = 0
        callbacks.onObtained()
      },
      (error: Error) => {
        this.#obtaining = undefined
        if (this.#isClosed) return
        if (!(error instanceof MillraceError && error.retriable)) {
          callbacks.onRefused(error)
          return
        }
        const { retryBackoffMs, retryBackoffMaxMs, random } = this.#cluster.options
        const limits = { baseMs: retryBackoffMs, maxMs: retryBackoffMaxMs, random }
        callbacks.onDelayed(backoffMs(this.#failures++, limits))
      },
    )
  }

  async #request(): Promise<void> {
    const response = await this.#cluster.requestAny(InitProducerIdRequest, InitProducerIdResponse, {
      transactionalId: null,
      transactionTimeoutMs: 2 ** 31 - 1,
    })
    if (response.errorCode !== ErrorCode.NONE) {
      const code = errorName(response.errorCode)
      throw new ProtocolError(code, `no producer id: ${code}`)
    }
    this.#current = { producerId: response.producerId, producerEpoch: response.producerEpoch }
  }
}
