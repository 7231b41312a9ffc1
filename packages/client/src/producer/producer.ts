// SPDX-License-Identifier: Apache-2.0
import { attempt, MillraceError } from '@millrace/base'
import type { OffsetAndMetadata } from '../consumer/offset-messages.ts'
import { channels } from '../diagnostics.ts'
import { Cluster } from '../metadata/cluster.ts'
import type { PartitionMetadata } from '../metadata/metadata.ts'
import { AbortedError, abortable } from '../network/waiting.ts'
import { type ResolvedClientOptions, resolveClientOptions } from '../options.ts'
import type { Serializer } from '../serde/serde.ts'
import type { Topic } from '../serde/topic.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { Delivery } from './delivery.ts'
import {
  type ProducerOptions,
  type ResolvedProducerOptions,
  resolveProducerOptions,
} from './producer-options.ts'
import type { ProducerRecord, RecordMetadata } from './producer-record.ts'
import { closedError, RecordAccumulator } from './record-accumulator.ts'
import { type EncodedRecord, plainSerializer, RecordEncoder, topicOf } from './record-encoder.ts'
import { mustPrepare, type Serializers } from './record-serialization.ts'
import { Sender } from './sender.ts'
import { type ConsumerGroupMetadata, TransactionManager } from './transaction-manager.ts'

/** A record of a typed topic, without the topic's name. */
export type TopicRecord<K, V> = Omit<ProducerRecord<K, V>, 'topic'>

/** Options of one call of `send`. */
export interface SendOptions {
  /**
   * Writes the records as one batch, which the broker accepts whole or not at all, without a
   * transaction. They must name the same partition and fit into `maxRequestSize` together.
   */
  readonly atomic?: boolean
  /** Ends the wait. Records that are in a batch by then may still be written. */
  readonly signal?: AbortSignal
}

/** Records of one send that wait for their serializers. */
interface PreparedWork {
  readonly prepared: Promise<unknown>
  readonly encode: () => EncodedRecord[]
  readonly delivery: Delivery
  readonly signal: AbortSignal | undefined
}

/** What the function of a transaction may do; its records become visible with the commit. */
export interface Transaction<K, V> {
  /** Sends records within the transaction; readers see them once it is committed. */
  readonly send: Producer<K, V>['send']
  /** See `Producer.sendOffsetsToTransaction`. */
  sendOffsets(
    offsets: readonly (TopicPartition & OffsetAndMetadata)[],
    group: ConsumerGroupMetadata | string | undefined,
  ): Promise<void>
}

/**
 * Sends records. Safe for concurrent callers: sends of the same turn of the event loop share
 * batches.
 *
 * Each `send` resolves when the broker has acknowledged its records, and rejects with a
 * `MillraceError` whose `code` is Kafka's error name or `MILLRACE_DELIVERY_TIMEOUT`,
 * `MILLRACE_BUFFER_FULL`, `MILLRACE_TIMEOUT`, `MILLRACE_SERDE`, `MILLRACE_CLOSED`.
 */
export class Producer<K = Uint8Array | string, V = Uint8Array | string> implements AsyncDisposable {
  readonly #client: ResolvedClientOptions
  readonly #options: ResolvedProducerOptions
  readonly #cluster: Cluster
  readonly #sender: Sender
  readonly #transactions: TransactionManager | undefined
  /** The last transaction of `transaction`, which runs them one after another. */
  #lastTransaction: Promise<unknown> = Promise.resolve()
  readonly #serializers: Serializers
  readonly #encoder: RecordEncoder
  readonly #accumulator: RecordAccumulator
  readonly #deliveries = new Set<Delivery>()
  /** End the waits for serializers. */
  readonly #preparing = new Set<(error: Error) => void>()
  #closing: Promise<void> | undefined

  /** Creates a producer; it connects on first use. Throws `MILLRACE_INVALID_OPTION`. */
  constructor(options: ProducerOptions<K, V>) {
    this.#client = resolveClientOptions(options)
    this.#options = resolveProducerOptions(options, this.#client.requestTimeoutMs)
    const plain = plainSerializer as Serializer<unknown>
    this.#serializers = {
      key: (options.serializers?.key as Serializer<unknown> | undefined) ?? plain,
      value: (options.serializers?.value as Serializer<unknown> | undefined) ?? plain,
    }
    this.#encoder = new RecordEncoder(this.#options, this.#serializers)
    this.#cluster = new Cluster(this.#client, {
      allowAutoTopicCreation: options.allowAutoCreateTopics ?? true,
    })
    const { transactionalId, transactionTimeoutMs, maxBlockMs } = this.#options
    this.#transactions =
      transactionalId === undefined
        ? undefined
        : new TransactionManager(this.#cluster, {
            transactionalId,
            timeoutMs: transactionTimeoutMs,
            maxBlockMs,
          })
    this.#sender = new Sender(
      this.#cluster,
      this.#options,
      (batch) => this.#accumulator.release(batch),
      this.#transactions,
    )
    this.#accumulator = new RecordAccumulator(this.#client, this.#options, {
      cluster: this.#cluster,
      sender: this.#sender,
    })
  }

  /**
   * Sends one record, or several; resolves with their partitions and offsets once `acks` is
   * satisfied.
   */
  send(record: ProducerRecord<K, V>, options?: SendOptions): Promise<RecordMetadata>
  /**
   * Sends records; resolves when they are acknowledged, with their partitions and offsets in the
   * order given.
   */
  send(records: readonly ProducerRecord<K, V>[], options?: SendOptions): Promise<RecordMetadata[]>
  /**
   * Sends records; resolves when they are acknowledged, with their partitions and offsets in the
   * order given.
   */
  send<TK, TV>(
    topic: Topic<TK, TV>,
    record: TopicRecord<TK, TV>,
    options?: SendOptions,
  ): Promise<RecordMetadata>
  /**
   * Sends records; resolves when they are acknowledged, with their partitions and offsets in the
   * order given.
   */
  send<TK, TV>(
    topic: Topic<TK, TV>,
    records: readonly TopicRecord<TK, TV>[],
    options?: SendOptions,
  ): Promise<RecordMetadata[]>
  async send(
    first: Topic<unknown, unknown> | ProducerRecord<K, V> | readonly ProducerRecord<K, V>[],
    second?: unknown,
    third?: SendOptions,
  ): Promise<RecordMetadata | RecordMetadata[]> {
    if (isTypedTopic(first)) {
      return this.#sendAll(second as ProducerRecord<unknown, unknown>, first, third)
    }
    return this.#sendAll(
      first as ProducerRecord<unknown, unknown> | readonly ProducerRecord<unknown, unknown>[],
      undefined,
      second as SendOptions | undefined,
    )
  }

  async #sendAll(
    given: ProducerRecord<unknown, unknown> | readonly ProducerRecord<unknown, unknown>[],
    typed: Topic<unknown, unknown> | undefined,
    options: SendOptions | undefined,
  ): Promise<RecordMetadata | RecordMetadata[]> {
    if (this.#closing !== undefined) throw closedError()
    if (options?.signal?.aborted) throw new AbortedError(options.signal.reason)
    this.#transactions?.checkSend()
    const isList = Array.isArray(given)
    let records: readonly ProducerRecord<unknown, unknown>[] = isList
      ? given
      : [given as ProducerRecord<unknown, unknown>]
    if (channels.send.hasSubscribers) {
      const event = { records, topic: typed?.name, clientId: this.#client.clientId }
      channels.send.publish(event)
      records = event.records
    }
    const preparation = mustPrepare(typed ?? this.#serializers)
      ? this.#encoder.prepare(records, typed)
      : undefined
    const { prepared, serializations } = preparation ?? {}
    // All are serialized before any is queued: an invalid one must not leave half of them sent.
    const now = this.#client.clock.now()
    const isAtomic = options?.atomic === true
    const delivery = new Delivery(records.length)
    if (prepared !== undefined) {
      this.#deliveries.add(delivery)
      const encode = (): EncodedRecord[] =>
        this.#encoder.encodeAll(records, typed, now, serializations)
      const work = { prepared, encode, delivery, signal: options?.signal }
      if (isAtomic) {
        delivery.expect()
        attempt(this.#client.logger, 'sending prepared records', () =>
          this.#placeTogetherWhenPrepared(work),
        )
      } else this.#placeWhenPrepared(records, typed, work)
    } else {
      const encoded = this.#encoder.encodeAll(records, typed, now, serializations)
      this.#deliveries.add(delivery)
      if (isAtomic) {
        await this.#accumulator.placeTogether(encoded, delivery).catch((error: unknown) => {
          this.#deliveries.delete(delivery)
          throw error
        })
      } else {
        for (let i = 0; i < encoded.length; i++)
          this.#accumulator.place(encoded[i] as EncodedRecord, delivery, i)
      }
    }
    delivery.settle()
    try {
      const metadata = await (options?.signal === undefined
        ? delivery.promise
        : abortable(delivery.promise, options.signal))
      return isList ? metadata : (metadata[0] as RecordMetadata)
    } catch (error) {
      if (!(error instanceof AbortedError)) this.#transactions?.fail(error as Error)
      throw error
    } finally {
      this.#deliveries.delete(delivery)
    }
  }

  /** Reserves the places of the records in the queues of their topics. */
  #placeWhenPrepared(
    records: readonly ProducerRecord<unknown, unknown>[],
    typed: Topic<unknown, unknown> | undefined,
    work: PreparedWork,
  ): void {
    const names = records.map((record) => topicOf(record, typed))
    const places = this.#accumulator.reserve(names, work.delivery)
    attempt(this.#client.logger, 'sending prepared records', () =>
      this.#prepared(work).then(
        (encoded) => places.fill(encoded),
        (error: unknown) => places.release(error as Error),
      ),
    )
  }

  async #placeTogetherWhenPrepared(work: PreparedWork): Promise<void> {
    const { delivery } = work
    try {
      const encoded = await this.#prepared(work)
      await this.#accumulator.placeTogether(encoded, delivery)
      delivery.settle()
    } catch (error) {
      delivery.settle(error as Error)
    }
  }

  /** The records of a send, once they are prepared. */
  async #prepared({ prepared, encode, signal }: PreparedWork): Promise<EncodedRecord[]> {
    const { deliveryTimeoutMs } = this.#options
    const late = Promise.withResolvers<never>()
    const timer = this.#client.clock.setTimer(
      deliveryTimeoutMs,
      () =>
        late.reject(
          new MillraceError(
            'MILLRACE_DELIVERY_TIMEOUT',
            `the serializers were not prepared within deliveryTimeoutMs ${deliveryTimeoutMs}`,
            { retriable: true },
          ),
        ),
      { keepsAlive: true },
    )
    this.#preparing.add(late.reject)
    try {
      await abortable(Promise.race([prepared, late.promise]), signal)
    } finally {
      timer.cancel()
      this.#preparing.delete(late.reject)
    }
    return encode()
  }

  /** Resolves when there is room for more records, for callers that do not await each result. */
  ready(): Promise<void> {
    return this.#accumulator.ready()
  }

  /** Bytes of records without an outcome, out of `bufferMemory`. */
  get bufferedBytes(): number {
    return this.#accumulator.usedMemory
  }

  /** Partitions of a topic, from the cluster if they are unknown. */
  async partitionsFor(topic: string): Promise<readonly PartitionMetadata[]> {
    return (await this.#cluster.topic(topic, this.#options.maxBlockMs)).partitions
  }

  /** Sends all records of earlier calls, and resolves when each has an outcome. */
  async flush(): Promise<void> {
    if (this.#deliveries.size === 0) return
    this.#sender.flushing++
    this.#sender.schedule()
    try {
      await Promise.allSettled([...this.#deliveries].map(({ promise }) => promise))
    } finally {
      this.#sender.flushing--
    }
  }

  // ----------------------------------------------------------------------------------------------
  // transactions

  /**
   * Requires `transactionalId`. Fences earlier producers with the same id and aborts their open
   * transaction.
   */
  async initTransactions(): Promise<void> {
    await this.#needTransactions('initTransactions').init()
  }

  /** Starts a transaction: everything that is sent from here belongs to it. */
  beginTransaction(): void {
    this.#needTransactions('beginTransaction').begin()
  }

  /**
   * Commits a consumer's offsets with the transaction: the next records to read. Pass
   * `consumer.groupMetadata`; with only a group id nothing stops a consumer that has lost its
   * partitions from committing (KIP-447).
   */
  async sendOffsetsToTransaction(
    offsets: readonly (TopicPartition & OffsetAndMetadata)[],
    group: ConsumerGroupMetadata | string | undefined,
  ): Promise<void> {
    const transactions = this.#needTransactions('sendOffsetsToTransaction')
    if (group === undefined) {
      throw new MillraceError(
        'MILLRACE_INVALID_STATE',
        'cannot commit offsets with the transaction: the consumer is not a member of its group',
      )
    }
    const member =
      typeof group === 'string'
        ? { groupId: group, generationId: -1, memberId: '', groupInstanceId: null }
        : group
    await transactions.sendOffsets(offsets, member)
  }

  /**
   * Sends pending records, then commits. If any of them failed, the transaction can only be
   * aborted, and this rejects with the cause.
   */
  async commitTransaction(): Promise<void> {
    const transactions = this.#needTransactions('commitTransaction')
    transactions.startEnd('commit')
    await this.flush()
    await transactions.end('commit')
  }

  /** Fails pending records with `MILLRACE_TRANSACTION_ABORTED`, and aborts those that were sent. */
  async abortTransaction(): Promise<void> {
    const transactions = this.#needTransactions('abortTransaction')
    transactions.startEnd('abort')
    const error = new MillraceError('MILLRACE_TRANSACTION_ABORTED', 'the transaction was aborted')
    this.#accumulator.failWaiting(error)
    this.#sender.schedule()
    await this.flush()
    await this.#sender.answered()
    await transactions.end('abort')
  }

  /**
   * Runs `work` in a transaction: commits when it resolves, including everything that it sent,
   * awaited or not; aborts when it throws or a send failed, and rejects with that error.
   * Transactions of one producer run one after another.
   */
  transaction<T>(work: (transaction: Transaction<K, V>) => Promise<T> | T): Promise<T> {
    const result = this.#lastTransaction.then(() => this.#transact(work))
    this.#lastTransaction = result.catch(() => undefined)
    return result
  }

  async #transact<T>(work: (transaction: Transaction<K, V>) => Promise<T> | T): Promise<T> {
    await this.initTransactions()
    this.beginTransaction()
    const transaction = {
      send: (...args: Parameters<Producer<K, V>['send']>) => {
        const sent = this.send(...args)
        // A caller that does not await it learns of a failure from the commit.
        sent.catch(() => undefined)
        return sent
      },
      sendOffsets: (
        offsets: readonly (TopicPartition & OffsetAndMetadata)[],
        group: ConsumerGroupMetadata | string | undefined,
      ) => this.sendOffsetsToTransaction(offsets, group),
    } as Transaction<K, V>
    try {
      const result = await work(transaction)
      await this.commitTransaction()
      return result
    } catch (error) {
      await this.#abortAfter(error)
      throw error
    }
  }

  /** Aborts because of `error`, which takes precedence over an error of the abort. */
  async #abortAfter(error: unknown): Promise<void> {
    try {
      await this.abortTransaction()
    } catch (abortError) {
      this.#client.logger.warn('could not abort a transaction', { error: abortError, after: error })
    }
  }

  #needTransactions(what: string): TransactionManager {
    if (this.#closing !== undefined) throw closedError()
    if (this.#transactions !== undefined) return this.#transactions
    throw new MillraceError(
      'MILLRACE_INVALID_STATE',
      `${what} needs a producer with a transactionalId`,
    )
  }

  /**
   * Flushes, then closes all connections. Records not acknowledged within `timeoutMs` (default:
   * `deliveryTimeoutMs`) fail with `MILLRACE_CLOSED`. Idempotent.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    // An open transaction would block readers until its time-out.
    const aborted = this.#transactions?.isUnderWay === true ? this.abortTransaction() : undefined
    this.#accumulator.startClosing()
    this.#closing ??= this.#close(options.timeoutMs, aborted)
    return this.#closing
  }

  async #close(timeoutMs: number | undefined, aborted: Promise<void> | undefined): Promise<void> {
    const { clock } = this.#client
    const flushed = aborted === undefined ? this.flush() : aborted.catch(() => undefined)
    if (timeoutMs === undefined) await flushed
    else {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = clock.setTimer(timeoutMs, resolve, { keepsAlive: true })
      await Promise.race([flushed, promise])
      timer.cancel()
    }
    const error = closedError()
    this.#sender.close(error)
    for (const stop of this.#preparing) stop(error)
    this.#accumulator.close(error)
    this.#cluster.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function isTypedTopic(value: unknown): value is Topic<unknown, unknown> {
  return typeof value === 'object' && value !== null && 'name' in value && !('topic' in value)
}
