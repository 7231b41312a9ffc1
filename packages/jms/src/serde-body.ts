// SPDX-License-Identifier: Apache-2.0
import type { BodyCodec } from './body-codec.ts'
import { MessageFormatException } from './exceptions.ts'
import { BytesMessage } from './message/bytes-message.ts'
import type { Message } from './message/message.ts'

/** Where a serde's value belongs. */
interface BodyContext {
  /** Name of the topic. */
  readonly topic: string
  /** Always `value`. */
  readonly part: 'value'
  /** Headers of the record: a message has none for its schema. */
  readonly headers: BodyHeaders
}

/** Headers of a message, as a serde sees them: none. */
interface BodyHeaders {
  /** Always undefined. */
  get(name: string): undefined
  /** Throws: the id of a schema must be in the body. */
  set(name: string, value: Uint8Array | string | null): void
}

/** A serde of Kafka records: of `@millrace/client`, or of a schema registry. */
export interface BodySerde<T> {
  /** Writes a value. */
  serialize(value: T, context: BodyContext): Uint8Array | string
  /** Reads a value. */
  deserialize(bytes: Buffer, context: BodyContext): T
  /** Obtains what `serialize` needs. */
  prepareSerialize?(value: T, context: BodyContext): Promise<void> | undefined
  /** Obtains what `deserialize` needs. */
  prepareDeserialize?(bytes: Buffer, context: BodyContext): Promise<void> | undefined
}

/**
 * Codec for the values of a Kafka serde, such as `avroSerde(…)` of a registry: a BytesMessage
 * with the serde's bytes. On a provider over Kafka, its record can be read with the same serde.
 * `topic` is the name of the destination, from which a registry derives the subject.
 */
export function serdeBody<T>(serde: BodySerde<T>, topic: string): BodyCodec<T> {
  const headers: BodyHeaders = {
    get: () => undefined,
    set: (name) => {
      throw new MessageFormatException(
        `a message has no header ${name}: the schema's id must be in its body (idIn: 'prefix')`,
      )
    },
  }
  const context: BodyContext = { topic, part: 'value', headers }
  const bytesOf = (message: Message): Buffer => {
    if (message instanceof BytesMessage) return message.toBuffer()
    throw new MessageFormatException(`a ${message.constructor.name} has no bytes for a serde`)
  }
  return {
    prepareEncode: (value) => serde.prepareSerialize?.(value, context),
    prepareDecode: (message) =>
      message instanceof BytesMessage
        ? serde.prepareDeserialize?.(message.toBuffer(), context)
        : undefined,
    encode(value) {
      const bytes = failing('encode', () => serde.serialize(value, context))
      const message = new BytesMessage()
      message.writeBytes(Buffer.from(bytes))
      return message
    },
    decode(message) {
      const bytes = bytesOf(message)
      return failing('decode', () => serde.deserialize(bytes, context))
    },
  }
}

function failing<T>(what: 'encode' | 'decode', call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (error instanceof MessageFormatException) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new MessageFormatException(`cannot ${what} the body: ${reason}`, undefined, error)
  }
}
