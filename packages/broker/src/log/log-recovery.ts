// SPDX-License-Identifier: Apache-2.0
import { elementAt, type FileSystem } from '@millrace/base'
import { RECORD_BATCH_HEADER_SIZE, RecordBatch } from '@millrace/protocol'
import type { LeaderEpochs } from './leader-epochs.ts'
import { INDEX_SUFFIXES, type LogFiles } from './log-files.ts'
import type { Segment } from './segment.ts'

/** How a log is opened. */
export interface RecoveryOptions {
  /** Whether the last shutdown was clean: then files are trusted. */
  readonly wasClean: boolean
  /** Offsets below are known to be durable and intact. */
  readonly recoveryPoint: bigint
  readonly logStartOffset: bigint
  /** Whether what survived is synced. */
  readonly durable: boolean
  readonly indexIntervalBytes: number
}

/** The contents of a partition's directory. */
export interface RecoveredLog {
  /** At least one; the last is the active one. */
  readonly segments: Segment[]
  readonly epochs: LeaderEpochs
  readonly logStartOffset: bigint
  readonly logEndOffset: bigint
}

/** Opens the segments in a directory and repairs them after an unclean shutdown. */
export function recoverLog(files: LogFiles, options: RecoveryOptions): RecoveredLog {
  const segments: Segment[] = []
  try {
    return recoverInto(segments, files, options)
  } catch (error) {
    for (const segment of segments) segment.closeQuietly()
    throw error
  }
}

function recoverInto(segments: Segment[], files: LogFiles, options: RecoveryOptions): RecoveredLog {
  finishSwaps(files)
  const epochs = files.readEpochs()
  for (const baseOffset of baseOffsets(files)) segments.push(files.openSegment(baseOffset))
  if (segments.length === 0) segments.push(files.openSegment(options.logStartOffset))
  const firstOffset = segments[0]?.baseOffset ?? 0n
  const logStartOffset = options.logStartOffset < firstOffset ? firstOffset : options.logStartOffset
  let logEndOffset = options.wasClean
    ? endOfActive(segments.at(-1) as Segment)
    : checkSegments(segments, { files, epochs, options })
  if (logEndOffset < logStartOffset) {
    for (const segment of segments) segment.remove()
    segments.splice(0, segments.length, files.openSegment(logStartOffset))
    logEndOffset = logStartOffset
  }
  return { segments, epochs, logStartOffset, logEndOffset }
}

function baseOffsets(files: LogFiles): bigint[] {
  return files
    .list()
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => BigInt(name.slice(0, 20)))
    .sort((a, b) => (a < b ? -1 : 1))
}

// Swaps of compaction.

/** Compaction replaces segments by renaming; a crash in between is completed or undone here. */
function finishSwaps(files: LogFiles): void {
  const names = files.list()
  for (const name of names) {
    if (name.endsWith('.cleaned') || name.endsWith('.deleted') || name.endsWith('.tmp')) {
      files.fs.remove(files.path(name))
    } else if (name.endsWith('.log.swap')) finishSwap(files, name, names)
    else if (name.endsWith('.swap')) files.fs.remove(files.path(name))
    else if (isIndexName(name) && !names.includes(`${name.slice(0, 20)}.log`)) {
      if (!names.includes(`${name.slice(0, 20)}.log.swap`)) files.fs.remove(files.path(name))
    }
  }
}

function isIndexName(name: string): boolean {
  return /^\d{20}\.(index|timeindex|txnindex)$/.test(name)
}

/** Replaces the segments that a compacted segment was made of, those that are left, by it. */
function finishSwap(files: LogFiles, name: string, names: readonly string[]): void {
  const { fs } = files
  const baseOffset = BigInt(name.slice(0, 20))
  const path = files.path(name)
  const end = endOfFile(fs, path) ?? baseOffset
  for (const other of names) {
    if (!/^\d{20}\.log$/.test(other)) continue
    const base = BigInt(other.slice(0, 20))
    if (base < baseOffset || base >= end) continue
    for (const suffix of INDEX_SUFFIXES) fs.remove(files.path(other.slice(0, 20) + suffix))
    if (base !== baseOffset) fs.remove(files.path(other))
  }
  fs.rename(path, path.slice(0, -'.swap'.length))
  fs.syncDirectory(files.directory)
}

/** Offset after the last whole batch in a segment's file, or undefined if it has none. */
function endOfFile(fs: FileSystem, path: string): bigint | undefined {
  const file = fs.open(path)
  const header = Buffer.alloc(RECORD_BATCH_HEADER_SIZE)
  let end: bigint | undefined
  try {
    for (let at = 0; file.read(header, 0, header.length, at) === header.length; ) {
      const batch = new RecordBatch(header)
      if (batch.size < header.length) break
      end = batch.nextOffset
      at += batch.size
    }
  } finally {
    file.close()
  }
  return end
}

// The end of the log.

/** The log end offset after a clean shutdown. */
function endOfActive(active: Segment): bigint {
  const last = active.offsetIndex.last
  let end = active.baseOffset
  let position = last?.position ?? 0
  for (const { batch, position: at } of active.scan(position)) {
    end = batch.nextOffset
    position = at + batch.size
  }
  // A clean shutdown leaves no torn write, but bytes after the last whole batch must not stay.
  if (position < active.size) active.truncate(position)
  return end
}

/**
 * Checks every batch from the recovery point on and truncates the log at the first torn or corrupt
 * one. Returns the log end offset.
 */
function checkSegments(
  segments: Segment[],
  context: {
    readonly files: LogFiles
    readonly epochs: LeaderEpochs
    readonly options: RecoveryOptions
  },
): bigint {
  const { files, options } = context
  const { recoveryPoint } = options
  const from = Math.max(
    0,
    segments.findLastIndex((segment) => segment.baseOffset <= recoveryPoint),
  )
  let end = segments[from]?.baseOffset ?? 0n
  for (let i = from; i < segments.length; i++) {
    const segment = elementAt(segments, i)
    // A failed roll may have left its empty file among the offsets of the segment before it.
    if (segment.baseOffset < end && segment.size === 0) {
      segments.splice(i--, 1)
      segment.remove()
      continue
    }
    const sound = checkSegment(segment, context)
    end = sound.endOffset
    if (sound.size === segment.size) continue
    files.logger.warn('truncated a corrupt log', {
      log: files.name,
      at: end,
      bytes: segment.size - sound.size,
      segmentsDropped: segments.length - i - 1,
    })
    segment.file.truncate(sound.size)
    segment.size = sound.size
    for (const dropped of segments.splice(i + 1)) dropped.remove()
    break
  }
  // Producer state is replayed over everything that was checked, which also finds the aborted
  // transactions again.
  const checkedFrom = segments[from]?.baseOffset ?? 0n
  files.removeSnapshots((offset) => offset > checkedFrom)
  // What survived the end of a process may still be in the page cache only. A new log has nothing
  // to sync: the wait would block all clients, once for each partition of a new topic.
  if (options.durable) {
    for (const segment of segments.slice(from)) if (segment.size > 0) segment.file.sync()
  }
  return end
}

/** Checks a segment's batches and rebuilds its indexes. Returns where the intact part ends. */
function checkSegment(
  segment: Segment,
  { epochs, options }: { readonly epochs: LeaderEpochs; readonly options: RecoveryOptions },
): { readonly size: number; readonly endOffset: bigint } {
  segment.resetIndexes()
  let size = 0
  let endOffset = segment.baseOffset
  for (const { batch, position } of segment.scan()) {
    const isSound =
      batch.magic === 2 &&
      batch.baseOffset >= endOffset &&
      batch.lastOffsetDelta >= 0 &&
      batch.count >= 0 &&
      batch.lastOffset - segment.baseOffset <= 0x7fffffffn &&
      batch.computeCrc() === batch.crc
    if (!isSound) break
    if (batch.partitionLeaderEpoch >= 0) epochs.assign(batch.partitionLeaderEpoch, batch.baseOffset)
    segment.noteBatch(batch, position, options.indexIntervalBytes)
    size = position + batch.size
    endOffset = batch.nextOffset
  }
  return { size, endOffset }
}
