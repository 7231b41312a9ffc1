// SPDX-License-Identifier: Apache-2.0
import type { PrintedRecord } from '../client/record-format.ts'

/** Key or value of a record. */
export type RecordPart = 'key' | 'value'

/** Bytes of an id with the byte before it. */
const ID_BYTES = 5
/** Bytes of a GUID with the byte before it. */
const GUID_BYTES = 17

/** Whether a record may have ids of schemas; wrong only for bytes that look like one. */
export function mayHaveSchema(record: PrintedRecord): boolean {
  const { valueBytes, keyBytes } = record
  return startsWithId(valueBytes) || startsWithId(keyBytes) || hasIdHeader(record)
}

/** Whether bytes may begin with the id of a schema or its GUID. */
export function startsWithId(bytes: Buffer | null): boolean {
  const first = bytes?.[0]
  if (first === undefined || first > 1 || bytes === null) return false
  return bytes.length >= (first === 0 ? ID_BYTES : GUID_BYTES)
}

function hasIdHeader({ headers }: PrintedRecord): boolean {
  return headers.some(({ key }) => key === '__value_schema_id' || key === '__key_schema_id')
}
