// SPDX-License-Identifier: Apache-2.0
import { attempt, elementAt } from '@millrace/base'
import { AmqpError, Condition } from './amqp-error.ts'
import type { AnyComposite } from './codec/composite.ts'
import { encodeFrame, FrameType } from './codec/frames.ts'
import type { AmqpConnection } from './connection.ts'
import type { DeliveryState, ErrorCondition } from './definitions/messaging.ts'
import type {
  Attach,
  Begin,
  Detach,
  Disposition,
  End,
  Flow,
  Transfer,
} from './definitions/performatives.ts'
import { type ReceivedDelivery, SentDelivery } from './delivery.ts'
import type { LinkOptions } from './link.ts'
import type { LinkEndpoint } from './link-endpoint.ts'
import { ReceiverEndpoint } from './receiver-endpoint.ts'
import { type HeldTransfer, SenderEndpoint } from './sender-endpoint.ts'
import { distance, next } from './serial.ts'
import type { Session, SessionHandler } from './session.ts'
import type { Flushable, SessionOwner } from './session-owner.ts'

/** Transfer frames that the peer may send before the window is renewed. */
const INCOMING_WINDOW = 2048
const OUTGOING_WINDOW = 0x7fffffff
/** Maximum number of links in a session. */
const HANDLE_MAX = 8191
/** Bytes reserved in a frame for the transfer performative. */
const TRANSFER_HEAD = 128

/** One end of a session: its links, its windows and all unsettled deliveries. */
export class SessionEndpoint implements Session, Flushable {
  readonly owner: SessionOwner
  readonly channel: number
  handler: SessionHandler | undefined
  readonly begun: Promise<void>
  #resolveBegun: () => void = () => {}
  #rejectBegun: (error: Error) => void = () => {}
  readonly #links = new Map<string, LinkEndpoint>()
  readonly #byLocalHandle = new Map<number, LinkEndpoint>()
  readonly #byRemoteHandle = new Map<number, LinkEndpoint>()
  #nextHandle = 0
  #remoteHandleMax = 0xffffffff

  #nextOutgoingId = 0
  #remoteIncomingWindow = 0
  #nextIncomingId = 0
  #incomingWindow = INCOMING_WINDOW
  readonly #outgoing = new Map<number, SentDelivery>()
  readonly #incoming = new Map<number, ReceivedDelivery>()
  #nextDeliveryId = 0
  /** Links with messages that wait for the window, served in turn. */
  #held: SenderEndpoint[] = []
  #range: DispositionRange | undefined
  #isEnded = false
  #isRemotelyEnded = false
  /** The handlers of the session and of its links were notified of the end. */
  #isFinished = false

  constructor(owner: SessionOwner, channel: number) {
    this.owner = owner
    this.channel = channel
    this.begun = new Promise((resolve, reject) => {
      this.#resolveBegun = resolve
      this.#rejectBegun = reject
    })
    this.begun.catch(() => {})
  }

  get connection(): AmqpConnection {
    return this.owner.connection
  }

  get links(): Iterable<LinkEndpoint> {
    return this.#links.values()
  }

  get linkCount(): number {
    return this.#links.size
  }

  get isEnded(): boolean {
    return this.#isEnded || this.#isRemotelyEnded || this.#isFinished
  }

  get isCongested(): boolean {
    return this.#remoteIncomingWindow <= 0 || this.isEnded || this.owner.isCongested
  }

  get unsettledOutgoing(): number {
    return this.#outgoing.size
  }

  sender(name: string): SenderEndpoint {
    return this.#add(new SenderEndpoint(this, name)) as SenderEndpoint
  }

  receiver(name: string): ReceiverEndpoint {
    return this.#add(new ReceiverEndpoint(this, name)) as ReceiverEndpoint
  }

  #add(link: LinkEndpoint): LinkEndpoint {
    const key = linkKey(link.role, link.name)
    if (this.#links.has(key)) {
      throw new AmqpError(
        Condition.notAllowed,
        `a ${link.role} link named ${link.name} already exists`,
      )
    }
    this.#links.set(key, link)
    return link
  }

  end(error?: ErrorCondition): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#send({ kind: 'end', error } as End)
    if (this.#isRemotelyEnded) this.owner.forget(this)
  }

  /**
   * Ends the session because of an error of the peer or of this end. Its links are
   * released immediately: a peer that never answers must not keep them.
   */
  fail(error: AmqpError): void {
    attempt(this.owner.logger, 'ending a session', () => this.end(error.condition))
    this.#finish(error, true)
  }

  // Called by links and deliveries.

  sendBegin(remoteChannel: number | undefined): void {
    this.#send({
      kind: 'begin',
      remoteChannel,
      nextOutgoingId: this.#nextOutgoingId,
      incomingWindow: INCOMING_WINDOW,
      outgoingWindow: OUTGOING_WINDOW,
      handleMax: HANDLE_MAX,
    } as Begin)
  }

  sendAttach(link: LinkEndpoint, options: LinkOptions): void {
    if (this.isEnded) return
    if (this.#byLocalHandle.size > this.#remoteHandleMax) {
      throw new AmqpError(
        Condition.resourceLimitExceeded,
        `the peer allows at most ${this.#remoteHandleMax + 1} links per session`,
      )
    }
    while (this.#byLocalHandle.has(this.#nextHandle)) this.#nextHandle = next(this.#nextHandle)
    link.localHandle = this.#nextHandle
    this.#byLocalHandle.set(link.localHandle, link)
    this.#nextHandle = this.#nextHandle >= HANDLE_MAX ? 0 : this.#nextHandle + 1
    const { maxMessageSize } = options
    this.#send({
      kind: 'attach',
      name: link.name,
      handle: link.localHandle,
      role: link.role === 'receiver',
      sndSettleMode: options.sndSettleMode,
      rcvSettleMode: options.rcvSettleMode,
      source: options.source,
      target: options.target,
      initialDeliveryCount: link.role === 'sender' ? 0 : undefined,
      maxMessageSize: maxMessageSize === undefined ? undefined : BigInt(maxMessageSize),
      offeredCapabilities: options.offeredCapabilities,
      desiredCapabilities: options.desiredCapabilities,
      properties: options.properties,
    } as Attach)
  }

  sendDetach(
    link: LinkEndpoint,
    options: { readonly closed: boolean; readonly error?: ErrorCondition | undefined },
  ): void {
    if (link.localHandle >= 0 && !this.isEnded) {
      this.#send({
        kind: 'detach',
        handle: link.localHandle,
        closed: options.closed,
        error: options.error,
      } as Detach)
    }
    this.#removeIfDetached(link)
  }

  #removeIfDetached(link: LinkEndpoint): void {
    if (link.isDetached) this.#byLocalHandle.delete(link.localHandle)
    if (!link.isDetached || !link.isRemotelyDetached) return
    const key = linkKey(link.role, link.name)
    if (this.#links.get(key) === link) this.#links.delete(key)
    this.owner.memory.attachBytes -= link.attachBytes
    link.attachBytes = 0
    const deliveries: Map<number, { readonly link: LinkEndpoint }> =
      link.role === 'sender' ? this.#outgoing : this.#incoming
    for (const [id, delivery] of deliveries) if (delivery.link === link) deliveries.delete(id)
  }

  sendFlow(
    link: SenderEndpoint | ReceiverEndpoint | undefined,
    options: { readonly drain?: boolean; readonly echo?: boolean },
  ): void {
    if (this.isEnded) return
    this.#incomingWindow = INCOMING_WINDOW
    this.#send({
      kind: 'flow',
      nextIncomingId: this.#nextIncomingId,
      incomingWindow: INCOMING_WINDOW,
      nextOutgoingId: this.#nextOutgoingId,
      outgoingWindow: OUTGOING_WINDOW,
      handle: link?.localHandle,
      deliveryCount: link?.deliveryCount,
      linkCredit: link?.credit,
      available: undefined,
      drain: options.drain,
      echo: options.echo,
    } as Flow)
  }

  newOutgoing(link: SenderEndpoint, tag: Buffer, settled: boolean): SentDelivery {
    const delivery = new SentDelivery(link, this.#nextDeliveryId, tag, settled)
    this.#nextDeliveryId = next(this.#nextDeliveryId)
    if (!settled) this.#outgoing.set(delivery.id, delivery)
    return delivery
  }

  /**
   * Sends a message, or as much of it as the window allows. Returns true when all of it
   * is sent.
   */
  sendTransfer(link: SenderEndpoint, held: HeldTransfer): boolean {
    const room = this.owner.maxFrameSizeOut - TRANSFER_HEAD
    while (this.#remoteIncomingWindow > 0) {
      const isLast = held.size <= room
      const pieces = isLast ? held.pieces : takeBytes(held, room)
      const size = isLast ? held.size : room
      const first = !held.isStarted
      held.isStarted = true
      this.#remoteIncomingWindow--
      this.#nextOutgoingId = next(this.#nextOutgoingId)
      this.#flushRange()
      const transfer: Omit<Transfer, 'kind'> & { readonly kind: string } = {
        kind: 'transfer',
        handle: link.localHandle,
        deliveryId: first ? held.delivery.id : undefined,
        deliveryTag: first ? held.delivery.tag : undefined,
        messageFormat: first ? held.messageFormat : undefined,
        settled: held.settled ? true : undefined,
        more: isLast ? undefined : true,
        state: first ? held.state : undefined,
      }
      const head = encodeFrame(FrameType.amqp, this.channel, transfer, size)
      this.owner.write(head, pieces)
      if (isLast) return true
    }
    return false
  }

  hold(link: SenderEndpoint): void {
    if (!this.#held.includes(link)) this.#held.push(link)
    this.owner.memory.holding.add(this)
  }

  /** Bytes of messages that wait for the window. */
  get heldBytes(): number {
    let bytes = 0
    for (const link of this.#held) bytes += link.heldBytes
    return bytes
  }

  addIncoming(delivery: ReceivedDelivery): void {
    if (!delivery.isSettled) this.#incoming.set(delivery.id, delivery)
  }

  disposeIncoming(delivery: ReceivedDelivery, state: DeliveryState, settle: boolean): void {
    // In receiver settle mode second, the sender settles first.
    const settled = settle && delivery.link.local?.rcvSettleMode !== 1
    if (settled) {
      delivery.isSettled = true
      this.#incoming.delete(delivery.id)
    }
    this.#dispose(true, delivery.id, state, settled)
  }

  settleOutgoing(delivery: SentDelivery, state: DeliveryState | undefined): void {
    delivery.isSettled = true
    this.#outgoing.delete(delivery.id)
    if (!delivery.isRemotelySettled) {
      this.#dispose(false, delivery.id, state ?? delivery.remoteState, true)
    }
  }

  updateOutgoing(delivery: SentDelivery, state: DeliveryState): void {
    this.#dispose(false, delivery.id, state, false)
  }

  /** Dispositions of consecutive deliveries with the same state share one frame. */
  #dispose(role: boolean, id: number, state: DeliveryState | undefined, settled: boolean): void {
    if (this.isEnded) return
    const range = this.#range
    if (
      range !== undefined &&
      range.role === role &&
      range.settled === settled &&
      next(range.last) === id &&
      isSameState(range.state, state)
    ) {
      range.last = id
      return
    }
    this.#flushRange()
    this.#range = { role, first: id, last: id, state, settled }
    this.owner.flushLater(this)
  }

  /** Writes the disposition that waits to be merged with others. */
  flush(): void {
    this.#flushRange()
  }

  #flushRange(): void {
    const range = this.#range
    if (range === undefined) return
    this.#range = undefined
    const { role, first, last, state, settled } = range
    const disposition = {
      kind: 'disposition',
      role,
      first,
      last: last === first ? undefined : last,
      settled: settled ? true : undefined,
      state,
    }
    this.owner.write(encodeFrame(FrameType.amqp, this.channel, disposition), [])
  }

  #send(performative: AnyComposite): void {
    this.#flushRange()
    this.owner.write(encodeFrame(FrameType.amqp, this.channel, performative), [])
  }

  // Called for frames from the peer.

  onBegin(begin: Begin): void {
    this.#nextIncomingId = begin.nextOutgoingId
    this.#remoteIncomingWindow = begin.incomingWindow
    this.#remoteHandleMax = begin.handleMax ?? 0xffffffff
    this.#resolveBegun()
  }

  onAttach(attach: Attach, frameSize: number): void {
    if (attach.handle > HANDLE_MAX) {
      throw new AmqpError(
        Condition.framingError,
        `handle ${attach.handle} exceeds handle-max ${HANDLE_MAX}`,
      )
    }
    if (this.#byRemoteHandle.has(attach.handle)) {
      throw new AmqpError(Condition.handleInUse, `handle ${attach.handle} is in use`)
    }
    const role = attach.role ? 'sender' : 'receiver'
    const key = linkKey(role, attach.name)
    let link = this.#links.get(key)
    if (link?.remote !== undefined) {
      // The name is in use: the newer attach takes the link over (part 2, section 2.6.1).
      link.detach({
        closed: false,
        error: { kind: 'error', condition: Condition.linkStolen, description: attach.name },
      })
      this.#byRemoteHandle.delete(link.remoteHandle)
      link.onRemoteDetach(undefined)
      this.#removeIfDetached(link)
      link = undefined
    }
    const isNew = link === undefined
    const known =
      link ??
      this.#add(
        role === 'sender'
          ? new SenderEndpoint(this, attach.name)
          : new ReceiverEndpoint(this, attach.name),
      )
    known.attachBytes = frameSize
    this.owner.memory.attachBytes += frameSize
    known.remoteHandle = attach.handle
    this.#byRemoteHandle.set(attach.handle, known)
    known.onRemoteAttach(attach)
    if (!isNew) return
    const { handler } = this
    if (handler === undefined) known.refuse({ kind: 'error', condition: Condition.notAllowed })
    else known.run(() => handler.onLink(known as SenderEndpoint | ReceiverEndpoint))
  }

  #linkOf(handle: number): SenderEndpoint | ReceiverEndpoint {
    const link = this.#byRemoteHandle.get(handle)
    if (link === undefined) {
      throw new AmqpError(Condition.unattachedHandle, `no link is attached to handle ${handle}`)
    }
    return link as SenderEndpoint | ReceiverEndpoint
  }

  onFlow(flow: Flow): void {
    const ours = flow.nextIncomingId ?? 0
    const window = distance(next(ours, flow.incomingWindow), this.#nextOutgoingId)
    this.#remoteIncomingWindow = Math.max(window, 0)
    this.#releaseHeld()
    if (flow.handle !== undefined) {
      this.#linkOf(flow.handle).onFlow(flow)
    } else {
      this.resume()
      if (flow.echo === true) this.sendFlow(undefined, {})
    }
  }

  #releaseHeld(): void {
    while (this.#held.length > 0 && this.#remoteIncomingWindow > 0) {
      const link = this.#held.shift() as SenderEndpoint
      if (!link.isDetached && !link.isRemotelyDetached && !link.release()) this.#held.push(link)
    }
    if (this.#held.length === 0) this.owner.memory.holding.delete(this)
  }

  /** The window or the socket accepts data again. */
  resume(): void {
    for (const link of this.#links.values()) {
      if (this.isCongested) return
      if (link instanceof SenderEndpoint && link.credit > 0) {
        link.run(() => link.handler?.onSendable())
      }
    }
  }

  onTransfer(transfer: Transfer, payload: Buffer): void {
    this.#nextIncomingId = next(this.#nextIncomingId)
    if (--this.#incomingWindow < 0) {
      throw new AmqpError(
        Condition.windowViolation,
        'transfer exceeds the incoming window of the session',
      )
    }
    const link = this.#linkOf(transfer.handle)
    if (link instanceof SenderEndpoint) {
      throw new AmqpError(
        Condition.illegalState,
        `transfer to the sending end of link ${link.name}`,
      )
    }
    // Transfers sent before the peer saw the detach may still arrive.
    if (!link.isDetached) link.onTransfer(transfer, payload)
    if (this.#incomingWindow <= INCOMING_WINDOW / 2) this.sendFlow(undefined, {})
  }

  onDisposition(disposition: Disposition): void {
    const { first } = disposition
    const last = disposition.last ?? first
    const deliveries: ReadonlyMap<number, SentDelivery | ReceivedDelivery> = disposition.role
      ? this.#outgoing
      : this.#incoming
    const count = distance(last, first) + 1
    if (count <= 0) {
      throw new AmqpError(
        Condition.invalidField,
        `invalid disposition range from ${first} to ${last}`,
      )
    }
    if (count <= deliveries.size * 2) {
      for (let i = 0, id = first; i < count; i++, id = next(id))
        this.#applyDisposition(disposition, id)
      return
    }
    // The range exceeds the known deliveries: iterate over those instead.
    for (const id of [...deliveries.keys()]) {
      if (distance(id, first) >= 0 && distance(last, id) >= 0)
        this.#applyDisposition(disposition, id)
    }
  }

  #applyDisposition(disposition: Disposition, id: number): void {
    const settled = disposition.settled === true
    if (disposition.role) {
      const delivery = this.#outgoing.get(id)
      if (delivery === undefined) return
      delivery.remoteState = disposition.state ?? delivery.remoteState
      delivery.isRemotelySettled = settled
      const { link } = delivery
      link.run(() => link.handler?.onDisposition(delivery))
      return
    }
    const delivery = this.#incoming.get(id)
    if (delivery === undefined || !settled) return
    delivery.isSettled = true
    this.#incoming.delete(id)
    const { link } = delivery
    link.run(() => link.handler?.onSettled?.(delivery))
  }

  onDetach(detach: Detach): void {
    const link = this.#linkOf(detach.handle)
    this.#byRemoteHandle.delete(detach.handle)
    link.onRemoteDetach(detach)
    this.#removeIfDetached(link)
  }

  onEnd(end: End): void {
    this.#isRemotelyEnded = true
    this.#finish(end.error === undefined ? undefined : AmqpError.from(end.error, 'session ended'))
    if (this.#isEnded) this.owner.forget(this)
    else this.end()
  }

  /** The connection has ended. */
  onConnectionGone(error: AmqpError | undefined): void {
    this.#isEnded = true
    this.#finish(error, error !== undefined)
  }

  #finish(error: AmqpError | undefined, isLost = false): void {
    if (this.#isFinished) return
    this.#isFinished = true
    const failure = error ?? new AmqpError(Condition.detachForced, 'the session was ended')
    this.#rejectBegun(failure)
    for (const link of [...this.#links.values()]) {
      this.owner.memory.attachBytes -= link.attachBytes
      link.attachBytes = 0
      link.isDetached = true
      link.onRemoteDetach(undefined, failure, isLost)
    }
    this.#links.clear()
    this.#byLocalHandle.clear()
    this.#byRemoteHandle.clear()
    this.#outgoing.clear()
    this.#incoming.clear()
    this.#held = []
    this.owner.memory.holding.delete(this)
    attempt(this.owner.logger, 'notifying the owner of an ended session', () =>
      this.handler?.onEnd(error),
    )
  }
}

interface DispositionRange {
  readonly role: boolean
  readonly first: number
  last: number
  readonly state: DeliveryState | undefined
  readonly settled: boolean
}

function linkKey(role: 'sender' | 'receiver', name: string): string {
  return `${role}:${name}`
}

function isSameState(a: DeliveryState | undefined, b: DeliveryState | undefined): boolean {
  if (a === b) return true
  return a?.kind === b?.kind && (a?.kind === 'accepted' || a?.kind === 'released')
}

/** Removes `size` bytes from the front of the unsent data and returns them. */
function takeBytes(held: HeldTransfer, size: number): Uint8Array[] {
  const taken: Uint8Array[] = []
  let wanted = size
  while (wanted > 0) {
    const piece = elementAt(held.pieces, 0)
    if (piece.length <= wanted) {
      taken.push(piece)
      held.pieces.shift()
      wanted -= piece.length
    } else {
      taken.push(piece.subarray(0, wanted))
      held.pieces[0] = piece.subarray(wanted)
      wanted = 0
    }
  }
  held.size -= size
  return taken
}
