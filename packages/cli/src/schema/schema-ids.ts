// SPDX-License-Identifier: Apache-2.0
import type { PrintedRecord } from '../client/record-format.ts'

/** Key or value of a record. */
export type RecordPart = 'key' | 'value'
/** Id of a schema, or its GUID. */
export type SchemaKey = number | string

/** Bytes of an id with the byte before it. */
const ID_BYTES = 5
/** Bytes of a GUID with the byte before it. */
const GUID_BYTES = 17

/** Whether a record may have ids of schemas; wrong only for bytes that look like one. */
export function mayHaveSchema(record: PrintedRecord): boolean {
  const { valueBytes, keyBytes } = record
  return startsWithId(valueBytes) || startsWithId(keyBytes) || hasIdHeader(record)
}

function startsWithId(bytes: Buffer | null): boolean {
  const first = bytes?.[0]
  if (first === undefined || first > 1 || bytes === null) return false
  return bytes.length >= (first === 0 ? ID_BYTES : GUID_BYTES)
}

function hasIdHeader({ headers }: PrintedRecord): boolean {
  return headers.some(({ key }) => key === '__value_schema_id' || key === '__key_schema_id')
}

/** The parts of a record that have the id of a schema. */
export function partsWithSchema(
  record: PrintedRecord,
): readonly { readonly part: RecordPart; readonly key: SchemaKey }[] {
  if (!mayHaveSchema(record)) return []
  const { keyBytes, valueBytes, headers } = record
  const found: { part: RecordPart; key: SchemaKey }[] = []
  for (const [part, bytes] of [
    ['key', keyBytes],
    ['value', valueBytes],
  ] as const) {
    if (bytes === null) continue
    const header = headers.findLast(({ key }) => key === `__${part}_schema_id`)?.value
    const key = keyOf(header ?? bytes)
    if (key !== undefined) found.push({ part, key })
  }
  return found
}

function keyOf(bytes: Buffer): SchemaKey | undefined {
  if (!startsWithId(bytes)) return undefined
  if (bytes[0] === 0) return bytes.readInt32BE(1)
  const digits = bytes.toString('hex', 1, GUID_BYTES)
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
