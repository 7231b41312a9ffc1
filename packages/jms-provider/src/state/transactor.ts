// SPDX-License-Identifier: Apache-2.0
import { type Clock, MillraceError } from '@millrace/base'
import type { Producer, ProducerRecord } from '@millrace/client'
import type { Destination } from '../destination/destination.ts'
import {
  type DestinationLog,
  isMissingTopic,
  type LogPlace,
} from '../destination/destination-log.ts'
import { producerRecord } from '../destination/kafka-logs.ts'
import { type LastingSend, OutcomeUnknownError, recordSize, TopicMissingError } from './commit.ts'
import { type PendingCommit, STALLED } from './commit-queue.ts'

/** How long a message may be without an answer while other commits wait. */
const STALL_MS = 5000
/** Bytes of a transaction that are on their way to brokers at a time. */
const WINDOW_BYTES = 16 * 1024 * 1024

/** Why none of a group was written: by commit, or, when that is empty, for no commit's fault. */
export type Refusals = ReadonlyMap<PendingCommit, Error>

export type Finished =
  | { readonly kind: 'written'; readonly lastStateOffset: number | undefined }
  /** None of it is in the logs. */
  | { readonly kind: 'refused'; readonly refusals: Refusals }

export type PlainRecord = ProducerRecord<Uint8Array | string, Uint8Array | string>

/** What is needed of a producer with a transactional id. */
export type TransactionalProducer = Pick<
  Producer,
  'initTransactions' | 'beginTransaction' | 'send' | 'commitTransaction' | 'abortTransaction'
>

/** Writes commits of clients, with what they consumed, in Kafka transactions: one after the other, each with all its commits or none. */
export class Transactor {
  readonly #producer: TransactionalProducer
  readonly #clock: Clock

  constructor(producer: TransactionalProducer, clock: Clock) {
    this.#producer = producer
    this.#clock = clock
  }

  /**
   * Begins a transaction and sends what a group of commits sends; `finish` must follow. Throws only when the producer can go on no
   * more: `OutcomeUnknownError`, or that it is fenced.
   */
  async send(
    group: readonly PendingCommit[],
    /** Whether a topic that does not answer keeps other commits waiting. */
    isWantedElsewhere: () => boolean,
  ): Promise<SentGroup> {
    await this.#producer.initTransactions()
    this.#producer.beginTransaction()
    const sent = new SentGroup(this.#producer, this.#clock, { group, isWantedElsewhere })
    await sent.send()
    return sent
  }

  /** Commits a group together with state records; or aborts, when one of its messages was refused. Throws like `send`. */
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
      // With this one the coordinator says that it was not committed, and is not going to be.
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

/** Errors after which the producer can do nothing any more. */
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

/** The messages of a group of commits on their way. */
export class SentGroup {
  readonly #producer: TransactionalProducer
  readonly #clock: Clock
  readonly #group: readonly PendingCommit[]
  readonly #isWantedElsewhere: () => boolean
  readonly refusals = new Map<PendingCommit, Error>()
  /** Whether it can only be aborted. */
  isRefused = false
  /** By log and partition: the last offset. */
  readonly #places = new Map<DestinationLog, LastOffsets>()
  /** By commit: messages that have no answer. */
  readonly #open = new Map<PendingCommit, number>()

  constructor(
    producer: TransactionalProducer,
    clock: Clock,
    options: {
      readonly group: readonly PendingCommit[]
      readonly isWantedElsewhere: () => boolean
    },
  ) {
    this.#producer = producer
    this.#clock = clock
    this.#group = options.group
    this.#isWantedElsewhere = options.isWantedElsewhere
  }

  /** Resolves when all have an answer, one was refused, or too long had none. */
  async send(): Promise<void> {
    const underWay: { readonly sent: Promise<unknown>; readonly bytes: number }[] = []
    let bytesUnderWay = 0
    for (const pending of this.#group) {
      for (const sends of pending.commit.sends.lasting()) {
        let bytes = 0
        for (const { record } of sends) bytes += recordSize(record)
        while (underWay.length > 0 && bytesUnderWay + bytes > WINDOW_BYTES && !this.isRefused) {
          const first = underWay.shift()
          await this.#answered(first?.sent)
          bytesUnderWay -= first?.bytes ?? 0
        }
        if (this.isRefused) return
        const sent = Promise.all(sends.map((send) => this.#sendOne(pending, send)))
        sent.catch(() => undefined)
        underWay.push({ sent, bytes })
        bytesUnderWay += bytes
      }
    }
    await this.#answered(Promise.all(underWay.map(({ sent }) => sent)))
  }

  async #sendOne(pending: PendingCommit, { destination, record }: LastingSend): Promise<void> {
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

  /** Those that were given up because of another one are not to blame. */
  #fail(pending: PendingCommit, error: unknown): void {
    this.isRefused = true
    if (codeOf(error) === 'MILLRACE_TRANSACTION_ABORTED' || isEnd(error)) return
    if (!this.refusals.has(pending)) this.refusals.set(pending, error as Error)
  }

  #note(destination: Destination, log: DestinationLog, { partition, offset }: LogPlace): void {
    let last = this.#places.get(log)
    if (last === undefined) {
      last = { destination, offsets: new Map() }
      this.#places.set(log, last)
    }
    last.offsets.set(partition, Math.max(last.offsets.get(partition) ?? -1, offset))
  }

  /** Waits for answers, but not for ever for a topic that has none while others wait. */
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
      if (!isAnswered) this.#giveUpStalled()
    }
  }

  #giveUpStalled(): void {
    const stalled = this.#group.filter((each) => (this.#open.get(each) ?? 0) > 0)
    if (stalled.length === this.#group.length && !this.#isWantedElsewhere()) return
    this.isRefused = true
    for (const each of stalled) this.refusals.set(each, stalledError())
  }

  /** The messages are there: whoever looks for them has to be shown them first. */
  confirm(): void {
    for (const [log, { destination, offsets }] of this.#places) {
      if (!destination.hasLog(log)) continue
      for (const [partition, offset] of offsets) destination.confirm({ partition, offset })
    }
  }
}

function stalledError(): MillraceError {
  return new MillraceError(
    STALLED,
    `a message of the transaction had no answer within ${STALL_MS} ms, while others waited`,
  )
}
