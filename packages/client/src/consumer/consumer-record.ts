// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'
import { decompress, NO_TIMESTAMP, type RecordBatch } from '@millrace/protocol'
import { type Deserializer, type SerdeContext, serdeFailure } from '../serde/serde.ts'

/** A header of a record. */
export interface Header {
  /** Name. */
  readonly key: string
  /** Value, or null. */
  readonly value: Buffer | null
}

/** Origin of a timestamp: the producer (`CreateTime`) or the broker (`LogAppendTime`). */
export type TimestampType = 'CreateTime' | 'LogAppendTime'

/** How the bytes of one topic's records become values. */
export interface Deserializers<K, V> {
  /** Reads keys. */
  readonly key: Deserializer<K>
  /** Reads values. */
  readonly value: Deserializer<V>
}

/** What all records of a batch share. */
interface Source {
  readonly topic: string
  readonly partition: number
  readonly leaderEpoch: number
  readonly payload: Buffer
  readonly baseOffset: bigint
  readonly timestampType: TimestampType
  readonly deserializers: Deserializers<unknown, unknown>
  readonly deliveryCount: number | undefined
  /** Why keys and values were not prepared, by offset delta and part. */
  failures: Map<string, unknown> | undefined
}

const NO_HEADERS: readonly Header[] = []

/** Calls `prepareDeserialize` for key and value; never rejects. Undefined if nothing is missing. */
export let prepareRecord: (record: ConsumerRecord<unknown, unknown>) => Promise<void> | undefined

/**
 * One fetched record. Key, value and headers are decoded on first access; a deserializer's error is
 * thrown there, so an undecodable record can still be named, skipped or kept as bytes. The bytes
 * share memory with the whole batch: copy them to keep them for long.
 */
export class ConsumerRecord<K = Buffer, V = Buffer, T extends string = string> {
  readonly #source: Source
  readonly #offsetDelta: number
  /**
   * Milliseconds since 1970: the producer's clock or, with `LogAppendTime`, the broker's; -1 for
   * none.
   */
  readonly timestamp: number
  readonly #keyStart: number
  readonly #keySize: number
  readonly #valueSize: number
  readonly #headersStart: number
  #key: K | null | undefined = undefined
  #value: V | null | undefined = undefined

  static {
    prepareRecord = (record) => record.#prepare()
  }

  /** Created by `decodeRecords`. */
  constructor(
    source: Source,
    offsetDelta: number,
    timestamp: number,
    keyStart: number,
    keySize: number,
    valueSize: number,
    headersStart: number,
  ) {
    this.#source = source
    this.#offsetDelta = offsetDelta
    this.timestamp = timestamp
    this.#keyStart = keyStart
    this.#keySize = keySize
    this.#valueSize = valueSize
    this.#headersStart = headersStart
  }

  /** Topic. */
  get topic(): T {
    return this.#source.topic as T
  }
  /** Partition. */
  get partition(): number {
    return this.#source.partition
  }
  /** Offset. */
  get offset(): bigint {
    return this.#source.baseOffset + BigInt(this.#offsetDelta)
  }
  /** Leader epoch; -1 for records of old formats. */
  get leaderEpoch(): number {
    return this.#source.leaderEpoch
  }
  /** Number of deliveries to a share group, including this one; undefined for other consumers. */
  get deliveryCount(): number | undefined {
    return this.#source.deliveryCount
  }
  /** Whether the timestamp is the producer's or the broker's. */
  get timestampType(): TimestampType {
    return this.#source.timestampType
  }

  /** Key as sent, or null. */
  get keyBytes(): Buffer | null {
    if (this.#keySize < 0) return null
    return this.#source.payload.subarray(this.#keyStart, this.#keyStart + this.#keySize)
  }
  /** Value as sent; null is a tombstone. */
  get valueBytes(): Buffer | null {
    if (this.#valueSize < 0) return null
    const end = this.#headersStart
    return this.#source.payload.subarray(end - this.#valueSize, end)
  }

  /** Key, deserialized on first access. Throws `SerdeError`. */
  get key(): K | null {
    if (this.#key === undefined) {
      this.#key = this.#deserialize('key', this.keyBytes) as K | null
    }
    return this.#key
  }
  /** Value, deserialized on first access. Throws `SerdeError`. */
  get value(): V | null {
    if (this.#value === undefined) {
      this.#value = this.#deserialize('value', this.valueBytes) as V | null
    }
    return this.#value
  }

  #deserialize(part: 'key' | 'value', data: Buffer | null): unknown {
    if (data === null) return null
    const { topic, deserializers, failures, payload } = this.#source
    const context = new PartContext(topic, part, payload, this.#headersStart)
    try {
      const name = failures === undefined ? '' : `${this.#offsetDelta} ${part}`
      if (failures?.has(name)) throw failures.get(name)
      return deserializers[part].deserialize(data, context)
    } catch (error) {
      throw serdeFailure('deserialize', context, error)
    }
  }

  #prepare(): Promise<void> | undefined {
    const ofKey = this.#preparePart('key', this.keyBytes)
    const ofValue = this.#preparePart('value', this.valueBytes)
    if (ofKey === undefined || ofValue === undefined) return ofKey ?? ofValue
    return Promise.all([ofKey, ofValue]).then(() => undefined)
  }

  #preparePart(part: 'key' | 'value', data: Buffer | null): Promise<void> | undefined {
    const { topic, deserializers, payload } = this.#source
    const deserializer = deserializers[part]
    if (data === null || deserializer.prepareDeserialize === undefined) return undefined
    const fail = (error: unknown): void => {
      this.#source.failures ??= new Map()
      this.#source.failures.set(`${this.#offsetDelta} ${part}`, error)
    }
    try {
      const context = new PartContext(topic, part, payload, this.#headersStart)
      return deserializer.prepareDeserialize(data, context)?.catch(fail)
    } catch (error) {
      fail(error)
      return undefined
    }
  }

  /** Headers, in their order; names may repeat. */
  get headers(): readonly Header[] {
    return readHeaders(this.#source.payload, this.#headersStart)
  }
  /** The last header of that name, or undefined. */
  header(name: string): Buffer | null | undefined {
    return findHeader(this.#source.payload, this.#headersStart, name)
  }

  /** A plain object for `JSON.stringify`; offsets are text. */
  toJSON(): Record<string, unknown> {
    const { topic, partition, offset, timestamp, key, value, headers } = this
    return { topic, partition, offset: offset.toString(), timestamp, key, value, headers }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): unknown {
    const { topic, partition, offset, timestamp, key, value, headers } = this
    return { topic, partition, offset, timestamp, key, value, headers }
  }
}

/** What a deserializer sees of a record. */
class PartContext implements SerdeContext {
  readonly topic: string
  readonly part: 'key' | 'value'
  readonly #payload: Buffer
  readonly #headersStart: number

  constructor(topic: string, part: 'key' | 'value', payload: Buffer, headersStart: number) {
    this.topic = topic
    this.part = part
    this.#payload = payload
    this.#headersStart = headersStart
  }

  get headers(): SerdeContext['headers'] {
    return { get: (name) => findHeader(this.#payload, this.#headersStart, name) }
  }
}

class VarintReader {
  readonly data: Buffer
  at: number
  constructor(data: Buffer, at: number) {
    this.data = data
    this.at = at
  }

  /** Zig-zag varint of 32 bits. */
  varint(): number {
    const { data } = this
    let byte = data[this.at++] as number
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      byte = data[this.at++] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
      if (byte === undefined) break
    }
    throw new MalformedInputError(`varint at ${this.at} is truncated or longer than 32 bits`)
  }

  /** Zig-zag varint of 64 bits, as a number: exact for all timestamps that a Date can hold. */
  varlong(): number {
    const { data } = this
    let value = 0
    let factor = 1
    for (let i = 0; i < 10; i++) {
      const byte = data[this.at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      factor *= 128
    }
    throw new MalformedInputError(`varlong at ${this.at} is truncated or longer than 64 bits`)
  }
}

function readHeaders(payload: Buffer, start: number): readonly Header[] {
  const reader = new VarintReader(payload, start)
  const count = reader.varint()
  if (count === 0) return NO_HEADERS
  if (count < 0 || count > payload.length - reader.at) {
    throw new MalformedInputError(`a record claims ${count} headers`)
  }
  const headers: Header[] = []
  for (let i = 0; i < count; i++) {
    const keySize = reader.varint()
    const keyEnd = reader.at + keySize
    if (keySize < 0 || keyEnd > payload.length) {
      throw new MalformedInputError(`a header's key has size ${keySize}`)
    }
    const key = payload.toString('utf8', reader.at, keyEnd)
    reader.at = keyEnd
    const valueSize = reader.varint()
    const valueEnd = reader.at + Math.max(0, valueSize)
    if (valueSize < -1 || valueEnd > payload.length) {
      throw new MalformedInputError(`a header's value has size ${valueSize}`)
    }
    headers.push({ key, value: valueSize < 0 ? null : payload.subarray(reader.at, valueEnd) })
    reader.at = valueEnd
  }
  return headers
}

/** Value of the last header of a name, without decoding the others. */
function findHeader(payload: Buffer, start: number, name: string): Buffer | null | undefined {
  const reader = new VarintReader(payload, start)
  const count = reader.varint()
  let found: Buffer | null | undefined
  for (let i = 0; i < count; i++) {
    const keySize = reader.varint()
    const keyEnd = reader.at + keySize
    if (keySize < 0 || keyEnd > payload.length) {
      throw new MalformedInputError(`a header's key has size ${keySize}`)
    }
    // A name has at most three bytes per UTF-16 unit.
    const isIt =
      keySize >= name.length &&
      keySize <= name.length * 3 &&
      payload.toString('utf8', reader.at, keyEnd) === name
    reader.at = keyEnd
    const valueSize = reader.varint()
    const valueEnd = reader.at + Math.max(0, valueSize)
    if (valueSize < -1 || valueEnd > payload.length) {
      throw new MalformedInputError(`a header's value has size ${valueSize}`)
    }
    if (isIt) found = valueSize < 0 ? null : payload.subarray(reader.at, valueEnd)
    reader.at = valueEnd
  }
  return found
}

/**
 * Reads the records of a batch from offset `from`. Keys, values and headers are not decoded. Throws
 * `MalformedInputError` if the bytes are not a batch.
 */
export function decodeRecords(
  batch: RecordBatch,
  {
    topic,
    partition,
    from,
    deserializers,
    acquired,
  }: {
    readonly topic: string
    readonly partition: number
    readonly from: bigint
    readonly deserializers: Deserializers<unknown, unknown>
    /** For share groups: last acquired offset and delivery count. */
    readonly acquired?: { readonly last: bigint; readonly deliveryCount: number }
  },
): ConsumerRecord<unknown, unknown>[] {
  const { compression, count, baseOffset, hasLogAppendTime } = batch
  if (compression === undefined) {
    throw new MalformedInputError(`the batch at offset ${baseOffset} has an unknown compression`)
  }
  const payload = compression === 'none' ? batch.payload : decompress(compression, batch.payload)
  const source: Source = {
    topic,
    partition,
    leaderEpoch: batch.partitionLeaderEpoch,
    payload,
    baseOffset,
    timestampType: hasLogAppendTime ? 'LogAppendTime' : 'CreateTime',
    deserializers,
    deliveryCount: acquired?.deliveryCount,
    failures: undefined,
  }
  const lastDelta =
    acquired === undefined ? Number.POSITIVE_INFINITY : Number(acquired.last - baseOffset)
  const hasTimestamps = batch.baseTimestamp !== NO_TIMESTAMP
  const baseTimestamp = Number(batch.baseTimestamp)
  const appendTime = Number(batch.maxTimestamp)
  const firstDelta = from > baseOffset ? Number(from - baseOffset) : 0
  const records: ConsumerRecord<unknown, unknown>[] = []
  const reader = new VarintReader(payload, 0)
  const { length } = payload
  for (let i = 0; i < count; i++) {
    const size = reader.varint()
    const end = reader.at + size
    if (size < 6 || end > length) {
      throw new MalformedInputError(
        `record ${i} of the batch at offset ${baseOffset} has size ${size}`,
      )
    }
    // One byte of attributes, all unused.
    reader.at++
    const timestampDelta = reader.varlong()
    const offsetDelta = reader.varint()
    const keySize = reader.varint()
    const keyStart = reader.at
    if (keySize > 0) reader.at += keySize
    const valueSize = reader.varint()
    const headersStart = reader.at + (valueSize > 0 ? valueSize : 0)
    if (keySize < -1 || valueSize < -1 || headersStart >= end) {
      throw new MalformedInputError(
        `record ${i} of the batch at offset ${baseOffset} does not fit its ${size} bytes`,
      )
    }
    reader.at = end
    if (offsetDelta < firstDelta || offsetDelta > lastDelta) continue
    const timestamp = hasLogAppendTime
      ? appendTime
      : hasTimestamps
        ? baseTimestamp + timestampDelta
        : -1
    records.push(
      new ConsumerRecord(
        source,
        offsetDelta,
        timestamp,
        keyStart,
        keySize,
        valueSize,
        headersStart,
      ),
    )
  }
  return records
}
