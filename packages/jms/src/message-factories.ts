// SPDX-License-Identifier: Apache-2.0
import { Queue, Topic } from './destination.ts'
import { BytesMessage } from './message/bytes-message.ts'
import { MapMessage } from './message/map-message.ts'
import { Message } from './message/message.ts'
import { ObjectMessage } from './message/object-message.ts'
import { StreamMessage } from './message/stream-message.ts'
import { TextMessage } from './message/text-message.ts'

/** Creates messages and destinations without a provider. */
export const messageFactories = {
  createMessage(): Message {
    return new Message()
  },
  createTextMessage(text?: string | null): TextMessage {
    const message = new TextMessage()
    if (text !== undefined) message.setText(text)
    return message
  },
  createBytesMessage(): BytesMessage {
    return new BytesMessage()
  },
  createMapMessage(): MapMessage {
    return new MapMessage()
  },
  createStreamMessage(): StreamMessage {
    return new StreamMessage()
  },
  createObjectMessage(object?: unknown): ObjectMessage {
    const message = new ObjectMessage()
    if (object !== undefined) message.setObject(object)
    return message
  },
  createQueue(queueName: string): Queue {
    return new Queue(queueName)
  },
  createTopic(topicName: string): Topic {
    return new Topic(topicName)
  },
}
