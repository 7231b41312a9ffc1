// SPDX-License-Identifier: Apache-2.0
import { type ErrorName, ProtocolError } from '@millrace/protocol'
import type { Topics } from '../../topics.ts'
import type { TransactionCoordinator } from './transaction-coordinator.ts'
import type { TransactionRequest } from './transaction-shard.ts'

export interface AdmittedPartition {
  readonly topic: string
  readonly partition: number
}

export interface AdmissionRules {
  /**
   * Whether a write adds the partition to the transaction (KIP-890 part 2), or it must have been
   * added before.
   */
  readonly isImplicit: boolean
  /** Whether the client knows `TRANSACTION_ABORTABLE`. */
  readonly knowsAbortable: boolean
}

/**
 * Admits a producer's transactional writes only as part of the transaction that its coordinator
 * knows.
 */
export class TransactionAdmission {
  readonly #coordinator: TransactionCoordinator
  readonly #topics: Topics
  readonly #verifies: () => boolean
  /** Pending checks that a producer's later writes must wait for, to preserve their order. */
  readonly #pending = new Map<bigint, Promise<void>>()

  constructor(options: {
    readonly coordinator: TransactionCoordinator
    readonly topics: Topics
    /** `transaction.partition.verification.enable`. */
    readonly verifies: () => boolean
  }) {
    this.#coordinator = options.coordinator
    this.#topics = options.topics
    this.#verifies = options.verifies
  }

  /** Undefined: write at once. Throws, or rejects with, the error for the producer. */
  admit(
    request: TransactionRequest,
    partitions: readonly AdmittedPartition[],
    rules: AdmissionRules,
  ): Promise<void> | undefined {
    const pending = this.#pending.get(request.producerId)
    if (pending === undefined) {
      const adding = this.#admitNow(request, partitions, rules)
      return adding === undefined ? undefined : this.#remember(request.producerId, adding)
    }
    const next = (): Promise<void> | undefined => this.#admitNow(request, partitions, rules)
    return this.#remember(request.producerId, pending.then(next, next))
  }

  #remember(producerId: bigint, work: Promise<void>): Promise<void> {
    this.#pending.set(producerId, work)
    const forget = (): void => {
      if (this.#pending.get(producerId) === work) this.#pending.delete(producerId)
    }
    work.then(forget, forget)
    return work
  }

  #admitNow(
    request: TransactionRequest,
    partitions: readonly AdmittedPartition[],
    rules: AdmissionRules,
  ): Promise<void> | undefined {
    const { producerId, producerEpoch } = request
    const missing = partitions.filter(
      ({ topic, partition }) =>
        !this.#topics
          .partition(topic, partition)
          .log.producers.hasOpenTransaction(producerId, producerEpoch),
    )
    if (missing.length === 0) return undefined
    if (rules.isImplicit) return this.#add(request, missing, rules)
    if (this.#verifies()) this.#verify(request, missing, rules)
    return undefined
  }

  async #add(
    request: TransactionRequest,
    missing: readonly AdmittedPartition[],
    rules: AdmissionRules,
  ): Promise<void> {
    const partitions = new Map<string, Set<number>>()
    for (const { topic, partition } of missing) {
      const indexes = partitions.get(topic) ?? new Set<number>()
      partitions.set(topic, indexes.add(partition))
    }
    const error = await this.#coordinator.addPartitions({
      ...request,
      partitions,
      clientVersion: 2,
    })
    throwIfRefused(error, request, rules)
    // The transaction may have ended while its record was being written.
    this.#verify(request, missing, rules)
  }

  #verify(
    request: TransactionRequest,
    partitions: readonly AdmittedPartition[],
    rules: AdmissionRules,
  ): void {
    for (const { topic, partition } of partitions) {
      throwIfRefused(this.#coordinator.verify(request, topic, partition), request, rules)
    }
  }
}

function throwIfRefused(
  error: ErrorName,
  request: TransactionRequest,
  { isImplicit, knowsAbortable }: AdmissionRules,
): void {
  if (error === 'NONE') return
  const { transactionalId, producerId, producerEpoch } = request
  const producer = `transactional id ${transactionalId}, producer ${producerId} in epoch ${producerEpoch}`
  switch (error) {
    case 'PRODUCER_FENCED':
      // The producer may abort and continue, if it is not fenced (KIP-588).
      throw new ProtocolError(
        'INVALID_PRODUCER_EPOCH',
        `${producer}: the epoch is not the current one`,
      )
    case 'TRANSACTION_ABORTABLE':
      throw new ProtocolError(
        knowsAbortable ? error : 'INVALID_TXN_STATE',
        `${producer}: the partition is not part of the transaction`,
      )
    case 'CONCURRENT_TRANSACTIONS':
      // Older clients know this code as retriable, and retry without a metadata request.
      throw new ProtocolError(
        isImplicit ? error : 'NOT_ENOUGH_REPLICAS',
        `${producer}: the previous transaction is not completed yet`,
      )
    default:
      throw new ProtocolError(error, `${producer}: ${error}`)
  }
}
