// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { type ErrorName, isRetriable } from '@millrace/protocol'

/** State of a batch, for the sender's decision. */
export interface BatchFacts {
  /** Attempts so far, this one included. */
  readonly attempts: number
  /** Attempts after the first one that are allowed. */
  readonly retries: number
  readonly recordCount: number
  /** Whether its records belong together. */
  readonly isWhole: boolean
  /** Whether it has a producer id and a sequence number. */
  readonly hasIdentity: boolean
  /** Whether no batch before it is undecided. */
  readonly isOldest: boolean
  readonly isTransactional: boolean
  /** Whether its transaction will be aborted. */
  readonly isAborting: boolean
}

/**
 * What happens to a batch after the broker's answer.
 *
 * - `acknowledged`: the records are in the log.
 * - `failed`: its callers get the error.
 * - `split`: its halves are sent.
 * - `retry`: it is sent to the same leader after the backoff.
 * - `renumber`: as `retry`, with sequence numbers of a new epoch, since a number before its own is
 *   missing for good.
 * - `retry-soon`: as `retry`, after a few milliseconds: the coordinator is about to complete the
 *   previous transaction.
 * - `find-leader`: it is retried, and its leader is learned from the reply or from new metadata.
 */
export type Outcome =
  | 'acknowledged'
  | 'failed'
  | 'split'
  | 'retry'
  | 'renumber'
  | 'retry-soon'
  | 'find-leader'

const SEQUENCE_ERRORS: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
])

/** Decides about a batch by the error of its partition in a Produce response. */
export function outcomeOf(error: ErrorName, batch: BatchFacts): Outcome {
  // A duplicate: the broker has the records from an attempt whose reply was lost.
  if (error === 'NONE' || error === 'DUPLICATE_SEQUENCE_NUMBER') return 'acknowledged'
  if (error === 'MESSAGE_TOO_LARGE' && batch.recordCount > 1 && !batch.isWhole) return 'split'
  const isSequence = SEQUENCE_ERRORS.has(error)
  const mayRetry = isRetriable(error) || (isSequence && batch.hasIdentity)
  if (!mayRetry || batch.isAborting || batch.attempts > batch.retries) return 'failed'
  if (isSequence) {
    // Older batches that are undecided may be the missing ones, and they are being retried.
    if (!batch.isOldest) return 'retry'
    // Only the end of a transaction starts a new epoch.
    return batch.isTransactional ? 'failed' : 'renumber'
  }
  return error === 'CONCURRENT_TRANSACTIONS' ? 'retry-soon' : 'find-leader'
}

/**
 * Decides about a batch whose reply was lost: whether its records are in the log is unknown. An
 * idempotent batch keeps its sequence number, so that a retry is recognized.
 */
export function outcomeOfLoss(
  error: Error,
  batch: Pick<BatchFacts, 'attempts' | 'retries' | 'isAborting'> & {
    /** Whether the producer is closed. */
    readonly isClosed: boolean
  },
): 'retry' | 'failed' {
  const isPassing = error instanceof MillraceError && error.retriable
  const mayRetry = isPassing && !batch.isClosed && !batch.isAborting
  return mayRetry && batch.attempts <= batch.retries ? 'retry' : 'failed'
}
