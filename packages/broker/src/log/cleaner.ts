// SPDX-License-Identifier: Apache-2.0
import { elementAt, type World } from '@millrace/base'
import { buildBatch, type RecordBatch, readRecords } from '@millrace/protocol'
import { isAbortMarker } from './control-batch.ts'
import type { PartitionLog } from './partition-log.ts'
import { type Segment, segmentName } from './segment.ts'

/** Approximate memory per key in the map, in addition to its bytes. */
const ENTRY_OVERHEAD = 96

export interface CleanOptions {
  readonly world: World
  /** Limit of the key map; keys that exceed it are left for the next run. */
  readonly memoryBytes: number
  readonly isCancelled: () => boolean
}

/** Ratio of dirty to cleanable bytes, or undefined if the log need not be compacted now. */
export function dirtiness(log: PartitionLog, nowMs: number): number | undefined {
  const { config } = log
  const limit = cleanableLimit(log, nowMs)
  let clean = 0
  let dirty = 0
  let oldestDirty = -1n
  for (const segment of log.segments) {
    if (segment.baseOffset >= limit || segment === log.activeSegment) break
    if (segment.baseOffset < log.cleanedUpTo) clean += segment.size
    else {
      dirty += segment.size
      if (oldestDirty < 0n) oldestDirty = segment.maxTimestamp
    }
  }
  if (dirty === 0) return undefined
  const ratio = dirty / (clean + dirty)
  const overdue =
    oldestDirty >= 0n && BigInt(nowMs) - oldestDirty > BigInt(config.maxCompactionLagMs)
  return overdue || ratio > config.minCleanableDirtyRatio ? ratio : undefined
}

/**
 * End of the cleanable range: the active segment, open transactions, and records protected by
 * `min.compaction.lag.ms` are excluded.
 */
function cleanableLimit(log: PartitionLog, nowMs: number): bigint {
  let limit = log.activeSegment.baseOffset
  if (log.lastStableOffset < limit) limit = log.lastStableOffset
  if (log.highWatermark < limit) limit = log.highWatermark
  const lag = log.config.minCompactionLagMs
  if (lag > 0) {
    for (const segment of log.segments) {
      if (segment.baseOffset >= limit) break
      if (segment.maxTimestamp > BigInt(nowMs) - BigInt(lag)) return segment.baseOffset
    }
  }
  return limit
}

/**
 * Keeps only the newest record of every key below the cleanable limit. Yields to other work between
 * segments.
 */
export async function cleanLog(log: PartitionLog, options: CleanOptions): Promise<void> {
  const { world } = options
  const now = world.clock.now()
  const limit = cleanableLimit(log, now)
  const newest = new Map<string, bigint>()
  const from = log.cleanedUpTo > log.logStartOffset ? log.cleanedUpTo : log.logStartOffset
  const end = await collectKeys(log, { from, limit, newest, options })
  if (end <= from) return
  const open = new Set<bigint>()
  for (const group of groupSegments(log, end)) {
    if (options.isCancelled() || log.segments.indexOf(elementAt(group, 0)) < 0) return
    rewrite(log, group, { newest, open, now, world })
    await world.clock.yield()
  }
  log.cleanedUpTo = end
}

/**
 * Records the newest offset of every key in the dirty range; returns the offset that was reached.
 */
async function collectKeys(
  log: PartitionLog,
  work: {
    readonly from: bigint
    readonly limit: bigint
    readonly newest: Map<string, bigint>
    readonly options: CleanOptions
  },
): Promise<bigint> {
  const { from, limit, newest, options } = work
  let memory = 0
  let end = from
  const aborted = abortedRanges(log, from, limit)
  for (const segment of [...log.segments]) {
    if (segment.baseOffset >= limit) break
    const next = log.segments[log.segments.indexOf(segment) + 1]
    if (next === undefined) break
    if (next.baseOffset <= from) continue
    for (const { batch } of segment.scan()) {
      if (batch.lastOffset < from) continue
      if (batch.baseOffset >= limit) break
      if (batch.isControl || aborted(batch)) continue
      for (const record of readRecords(batch)) {
        if (record.key === null) continue
        const key = record.key.toString('latin1')
        if (!newest.has(key)) memory += key.length + ENTRY_OVERHEAD
        newest.set(key, record.offset)
      }
    }
    end = next.baseOffset < limit ? next.baseOffset : limit
    if (memory > options.memoryBytes) break
    await options.world.clock.yield()
    if (options.isCancelled()) return from
  }
  return end
}

/** Whether a batch belongs to an aborted transaction. */
function abortedRanges(
  log: PartitionLog,
  from: bigint,
  to: bigint,
): (batch: RecordBatch) => boolean {
  const transactions = log.abortedTransactions(from, to)
  return (batch) =>
    batch.isTransactional &&
    transactions.some(
      (aborted) =>
        aborted.producerId === batch.producerId &&
        aborted.firstOffset <= batch.baseOffset &&
        aborted.lastOffset >= batch.lastOffset,
    )
}

/** Neighbouring segments that fit into one after compaction. */
function groupSegments(log: PartitionLog, end: bigint): Segment[][] {
  const groups: Segment[][] = []
  let size = 0
  for (const segment of log.segments) {
    if (segment.baseOffset >= end || segment === log.activeSegment) break
    const group = groups.at(-1)
    const first = group?.[0]
    const fits =
      first !== undefined &&
      size + segment.size <= log.config.segmentBytes &&
      segment.baseOffset - first.baseOffset < 0x7fffffffn
    if (fits) {
      group?.push(segment)
      size += segment.size
    } else {
      groups.push([segment])
      size = segment.size
    }
  }
  return groups
}

function rewrite(
  log: PartitionLog,
  group: readonly Segment[],
  work: {
    readonly newest: ReadonlyMap<string, bigint>
    /** Producers with transactional data whose marker has not been reached yet. */
    readonly open: Set<bigint>
    readonly now: number
    readonly world: World
  },
): void {
  const [first] = group
  if (first === undefined) return
  const fs = work.world.fileSystem
  const path = `${log.directory}/${segmentName(first.baseOffset)}.log`
  const cleaned = fs.open(`${path}.cleaned`, { create: true })
  let position = 0
  const lastBatchOfProducer = lastBatches(log)
  const aborted = abortedRanges(log, first.baseOffset, log.logEndOffset)
  try {
    for (const segment of group) {
      for (const { batch } of segment.scan()) {
        const kept = retain(batch, {
          log,
          newest: work.newest,
          now: work.now,
          isAborted: aborted(batch),
          isLastOfProducer: lastBatchOfProducer.get(batch.producerId) === batch.lastOffset,
          endsData: batch.isControl && work.open.delete(batch.producerId),
        })
        if (kept !== undefined && batch.isTransactional && !batch.isControl) {
          work.open.add(batch.producerId)
        }
        if (kept === undefined) continue
        cleaned.write([kept], position)
        position += kept.length
      }
    }
    cleaned.truncate(position)
    cleaned.sync()
  } finally {
    cleaned.close()
  }
  try {
    fs.rename(`${path}.cleaned`, `${path}.swap`)
    // Point of no return: the swap file must be durable before the replaced segments are deleted.
    fs.syncDirectory(log.directory)
  } catch (error) {
    log.withdraw(`${path}.swap`)
    throw error
  }
  log.replaceSegments(group, first.baseOffset)
}

function lastBatches(log: PartitionLog): Map<bigint, bigint> {
  const last = new Map<bigint, bigint>()
  for (const [producerId, entry] of log.producers.producers) {
    const newest = entry.batches.at(-1)
    if (newest !== undefined) last.set(producerId, newest.lastOffset)
  }
  return last
}

/**
 * What remains of a batch: its bytes unchanged, a smaller batch, or undefined for nothing.
 * Tombstones and markers get a delete horizon when first found clean, and are removed after it
 * (KIP-534). The last batch of an active producer is kept, emptied, so that its sequence number is
 * preserved.
 */
function retain(
  batch: RecordBatch,
  work: {
    readonly log: PartitionLog
    readonly newest: ReadonlyMap<string, bigint>
    readonly now: number
    readonly isAborted: boolean
    readonly isLastOfProducer: boolean
    /**
     * For a marker: whether data of its transaction remains, which would look like an open
     * transaction without it.
     */
    readonly endsData: boolean
  },
): Buffer | undefined {
  const { log, newest, now } = work
  const horizonMs = BigInt(now + log.config.deleteRetentionMs)
  const isPastHorizon = batch.hasDeleteHorizon && batch.baseTimestamp <= BigInt(now)
  if (batch.isControl) {
    const isMarker = isAbortMarker(batch) !== undefined
    if (!isMarker || !isPastHorizon || work.endsData) {
      if (!isMarker || batch.hasDeleteHorizon) return batch.bytes
      return rebuild(batch, readRecords(batch), horizonMs)
    }
    return undefined
  }
  if (work.isAborted) return work.isLastOfProducer ? rebuild(batch, [], undefined) : undefined
  const records = readRecords(batch)
  let hasTombstone = false
  const kept = records.filter((record) => {
    if (record.key === null) return false
    const last = newest.get(record.key.toString('latin1'))
    if (last !== undefined && last > record.offset) return false
    if (record.value !== null) return true
    hasTombstone = true
    return !isPastHorizon
  })
  const needsHorizon = hasTombstone && !batch.hasDeleteHorizon
  if (kept.length === records.length && !needsHorizon) return batch.bytes
  if (kept.length === 0 && !work.isLastOfProducer) return undefined
  const horizon = batch.hasDeleteHorizon
    ? batch.baseTimestamp
    : needsHorizon
      ? horizonMs
      : undefined
  return rebuild(batch, kept, kept.length === 0 ? undefined : horizon)
}

function rebuild(
  batch: RecordBatch,
  records: ReturnType<typeof readRecords>,
  deleteHorizonMs: bigint | undefined,
): Buffer {
  return buildBatch(records, {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    compression: records.length === 0 ? 'none' : (batch.compression ?? 'none'),
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    ...(batch.hasLogAppendTime || records.length === 0
      ? { logAppendTime: batch.maxTimestamp }
      : {}),
    ...(deleteHorizonMs === undefined ? {} : { deleteHorizonMs }),
  })
}
