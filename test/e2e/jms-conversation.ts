// SPDX-License-Identifier: Apache-2.0
import {
  AmqpConnection,
  type AmqpValue,
  ConnectionCapability,
  type DeliveryState,
  Described,
  encodeMessage,
  type IncomingDelivery,
  JmsAnnotation,
  JmsCapability,
  JmsFilter,
  type OutgoingDelivery,
  type ReceiverLink,
  type SenderLink,
  type Session,
  type Source,
  type Target,
  ubyte,
  ulong,
} from '@millrace/amqp'
import { type Connection, nodeWorld } from '@millrace/base'

/**
 * Where a client's connection ends: after a number of frames in one direction, or within the next
 * frame.
 */
export interface Cut {
  readonly direction: 'sent' | 'received'
  readonly afterFrames: number
  /** Bytes of the next frame that still pass. */
  readonly extraBytes: number
}

/** Counts the frames of one direction, and ends the connection at the cut. */
class FrameGate {
  frames = 0
  #rest: Buffer = Buffer.alloc(0)
  readonly #cut: Cut | undefined

  constructor(cut: Cut | undefined) {
    this.#cut = cut
  }

  get isAtEnd(): boolean {
    return this.#cut !== undefined && this.frames >= this.#cut.afterFrames
  }

  /**
   * Returns the complete frames received so far; at the cut, also the first bytes of the next
   * frame.
   */
  pass(bytes: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes])
    const whole: Buffer[] = []
    for (;;) {
      const size = this.#nextSize()
      if (this.isAtEnd) {
        const extra = this.#cut?.extraBytes ?? 0
        if (extra > 0) whole.push(this.#rest.subarray(0, Math.min(extra, this.#rest.length)))
        return whole
      }
      if (size === undefined || this.#rest.length < size) return whole
      whole.push(this.#rest.subarray(0, size))
      this.#rest = this.#rest.subarray(size)
      this.frames++
    }
  }

  /** A protocol header has eight bytes; a frame starts with its size. */
  #nextSize(): number | undefined {
    if (this.#rest.length < 8) return undefined
    return this.#rest.toString('latin1', 0, 4) === 'AMQP' ? 8 : this.#rest.readUInt32BE(0)
  }
}

/**
 * A connection that ends at a frame, as if the process were killed. `frames` counts the frames that
 * passed.
 */
export function cutConnection(
  transport: Connection,
  cut?: Cut,
): { readonly connection: Connection; readonly frames: { sent: number; received: number } } {
  const sent = new FrameGate(cut?.direction === 'sent' ? cut : undefined)
  const received = new FrameGate(cut?.direction === 'received' ? cut : undefined)
  let isDead = false
  const die = (): void => {
    if (isDead) return
    isDead = true
    // Data already written is flushed first, as by the kernel.
    setImmediate(() => transport.destroy())
    setImmediate(() => connection.onClose(undefined))
  }
  const connection: Connection = {
    ...transport,
    write(buffers) {
      if (isDead) return true
      const frames = sent.pass(Buffer.concat(buffers))
      if (frames.length > 0) transport.write(frames)
      if (sent.isAtEnd) die()
      return true
    },
  }
  transport.onData = (chunk) => {
    if (isDead) return
    for (const frame of received.pass(chunk)) connection.onData(frame)
    if (received.isAtEnd) die()
  }
  transport.onClose = (error) => {
    isDead = true
    connection.onClose(error)
  }
  const frames = {
    get sent() {
      return sent.frames
    },
    get received() {
      return received.frames
    },
  }
  return { connection, frames }
}

/** Names used by a conversation; they must be unique to the run. */
export interface ConversationNames {
  readonly clientId: string
  /** Contains at least 10 messages. */
  readonly workQueue: string
  readonly outQueue: string
  readonly topic: string
}

const node = (address: string, capability: string): Target => ({
  kind: 'target',
  address,
  capabilities: [capability],
})

/**
 * A client that opens everything a JMS program can: temporary destinations, consumers, a browser,
 * every kind of subscription, transactions with sends and receipts, and a message of many frames.
 * It closes them in the most difficult order. Rejects when its connection ends.
 */
export class Conversation {
  readonly #connection: AmqpConnection
  readonly #names: ConversationNames
  readonly #ended = Promise.withResolvers<never>()
  #links = 0

  constructor(transport: Connection, names: ConversationNames) {
    this.#names = names
    this.#ended.promise.catch(() => undefined)
    this.#connection = new AmqpConnection(transport, {
      role: 'client',
      clock: nodeWorld.clock,
      containerId: names.clientId,
      maxFrameSize: 4096,
      desiredCapabilities: Object.values(ConnectionCapability),
      handler: { onClose: (error) => this.#ended.reject(error ?? new Error('closed')) },
    })
  }

  /** Waits for a promise, or for the end of the connection. */
  #until<T>(what: Promise<T>): Promise<T> {
    return Promise.race([what, this.#ended.promise])
  }

  async #session(): Promise<Session> {
    const session = this.#connection.begin()
    await this.#until(session.begun)
    return session
  }

  async #sender(session: Session, target: Target): Promise<Sender> {
    const sender = new Sender(session.sender(`sender-${this.#links++}`))
    sender.link.attach({ source: { kind: 'source' }, target })
    await this.#until(sender.link.attached)
    return sender
  }

  async #receiver(
    session: Session,
    options: { readonly source: Source; readonly name?: string; readonly credit: number },
  ): Promise<Receiver> {
    const link = session.receiver(options.name ?? `receiver-${this.#links++}`)
    const receiver = new Receiver(link)
    link.attach({ source: options.source, target: { kind: 'target' } })
    await this.#until(link.attached)
    link.setCredit(options.credit)
    return receiver
  }

  /** Runs the steps of the client; each starts when the previous one is answered. */
  async run(): Promise<void> {
    await this.#until(this.#connection.opened)
    // Makes a message of a few thousand bytes take many frames.
    this.#connection.maxFrameSizeOut = 512
    const { workQueue, outQueue, topic } = this.#names
    const own = await this.#session()
    const dynamic = (capability: string): Target => ({
      kind: 'target',
      dynamic: true,
      dynamicNodeProperties: new Map<string, AmqpValue>([
        ['lifetime-policy', new Described(ulong(0x2b), [])],
      ]),
      capabilities: [capability],
    })
    const temporaryQueue = await this.#sender(own, dynamic(JmsCapability.temporaryQueue))
    const temporaryTopic = await this.#sender(own, dynamic(JmsCapability.temporaryTopic))

    const first = await this.#session()
    const source = (address: string, capability: string, more: Partial<Source> = {}): Source => ({
      kind: 'source',
      address,
      capabilities: [capability],
      ...more,
    })
    const replies = await this.#receiver(first, {
      source: source(temporaryQueue.address, JmsCapability.temporaryQueue),
      credit: 1,
    })
    const news = await this.#receiver(first, {
      source: source(temporaryTopic.address, JmsCapability.temporaryTopic),
      credit: 10,
    })
    for (const body of ['reply 1', 'reply 2']) await this.#until(temporaryQueue.send(body))
    await this.#until(temporaryTopic.send('tick'))
    await this.#until(replies.received(1))
    await this.#until(news.received(1))

    // Prefetched deliveries: some settled, some unsettled when the connection ends.
    const work = await this.#receiver(first, {
      source: source(workQueue, JmsCapability.queue),
      credit: 3,
    })
    await this.#until(work.received(3))
    work.deliveries[0]?.update({ kind: 'accepted' })
    const filtered = await this.#receiver(first, {
      source: source(workQueue, JmsCapability.queue, {
        filter: new Map<string, AmqpValue>([
          [
            JmsFilter.selector.name,
            new Described(ulong(Number(JmsFilter.selector.code)), 'JMSPriority < 9'),
          ],
        ]),
      }),
      credit: 1,
    })
    await this.#until(filtered.received(1))
    const browser = await this.#receiver(first, {
      source: source(workQueue, JmsCapability.queue, { distributionMode: 'copy' }),
      credit: 2,
    })
    await this.#until(browser.received(2))

    const durable: Partial<Source> = { durable: 2, expiryPolicy: 'never' }
    const shared = [JmsCapability.topic, JmsCapability.shared]
    const second = await this.#session()
    const subscriptions: Record<string, Receiver> = {}
    for (const [name, more] of [
      ['plain', {}],
      ['durable', durable],
      ['shared-durable', { ...durable, capabilities: shared }],
      ['shared-volatile|volatile1', { capabilities: shared }],
    ] as const) {
      subscriptions[name] = await this.#receiver(second, {
        name,
        source: source(topic, JmsCapability.topic, more),
        credit: 5,
      })
    }
    const publisher = await this.#sender(second, node(topic, JmsCapability.topic))
    await this.#until(publisher.send('headline'))
    for (const subscription of Object.values(subscriptions))
      await this.#until(subscription.received(1))

    const coordinator = await this.#coordinator(second)
    const out = await this.#sender(second, node(outQueue, JmsCapability.queue))
    const transacted = await this.#receiver(second, {
      source: source(workQueue, JmsCapability.queue),
      credit: 3,
    })
    await this.#until(transacted.received(3))
    const txnId = await this.#until(coordinator.declare())
    await this.#until(out.send('committed 1', txnId))
    await this.#until(out.send('committed 2', txnId))
    transacted.consume(0, txnId)
    transacted.consume(1, txnId)
    await this.#until(coordinator.discharge(txnId))
    const open = await this.#until(coordinator.declare())
    await this.#until(out.send('never committed', open))
    transacted.consume(2, open)
    // A message of many frames, sent in a transaction.
    await this.#until(out.send('x'.repeat(3000)))

    // A clean close in a difficult order: objects are closed before those that use them.
    await this.#until(temporaryQueue.detach(true))
    for (const each of Object.values(subscriptions)) await this.#until(each.detach(false))
    await this.#until(work.detach(true))
    second.end()
    await this.#connection.close()
  }

  async #coordinator(session: Session): Promise<Coordinator> {
    const sender = new Sender(session.sender(`coordinator-${this.#links++}`))
    sender.link.attach({
      source: { kind: 'source' },
      target: { kind: 'coordinator', capabilities: ['amqp:local-transactions'] },
    })
    await this.#until(sender.link.attached)
    return new Coordinator(sender)
  }
}

class Sender {
  readonly link: SenderLink
  readonly #waiting = new Map<OutgoingDelivery, (state: DeliveryState | undefined) => void>()
  #unsent: (() => void)[] = []

  constructor(link: SenderLink) {
    this.link = link
    link.handler = {
      onSendable: () => {
        while (this.#unsent.length > 0 && link.credit > 0) this.#unsent.shift()?.()
      },
      onDisposition: (delivery) => {
        delivery.settle()
        this.#waiting.get(delivery)?.(delivery.remoteState)
        this.#waiting.delete(delivery)
      },
      onDetach() {},
    }
  }

  get address(): string {
    return String((this.link.remote?.target as Target | undefined)?.address)
  }

  /** Sends a message and resolves with its outcome. */
  send(body: string, txnId?: Buffer): Promise<DeliveryState | undefined> {
    return this.command(
      encodeMessage({
        header: { durable: true },
        messageAnnotations: new Map<string, AmqpValue>([[JmsAnnotation.messageType, ubyte(5)]]),
        body: { kind: 'value', value: body },
      }),
      txnId,
    )
  }

  command(payload: Buffer, txnId?: Buffer): Promise<DeliveryState | undefined> {
    return new Promise((resolve) => {
      const send = (): void => {
        const state: DeliveryState | undefined =
          txnId === undefined ? undefined : { kind: 'transactionalState', txnId }
        const options = { settled: false, ...(state === undefined ? {} : { state }) }
        this.#waiting.set(this.link.send([payload], options), resolve)
      }
      if (this.link.credit > 0) send()
      else this.#unsent.push(send)
    })
  }

  detach(closed: boolean): Promise<void> {
    return detach(this.link, closed)
  }
}

class Coordinator {
  readonly #sender: Sender

  constructor(sender: Sender) {
    this.#sender = sender
  }

  async #command(value: Described): Promise<DeliveryState | undefined> {
    return this.#sender.command(encodeMessage({ body: { kind: 'value', value } }))
  }

  async declare(): Promise<Buffer> {
    const state = await this.#command(new Described(ulong(0x31), []))
    if (state?.kind !== 'declared') throw new Error(`not declared: ${state?.kind}`)
    return state.txnId
  }

  async discharge(txnId: Buffer): Promise<void> {
    const state = await this.#command(new Described(ulong(0x32), [txnId, false]))
    if (state?.kind !== 'accepted') throw new Error(`not committed: ${state?.kind}`)
  }
}

class Receiver {
  readonly link: ReceiverLink
  readonly deliveries: IncomingDelivery[] = []
  #waiters: (() => void)[] = []

  constructor(link: ReceiverLink) {
    this.link = link
    link.handler = {
      onDelivery: (delivery) => {
        this.deliveries.push(delivery)
        for (const wake of this.#waiters.splice(0)) wake()
      },
      onDetach() {},
    }
  }

  async received(count: number): Promise<void> {
    while (this.deliveries.length < count) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }

  consume(index: number, txnId: Buffer): void {
    const outcome = { kind: 'accepted' } as const
    this.deliveries[index]?.update({ kind: 'transactionalState', txnId, outcome })
  }

  detach(closed: boolean): Promise<void> {
    return detach(this.link, closed)
  }
}

/** Resolves when the peer has answered, or the connection has ended. */
function detach(link: SenderLink | ReceiverLink, closed: boolean): Promise<void> {
  const { handler } = link
  return new Promise((resolve) => {
    if (handler === undefined) throw new Error('the link has no handler')
    handler.onDetach = () => resolve()
    link.detach({ closed })
  })
}
