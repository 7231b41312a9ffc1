// SPDX-License-Identifier: Apache-2.0
import { buildBatch, type RecordBatch, readRecords } from '@millrace/protocol'

/** Types in the key of a control record: `version i16, type i16`. */
export const ControlType = {
  abort: 0,
  commit: 1,
  leaderChange: 2,
  snapshotHeader: 3,
  snapshotFooter: 4,
  kraftVersion: 5,
  voters: 6,
} as const

/** True for an abort marker, false for a commit marker, undefined for any other control batch. */
export function isAbortMarker(batch: RecordBatch): boolean | undefined {
  const [record] = readRecords(batch)
  const key = record?.key
  if (key === null || key === undefined || key.length < 4) return undefined
  const type = key.readInt16BE(2)
  if (type === ControlType.abort) return true
  if (type === ControlType.commit) return false
  return undefined
}

/** Coordinator epoch of a transaction marker: `version i16, epoch i32`. */
export function markerCoordinatorEpoch(batch: RecordBatch): number {
  const [record] = readRecords(batch)
  const value = record?.value
  return value === null || value === undefined || value.length < 6 ? -1 : value.readInt32BE(2)
}

export function controlKey(type: number): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(type, 2)
  return key
}

/** A batch of control records of the metadata log; values carry their version in front. */
export function controlBatch(
  records: readonly { readonly type: number; readonly value: Buffer }[],
  options: {
    readonly baseOffset: bigint
    readonly leaderEpoch: number
    readonly timestamp: bigint
  },
): Buffer {
  return buildBatch(
    records.map(({ type, value }) => ({
      timestamp: options.timestamp,
      key: controlKey(type),
      value,
    })),
    {
      baseOffset: options.baseOffset,
      partitionLeaderEpoch: options.leaderEpoch,
      isControl: true,
    },
  )
}
