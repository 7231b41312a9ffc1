// SPDX-License-Identifier: Apache-2.0
import { elementAt, type FileSystem, MillraceError } from '@millrace/base'
import {
  buildBatch,
  encodeMessage,
  type MessageOf,
  type RecordBatch,
  readRecords,
  recordBatches,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  type VotersRecord,
} from '@millrace/protocol'
import { ControlType, controlBatch } from '../log/control-batch.ts'
import { encodeMetadataRecord, type NewMetadataRecord } from './metadata-record.ts'
import { votersControlRecords } from './voters.ts'

const NAME = /^(\d{20})-(\d{10})\.checkpoint$/
const RECORDS_PER_BATCH = 1000

export interface SnapshotId {
  /** First offset that the snapshot does not cover. */
  readonly endOffset: bigint
  readonly epoch: number
}

export function snapshotPath(directory: string, { endOffset, epoch }: SnapshotId): string {
  return `${directory}/${endOffset.toString().padStart(20, '0')}-${epoch.toString().padStart(10, '0')}.checkpoint`
}

/** Complete snapshots of the metadata log, newest first. */
export function listSnapshots(fs: FileSystem, directory: string): SnapshotId[] {
  return fs
    .list(directory)
    .flatMap(({ name }) => {
      const match = NAME.exec(name)
      return match === null
        ? []
        : [{ endOffset: BigInt(elementAt(match, 1)), epoch: Number(match[2]) }]
    })
    .sort((a, b) => (a.endOffset < b.endOffset ? 1 : -1))
}

/** Control and data batches of a snapshot; throws if the footer is missing. */
export function readSnapshot(fs: FileSystem, directory: string, id: SnapshotId): RecordBatch[] {
  const path = snapshotPath(directory, id)
  const batches = [...recordBatches(fs.readFile(path))]
  const last = batches.at(-1)
  const [footer] = last?.isControl === true ? readRecords(last).slice(-1) : []
  if (footer?.key?.readInt16BE(2) !== ControlType.snapshotFooter) {
    throw new MillraceError('MILLRACE_CORRUPT_FILE', `${path} has no footer`)
  }
  return batches
}

/** Writes a snapshot file: header, voters, records in batches, footer. */
export function writeSnapshot(
  fs: FileSystem,
  directory: string,
  options: {
    readonly id: SnapshotId
    readonly records: Iterable<NewMetadataRecord>
    readonly voters: MessageOf<typeof VotersRecord> | undefined
    readonly timestamp: bigint
  },
): void {
  const { id, timestamp } = options
  const path = snapshotPath(directory, id)
  const file = fs.open(`${path}.part`, { create: true })
  let position = 0
  let offset = 0n
  const write = (batch: Buffer, count: number): void => {
    file.write([batch], position)
    position += batch.length
    offset += BigInt(count)
  }
  const header = encodeMessage(SnapshotHeaderRecord, 0, {
    version: 0,
    lastContainedLogTimestamp: timestamp,
  })
  const headers = [
    { type: ControlType.snapshotHeader, value: header },
    ...votersControlRecords(options.voters),
  ]
  try {
    write(
      controlBatch(headers, { baseOffset: 0n, leaderEpoch: id.epoch, timestamp }),
      headers.length,
    )
    let values: Buffer[] = []
    const flush = (): void => {
      if (values.length === 0) return
      const records = values.map((value) => ({ timestamp, key: null, value }))
      write(
        buildBatch(records, { baseOffset: offset, partitionLeaderEpoch: id.epoch }),
        records.length,
      )
      values = []
    }
    for (const record of options.records) {
      values.push(encodeMetadataRecord(record))
      if (values.length >= RECORDS_PER_BATCH) flush()
    }
    flush()
    const footer = encodeMessage(SnapshotFooterRecord, 0, { version: 0 })
    write(
      controlBatch([{ type: ControlType.snapshotFooter, value: footer }], {
        baseOffset: offset,
        leaderEpoch: id.epoch,
        timestamp,
      }),
      1,
    )
    file.truncate(position)
    file.sync()
  } finally {
    file.close()
  }
  fs.rename(`${path}.part`, path)
  fs.syncDirectory(directory)
}
