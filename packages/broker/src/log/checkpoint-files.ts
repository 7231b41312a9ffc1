// SPDX-License-Identifier: Apache-2.0
import { type FileSystem, MillraceError, writeFileAtomically } from '@millrace/base'

/*
 * Kafka's small text files. Checkpoints: a line with version 0, a line with the count, then one
 * line per entry.
 */

export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: bigint
}

/** Offsets by `topic-partition`. */
export type OffsetCheckpoint = ReadonlyMap<string, bigint>

function corrupt(path: string, why: string): MillraceError {
  return new MillraceError('MILLRACE_CORRUPT_FILE', `${path}: ${why}`)
}

function readEntries(fs: FileSystem, path: string): string[][] {
  if (fs.fileSize(path) === undefined) return []
  const lines = fs.readFile(path).toString('utf8').split('\n')
  if (lines[0] === '' || lines[0] === undefined) return []
  if (lines[0] !== '0') throw corrupt(path, `unknown version ${lines[0]}`)
  const count = Number(lines[1])
  const entries = lines.slice(2).filter((line) => line !== '')
  if (entries.length !== count)
    throw corrupt(path, `${count} entries announced, ${entries.length} found`)
  return entries.map((line) => line.split(' '))
}

function writeEntries(fs: FileSystem, path: string, lines: readonly string[]): void {
  writeFileAtomically(fs, path, `0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`)
}

export function readOffsetCheckpoint(fs: FileSystem, path: string): Map<string, bigint> {
  const offsets = new Map<string, bigint>()
  for (const [topic, partition, value] of readEntries(fs, path)) {
    if (value === undefined || !/^\d+$/.test(value))
      throw corrupt(path, `no offset in "${topic} ${partition}"`)
    offsets.set(`${topic}-${partition}`, BigInt(value))
  }
  return offsets
}

export function writeOffsetCheckpoint(
  fs: FileSystem,
  path: string,
  offsets: OffsetCheckpoint,
): void {
  const lines = [...offsets].map(([name, offset]) => {
    const dash = name.lastIndexOf('-')
    return `${name.slice(0, dash)} ${name.slice(dash + 1)} ${offset}`
  })
  writeEntries(fs, path, lines)
}

export function readEpochCheckpoint(fs: FileSystem, path: string): EpochEntry[] {
  return readEntries(fs, path).map(([epoch, startOffset]) => {
    if (startOffset === undefined) throw corrupt(path, `no start offset for epoch ${epoch}`)
    return { epoch: Number(epoch), startOffset: BigInt(startOffset) }
  })
}

export function writeEpochCheckpoint(
  fs: FileSystem,
  path: string,
  entries: readonly EpochEntry[],
): void {
  writeEntries(
    fs,
    path,
    entries.map((entry) => `${entry.epoch} ${entry.startOffset}`),
  )
}

/** Topic id of a partition directory, or undefined if the file is missing. */
export function readPartitionMetadata(fs: FileSystem, directory: string): string | undefined {
  const path = `${directory}/partition.metadata`
  if (fs.fileSize(path) === undefined) return undefined
  const match = /^version: 0\s+topic_id: ([\w-]{22})\s*$/.exec(fs.readFile(path).toString('utf8'))
  if (match === null) throw corrupt(path, 'not of the form "version: 0, topic_id: …"')
  return match[1]
}

/** Not synced here: the first flush of the log does that. */
export function writePartitionMetadata(fs: FileSystem, directory: string, topicId: string): void {
  fs.writeFile(`${directory}/partition.metadata`, `version: 0\ntopic_id: ${topicId}`)
}

/** Writes the file into a directory whose log may have records. */
export function restorePartitionMetadata(fs: FileSystem, directory: string, topicId: string): void {
  writeFileAtomically(fs, `${directory}/partition.metadata`, `version: 0\ntopic_id: ${topicId}`)
}
