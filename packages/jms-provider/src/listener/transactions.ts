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
import type { Engine } from '../engine.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import type { Acquired } from '../subscription/subscription.ts'

/** A transaction of a client: what it sent and what it consumed, until it ends. */
export class LocalTransaction {
  readonly sends: { readonly destination: Destination; readonly record: NewRecord }[] = []
  readonly receipts: Acquired[] = []
  /** What becomes of other messages when it ends, either way. */
  readonly returns: (() => void)[] = []
  /** Sends whose destination is still being found. */
  readonly pending: Promise<unknown>[] = []
  /** Why it can only be rolled back. */
  failure: AmqpError | undefined

  /** Gives back what it consumed, each message in its own try. */
  rollBack(logger: Logger): void {
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

/** The transactions of a connection (AMQP 1.0, part 4). */
export class Transactions {
  readonly #engine: Engine
  readonly #byId = new Map<string, LocalTransaction>()
  #nextId = 1n

  constructor(engine: Engine) {
    this.#engine = engine
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
          this.#byId.get(id)?.rollBack(this.#engine.logger)
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
    try {
      delivery.update(await this.#command(delivery, own))
    } catch (error) {
      delivery.update({ kind: 'rejected', error: conditionOf(error) })
    }
  }

  async #command(delivery: IncomingDelivery, own: Set<string>): Promise<DeliveryState> {
    const { body } = new EncodedMessage(delivery.payload)
    const command = body.kind === 'value' ? compositeFrom(body.value) : undefined
    if (command?.kind === 'declare') {
      const txnId = Buffer.alloc(8)
      txnId.writeBigUInt64BE(this.#nextId++)
      own.add(txnId.toString('hex'))
      this.#byId.set(txnId.toString('hex'), new LocalTransaction())
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
      if (fail === true) transaction.rollBack(this.#engine.logger)
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
      transaction.rollBack(this.#engine.logger)
      throw rollback(`a message of the transaction was refused: ${failure.message}`)
    }
    // What was taken away meanwhile (the subscription was deleted) is nobody's any more.
    const held = receipts.filter((each) => !each.isDone)
    if (sends.length > 0 || held.length > 0) {
      try {
        await this.#engine.journal.commit({ sends, receipts: held })
      } catch (error) {
        transaction.rollBack(this.#engine.logger)
        throw rollback(`the transaction could not be written: ${(error as Error).message}`)
      }
    }
    transaction.giveBack(this.#engine.logger)
  }

  /** Transactions that were declared and not ended. */
  get count(): number {
    return this.#byId.size
  }

  /** The connection is gone. */
  close(): void {
    for (const transaction of this.#byId.values()) transaction.rollBack(this.#engine.logger)
    this.#byId.clear()
  }
}

function rollback(message: string): AmqpError {
  return new AmqpError(Condition.transactionRollback, message)
}
