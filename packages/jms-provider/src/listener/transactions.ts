// SPDX-License-Identifier: Apache-2.0
import {
  AmqpError,
  accepted,
  Condition,
  compositeFrom,
  conditionOf,
  type DeliveryState,
  EncodedMessage,
  type IncomingDelivery,
  type ReceiverLink,
} from '@millrace/amqp'
import { attempt, type Logger } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import { OutcomeUnknownError } from '../state/commit.ts'
import type { Journal } from '../state/journal.ts'
import type { Acquired } from '../subscription/subscription-host.ts'
import { HeldSends } from '../transaction/held-sends.ts'
import type { TransactionStore } from '../transaction/transaction-store.ts'

/** A client's transaction: sent and consumed messages, until it is discharged. */
export class LocalTransaction {
  readonly sends: HeldSends
  readonly receipts: Acquired[] = []
  /**
   * Releases and rejections of messages to apply when the transaction ends, by commit or rollback.
   */
  readonly returns: (() => void)[] = []
  /** Sends whose destination is still being resolved. */
  readonly pending: Promise<unknown>[] = []
  #failure: AmqpError | undefined

  constructor(store: TransactionStore) {
    this.sends = new HeldSends(store)
  }

  /** Error that made the transaction rollback-only; undefined if it can be committed. */
  get failure(): AmqpError | undefined {
    return this.#failure
  }

  /** Marks the transaction as rollback-only and discards its sends. */
  fail(error: AmqpError): void {
    this.#failure ??= error
    this.sends.clear()
  }

  /**
   * Adds a message. Throws `amqp:resource-limit-exceeded`, or the rollback error if the transaction
   * has failed.
   */
  send(destination: Destination, record: NewRecord): void {
    if (this.#failure !== undefined) throw rollback(this.#failure.message)
    this.sends.add(destination, record)
  }

  /** Discards the sends and returns consumed messages, each independently. */
  rollBack(logger: Logger): void {
    attempt(logger, 'releasing the messages of a transaction', () => this.sends.clear())
    for (const acquired of this.receipts) {
      attempt(logger, 'returning a message of a transaction', () =>
        acquired.subscription.release(acquired, { failed: true }),
      )
    }
    this.applyReturns(logger)
  }

  /** Applies the postponed releases and rejections. */
  applyReturns(logger: Logger): void {
    for (const apply of this.returns) attempt(logger, 'returning a message of a transaction', apply)
  }
}

const COORDINATOR_CREDIT = 100
/** Limit on transactions of a connection; a JMS session uses one. */
const MAX_TRANSACTIONS = 4096

/** The transactions of a connection (AMQP 1.0, part 4). */
export class Transactions {
  readonly #journal: Journal
  readonly #logger: Logger
  readonly #store: TransactionStore
  readonly #onOutcomeUnknown: (error: Error) => void
  readonly #byId = new Map<string, LocalTransaction>()
  #nextId = 1n

  constructor(options: {
    readonly journal: Journal
    readonly logger: Logger
    readonly store: TransactionStore
    /**
     * Called when the outcome of a commit is unknown. The client must not receive any other
     * outcome.
     */
    readonly onOutcomeUnknown: (error: Error) => void
  }) {
    this.#journal = options.journal
    this.#logger = options.logger
    this.#store = options.store
    this.#onOutcomeUnknown = options.onOutcomeUnknown
  }

  /** Returns a transaction. Throws `amqp:transaction:unknown-id`. */
  get(id: Buffer): LocalTransaction {
    const transaction = this.#byId.get(id.toString('hex'))
    if (transaction === undefined) {
      throw new AmqpError(Condition.unknownTransaction, `unknown transaction ${id.toString('hex')}`)
    }
    return transaction
  }

  /**
   * Serves a link to the transaction coordinator. Its transactions are rolled back when it ends.
   */
  serve(link: ReceiverLink): void {
    const own = new Set<string>()
    link.handler = {
      onDelivery: (delivery) => {
        this.#serve(delivery, own)
          .then(() => {
            if (link.credit < COORDINATOR_CREDIT / 2) link.setCredit(COORDINATOR_CREDIT)
          })
          .catch((error: unknown) => link.fail(error))
      },
      onDetach: (detach) => {
        for (const id of own) {
          this.#byId.get(id)?.rollBack(this.#logger)
          this.#byId.delete(id)
        }
        link.detach({ closed: detach?.closed ?? true })
      },
    }
    link.attach({
      source: link.remote?.source,
      target: link.remote?.target,
      sndSettleMode: link.remote?.sndSettleMode,
      rcvSettleMode: 0,
    })
    link.setCredit(COORDINATOR_CREDIT)
  }

  async #serve(delivery: IncomingDelivery, own: Set<string>): Promise<void> {
    let state: DeliveryState
    try {
      state = await this.#command(delivery, own)
    } catch (error) {
      if (error instanceof OutcomeUnknownError) {
        this.#onOutcomeUnknown(error)
        return
      }
      state = { kind: 'rejected', error: conditionOf(error) }
    }
    delivery.update(state)
  }

  async #command(delivery: IncomingDelivery, own: Set<string>): Promise<DeliveryState> {
    const { body } = new EncodedMessage(delivery.payload)
    const command = body.kind === 'value' ? compositeFrom(body.value) : undefined
    if (command?.kind === 'declare') {
      if (this.#byId.size >= MAX_TRANSACTIONS) {
        throw new AmqpError(
          Condition.resourceLimitExceeded,
          `the connection has reached the limit of ${MAX_TRANSACTIONS} transactions`,
        )
      }
      const txnId = Buffer.alloc(8)
      txnId.writeBigUInt64BE(this.#nextId++)
      own.add(txnId.toString('hex'))
      this.#byId.set(txnId.toString('hex'), new LocalTransaction(this.#store))
      return { kind: 'declared', txnId }
    }
    if (command?.kind === 'discharge') {
      const { txnId, fail } = command as unknown as {
        readonly txnId: Buffer
        readonly fail?: boolean
      }
      const transaction = this.get(txnId)
      this.#byId.delete(txnId.toString('hex'))
      own.delete(txnId.toString('hex'))
      await Promise.all(transaction.pending)
      if (fail === true) transaction.rollBack(this.#logger)
      else await this.#commit(transaction)
      return accepted
    }
    throw new AmqpError(
      Condition.notImplemented,
      'the coordinator accepts only declare and discharge',
    )
  }

  async #commit(transaction: LocalTransaction): Promise<void> {
    const { sends, receipts, failure } = transaction
    if (failure !== undefined) {
      transaction.rollBack(this.#logger)
      throw rollback(`a message of the transaction was rejected: ${failure.message}`)
    }
    // Skip messages that have been removed in the meantime because their subscription was deleted.
    const held = receipts.filter((each) => !each.isDone)
    try {
      if (sends.count > 0 || held.length > 0) await this.#journal.commit({ sends, receipts: held })
    } catch (error) {
      // Consumed messages stay acquired: their consumption may have been committed.
      if (error instanceof OutcomeUnknownError) throw error
      transaction.rollBack(this.#logger)
      throw rollback(`cannot write the transaction: ${(error as Error).message}`)
    } finally {
      sends.clear()
    }
    transaction.applyReturns(this.#logger)
  }

  /** Number of transactions that are declared and not discharged. */
  get count(): number {
    return this.#byId.size
  }

  /** Rolls back all transactions; the connection has ended. */
  close(): void {
    for (const transaction of this.#byId.values()) transaction.rollBack(this.#logger)
    this.#byId.clear()
  }
}

function rollback(message: string): AmqpError {
  return new AmqpError(Condition.transactionRollback, message)
}
