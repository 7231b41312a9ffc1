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
import type { Acquired } from '../subscription/subscription.ts'
import { HeldSends } from '../transaction/held-sends.ts'
import type { TransactionStore } from '../transaction/transaction-store.ts'

/** A transaction of a client: what it sent and what it consumed, until it ends. */
export class LocalTransaction {
  readonly sends: HeldSends
  readonly receipts: Acquired[] = []
  /** What becomes of other messages when it ends, either way. */
  readonly returns: (() => void)[] = []
  /** Sends whose destination is still being found. */
  readonly pending: Promise<unknown>[] = []
  #failure: AmqpError | undefined

  constructor(store: TransactionStore) {
    this.sends = new HeldSends(store)
  }

  /** Why it can only be rolled back. */
  get failure(): AmqpError | undefined {
    return this.#failure
  }

  /** It can only be rolled back from here on: what it sent is forgotten now. */
  fail(error: AmqpError): void {
    this.#failure ??= error
    this.sends.clear()
  }

  /** Adds a message. Throws `amqp:resource-limit-exceeded`, and why the transaction has failed. */
  send(destination: Destination, record: NewRecord): void {
    if (this.#failure !== undefined) throw rollback(this.#failure.message)
    this.sends.add(destination, record)
  }

  /** Forgets what it sent and gives back what it consumed, each message in its own try. */
  rollBack(logger: Logger): void {
    attempt(logger, 'freeing what a transaction held', () => this.sends.clear())
    for (const acquired of this.receipts) {
      attempt(logger, 'giving back a message of a transaction', () =>
        acquired.subscription.release(acquired, { failed: true }),
      )
    }
    this.giveBack(logger)
  }

  /** Carries out what is to become of other messages. */
  giveBack(logger: Logger): void {
    for (const give of this.returns) attempt(logger, 'giving back a message of a transaction', give)
  }
}

const COORDINATOR_CREDIT = 100
/** Transactions that a connection may have at a time; a JMS session has one. */
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
    /** Nobody knows how a transaction ended, so that the client must not be told anything but that. */
    readonly onOutcomeUnknown: (error: Error) => void
  }) {
    this.#journal = options.journal
    this.#logger = options.logger
    this.#store = options.store
    this.#onOutcomeUnknown = options.onOutcomeUnknown
  }

  /** Throws `amqp:transaction:unknown-id`. */
  get(id: Buffer): LocalTransaction {
    const transaction = this.#byId.get(id.toString('hex'))
    if (transaction === undefined) {
      throw new AmqpError(
        Condition.unknownTransaction,
        `there is no transaction ${id.toString('hex')}`,
      )
    }
    return transaction
  }

  /** Answers to a link to the coordinator. Its transactions are rolled back when it ends. */
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
          `the connection has ${MAX_TRANSACTIONS} transactions, no more are taken`,
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
      'the coordinator takes declare and discharge only',
    )
  }

  async #commit(transaction: LocalTransaction): Promise<void> {
    const { sends, receipts, failure } = transaction
    if (failure !== undefined) {
      transaction.rollBack(this.#logger)
      throw rollback(`a message of the transaction was refused: ${failure.message}`)
    }
    // What was taken away meanwhile (the subscription was deleted) is nobody's any more.
    const held = receipts.filter((each) => !each.isDone)
    try {
      if (sends.count > 0 || held.length > 0) await this.#journal.commit({ sends, receipts: held })
    } catch (error) {
      // What it consumed stays where it is: it may have been.
      if (error instanceof OutcomeUnknownError) throw error
      transaction.rollBack(this.#logger)
      throw rollback(`the transaction could not be written: ${(error as Error).message}`)
    } finally {
      sends.clear()
    }
    transaction.giveBack(this.#logger)
  }

  /** Transactions that were declared and not ended. */
  get count(): number {
    return this.#byId.size
  }

  /** The connection is gone. */
  close(): void {
    for (const transaction of this.#byId.values()) transaction.rollBack(this.#logger)
    this.#byId.clear()
  }
}

function rollback(message: string): AmqpError {
  return new AmqpError(Condition.transactionRollback, message)
}
