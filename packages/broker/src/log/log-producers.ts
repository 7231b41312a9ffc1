// SPDX-License-Identifier: Apache-2.0
import type { RecordBatch } from '@millrace/protocol'
import { isAbortMarker, markerCoordinatorEpoch } from './control-batch.ts'
import type { LogFiles } from './log-files.ts'
import type { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'

/**
 * Updates the producer state with a batch of the log, and the segment's transaction index if the
 * batch ends an aborted transaction.
 */
export function noteProducer(producers: ProducerState, batch: RecordBatch, segment: Segment): void {
  if (!batch.hasProducerId) return
  if (!batch.isControl) {
    producers.update(batch)
    return
  }
  const isAborted = isAbortMarker(batch)
  if (isAborted === undefined) return
  const completed = producers.complete(batch, {
    isAborted,
    coordinatorEpoch: markerCoordinatorEpoch(batch),
  })
  if (completed?.isAborted !== true) return
  const known = segment.abortedTransactions.some(
    (entry) => entry.lastOffset === completed.lastOffset,
  )
  if (known) return
  segment.addAbortedTransaction({
    producerId: completed.producerId,
    firstOffset: completed.firstOffset,
    lastOffset: completed.lastOffset,
    lastStableOffset: producers.firstUnstableOffset ?? completed.lastOffset + 1n,
  })
}

/** What a log contains. */
export interface LogRange {
  readonly segments: readonly Segment[]
  readonly logStartOffset: bigint
  readonly logEndOffset: bigint
}

/** Rebuilds the producer state from the newest usable snapshot and the batches after it. */
export function loadProducers(producers: ProducerState, files: LogFiles, range: LogRange): void {
  const { segments, logStartOffset, logEndOffset } = range
  producers.clear()
  let from = logStartOffset
  for (const { offset, path } of files.snapshots()) {
    if (offset > logEndOffset || offset < logStartOffset) continue
    try {
      producers.restore(files.fs.readFile(path))
      from = offset
      break
    } catch (error) {
      files.logger.warn('removed a corrupt producer snapshot', { path, error })
      files.fs.remove(path)
    }
  }
  if (from >= logEndOffset) return
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1]
    if (next !== undefined && next.baseOffset <= from) continue
    const position = from > segment.baseOffset ? segment.positionBefore(from) : 0
    // Recovery has reset the indexes, so aborted transactions are found again.
    for (const { batch } of segment.scan(position)) {
      if (batch.baseOffset >= from) noteProducer(producers, batch, segment)
    }
  }
}
