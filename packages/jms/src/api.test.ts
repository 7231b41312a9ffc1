// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  BytesMessage,
  Connection,
  ConnectionConsumer,
  ConnectionFactory,
  JMSConsumer,
  JMSContext,
  JMSProducer,
  MapMessage,
  Message,
  MessageConsumer,
  MessageProducer,
  ObjectMessage,
  Queue,
  QueueBrowser,
  QueueRequestor,
  Session,
  StreamMessage,
  TemporaryQueue,
  TemporaryTopic,
  TextMessage,
  Topic,
  TopicRequestor,
} from './index.ts'

/**
 * Interfaces of Jakarta Messaging 3.1 except XA: the class that implements each, and its methods.
 */
const interfaces: readonly (readonly [string, { readonly prototype: object }, string])[] = [
  ['ConnectionFactory', ConnectionFactory, 'createConnection createContext'],
  [
    'Connection',
    Connection,
    'close createConnectionConsumer createDurableConnectionConsumer createSession createSharedConnectionConsumer createSharedDurableConnectionConsumer getClientID getExceptionListener getMetaData setClientID setExceptionListener start stop',
  ],
  [
    'Session',
    Session,
    'close commit createBrowser createBytesMessage createConsumer createDurableConsumer createDurableSubscriber createMapMessage createMessage createObjectMessage createProducer createQueue createSharedConsumer createSharedDurableConsumer createStreamMessage createTemporaryQueue createTemporaryTopic createTextMessage createTopic getAcknowledgeMode getMessageListener getTransacted recover rollback run setMessageListener unsubscribe',
  ],
  [
    'JMSContext',
    JMSContext,
    'acknowledge close commit createBrowser createBytesMessage createConsumer createContext createDurableConsumer createMapMessage createMessage createObjectMessage createProducer createQueue createSharedConsumer createSharedDurableConsumer createStreamMessage createTemporaryQueue createTemporaryTopic createTextMessage createTopic getAutoStart getClientID getExceptionListener getMetaData getSessionMode getTransacted recover rollback setAutoStart setClientID setExceptionListener start stop unsubscribe',
  ],
  [
    'MessageProducer',
    MessageProducer,
    'close getDeliveryDelay getDeliveryMode getDestination getDisableMessageID getDisableMessageTimestamp getPriority getTimeToLive send setDeliveryDelay setDeliveryMode setDisableMessageID setDisableMessageTimestamp setPriority setTimeToLive',
  ],
  [
    'JMSProducer',
    JMSProducer,
    'clearProperties getAsync getBooleanProperty getByteProperty getDeliveryDelay getDeliveryMode getDisableMessageID getDisableMessageTimestamp getDoubleProperty getFloatProperty getIntProperty getJMSCorrelationID getJMSCorrelationIDAsBytes getJMSReplyTo getJMSType getLongProperty getObjectProperty getPriority getPropertyNames getShortProperty getStringProperty getTimeToLive propertyExists send setAsync setDeliveryDelay setDeliveryMode setDisableMessageID setDisableMessageTimestamp setJMSCorrelationID setJMSCorrelationIDAsBytes setJMSReplyTo setJMSType setPriority setProperty setTimeToLive',
  ],
  [
    'MessageConsumer',
    MessageConsumer,
    'close getMessageListener getMessageSelector receive receiveNoWait setMessageListener',
  ],
  [
    'JMSConsumer',
    JMSConsumer,
    'close getMessageListener getMessageSelector receive receiveBody receiveBodyNoWait receiveNoWait setMessageListener',
  ],
  ['QueueBrowser', QueueBrowser, 'close getEnumeration getMessageSelector getQueue'],
  [
    'Message',
    Message,
    'acknowledge clearBody clearProperties getBody getBooleanProperty getByteProperty getDoubleProperty getFloatProperty getIntProperty getJMSCorrelationID getJMSCorrelationIDAsBytes getJMSDeliveryMode getJMSDeliveryTime getJMSDestination getJMSExpiration getJMSMessageID getJMSPriority getJMSRedelivered getJMSReplyTo getJMSTimestamp getJMSType getLongProperty getObjectProperty getPropertyNames getShortProperty getStringProperty isBodyAssignableTo propertyExists setBooleanProperty setByteProperty setDoubleProperty setFloatProperty setIntProperty setJMSCorrelationID setJMSCorrelationIDAsBytes setJMSDeliveryMode setJMSDeliveryTime setJMSDestination setJMSExpiration setJMSMessageID setJMSPriority setJMSRedelivered setJMSReplyTo setJMSTimestamp setJMSType setLongProperty setObjectProperty setShortProperty setStringProperty',
  ],
  ['TextMessage', TextMessage, 'getText setText'],
  [
    'BytesMessage',
    BytesMessage,
    'getBodyLength readBoolean readByte readBytes readChar readDouble readFloat readInt readLong readShort readUTF readUnsignedByte readUnsignedShort reset writeBoolean writeByte writeBytes writeChar writeDouble writeFloat writeInt writeLong writeObject writeShort writeUTF',
  ],
  [
    'MapMessage',
    MapMessage,
    'getBoolean getByte getBytes getChar getDouble getFloat getInt getLong getMapNames getObject getShort getString itemExists setBoolean setByte setBytes setChar setDouble setFloat setInt setLong setObject setShort setString',
  ],
  [
    'StreamMessage',
    StreamMessage,
    'readBoolean readByte readBytes readChar readDouble readFloat readInt readLong readObject readShort readString reset writeBoolean writeByte writeBytes writeChar writeDouble writeFloat writeInt writeLong writeObject writeShort writeString',
  ],
  ['ObjectMessage', ObjectMessage, 'getObject setObject'],
  ['Queue', Queue, 'getQueueName toString'],
  ['Topic', Topic, 'getTopicName toString'],
  ['TemporaryQueue', TemporaryQueue, 'delete'],
  ['TemporaryTopic', TemporaryTopic, 'delete'],
  ['QueueRequestor', QueueRequestor, 'close request'],
  ['TopicRequestor', TopicRequestor, 'close request'],
  ['ConnectionConsumer', ConnectionConsumer, 'close getServerSessionPool'],
  [
    'QueueSession',
    Session,
    'createBrowser createQueue createReceiver createSender createTemporaryQueue',
  ],
  [
    'TopicSession',
    Session,
    'createDurableSubscriber createPublisher createSubscriber createTemporaryTopic createTopic unsubscribe',
  ],
  ['QueueConnection', Connection, 'createConnectionConsumer createQueueSession'],
  [
    'TopicConnection',
    Connection,
    'createConnectionConsumer createDurableConnectionConsumer createTopicSession',
  ],
  ['QueueConnectionFactory', ConnectionFactory, 'createQueueConnection'],
  ['TopicConnectionFactory', ConnectionFactory, 'createTopicConnection'],
  ['QueueSender', MessageProducer, 'getQueue send'],
  ['TopicPublisher', MessageProducer, 'getTopic publish'],
  ['QueueReceiver', MessageConsumer, 'getQueue'],
  ['TopicSubscriber', MessageConsumer, 'getNoLocal getTopic'],
]

describe('Jakarta Messaging 3.1', () => {
  for (const [name, Class, methods] of interfaces) {
    it(`${name} has all its methods`, () => {
      const missing = methods.split(' ').filter((method) => {
        return typeof (Class.prototype as Record<string, unknown>)[method] !== 'function'
      })
      assert.deepEqual(missing, [])
    })
  }

  it('rejects XA and names the alternative', async () => {
    await assert.rejects(new ConnectionFactory().createXAConnection(), /transacted session/)
  })

  it('rejects unknown options and suggests the nearest one', () => {
    assert.throws(
      () => new ConnectionFactory('amqp://localhost:5672?jms.clientId=x'),
      /unknown option jms\.clientId in the URL; did you mean jms\.clientID\?/,
    )
    assert.throws(
      () => new ConnectionFactory('amqp://localhost?jms.sendTimeout=soon'),
      /whole number/,
    )
  })
})
