// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'

/** How a record says which schema its bytes have. */
export type SchemaId =
  /** Id in the registry, in the default context unless configured. */
  | { readonly kind: 'id'; readonly id: number }
  /** GUID, the same in every registry and context: 36 characters, lower case. */
  | { readonly kind: 'guid'; readonly guid: string }

/** First byte of an id of four bytes. */
const ID_MAGIC = 0
/** First byte of a GUID of 16 bytes. */
const GUID_MAGIC = 1
const ID_BYTES = 5
const GUID_BYTES = 17

/** Name of the header that has the schema's GUID. */
export function headerName(part: 'key' | 'value'): string {
  return `__${part}_schema_id`
}

/** Bytes before the payload: 0 and the id. */
export function idPrefix(id: number): Buffer {
  const prefix = Buffer.allocUnsafe(ID_BYTES)
  prefix[0] = ID_MAGIC
  prefix.writeInt32BE(id, 1)
  return prefix
}

/** 1 and the 16 bytes of a GUID. Throws `TypeError` for a text that is not a GUID. */
export function guidPrefix(guid: string): Buffer {
  const digits = guid.replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/i.test(digits)) throw new TypeError(`${guid} is not a GUID`)
  return Buffer.concat([Buffer.from([GUID_MAGIC]), Buffer.from(digits, 'hex')])
}

/** An id, and where what follows it begins. */
export interface ReadSchemaId {
  /** The id. */
  readonly id: SchemaId
  /** Position of the first byte after it. */
  readonly end: number
}

/**
 * Reads the id at the start of a payload or header. Throws `MalformedInputError` if there is none.
 */
export function readSchemaId(bytes: Buffer): ReadSchemaId {
  const magic = bytes[0]
  if (magic === ID_MAGIC && bytes.length >= ID_BYTES) {
    return { id: { kind: 'id', id: bytes.readInt32BE(1) }, end: ID_BYTES }
  }
  if (magic === GUID_MAGIC && bytes.length >= GUID_BYTES) {
    return { id: { kind: 'guid', guid: guidOf(bytes.subarray(1, GUID_BYTES)) }, end: GUID_BYTES }
  }
  const found =
    magic === undefined
      ? 'no bytes'
      : `${bytes.length} bytes that start with ${bytes.subarray(0, 8).toString('hex')}`
  throw new MalformedInputError(
    `no schema id: expected 0 and an id of 4 bytes or 1 and a GUID of 16 bytes, found ${found}`,
  )
}

function guidOf(bytes: Buffer): string {
  const digits = bytes.toString('hex')
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-')
}
