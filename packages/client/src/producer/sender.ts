// SPDX-License-Identifier: Apache-2.0
import { attempt, MillraceError, type Timer } from '@millrace/base'
import {
  errorName,
  type MessageOf,
  ProduceRequest,
  ProduceResponse,
  ProtocolError,
  sealBatch,
} from '@millrace/protocol'
import { channels } from '../diagnostics.ts'
import type { Cluster } from '../metadata/cluster.ts'
import { type BrokerConnection, DisconnectedError } from '../network/broker-connection.ts'
import { backoffMs } from '../options.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { outcomeOf, outcomeOfLoss } from './produce-outcome.ts'
import type { ProducerBatch } from './producer-batch.ts'
import { ProducerIdentitySource } from './producer-identity.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import { splitBatch } from './split-batch.ts'
import type { TransactionManager } from './transaction-manager.ts'

/** First wait for the previous transaction to complete. */
const CONCURRENT_BACKOFF_MS = 2
/** Margin for a request's own fields beside its batches. */
const REQUEST_OVERHEAD = 1024

interface Sent {
  readonly queue: PartitionQueue
  readonly batch: ProducerBatch
  readonly records: Buffer
}

type PartitionResponse = MessageOf<
  typeof ProduceResponse
>['responses'][number]['partitionResponses'][number]

/** Takes batches from the queues, sends them to the leaders, and processes the replies. */
export class Sender {
  readonly #cluster: Cluster
  readonly #options: ResolvedProducerOptions
  readonly #onSettled: (batch: ProducerBatch) => void
  readonly #transactions: TransactionManager | undefined
  /** Queues with batches that wait or are in flight. */
  readonly #active = new Set<PartitionQueue>()
  readonly #inFlightByNode = new Map<number, number>()
  readonly #connecting = new Set<number>()
  #isScheduled = false
  #timer: Timer | undefined
  #timerAt = Number.POSITIVE_INFINITY
  readonly #identity: ProducerIdentitySource
  readonly #answerWaiters: (() => void)[] = []
  #isClosed = false
  /** Callers that wait for a flush; while there are any, nothing lingers. */
  flushing = 0
  /** The same for callers that wait for memory. */
  isShortOfMemory = false

  constructor(
    cluster: Cluster,
    options: ResolvedProducerOptions,
    onSettled: (batch: ProducerBatch) => void,
    transactions: TransactionManager | undefined,
  ) {
    this.#cluster = cluster
    this.#options = options
    this.#onSettled = onSettled
    this.#transactions = transactions
    this.#identity = new ProducerIdentitySource(cluster)
    if (transactions !== undefined) transactions.onChange = () => this.schedule()
    cluster.onChange(() => this.schedule())
  }

  add(queue: PartitionQueue): void {
    this.#active.add(queue)
    this.schedule()
  }

  /** Sends on the next turn of the event loop, so that sends of this turn share batches. */
  schedule(): void {
    if (this.#isScheduled || this.#isClosed || this.#active.size === 0) return
    this.#isScheduled = true
    attempt(this.#cluster.options.logger, 'sending records', async () => {
      await this.#cluster.clock.yield()
      this.#isScheduled = false
      this.#drain()
    })
  }

  #wakeAt(at: number): void {
    const { clock } = this.#cluster
    if (at >= this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = at
    this.#timer = clock.setTimer(
      Math.max(0, Math.ceil(at - clock.monotonic())),
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY
        this.schedule()
      },
      { keepsAlive: true },
    )
  }

  #drain(): void {
    if (this.#isClosed) return
    const now = this.#cluster.clock.monotonic()
    const byNode = new Map<number, PartitionQueue[]>()
    for (const queue of this.#active) {
      this.#expire(queue, now)
      if (queue.waiting.length === 0) {
        if (queue.inFlight.length === 0) this.#active.delete(queue)
        continue
      }
      if (this.#transactions?.isAborting === true) {
        this.#failWaiting(queue)
        continue
      }
      if (!this.#isReady(queue, now)) continue
      if (!this.#isForTopic(queue, now)) continue
      if (this.#transactions?.mayWrite(queue) === false) continue
      const leader = this.#cluster.leaderOf(queue.topic, queue.partition)
      if (leader === undefined) {
        if (this.#failDeletedTopic(queue)) continue
        this.#cluster.track([queue.topic])
        this.#cluster.requestRefresh()
        this.#wakeAt(now + this.#cluster.options.retryBackoffMs)
        continue
      }
      const queues = byNode.get(leader.id)
      if (queues === undefined) byNode.set(leader.id, [queue])
      else queues.push(queue)
    }
    if (this.#active.size === 0) {
      this.#timer?.cancel()
      this.#timerAt = Number.POSITIVE_INFINITY
    }
    if (byNode.size === 0) return
    const needsIdentity = this.#options.isIdempotent && this.#transactions === undefined
    if (needsIdentity && this.#identity.current === undefined) {
      this.#identify()
      return
    }
    for (const [node, queues] of byNode) this.#sendTo(node, queues)
  }

  /**
   * The number of partitions never falls: without this partition it is another topic of the same
   * name. Its records must not be written there.
   */
  #failDeletedTopic(queue: PartitionQueue): boolean {
    const known = this.#cluster.metadata.topics.get(queue.topic)
    if (known === undefined || queue.partition < known.partitions.length) return false
    const error = new ProtocolError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `topic ${queue.topic} was created again with ${known.partitions.length} partitions, and has no partition ${queue.partition}`,
    )
    for (const batch of queue.waiting.splice(0)) this.#settle(batch, error)
    return true
  }

  /**
   * Whether the topic has the id of the first batch. Fails the batch once another topic has
   * replaced it.
   */
  #isForTopic(queue: PartitionQueue, now: number): boolean {
    for (;;) {
      const [head] = queue.waiting
      if (head === undefined) return false
      if (head.topicId === undefined || this.#cluster.hasTopicId(queue.topic, head.topicId)) {
        return true
      }
      const error = this.#cluster.lossOf(queue.topic, head.topicId)
      if (error === undefined) {
        this.#wakeAt(now + this.#cluster.options.retryBackoffMs)
        return false
      }
      queue.waiting.shift()
      this.#settle(head, error)
    }
  }

  /** Whether the first batch is due; else schedules the next check. */
  #isReady(queue: PartitionQueue, now: number): boolean {
    const [head] = queue.waiting
    if (head === undefined) return false
    this.#wakeAt(head.createdAt + this.#options.deliveryTimeoutMs)
    if (!queue.mayLead) return false
    if (queue.retryAt > now) {
      this.#wakeAt(queue.retryAt)
      return false
    }
    if (this.#options.lingerMs === 0 || this.flushing > 0 || this.isShortOfMemory) return true
    if (head.isClosed || queue.waiting.length > 1) return true
    const due = head.createdAt + this.#options.lingerMs
    if (due <= now) return true
    this.#wakeAt(due)
    return false
  }

  /** Fails what is older than `deliveryTimeoutMs`, in flight or not. */
  #expire(queue: PartitionQueue, now: number): void {
    const { deliveryTimeoutMs } = this.#options
    const oldest = now - deliveryTimeoutMs
    const expire = (batch: ProducerBatch): void => {
      const { topic, partition } = queue
      const { lastError: cause } = batch
      const why = cause === undefined ? '' : `: ${cause.message}`
      const error = new MillraceError(
        'MILLRACE_DELIVERY_TIMEOUT',
        `${batch.recordCount} records for ${topic}-${partition} were not acknowledged within deliveryTimeoutMs ${deliveryTimeoutMs} (${batch.attempts} attempts)${why}`,
        { retriable: true, cause },
      )
      this.#settle(batch, error)
    }
    while (queue.waiting[0] !== undefined && queue.waiting[0].createdAt <= oldest) {
      expire(queue.waiting.shift() as ProducerBatch)
    }
    // A batch in flight stays: its answer still decides about the sequence numbers.
    for (const batch of queue.inFlight) {
      if (batch.createdAt <= oldest && !batch.isDone) expire(batch)
      else if (!batch.isDone) this.#wakeAt(batch.createdAt + deliveryTimeoutMs)
    }
  }

  #sendTo(node: number, queues: readonly PartitionQueue[]): void {
    const connection = this.#cluster.existing(node, 'data')
    if (connection === undefined) {
      this.#connect(node)
      return
    }
    let pending = queues
    while (pending.length > 0) {
      if ((this.#inFlightByNode.get(node) ?? 0) >= this.#options.maxInFlight) return
      pending = this.#sendOne(connection, node, pending)
    }
  }

  /** Fills one request, one batch per partition; returns the queues that have more. */
  #sendOne(
    connection: BrokerConnection,
    node: number,
    queues: readonly PartitionQueue[],
  ): PartitionQueue[] {
    const sent: Sent[] = []
    const more: PartitionQueue[] = []
    let size = REQUEST_OVERHEAD
    const now = this.#cluster.clock.monotonic()
    for (const queue of queues) {
      const [batch] = queue.waiting
      if (batch === undefined || !queue.mayLead) continue
      if (sent.length > 0 && size + batch.size > this.#options.maxRequestSize) {
        more.push(queue)
        continue
      }
      queue.waiting.shift()
      queue.sizeHint = batch.size
      const records = batch.encode(this.#options.compression, this.#options.compressionLevel)
      this.#seal(queue, batch, records)
      batch.attempts++
      size += records.length
      queue.inFlight.push(batch)
      sent.push({ queue, batch, records })
      if (queue.waiting.length > 0 && this.#isReady(queue, now)) more.push(queue)
    }
    if (sent.length > 0) this.#send(connection, node, sent)
    return more
  }

  #seal(queue: PartitionQueue, batch: ProducerBatch, records: Buffer): void {
    const isTransactional = this.#transactions !== undefined
    const identity = this.#transactions?.identity ?? this.#identity.current
    if (!this.#options.isIdempotent || identity === undefined) {
      if (batch.attempts === 0) {
        sealBatch(records, { producerId: -1n, producerEpoch: -1, baseSequence: -1 })
      }
      return
    }
    const known = batch.identity
    queue.identify(batch, { ...identity, isTransactional })
    if (known === undefined && batch.identity !== undefined) sealBatch(records, batch.identity)
  }

  #send(connection: BrokerConnection, node: number, sent: readonly Sent[]): void {
    const { acks } = this.#options
    const { metadata, clock, options } = this.#cluster
    const byTopic = new Map<string, { index: number; records: Buffer }[]>()
    for (const { queue, records } of sent) {
      const partition = { index: queue.partition, records }
      const partitions = byTopic.get(queue.topic)
      if (partitions === undefined) byTopic.set(queue.topic, [partition])
      else partitions.push(partition)
    }
    const message = {
      transactionalId: this.#options.transactionalId ?? null,
      acks,
      timeoutMs: options.requestTimeoutMs,
      topicData: [...byTopic].map(([name, partitionData]) => ({
        name,
        topicId: metadata.topics.get(name)?.id ?? '',
        partitionData,
      })),
    }
    if (acks === 0) {
      if (connection.sendOneWay(ProduceRequest, message)) {
        for (const { queue, batch } of sent) {
          remove(queue.inFlight, batch)
          this.#settle(batch)
        }
      } else
        this.#lost(sent, new DisconnectedError('the connection is closed', { neverSent: true }))
      this.schedule()
      return
    }
    const began = clock.monotonic()
    this.#inFlightByNode.set(node, (this.#inFlightByNode.get(node) ?? 0) + 1)
    const maxVersion = this.#transactions?.maxProduceVersion
    const limits = maxVersion === undefined ? {} : { maxVersion }
    connection.request(ProduceRequest, ProduceResponse, message, limits).then(
      (response) => {
        this.#inFlightByNode.set(node, (this.#inFlightByNode.get(node) ?? 1) - 1)
        this.#answered(sent, response, clock.monotonic() - began)
        this.#wakeAnswered()
        this.schedule()
      },
      (error: Error) => {
        this.#inFlightByNode.set(node, (this.#inFlightByNode.get(node) ?? 1) - 1)
        this.#lost(sent, error)
        this.#wakeAnswered()
        this.schedule()
      },
    )
  }

  /** No reply: it is unknown whether the records are in the log. */
  #lost(sent: readonly Sent[], error: Error): void {
    for (const { queue, batch } of sent) {
      remove(queue.inFlight, batch)
      if (batch.isDone) continue
      const outcome = outcomeOfLoss(error, {
        attempts: batch.attempts,
        retries: this.#options.retries,
        isAborting: this.#transactions?.isAborting === true,
        isClosed: this.#isClosed,
      })
      if (outcome === 'retry') {
        if (error instanceof DisconnectedError && error.neverSent) batch.attempts--
        this.#retry(queue, batch, error)
      } else this.#settle(batch, error)
    }
    if (!this.#isClosed) this.#cluster.requestRefresh()
  }

  #answered(
    sent: readonly Sent[],
    response: MessageOf<typeof ProduceResponse>,
    durationMs: number,
  ): void {
    const { topics } = this.#cluster.metadata
    for (const each of sent) {
      const { queue, batch } = each
      const id = topics.get(queue.topic)?.id
      const topic = response.responses.find(
        ({ name, topicId }) => name === queue.topic || (name === '' && topicId === id),
      )
      const result = topic?.partitionResponses.find(({ index }) => index === queue.partition)
      remove(queue.inFlight, batch)
      if (result === undefined) {
        // The topic was deleted and created again, so its id differs; the outcome is unknown.
        if (!batch.isDone) this.#retry(queue, batch)
        continue
      }
      this.#applyOutcome(each, result, response)
      if (channels.batch.hasSubscribers) {
        channels.batch.publish({
          topic: queue.topic,
          partition: queue.partition,
          recordCount: batch.recordCount,
          bytes: each.records.length,
          durationMs,
          error: result.errorCode === 0 ? undefined : errorName(result.errorCode),
        })
      }
    }
  }

  #applyOutcome(
    { queue, batch }: Sent,
    result: PartitionResponse,
    { nodeEndpoints }: MessageOf<typeof ProduceResponse>,
  ): void {
    const code = errorName(result.errorCode)
    const outcome = outcomeOf(code, {
      attempts: batch.attempts,
      retries: this.#options.retries,
      recordCount: batch.recordCount,
      isWhole: batch.isWhole,
      hasIdentity: batch.identity !== undefined,
      get isOldest() {
        return queue.isOldest(batch)
      },
      isTransactional: this.#transactions !== undefined,
      isAborting: this.#transactions?.isAborting === true,
    })
    if (outcome === 'acknowledged') {
      batch.result.baseOffset = result.baseOffset
      batch.result.logAppendTimeMs = Number(result.logAppendTimeMs)
      queue.retryAt = 0
      this.#settle(batch)
      batch.recycle()
      return
    }
    if (batch.isDone) return
    const refusal = new ProtocolError(code, this.#messageOf(queue, batch, result))
    switch (outcome) {
      case 'failed':
        this.#settle(batch, refusal)
        return
      case 'split':
        this.#split(queue, batch)
        return
      case 'retry':
        this.#retry(queue, batch, refusal)
        return
      case 'renumber':
        this.#retry(queue, batch, refusal)
        if (queue.inFlight.length === 0 && queue.startEpoch().newId) this.#identity.forget()
        return
      case 'retry-soon': {
        this.#retry(queue, batch, refusal)
        const wait = Math.min(CONCURRENT_BACKOFF_MS * 2 ** Math.min(batch.attempts, 4), 20)
        queue.retryAt = this.#cluster.clock.monotonic() + wait
        this.#wakeAt(queue.retryAt)
        return
      }
      case 'find-leader': {
        const { currentLeader } = result
        this.#cluster.learnLeader(queue, currentLeader, nodeEndpoints)
        this.#retry(queue, batch, refusal)
        const leader = this.#cluster.leaderOf(queue.topic, queue.partition)
        // The new leader is known, so there is no wait (KIP-951).
        if (currentLeader.leaderId >= 0 && leader?.id === currentLeader.leaderId) queue.retryAt = 0
      }
    }
  }

  #messageOf(queue: PartitionQueue, batch: ProducerBatch, result: PartitionResponse): string {
    const where = `${queue.topic}-${queue.partition}`
    const details = result.recordErrors.map(
      ({ batchIndex, batchIndexErrorMessage }) => `record ${batchIndex}: ${batchIndexErrorMessage}`,
    )
    const why = [result.errorMessage ?? errorName(result.errorCode), ...details].join('; ')
    return `${batch.recordCount} records for ${where} were refused: ${why}`
  }

  #retry(queue: PartitionQueue, batch: ProducerBatch, error?: Error): void {
    const { clock, options } = this.#cluster
    batch.lastError = error ?? batch.lastError
    queue.requeue(batch)
    const wait = backoffMs(Math.max(0, batch.attempts - 1), {
      baseMs: options.retryBackoffMs,
      maxMs: options.retryBackoffMaxMs,
      random: options.random,
    })
    queue.retryAt = clock.monotonic() + wait
    this.#active.add(queue)
    this.#wakeAt(queue.retryAt)
  }

  /** Splits a batch that the broker finds too large, with the same sequence numbers. */
  #split(queue: PartitionQueue, batch: ProducerBatch): void {
    const { compression, compressionLevel } = this.#options
    const { middle, first, second } = splitBatch(batch, { compression, compressionLevel })
    batch.result.parts = { middle, first: first.result, second: second.result }
    let open = 2
    let failure: Error | undefined
    const settle = (error?: Error): void => {
      failure ??= error
      open--
      if (open === 0) this.#settle(batch, failure)
    }
    for (const half of [first, second]) half.deliveries.push({ settle })
    queue.waiting.unshift(first, second)
    this.#active.add(queue)
  }

  /** Nothing more of a transaction that will be aborted is sent. */
  #failWaiting(queue: PartitionQueue): void {
    const cause = this.#transactions?.error
    const error = new MillraceError(
      'MILLRACE_TRANSACTION_ABORTED',
      cause === undefined
        ? 'the transaction was aborted'
        : `the transaction cannot be committed: ${cause.message}`,
      { cause },
    )
    for (const batch of queue.waiting.splice(0)) this.#settle(batch, error)
  }

  /** Resolves when nothing is in flight. */
  answered(): Promise<void> {
    if (![...this.#active].some(({ inFlight }) => inFlight.length > 0)) return Promise.resolve()
    return new Promise((resolve) => this.#answerWaiters.push(resolve))
  }

  #wakeAnswered(): void {
    if (this.#answerWaiters.length === 0) return
    if ([...this.#active].some(({ inFlight }) => inFlight.length > 0)) return
    for (const wake of this.#answerWaiters.splice(0)) wake()
  }

  #settle(batch: ProducerBatch, error?: Error): void {
    if (batch.isDone) return
    batch.isDone = true
    if (error !== undefined) {
      this.#transactions?.fail(error, { lostSequence: batch.identity !== undefined })
    }
    this.#onSettled(batch)
    for (const delivery of batch.deliveries) delivery.settle(error)
  }

  #connect(node: number): void {
    if (this.#connecting.has(node)) return
    this.#connecting.add(node)
    this.#cluster.connect(node, 'data').then(
      () => {
        this.#connecting.delete(node)
        this.schedule()
      },
      (error: Error) => {
        this.#connecting.delete(node)
        if (!(error instanceof MillraceError && error.retriable)) this.#failAll(error)
        else {
          this.#cluster.requestRefresh()
          this.#wakeAt(this.#cluster.clock.monotonic() + this.#cluster.options.reconnectBackoffMs)
        }
      },
    )
  }

  #identify(): void {
    this.#identity.obtain({
      onObtained: () => this.schedule(),
      onRefused: (error) => this.#failAll(error),
      onDelayed: (ms) => this.#wakeAt(this.#cluster.clock.monotonic() + ms),
    })
  }

  /**
   * An error that no retry can resolve, such as wrong credentials: everything that waits fails, and
   * later sends may retry.
   */
  #failAll(error: Error): void {
    for (const queue of this.#active) {
      for (const batch of queue.waiting.splice(0)) this.#settle(batch, error)
    }
  }

  close(error: Error): void {
    this.#isClosed = true
    this.#identity.close()
    this.#timer?.cancel()
    for (const queue of this.#active) {
      for (const batch of queue.waiting.splice(0)) this.#settle(batch, error)
      for (const batch of queue.inFlight.splice(0)) this.#settle(batch, error)
    }
    this.#wakeAnswered()
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}
