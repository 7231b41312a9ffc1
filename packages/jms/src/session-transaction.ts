// SPDX-License-Identifier: Apache-2.0
import type { Session as AmqpSession } from '@millrace/amqp'
import type { Connection } from './connection.ts'
import { type JMSException, jmsException, TransactionRolledBackException } from './exceptions.ts'
import { type Discharged, TransactionLink } from './transaction.ts'

/** Time limit for the provider's answer when a session closes, milliseconds. */
const CLOSE_TIMEOUT_MS = 5000

/** Callbacks for changes of the transaction's state. */
export interface TransactionEvents {
  /** The next transaction is declared: sends that waited for it can be transmitted. */
  onDeclared(): void
  /** The transaction can only be rolled back: waiting sends fail with this error. */
  onRollbackOnly(error: JMSException): void
}

/**
 * The successive transactions of a session, over all its AMQP connections. If the connection
 * is lost, a transaction with sends or receipts can only be rolled back: `commit` does so and
 * rejects. An empty transaction survives.
 */
export class SessionTransaction {
  readonly #connection: Connection
  readonly #events: TransactionEvents
  #link: TransactionLink | undefined
  #hasSent = false
  #rollbackOnlyCause: JMSException | undefined

  constructor(connection: Connection, events: TransactionEvents) {
    this.#connection = connection
    this.#events = events
  }

  /** Attaches to the coordinator on a begun session, and declares a transaction. */
  async open(amqp: AmqpSession): Promise<void> {
    const opened = TransactionLink.open(amqp, `${this.#connection.newId()}:transactions`)
    this.#link = await this.#connection.limited(opened, 'declaring a transaction')
    this.#events.onDeclared()
  }

  /**
   * Transaction id for sends and receipts; undefined between transactions, and without a
   * connection.
   */
  get txnId(): Buffer | undefined {
    return this.#link?.txnId
  }

  get hasSent(): boolean {
    return this.#hasSent
  }

  /** Reason why the transaction can only be rolled back; undefined if it can be committed. */
  get rollbackOnlyCause(): JMSException | undefined {
    return this.#rollbackOnlyCause
  }

  /** Marks that the transaction contains a send. */
  noteSent(): void {
    this.#hasSent = true
  }

  /** Records a failure: the transaction can then only be rolled back. */
  noteFailure(error: JMSException): void {
    this.#rollbackOnlyCause ??= error
  }

  /**
   * The connection was lost, and the provider has rolled the transaction back. `hasWork`: whether
   * it contains receipts or unanswered sends.
   */
  onLost(error: JMSException, hasWork: boolean): void {
    this.#link = undefined
    if (!this.#hasSent && !hasWork) return
    const lost = new TransactionRolledBackException(
      `connection lost: ${error.message}`,
      'JMS_CONNECTION_LOST',
      error,
    )
    this.#markRollbackOnly(lost)
  }

  #markRollbackOnly(error: JMSException): void {
    this.#rollbackOnlyCause ??= error
    this.#events.onRollbackOnly(error)
  }

  /**
   * Ends the transaction and declares the next one, in one round trip. Never rejects: without an
   * answer the outcome is `unknown`.
   */
  async end(kind: 'commit' | 'rollback'): Promise<Discharged> {
    const link = this.#link
    this.#hasSent = false
    this.#rollbackOnlyCause = undefined
    if (link === undefined || link.isGone) return { kind: 'unknown' }
    const isRollback = kind === 'rollback'
    const what = isRollback ? 'rolling back' : 'committing'
    const discharged = link.discharge(isRollback)
    const declared = this.#connection.limited(link.declare(), 'declaring a transaction')
    const next = declared.then(
      () => this.#events.onDeclared(),
      (error: unknown) => {
        if (this.#link === link && !link.isGone) this.#markRollbackOnly(jmsException(error))
      },
    )
    let outcome: Discharged
    try {
      outcome = await this.#connection.limited(discharged, what)
    } catch {
      outcome = { kind: 'unknown' }
    }
    await next
    return outcome
  }
  /** Rolls back the open transaction, if the link is attached. */
  async close(): Promise<void> {
    const link = this.#link
    if (link === undefined || link.isGone) return
    await this.#connection
      .limited(link.discharge(true), 'rolling back', CLOSE_TIMEOUT_MS)
      .catch(() => undefined)
  }
}
