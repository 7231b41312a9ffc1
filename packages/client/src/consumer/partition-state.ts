// SPDX-License-Identifier: Apache-2.0
import { guard } from '@millrace/base'
import type { ConsumerRecord, Deserializers } from './consumer-record.ts'
import type { FetchedData } from './fetched-data.ts'
import { mustPrepare, prepareRecords } from './prepare-records.ts'

/**
 * A position in a partition: the next offset, and the leader epoch of the record before it, -1 if
 * unknown (KIP-320).
 */
export interface Position {
  readonly offset: bigint
  readonly leaderEpoch: number
}

/** Position within records that were returned one by one. */
export interface Cursor {
  delivered(): Position | undefined
  handled(): Position | undefined
}

export interface DecodeOptions {
  readonly checkCrcs: boolean
  readonly isReadCommitted: boolean
  readonly deserializersOf: (topic: string) => Deserializers<unknown, unknown>
  /** Called when records that had to be prepared for their deserializers can be taken. */
  readonly onPrepared?: () => void
}

/** Position to look up: an end of the log, or a time, milliseconds since 1970. */
export type ResetTarget = 'earliest' | 'latest' | { readonly timestamp: number }

/** One assigned partition: its position and its buffered records. */
export class PartitionState {
  readonly topic: string
  readonly partition: number
  /** Id that the topic must have; undefined for any. */
  readonly topicId: string | undefined
  isPaused = false
  /** Set when the partition is revoked; holders must stop using it. */
  isRevoked = false
  /** Number of seeks: records taken before the last one are not the next ones. */
  seekCount = 0
  highWatermark = -1n
  lastStableOffset = -1n
  logStartOffset = -1n
  /** Why reading cannot continue; thrown by the next poll. */
  error: Error | undefined
  /**
   * Whether no fetch has contained the partition since it got its position, so that an extra fetch
   * pays.
   */
  isNewlyPositioned = false
  /** Position to look up before anything can be fetched. */
  reset: ResetTarget | undefined
  /** Leader epoch as last seen, to notice a change. */
  validatedEpoch = -1
  isValidating = false
  /** A closer replica that the leader named (KIP-392), and until when it is used. */
  preferredReplica: { readonly node: number; readonly until: number } | undefined
  /** Monotonic time before which no fetch is sent, after an error. */
  retryAt = 0
  /** Offset of the next fetch: the position plus what is buffered. */
  fetchOffset: bigint | undefined
  #position: Position | undefined
  /** Cursor while records are returned one by one. */
  #cursor: Cursor | undefined
  readonly #fetched: FetchedData[] = []
  #bufferedBytes = 0
  #takenTo: Position | undefined
  #confirmed: Position | undefined
  #decoded: ConsumerRecord<unknown, unknown>[] = []
  #decodedAt = 0
  #decodedTo: Position | undefined
  #isPreparing = false

  constructor(topic: string, partition: number, topicId?: string) {
    this.topic = topic
    this.partition = partition
    this.topicId = topicId
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** Whether fetched records are buffered. */
  get hasData(): boolean {
    return this.#fetched.length > 0 || this.#decodedAt < this.#decoded.length
  }

  /** Whether buffered records may be taken: deserializers are not preparing the next ones. */
  get isReady(): boolean {
    return this.hasData && !this.#isPreparing
  }

  /** Offset after the last record that was returned; undefined until it is known. */
  get position(): Position | undefined {
    return this.#cursor?.delivered() ?? this.#position
  }

  /**
   * Offset after the last record that was handled for certain; a record in progress is not counted.
   */
  get handled(): Position | undefined {
    const handled = this.#cursor?.handled() ?? this.#position
    const confirmed = this.#confirmed
    return confirmed !== undefined && (handled?.offset ?? 0n) < confirmed.offset
      ? confirmed
      : handled
  }

  /** A caller that commits an offset by hand has handled everything before it. */
  confirm(position: Position): void {
    this.#confirmed = position
  }

  /** Moves to a position and discards buffered records. */
  seek(position: Position): void {
    this.#clear()
    this.reset = undefined
    this.#confirmed = undefined
    this.isNewlyPositioned = true
    this.#position = position
    this.#takenTo = position
    this.#decodedTo = position
    this.fetchOffset = position.offset
    this.validatedEpoch = -1
    this.preferredReplica = undefined
  }

  /** Discards the position, which must then be looked up. */
  requestReset(target: ResetTarget): void {
    this.#clear()
    this.reset = target
    this.#position = undefined
    this.#takenTo = undefined
    this.#decodedTo = undefined
    this.fetchOffset = undefined
  }

  #clear(): void {
    this.seekCount++
    this.#fetched.length = 0
    this.#decoded = []
    this.#decodedAt = 0
    this.#isPreparing = false
    this.#bufferedBytes = 0
    this.#cursor = undefined
    this.error = undefined
  }

  /** Stops all activity, for a partition that is revoked. */
  revoke(): void {
    this.isRevoked = true
    const last = this.handled
    this.#clear()
    this.#position = last
    this.fetchOffset = undefined
  }

  add(data: FetchedData): void {
    if (data.endOffset < 0n) return
    this.fetchOffset = data.endOffset
    if (data.isEmpty) return
    this.#fetched.push(data)
    this.#bufferedBytes += data.size
  }

  /**
   * The next records, at most `max`, decoding one or more fetched batches; none if nothing is
   * buffered, or if deserializers prepare them first. They do not count as handled: the caller
   * calls `consumedAll`, `consumedTo` or `follow`.
   */
  take(max: number, options: DecodeOptions): ConsumerRecord<unknown, unknown>[] {
    if (this.#isPreparing) return []
    if (this.#decodedAt >= this.#decoded.length) {
      this.#decodeMore(max, options)
      if (mustPrepare(options.deserializersOf(this.topic)) && !this.#arePrepared(options)) return []
    }
    const decoded = this.#decoded
    if (this.#decodedAt === 0 && decoded.length <= max) {
      this.#decoded = []
      this.#takenTo = this.#decodedTo
      return decoded
    }
    const taken = decoded.slice(this.#decodedAt, this.#decodedAt + max)
    this.#decodedAt += taken.length
    const next = decoded[this.#decodedAt]
    if (next === undefined) {
      this.#decoded = []
      this.#decodedAt = 0
      this.#takenTo = this.#decodedTo
    } else {
      this.#takenTo = { offset: next.offset, leaderEpoch: taken.at(-1)?.leaderEpoch ?? -1 }
    }
    return taken
  }

  #decodeMore(max: number, options: DecodeOptions): void {
    const deserializers = options.deserializersOf(this.topic)
    this.#decoded = []
    this.#decodedAt = 0
    this.#decodedTo ??= this.#position
    while (this.#decoded.length < max) {
      const [data] = this.#fetched
      const from = this.#decodedTo
      if (data === undefined || from === undefined) return
      const before = data.remaining
      try {
        const { records, next } = data.next({
          topic: this.topic,
          partition: this.partition,
          from: from.offset,
          deserializers,
          checkCrcs: options.checkCrcs,
          isReadCommitted: options.isReadCommitted,
        })
        if (next > from.offset) {
          const leaderEpoch = records.at(-1)?.leaderEpoch ?? from.leaderEpoch
          this.#decodedTo = { offset: next, leaderEpoch }
        }
        if (this.#decoded.length === 0) this.#decoded = records
        else for (const record of records) this.#decoded.push(record)
      } catch (error) {
        // Records before the error are returned first; then the error, each time.
        if (this.#decoded.length > 0) return
        throw error
      }
      this.#bufferedBytes -= before - data.remaining
      if (data.isEmpty) this.#fetched.shift()
      // One fetch at a time: the next one may be far larger than requested.
      if (data.isEmpty && this.#decoded.length > 0) return
    }
  }

  /** Whether the decoded records are prepared for their deserializers; if not, starts it. */
  #arePrepared({ onPrepared }: DecodeOptions): boolean {
    const { seekCount } = this
    const isCurrent = (): boolean => this.seekCount === seekCount
    const work = prepareRecords(this.#decoded, isCurrent)
    if (work === undefined) return true
    this.#isPreparing = true
    const finish = (): void => {
      if (!isCurrent()) return
      this.#isPreparing = false
      onPrepared?.()
    }
    guard(
      () => work.then(finish),
      (error) => {
        this.error ??= error
      },
    )
    return false
  }

  /** Offset after the records that were taken. */
  get takenTo(): Position | undefined {
    return this.#takenTo
  }

  /** Counts all records that were taken as handled. */
  consumedAll(): void {
    this.consumedTo(this.#takenTo)
  }

  consumedTo(position: Position | undefined): void {
    if (this.isRevoked) return
    this.#cursor = undefined
    if (position !== undefined) this.#position = position
  }

  /** Takes the position from `cursor` while records are returned one by one. */
  follow(cursor: Cursor): void {
    if (!this.isRevoked) this.#cursor = cursor
  }
}
