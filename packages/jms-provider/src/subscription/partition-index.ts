// SPDX-License-Identifier: Apache-2.0

/** State of an offset in the index. `none` is finished, filtered out or not a message. */
export const OffsetState = { none: 0, available: 1, inFlight: 2, delayed: 3, finishing: 4 } as const
export type OffsetState = (typeof OffsetState)[keyof typeof OffsetState]

/** Number of offsets in a chunk. */
export const CHUNK = 1024
export const PRIORITIES = 10
const NEVER = Number.POSITIVE_INFINITY

/**
 * Metadata of a message in the index, besides its offset. Times are milliseconds since 1970, 0 for
 * none.
 */
export interface IndexEntry {
  readonly priority: number
  readonly expiresAtMs: number
  readonly deliverAtMs: number
  readonly group: string | undefined
}

/** A run of offsets. A waiting message without expiry, delay or group takes two bytes. */
class Chunk {
  readonly base: number
  readonly states = new Uint8Array(CHUNK)
  readonly priorities = new Uint8Array(CHUNK)
  /** Number of available messages, by priority. */
  readonly available = new Uint16Array(PRIORITIES)
  live = 0
  expiresAt: Float64Array | undefined
  deliverAt: Float64Array | undefined
  /** Lower bound of the expiry times, or due times, in the chunk. */
  nextExpiry = NEVER
  nextDue = NEVER
  deliveryCounts: Uint16Array | undefined
  groups: (string | undefined)[] | undefined
  /** Whether the state topic has a record of this chunk. */
  isJournaled = false
  /** Whether its last state record counts deliveries of messages that were in flight. */
  countsInFlight = false
  /** Whether one of these messages is waiting again. */
  isStale = false

  constructor(base: number) {
    this.base = base
  }
}

/** Contents of a chunk's state record: finished offsets, and delivery counts of the others. */
interface RestoredChunk {
  readonly limit: number
  readonly finished: Buffer
  readonly deliveryCounts: ReadonlyMap<number, number>
}

/** A change to write to the state topic. */
export type IndexChange =
  | { readonly kind: 'floor'; readonly offset: number }
  | { readonly kind: 'chunk'; readonly number: number; readonly value: Buffer | null }

/**
 * State of one partition for one subscription: the waiting messages with their order, expiry and
 * delay, and the finished ones. Offsets below `floor` are finished; those from `end` on have not
 * been seen.
 */
export class PartitionIndex {
  readonly partition: number
  /** Id of the Kafka topic; undefined in memory and for clusters without topic ids. */
  readonly topicId: string | undefined
  #chunks: (Chunk | undefined)[] = []
  /** Number of the first chunk. */
  #first: number
  #floor: number
  #end: number
  readonly #restored = new Map<number, RestoredChunk>()
  readonly #dirty = new Set<number>()
  /** Chunks with messages in flight whose deliveries the next state records count. */
  readonly #deliveryCountsDue = new Set<number>()
  #journaledFloor: number
  #durableFloor: number
  readonly #journaledChunks = new Set<number>()
  /** Messages that are being consumed in open transactions. */
  #finishing = 0
  /** Number of available messages, by priority. */
  readonly available = new Array<number>(PRIORITIES).fill(0)
  /** Number of messages that are not finished. */
  live = 0
  inFlight = 0
  delayed = 0

  /** Whether state records count messages in flight as delivered. */
  readonly countsInFlight: boolean

  constructor(
    partition: number,
    floor: number,
    options: { readonly topicId?: string | undefined; readonly countsInFlight?: boolean } = {},
  ) {
    const { topicId } = options
    this.countsInFlight = options.countsInFlight ?? false
    this.partition = partition
    this.topicId = topicId
    this.#floor = floor
    this.#end = floor
    this.#journaledFloor = floor
    this.#durableFloor = floor
    this.#first = Math.floor(floor / CHUNK)
  }

  get floor(): number {
    return this.#floor
  }

  get end(): number {
    return this.#end
  }

  /** The floor that is confirmed in the state topic: recovery needs no message below it. */
  get durableFloor(): number {
    return this.#durableFloor
  }

  /**
   * The first offset that is not permanently finished, or the end. A message that is being consumed
   * in a transaction may still return.
   */
  get lowest(): number {
    this.#advanceFloor()
    if (this.#finishing === 0) return this.#floor
    for (const chunk of this.#chunks) {
      if (chunk === undefined || chunk.base >= this.#floor) continue
      for (let within = 0; within < CHUNK && chunk.base + within < this.#floor; within++) {
        if (chunk.states[within] === OffsetState.finishing) return chunk.base + within
      }
    }
    return this.#floor
  }

  /** Restores a chunk from its state record. Must be called before messages are added. */
  restore(number: number, value: Buffer): void {
    const limit = value.readUInt16BE(0)
    const bytes = Math.ceil(limit / 8)
    const deliveryCounts = new Map<number, number>()
    for (let at = 2 + bytes; at + 4 <= value.length; at += 4) {
      deliveryCounts.set(value.readUInt16BE(at), value.readUInt16BE(at + 2))
    }
    this.#restored.set(number, { limit, finished: value.subarray(2, 2 + bytes), deliveryCounts })
    this.#journaledChunks.add(number)
  }

  /**
   * Adds the next message. Returns false if it was finished before a restart. Offsets must
   * increase.
   */
  add(offset: number, entry: IndexEntry, nowMs: number): boolean {
    if (offset < this.#end) return false
    this.#end = offset + 1
    const number = Math.floor(offset / CHUNK)
    const within = offset - number * CHUNK
    const restored = this.#restored.get(number)
    if (restored !== undefined && within < restored.limit) {
      if (((restored.finished[within >> 3] as number) & (1 << (within & 7))) !== 0) return false
    }
    const chunk = this.#chunkFor(number)
    chunk.priorities[within] = entry.priority
    const count = restored?.deliveryCounts.get(within)
    if (count !== undefined) this.#setCount(chunk, within, count)
    if (entry.group !== undefined) {
      chunk.groups ??= new Array(CHUNK)
      chunk.groups[within] = entry.group
    }
    if (entry.expiresAtMs > 0) {
      chunk.expiresAt ??= new Float64Array(CHUNK)
      chunk.expiresAt[within] = entry.expiresAtMs
      chunk.nextExpiry = Math.min(chunk.nextExpiry, entry.expiresAtMs)
    }
    chunk.live++
    this.live++
    if (entry.deliverAtMs > nowMs) this.#delay(chunk, within, entry.deliverAtMs)
    else this.#setState(chunk, within, OffsetState.available)
    return true
  }

  /** Skips an offset without a message for this subscription. */
  skip(offset: number): void {
    if (offset >= this.#end) this.#end = offset + 1
  }

  #chunkFor(number: number): Chunk {
    if (this.#chunks.length === 0) this.#first = number
    const at = number - this.#first
    while (this.#chunks.length <= at) this.#chunks.push(undefined)
    let chunk = this.#chunks[at]
    if (chunk === undefined) {
      chunk = new Chunk(number * CHUNK)
      chunk.isJournaled = this.#journaledChunks.has(number)
      this.#chunks[at] = chunk
    }
    return chunk
  }

  #chunkOf(offset: number): Chunk | undefined {
    return this.#chunks[Math.floor(offset / CHUNK) - this.#first]
  }

  stateOf(offset: number): OffsetState {
    const chunk = this.#chunkOf(offset)
    return chunk === undefined
      ? OffsetState.none
      : (chunk.states[offset - chunk.base] as OffsetState)
  }

  #setState(chunk: Chunk, within: number, state: OffsetState): void {
    const before = chunk.states[within] as OffsetState
    if (before === state) return
    const priority = chunk.priorities[within] as number
    if (before === OffsetState.available) {
      chunk.available[priority] = (chunk.available[priority] as number) - 1
      this.available[priority] = (this.available[priority] as number) - 1
    } else if (before === OffsetState.inFlight) this.inFlight--
    else if (before === OffsetState.delayed) this.delayed--
    else if (before === OffsetState.finishing) this.#finishing--
    if (state === OffsetState.available) {
      chunk.available[priority] = (chunk.available[priority] as number) + 1
      this.available[priority] = (this.available[priority] as number) + 1
    } else if (state === OffsetState.inFlight) this.inFlight++
    else if (state === OffsetState.delayed) this.delayed++
    else if (state === OffsetState.finishing) this.#finishing++
    chunk.states[within] = state
  }

  /** Changes the state of a message that is not finished. */
  move(offset: number, state: OffsetState): void {
    const chunk = this.#chunkOf(offset)
    if (chunk === undefined || chunk.states[offset - chunk.base] === OffsetState.none) return
    // The transaction that would have finished the message failed: lower the floor to it and write
    // the floor again.
    const isBack = chunk.states[offset - chunk.base] === OffsetState.finishing
    if (isBack && offset < this.#floor && state !== OffsetState.finishing) {
      this.#floor = offset
      this.#journaledFloor = -1
    }
    this.#setState(chunk, offset - chunk.base, state)
    // The state topic counts a delivery that did not fail.
    if (chunk.countsInFlight && state === OffsetState.available) {
      chunk.isStale = true
      this.markChanged(offset)
    }
  }

  /**
   * Makes the next state record of a chunk count its messages in flight as delivered. Returns false
   * if none are in flight.
   */
  countInFlightDeliveries(offset: number): boolean {
    const chunk = this.#chunkOf(offset)
    if (chunk === undefined || !chunk.states.includes(OffsetState.inFlight)) return false
    this.#deliveryCountsDue.add(chunk.base / CHUNK)
    this.markChanged(offset)
    return true
  }

  /** Makes a message available at a later time. */
  delayUntil(offset: number, dueMs: number): void {
    const chunk = this.#chunkOf(offset)
    if (chunk !== undefined) this.#delay(chunk, offset - chunk.base, dueMs)
  }

  #delay(chunk: Chunk, within: number, dueMs: number): void {
    chunk.deliverAt ??= new Float64Array(CHUNK)
    chunk.deliverAt[within] = dueMs
    chunk.nextDue = Math.min(chunk.nextDue, dueMs)
    this.#setState(chunk, within, OffsetState.delayed)
  }

  /** Removes a finished message. */
  finish(offset: number): void {
    const chunk = this.#chunkOf(offset)
    if (chunk === undefined) return
    const within = offset - chunk.base
    if (chunk.states[within] === OffsetState.none) return
    this.#setState(chunk, within, OffsetState.none)
    chunk.live--
    this.live--
    if (chunk.groups !== undefined) chunk.groups[within] = undefined
    this.markChanged(offset)
    if (chunk.live === 0 && chunk.base + CHUNK <= this.#end) this.#drop(chunk)
  }

  #drop(chunk: Chunk): void {
    this.#chunks[chunk.base / CHUNK - this.#first] = undefined
    while (this.#chunks.length > 0 && this.#chunks[0] === undefined) {
      this.#chunks.shift()
      this.#first++
    }
  }

  /** Marks a change at this offset for the state topic. */
  markChanged(offset: number): void {
    this.#dirty.add(Math.floor(offset / CHUNK))
  }

  /**
   * Schedules the floor to be written with the next changes if it has advanced without a message
   * being finished, because others were filtered out. Returns whether it has.
   */
  markFloorChanged(): boolean {
    if (this.#finishing > 0 || this.lowest <= this.#durableFloor) return false
    this.markChanged(this.#floor)
    return true
  }

  get isChanged(): boolean {
    return this.#dirty.size > 0
  }

  deliveryCountOf(offset: number): number {
    const chunk = this.#chunkOf(offset)
    return chunk?.deliveryCounts?.[offset - chunk.base] ?? 0
  }

  /** Counts a failed delivery. */
  countDelivery(offset: number): number {
    const chunk = this.#chunkOf(offset)
    if (chunk === undefined) return 0
    const within = offset - chunk.base
    const count = Math.min((chunk.deliveryCounts?.[within] ?? 0) + 1, 0xffff)
    this.#setCount(chunk, within, count)
    this.markChanged(offset)
    return count
  }

  #setCount(chunk: Chunk, within: number, count: number): void {
    chunk.deliveryCounts ??= new Uint16Array(CHUNK)
    chunk.deliveryCounts[within] = count
  }

  groupOf(offset: number): string | undefined {
    const chunk = this.#chunkOf(offset)
    return chunk?.groups?.[offset - chunk.base]
  }

  expiresAtOf(offset: number): number {
    const chunk = this.#chunkOf(offset)
    return chunk?.expiresAt?.[offset - chunk.base] ?? 0
  }

  /** The first available message of a priority at or after an offset, or -1. */
  nextAvailable(priority: number, from: number): number {
    if (this.available[priority] === 0) return -1
    const start = Math.max(Math.floor(from / CHUNK) - this.#first, 0)
    for (let at = start; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]
      if (chunk === undefined || chunk.available[priority] === 0) continue
      const { states, priorities, base } = chunk
      for (let within = Math.max(from - base, 0); within < CHUNK; within++) {
        if (states[within] === OffsetState.available && priorities[within] === priority) {
          return base + within
        }
      }
    }
    return -1
  }

  /** The first message at or after an offset whose state matches, in log order, or -1. */
  nextLive(from: number, matches: (state: OffsetState) => boolean): number {
    const start = Math.max(Math.floor(from / CHUNK) - this.#first, 0)
    for (let at = start; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]
      if (chunk === undefined || chunk.live === 0) continue
      for (let within = Math.max(from - chunk.base, 0); within < CHUNK; within++) {
        const state = chunk.states[within] as OffsetState
        if (state !== OffsetState.none && matches(state)) return chunk.base + within
      }
    }
    return -1
  }

  /** Time when the next delayed message is due; infinity if there is none. */
  get nextDueMs(): number {
    return this.#earliest('nextDue')
  }

  /** Lower bound of the next expiry time; infinity if there is none. */
  get nextExpiryMs(): number {
    return this.#earliest('nextExpiry')
  }

  #earliest(which: 'nextDue' | 'nextExpiry'): number {
    let soonest = NEVER
    for (const chunk of this.#chunks) {
      if (chunk !== undefined && chunk[which] < soonest) soonest = chunk[which]
    }
    return soonest
  }

  /** Makes due messages available and calls `onAvailable` for each. */
  releaseDue(nowMs: number, onAvailable: (offset: number) => void): void {
    for (const chunk of this.#chunks) {
      if (chunk === undefined || chunk.nextDue > nowMs) continue
      const times = chunk.deliverAt as Float64Array
      chunk.nextDue = NEVER
      for (let within = 0; within < CHUNK; within++) {
        if (chunk.states[within] !== OffsetState.delayed) continue
        const due = times[within] as number
        if (due > nowMs) {
          chunk.nextDue = Math.min(chunk.nextDue, due)
          continue
        }
        this.#setState(chunk, within, OffsetState.available)
        onAvailable(chunk.base + within)
      }
    }
  }

  /** Expired messages that are not acquired. */
  expired(nowMs: number): number[] {
    const offsets: number[] = []
    for (const chunk of this.#chunks) {
      if (chunk === undefined || chunk.nextExpiry > nowMs) continue
      const times = chunk.expiresAt as Float64Array
      chunk.nextExpiry = NEVER
      for (let within = 0; within < CHUNK; within++) {
        const state = chunk.states[within]
        const time = times[within] as number
        if (time === 0 || state === OffsetState.none) continue
        const isWaiting = state === OffsetState.available || state === OffsetState.delayed
        if (time <= nowMs && isWaiting) offsets.push(chunk.base + within)
        // Acquired messages are checked when they are returned.
        else if (time > nowMs) chunk.nextExpiry = Math.min(chunk.nextExpiry, time)
      }
    }
    return offsets
  }

  /** Restores the expiry check of a message that was returned. */
  watchExpiry(offset: number): void {
    const chunk = this.#chunkOf(offset)
    const time = chunk?.expiresAt?.[offset - chunk.base] ?? 0
    if (chunk !== undefined && time > 0) chunk.nextExpiry = Math.min(chunk.nextExpiry, time)
  }

  // The state topic.

  #advanceFloor(): void {
    let offset = this.#floor
    for (;;) {
      const chunk = this.#chunkOf(offset)
      if (chunk === undefined) {
        const following = this.#chunks.find((each) => each !== undefined && each.base > offset)
        offset = following === undefined ? this.#end : following.base
        if (following === undefined) break
        continue
      }
      const limit = Math.min(chunk.base + CHUNK, this.#end)
      while (offset < limit && isFinished(chunk.states[offset - chunk.base])) offset++
      if (offset < limit || limit === this.#end) break
    }
    this.#floor = Math.max(this.#floor, offset)
  }

  /** Changes since the last call, as absolute states. */
  takeChanges(): IndexChange[] {
    if (this.#dirty.size === 0) return []
    this.#advanceFloor()
    const changes: IndexChange[] = []
    if (this.#floor !== this.#journaledFloor) {
      changes.push({ kind: 'floor', offset: this.#floor })
      this.#journaledFloor = this.#floor
      const below = Math.floor(this.#floor / CHUNK)
      for (const number of this.#journaledChunks) {
        if (number >= below) continue
        changes.push({ kind: 'chunk', number, value: null })
        this.#journaledChunks.delete(number)
        this.#restored.delete(number)
      }
    }
    for (const number of this.#dirty) {
      if ((number + 1) * CHUNK <= this.#floor) continue
      const value = this.#encodeChunk(number)
      if (value === undefined) continue
      this.#journaledChunks.add(number)
      changes.push({ kind: 'chunk', number, value })
    }
    this.#dirty.clear()
    this.#deliveryCountsDue.clear()
    return changes
  }

  /** The changes from `takeChanges` could not be written: include them in the next call. */
  restoreChanges(changes: readonly IndexChange[]): void {
    this.#journaledFloor = -1
    for (const change of changes) {
      if (change.kind === 'floor') this.#dirty.add(Math.floor(change.offset / CHUNK))
      else {
        this.#dirty.add(change.number)
        if (this.countsInFlight) this.#deliveryCountsDue.add(change.number)
        this.#journaledChunks.add(change.number)
      }
    }
  }

  /** The changes from `takeChanges` have been written. */
  onWritten(changes: readonly IndexChange[]): void {
    for (const change of changes) {
      if (change.kind === 'floor') this.#durableFloor = Math.max(this.#durableFloor, change.offset)
    }
  }

  /** Numbers of the chunks that the state topic has records of. */
  get journaledChunks(): ReadonlySet<number> {
    return this.#journaledChunks
  }

  /** Returns undefined if the floor covers the chunk. */
  #encodeChunk(number: number): Buffer | undefined {
    const base = number * CHUNK
    const limit = Math.min(this.#end - base, CHUNK)
    if (limit <= 0) return undefined
    const chunk = this.#chunkOf(base)
    const bytes = Math.ceil(limit / 8)
    const counts: number[] = []
    const value = Buffer.alloc(2 + bytes)
    value.writeUInt16BE(limit, 0)
    let tells = false
    let inFlight = 0
    for (let within = 0; within < limit; within++) {
      const state = chunk?.states[within]
      if (isFinished(state)) {
        value[2 + (within >> 3)] = (value[2 + (within >> 3)] as number) | (1 << (within & 7))
        if (base + within > this.#floor) tells = true
        continue
      }
      const count = chunk?.deliveryCounts?.[within] ?? 0
      if (count > 0) tells = true
      // After a crash it is unknown whether the client has seen the message.
      const isDelivered = this.countsInFlight && state === OffsetState.inFlight
      if (isDelivered) inFlight++
      if (count > 0 || isDelivered)
        counts.push(within, Math.min(isDelivered ? count + 1 : count, 0xffff))
    }
    const isJournaled = this.#journaledChunks.has(number)
    if (chunk !== undefined && !tells && !this.#deliveryCountsDue.has(number)) {
      // The messages that the last record counts are still in flight, or finished below the floor.
      if (chunk.countsInFlight && !chunk.isStale) return undefined
      if (!isJournaled) return undefined
    }
    if (chunk !== undefined) {
      chunk.countsInFlight = inFlight > 0
      chunk.isStale = false
    }
    if (counts.length === 0) return tells || isJournaled ? value : undefined
    const tail = Buffer.alloc(counts.length * 2)
    for (const [i, each] of counts.entries()) tail.writeUInt16BE(each, i * 2)
    return Buffer.concat([value, tail])
  }
}

function isFinished(state: number | undefined): boolean {
  return state === undefined || state === OffsetState.none || state === OffsetState.finishing
}
