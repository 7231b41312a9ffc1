// SPDX-License-Identifier: Apache-2.0
import { ByteWriter } from '@millrace/base'
import { CompressionType, compress, crc32c } from '@millrace/protocol'

/** A record as bytes; every field can have a value that contradicts the others. */
export interface RawRecord {
  readonly size?: number
  readonly attributes?: number
  readonly timestampDelta?: bigint
  readonly offsetDelta?: number
  readonly key?: Uint8Array | null
  readonly keySize?: number
  readonly value?: Uint8Array | null
  readonly valueSize?: number
  readonly headers?: readonly RawHeader[]
  readonly headerCount?: number
  /** Bytes after the last field that the record's size covers. */
  readonly extra?: Uint8Array
}

export interface RawHeader {
  readonly key: Uint8Array | null
  readonly keySize?: number
  readonly value: Uint8Array | null
  readonly valueSize?: number
}

/** A batch whose header can contradict its contents. */
export interface RawBatch {
  readonly baseOffset?: bigint
  readonly length?: number
  readonly leaderEpoch?: number
  readonly magic?: number
  readonly crc?: number
  /** All attributes; by default the codec number and `flags`. */
  readonly attributes?: number
  readonly flags?: number
  readonly lastOffsetDelta?: number
  readonly baseTimestamp?: bigint
  readonly maxTimestamp?: bigint
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly count?: number
  readonly records: readonly RawRecord[]
  /** Changes the bytes of the records before compression. */
  readonly payload?: (payload: Buffer) => Buffer
  /** Changes the compressed bytes. */
  readonly compressed?: (compressed: Buffer) => Buffer
  /** Bytes after the batch. */
  readonly trailer?: Uint8Array
}

function sized(writer: ByteWriter, bytes: Uint8Array | null, size?: number): void {
  writer.varint(size ?? (bytes === null ? -1 : bytes.length))
  if (bytes !== null) writer.bytes(bytes)
}

function encodeRecord(record: RawRecord, index: number): Buffer {
  const body = new ByteWriter()
  body.int8(record.attributes ?? 0)
  body.varlong(record.timestampDelta ?? 0n)
  body.varint(record.offsetDelta ?? index)
  sized(body, record.key ?? null, record.keySize)
  sized(body, record.value ?? null, record.valueSize)
  const headers = record.headers ?? []
  body.varint(record.headerCount ?? headers.length)
  for (const header of headers) {
    sized(body, header.key, header.keySize)
    sized(body, header.value, header.valueSize)
  }
  if (record.extra !== undefined) body.bytes(record.extra)
  const bytes = body.toBuffer()
  const writer = new ByteWriter()
  writer.varint(record.size ?? bytes.length)
  writer.bytes(bytes)
  return Buffer.from(writer.toBuffer())
}

/** Encodes a batch with a codec. */
export function encodeBatch(batch: RawBatch, codec: CompressionType): Buffer {
  const plain = Buffer.concat(batch.records.map(encodeRecord))
  const changed = batch.payload?.(plain) ?? plain
  const packed = Buffer.from(compress(codec, changed))
  const payload = batch.compressed?.(packed) ?? packed
  const header = Buffer.alloc(61)
  header.writeBigInt64BE(batch.baseOffset ?? 0n, 0)
  header.writeInt32BE(batch.length ?? 49 + payload.length, 8)
  header.writeInt32BE(batch.leaderEpoch ?? -1, 12)
  header.writeInt8(batch.magic ?? 2, 16)
  header.writeInt16BE(batch.attributes ?? CompressionType[codec] | (batch.flags ?? 0), 21)
  const base = batch.baseTimestamp ?? 0n
  const newest = batch.records.reduce((max, { timestampDelta = 0n }) => {
    const timestamp = BigInt.asIntN(64, base + timestampDelta)
    return timestamp > max ? timestamp : max
  }, -1n)
  header.writeInt32BE(batch.lastOffsetDelta ?? batch.records.length - 1, 23)
  header.writeBigInt64BE(base, 27)
  header.writeBigInt64BE(batch.maxTimestamp ?? newest, 35)
  header.writeBigInt64BE(batch.producerId ?? -1n, 43)
  header.writeInt16BE(batch.producerEpoch ?? -1, 51)
  header.writeInt32BE(batch.baseSequence ?? -1, 53)
  header.writeInt32BE(batch.count ?? batch.records.length, 57)
  const whole = Buffer.concat([header, payload])
  whole.writeUInt32BE(batch.crc ?? crc32c(whole.subarray(21)), 17)
  return batch.trailer === undefined ? whole : Buffer.concat([whole, batch.trailer])
}

/** An invalid or unusual property of a batch of three records. */
export interface Corruption {
  readonly name: string
  readonly change: (good: RawBatch) => RawBatch
}

const DAY = 86_400_000n

function withRecord(index: number, change: Partial<RawRecord>): (good: RawBatch) => RawBatch {
  return (good) => ({
    ...good,
    records: good.records.map((record, i) => (i === index ? { ...record, ...change } : record)),
  })
}

function withHeader(change: Partial<RawBatch>): (good: RawBatch) => RawBatch {
  return (good) => ({ ...good, ...change })
}

const bytes = (...values: number[]): Buffer => Buffer.from(values)

/** All corruptions. */
export const corruptions: readonly Corruption[] = [
  { name: 'nothing', change: (good) => good },
  { name: 'one record', change: (good) => ({ ...good, records: good.records.slice(0, 1) }) },

  // The header alone.
  { name: 'base offset 5', change: withHeader({ baseOffset: 5n }) },
  { name: 'base offset -1', change: withHeader({ baseOffset: -1n }) },
  { name: 'leader epoch 7', change: withHeader({ leaderEpoch: 7 }) },
  { name: 'magic 0', change: withHeader({ magic: 0 }) },
  { name: 'magic 1', change: withHeader({ magic: 1 }) },
  { name: 'magic 3', change: withHeader({ magic: 3 }) },
  { name: 'magic -1', change: withHeader({ magic: -1 }) },
  { name: 'wrong checksum', change: withHeader({ crc: 1 }) },
  { name: 'count 0', change: withHeader({ count: 0 }) },
  { name: 'count -1', change: withHeader({ count: -1 }) },
  { name: 'count one less', change: withHeader({ count: 2 }) },
  { name: 'count one more', change: withHeader({ count: 4 }) },
  { name: 'last offset delta -1', change: withHeader({ lastOffsetDelta: -1 }) },
  { name: 'last offset delta one less', change: withHeader({ lastOffsetDelta: 1 }) },
  { name: 'last offset delta one more', change: withHeader({ lastOffsetDelta: 3 }) },
  { name: 'count 5 over 3', change: withHeader({ count: 5, lastOffsetDelta: 4 }) },
  { name: 'count 2 over 3', change: withHeader({ count: 2, lastOffsetDelta: 1 }) },
  {
    name: 'count of two billion',
    change: withHeader({ count: 0x7fffffff, lastOffsetDelta: 0x7ffffffe }),
  },
  {
    name: 'no records',
    change: (good) => ({ ...good, records: [], count: 0, lastOffsetDelta: 0 }),
  },
  {
    name: 'no records, counted as one',
    change: (good) => ({ ...good, records: [], count: 1, lastOffsetDelta: 0 }),
  },
  { name: 'codec 5', change: withHeader({ attributes: 5 }) },
  { name: 'codec 7', change: withHeader({ attributes: 7 }) },
  { name: 'transactional bit', change: withHeader({ flags: 0x10 }) },
  { name: 'control bit', change: withHeader({ flags: 0x20 }) },
  { name: 'delete horizon bit', change: withHeader({ flags: 0x40 }) },
  { name: 'unused bits', change: withHeader({ flags: 0x7f80 }) },
  { name: 'LogAppendTime bit', change: withHeader({ flags: 0x08 }) },
  {
    name: 'LogAppendTime bit, max timestamp -1',
    change: withHeader({ flags: 0x08, maxTimestamp: -1n }),
  },
  {
    name: 'LogAppendTime bit, max timestamp of last year',
    change: (good) => ({
      ...good,
      flags: 0x08,
      maxTimestamp: (good.baseTimestamp ?? 0n) - 365n * DAY,
    }),
  },
  {
    name: 'LogAppendTime bit, max timestamp of next year',
    change: (good) => ({
      ...good,
      flags: 0x08,
      maxTimestamp: (good.baseTimestamp ?? 0n) + 365n * DAY,
    }),
  },
  { name: 'max timestamp -1', change: withHeader({ maxTimestamp: -1n }) },
  { name: 'max timestamp 0', change: withHeader({ maxTimestamp: 0n }) },
  {
    name: 'max timestamp too low',
    change: (good) => ({ ...good, maxTimestamp: (good.baseTimestamp ?? 0n) - 10n }),
  },
  {
    name: 'max timestamp too high',
    change: (good) => ({ ...good, maxTimestamp: (good.baseTimestamp ?? 0n) + 1000n }),
  },
  {
    name: 'max timestamp of next year',
    change: (good) => ({ ...good, maxTimestamp: (good.baseTimestamp ?? 0n) + 365n * DAY }),
  },
  { name: 'base timestamp -1', change: withHeader({ baseTimestamp: -1n }) },
  {
    name: 'base timestamp -1, max timestamp -1',
    change: (good) => ({
      ...good,
      baseTimestamp: -1n,
      maxTimestamp: -1n,
      records: good.records.map((record) => ({ ...record, timestampDelta: 0n })),
    }),
  },
  { name: 'base timestamp -5', change: withHeader({ baseTimestamp: -5n }) },
  {
    name: 'timestamps of next year',
    change: (good) => ({ ...good, baseTimestamp: (good.baseTimestamp ?? 0n) + 365n * DAY }),
  },
  {
    name: 'timestamps of the year 2001',
    change: withHeader({ baseTimestamp: 1_000_000_000_000n }),
  },
  { name: 'timestamp overflow', change: withHeader({ baseTimestamp: 0x7fffffffffffffffn }) },
  { name: 'trailing byte after the batch', change: withHeader({ trailer: bytes(0) }) },
  { name: 'trailing zeros after the batch', change: withHeader({ trailer: Buffer.alloc(80) }) },
  { name: 'length -1000', change: withHeader({ length: -1000 }) },
  { name: 'length 48', change: withHeader({ length: 48 }) },
  { name: 'length 14', change: withHeader({ length: 14 }) },
  { name: 'length 0', change: withHeader({ length: 0 }) },
  { name: 'length 1 GiB', change: withHeader({ length: 1 << 30 }) },

  // Producers.
  {
    name: 'producer id without a sequence',
    change: withHeader({ producerId: 900n, producerEpoch: 0, baseSequence: -1 }),
  },
  {
    name: 'producer id without an epoch',
    change: (good) => ({
      ...good,
      producerId: good.baseTimestamp ?? 0n,
      producerEpoch: -1,
      baseSequence: 0,
    }),
  },
  { name: 'producer id -2', change: withHeader({ producerId: -2n, baseSequence: 0 }) },
  {
    name: 'sequence without a producer id',
    change: withHeader({ producerId: -1n, producerEpoch: 3, baseSequence: 5 }),
  },

  // Records.
  ...[0, 2].flatMap((at): Corruption[] => [
    { name: `size of record ${at} 0`, change: withRecord(at, { size: 0 }) },
    { name: `size of record ${at} -1`, change: withRecord(at, { size: -1 }) },
    { name: `size of record ${at} one less`, change: withRecord(at, { size: 9 }) },
    { name: `size of record ${at} one more`, change: withRecord(at, { size: 11 }) },
    { name: `size of record ${at} two billion`, change: withRecord(at, { size: 0x7fffffff }) },
    { name: `key size of record ${at} -2`, change: withRecord(at, { keySize: -2 }) },
    { name: `key size of record ${at} too large`, change: withRecord(at, { keySize: 40 }) },
    { name: `value size of record ${at} -2`, change: withRecord(at, { valueSize: -2 }) },
    { name: `value size of record ${at} too large`, change: withRecord(at, { valueSize: 40 }) },
    {
      name: `value size of record ${at} two billion`,
      change: withRecord(at, { valueSize: 0x7fffffff }),
    },
    { name: `${at}: header count -1`, change: withRecord(at, { headerCount: -1 }) },
    { name: `${at}: header count 1 over 0`, change: withRecord(at, { headerCount: 1 }) },
    {
      name: `${at}: header count of two billion`,
      change: withRecord(at, { headerCount: 0x7fffffff }),
    },
    {
      name: `${at}: null header key`,
      change: withRecord(at, { headers: [{ key: null, value: bytes(1) }] }),
    },
    {
      name: `${at}: header key size -2`,
      change: withRecord(at, { headers: [{ key: bytes(97), keySize: -2, value: bytes(1) }] }),
    },
    {
      name: `${at}: header key too large`,
      change: withRecord(at, { headers: [{ key: bytes(97), keySize: 50, value: bytes(1) }] }),
    },
    {
      name: `${at}: header value size -2`,
      change: withRecord(at, { headers: [{ key: bytes(97), value: bytes(1), valueSize: -2 }] }),
    },
    {
      name: `${at}: header value too large`,
      change: withRecord(at, { headers: [{ key: bytes(97), value: bytes(1), valueSize: 50 }] }),
    },
    { name: `${at}: bytes after the headers`, change: withRecord(at, { extra: bytes(1, 2, 3) }) },
    {
      name: `${at}: bytes after the headers that read as a record`,
      change: withRecord(at, { extra: encodeRecord({ key: bytes(1), value: bytes(2) }, at + 1) }),
    },
    { name: `${at}: null key`, change: withRecord(at, { key: null }) },
    { name: `${at}: null value`, change: withRecord(at, { value: null }) },
    { name: `${at}: attributes`, change: withRecord(at, { attributes: 0x55 }) },
    { name: `${at}: offset delta -1`, change: withRecord(at, { offsetDelta: -1 }) },
    { name: `${at}: offset delta 7`, change: withRecord(at, { offsetDelta: 7 }) },
    {
      name: `${at}: offset delta two billion`,
      change: withRecord(at, { offsetDelta: 0x7fffffff }),
    },
    {
      name: `${at}: timestamp of last year`,
      change: withRecord(at, { timestampDelta: -365n * DAY }),
    },
    {
      name: `${at}: timestamp of next year`,
      change: withRecord(at, { timestampDelta: 365n * DAY }),
    },
    {
      name: `${at}: timestamp of next year, max timestamp as if it were not`,
      change: (good) => ({
        ...withRecord(at, { timestampDelta: 365n * DAY })(good),
        maxTimestamp: good.baseTimestamp ?? 0n,
      }),
    },
    {
      name: `${at}: timestamp in two hours`,
      change: withRecord(at, { timestampDelta: 7_200_000n }),
    },
    {
      name: `${at}: no timestamp`,
      change: (good) => withRecord(at, { timestampDelta: -1n - (good.baseTimestamp ?? 0n) })(good),
    },
    {
      name: `${at}: timestamp -7`,
      change: (good) => withRecord(at, { timestampDelta: -7n - (good.baseTimestamp ?? 0n) })(good),
    },
  ]),
  {
    name: 'all offset deltas 0',
    change: (good) => ({
      ...good,
      records: good.records.map((record) => ({ ...record, offsetDelta: 0 })),
    }),
  },
  {
    name: 'decreasing offset deltas',
    change: (good) => ({
      ...good,
      records: good.records.map((record, i) => ({ ...record, offsetDelta: 2 - i })),
    }),
  },
  {
    name: 'offset deltas from 1',
    change: (good) => ({
      ...good,
      records: good.records.map((record, i) => ({ ...record, offsetDelta: i + 1 })),
    }),
  },
  {
    name: 'null keys',
    change: (good) => ({
      ...good,
      records: good.records.map((record) => ({ ...record, key: null })),
    }),
  },
  {
    name: 'timestamps of next year and last year, and a null key',
    change: (good) => ({
      ...good,
      records: good.records.map((record, i) => ({
        ...record,
        key: i === 1 ? null : (record.key ?? null),
        timestampDelta: i === 0 ? 365n * DAY : i === 2 ? -365n * DAY : 0n,
      })),
    }),
  },
  {
    name: 'headers',
    change: withRecord(1, {
      headers: [
        { key: bytes(97), value: bytes(1) },
        { key: bytes(), value: null },
        { key: bytes(0xff, 0xfe), value: bytes() },
      ],
    }),
  },

  // Bytes of the records.
  {
    name: 'a byte after the last record',
    change: withHeader({ payload: (payload) => Buffer.concat([payload, bytes(0)]) }),
  },
  {
    name: 'many bytes after the last record',
    change: withHeader({ payload: (payload) => Buffer.concat([payload, Buffer.alloc(300, 7)]) }),
  },
  {
    name: 'a record after the last record',
    change: withHeader({
      payload: (payload) =>
        Buffer.concat([payload, encodeRecord({ key: bytes(1), value: bytes(2) }, 3)]),
    }),
  },
  {
    name: 'one byte missing',
    change: withHeader({ payload: (payload) => payload.subarray(0, -1) }),
  },
  { name: 'no bytes', change: withHeader({ payload: () => Buffer.alloc(0) }) },
  {
    name: 'size in six bytes',
    change: withHeader({
      payload: (payload) =>
        Buffer.concat([
          bytes((payload[0] ?? 0) | 0x80, 0x80, 0x80, 0x80, 0x80, 0),
          payload.subarray(1),
        ]),
    }),
  },
  {
    name: 'size in two bytes',
    change: withHeader({
      payload: (payload) =>
        Buffer.concat([bytes((payload[0] ?? 0) | 0x80, 0), payload.subarray(1)]),
    }),
  },
  {
    name: 'garbage instead of records',
    change: withHeader({ payload: (payload) => Buffer.alloc(payload.length, 0xa7) }),
  },

  // Compressed bytes. Without compression these are the records themselves.
  {
    name: 'garbage instead of compressed bytes',
    change: withHeader({ compressed: (data) => Buffer.alloc(data.length, 0x5a) }),
  },
  {
    name: 'half of the compressed bytes',
    change: withHeader({ compressed: (data) => data.subarray(0, data.length >> 1) }),
  },
  {
    name: 'all but one of the compressed bytes',
    change: withHeader({ compressed: (data) => data.subarray(0, -1) }),
  },
  {
    name: 'a byte after the compressed bytes',
    change: withHeader({ compressed: (data) => Buffer.concat([data, bytes(9)]) }),
  },
  {
    name: 'the compressed bytes twice',
    change: withHeader({ compressed: (data) => Buffer.concat([data, data]) }),
  },
  { name: 'no compressed bytes', change: withHeader({ compressed: () => Buffer.alloc(0) }) },
  {
    name: 'a flipped byte in the compressed bytes',
    change: withHeader({
      compressed: (data) => {
        const copy = Buffer.from(data)
        const at = copy.length >> 1
        copy[at] = (copy[at] ?? 0) ^ 0x40
        return copy
      },
    }),
  },
]

/** Three records with the current time, as a producer sends them. */
export function goodBatch(nowMs: bigint, producer?: { id: bigint; sequence: number }): RawBatch {
  return {
    baseTimestamp: nowMs,
    records: [0, 1, 2].map((i) => ({
      timestampDelta: BigInt(i),
      key: Buffer.from(`k${i}`),
      value: Buffer.from(`v${i}`),
    })),
    ...(producer === undefined
      ? {}
      : { producerId: producer.id, producerEpoch: 0, baseSequence: producer.sequence }),
  }
}
