// SPDX-License-Identifier: Apache-2.0
import {
  AmqpError,
  type Session as AmqpSession,
  type AmqpValue,
  type DeliveryState,
  Described,
  encodeMessage,
  type OutgoingDelivery,
  type SenderLink,
  ulong,
} from '@millrace/amqp'
import { JMSException } from './exceptions.ts'

const DECLARE = 0x31
const DISCHARGE = 0x32

/** Outcome of a discharge. */
export type Discharged =
  | { readonly kind: 'done' }
  /** Rolled back, even if a commit was requested. */
  | { readonly kind: 'refused'; readonly error: JMSException }
  /** The link ended before the answer: a commit may or may not have taken effect. */
  | { readonly kind: 'unknown' }

/**
 * The link to a provider's transaction coordinator, and its current transaction (AMQP 1.0, part 4).
 */
export class TransactionLink {
  readonly #link: SenderLink
  #txnId: Buffer | undefined
  readonly #waiting = new Map<OutgoingDelivery, (state: DeliveryState | undefined) => void>()
  #unsent: (() => void)[] = []
  #isDetached = false

  private constructor(link: SenderLink) {
    this.#link = link
    link.handler = {
      onSendable: () => {
        while (this.#unsent.length > 0 && link.credit > 0) this.#unsent.shift()?.()
      },
      onDisposition: (delivery) => {
        delivery.settle()
        this.#waiting.get(delivery)?.(delivery.remoteState)
        this.#waiting.delete(delivery)
      },
      onDetach: () => {
        this.#isDetached = true
        for (const answer of this.#waiting.values()) answer(undefined)
        this.#waiting.clear()
        for (const send of this.#unsent.splice(0)) send()
      },
    }
  }

  /** Attaches to the coordinator and declares the first transaction. */
  static async open(session: AmqpSession, name: string): Promise<TransactionLink> {
    const link = session.sender(name)
    const transaction = new TransactionLink(link)
    link.attach({
      source: {
        kind: 'source',
        outcomes: ['amqp:accepted:list', 'amqp:rejected:list', 'amqp:declared:list'],
      },
      target: { kind: 'coordinator', capabilities: ['amqp:local-transactions'] },
    })
    await link.attached
    await transaction.declare()
    return transaction
  }

  /** Whether the link is detached or its connection has ended. */
  get isGone(): boolean {
    return this.#isDetached
  }

  /** Transaction id for transfers and dispositions; undefined between transactions. */
  get txnId(): Buffer | undefined {
    return this.#isDetached ? undefined : this.#txnId
  }

  /**
   * Declares the next transaction. Rejects with `JMSException` if the provider refuses, or the link
   * has ended.
   */
  async declare(): Promise<void> {
    this.#txnId = undefined
    const state = await this.#command(new Described(ulong(DECLARE), []))
    if (state?.kind !== 'declared') throw problemOf(state, 'cannot declare a transaction')
    this.#txnId = state.txnId
  }

  /** Ends the transaction: `fail` rolls it back. Never rejects. */
  async discharge(fail: boolean): Promise<Discharged> {
    const { txnId } = this
    this.#txnId = undefined
    if (txnId === undefined) return { kind: 'done' }
    const state = await this.#command(new Described(ulong(DISCHARGE), [txnId, fail]))
    if (state === undefined) return { kind: 'unknown' }
    if (state.kind === 'accepted') return { kind: 'done' }
    return { kind: 'refused', error: problemOf(state, 'the transaction was rolled back') }
  }

  #command(value: AmqpValue): Promise<DeliveryState | undefined> {
    const payload = encodeMessage({ body: { kind: 'value', value } })
    return new Promise((resolve) => {
      const send = (): void => {
        if (this.#isDetached) {
          resolve(undefined)
          return
        }
        this.#waiting.set(this.#link.send([payload], { settled: false }), resolve)
      }
      if (this.#link.credit > 0 || this.#isDetached) send()
      else this.#unsent.push(send)
    })
  }
}

function problemOf(state: DeliveryState | undefined, what: string): JMSException {
  if (state?.kind === 'rejected' && state.error !== undefined) {
    const error = AmqpError.from(state.error, what)
    return new JMSException(error.message, error.code, error)
  }
  return new JMSException(state === undefined ? `${what}: connection lost` : what)
}
