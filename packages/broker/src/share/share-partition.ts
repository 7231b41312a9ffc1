// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { StateBatch } from '../coordinator/share/state-batches.ts'
import { DeliveryState, InFlight, isTerminal, type Range } from './in-flight.ts'

/** What a member says of records, by the number on the wire. */
export const AcknowledgeType = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const

export interface AcknowledgementBatch {
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  /** One for all, or one for each offset. */
  readonly acknowledgeTypes: readonly number[]
}

export interface AcquiredRecords {
  readonly first: number
  readonly last: number
  readonly deliveryCount: number
}

/** A batch of the log that was read, as far as its offsets matter. */
export interface ReadBatch {
  readonly first: number
  readonly last: number
  /** A transaction's marker, or records that were aborted: nothing for a reader. */
  readonly isHidden: boolean
}

/** Why records will not be handed out again. */
export type DeathCause = 'rejected' | 'limit'

export interface DeadRecords {
  readonly first: number
  readonly last: number
  readonly deliveryCount: number
  readonly cause: DeathCause
}

/** What the group's configuration says, read anew for each call as it may change. */
export interface ShareSettings {
  readonly deliveryCountLimit: number
  readonly lockDurationMs: number
  readonly maxLocks: number
  readonly isRenewable: boolean
  /** Whether dead records go to another topic first. */
  readonly hasDeadLetterQueue: boolean
}

/** What has to be written down. */
export interface ShareUpdate {
  readonly startOffset: bigint
  readonly deliveryCompleteCount: number
  readonly batches: readonly StateBatch[]
}

/** Records that were tried this often are handed out apart from others: one of them may be what kills its readers. */
function suspectCount(limit: number): number {
  return Math.max(2, Math.ceil(limit / 2))
}

/**
 * One partition as one share group reads it (KIP-932): which records are available, with whom, and done. It knows no clock and no
 * disk; changes gather in `takeUpdate`, and records that died in `takeDead`.
 */
export class SharePartition {
  readonly #inFlight = new InFlight()
  #startOffset: number
  /** First offset that nobody was given. */
  #endOffset: number
  #changes: StateBatch[] = []
  #dead: DeadRecords[] = []
  #hasMoved = false

  constructor(startOffset: number, batches: readonly StateBatch[] = []) {
    this.#startOffset = startOffset
    this.#endOffset = startOffset
    for (const batch of batches) {
      const first = Number(batch.firstOffset)
      // Given to somebody, and neither done nor given back when the broker stopped.
      if (first > this.#endOffset) this.#extend(this.#endOffset, first - 1, DeliveryState.Available)
      this.#inFlight.push({
        first,
        last: Number(batch.lastOffset),
        state: batch.deliveryState as DeliveryState,
        deliveryCount: batch.deliveryCount,
        memberId: '',
        dueMs: 0,
      })
      this.#endOffset = Number(batch.lastOffset) + 1
    }
    this.#advanceStart()
  }

  #extend(first: number, last: number, state: DeliveryState): void {
    this.#inFlight.push({ first, last, state, deliveryCount: 0, memberId: '', dueMs: 0 })
  }

  get startOffset(): number {
    return this.#startOffset
  }

  get endOffset(): number {
    return this.#endOffset
  }

  get ranges(): readonly Range[] {
    return this.#inFlight.ranges
  }

  /** Records that are done although one before them is not. */
  get deliveryCompleteCount(): number {
    let count = 0
    for (const range of this.#inFlight.ranges) {
      if (isTerminal(range)) count += range.last - range.first + 1
    }
    return count
  }

  /** When the first lock ends. */
  get nextDueMs(): number | undefined {
    let due: number | undefined
    for (const { state, dueMs } of this.#inFlight.ranges) {
      if (state === DeliveryState.Acquired && (due === undefined || dueMs < due)) due = dueMs
    }
    return due
  }

  /**
   * Where to read for the next acquisition, and up to where it makes sense; undefined while as many records are with members as the group
   * may have, or when nothing is left before `end`.
   */
  nextFetch(
    end: number,
    settings: ShareSettings,
  ): { readonly offset: number; readonly end: number } | undefined {
    for (const { first, last, state } of this.#inFlight.ranges) {
      if (state !== DeliveryState.Available) continue
      const isLast = last + 1 === this.#endOffset
      return { offset: first, end: isLast ? end : last + 1 }
    }
    if (this.#endOffset >= end) return undefined
    if (this.#endOffset - this.#startOffset >= settings.maxLocks) return undefined
    return { offset: this.#endOffset, end }
  }

  /** Gives records of what was read from `fetchOffset` on to a member. */
  acquire(
    memberId: string,
    read: {
      readonly fetchOffset: number
      readonly batches: readonly ReadBatch[]
      readonly maxRecords: number
      /** Not more than `maxRecords`, instead of whole batches until it is reached (KIP-1206). */
      readonly isStrict: boolean
    },
    settings: ShareSettings,
    nowMs: number,
  ): AcquiredRecords[] {
    const acquired: AcquiredRecords[] = []
    const dueMs = nowMs + settings.lockDurationMs
    let count = 0
    let cursor = Math.max(read.fetchOffset, this.#startOffset)
    for (const batch of read.batches) {
      if (batch.last < cursor) continue
      if (count >= read.maxRecords) break
      const first = Math.max(batch.first, cursor)
      // Compaction has taken what is between the batches.
      if (first > cursor) this.#hide(cursor, first - 1)
      cursor = batch.last + 1
      if (batch.isHidden) {
        this.#hide(first, batch.last)
        continue
      }
      const limit = read.isStrict ? read.maxRecords - count : Number.POSITIVE_INFINITY
      const got = this.#acquireBatch(
        memberId,
        { first, last: batch.last, limit, isFirst: count === 0 },
        { settings, dueMs },
      )
      acquired.push(...got.acquired)
      for (const each of got.acquired) count += each.last - each.first + 1
      if (got.isEnough) break
    }
    this.#advanceStart()
    return acquired
  }

  #acquireBatch(
    memberId: string,
    batch: {
      readonly first: number
      readonly last: number
      readonly limit: number
      readonly isFirst: boolean
    },
    { settings, dueMs }: { readonly settings: ShareSettings; readonly dueMs: number },
  ): { readonly acquired: readonly AcquiredRecords[]; readonly isEnough: boolean } {
    const acquired: AcquiredRecords[] = []
    const suspect = suspectCount(settings.deliveryCountLimit)
    let left = batch.limit
    let isFirst = batch.isFirst
    for (const range of this.#inFlight.between(batch.first, batch.last)) {
      if (left <= 0) return { acquired, isEnough: true }
      if (range.state !== DeliveryState.Available) continue
      const { first, deliveryCount } = range
      let last = Math.min(range.last, first + left - 1)
      const isSuspect = deliveryCount >= suspect
      if (isSuspect) {
        if (!isFirst) return { acquired, isEnough: true }
        // Ever fewer with each attempt, so that the one that does the harm is found.
        const size = last - first + 1
        last = first + Math.max(1, size >> (deliveryCount - suspect + 1)) - 1
      }
      this.#inFlight.change(first, last, {
        state: DeliveryState.Acquired,
        deliveryCount: deliveryCount + 1,
        memberId,
        dueMs,
      })
      acquired.push({ first, last, deliveryCount: deliveryCount + 1 })
      left -= last - first + 1
      isFirst = false
      if (isSuspect) return { acquired, isEnough: true }
    }
    const first = Math.max(batch.first, this.#endOffset)
    if (first > batch.last || left <= 0) return { acquired, isEnough: left <= 0 }
    if (this.#endOffset - this.#startOffset >= settings.maxLocks) {
      return { acquired, isEnough: true }
    }
    const last = Math.min(batch.last, first + left - 1)
    this.#inFlight.push({
      first,
      last,
      state: DeliveryState.Acquired,
      deliveryCount: 1,
      memberId,
      dueMs,
    })
    this.#endOffset = last + 1
    acquired.push({ first, last, deliveryCount: 1 })
    return { acquired, isEnough: last < batch.last }
  }

  /** Offsets without a record for anybody count as done. */
  #hide(first: number, last: number): void {
    for (const range of this.#inFlight.between(first, last)) {
      if (range.state === DeliveryState.Available) this.#finish(range, DeliveryState.Archived)
    }
    const from = Math.max(first, this.#endOffset)
    if (from > last) return
    this.#inFlight.push({
      first: from,
      last,
      state: DeliveryState.Archived,
      deliveryCount: 0,
      memberId: '',
      dueMs: 0,
    })
    this.#endOffset = last + 1
    this.#note({ first: from, last, deliveryCount: 0 }, DeliveryState.Archived)
  }

  /** Takes a member's word for records it has. Throws `INVALID_RECORD_STATE` or `INVALID_REQUEST`, and then nothing has changed. */
  acknowledge(
    memberId: string,
    batches: readonly AcknowledgementBatch[],
    settings: ShareSettings,
    nowMs: number,
  ): void {
    const parts: { readonly range: Range; readonly type: number }[] = []
    for (const batch of batches) parts.push(...this.#acknowledged(memberId, batch, settings))
    for (const { range, type } of parts) {
      switch (type) {
        case AcknowledgeType.accept:
          this.#finish(range, DeliveryState.Acknowledged)
          break
        case AcknowledgeType.release:
          this.#giveBack(range, settings)
          break
        case AcknowledgeType.reject:
          this.#die(range, 'rejected', settings)
          break
        case AcknowledgeType.renew:
          this.#inFlight.change(range.first, range.last, { dueMs: nowMs + settings.lockDurationMs })
          break
        default:
          this.#finish(range, DeliveryState.Archived)
      }
    }
    this.#advanceStart()
  }

  #acknowledged(memberId: string, batch: AcknowledgementBatch, settings: ShareSettings) {
    const first = Number(batch.firstOffset)
    const last = Number(batch.lastOffset)
    const { acknowledgeTypes } = batch
    if (last < this.#startOffset) {
      // Somebody else was done with it meanwhile, or it has left the log.
      throw new ProtocolError(
        'INVALID_RECORD_STATE',
        'Batch record not found. The request batch offsets are not found in the cache.',
      )
    }
    if (first >= this.#endOffset) {
      throw new ProtocolError(
        'INVALID_REQUEST',
        'Batch record not found. The first offset in request is past acquired records.',
      )
    }
    if (last >= this.#endOffset) {
      throw new ProtocolError(
        'INVALID_REQUEST',
        'Batch record not found. The last offset in request is past acquired records.',
      )
    }
    const parts: { range: Range; type: number }[] = []
    for (const range of this.#inFlight.between(Math.max(first, this.#startOffset), last)) {
      if (range.state !== DeliveryState.Acquired) {
        throw new ProtocolError(
          'INVALID_RECORD_STATE',
          'The batch cannot be acknowledged. The batch is not in the acquired state.',
        )
      }
      if (range.memberId !== memberId) {
        throw new ProtocolError('INVALID_RECORD_STATE', 'Member is not the owner of batch record')
      }
      if (acknowledgeTypes.length === 1) {
        parts.push({ range, type: acknowledgeTypes[0] as number })
        continue
      }
      for (let offset = range.first; offset <= range.last; offset++) {
        const type = acknowledgeTypes[offset - first] as number
        const before = parts.at(-1)
        if (before?.type === type && before.range.last + 1 === offset && offset > range.first) {
          before.range = { ...before.range, last: offset }
        } else parts.push({ range: { ...range, first: offset, last: offset }, type })
      }
    }
    if (!settings.isRenewable && parts.some(({ type }) => type === AcknowledgeType.renew)) {
      throw new ProtocolError(
        'INVALID_RECORD_STATE',
        'Renewing acquisition locks is not enabled for the group.',
      )
    }
    return parts
  }

  /** Everything a member has comes back, as when it goes. */
  release(memberId: string, settings: ShareSettings): void {
    this.#giveBackWhere((range) => range.memberId === memberId, settings)
  }

  /** Locks whose time is up. */
  expire(settings: ShareSettings, nowMs: number): void {
    this.#giveBackWhere(({ dueMs }) => dueMs <= nowMs, settings)
  }

  #giveBackWhere(isMeant: (range: Range) => boolean, settings: ShareSettings): void {
    const meant = this.#inFlight.ranges.filter(
      (range) => range.state === DeliveryState.Acquired && isMeant(range),
    )
    for (const range of meant) this.#giveBack(range, settings)
    this.#advanceStart()
  }

  #giveBack(range: Range, settings: ShareSettings): void {
    if (range.deliveryCount >= settings.deliveryCountLimit) this.#die(range, 'limit', settings)
    else this.#settle(range, DeliveryState.Available)
  }

  #die(range: Range, cause: DeathCause, settings: ShareSettings): void {
    if (!settings.hasDeadLetterQueue) {
      this.#finish(range, DeliveryState.Archived)
      return
    }
    const { first, last, deliveryCount } = range
    this.#inFlight.change(first, last, {
      state: DeliveryState.Archiving,
      memberId: '',
      dueMs: 0,
    })
    this.#dead.push({ first, last, deliveryCount, cause })
  }

  /** Dead records are where they belong. */
  buried({ first, last }: DeadRecords): void {
    for (const range of this.#inFlight.between(first, last)) {
      if (range.state === DeliveryState.Archiving) this.#finish(range, DeliveryState.Archived)
    }
    this.#advanceStart()
  }

  /** The log's start has moved: what is before it is gone. */
  moveLogStart(logStartOffset: number): void {
    if (logStartOffset <= this.#startOffset) return
    this.#inFlight.dropBefore(logStartOffset)
    this.#startOffset = logStartOffset
    this.#endOffset = Math.max(this.#endOffset, logStartOffset)
    this.#hasMoved = true
    this.#advanceStart()
  }

  #finish(range: Range, state: DeliveryState): void {
    this.#settle(range, state)
  }

  #settle(range: Range, state: DeliveryState): void {
    this.#inFlight.change(range.first, range.last, { state, memberId: '', dueMs: 0 })
    this.#note(range, state)
  }

  #note(
    { first, last, deliveryCount }: Pick<Range, 'first' | 'last' | 'deliveryCount'>,
    deliveryState: DeliveryState,
  ): void {
    this.#changes.push({
      firstOffset: BigInt(first),
      lastOffset: BigInt(last),
      deliveryState,
      deliveryCount,
    })
  }

  /** What is done at the front needs no further thought. */
  #advanceStart(): void {
    for (;;) {
      const { first } = this.#inFlight
      if (first === undefined || !isTerminal(first)) return
      this.#startOffset = first.last + 1
      this.#inFlight.dropBefore(this.#startOffset)
      this.#hasMoved = true
    }
  }

  /** What is to be written down since the last time; undefined for nothing. */
  takeUpdate(): ShareUpdate | undefined {
    if (this.#changes.length === 0 && !this.#hasMoved) return undefined
    const start = BigInt(this.#startOffset)
    const batches = this.#changes.filter(({ lastOffset }) => lastOffset >= start)
    this.#changes = []
    this.#hasMoved = false
    return {
      startOffset: start,
      deliveryCompleteCount: this.deliveryCompleteCount,
      batches,
    }
  }

  /** Records that died since the last time, to be put elsewhere; then `buried` is due. */
  takeDead(): readonly DeadRecords[] {
    return this.#dead.splice(0)
  }
}
