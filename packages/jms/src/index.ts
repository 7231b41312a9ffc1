// SPDX-License-Identifier: Apache-2.0
export type { Body } from './body.ts'
export { type BodyCodec, type BodyEncoder, json } from './body-codec.ts'
export { QueueBrowser } from './browser.ts'
export { Connection, type ConnectionMetaData, type ExceptionListener } from './connection.ts'
export {
  ConnectionConsumer,
  type ServerSession,
  type ServerSessionPool,
} from './connection-consumer.ts'
export { ConnectionFactory } from './connection-factory.ts'
export type { ConnectionFactoryOptions } from './connection-options.ts'
export { MessageConsumer, type MessageListener } from './consumer.ts'
export { Destination, Queue, TemporaryQueue, TemporaryTopic, Topic } from './destination.ts'
export {
  IllegalStateException,
  IllegalStateRuntimeException,
  InvalidClientIDException,
  InvalidClientIDRuntimeException,
  InvalidDestinationException,
  InvalidDestinationRuntimeException,
  InvalidSelectorException,
  InvalidSelectorRuntimeException,
  JMSException,
  JMSRuntimeException,
  JMSSecurityException,
  JMSSecurityRuntimeException,
  MessageEOFException,
  MessageFormatException,
  MessageFormatRuntimeException,
  MessageNotReadableException,
  MessageNotWriteableException,
  MessageNotWriteableRuntimeException,
  ResourceAllocationException,
  ResourceAllocationRuntimeException,
  TransactionInDoubtException,
  TransactionInProgressException,
  TransactionInProgressRuntimeException,
  TransactionRolledBackException,
  TransactionRolledBackRuntimeException,
} from './exceptions.ts'
export { JMSConsumer } from './jms-consumer.ts'
export { JMSContext } from './jms-context.ts'
export {
  type BodyHandler,
  type JmsListener,
  jmsListener,
  type ListenerAcknowledge,
  type ListenerCloseOptions,
  type ListenerContext,
  type ListenerHandler,
  type ListenerOptions,
  type RetryOptions,
  type TypedListenerOptions,
} from './jms-listener.ts'
export { JMSProducer } from './jms-producer.ts'
export { BytesMessage } from './message/bytes-message.ts'
export { MapMessage } from './message/map-message.ts'
export {
  type BodyOf,
  type BodyType,
  DEFAULT_DELIVERY_DELAY,
  DEFAULT_DELIVERY_MODE,
  DEFAULT_PRIORITY,
  DEFAULT_TIME_TO_LIVE,
  DeliveryMode,
  IllegalArgumentException,
  Message,
  makePropertiesWriteable,
} from './message/message.ts'
export { ObjectMessage } from './message/object-message.ts'
export { StreamMessage } from './message/stream-message.ts'
export { TextMessage } from './message/text-message.ts'
export { NullPointerException, NumberFormatException } from './message/values.ts'
export { InvalidOptionException } from './options.ts'
export {
  type CompletionListener,
  MessageProducer,
  UnsupportedOperationException,
} from './producer.ts'
export type { RequestOptions, TypedRequestOptions } from './request-reply.ts'
export { QueueRequestor, TopicRequestor } from './requestor.ts'
export { type BodySerde, serdeBody } from './serde-body.ts'
export { Session } from './session.ts'
