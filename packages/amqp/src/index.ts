// SPDX-License-Identifier: Apache-2.0
export { AmqpError, Condition, conditionOf } from './amqp-error.ts'
export {
  type AnyComposite,
  compositeFrom,
  decodeComposite,
  encodeComposite,
} from './codec/composite.ts'
export { decodeValue, skipValue } from './codec/decode.ts'
export { Encoder } from './codec/encoder.ts'
export {
  AmqpArray,
  type AmqpMap,
  type AmqpValue,
  byte,
  Described,
  numberOf,
  type PrimitiveType,
  symbol,
  Typed,
  textOf,
  timestamp,
  ubyte,
  uint,
  ulong,
} from './codec/types.ts'
export { type ConnectToOptions, checkUrl, connect } from './connect.ts'
export {
  AmqpConnection,
  type ConnectionHandler,
  type ConnectionOptions,
  type HeldBytes,
  type SaslLayer,
  type SaslStep,
} from './connection.ts'
export {
  accepted,
  type Coordinator,
  type DeliveryState,
  type ErrorCondition,
  HeaderSection,
  type Outcome,
  PropertiesSection,
  released,
  type Source,
  type Target,
} from './definitions/messaging.ts'
export type { Attach, Detach, Open } from './definitions/performatives.ts'
export type { IncomingDelivery, OutgoingDelivery } from './delivery.ts'
export { type ForeignProtocol, foreignProtocolOf } from './foreign-protocol.ts'
export {
  amqpIdOf,
  ConnectionCapability,
  JmsAnnotation,
  JmsCapability,
  JmsDestinationType,
  JmsFilter,
  JmsMessageType,
  jmsCorrelationIdOf,
  jmsIdOf,
} from './jms-mapping.ts'
export type {
  Link,
  LinkHandler,
  LinkOptions,
  ReceiverHandler,
  ReceiverLink,
  SenderHandler,
  SenderLink,
  SendOptions,
} from './link.ts'
export {
  EncodedMessage,
  encodeMessage,
  type MessageBody,
  type MessageInput,
  Section,
} from './message.ts'
export { type ListenForOptions, listen, serve } from './network/listen.ts'
export { mechanisms, type SaslCredentials, type SaslMechanism } from './sasl/sasl-client.ts'
export { type Authenticator, saslServer, type TokenUser } from './sasl/sasl-server.ts'
export type { Session, SessionHandler } from './session.ts'
