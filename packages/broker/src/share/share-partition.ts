// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import type { StateBatch } from '../coordinator/share/state-batches.ts'
import {
  type AcknowledgedPart,
  type AcknowledgementBatch,
  AcknowledgeType,
  requireOwner,
  withTypes,
} from './acknowledgement.ts'
import {
  type AcquiredRecords,
  endOfBatch,
  partsOf,
  type ReadBatch,
  type ReadRecords,
  throttledCount,
} from './acquisition.ts'
import { DeliveryState, InFlight, InFlightBatch, isTerminal, type Range } from './in-flight.ts'

/** Why records will not be delivered again. */
export type UndeliverableCause = 'rejected' | 'limit'

export interface UndeliverableRecords {
  readonly first: number
  readonly last: number
  readonly deliveryCount: number
  readonly cause: UndeliverableCause
}

/** The group's configuration, read for each call because it may change. */
export interface ShareSettings {
  readonly deliveryCountLimit: number
  readonly lockDurationMs: number
  readonly maxLocks: number
  readonly isRenewable: boolean
  /** Whether undeliverable records are sent to a dead letter queue first. */
  readonly hasDeadLetterQueue: boolean
}

/** Changes to persist. */
export interface ShareUpdate {
  readonly startOffset: bigint
  readonly deliveryCompleteCount: number
  readonly batches: readonly StateBatch[]
}

/** State of one fetch while it acquires records. */
interface Acquisition {
  readonly memberId: string
  readonly read: ReadRecords
  /** Last offset that may be acquired. */
  readonly last: number
  readonly settings: ShareSettings
  readonly dueMs: number
  readonly acquired: AcquiredRecords[]
  left: number
}

/**
 * One partition read by one share group (KIP-932): which records are available, acquired (by which
 * member), or done. It has no clock and no I/O; changes are collected for `takeUpdate`, records for
 * the dead letter queue for `takeUndeliverable`.
 */
export class SharePartition {
  readonly #inFlight = new InFlight()
  #startOffset: number
  /** First offset that was never acquired. */
  #endOffset: number
  /**
   * After loading stored state: the first offset after the stored batches, all acquired before a
   * restart. Valid while the last stored batch is the last.
   */
  #gap: { start: number; readonly end: number } | undefined
  #changes: StateBatch[] = []
  /** Start offset and number of done records, persisted with the changes. */
  #progress = { startOffset: 0, deliveryCompleteCount: 0 }
  #undeliverable: UndeliverableRecords[] = []

  constructor(
    startOffset: number,
    batches: readonly StateBatch[] = [],
    deliveryCountLimit = Number.POSITIVE_INFINITY,
  ) {
    this.#startOffset = startOffset
    this.#endOffset = startOffset
    let gapStart: number | undefined
    for (const batch of batches) {
      const first = Number(batch.firstOffset)
      const last = Number(batch.lastOffset)
      if (first > this.#endOffset) gapStart ??= this.#endOffset
      const range = {
        first,
        last,
        state: batch.deliveryState as DeliveryState,
        deliveryCount: batch.deliveryCount,
        memberId: '',
        dueMs: 0,
      }
      this.#inFlight.add(new InFlightBatch(range))
      if (range.state === DeliveryState.Archiving) {
        // The broker stopped before these records were in the dead letter queue.
        const { deliveryCount } = batch
        const cause = deliveryCount >= deliveryCountLimit ? 'limit' : 'rejected'
        this.#undeliverable.push({ first, last, deliveryCount, cause })
      }
      this.#endOffset = last + 1
    }
    if (gapStart !== undefined) this.#gap = { start: gapStart, end: this.#endOffset }
    this.#advanceStart()
  }

  get startOffset(): number {
    return this.#startOffset
  }

  get endOffset(): number {
    return this.#endOffset
  }

  get batches(): readonly InFlightBatch[] {
    return this.#inFlight.batches
  }

  /** States of all records from the first batch on. */
  get ranges(): readonly Range[] {
    return this.#inFlight.batches.flatMap(({ ranges }) => ranges)
  }

  /** Records that are done behind one that is not. */
  get deliveryCompleteCount(): number {
    let count = 0
    for (const range of this.ranges) {
      if (range.last < this.#startOffset || !isTerminal(range)) continue
      count += range.last - Math.max(range.first, this.#startOffset) + 1
    }
    return count
  }

  /** When the first acquisition lock expires. */
  get nextDueMs(): number | undefined {
    let due: number | undefined
    for (const { state, dueMs } of this.ranges) {
      if (state === DeliveryState.Acquired && (due === undefined || dueMs < due)) due = dueMs
    }
    return due
  }

  // ----------------------------------------------------------------------------------------------
  // acquire

  /**
   * Offset to read for the next acquisition; undefined while the maximum number of records is in
   * flight.
   */
  nextFetch(settings: ShareSettings): number | undefined {
    const next = this.#nextOffset()
    if (next !== this.#endOffset) return next
    return this.#inFlightCount < settings.maxLocks ? next : undefined
  }

  #nextOffset(): number {
    const gap = this.#activeGap
    let gapStart = gap?.start ?? 0
    for (const batch of this.#inFlight.batches) {
      if (gap !== undefined) {
        if (batch.first > gapStart) return gapStart
        gapStart = Math.max(batch.last + 1, gapStart)
      }
      for (const { first, state } of batch.ranges) {
        if (state === DeliveryState.Available) return first
      }
    }
    return this.#endOffset
  }

  get #inFlightCount(): number {
    return this.#endOffset - this.#startOffset
  }

  get #activeGap(): { start: number; readonly end: number } | undefined {
    return this.#gap?.end === this.#endOffset ? this.#gap : undefined
  }

  #moveGap(offset: number): void {
    const gap = this.#activeGap
    if (gap !== undefined && offset < gap.end) gap.start = offset
    else this.#gap = undefined
  }

  /** Acquires records of the data read, for a member. */
  acquire(
    memberId: string,
    read: ReadRecords,
    settings: ShareSettings,
    nowMs: number,
  ): AcquiredRecords[] {
    const first = read.batches[0]
    const last = read.batches.at(-1)
    if (first === undefined || last === undefined || last.last < this.#startOffset) return []
    const bounds = this.#bounds(read, last.last, settings)
    if (bounds.maxRecords <= 0) return []
    // Records before the first batch were removed from the log by compaction.
    if (read.fetchOffset < first.first) this.#archive(read.fetchOffset, first.first - 1)
    const acquisition: Acquisition = {
      memberId,
      read,
      last: bounds.last,
      settings,
      dueMs: nowMs + settings.lockDurationMs,
      acquired: [],
      left: bounds.maxRecords,
    }
    const floor = this.#inFlight.floor(first.first)
    let base = first.first
    if (floor === undefined) base = Math.max(base, this.#startOffset)
    else if (floor.last >= base) base = floor.first
    const known = this.#inFlight.beginning(Math.min(first.first, base), bounds.last)
    const lastKnown = known.at(-1)
    if (lastKnown === undefined) this.#acquireNew(acquisition, base, bounds.last)
    else {
      this.#acquireAvailable(acquisition, known, base)
      if (acquisition.left > 0 && lastKnown.last < bounds.last) {
        this.#acquireNew(acquisition, lastKnown.last + 1, bounds.last)
      }
      const end = acquisition.acquired.at(-1)
      if (end !== undefined) this.#moveGap(end.last + 1)
    }
    return this.#withoutAborted(acquisition.acquired, read.batches)
  }

  /** How many records, and up to which offset, a fetch may acquire. */
  #bounds(
    { fetchOffset, maxRecords }: ReadRecords,
    last: number,
    { maxLocks }: ShareSettings,
  ): { readonly maxRecords: number; readonly last: number } {
    const free = Math.min(maxRecords, maxLocks - this.#inFlightCount)
    if (free > 0 || fetchOffset >= this.#endOffset) return { maxRecords: free, last }
    // No new records, only those in flight that are available again.
    return {
      maxRecords: Math.min(maxRecords, this.#endOffset - fetchOffset),
      last: Math.min(last, this.#endOffset - 1),
    }
  }

  /** Acquires available records of batches that were acquired before. */
  #acquireAvailable(
    acquisition: Acquisition,
    batches: readonly InFlightBatch[],
    base: number,
  ): void {
    const firstRead = elementAt(acquisition.read.batches, 0).first
    let gapStart = base
    for (const batch of batches) {
      if (acquisition.left <= 0) return
      if (this.#activeGap !== undefined) {
        if (gapStart < batch.first) this.#acquireNew(acquisition, gapStart, batch.first - 1)
        gapStart = batch.last + 1
        if (acquisition.left <= 0) return
      }
      const isThrottled = this.#isThrottled(batch, acquisition)
      if (isThrottled && acquisition.acquired.length > 0) {
        acquisition.left = 0
        return
      }
      const isWhole = batch.first >= firstRead && batch.last <= acquisition.last
      const isOverLimit = acquisition.read.isStrict && batch.size > acquisition.left
      if (isWhole && !batch.isSplit && !isOverLimit && !isThrottled) {
        this.#acquireWhole(acquisition, batch)
        continue
      }
      if (!batch.isSplit) {
        if (batch.whole.state !== DeliveryState.Available) continue
        batch.isSplit = true
      }
      const count = this.#acquirePart(acquisition, batch)
      if (isThrottled && count > 0) acquisition.left = 0
    }
  }

  #isThrottled(batch: InFlightBatch, { read, last, settings }: Acquisition): boolean {
    const throttled = throttledCount(settings.deliveryCountLimit)
    const part = batch.isSplit ? { first: elementAt(read.batches, 0).first, last } : batch
    return batch
      .between(part.first, part.last)
      .some(
        ({ state, deliveryCount }) =>
          state === DeliveryState.Available && deliveryCount >= throttled,
      )
  }

  #acquireWhole(acquisition: Acquisition, batch: InFlightBatch): void {
    const { state, deliveryCount } = batch.whole
    if (state !== DeliveryState.Available) return
    this.#take(acquisition, batch, { ...batch.whole, deliveryCount: deliveryCount + 1 })
    acquisition.left -= batch.size
  }

  /** Acquires available records of a batch one by one; returns their number. */
  #acquirePart(acquisition: Acquisition, batch: InFlightBatch): number {
    const { read, last, settings } = acquisition
    const limit = settings.deliveryCountLimit
    const throttled = throttledCount(limit)
    const room = read.isStrict ? acquisition.left : Number.POSITIVE_INFINITY
    /**
     * How many records of the batch may be delivered at a time; determined at the first throttled
     * record.
     */
    let part: number | undefined
    let count = 0
    for (const range of batch.between(elementAt(read.batches, 0).first, last)) {
      if (range.state !== DeliveryState.Available) continue
      const { first, deliveryCount } = range
      const isLastAttempt = limit > 2 && deliveryCount === limit - 1
      // A single record is acquired alone, even after others in this fetch.
      if (isLastAttempt && count > 0) break
      if (deliveryCount >= throttled) {
        part ??= Math.max(1, batch.size >> (deliveryCount - throttled + 1))
      }
      const available = range.last - first + 1
      const most = Math.min(
        available,
        room - count,
        isLastAttempt ? 1 : Number.POSITIVE_INFINITY,
        part === undefined || count >= part ? Number.POSITIVE_INFINITY : part - count,
      )
      this.#take(acquisition, batch, {
        ...range,
        last: first + most - 1,
        deliveryCount: deliveryCount + 1,
      })
      count += most
      if (isLastAttempt || count === room || count === part) break
    }
    acquisition.left -= count
    return count
  }

  #take({ acquired, memberId, dueMs }: Acquisition, batch: InFlightBatch, range: Range): void {
    const { first, last, deliveryCount } = range
    batch.change(first, last, { state: DeliveryState.Acquired, deliveryCount, memberId, dueMs })
    const before = acquired.at(-1)
    const continues =
      before !== undefined &&
      batch.isSplit &&
      before.first >= batch.first &&
      before.last + 1 === first &&
      before.deliveryCount === deliveryCount
    if (continues) acquired[acquired.length - 1] = { ...before, last }
    else acquired.push({ first, last, deliveryCount })
  }

  /** Acquires records from `first` to `last` that were never acquired, as new batches. */
  #acquireNew(acquisition: Acquisition, first: number, last: number): void {
    const { read, acquired, left } = acquisition
    const from = this.#inFlight.first === undefined ? Math.max(first, this.#endOffset) : first
    let to = last
    if (left < to - from + 1) {
      to = endOfBatch(read.batches, from + left - 1)
      if (this.#activeGap !== undefined) to = Math.min(to, last)
    }
    const parts = read.isStrict ? [{ first: from, last: to }] : partsOf(read, from, to)
    let end = to
    for (const part of parts) {
      const size = part.last - part.first + 1
      const batch = new InFlightBatch({
        ...part,
        state: DeliveryState.Acquired,
        deliveryCount: 1,
        memberId: acquisition.memberId,
        dueMs: acquisition.dueMs,
      })
      if (read.isStrict && size > left) {
        // The rest of the log batch is in flight with it, and available.
        end = part.first + left - 1
        batch.isSplit = true
        const rest = { state: DeliveryState.Available, deliveryCount: 0, memberId: '', dueMs: 0 }
        batch.change(end + 1, part.last, rest)
      }
      this.#inFlight.add(batch)
      acquired.push({ first: part.first, last: Math.min(part.last, end), deliveryCount: 1 })
    }
    if (this.#inFlight.first?.first === from) this.#startOffset = from
    this.#endOffset = Math.max(this.#endOffset, to + 1)
    this.#moveGap(end + 1)
    acquisition.left -= end - from + 1
  }

  /** Archives acquired records of aborted transactions, and returns the rest. */
  #withoutAborted(
    acquired: readonly AcquiredRecords[],
    batches: readonly ReadBatch[],
  ): AcquiredRecords[] {
    let result = [...acquired]
    for (const { first, last, isAborted } of batches) {
      if (!isAborted) continue
      this.#archive(first, last, DeliveryState.Acquired)
      result = result.flatMap((records) => {
        if (records.last < first || records.first > last) return [records]
        const before = records.first < first ? [{ ...records, last: first - 1 }] : []
        const after = records.last > last ? [{ ...records, first: last + 1 }] : []
        return [...before, ...after]
      })
    }
    return result
  }

  /**
   * Archives records in a state without persisting it: the next load of the log finds them again.
   */
  #archive(first: number, last: number, from: DeliveryState = DeliveryState.Available): void {
    for (const batch of this.#inFlight.around(first, last)) {
      const isWhole = batch.first >= first && batch.last <= last
      if (!isWhole && !batch.isSplit) {
        if (batch.whole.state !== from) continue
        batch.isSplit = true
      }
      for (const range of batch.between(first, last)) {
        if (range.state !== from) continue
        const change = { state: DeliveryState.Archived, memberId: '', dueMs: 0 }
        batch.change(range.first, range.last, change)
      }
    }
  }

  // ----------------------------------------------------------------------------------------------
  // acknowledge

  /**
   * Applies a member's acknowledgements. Throws `INVALID_RECORD_STATE` or `INVALID_REQUEST`; then
   * no record has changed state, but locks may be renewed.
   */
  acknowledge(
    memberId: string,
    batches: readonly AcknowledgementBatch[],
    settings: ShareSettings,
    nowMs: number,
  ): void {
    const parts: (AcknowledgedPart & { readonly batch: InFlightBatch })[] = []
    for (const each of batches) {
      if (each.acknowledgeTypes.some((type) => type < 0 || type > AcknowledgeType.renew)) {
        throw new ProtocolError(
          'INVALID_REQUEST',
          `Invalid acknowledge type: [${each.acknowledgeTypes.join(', ')}]`,
        )
      }
      for (const batch of this.#acknowledgedBatches(each)) {
        for (const part of this.#acknowledged(memberId, each, batch)) {
          if (part.type !== AcknowledgeType.renew) parts.push({ batch, ...part })
          else this.#renew(batch, part.range, settings, nowMs)
        }
      }
    }
    parts.sort((a, b) => a.range.first - b.range.first)
    const isTwice = parts.some(({ range }, i) => (parts[i - 1]?.range.last ?? -1) >= range.first)
    if (isTwice) {
      throw new ProtocolError(
        'INVALID_RECORD_STATE',
        'The offset cannot be acknowledged. The offset is not acquired.',
      )
    }
    this.#changing(() => {
      for (const { batch, range, type } of parts) {
        // Records in one range may have been acquired at different times.
        for (const each of batch.between(range.first, range.last)) {
          this.#apply(type, batch, each, settings)
        }
      }
    })
  }

  #renew(
    batch: InFlightBatch,
    { first, last }: Pick<Range, 'first' | 'last'>,
    { isRenewable, lockDurationMs }: ShareSettings,
    nowMs: number,
  ): void {
    if (!isRenewable) {
      throw new ProtocolError(
        'INVALID_RECORD_STATE',
        'Renewing acquisition locks is not enabled for the group.',
      )
    }
    batch.change(first, last, { dueMs: nowMs + lockDurationMs })
  }

  /** Advances the start offset if `work` changes a state that is persisted. */
  #changing(work: () => void): void {
    const before = this.#changes.length
    work()
    if (this.#changes.length > before) this.#advanceStart()
  }

  #apply(type: number, batch: InFlightBatch, range: Range, settings: ShareSettings): void {
    switch (type) {
      case AcknowledgeType.accept:
        this.#settle(batch, range, DeliveryState.Acknowledged)
        return
      case AcknowledgeType.release:
        this.#release(batch, range, settings)
        return
      case AcknowledgeType.reject:
        this.#markUndeliverable(batch, range, 'rejected', settings)
        return
      default:
        this.#settle(batch, range, DeliveryState.Archived)
    }
  }

  /**
   * The batches in flight that an acknowledgement covers. None if all of it is before the start
   * offset: it was archived in the meantime.
   */
  #acknowledgedBatches({ firstOffset, lastOffset }: AcknowledgementBatch): InFlightBatch[] {
    const first = Number(firstOffset)
    const last = Number(lastOffset)
    if (last < this.#startOffset) return []
    const floor =
      this.#inFlight.floor(first) ??
      (first < this.#startOffset ? this.#inFlight.floor(this.#startOffset) : undefined)
    if (floor === undefined) {
      throw new ProtocolError(
        'INVALID_RECORD_STATE',
        'Batch record not found. The request batch offsets are not found in the cache.',
      )
    }
    const batches = this.#inFlight.beginning(floor.first, last)
    const end = (batches.at(-1) ?? floor).last
    if (end < first) {
      throw new ProtocolError(
        'INVALID_REQUEST',
        'Batch record not found. The first offset in request is past acquired records.',
      )
    }
    if (last > end) {
      throw new ProtocolError(
        'INVALID_REQUEST',
        'Batch record not found. The last offset in request is past acquired records.',
      )
    }
    return batches.filter((batch) => batch.last >= this.#startOffset)
  }

  /** The records of a batch that are acknowledged, in order; the member must have acquired each. */
  *#acknowledged(
    memberId: string,
    acknowledgement: AcknowledgementBatch,
    batch: InFlightBatch,
  ): Generator<AcknowledgedPart> {
    const { firstOffset, lastOffset, acknowledgeTypes } = acknowledgement
    const first = Math.max(Number(firstOffset), batch.first, this.#startOffset)
    const last = Math.min(Number(lastOffset), batch.last)
    const isPart = first > batch.first || last < batch.last || acknowledgeTypes.length > 1
    if (!batch.isSplit) {
      requireOwner(batch.whole, memberId, 'batch')
      if (isPart) batch.isSplit = true
    }
    for (const range of batch.between(first, last)) {
      if (batch.isSplit) requireOwner(range, memberId, 'offset')
      yield* withTypes(range, acknowledgement)
    }
  }

  /** Releases all records of a member, as when it leaves. */
  release(memberId: string, settings: ShareSettings): void {
    this.#releaseWhere((range) => range.memberId === memberId, settings)
  }

  /** Releases records whose acquisition lock has expired. */
  expire(settings: ShareSettings, nowMs: number): void {
    this.#releaseWhere(({ dueMs }) => dueMs <= nowMs, settings)
  }

  #releaseWhere(isMeant: (range: Range) => boolean, settings: ShareSettings): void {
    this.#changing(() => {
      for (const batch of this.#inFlight.batches) {
        for (const range of batch.ranges) {
          if (range.state !== DeliveryState.Acquired || !isMeant(range)) continue
          this.#releaseAcquired(batch, range, settings)
        }
      }
    })
  }

  #releaseAcquired(batch: InFlightBatch, range: Range, settings: ShareSettings): void {
    const start = this.#startOffset
    if (batch.first < start && batch.last >= start) batch.isSplit = true
    const before = batch.between(range.first, Math.min(range.last, start - 1))
    const after = batch.between(Math.max(range.first, start), range.last)
    // Archives records that were removed from the log, which cannot be delivered again.
    for (const gone of before) this.#settle(batch, gone, DeliveryState.Archived)
    for (const kept of after) this.#release(batch, kept, settings)
  }

  #release(batch: InFlightBatch, range: Range, settings: ShareSettings): void {
    if (range.deliveryCount >= settings.deliveryCountLimit) {
      this.#markUndeliverable(batch, range, 'limit', settings)
    } else this.#settle(batch, range, DeliveryState.Available)
  }

  #markUndeliverable(
    batch: InFlightBatch,
    range: Range,
    cause: UndeliverableCause,
    settings: ShareSettings,
  ): void {
    if (!settings.hasDeadLetterQueue) {
      this.#settle(batch, range, DeliveryState.Archived)
      return
    }
    const { first, last, deliveryCount } = range
    this.#settle(batch, range, DeliveryState.Archiving)
    this.#undeliverable.push({ first, last, deliveryCount, cause })
  }

  /** Called when records are in the dead letter queue, or cannot be written there. */
  deadLettered({ first, last }: UndeliverableRecords): void {
    this.#changing(() => {
      for (const batch of this.#inFlight.around(first, last)) {
        for (const range of batch.between(first, last)) {
          if (range.state !== DeliveryState.Archiving) continue
          this.#settle(batch, range, DeliveryState.Archived)
        }
      }
    })
  }

  /** Called when the log start offset has moved: earlier records no longer exist. */
  moveLogStart(logStartOffset: number): void {
    if (logStartOffset <= this.#startOffset) return
    this.#archive(this.#startOffset, logStartOffset - 1)
    this.#startOffset = logStartOffset
    this.#endOffset = Math.max(this.#endOffset, logStartOffset)
  }

  #settle(batch: InFlightBatch, range: Range, state: DeliveryState): void {
    batch.change(range.first, range.last, { state, memberId: '', dueMs: 0 })
    this.#changes.push({
      firstOffset: BigInt(range.first),
      lastOffset: BigInt(range.last),
      deliveryState: state,
      deliveryCount: range.deliveryCount,
    })
  }

  /**
   * Advances the start offset past done records. As in Kafka, changes persisted before this have
   * the previous start offset.
   */
  #advanceStart(): void {
    const { startOffset, deliveryCompleteCount } = this
    this.#progress = { startOffset, deliveryCompleteCount }
    const last = this.#inFlight.last
    const atStart = this.#inFlight.floor(this.#startOffset)
    if (last === undefined || atStart === undefined) return
    const state = atStart.isSplit ? atStart.at(this.#startOffset) : atStart.whole
    if (state === undefined || !isTerminal(state)) return
    const done = this.#lastDone()
    if (done === undefined) return
    if (done === last.last) {
      this.#startOffset = Math.max(this.#startOffset, done + 1)
      this.#endOffset = this.#startOffset
      this.#inFlight.clear()
    } else {
      const batch = this.#inFlight.floor(done) as InFlightBatch
      const next = done === batch.last ? (this.#inFlight.after(done)?.first ?? done + 1) : done + 1
      this.#startOffset = Math.max(this.#startOffset, next)
      const gap = this.#activeGap
      if (gap !== undefined && done === batch.last) {
        this.#startOffset = Math.min(gap.start, this.#startOffset)
      }
      this.#inFlight.dropBefore(done === batch.last ? batch.first + 1 : batch.first)
    }
  }

  /** Last offset of the leading batches that are done without a gap. */
  #lastDone(): number | undefined {
    const gap = this.#activeGap
    let done: number | undefined
    for (const batch of this.#inFlight.batches) {
      if (gap !== undefined && batch.last >= gap.start) return done
      for (const range of batch.ranges) {
        if (!isTerminal(range)) return done
        done = range.last
      }
    }
    return done
  }

  /** Changes to persist since the last call; undefined if there are none. */
  takeUpdate(): ShareUpdate | undefined {
    if (this.#changes.length === 0) return undefined
    const { startOffset, deliveryCompleteCount } = this.#progress
    const start = BigInt(startOffset)
    const batches = this.#changes.filter(({ lastOffset }) => lastOffset >= start)
    this.#changes = []
    return { startOffset: start, deliveryCompleteCount, batches }
  }

  /**
   * Undeliverable records since the last call, for the dead letter queue; `deadLettered` must
   * follow.
   */
  takeUndeliverable(): readonly UndeliverableRecords[] {
    return this.#undeliverable.splice(0)
  }
}
