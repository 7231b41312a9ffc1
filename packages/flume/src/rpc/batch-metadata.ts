// SPDX-License-Identifier: Apache-2.0
import { type BatchOrigin, rangesOf } from '../batch-origin.ts'
import { lineageText, readLineage } from '../channels/file/frames.ts'
import type { Event } from '../event.ts'
import type { Metadata } from './avro-protocol.ts'

// Metadata of a batch between millrace agents, as JSON: the positions of its events in the sender's
// channel, by which the receiver recognizes duplicates, and their lineage.

const ORIGIN = 'millrace.origin'
const LINEAGE = 'millrace.lineage'
/** In a reply: the peer supports this metadata and processes calls in order. */
const PEER = 'millrace'

export const PEER_METADATA: Metadata = new Map([[PEER, Buffer.from('1')]])
export const NO_METADATA: Metadata = new Map()

export function isMillrace(metadata: Metadata): boolean {
  return metadata.has(PEER)
}

export function batchMetadata(events: readonly Event[], origin: BatchOrigin): Metadata {
  const place = JSON.stringify([origin.id, origin.floor, rangesOf(origin.positions)])
  const runs: [number, string][] = []
  let from = 0
  for (let i = 1; i <= events.length; i++) {
    const lineage = events[from]?.lineage
    if (i < events.length && events[i]?.lineage === lineage) continue
    runs.push([i - from, lineageText(lineage)])
    from = i
  }
  return new Map([
    [ORIGIN, Buffer.from(place)],
    [LINEAGE, Buffer.from(JSON.stringify(runs))],
  ])
}

/** Origin of a batch; undefined if the sender does not state it or it does not match the events. */
export function originIn(metadata: Metadata, count: number): BatchOrigin | undefined {
  const text = metadata.get(ORIGIN)
  if (text === undefined) return undefined
  const [id, floor, ranges] = JSON.parse(text.toString()) as [string, number, number[]]
  const positions: number[] = []
  for (let i = 0; i < ranges.length && positions.length <= count; i += 2) {
    for (let at = ranges[i] as number; at < (ranges[i + 1] as number); at++) positions.push(at)
  }
  return positions.length === count ? { id, floor, positions } : undefined
}

/** Sets the lineage of events from the metadata. */
export function restoreLineage(metadata: Metadata, events: readonly Event[]): void {
  const text = metadata.get(LINEAGE)
  if (text === undefined) return
  let at = 0
  for (const [count, way] of JSON.parse(text.toString()) as [number, string][]) {
    const lineage = readLineage(way)
    for (const end = Math.min(at + count, events.length); at < end; at++) {
      const event = events[at]
      if (event !== undefined) event.lineage = lineage
    }
  }
}
