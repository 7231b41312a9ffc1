// SPDX-License-Identifier: Apache-2.0
import { buildBatch, RecordBatch, readRecords } from '@millrace/protocol'

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

/** A batch of control records of the metadata log; values start with their version. */
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

export interface EndMarker {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly isCommitted: boolean
  /**
   * From version 2 on an epoch ends only one transaction, so the marker's epoch must be above the
   * last one seen.
   */
  readonly transactionVersion: number
}

/** A marker that ends a transaction in one partition. */
export function endMarkerBatch(marker: EndMarker, timestamp: bigint): RecordBatch {
  const value = Buffer.alloc(6)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  const key = controlKey(marker.isCommitted ? ControlType.commit : ControlType.abort)
  return new RecordBatch(
    buildBatch([{ timestamp, key, value }], {
      producerId: marker.producerId,
      producerEpoch: marker.producerEpoch,
      isTransactional: true,
      isControl: true,
    }),
  )
}
