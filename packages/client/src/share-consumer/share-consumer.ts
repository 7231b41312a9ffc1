// SPDX-License-Identifier: Apache-2.0
import { guard, MillraceError, type Timer } from '@millrace/base'
import { hasWholeBatch, ProtocolError, RecordBatch } from '@millrace/protocol'
import type { RecordOf } from '../consumer/consumer-options.ts'
import {
  type ConsumerRecord,
  type Deserializers,
  decodeRecords,
} from '../consumer/consumer-record.ts'
import { GroupLink } from '../consumer/group/membership.ts'
import { mustPrepare, prepareRecords } from '../consumer/prepare-records.ts'
import { Cluster } from '../metadata/cluster.ts'
import { AbortedError, Wakeup } from '../network/waiting.ts'
import { resolveClientOptions } from '../options.ts'
import { bytes } from '../serde/serde.ts'
import type { Topic } from '../serde/topic.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import { type AcknowledgeType, PartitionAcknowledgements } from './acknowledgements.ts'
import {
  type ResolvedShareConsumerOptions,
  resolveShareConsumerOptions,
  type ShareConsumerOptions,
} from './share-consumer-options.ts'
import { ShareMembership } from './share-membership.ts'
import { ShareRunner, type ShareRunOptions } from './share-runner.ts'
import {
  type AcknowledgeOutcome,
  type FetchedSharePartition,
  type SharePlace,
  ShareSession,
} from './share-session.ts'

type AnyRecord = ConsumerRecord<unknown, unknown>

/** Result of the acknowledgements of one partition. */
export interface AcknowledgedPartition extends TopicPartition {
  /** Offsets of the records, ascending. */
  readonly offsets: readonly bigint[]
  /** Error; undefined if the broker accepted them. */
  readonly error: Error | undefined
}

/** A partition with acquired records, and those that are not acknowledged yet. */
interface Holding {
  readonly place: SharePlace
  readonly nodeId: number
  readonly open: Map<bigint, { readonly record: AnyRecord; readonly session: number }>
  /** Acknowledgements to send, by the session that the records were acquired in. */
  readonly pending: Map<number, PartitionAcknowledgements>
}

const LOOK_AGAIN_MS = 1000
const CLOSE_TIMEOUT_MS = 5000

/**
 * Reads topics as a member of a share group (KIP-932): a queue whose records are with one member at
 * a time, and are delivered again when that member releases them, fails or takes too long. One way
 * to read at a time: `poll`, `for await` or `run`.
 */
export class ShareConsumer<const O extends ShareConsumerOptions = ShareConsumerOptions>
  implements AsyncDisposable, AsyncIterable<RecordOf<O>>
{
  readonly #options: ResolvedShareConsumerOptions
  readonly #cluster: Cluster
  readonly #membership: ShareMembership
  readonly #deserializers = new Map<string, Deserializers<unknown, unknown>>()
  readonly #plain: Deserializers<unknown, unknown>
  readonly #sessions = new Map<number, ShareSession>()
  readonly #fetching = new Set<number>()
  readonly #holdings = new Map<string, Holding>()
  readonly #wakeup = new Wakeup()
  #topics: readonly string[] = []
  #buffer: AnyRecord[] = []
  /** Records that their deserializers prepare, before they are buffered. */
  readonly #preparing = new Set<readonly AnyRecord[]>()
  /** Records of the last `poll`. */
  #returned: readonly AnyRecord[] = []
  /** Acknowledgements that were too late. */
  readonly #lost: AcknowledgedPartition[] = []
  #lockTimeoutMs = 30_000
  #failure: Error | undefined
  #isReading: string | undefined
  #retry: Timer | undefined
  #failures = 0
  #closing: Promise<void> | undefined
  /** Receives the results of acknowledgements that were sent with fetches. */
  onAcknowledged: ((outcomes: readonly AcknowledgedPartition[]) => void) | undefined

  /** Creates a share consumer; it connects on first use. Throws `MILLRACE_INVALID_OPTION`. */
  constructor(options: O) {
    const client = resolveClientOptions(options)
    this.#options = resolveShareConsumerOptions(options)
    this.#cluster = new Cluster(client)
    this.#plain = options.deserializers ?? { key: bytes(), value: bytes() }
    const link = new GroupLink(this.#cluster, this.#options.groupId)
    this.#membership = new ShareMembership(link, { rackId: this.#options.clientRack }, () =>
      this.#assignmentChanged(),
    )
    this.#cluster.onChange(() => this.#wakeup.wake())
    if (options.topics !== undefined) this.subscribe(options.topics)
  }

  // ----------------------------------------------------------------------------------------------
  // subscribing

  /** Joins the group for these topics; replaces the previous subscription. */
  subscribe(topics: readonly (string | Topic<unknown, unknown>)[]): void {
    this.#assertOpen()
    const names: string[] = []
    for (const topic of topics) {
      const name = typeof topic === 'string' ? topic : topic.name
      if (typeof name !== 'string' || name === '') {
        throw new MillraceError(
          'MILLRACE_INVALID_TOPIC',
          `cannot subscribe to topic ${JSON.stringify(name)}`,
        )
      }
      names.push(name)
      if (typeof topic !== 'string') this.#deserializers.set(name, topic)
    }
    if (names.length === 0) {
      throw new MillraceError(
        'MILLRACE_INVALID_TOPIC',
        'subscribe needs a topic; unsubscribe leaves',
      )
    }
    this.#topics = [...new Set(names)].sort()
    this.#cluster.trackOnly(this.#topics)
    this.#cluster.requestRefresh()
    this.#membership.subscribe(this.#topics)
  }

  /** Topics that are subscribed to. */
  get subscription(): readonly string[] {
    return this.#topics
  }

  /** Leaves the group and releases acquired records. */
  async unsubscribe(): Promise<void> {
    this.#topics = []
    this.#releaseUnseen()
    await this.#endSessions()
    await this.#membership.leave()
  }

  /** Partitions that the group assigned to this member. */
  get assignment(): readonly TopicPartition[] {
    return this.#places().map(({ topic, partition }) => ({ topic, partition }))
  }

  /** Time for which a record is locked for this member, as of the last fetch. */
  get acquisitionLockTimeoutMs(): number {
    return this.#lockTimeoutMs
  }

  /** Id of this member. */
  get memberId(): string {
    return this.#membership.memberId
  }

  #assignmentChanged(): void {
    const known = new Set([...this.#cluster.metadata.topics.values()].map(({ id }) => id))
    if (this.#membership.assignment.some(({ topicId }) => !known.has(topicId))) {
      this.#cluster.requestRefresh()
    }
    this.#wakeup.wake()
  }

  #places(): SharePlace[] {
    const names = new Map(
      [...this.#cluster.metadata.topics.values()].map(({ id, name }) => [id, name]),
    )
    return this.#membership.assignment.flatMap(({ topicId, partitions }) => {
      const topic = names.get(topicId)
      if (topic === undefined) return []
      return partitions.map((partition) => ({ topic, topicId, partition }))
    })
  }

  // ----------------------------------------------------------------------------------------------
  // reading

  /**
   * Returns the next records; waits up to `timeoutMs` for the first. In implicit mode this accepts
   * the records of the previous `poll`; in explicit mode all of them must have been acknowledged.
   */
  async poll(
    timeoutMs = 0,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<RecordOf<O>[]> {
    return this.#reading('poll', options.signal, async () => {
      this.#acceptReturned()
      const records = await this.nextBatch(timeoutMs, options.signal)
      this.#returned = records
      return records as RecordOf<O>[]
    })
  }

  #acceptReturned(): void {
    const before = this.#returned
    if (this.#options.isExplicit) {
      const open = before.filter((record) => this.#isOpen(record))
      if (open.length > 0) {
        const [first] = open
        throw new MillraceError(
          'MILLRACE_INVALID_STATE',
          `${open.length} records of the last poll are not acknowledged, offset ${first?.offset} of ${first?.topic}-${first?.partition} first: in explicit mode all must be`,
        )
      }
    } else for (const record of before) this.#settle(record, 'accept')
    this.#returned = []
  }

  /**
   * Whether this delivery is still current: after its lock expired the record may have been
   * delivered again.
   */
  #isOpen(record: AnyRecord): boolean {
    return this.#holdings.get(partitionName(record))?.open.get(record.offset)?.record === record
  }

  /**
   * For the ways to read: buffered records, or those that arrive within `timeoutMs`, without
   * acknowledging earlier ones.
   */
  async nextBatch(timeoutMs: number, signal?: AbortSignal): Promise<AnyRecord[]> {
    const { clock } = this.#cluster
    const deadline = clock.monotonic() + timeoutMs
    for (let isFirst = true; ; isFirst = false) {
      this.#throwFailure()
      if (this.#buffer.length > 0) {
        const records = this.#buffer.filter((record) => this.#isOpen(record))
        this.#buffer = []
        // Requests more while these are handled, without waiting.
        this.#fetch(0)
        if (records.length > 0) return records
      }
      const left = deadline - clock.monotonic()
      if (signal?.aborted) throw new AbortedError(signal.reason)
      if (left <= 0 && !isFirst) return []
      this.#fetch(Math.min(this.#options.fetchMaxWaitMs, Math.max(0, left)))
      if (this.#buffer.length === 0) {
        await this.#wakeup.wait(clock, Math.max(1, Math.min(left, LOOK_AGAIN_MS)))
      }
    }
  }

  #throwFailure(): void {
    if (this.#closing !== undefined) {
      throw new MillraceError('MILLRACE_CLOSED', 'the share consumer was closed')
    }
    if (this.#membership.fatal !== undefined) throw this.#membership.fatal
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }

  /**
   * Sends one request to every broker that has something to read or to acknowledge, and none in
   * flight.
   */
  #fetch(maxWaitMs: number): void {
    if (this.#preparing.size > 0) {
      // Nothing more is acquired until these records can be returned.
      this.#sendAcknowledgements().catch((error: Error) => this.#fetchFailed(error))
      return
    }
    const byNode = new Map<number, SharePlace[]>()
    let isUnknown = false
    for (const place of this.#places()) {
      const leader = this.#cluster.leaderOf(place.topic, place.partition)
      if (leader === undefined) isUnknown = true
      else {
        const list = byNode.get(leader.id) ?? []
        byNode.set(leader.id, [...list, place])
      }
    }
    if (isUnknown) this.#cluster.requestRefresh()
    for (const { nodeId, pending } of this.#holdings.values()) {
      if (pending.size > 0 && !byNode.has(nodeId)) byNode.set(nodeId, [])
    }
    // Locks belong to the session: acknowledgements are sent to it even without a fetch.
    for (const [nodeId, session] of this.#sessions) {
      if (session.isOpen && !byNode.has(nodeId)) byNode.set(nodeId, [])
    }
    if (this.#retry !== undefined) return
    for (const [nodeId, places] of byNode) {
      if (this.#fetching.has(nodeId)) continue
      guard(
        () => this.#fetchFrom(nodeId, places, maxWaitMs),
        (error) => {
          this.#failure = error
          this.#wakeup.wake()
        },
      )
    }
  }

  async #fetchFrom(
    nodeId: number,
    places: readonly SharePlace[],
    maxWaitMs: number,
  ): Promise<void> {
    this.#fetching.add(nodeId)
    try {
      await this.#renew(nodeId)
      const acknowledged = this.#takeAcknowledgements(nodeId)
      const session = this.#session(nodeId)
      const result = await session.fetch(places, acknowledged, maxWaitMs).catch((error: Error) => {
        this.#notifyResults(acknowledged.map(({ list }) => ({ acknowledgements: list, error })))
        throw error
      })
      this.#failures = 0
      this.#lockTimeoutMs = result.lockTimeoutMs
      this.#notifyResults(result.outcomes)
      for (const { at, data } of result.fetched) this.#take(nodeId, at, data, result.session)
    } catch (error) {
      this.#fetchFailed(error as Error)
    } finally {
      this.#fetching.delete(nodeId)
      this.#wakeup.wake()
    }
  }

  #session(nodeId: number): ShareSession {
    let session = this.#sessions.get(nodeId)
    if (session === undefined) {
      const { memberId } = this.#membership
      const options = this.#options
      session = new ShareSession({ nodeId, cluster: this.#cluster, options, memberId })
      this.#sessions.set(nodeId, session)
    }
    return session
  }

  #fetchFailed(error: Error): void {
    if (this.#closing !== undefined) return
    const code = error instanceof MillraceError ? error.code : ''
    const isSession = code === 'SHARE_SESSION_NOT_FOUND' || code === 'INVALID_SHARE_SESSION_EPOCH'
    if (!isSession && !(error instanceof MillraceError && error.retriable)) {
      this.#failure = error
      return
    }
    this.#cluster.requestRefresh()
    const wait = isSession ? 0 : Math.min(50 * 2 ** this.#failures++, 1000)
    this.#retry = this.#cluster.clock.setTimer(wait, () => {
      this.#retry = undefined
      this.#wakeup.wake()
    })
  }

  /** Decodes acquired records; offsets without a record are acknowledged as gaps. */
  #take(nodeId: number, place: SharePlace, data: FetchedSharePartition, session: number): void {
    if (data.errorCode !== 0) {
      // The partition moved, or is not set up yet: the assignment is checked again.
      this.#cluster.requestRefresh()
      return
    }
    if (data.acquiredRecords.length === 0 || data.records === null) return
    const holding = this.#holding(nodeId, place)
    const deserializers = this.#deserializers.get(place.topic) ?? this.#plain
    const acquired: AnyRecord[] = []
    for (const { firstOffset, lastOffset, deliveryCount } of data.acquiredRecords) {
      const missing = new Set<bigint>()
      for (let offset = firstOffset; offset <= lastOffset; offset++) missing.add(offset)
      for (let at = 0; hasWholeBatch(data.records, at); ) {
        const batch = new RecordBatch(data.records, at)
        at += batch.size
        if (batch.isControl || batch.lastOffset < firstOffset || batch.baseOffset > lastOffset)
          continue
        const records = this.#decode(batch, place, {
          from: firstOffset,
          acquired: { last: lastOffset, deliveryCount },
          deserializers,
        })
        for (const record of records) {
          missing.delete(record.offset)
          holding.open.set(record.offset, { record, session })
          acquired.push(record)
        }
      }
      for (const offset of missing) pendingOf(holding, session).set(offset, 'gap')
    }
    this.#prepare(acquired, deserializers)
  }

  /** Buffers records once they are prepared for their deserializers. */
  #prepare(records: readonly AnyRecord[], deserializers: Deserializers<unknown, unknown>): void {
    const preparing = mustPrepare(deserializers)
      ? prepareRecords(records, () => this.#preparing.has(records))
      : undefined
    if (preparing === undefined) {
      for (const record of records) this.#buffer.push(record)
      return
    }
    this.#preparing.add(records)
    const finish = (): void => {
      if (!this.#preparing.delete(records)) return
      for (const record of records) this.#buffer.push(record)
      this.#wakeup.wake()
    }
    guard(
      () => preparing.then(finish),
      (error) => this.#fetchFailed(error),
    )
  }

  #decode(
    batch: RecordBatch,
    { topic, partition }: SharePlace,
    options: {
      readonly from: bigint
      readonly acquired: { readonly last: bigint; readonly deliveryCount: number }
      readonly deserializers: Deserializers<unknown, unknown>
    },
  ): AnyRecord[] {
    if (this.#options.checkCrcs && batch.crc !== batch.computeCrc()) {
      this.#failure = new ProtocolError(
        'CORRUPT_MESSAGE',
        `${topic}-${partition} at offset ${batch.baseOffset} has a CRC that does not match its bytes`,
      )
      return []
    }
    return decodeRecords(batch, { topic, partition, ...options })
  }

  #holding(nodeId: number, place: SharePlace): Holding {
    const name = partitionName(place)
    const known = this.#holdings.get(name)
    if (known?.nodeId === nodeId && known.place.topicId === place.topicId) return known
    const holding: Holding = { place, nodeId, open: new Map(), pending: new Map() }
    this.#holdings.set(name, holding)
    return holding
  }

  // ----------------------------------------------------------------------------------------------
  // acknowledging

  /**
   * Acknowledges a record; sent to the broker with the next fetch, or by `commit`. Default
   * `accept`.
   */
  acknowledge(
    record: TopicPartition & {
      readonly offset: bigint
      readonly deliveryCount?: number | undefined
    },
    type: AcknowledgeType = 'accept',
  ): void {
    this.#assertOpen()
    const holding = this.#holdings.get(partitionName(record))
    const held = holding?.open.get(record.offset)?.record
    if (held === undefined) {
      throw new MillraceError(
        'MILLRACE_INVALID_STATE',
        `offset ${record.offset} of ${partitionName(record)} is not acquired by this consumer: it was already acknowledged, or never received`,
      )
    }
    const { deliveryCount = held.deliveryCount } = record
    if (deliveryCount === held.deliveryCount) this.#note(record, type)
    else {
      const { topic, partition, offset } = record
      const error = new ProtocolError(
        'INVALID_RECORD_STATE',
        `delivery ${deliveryCount} of offset ${offset} of ${partitionName(record)} is no longer acquired: delivery ${held.deliveryCount} is`,
      )
      this.#lost.push({ topic, partition, offsets: [offset], error })
    }
  }

  #note(record: TopicPartition & { readonly offset: bigint }, type: AcknowledgeType): void {
    const holding = this.#holdings.get(partitionName(record))
    const held = holding?.open.get(record.offset)
    if (holding === undefined || held === undefined) return
    pendingOf(holding, held.session).set(record.offset, type)
    // A renewed record stays in progress.
    if (type !== 'renew') holding.open.delete(record.offset)
  }

  #takeAcknowledgements(
    nodeId: number,
  ): { readonly place: SharePlace; readonly list: PartitionAcknowledgements }[] {
    const taken: { place: SharePlace; list: PartitionAcknowledgements }[] = []
    for (const holding of this.#holdings.values()) {
      if (holding.nodeId !== nodeId) continue
      for (const list of holding.pending.values()) taken.push({ place: holding.place, list })
      holding.pending.clear()
    }
    return taken
  }

  /** Renewals are sent in separate requests. */
  async #renew(nodeId: number): Promise<readonly AcknowledgeOutcome[]> {
    const renewals = [...this.#holdings.values()].flatMap(({ place, nodeId: node, pending }) => {
      if (node !== nodeId) return []
      return [...pending].flatMap(([session, acknowledgements]) => {
        const list = acknowledgements.takeRenewals()
        if (acknowledgements.size === 0) pending.delete(session)
        return list === undefined ? [] : [{ place, list }]
      })
    })
    if (renewals.length === 0) return []
    const outcomes = await this.#session(nodeId).acknowledge(renewals, { isRenewal: true })
    this.#notifyResults(outcomes)
    return outcomes
  }

  #notifyResults(outcomes: readonly AcknowledgeOutcome[]): void {
    if (outcomes.length === 0) return
    for (const { acknowledgements, error } of outcomes) {
      if (error !== undefined || acknowledgements.hasRenewals) continue
      const open = this.#holdings.get(partitionName(acknowledgements.at))?.open
      // Also a later delivery, which arrived while this was in flight: the broker applied it to
      // that one.
      for (const offset of acknowledgements.offsets) open?.delete(offset)
    }
    const told = outcomes.map(acknowledgedPartition)
    for (const { error, ...partition } of told) {
      if (error === undefined) continue
      this.#cluster.options.logger.warn('acknowledgements were rejected', {
        partition: partitionName(partition),
        error: error.message,
      })
    }
    this.onAcknowledged?.(told)
  }

  /**
   * Sends all acknowledgements at once and returns their results, partition by partition: an error
   * means that a record no longer belonged to this consumer, for example after its lock expired. In
   * implicit mode the records of the last `poll` count as accepted.
   */
  async commit(): Promise<AcknowledgedPartition[]> {
    this.#assertOpen()
    if (!this.#options.isExplicit) this.#acceptReturned()
    return this.#commit()
  }

  async #commit(): Promise<AcknowledgedPartition[]> {
    const outcomes = await this.#sendAcknowledgements()
    return [...outcomes.map(acknowledgedPartition), ...this.#lost.splice(0)]
  }

  async #sendAcknowledgements(): Promise<AcknowledgeOutcome[]> {
    const nodes = new Set([...this.#holdings.values()].map(({ nodeId }) => nodeId))
    const outcomes = await Promise.all(
      [...nodes].map(async (nodeId) => {
        const renewed = await this.#renew(nodeId)
        const acknowledged = this.#takeAcknowledgements(nodeId)
        if (acknowledged.length === 0) return renewed
        const told = await this.#session(nodeId)
          .acknowledge(acknowledged)
          .catch((error: Error) =>
            acknowledged.map(({ list }) => ({ acknowledgements: list, error })),
          )
        this.#notifyResults(told)
        return [...renewed, ...told]
      }),
    )
    return outcomes.flat()
  }

  // ----------------------------------------------------------------------------------------------
  // other ways to read

  /**
   * Reads record by record until the consumer is closed. A record counts as accepted when the next
   * one is requested.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<RecordOf<O>, undefined> {
    this.#beginReading('for await')
    let inHand: AnyRecord | undefined
    let rest: AnyRecord[] = []
    try {
      for (;;) {
        rest = await this.nextBatch(LOOK_AGAIN_MS)
        while (rest.length > 0) {
          inHand = rest.shift() as AnyRecord
          yield inHand as RecordOf<O>
          this.#settle(inHand, 'accept')
          inHand = undefined
        }
      }
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'MILLRACE_CLOSED') return undefined
      throw error
    } finally {
      // Leaving the loop does not mean that the last record was handled.
      for (const record of inHand === undefined ? rest : [inHand, ...rest]) {
        this.#settle(record, 'release')
      }
      this.#isReading = undefined
    }
  }

  #settle(record: AnyRecord, type: AcknowledgeType): void {
    if (this.#isOpen(record)) this.#note(record, type)
  }

  /**
   * Passes every record to a handler, several at once with `concurrency`, until the signal is
   * aborted or the consumer is closed. A record is accepted when its handler resolves. If it
   * rejects, `onError` decides; without it the record is released and the run rejects with the
   * error. Locks are renewed while handlers run.
   */
  run(options: ShareRunOptions<RecordOf<O>>): Promise<void> {
    return this.#reading('run', undefined, () =>
      new ShareRunner<RecordOf<O>>(
        {
          nextBatch: (timeoutMs, signal) => this.nextBatch(timeoutMs, signal),
          settle: (record, type) => this.#settle(record, type),
          commit: () => this.#commit(),
          clock: this.#cluster.clock,
          lockTimeoutMs: () => this.#lockTimeoutMs,
        },
        options,
      ).run(),
    )
  }

  async #reading<T>(
    what: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    if (signal?.aborted) throw new AbortedError(signal.reason)
    this.#beginReading(what)
    const onAbort = (): void => this.#wakeup.wake()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await work()
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#isReading = undefined
    }
  }

  #beginReading(what: string): void {
    this.#assertOpen()
    if (this.#isReading !== undefined) {
      throw new MillraceError(
        'MILLRACE_CONCURRENT_READ',
        `${what} while ${this.#isReading} is in progress: a consumer is read in one way at a time`,
      )
    }
    if (this.#topics.length === 0) {
      throw new MillraceError(
        'MILLRACE_INVALID_STATE',
        'nothing to read: subscribe to topics first',
      )
    }
    this.#isReading = what
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) {
      throw new MillraceError('MILLRACE_CLOSED', 'the share consumer is closed')
    }
  }

  // ----------------------------------------------------------------------------------------------
  // ending

  #releaseUnseen(): void {
    const unseen = [...this.#buffer.splice(0), ...[...this.#preparing].flat()]
    this.#preparing.clear()
    for (const record of unseen) this.#settle(record, 'release')
  }

  async #endSessions(): Promise<void> {
    await Promise.all(
      [...this.#sessions].map(async ([nodeId, session]) => {
        if (!session.isOpen) return
        const acknowledged = this.#takeAcknowledgements(nodeId)
        const told = await session
          .acknowledge(acknowledged, { isFinal: true })
          .catch((error: Error) =>
            acknowledged.map(({ list }) => ({ acknowledgements: list, error })),
          )
        this.#notifyResults(told)
      }),
    )
    this.#sessions.clear()
    this.#holdings.clear()
  }

  /**
   * Sends acknowledgements, releases other records, and leaves the group. In implicit mode the
   * records of the last `poll` are accepted. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (!this.#options.isExplicit) this.#acceptReturned()
    this.#releaseUnseen()
    this.#wakeup.wake()
    this.#retry?.cancel()
    const { clock } = this.#cluster
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = clock.setTimer(CLOSE_TIMEOUT_MS, resolve, { keepsAlive: true })
    await Promise.race([Promise.all([this.#endSessions(), this.#membership.leave()]), promise])
    timer.cancel()
    this.#membership.close()
    this.#cluster.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Acknowledgements to send for the records that one session acquired. */
function pendingOf({ place, pending }: Holding, session: number): PartitionAcknowledgements {
  let list = pending.get(session)
  if (list === undefined) {
    list = new PartitionAcknowledgements(place, session)
    pending.set(session, list)
  }
  return list
}

function acknowledgedPartition({
  acknowledgements,
  error,
}: AcknowledgeOutcome): AcknowledgedPartition {
  const { topic, partition } = acknowledgements.at
  return { topic, partition, offsets: acknowledgements.offsets, error }
}
