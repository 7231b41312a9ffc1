// SPDX-License-Identifier: Apache-2.0
import { JMSException } from './exceptions.ts'

/** The open transaction of a session. */
export interface TransactionState {
  /** Whether messages were received in it. */
  readonly hasReceipts: boolean
  /** Whether messages were sent in it. */
  readonly hasSent: boolean
  /** Reason why it can only be rolled back. */
  readonly rollbackOnlyCause: JMSException | undefined
  /** Id at the provider; undefined if none is declared. */
  readonly txnId: Buffer | undefined
}

/** What a commit has to do. */
export type CommitPlan =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'rollback'; readonly cause: JMSException }
  | { readonly kind: 'commit'; readonly txnId: Buffer }

/** Decides what a commit does. An empty transaction survives everything. */
export function commitPlan(state: TransactionState): CommitPlan {
  const { hasReceipts, hasSent, rollbackOnlyCause, txnId } = state
  if (rollbackOnlyCause !== undefined) return { kind: 'rollback', cause: rollbackOnlyCause }
  if (!hasReceipts && !hasSent) return { kind: 'nothing' }
  if (txnId !== undefined) return { kind: 'commit', txnId }
  const cause = new JMSException('no transaction is open at the provider', 'JMS_CONNECTION_LOST')
  return { kind: 'rollback', cause }
}
