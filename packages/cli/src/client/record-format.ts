// SPDX-License-Identifier: Apache-2.0
import type { ConsumerRecord } from '@millrace/client'
import { UsageError } from '../usage-error.ts'
import { toJson } from './output.ts'

/** A record as it is printed. */
export interface PrintedRecord
  extends Pick<
    ConsumerRecord,
    'topic' | 'partition' | 'offset' | 'timestamp' | 'keyBytes' | 'valueBytes' | 'headers'
  > {
  /** Schema of the key, if `keyBytes` is its JSON: the id or GUID. */
  readonly keySchema?: number | string
  /** Schema of the value, if `valueBytes` is its JSON: the id or GUID. */
  readonly valueSchema?: number | string
}

type Part = Buffer | ((record: PrintedRecord) => Buffer | string)

export const formatHelp = `Format, as kcat's -f:
  %s value   %S its size (-1 for null)   %R its size as 4 bytes, big-endian
  %k key     %K its size (-1 for null)   %h headers, name=value and commas
  %t topic   %p partition   %o offset    %T timestamp, ms
  \\n \\r \\t \\\\ \\xNN and %%`

const fields: Readonly<Record<string, (record: PrintedRecord) => Buffer | string>> = {
  s: (record) => record.valueBytes ?? '',
  S: (record) => String(record.valueBytes?.length ?? -1),
  R: (record) => {
    const size = Buffer.alloc(4)
    size.writeInt32BE(record.valueBytes?.length ?? -1)
    return size
  },
  k: (record) => record.keyBytes ?? '',
  K: (record) => String(record.keyBytes?.length ?? -1),
  t: (record) => record.topic,
  p: (record) => String(record.partition),
  o: (record) => String(record.offset),
  T: (record) => String(record.timestamp),
  h: (record) => record.headers.map(({ key, value }) => `${key}=${value ?? 'NULL'}`).join(','),
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' }

/** Compiles a format string; throws `UsageError` for an unknown escape. */
export function compileFormat(format: string): (record: PrintedRecord) => Buffer[] {
  const parts: Part[] = []
  for (const match of format.matchAll(/\\(?:x([0-9a-fA-F]{2})|(.))|%(.?)|[^\\%]+|\\$/gs)) {
    const [whole, hex, escaped, field] = match
    if (hex !== undefined) parts.push(Buffer.from([Number.parseInt(hex, 16)]))
    else if (escaped !== undefined) {
      const text = escapes[escaped]
      if (text === undefined) throw new UsageError(`invalid --format: unknown escape ${whole}`)
      parts.push(Buffer.from(text))
    } else if (field === '%') parts.push(Buffer.from('%'))
    else if (field !== undefined) {
      const get = Object.hasOwn(fields, field) ? fields[field] : undefined
      if (get === undefined) {
        const known = Object.keys(fields).join(' %')
        throw new UsageError(`invalid --format: unknown ${whole}; expected one of %${known} %%`)
      }
      parts.push(get)
    } else parts.push(Buffer.from(whole))
  }
  return (record) =>
    parts.map((part) => {
      if (typeof part !== 'function') return part
      const value = part(record)
      return typeof value === 'string' ? Buffer.from(value) : value
    })
}

/** UTF-8 as text, other bytes as base64 under another name, so that nothing is lost. */
function jsonBytes(name: string, data: Buffer | null): Record<string, string | null> {
  if (data === null) return { [name]: null }
  const text = data.toString('utf8')
  return Buffer.from(text).equals(data)
    ? { [name]: text }
    : { [`${name}Base64`]: data.toString('base64') }
}

/** A key or value: decoded JSON as it is, and the id of its schema. */
function jsonPart(
  name: 'key' | 'value',
  bytes: Buffer | null,
  schema: number | string | undefined,
): Record<string, unknown> {
  if (bytes === null || schema === undefined) return jsonBytes(name, bytes)
  return { [name]: JSON.parse(bytes.toString('utf8')), [`${name}Schema`]: schema }
}

/** A record as one line of JSON. */
export function jsonRecord(record: PrintedRecord): Buffer {
  const { topic, partition, offset, timestamp, headers } = record
  const line = toJson({
    topic,
    partition,
    offset,
    timestamp,
    ...jsonPart('key', record.keyBytes, record.keySchema),
    ...jsonPart('value', record.valueBytes, record.valueSchema),
    headers: headers.map(({ key, value }) => ({ key, ...jsonBytes('value', value) })),
  })
  return Buffer.from(`${line}\n`)
}
