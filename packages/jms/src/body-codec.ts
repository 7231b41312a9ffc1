// SPDX-License-Identifier: Apache-2.0
import { MessageFormatException } from './exceptions.ts'
import { BytesMessage } from './message/bytes-message.ts'
import { MapMessage } from './message/map-message.ts'
import type { Message } from './message/message.ts'
import { ObjectMessage } from './message/object-message.ts'
import { TextMessage } from './message/text-message.ts'
import { InvalidOptionException, type OptionRule, show } from './options.ts'

/** Converts values of one type to and from messages. */
export interface BodyCodec<T> {
  /**
   * Creates a message with the value as its body. Throws `MessageFormatException` if the value
   * cannot be encoded.
   */
  encode(value: T): Message
  /** Returns the value in the body. Throws `MessageFormatException` if the message has none. */
  decode(message: Message): T
  /**
   * Obtains what `encode` needs, such as the id of a schema; listeners call it before. Default:
   * nothing is needed.
   */
  prepareEncode?(value: T): Promise<void> | undefined
  /**
   * Obtains what `decode` needs; listeners and requests call it before. If it rejects with an error
   * that is `retriable`, a listener returns the message and receives it again. Default: nothing is
   * needed.
   */
  prepareDecode?(message: Message): Promise<void> | undefined
}

/** Encoding half of a codec. */
export interface BodyEncoder {
  /** Creates the message whose body is `value`. */
  encode(value: never): Message
  /** Obtains what `encode` needs. Default: nothing is needed. */
  prepareEncode?(value: never): Promise<void> | undefined
}

/** @internal */
export const bodyCodec: OptionRule = {
  expected: 'a codec such as json()',
  accepts: isBodyCodec,
}

export function isBodyCodec(value: unknown): value is BodyCodec<unknown> {
  const codec = value as Partial<BodyCodec<unknown>> | null | undefined
  return typeof codec?.encode === 'function' && typeof codec.decode === 'function'
}

/**
 * Codec for JSON text: writes a TextMessage; reads the text of a TextMessage, the UTF-8 of a
 * BytesMessage, or the data of a MapMessage or ObjectMessage. `parse` validates the decoded value
 * and returns it typed, such as `(value) => Order.parse(value)` with a schema library; without it
 * the type is not checked.
 */
export function json<T = unknown>(parse?: (value: unknown) => T): BodyCodec<T> {
  if (parse !== undefined && typeof parse !== 'function') {
    throw new InvalidOptionException(`json: invalid parse ${show(parse)}: expected a function`)
  }
  return {
    encode(value) {
      // Throws `MessageFormatException` for cycles and bigints.
      const text = textOf(value)
      const message = new TextMessage()
      message.setText(text)
      return message
    },
    decode(message) {
      const value = jsonOf(message)
      if (parse === undefined) return value as T
      try {
        return parse(value)
      } catch (error) {
        throw unreadable(message, error)
      }
    },
  }
}

function textOf(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new MessageFormatException(
      `the value cannot be encoded as JSON: ${(error as Error).message}`,
      undefined,
      error,
    )
  }
  if (text !== undefined) return text
  throw new MessageFormatException(`a ${typeof value} cannot be encoded as JSON`)
}

function jsonOf(message: Message): unknown {
  if (message instanceof MapMessage) return Object.fromEntries(message.getBody(Map) ?? [])
  if (message instanceof ObjectMessage) return message.getObject()
  const text =
    message instanceof TextMessage
      ? message.getText()
      : message instanceof BytesMessage
        ? message.toBuffer().toString('utf8')
        : undefined
  if (typeof text !== 'string') {
    const what = message instanceof TextMessage ? 'TextMessage without text' : nameOf(message)
    throw new MessageFormatException(`a ${what} has no JSON body`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unreadable(message, error)
  }
}

function unreadable(message: Message, error: unknown): MessageFormatException {
  const reason = error instanceof Error ? error.message : String(error)
  return new MessageFormatException(
    `cannot decode the body of message ${message.getJMSMessageID()}: ${reason}`,
    undefined,
    error,
  )
}

function nameOf(message: Message): string {
  return message.constructor.name
}
