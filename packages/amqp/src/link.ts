// SPDX-License-Identifier: Apache-2.0
import { attempt } from '@millrace/base'
import { AmqpError, Condition, conditionOf } from './amqp-error.ts'
import { ByteQueue } from './codec/byte-queue.ts'
import type { AmqpValue } from './codec/types.ts'
import type {
  Coordinator,
  DeliveryState,
  ErrorCondition,
  Source,
  Target,
} from './definitions/messaging.ts'
import type { Attach, Detach, Flow, Transfer } from './definitions/performatives.ts'
import { IncomingDelivery, type OutgoingDelivery } from './delivery.ts'
import { distance, next } from './serial.ts'
import type { Session } from './session.ts'

/** Local state of a link endpoint, sent in its attach frame. */
export interface LinkOptions {
  /** Source of the link: the node that messages come from. */
  readonly source?: Source | undefined
  /** Target of the link: the node that messages are sent to. */
  readonly target?: Target | Coordinator | undefined
  /** 0 unsettled, 1 settled, 2 mixed (default). */
  readonly sndSettleMode?: number | undefined
  /** 0 first (default), 1 second. */
  readonly rcvSettleMode?: number | undefined
  /** Capabilities that this end offers. */
  readonly offeredCapabilities?: readonly string[] | undefined
  /** Capabilities that this end desires from the peer. */
  readonly desiredCapabilities?: readonly string[] | undefined
  /** Properties to send in the attach frame. */
  readonly properties?: ReadonlyMap<string, AmqpValue> | undefined
  /** Largest message that is accepted, in bytes. */
  readonly maxMessageSize?: number | undefined
}

/** Events common to sender and receiver links. */
export interface LinkHandler {
  /**
   * The link has ended: the peer detached it, or, if `detach` is undefined, its session or
   * connection ended or the link failed. `isLost` is true if the peer had no chance to report the
   * state of its deliveries. Called once. Exceptions are logged and do not propagate.
   */
  onDetach(detach: Detach | undefined, isLost: boolean): void
}

/** Receives the events of a sender link. */
export interface SenderHandler extends LinkHandler {
  /** Credit and buffer space are available, or the receiver asked to drain. */
  onSendable(): void
  /** The receiver sent a disposition for a delivery. */
  onDisposition(delivery: OutgoingDelivery): void
}

/** Receives the events of a receiver link. */
export interface ReceiverHandler extends LinkHandler {
  /** Called with each complete message. */
  onDelivery(delivery: IncomingDelivery): void
  /** After `drain`: the sender has used or returned all credit. */
  onDrained?(): void
  /**
   * The sender settled a delivery that this end had left unsettled (receiver settle mode second).
   */
  onSettled?(delivery: IncomingDelivery): void
}

/** One end of a link. */
export abstract class Link {
  /** Session of the link. */
  readonly session: Session
  /** Name of the link, unique per direction between two containers. */
  readonly name: string
  /** Whether this end sends or receives. */
  abstract readonly role: 'sender' | 'receiver'
  /** The peer's attach frame; undefined until it arrives. */
  remote: Attach | undefined
  /** The options that this end attached with; undefined until it has attached. */
  local: LinkOptions | undefined
  /** Handle that this end assigned; -1 while not attached. */
  localHandle = -1
  /** @internal Size of the peer's attach frame. */
  attachBytes = 0
  /** Handle that the peer assigned; -1 while not attached. */
  remoteHandle = -1
  /** True once this end has detached. */
  isDetached = false
  /** True once the peer has detached, or the session or connection has ended. */
  isRemotelyDetached = false
  /** Resolves when the peer has attached with a terminus. Rejects if the peer refuses the link. */
  readonly attached: Promise<void>
  /** Handler, if set. */
  protected abstract readonly handlerOrNone: LinkHandler | undefined
  #resolveAttached: () => void = () => {}
  #rejectAttached: (error: Error) => void = () => {}
  #attachedWithoutTerminus = false
  #isFinished = false

  /** Called by a session. */
  constructor(session: Session, name: string) {
    this.session = session
    this.name = name
    this.attached = new Promise((resolve, reject) => {
      this.#resolveAttached = resolve
      this.#rejectAttached = reject
    })
    // Only clients await this promise.
    this.attached.catch(() => {})
  }

  /** Attaches this end: a client to request the link, a server to accept it. */
  attach(options: LinkOptions): void {
    this.local = options
    const own = this.role === 'sender' ? options.target : options.source
    this.#attachedWithoutTerminus = own === undefined
    this.session.sendAttach(this, options)
  }

  /**
   * Refuses the link that the peer attached: sends an attach without a terminus, then a detach with
   * the error.
   */
  refuse(error: ErrorCondition): void {
    const { remote } = this
    this.attach(
      this.role === 'receiver'
        ? { source: remote?.source, rcvSettleMode: remote?.rcvSettleMode }
        : { target: remote?.target, sndSettleMode: remote?.sndSettleMode },
    )
    this.detach({ closed: true, error })
  }

  /** Detaches this end. The terminus is kept unless `closed` is true. Idempotent. */
  detach(options: { readonly closed: boolean; readonly error?: ErrorCondition | undefined }): void {
    if (this.isDetached) return
    this.isDetached = true
    this.session.sendDetach(this, options)
  }

  /** @internal */
  onRemoteAttach(remote: Attach): void {
    this.remote = remote
    const terminus = this.role === 'sender' ? remote.target : remote.source
    if (terminus !== undefined || this.#attachedWithoutTerminus) this.#resolveAttached()
  }

  /** @internal */
  onRemoteDetach(detach: Detach | undefined, failure?: Error, isLost = false): void {
    this.isRemotelyDetached = true
    const what = `link ${this.name} was refused`
    const error =
      failure ??
      (detach?.error === undefined
        ? new AmqpError(Condition.detachForced, what)
        : AmqpError.from(detach.error, what))
    this.#finish(detach, error, isLost)
  }

  #finish(detach: Detach | undefined, error: Error, isLost: boolean): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.freeBuffers()
    this.#rejectAttached(error)
    const { logger } = this.session.connection
    try {
      this.handlerOrNone?.onDetach(detach, isLost)
    } catch (thrown) {
      if (!(thrown instanceof AmqpError)) {
        logger.error('exception in onDetach of an AMQP link', { link: this.name, error: thrown })
      }
      // Answer the detach even though the owner's handler failed.
      attempt(logger, 'detaching a link', () =>
        this.detach({ closed: detach?.closed ?? true, error: conditionOf(thrown) }),
      )
    }
  }

  /** Discards messages that are partly sent or received. */
  protected abstract freeBuffers(): void

  /** Whether the link has ended, from either side. Its handler has been notified or will not be. */
  get isOver(): boolean {
    return this.#isFinished || this.isDetached
  }

  /** Runs code of the link's owner. An exception ends this link only. */
  run(work: () => void): void {
    if (this.#isFinished) return
    try {
      work()
    } catch (error) {
      this.fail(error)
    }
  }

  /**
   * Ends this link, and nothing else, because of an error: detaches with the error and calls the
   * handler's `onDetach` without waiting for the peer's answer. Errors other than `AmqpError` are
   * logged.
   */
  fail(error: unknown): void {
    const { logger } = this.session.connection
    if (!(error instanceof AmqpError)) {
      logger.error('internal error, detaching an AMQP link', { link: this.name, error })
    }
    const condition = conditionOf(error)
    attempt(logger, 'detaching a link', () => {
      if (this.local === undefined && this.remote !== undefined) this.refuse(condition)
      else this.detach({ closed: true, error: condition })
    })
    const failure =
      error instanceof Error ? error : new AmqpError(condition.condition, String(error))
    this.#finish(undefined, failure, true)
  }
}

/** The sending end of a link. It may send as many messages as the receiver grants credit for. */
export class SenderLink extends Link {
  /** Always `sender`. */
  readonly role = 'sender'
  /** Receives the events of the link. */
  handler: SenderHandler | undefined
  #credit = 0
  #deliveryCount = 0
  #nextTag = 0
  /**
   * The receiver asks for the messages that are available now and for the return of unused credit.
   */
  isDraining = false
  /** Messages, or remainders of messages, that wait for the session window. */
  readonly #held: HeldTransfer[] = []

  /** Handler, if set. */
  protected get handlerOrNone(): LinkHandler | undefined {
    return this.handler
  }

  /** Credit: number of messages that may be sent now. */
  get credit(): number {
    return this.#credit
  }

  /** Delivery count of the link, a serial number. */
  get deliveryCount(): number {
    return this.#deliveryCount
  }

  /**
   * Whether a message sent now would be written immediately: credit is available, and neither the
   * window nor the socket is full.
   */
  get isSendable(): boolean {
    return (
      this.#credit > 0 &&
      this.#held.length === 0 &&
      !this.isDetached &&
      !this.isRemotelyDetached &&
      !this.session.isCongested
    )
  }

  /**
   * Sends a message and uses one credit. The buffers must not change until they are written. Throws
   * without credit, because the peer would close the link (`amqp:link:transfer-limit-exceeded`).
   */
  send(
    pieces: readonly Uint8Array[],
    options: {
      readonly settled: boolean
      readonly state?: DeliveryState
      readonly tag?: Buffer
      readonly messageFormat?: number
      readonly context?: unknown
    },
  ): OutgoingDelivery {
    if (this.#credit <= 0) {
      throw new AmqpError(Condition.transferLimitExceeded, `no credit on link ${this.name}`)
    }
    this.#credit--
    this.#deliveryCount = next(this.#deliveryCount)
    const tag = options.tag ?? this.#tag()
    const delivery = this.session.newOutgoing(this, tag, options.settled)
    delivery.context = options.context
    let size = 0
    for (const piece of pieces) size += piece.length
    const held: HeldTransfer = {
      delivery,
      pieces: [...pieces],
      size,
      isStarted: false,
      messageFormat: options.messageFormat ?? 0,
      settled: options.settled,
      state: options.state,
    }
    if (this.#held.length > 0 || !this.session.sendTransfer(this, held)) {
      this.#held.push(held)
      this.session.hold(this)
    }
    return delivery
  }

  #tag(): Buffer {
    const tag = Buffer.allocUnsafe(4)
    tag.writeUInt32BE(this.#nextTag, 0)
    this.#nextTag = next(this.#nextTag)
    return tag
  }

  /** @internal Bytes of messages that wait for the session window. */
  get heldBytes(): number {
    let bytes = 0
    for (const { size } of this.#held) bytes += size
    return bytes
  }

  protected override freeBuffers(): void {
    this.#held.length = 0
  }

  /**
   * @internal Sends messages that waited for the window. Returns false if the window is still full.
   */
  release(): boolean {
    for (;;) {
      const [first] = this.#held
      if (first === undefined) return true
      if (!this.session.sendTransfer(this, first)) return false
      this.#held.shift()
    }
  }

  /**
   * Completes a drain: returns all unused credit. Call it when `isDraining` is true and nothing is
   * left to send.
   */
  drained(): void {
    if (!this.isDraining || this.#held.length > 0) return
    this.isDraining = false
    this.#deliveryCount = next(this.#deliveryCount, this.#credit)
    this.#credit = 0
    this.session.sendFlow(this, { drain: true })
  }

  /** @internal */
  onFlow(flow: Flow): void {
    if (flow.linkCredit !== undefined) {
      const theirs = flow.deliveryCount ?? 0
      this.#credit = Math.max(distance(next(theirs, flow.linkCredit), this.#deliveryCount), 0)
    }
    this.isDraining = flow.drain === true
    this.run(() => this.handler?.onSendable())
    if (flow.echo === true && !this.isDetached && this.localHandle >= 0) {
      this.session.sendFlow(this, {})
    }
  }
}

/** A transfer that is partly sent or waits to be sent. */
export interface HeldTransfer {
  readonly delivery: OutgoingDelivery
  pieces: Uint8Array[]
  /** Number of bytes not yet sent. */
  size: number
  isStarted: boolean
  readonly messageFormat: number
  readonly settled: boolean
  readonly state: DeliveryState | undefined
}

/** The receiving end of a link. It grants credit and settles each message. */
export class ReceiverLink extends Link {
  /** Always `receiver`. */
  readonly role = 'receiver'
  /** Receives the events of the link. */
  handler: ReceiverHandler | undefined
  #credit = 0
  #deliveryCount = 0
  #isDraining = false
  #partial: PartialDelivery | undefined

  /** Handler, if set. */
  protected get handlerOrNone(): LinkHandler | undefined {
    return this.handler
  }

  /** Credit: number of messages that may still arrive. */
  get credit(): number {
    return this.#credit
  }

  /** Delivery count of the link, a serial number. */
  get deliveryCount(): number {
    return this.#deliveryCount
  }

  /** Whether the peer was asked to use or return its credit. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Sets the credit: the number of messages that may arrive from now on. */
  setCredit(credit: number): void {
    if (this.isDetached || this.isRemotelyDetached) return
    this.#credit = credit
    this.#isDraining = false
    this.session.sendFlow(this, {})
  }

  /** Grants credit for `count` more messages. */
  addCredit(count: number): void {
    this.setCredit(this.#credit + count)
  }

  /**
   * Asks for the messages that are available and for the return of unused credit. `onDrained`
   * follows.
   */
  drain(): void {
    if (this.isDetached || this.isRemotelyDetached) return
    this.#isDraining = true
    this.session.sendFlow(this, { drain: true, echo: true })
  }

  /** @internal */
  override onRemoteAttach(remote: Attach): void {
    this.#deliveryCount = remote.initialDeliveryCount ?? 0
    super.onRemoteAttach(remote)
  }

  /** @internal */
  onFlow(flow: Flow): void {
    if (flow.deliveryCount !== undefined) {
      const used = distance(flow.deliveryCount, this.#deliveryCount)
      if (used > 0) {
        this.#deliveryCount = flow.deliveryCount
        this.#credit = Math.max(this.#credit - used, 0)
      }
    }
    this.#checkDrained()
    if (flow.echo === true && !this.isDetached && this.localHandle >= 0) {
      this.session.sendFlow(this, {})
    }
  }

  /** @internal */
  onTransfer(transfer: Transfer, payload: Buffer): void {
    const partial = this.#partial
    if (partial === undefined) {
      if (transfer.deliveryId === undefined || transfer.deliveryTag === undefined) {
        const what = 'first transfer of a delivery without delivery-id or delivery-tag'
        throw new AmqpError(Condition.invalidField, what)
      }
      this.#begin(transfer)
    } else if (
      transfer.deliveryId !== undefined &&
      transfer.deliveryId !== partial.first.deliveryId
    ) {
      const { deliveryId } = transfer
      throw new AmqpError(
        Condition.illegalState,
        `delivery ${deliveryId} started before delivery ${partial.first.deliveryId} was complete`,
      )
    }
    this.#append(this.#partial as PartialDelivery, transfer, payload)
  }

  #begin(transfer: Transfer): void {
    if (this.#credit <= 0) {
      const what = `link ${this.name} has no credit left`
      throw new LinkFailure(this, new AmqpError(Condition.transferLimitExceeded, what))
    }
    this.#credit--
    this.#deliveryCount = next(this.#deliveryCount)
    this.#partial = {
      first: transfer,
      bytes: new ByteQueue(),
      settled: false,
      state: undefined,
    }
  }

  #append(partial: PartialDelivery, transfer: Transfer, payload: Buffer): void {
    if (transfer.aborted === true) {
      this.#discardPartial()
      this.#checkDrained()
      return
    }
    const size = partial.bytes.size + payload.length
    const limit = this.local?.maxMessageSize
    if (limit !== undefined && limit > 0 && size > limit) {
      this.#discardPartial()
      const what = `message exceeds max-message-size ${limit} on link ${this.name}`
      throw new LinkFailure(this, new AmqpError(Condition.messageSizeExceeded, what))
    }
    // The settled flag and the state may be set on any frame of the delivery.
    partial.settled ||= transfer.settled === true
    partial.state = transfer.state ?? partial.state
    if (transfer.more === true) {
      partial.bytes.push(payload)
      this.session.connection.incompleteBytes += payload.length
      return
    }
    this.#discardPartial()
    partial.bytes.push(payload)
    const { first } = partial
    const delivery = new IncomingDelivery(this, {
      id: first.deliveryId as number,
      tag: first.deliveryTag as Buffer,
      messageFormat: first.messageFormat ?? 0,
      payload: partial.bytes.takeAll(),
      state: partial.state,
      settled: partial.settled,
    })
    this.session.addIncoming(delivery)
    this.run(() => this.handler?.onDelivery(delivery))
    this.#checkDrained()
  }

  #discardPartial(): void {
    if (this.#partial === undefined) return
    this.session.connection.incompleteBytes -= this.#partial.bytes.size
    this.#partial = undefined
  }

  protected override freeBuffers(): void {
    this.#discardPartial()
  }

  #checkDrained(): void {
    if (!this.#isDraining || this.#credit > 0) return
    this.#isDraining = false
    this.run(() => this.handler?.onDrained?.())
  }
}

interface PartialDelivery {
  readonly first: Transfer
  /** Bytes received so far. */
  readonly bytes: ByteQueue
  settled: boolean
  state: DeliveryState | undefined
}

/** A peer error that ends one link and leaves the session intact. */
export class LinkFailure extends Error {
  readonly link: Link
  readonly reason: AmqpError

  constructor(link: Link, reason: AmqpError) {
    super(reason.message)
    this.link = link
    this.reason = reason
  }
}
