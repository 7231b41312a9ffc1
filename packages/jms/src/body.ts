// SPDX-License-Identifier: Apache-2.0
import { MessageFormatException } from './exceptions.ts'
import { Message } from './message/message.ts'
import { messageFactories } from './message-factories.ts'

/**
 * Values accepted in place of a message: text is sent as a TextMessage, bytes as a BytesMessage, a
 * Map as a MapMessage, other plain data as an ObjectMessage, and null as a Message without a body.
 */
export type Body = Message | string | Uint8Array | ReadonlyMap<string, unknown> | object | null

/**
 * Returns the message for a body. Throws `MessageFormatException` if the value cannot be a body.
 */
export function messageOf(body: unknown): Message {
  if (body instanceof Message) return body
  if (body === null) return messageFactories.createMessage()
  if (typeof body === 'string') return messageFactories.createTextMessage(body)
  if (body instanceof Uint8Array) {
    const message = messageFactories.createBytesMessage()
    message.writeBytes(body)
    return message
  }
  if (body instanceof Map) {
    const message = messageFactories.createMapMessage()
    for (const [name, value] of body as ReadonlyMap<string, unknown>) message.setObject(name, value)
    return message
  }
  if (typeof body === 'object') return messageFactories.createObjectMessage(body)
  throw new MessageFormatException(
    `invalid body of type ${typeof body}: expected a message, text, bytes, a Map or plain data`,
  )
}
