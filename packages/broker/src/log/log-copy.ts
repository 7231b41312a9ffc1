// SPDX-License-Identifier: Apache-2.0
import type { FileSystem } from '@millrace/base'
import { segmentName } from './segment.ts'

/** End of a log in its files. */
export interface LogEnd {
  readonly baseOffset: bigint
  readonly size: number
}

/** End of the log in a directory: its last segment, and the segment's size. */
export function endOfLog(fs: FileSystem, path: string): LogEnd {
  let baseOffset = -1n
  for (const { name } of fs.list(path)) {
    const match = /^(\d{20})\.log$/.exec(name)
    const offset = match?.[1] === undefined ? -1n : BigInt(match[1])
    if (offset > baseOffset) baseOffset = offset
  }
  const size = baseOffset < 0n ? 0 : fs.fileSize(`${path}/${segmentName(baseOffset)}.log`)
  return { baseOffset, size: size ?? 0 }
}

/** Negative if the first log ends before the second one, 0 if their ends are equal. */
export function compareEnds(a: LogEnd, b: LogEnd): number {
  if (a.baseOffset !== b.baseOffset) return a.baseOffset < b.baseOffset ? -1 : 1
  return a.size - b.size
}

const COPY_CHUNK = 4 * 1024 * 1024

/** Copies a file durably, pausing after every chunk. */
export function* copyFile(fs: FileSystem, from: string, to: string): Generator<void> {
  const source = fs.open(from)
  try {
    const copy = fs.open(to, { create: true })
    try {
      const chunk = Buffer.allocUnsafe(Math.min(COPY_CHUNK, Math.max(source.size(), 1)))
      let at = 0
      for (;;) {
        const count = source.read(chunk, 0, chunk.length, at)
        if (count === 0) break
        copy.write([chunk.subarray(0, count)], at)
        at += count
        yield
      }
      copy.truncate(at)
      copy.sync()
    } finally {
      copy.close()
    }
  } finally {
    source.close()
  }
}
