// SPDX-License-Identifier: Apache-2.0
import { type Clock, MillraceError } from '@millrace/base'
import type { Producer, ProducerRecord } from '@millrace/client'
import type { Destination } from '../destination/destination.ts'
import {
  type DestinationLog,
  isMissingTopic,
  type LogPosition,
} from '../destination/destination-log.ts'
import { producerRecord } from '../destination/kafka-logs.ts'
import { OutcomeUnknownError, recordSize, TopicMissingError, type TopicSend } from './commit.ts'
import { type PendingCommit, STALLED } from './commit-queue.ts'

/** Maximum time without a response to a message while other commits wait. */
const STALL_MS = 5000
/** Maximum number of bytes of a transaction in flight to brokers. */
const WINDOW_BYTES = 16 * 1024 * 1024

/** Reasons why a group was not written, by commit. Empty if no commit was at fault. */
export type Refusals = ReadonlyMap<PendingCommit, Error>

export type Finished =
  | { readonly kind: 'written'; readonly lastStateOffset: number | undefined }
  /** Nothing was written to the logs. */
  | { readonly kind: 'refused'; readonly refusals: Refusals }

export type PlainRecord = ProducerRecord<Uint8Array | string, Uint8Array | string>

/** The methods of a transactional producer that are used. */
export type TransactionalProducer = Pick<
  Producer,
  'initTransactions' | 'beginTransaction' | 'send' | 'commitTransaction' | 'abortTransaction'
>

/**
 * Writes client commits, with their receipts, in Kafka transactions: one transaction at a time,
 * each with all of its commits or none.
 */
export class Transactor {
  readonly #producer: TransactionalProducer
  readonly #clock: Clock

  constructor(producer: TransactionalProducer, clock: Clock) {
    this.#producer = producer
    this.#clock = clock
  }

  /**
   * Begins a transaction and sends the messages of a group of commits; `finish` must follow. Throws
   * only if the producer can no longer be used: `OutcomeUnknownError`, or an error that it is
   * fenced.
   */
  async send(
    group: readonly PendingCommit[],
    /** Whether a topic that does not respond blocks other commits. */
    blocksOthers: () => boolean,
  ): Promise<SentGroup> {
    await this.#producer.initTransactions()
    this.#producer.beginTransaction()
    const sent = new SentGroup(this.#producer, this.#clock, { group, blocksOthers })
    await sent.send()
    return sent
  }

  /**
   * Commits a group together with state records, or aborts it if one of its messages was refused.
   * Throws like `send`.
   */
  async finish(sent: SentGroup, state: readonly PlainRecord[]): Promise<Finished> {
    const producer = this.#producer
    let lastStateOffset: number | undefined
    if (!sent.isRefused && state.length > 0) {
      try {
        lastStateOffset = Number((await producer.send(state)).at(-1)?.offset)
      } catch (error) {
        if (isEnd(error)) throw error
        sent.isRefused = true
      }
    }
    if (sent.isRefused) {
      await this.#abort()
      return { kind: 'refused', refusals: sent.refusals }
    }
    try {
      await producer.commitTransaction()
    } catch (error) {
      // With this error the coordinator confirms that the transaction was not and will not be
      // committed.
      if (codeOf(error) !== 'TRANSACTION_ABORTABLE') throw new OutcomeUnknownError(error)
      await this.#abort()
      return { kind: 'refused', refusals: new Map() }
    }
    sent.confirm()
    return { kind: 'written', lastStateOffset }
  }

  async #abort(): Promise<void> {
    try {
      await this.#producer.abortTransaction()
    } catch (error) {
      throw new OutcomeUnknownError(error)
    }
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof MillraceError ? error.code : undefined
}

/** Whether the error means that the producer can no longer be used. */
function isEnd(error: unknown): boolean {
  const code = codeOf(error)
  return (
    code === 'PRODUCER_FENCED' || code === 'INVALID_PRODUCER_EPOCH' || code === 'MILLRACE_CLOSED'
  )
}

interface LastOffsets {
  readonly destination: Destination
  /** By partition. */
  readonly offsets: Map<number, number>
}

/** The messages of a group of commits while they are sent. */
export class SentGroup {
  readonly #producer: TransactionalProducer
  readonly #clock: Clock
  readonly #group: readonly PendingCommit[]
  readonly #blocksOthers: () => boolean
  readonly refusals = new Map<PendingCommit, Error>()
  /** Whether the transaction can only be aborted. */
  isRefused = false
  /** Last offset by log and partition. */
  readonly #offsets = new Map<DestinationLog, LastOffsets>()
  /** Number of messages without a response, by commit. */
  readonly #open = new Map<PendingCommit, number>()

  constructor(
    producer: TransactionalProducer,
    clock: Clock,
    options: {
      readonly group: readonly PendingCommit[]
      readonly blocksOthers: () => boolean
    },
  ) {
    this.#producer = producer
    this.#clock = clock
    this.#group = options.group
    this.#blocksOthers = options.blocksOthers
  }

  /** Resolves when all messages have a response, one was refused, or a response took too long. */
  async send(): Promise<void> {
    const inFlight: { readonly sent: Promise<unknown>; readonly bytes: number }[] = []
    let inFlightBytes = 0
    for (const pending of this.#group) {
      for (const sends of pending.commit.sends.topicSends()) {
        let bytes = 0
        for (const { record } of sends) bytes += recordSize(record)
        while (inFlight.length > 0 && inFlightBytes + bytes > WINDOW_BYTES && !this.isRefused) {
          const first = inFlight.shift()
          await this.#answered(first?.sent)
          inFlightBytes -= first?.bytes ?? 0
        }
        if (this.isRefused) return
        const sent = Promise.all(sends.map((send) => this.#sendOne(pending, send)))
        sent.catch(() => undefined)
        inFlight.push({ sent, bytes })
        inFlightBytes += bytes
      }
    }
    await this.#answered(Promise.all(inFlight.map(({ sent }) => sent)))
  }

  async #sendOne(pending: PendingCommit, { destination, record }: TopicSend): Promise<void> {
    this.#open.set(pending, (this.#open.get(pending) ?? 0) + 1)
    try {
      if (destination.isDormant) throw new TopicMissingError(destination)
      const { log } = destination
      const { partition, offset } = await this.#producer.send(producerRecord(log, record))
      this.#note(destination, log, { partition, offset: Number(offset) })
    } catch (error) {
      this.#fail(pending, isMissingTopic(error) ? new TopicMissingError(destination, error) : error)
    } finally {
      this.#open.set(pending, (this.#open.get(pending) ?? 1) - 1)
    }
  }

  /** A send that was abandoned because of another one is not at fault. */
  #fail(pending: PendingCommit, error: unknown): void {
    this.isRefused = true
    if (codeOf(error) === 'MILLRACE_TRANSACTION_ABORTED' || isEnd(error)) return
    if (!this.refusals.has(pending)) this.refusals.set(pending, error as Error)
  }

  #note(destination: Destination, log: DestinationLog, { partition, offset }: LogPosition): void {
    let last = this.#offsets.get(log)
    if (last === undefined) {
      last = { destination, offsets: new Map() }
      this.#offsets.set(log, last)
    }
    last.offsets.set(partition, Math.max(last.offsets.get(partition) ?? -1, offset))
  }

  /** Waits for responses, but with a time limit while other commits wait. */
  async #answered(sent: Promise<unknown> | undefined): Promise<void> {
    let isAnswered = false
    const answered = Promise.resolve(sent).finally(() => {
      isAnswered = true
    })
    while (!isAnswered && !this.isRefused) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = this.#clock.setTimer(STALL_MS, resolve)
      try {
        await Promise.race([answered, promise])
      } finally {
        timer.cancel()
      }
      if (!isAnswered) this.#failStalled()
    }
  }

  #failStalled(): void {
    const stalled = this.#group.filter((each) => (this.#open.get(each) ?? 0) > 0)
    if (stalled.length === this.#group.length && !this.#blocksOthers()) return
    this.isRefused = true
    for (const each of stalled) this.refusals.set(each, stalledError())
  }

  /**
   * Confirms the written offsets, so that drains and new subscriptions account for these messages.
   */
  confirm(): void {
    for (const [log, { destination, offsets }] of this.#offsets) {
      if (!destination.hasLog(log)) continue
      for (const [partition, offset] of offsets) destination.confirm({ partition, offset })
    }
  }
}

function stalledError(): MillraceError {
  return new MillraceError(
    STALLED,
    `no response to a message of the transaction within ${STALL_MS} ms while other commits waited`,
  )
}
