// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import { DeliveryState, type Range } from './in-flight.ts'

/** Acknowledgement type of a record, by the number on the wire. */
export const AcknowledgeType = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const

/** Acknowledgements of the records from one offset to another. */
export interface AcknowledgementBatch {
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  /** One type for all records, or one per offset. */
  readonly acknowledgeTypes: readonly number[]
}

/** Throws `INVALID_RECORD_STATE` unless the member has acquired the records. */
export function requireOwner(range: Range, memberId: string, what: 'batch' | 'offset'): void {
  if (range.state !== DeliveryState.Acquired) {
    throw new ProtocolError(
      'INVALID_RECORD_STATE',
      `The ${what} cannot be acknowledged. The ${what} is not ${what === 'batch' ? 'in the acquired state' : 'acquired'}.`,
    )
  }
  if (range.memberId !== memberId) {
    const owned = what === 'batch' ? 'batch record' : 'offset'
    throw new ProtocolError('INVALID_RECORD_STATE', `Member is not the owner of ${owned}`)
  }
}

/** Records with one acknowledgement type. */
export interface AcknowledgedPart {
  readonly range: { readonly first: number; readonly last: number }
  readonly type: number
}

/** Splits a part of a batch by acknowledgement type. */
export function withTypes(
  range: { readonly first: number; readonly last: number },
  { firstOffset, acknowledgeTypes }: AcknowledgementBatch,
): AcknowledgedPart[] {
  if (acknowledgeTypes.length === 1) return [{ range, type: elementAt(acknowledgeTypes, 0) }]
  const parts: AcknowledgedPart[] = []
  for (let offset = range.first; offset <= range.last; offset++) {
    const type = elementAt(acknowledgeTypes, offset - Number(firstOffset))
    const before = parts.at(-1)
    if (before?.type === type) {
      parts[parts.length - 1] = { type, range: { ...before.range, last: offset } }
    } else parts.push({ type, range: { first: offset, last: offset } })
  }
  return parts
}
