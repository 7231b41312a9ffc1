// SPDX-License-Identifier: Apache-2.0
import { CHUNK } from '../subscription/partition-index.ts'
import type { PartitionProgress } from './state-image.ts'
import type { StateChange } from './state-record.ts'

/** Beginning and end of a log partition. */
export interface LogBounds {
  readonly beginning: number
  readonly end: number
}

/** Valid progress of a subscription in one partition. */
export interface RestoredPartition {
  readonly floor: number
  /** By chunk number. */
  readonly chunks: ReadonlyMap<number, Buffer>
  /**
   * Changes that must be written to the state topic before any message is indexed, because some
   * progress is invalid.
   */
  readonly corrections: readonly StateChange[]
}

/**
 * Selects the progress in the state topic that is valid for the current log. Progress of another
 * topic with the same name is invalid. So is progress beyond the end of a log that has lost its
 * tail: new messages will have these offsets.
 */
export function restorePartition(
  progress: PartitionProgress | undefined,
  options: {
    readonly id: string
    readonly partition: number
    readonly topicId: string | undefined
    /**
     * Whether progress without a topic id, written by an earlier version, belongs to this topic.
     */
    readonly acceptsUnmarked: boolean
    readonly bounds: LogBounds
    /** Start offset of the subscription if no progress is known. */
    readonly initialFloor: number
  },
): RestoredPartition {
  const { id, partition, topicId, acceptsUnmarked, bounds } = options
  const counts = (ownerId: string | undefined): boolean =>
    ownerId === undefined ? acceptsUnmarked : ownerId === topicId || topicId === undefined
  const corrections: StateChange[] = []
  const journaled = progress?.floor
  let floor = options.initialFloor
  if (journaled !== undefined && counts(journaled.topicId)) floor = journaled.value
  else if (journaled !== undefined) {
    corrections.push({ key: { kind: 'floor', partition, id }, value: null })
  }
  floor = Math.max(floor, bounds.beginning)
  if (floor > bounds.end) {
    floor = bounds.end
    corrections.push({ key: { kind: 'floor', partition, id }, value: String(floor), topicId })
  }
  const chunks = new Map<number, Buffer>()
  for (const [number, chunk] of progress?.chunks ?? []) {
    const key = { kind: 'chunk', partition, number, id } as const
    const room = bounds.end - number * CHUNK
    if (!counts(chunk.topicId) || room <= 0) {
      corrections.push({ key, value: null })
      continue
    }
    const cut = cutChunk(chunk.value, room)
    chunks.set(number, cut)
    if (cut !== chunk.value) corrections.push({ key, value: cut, topicId })
  }
  return { floor, chunks, corrections }
}

/** Truncates an encoded chunk to its first `count` offsets. */
function cutChunk(value: Buffer, count: number): Buffer {
  const limit = value.readUInt16BE(0)
  if (limit <= count) return value
  const head = Buffer.alloc(2 + Math.ceil(count / 8))
  head.writeUInt16BE(count, 0)
  value.copy(head, 2, 2, head.length)
  const counts: Buffer[] = []
  for (let at = 2 + Math.ceil(limit / 8); at + 4 <= value.length; at += 4) {
    if (value.readUInt16BE(at) < count) counts.push(value.subarray(at, at + 4))
  }
  return Buffer.concat([head, ...counts])
}

/** Returns the changes that delete all progress of a subscription from the state topic. */
export function voidProgress(
  id: string,
  progress: ReadonlyMap<number, PartitionProgress>,
): StateChange[] {
  const changes: StateChange[] = []
  for (const [partition, { floor, chunks }] of progress) {
    if (floor !== undefined) changes.push({ key: { kind: 'floor', partition, id }, value: null })
    for (const number of chunks.keys()) {
      changes.push({ key: { kind: 'chunk', partition, number, id }, value: null })
    }
  }
  return changes
}
