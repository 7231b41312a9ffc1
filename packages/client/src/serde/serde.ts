// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'

/** Headers of a record. */
export interface SerdeHeaders {
  /** Value of the last header of that name; undefined if there is none. */
  get(name: string): Buffer | null | undefined
}

/** Headers of a record that is to be sent. */
export interface SerializerHeaders extends SerdeHeaders {
  /** Replaces all headers of that name by one at the end. */
  set(name: string, value: Uint8Array | string | null): void
}

/** Origin of a key or value. Valid until the call has returned and its promise has settled. */
export interface SerdeContext {
  /** Topic of the record. */
  readonly topic: string
  /** Whether it is the key or the value. */
  readonly part: 'key' | 'value'
  /** Headers of the record. */
  readonly headers: SerdeHeaders
}

/** Destination of a key or value. */
export interface SerializerContext extends SerdeContext {
  /** Headers of the record, which a serializer may change. */
  readonly headers: SerializerHeaders
}

/**
 * Turns values into bytes. A string stands for its UTF-8 bytes. `null` is not passed: it is a
 * record's own null.
 */
export interface Serializer<T> {
  /** Writes a key or value. An exception becomes the cause of a `SerdeError`. */
  serialize(value: T, context: SerializerContext): Uint8Array | string
  /**
   * Obtains what `serialize` needs for a key or value, such as the id of its schema. Called before
   * `serialize`; undefined if nothing is missing. Until the promise resolves the record waits in
   * the producer, and later records of its topic behind it, for at most `deliveryTimeoutMs`. An
   * error fails this record, as the cause of a `SerdeError`. Default: nothing is needed.
   */
  prepareSerialize?(value: T, context: SerializerContext): Promise<void> | undefined
}

/**
 * Converts bytes to values. The bytes share memory with a whole fetched batch: copy them to keep
 * them for long.
 */
export interface Deserializer<T> {
  /** Reads a key or value. An exception becomes the cause of a `SerdeError`. */
  deserialize(bytes: Buffer, context: SerdeContext): T
  /**
   * Obtains what `deserialize` needs for a key or value. Called for each fetched record before it
   * is returned to the application; undefined if nothing is missing. Records wait until the promise
   * resolves; it is called for 16 records at a time. An error is thrown when the key or value is
   * read, as the cause of a `SerdeError`. Default: nothing is needed.
   */
  prepareDeserialize?(bytes: Buffer, context: SerdeContext): Promise<void> | undefined
}

/** Writes and reads keys or values. */
export interface Serde<T> extends Serializer<T>, Deserializer<T> {}

/** A value that its serde refuses. `cause` is the serde's error. */
export class SerdeError extends MillraceError {
  override readonly name = 'SerdeError'
  /** Creates the error; `cause` is what the serde threw. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_SERDE', message, { cause })
  }
}

/** The error of a serde as `SerdeError`. */
export function serdeFailure(
  what: 'serialize' | 'deserialize',
  { topic, part }: Pick<SerdeContext, 'topic' | 'part'>,
  cause: unknown,
): SerdeError {
  if (cause instanceof SerdeError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new SerdeError(
    `cannot ${what} the ${part} of a record of topic ${topic}: ${reason}`,
    cause,
  )
}

function wrongType(
  expected: string,
  value: unknown,
  { topic, part }: Pick<SerdeContext, 'topic' | 'part'>,
): never {
  const found = value === null ? 'null' : typeof value
  throw new SerdeError(`the ${part} for topic ${topic} must be ${expected}, not ${found}`)
}

function sized(bytes: Buffer, size: number, what: string, { topic, part }: SerdeContext): Buffer {
  if (bytes.length === size) return bytes
  throw new SerdeError(
    `the ${part} from topic ${topic} has ${bytes.length} bytes, and ${what} has ${size}`,
  )
}

const utf8: Serde<string> = {
  serialize: (value, context) =>
    typeof value === 'string' ? value : wrongType('a string', value, context),
  deserialize: (data) => data.toString('utf8'),
}

/** UTF-8 text, as Java's StringSerializer. */
export function string(): Serde<string> {
  return utf8
}

/** Bytes as they are. */
export function bytes(): Serde<Buffer> {
  return {
    serialize: (value, context) =>
      value instanceof Uint8Array ? value : wrongType('a Buffer or Uint8Array', value, context),
    deserialize: (data) => data,
  }
}

/** JSON text. */
export function json<T = unknown>(): Serde<T> {
  return {
    serialize(value, { topic, part }) {
      const text = JSON.stringify(value)
      if (text === undefined) {
        throw new SerdeError(`the ${part} for topic ${topic} has no JSON form: ${typeof value}`)
      }
      return text
    },
    deserialize(data, { topic, part }) {
      try {
        return JSON.parse(data.toString('utf8')) as T
      } catch (cause) {
        throw new SerdeError(
          `the ${part} from topic ${topic} is not JSON: ${(cause as Error).message}`,
          cause,
        )
      }
    },
  }
}

function integer(
  name: string,
  size: 2 | 4,
  write: (buffer: Buffer, value: number) => void,
  read: (buffer: Buffer) => number,
): Serde<number> {
  const limit = 2 ** (size * 8 - 1)
  return {
    serialize(value, context) {
      if (!Number.isInteger(value) || value < -limit || value >= limit) {
        throw new SerdeError(
          `the ${context.part} for topic ${context.topic} must be a whole number of ${-limit} to ${limit - 1}, not ${value}`,
        )
      }
      const buffer = Buffer.allocUnsafe(size)
      write(buffer, value)
      return buffer
    },
    deserialize: (data, context) => read(sized(data, size, name, context)),
  }
}

/** 16-bit big-endian, as Java's ShortSerializer. */
export function int16(): Serde<number> {
  return integer(
    'int16',
    2,
    (buffer, value) => buffer.writeInt16BE(value),
    (buffer) => buffer.readInt16BE(),
  )
}

/** 32-bit big-endian, as Java's IntegerSerializer. */
export function int32(): Serde<number> {
  return integer(
    'int32',
    4,
    (buffer, value) => buffer.writeInt32BE(value),
    (buffer) => buffer.readInt32BE(),
  )
}

/** 64-bit big-endian, as Java's LongSerializer. */
export function int64(): Serde<bigint> {
  return {
    serialize(value, context) {
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) {
        throw new SerdeError(
          `the ${context.part} for topic ${context.topic} must be a bigint of 64 bits, not ${typeof value} ${value}`,
        )
      }
      const buffer = Buffer.allocUnsafe(8)
      buffer.writeBigInt64BE(value)
      return buffer
    },
    deserialize: (data, context) => sized(data, 8, 'int64', context).readBigInt64BE(),
  }
}

/** 64-bit IEEE 754, as Java's DoubleSerializer. */
export function float64(): Serde<number> {
  return {
    serialize(value, context) {
      if (typeof value !== 'number') return wrongType('a number', value, context)
      const buffer = Buffer.allocUnsafe(8)
      buffer.writeDoubleBE(value)
      return buffer
    },
    deserialize: (data, context) => sized(data, 8, 'float64', context).readDoubleBE(),
  }
}

/** 32-bit IEEE 754, as Java's FloatSerializer. */
export function float32(): Serde<number> {
  return {
    serialize(value, context) {
      if (typeof value !== 'number') return wrongType('a number', value, context)
      const buffer = Buffer.allocUnsafe(4)
      buffer.writeFloatBE(value)
      return buffer
    },
    deserialize: (data, context) => sized(data, 4, 'float32', context).readFloatBE(),
  }
}

/** One byte, 0 or 1, as Java's BooleanSerializer. */
export function boolean(): Serde<boolean> {
  return {
    serialize: (value, context) =>
      typeof value === 'boolean'
        ? Buffer.from([value ? 1 : 0])
        : wrongType('a boolean', value, context),
    deserialize: (data, context) => sized(data, 1, 'boolean', context)[0] !== 0,
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The 36 characters of a UUID as text, as Java's UUIDSerializer. */
export function uuid(): Serde<string> {
  const check = (text: string, { topic, part }: SerdeContext): string => {
    if (UUID.test(text)) return text
    throw new SerdeError(`the ${part} of topic ${topic} is not a UUID: ${JSON.stringify(text)}`)
  }
  return {
    serialize: (value, context) => check(String(value), context),
    deserialize: (data, context) => check(data.toString('latin1'), context),
  }
}
