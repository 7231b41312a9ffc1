// SPDX-License-Identifier: Apache-2.0
import { EncodedMessage, encodeMessage, Section } from '@millrace/amqp'

const SECTIONS_BEFORE = [Section.header, Section.deliveryAnnotations, Section.messageAnnotations]

/**
 * The message with the authenticated user as its user id (`JMSXUserID`), in place of what the
 * client wrote there. Throws `MalformedInputError`.
 */
export function withUserId(message: EncodedMessage, username: string): EncodedMessage {
  const { properties } = message
  const userId = Buffer.from(username)
  if (properties.userId?.equals(userId) === true) return message
  const before = SECTIONS_BEFORE.map((section) => message.slice(section))
  const skipped = [...before, message.slice(Section.properties)]
  const restStart = skipped.reduce((size, section) => size + section.length, 0)
  const encoded = encodeMessage({ properties: { ...properties, userId } })
  return new EncodedMessage(Buffer.concat([...before, encoded, message.bytes.subarray(restStart)]))
}
