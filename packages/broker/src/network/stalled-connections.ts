// SPDX-License-Identifier: Apache-2.0
import type { ReplyMemory } from './reply-memory.ts'
import type { RequestMemory, RequestReader } from './request-memory.ts'

/** A connection that may hold memory which its client could release. */
export interface StallableConnection extends RequestReader {
  /** Whether the socket is closed; its requests may still wait for a quota. */
  readonly isClosed: boolean
  /** Since when the client has made no progress; undefined if it cannot release anything. */
  stalledSinceMs(nowMs: number): number | undefined
  /** Closes the connection and releases its memory. */
  evict(why: string): void
}

export interface StallOptions {
  readonly requests: RequestMemory
  readonly replies: ReplyMemory
  /** Time by the monotonic clock. */
  readonly nowMs: number
  /** Time without progress from which a connection may be closed. */
  readonly stallMs: number
  /** Whether no further connection needs to be closed. */
  readonly isEnough: () => boolean
}

/**
 * Closes connections that hold memory which is used up, and whose clients have made no progress for
 * at least `stallMs`, the longest stalled first, until `isEnough`.
 */
export function closeStalled(
  connections: Iterable<StallableConnection>,
  { requests, replies, nowMs, stallMs, isEnough }: StallOptions,
): void {
  const stalled: { readonly connection: StallableConnection; readonly sinceMs: number }[] = []
  for (const connection of connections) {
    const sinceMs = connection.stalledSinceMs(nowMs)
    if (sinceMs !== undefined && nowMs - sinceMs >= stallMs) stalled.push({ connection, sinceMs })
  }
  stalled.sort((a, b) => a.sinceMs - b.sinceMs)
  for (const { connection } of stalled) {
    if (isEnough()) return
    if (replies.isExhausted && replies.usedBy(connection) > 0) {
      connection.evict('its client does not read replies, and queued.max.response.bytes is used up')
    } else if (requests.isExhausted && requests.usedBy(connection) > 0) {
      const why = connection.isClosed
        ? 'its client left requests that are throttled'
        : 'its client does not send the rest of a request'
      connection.evict(`${why}, and queued.max.request.bytes is used up`)
    }
  }
}
