// SPDX-License-Identifier: Apache-2.0
import { MessageFormatException } from './exceptions.ts'
import { Message } from './message/message.ts'
import { messageFactories } from './message-factories.ts'

/**
 * What can be sent in place of a message: text becomes a TextMessage, bytes a BytesMessage, a Map a MapMessage, other plain data an
 * ObjectMessage, and null a Message without a body.
 */
export type Body = Message | string | Uint8Array | ReadonlyMap<string, unknown> | object | null

/** The message for a body. Throws `MessageFormatException` for what cannot be one. */
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
    `a ${typeof body} cannot be a body: expected a message, text, bytes, a Map or plain data`,
  )
}
