// SPDX-License-Identifier: Apache-2.0
import type { Destination } from '../destination/destination.ts'
import { isNotFound } from '../destination/destination-errors.ts'
import { TEMPORARY_PREFIX } from '../destination/destination-name.ts'
import type { Engine } from '../engine.ts'
import { DeadLetterProperty, retriedRecord } from '../mapping/dead-letter.ts'
import type { StoredMessage } from '../mapping/stored-message.ts'
import { Selector } from '../selector/selector.ts'
import { recordSize, type Send, sendsOf } from '../state/commit.ts'
import type { Acquired, SubscriptionConsumer } from '../subscription/subscription-host.ts'

/** Messages that are moved in one commit. */
const BATCH = 100

/** Source of a dead letter. */
interface Origin {
  readonly destination: Destination
  /** Durable subscription of a topic: the others do not receive the message again. */
  readonly onlyFor: string | undefined
}

/** Result of a retry. */
export interface Retried {
  readonly retried: number
  /** Number of matching dead letters that were not moved, because their source no longer exists. */
  readonly left: number
  /** Reasons why dead letters were not moved. */
  readonly reasons: readonly string[]
  /** Whether all matching dead letters were tried. */
  readonly isDone: boolean
}

/**
 * Moves up to `max` dead letters of a queue to their sources, each exactly once. Dead letters of
 * other providers do not record the source and are skipped.
 */
export async function retryDeadLetters(
  engine: Engine,
  queue: Destination,
  {
    selector,
    max,
    maySend,
  }: {
    readonly selector: string
    readonly max: number
    /** Whether the requesting client may send to a destination. */
    readonly maySend: (destination: Destination) => boolean
  },
): Promise<Retried> {
  const known = `${DeadLetterProperty.source} IS NOT NULL`
  const consumer = new DeadLetterConsumer(
    Selector.compile(selector === '' ? known : `(${selector}) AND ${known}`),
  )
  const reasons = new Set<string>()
  let retried = 0
  let left = 0
  queue.queue.add(consumer)
  try {
    for (;;) {
      const wanted = Math.min(BATCH, max - retried)
      const letters = wanted > 0 ? await consumer.next(wanted, () => queue.queue.plan()) : []
      const moved = await moveToSources(engine, letters, { reasons, maySend })
      retried += moved
      left += letters.length - moved
      const isDone = letters.length < wanted
      if (isDone || retried >= max) return { retried, left, reasons: [...reasons], isDone }
    }
  } finally {
    queue.queue.remove(consumer)
  }
}

/** Moves dead letters in one commit and returns their number. Others return to the queue. */
async function moveToSources(
  engine: Engine,
  letters: readonly Acquired[],
  {
    reasons,
    maySend,
  }: {
    readonly reasons: Set<string>
    readonly maySend: (destination: Destination) => boolean
  },
): Promise<number> {
  const sends: Send[] = []
  const receipts: Acquired[] = []
  const nowMs = engine.clock.now()
  try {
    for (const letter of letters) {
      const message = letter.message as StoredMessage
      const origin = await originOf(engine, message, maySend)
      if (typeof origin === 'string') {
        reasons.add(origin)
        letter.subscription.release(letter, { failed: false, undeliverableHere: true })
        continue
      }
      const { destination, onlyFor } = origin
      const record = retriedRecord(message, { nowMs, onlyFor })
      await destination.enlargeSegmentsFor(recordSize(record))
      sends.push({ destination, record })
      receipts.push(letter)
    }
    if (receipts.length > 0) await engine.journal.commit({ sends: sendsOf(sends), receipts })
  } catch (error) {
    for (const letter of letters) letter.subscription.release(letter, { failed: false })
    throw error
  }
  return receipts.length
}

/** Returns the source of a dead letter, or the reason why it cannot return to it. */
async function originOf(
  engine: Engine,
  letter: StoredMessage,
  maySend: (destination: Destination) => boolean,
): Promise<Origin | string> {
  const origin = await formerOriginOf(engine, letter)
  if (typeof origin === 'string' || maySend(origin.destination)) return origin
  const { kind, name } = origin.destination
  return `WRITE on ${kind} ${name} is denied`
}

async function formerOriginOf(engine: Engine, letter: StoredMessage): Promise<Origin | string> {
  const source = String(letter.valueOf(DeadLetterProperty.source))
  const [, kind, name = ''] = /^(queue|topic):\/\/(.+)$/s.exec(source) ?? []
  if (kind === 'queue' && !name.startsWith(TEMPORARY_PREFIX)) {
    return opened(engine, { kind, name, onlyFor: undefined })
  }
  if (kind !== 'topic') return `${source} no longer exists`
  const id = letter.valueOf(DeadLetterProperty.subscription)
  const record = typeof id === 'string' ? engine.subscriptionRecord(id) : undefined
  if (record === undefined || !name.startsWith(`${record.topic}/`)) {
    return typeof id === 'string'
      ? `subscription ${id} of ${source} does not exist`
      : `${source} is not a durable subscription`
  }
  return opened(engine, { kind, name: record.topic, onlyFor: record.id })
}

async function opened(
  engine: Engine,
  { kind, name, onlyFor }: { kind: 'queue' | 'topic'; name: string; onlyFor: string | undefined },
): Promise<Origin | string> {
  try {
    return { destination: await engine.destination(kind, name), onlyFor }
  } catch (error) {
    if (!isNotFound(error)) throw error
    return `${kind} ${name} does not exist`
  }
}

/** Acquires up to a number of messages of a queue. */
class DeadLetterConsumer implements SubscriptionConsumer {
  readonly selector: Selector | undefined
  readonly isBrowser = false
  readonly isExclusive = false
  readonly isDraining = true
  #room = 0
  #taken: Acquired[] = []
  #settle: { readonly done: () => void; readonly fail: (error: Error) => void } | undefined

  constructor(selector: Selector | undefined) {
    this.selector = selector
  }

  /** Resolves with up to `count` messages; fewer if the queue has no more. */
  async next(count: number, plan: () => void): Promise<readonly Acquired[]> {
    this.#taken = []
    this.#room = count
    await new Promise<void>((done, fail) => {
      this.#settle = { done, fail }
      plan()
    })
    return this.#taken
  }

  get canReceive(): boolean {
    return this.#room > 0
  }

  get room(): number {
    return this.#room
  }

  take(acquired: Acquired): void {
    this.#taken.push(acquired)
    this.#room--
    if (this.#room === 0) this.#settle?.done()
  }

  onDrained(): void {
    this.#room = 0
    this.#settle?.done()
  }

  end(_condition: string, description: string): void {
    this.#room = 0
    this.#settle?.fail(new Error(description))
  }
}
