// SPDX-License-Identifier: Apache-2.0
import type { ConsumerRecord, Deserializers } from './consumer-record.ts'
import type { FetchedData } from './fetched-data.ts'

/** A place in a partition: the next offset, and the leader epoch of the record before it, -1 when unknown (KIP-320). */
export interface Position {
  readonly offset: bigint
  readonly leaderEpoch: number
}

/** Tells how far somebody is who was given several records at once. */
export interface Cursor {
  handedOut(): Position | undefined
  handled(): Position | undefined
}

export interface DecodeOptions {
  readonly checkCrcs: boolean
  readonly isReadCommitted: boolean
  readonly deserializersOf: (topic: string) => Deserializers<unknown, unknown>
}

/** Where a position is to be looked up: the ends of the log, or a time, milliseconds since 1970. */
export type ResetTarget = 'earliest' | 'latest' | { readonly timestamp: number }

/** One assigned partition: where it is read, and what was read ahead. */
export class PartitionState {
  readonly topic: string
  readonly partition: number
  /** Id that the topic must have; undefined for any. */
  readonly topicId: string | undefined
  isPaused = false
  /** No longer ours; whoever still holds it must stop. */
  isRevoked = false
  /** How often it was moved elsewhere: records taken before are not the next ones any more. */
  moves = 0
  highWatermark = -1n
  lastStableOffset = -1n
  logStartOffset = -1n
  /** What is wrong with reading on; thrown by the next poll. */
  error: Error | undefined
  /** Not in any fetch yet since it got its position, so that it is worth one of its own. */
  isFresh = false
  /** Position to be looked up before anything can be fetched. */
  reset: ResetTarget | undefined
  /** Epoch in which the leader was last seen, to notice a change. */
  validatedEpoch = -1
  isValidating = false
  /** A closer replica the leader sent us to (KIP-392), and until when. */
  preferredReplica: { readonly node: number; readonly until: number } | undefined
  /** Monotonic time before which it is not fetched, after an error. */
  retryAt = 0
  /** Where the next fetch begins: ahead of the position by what is buffered. */
  fetchOffset: bigint | undefined
  #position: Position | undefined
  /** While records are handed out one by one, where that is. */
  #cursor: Cursor | undefined
  readonly #fetched: FetchedData[] = []
  #bufferedBytes = 0
  #takenTo: Position | undefined
  #confirmed: Position | undefined
  #decoded: ConsumerRecord<unknown, unknown>[] = []
  #decodedAt = 0
  #decodedTo: Position | undefined

  constructor(topic: string, partition: number, topicId?: string) {
    this.topic = topic
    this.partition = partition
    this.topicId = topicId
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  get hasData(): boolean {
    return this.#fetched.length > 0 || this.#decodedAt < this.#decoded.length
  }

  /** The record after the last one handed out; undefined until it is known. */
  get position(): Position | undefined {
    return this.#cursor?.handedOut() ?? this.#position
  }

  /** The record after the last one that was surely handled: of one that is being handled nobody knows yet. */
  get handled(): Position | undefined {
    const handled = this.#cursor?.handled() ?? this.#position
    const confirmed = this.#confirmed
    return confirmed !== undefined && (handled?.offset ?? 0n) < confirmed.offset
      ? confirmed
      : handled
  }

  /** Whoever commits an offset by hand is done with everything before it. */
  confirm(position: Position): void {
    this.#confirmed = position
  }

  /** Moves to a place, and forgets what was read ahead. */
  seek(position: Position): void {
    this.#clear()
    this.reset = undefined
    this.#confirmed = undefined
    this.isFresh = true
    this.#position = position
    this.#takenTo = position
    this.#decodedTo = position
    this.fetchOffset = position.offset
    this.validatedEpoch = -1
    this.preferredReplica = undefined
  }

  /** Forgets the position, which then has to be looked up. */
  requestReset(target: ResetTarget): void {
    this.#clear()
    this.reset = target
    this.#position = undefined
    this.#takenTo = undefined
    this.#decodedTo = undefined
    this.fetchOffset = undefined
  }

  #clear(): void {
    this.moves++
    this.#fetched.length = 0
    this.#decoded = []
    this.#decodedAt = 0
    this.#bufferedBytes = 0
    this.#cursor = undefined
    this.error = undefined
  }

  /** Stops everything about it, for a partition that is taken away. */
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
   * The next records, at most `max`, decoding one fetched batch or more; none when nothing is buffered. They are not counted as
   * handled: the caller says so with `consumedAll`, `consumedTo` or `follow`.
   */
  take(max: number, options: DecodeOptions): ConsumerRecord<unknown, unknown>[] {
    if (this.#decodedAt >= this.#decoded.length) this.#decodeMore(max, options)
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
        // What was read before it is handed out first; then the error, and the same bytes again if asked again.
        if (this.#decoded.length > 0) return
        throw error
      }
      this.#bufferedBytes -= before - data.remaining
      if (data.isEmpty) this.#fetched.shift()
      // One fetch at a time: the next one may be far larger than what is wanted.
      if (data.isEmpty && this.#decoded.length > 0) return
    }
  }

  /** Where the records that were taken end. */
  get takenTo(): Position | undefined {
    return this.#takenTo
  }

  /** Counts everything that was taken as handled. */
  consumedAll(): void {
    this.consumedTo(this.#takenTo)
  }

  consumedTo(position: Position | undefined): void {
    if (this.isRevoked) return
    this.#cursor = undefined
    if (position !== undefined) this.#position = position
  }

  /** Lets `cursor` tell the position while records are handed out one by one. */
  follow(cursor: Cursor): void {
    if (!this.isRevoked) this.#cursor = cursor
  }
}
