// SPDX-License-Identifier: Apache-2.0
import {
  AmqpError,
  accepted,
  Condition,
  conditionOf,
  type Detach,
  EncodedMessage,
  type IncomingDelivery,
  JmsAnnotation,
  numberOf,
  type ReceiverHandler,
  type ReceiverLink,
} from '@millrace/amqp'
import { attempt, MalformedInputError, MillraceError } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import { EngineError } from '../destination/destination-errors.ts'
import { toRecord } from '../mapping/to-record.ts'
import { withUserId } from '../mapping/user-id.ts'
import { kindOfType, parseAddress } from './address.ts'
import type { ProviderConnection } from './provider-connection.ts'
import type { LocalTransaction } from './transactions.ts'

/** The receiving link from a client's producer. */
export class ProducerLink implements ReceiverHandler {
  readonly #connection: ProviderConnection
  readonly #link: ReceiverLink
  /** Undefined for an anonymous producer, whose messages name their destination. */
  readonly #destination: Destination | undefined
  readonly #maxCredit: number
  /** Received messages that are not yet durable. */
  #inFlight = 0
  /** Earlier messages that still wait for their destination; later ones must not overtake them. */
  #queue: Promise<void> | undefined
  #isBlocked = false
  /**
   * Called when the link has ended, with the peer's detach if it sent one. Throws `AmqpError` to
   * refuse it.
   */
  readonly #onClosed: ((detach: Detach | undefined) => void) | undefined

  constructor(
    connection: ProviderConnection,
    link: ReceiverLink,
    options: {
      readonly destination: Destination | undefined
      readonly maxCredit: number
      readonly onClosed?: ((detach: Detach | undefined) => void) | undefined
    },
  ) {
    this.#connection = connection
    this.#link = link
    this.#destination = options.destination
    this.#maxCredit = options.maxCredit
    this.#onClosed = options.onClosed
    link.handler = this
  }

  /** Grants credit unless the destination is full. */
  start(): void {
    this.#grantCredit()
  }

  #grantCredit(): void {
    const destination = this.#destination
    if (destination?.isFull === true) {
      if (this.#isBlocked) return
      this.#isBlocked = true
      destination.whenNotFull(() => {
        this.#isBlocked = false
        this.#link.run(() => this.#grantCredit())
      })
      return
    }
    const { maxMessages } = destination?.policy ?? { maxMessages: 0 }
    const room =
      destination !== undefined && maxMessages > 0
        ? maxMessages - destination.depth
        : this.#maxCredit
    const wanted = Math.min(this.#maxCredit - this.#inFlight, Math.max(room, 1))
    if (this.#link.credit <= wanted / 2) this.#link.setCredit(wanted)
  }

  onDelivery(delivery: IncomingDelivery): void {
    const size = delivery.payload.length
    this.#inFlight++
    this.#connection.addBytes(size)
    const done = (): void => {
      this.#inFlight--
      attempt(this.#connection.logger, 'resuming reading', () => this.#connection.addBytes(-size))
      if (!this.#link.isDetached && !this.#link.isRemotelyDetached) {
        this.#link.run(() => this.#grantCredit())
      }
    }
    let transaction: LocalTransaction | undefined
    try {
      const state = delivery.remoteState
      if (state?.kind === 'transactionalState') {
        transaction = this.#connection.transactions.get(state.txnId)
      }
      const { payload } = delivery
      const message = new EncodedMessage(transaction === undefined ? payload : copyOf(payload))
      const destination = this.#queue === undefined ? this.#knownDestination(message) : undefined
      if (destination?.fitsSegments(size) === true) {
        this.#accept(delivery, message, destination, transaction)
          .catch((error: unknown) => this.#link.fail(error))
          .finally(done)
        return
      }
      const settled = (this.#queue ?? Promise.resolve())
        .then(() => this.#acceptLater(delivery, message, transaction))
        .catch((error: unknown) => this.#link.fail(error))
        .finally(() => {
          if (this.#queue === settled) this.#queue = undefined
          done()
        })
      this.#queue = settled
      transaction?.pending.push(settled)
    } catch (error) {
      this.#refuse(delivery, transaction, error)
      done()
    }
  }

  async #acceptLater(
    delivery: IncomingDelivery,
    message: EncodedMessage,
    transaction: LocalTransaction | undefined,
  ): Promise<void> {
    try {
      const destination = await this.#destinationOf(message)
      await destination.enlargeSegmentsFor(delivery.payload.length)
      await this.#accept(delivery, message, destination, transaction)
    } catch (error) {
      this.#refuse(delivery, transaction, error)
    }
  }

  /** Stay synchronous if the destination is known. */
  #knownDestination(message: EncodedMessage): Destination | undefined {
    if (this.#destination === undefined) return this.#connection.recentDestination(keyOf(message))
    if (!this.#destination.isClosed) return this.#destination
    throw new AmqpError(Condition.resourceDeleted, `${this.#destination.name} was deleted`)
  }

  async #destinationOf(message: EncodedMessage): Promise<Destination> {
    if (this.#destination !== undefined) return this.#destination
    const { to } = message.properties
    if (to === undefined) {
      throw new AmqpError(Condition.preconditionFailed, 'the message has no `to` address')
    }
    const type = kindOfType(numberOf(message.messageAnnotations.get(JmsAnnotation.destination)))
    const address = parseAddress(to)
    const kind = address.kind ?? type
    const destination = await this.#connection.destinationFor({ ...address, kind }, 'send')
    this.#connection.remember(keyOf(message), destination)
    return destination
  }

  async #accept(
    delivery: IncomingDelivery,
    message: EncodedMessage,
    destination: Destination,
    transaction: LocalTransaction | undefined,
  ): Promise<void> {
    try {
      this.#connection.requireSend(destination)
      const nowMs = this.#connection.clock.now()
      const { username } = this.#connection
      const stamped = username === undefined ? message : withUserId(message, username)
      const record = toRecord(stamped, { nowMs, origin: this.#connection.origin })
      if (transaction !== undefined) {
        transaction.send(destination, record)
        const { txnId } = delivery.remoteState as { readonly txnId: Buffer }
        delivery.update({ kind: 'transactionalState', txnId, outcome: accepted })
        return
      }
      const appended = destination.append(record)
      // A temporary destination may refuse the message, so wait for the result.
      if (!record.envelope.durable && !destination.isTemporary) delivery.update(accepted)
      await appended
      delivery.update(accepted)
    } catch (error) {
      this.#refuse(delivery, transaction, error)
    }
  }

  #refuse(
    delivery: IncomingDelivery,
    transaction: LocalTransaction | undefined,
    error: unknown,
  ): void {
    const known = amqpErrorOf(error)
    transaction?.fail(known)
    const outcome = { kind: 'rejected', error: known.condition } as const
    const state = delivery.remoteState
    if (transaction !== undefined && state?.kind === 'transactionalState') {
      delivery.update({ kind: 'transactionalState', txnId: state.txnId, outcome })
      return
    }
    delivery.update(outcome)
  }

  onDetach(detach: Detach | undefined): void {
    this.#onClosed?.(detach)
    this.#link.detach({ closed: detach?.closed ?? true })
  }
}

/**
 * Copies bytes that are retained; a slice would retain the whole buffer that the socket read.
 */
function copyOf(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes
}

function keyOf(message: EncodedMessage): string {
  const type = numberOf(message.messageAnnotations.get(JmsAnnotation.destination))
  return `${type ?? ''}/${message.properties.to ?? ''}`
}

const conditions: ReadonlyMap<string, string> = new Map([
  [EngineError.notFound, Condition.notFound],
  // The condition that JMS clients map to `InvalidDestinationException`.
  [EngineError.invalidName, Condition.notFound],
  ['MESSAGE_TOO_LARGE', Condition.messageSizeExceeded],
  ['RECORD_LIST_TOO_LARGE', Condition.messageSizeExceeded],
  [EngineError.memoryExceeded, Condition.resourceLimitExceeded],
  [EngineError.inUse, Condition.resourceLocked],
  [EngineError.gone, Condition.resourceDeleted],
])

/** Maps an error of the provider to the error that is sent to a client. */
export function amqpErrorOf(error: unknown): AmqpError {
  if (error instanceof AmqpError) return error
  if (error instanceof MalformedInputError) {
    return new AmqpError(Condition.decodeError, error.message, { cause: error })
  }
  if (error instanceof MillraceError) {
    const condition = conditions.get(error.code) ?? Condition.internalError
    return new AmqpError(condition, error.message, { cause: error })
  }
  return new AmqpError(Condition.internalError, conditionOf(error).description ?? 'error', {
    cause: error,
  })
}
