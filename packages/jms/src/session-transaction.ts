// SPDX-License-Identifier: Apache-2.0
import type { Session as AmqpSession } from '@millrace/amqp'
import type { Connection } from './connection.ts'
import { type JMSException, jmsException, TransactionRolledBackException } from './exceptions.ts'
import { type Discharged, TransactionLink } from './transaction.ts'

/** How long a closing session waits for the provider. */
const CLOSE_TIMEOUT_MS = 5000

/** What a session does when the state of its transaction changes. */
export interface TransactionEvents {
  /** The next transaction is declared: sends that waited for it can go. */
  onDeclared(): void
  /** The transaction can only be rolled back: sends that wait fail with this error. */
  onDoomed(error: JMSException): void
}

/**
 * The transactions of a session, one after another, over all AMQP connections that the session has. A transaction with something in
 * it that loses its connection is doomed: `commit` rolls it back and says so. An empty one survives.
 */
export class SessionTransaction {
  readonly #connection: Connection
  readonly #events: TransactionEvents
  #link: TransactionLink | undefined
  #hasSent = false
  #doom: JMSException | undefined

  constructor(connection: Connection, events: TransactionEvents) {
    this.#connection = connection
    this.#events = events
  }

  /** Attaches to the coordinator over a session that has begun, and declares a transaction. */
  async open(amqp: AmqpSession): Promise<void> {
    const opened = TransactionLink.open(amqp, `${this.#connection.newId()}:transactions`)
    this.#link = await this.#connection.limited(opened, 'declaring a transaction')
    this.#events.onDeclared()
  }

  /** Whether there is a provider that holds a part of it. */
  get isAttached(): boolean {
    return this.#link !== undefined && !this.#link.isGone
  }

  /** The id that sends and receipts carry; undefined between two transactions, and without a connection. */
  get txnId(): Buffer | undefined {
    return this.#link?.txnId
  }

  get hasSent(): boolean {
    return this.#hasSent
  }

  /** Why it can only be rolled back; undefined for a sound one. */
  get doom(): JMSException | undefined {
    return this.#doom
  }

  /** A message goes out in it. */
  noteSent(): void {
    this.#hasSent = true
  }

  /** A send of it failed. */
  noteFailure(error: JMSException): void {
    this.#doom ??= error
  }

  /** The connection is gone, and what the provider had of the transaction with it. `hasWork`: receipts, or sends without an answer. */
  onLost(error: JMSException, hasWork: boolean): void {
    this.#link = undefined
    if (!this.#hasSent && !hasWork) return
    const lost = new TransactionRolledBackException(
      `the connection was lost: ${error.message}`,
      'JMS_CONNECTION_LOST',
      error,
    )
    this.#doomWith(lost)
  }

  #doomWith(error: JMSException): void {
    this.#doom ??= error
    this.#events.onDoomed(error)
  }

  /**
   * Ends the transaction and declares the next one, in one round trip. Never rejects: without an answer the outcome is unknown.
   */
  async end(kind: 'commit' | 'rollback'): Promise<Discharged> {
    const link = this.#link
    this.#hasSent = false
    this.#doom = undefined
    if (link === undefined || link.isGone) return { kind: 'unknown' }
    const isRollback = kind === 'rollback'
    const what = isRollback ? 'rolling back' : 'committing'
    const discharged = link.discharge(isRollback)
    const declared = this.#connection.limited(link.declare(), 'declaring a transaction')
    const next = declared.then(
      () => this.#events.onDeclared(),
      (error: unknown) => {
        if (this.#link === link && !link.isGone) this.#doomWith(jmsException(error))
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
  /** Rolls back what is open, if the provider can be told. */
  async close(): Promise<void> {
    const link = this.#link
    if (link === undefined || link.isGone) return
    await this.#connection
      .limited(link.discharge(true), 'rolling back', CLOSE_TIMEOUT_MS)
      .catch(() => undefined)
  }
}
