// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ConnectionFactory,
  type Destination,
  InvalidOptionException,
  JMSException,
  jmsListener,
  json,
  MapMessage,
  Message,
  MessageFormatException,
  ObjectMessage,
  Queue,
  TextMessage,
  Topic,
} from './index.ts'

const factory = new ConnectionFactory('amqp://localhost:1')

/** Options, and the expected error message. */
type Case = readonly [options: unknown, message: RegExp]

/** The compiler rejects these options; JavaScript callers can still pass them. */
const listen = (options: unknown, destination: unknown = 'orders'): Promise<unknown> =>
  jmsListener(destination as string, () => {}, options as { connection: ConnectionFactory })

describe('options of jmsListener', () => {
  const cases: readonly Case[] = [
    [undefined, /jmsListener: invalid options undefined: expected an object/],
    [{}, /jmsListener: invalid connection undefined: expected a ConnectionFactory or a Connection/],
    [
      { connection: 'amqp://localhost:5672' },
      /invalid connection "amqp:\/\/localhost:5672": expected .* new ConnectionFactory\("amqp:/,
    ],
    [{ connection: {} }, /invalid connection an object of class Object: expected/],
    [
      { acknowledge: 'transaction' },
      /invalid acknowledge "transaction": expected "auto", "client", "transacted", "dups-ok"; did you mean "transacted"\?/,
    ],
    [{ acknowlege: 'auto' }, /jmsListener: unknown option acknowlege; did you mean acknowledge\?/],
    [{ xyz: 1 }, /jmsListener: unknown option xyz: expected one of connection, concurrency, /],
    [{ concurrency: 0 }, /invalid concurrency 0: expected a whole number from 1/],
    [{ concurrency: '2' }, /invalid concurrency "2": expected a whole number from 1/],
    [{ concurrency: 1.5 }, /invalid concurrency 1\.5/],
    [{ retry: 3 }, /jmsListener: invalid retry 3: expected an object with maxAttempts/],
    [{ retry: { maxAttemps: 3 } }, /retry: unknown option maxAttemps; did you mean maxAttempts\?/],
    [{ retry: { maxAttempts: 0 } }, /retry: invalid maxAttempts 0: expected a whole number from 1/],
    [{ retry: { backoffMs: -1 } }, /retry: invalid backoffMs -1: expected a number from 0/],
    [{ retry: { multiplier: Number.NaN } }, /retry: invalid multiplier NaN/],
    [{ selector: 5 }, /invalid selector 5: expected text/],
    [{ durable: true }, /durable requires subscription, the name of the subscription/],
    [{ shared: true }, /shared requires subscription/],
    [{ durable: 'yes', subscription: 's' }, /invalid durable "yes": expected true or false/],
    [{ subscription: '' }, /invalid subscription "": expected non-empty text/],
    [{ subscription: 's', shared: false }, /subscription "s" must be durable or shared/],
    [{ signal: {} }, /invalid signal an object of class Object: expected an AbortSignal/],
    [{ onError: 'log' }, /invalid onError "log": expected a function/],
    [{ body: JSON }, /invalid body .*: expected a codec such as json\(\)/],
  ]
  for (const [options, message] of cases) {
    it(`are rejected: ${message.source.slice(0, 60)}`, async () => {
      const given =
        typeof options === 'object' && Object.keys(options ?? {}).length > 0
          ? { connection: factory, ...options }
          : options
      await assert.rejects(listen(given), (error) => {
        assert.ok(error instanceof InvalidOptionException, String(error))
        assert.ok(error instanceof JMSException)
        assert.equal(error.code, 'JMS_INVALID_OPTION')
        assert.match(error.message, message)
        return true
      })
    })
  }

  it('must match the destination and the handler', async () => {
    const refused = (promise: Promise<unknown>, message: RegExp): Promise<void> =>
      assert.rejects(promise, { name: 'InvalidOptionException', message })
    const given = { connection: factory }
    await refused(listen(given, 5), /invalid destination 5: expected a Queue, a Topic or a name/)
    await assert.rejects(listen(given, ''), { name: 'InvalidDestinationException' })
    await refused(
      listen({ ...given, subscription: 's' }, new Queue('q')),
      /subscription "s" of the queue q: only topics have subscriptions/,
    )
    await refused(
      listen({ ...given, concurrency: 2 }, new Topic('t')),
      /concurrency 2 on the topic t requires shared/,
    )
    const handler = { onMessage() {} } as unknown as () => void
    await refused(jmsListener('q', handler, given), /invalid handler .*: expected a function/)
  })

  it('are ignored if undefined', async () => {
    const given = { connection: factory, selector: undefined, retry: undefined, body: undefined }
    await assert.rejects(listen(given), /cannot connect to amqp:\/\/localhost:1/)
  })
})

describe('options of a ConnectionFactory', () => {
  const make = (url: unknown, options?: unknown): ConnectionFactory =>
    new ConnectionFactory(url as string, options as object)
  const cases: readonly (readonly [url: unknown, options: unknown, message: RegExp])[] = [
    [5672, undefined, /ConnectionFactory: invalid url 5672: expected text such as "amqp:/],
    [{ url: 'amqp://a' }, undefined, /invalid url an object of class Object/],
    ['localhost:5672', undefined, /invalid URL "localhost:5672": expected amqp:\/\//],
    ['http://localhost', undefined, /invalid URL "http:\/\/localhost"/],
    ['amqp://a:5672,tcp://b:5672', undefined, /invalid URL "tcp:\/\/b:5672"/],
    ['amqp://a?jms.prefetchPolicy.all=-1', undefined, /invalid jms\.prefetchPolicy\.all .*-1/],
    ['amqp://a?jms.sendTimeout=soon', undefined, /sendTimeout=soon .*whole number/],
    ['amqp://a?transport.trustAll=yes', undefined, /trustAll in the URL: "yes": expected true or/],
    ['amqp://a?amqp.saslMechanisms=PLAN', undefined, /saslMechanisms in the URL: \["PLAN"\]/],
    ['amqp://a', 'x', /ConnectionFactory: invalid options "x": expected an object/],
    ['amqp://a', { clientId: 'x' }, /unknown option clientId; did you mean clientID\?/],
    ['amqp://a', { userName: 'x' }, /unknown option userName; did you mean username\?/],
    ['amqp://a', { username: 5 }, /invalid username 5: expected text/],
    ['amqp://a', { clientID: '' }, /invalid clientID "": expected non-empty text/],
    ['amqp://a', { prefetch: '10' }, /invalid prefetch "10": expected a whole number from 0/],
    ['amqp://a', { reconnect: 'true' }, /invalid reconnect "true": expected true or false/],
    ['amqp://a', { maxReconnectAttempts: -2 }, /invalid maxReconnectAttempts -2/],
    ['amqp://a', { saslMechanisms: 'PLAIN' }, /invalid saslMechanisms "PLAIN": expected a list of/],
    ['amqp://a', { tls: true }, /invalid tls true: expected options of tls\.connect/],
    ['amqp://a', { logger: console.log }, /invalid logger the function log: expected a logger/],
  ]
  for (const [url, options, message] of cases) {
    it(`are rejected: ${message.source.slice(0, 60)}`, () => {
      assert.throws(() => make(url, options), { name: 'InvalidOptionException', message })
    })
  }

  it('are also checked in calls of the factory', async () => {
    const call = factory.createConnection as (user: unknown, password?: unknown) => Promise<unknown>
    await assert.rejects(
      call.call(factory, 5),
      /createConnection: invalid username 5: expected text/,
    )
    await assert.rejects(call.call(factory, 'u', {}), /invalid password an object of class Object/)
    await assert.rejects(factory.createContext(9), { name: 'JMSRuntimeException' })
  })
})

describe('json()', () => {
  interface Order {
    readonly id: number
  }
  const orders = json<Order>()

  it('writes text, and reads text, bytes, maps and objects', () => {
    const message = orders.encode({ id: 7 })
    assert.ok(message instanceof TextMessage)
    assert.equal(message.getText(), '{"id":7}')
    assert.deepEqual(orders.decode(message), { id: 7 })
    assert.deepEqual(message.getBody(orders), { id: 7 })
    const map = new MapMessage()
    map.setInt('id', 7)
    assert.deepEqual(orders.decode(map), { id: 7 })
    const object = new ObjectMessage()
    object.setObject({ id: 7 })
    assert.deepEqual(orders.decode(object), { id: 7 })
  })

  it('validates the decoded value and names the invalid message in the error', () => {
    const checked = json((value) => {
      const { id } = value as { readonly id?: unknown }
      if (typeof id !== 'number') throw new Error('id must be a number')
      return { id }
    })
    const message = new TextMessage()
    message.setJMSMessageID('ID:1')
    for (const [text, expected] of [
      ['{', /cannot decode the body of message ID:1: .*JSON/],
      ['{"id":"7"}', /cannot decode the body of message ID:1: id must be a number/],
      [null, /a TextMessage without text has no JSON body/],
    ] as const) {
      message.setText(text)
      assert.throws(() => checked.decode(message), {
        name: 'MessageFormatException',
        message: expected,
      })
    }
    assert.throws(() => checked.decode(new Message()), /a Message has no JSON body/)
    assert.throws(() => json().encode(undefined), MessageFormatException)
    assert.throws(() => json().encode(1n), MessageFormatException)
    assert.throws(() => json('x' as unknown as () => unknown), /json: invalid parse "x"/)
  })

  it('infers the types of handlers', () => {
    // Type checks only: nothing here is called.
    const _typed = (to: Destination): Promise<unknown>[] => [
      jmsListener<TextMessage>(to, (message) => message.getText(), { connection: factory }),
      jmsListener('q', (order, { message, attempt }) => [order.id, message, attempt], {
        connection: factory,
        body: orders,
      }),
      jmsListener<Order>('q', (order) => order.id, { connection: factory, body: json() }),
    ]
    assert.equal(typeof _typed, 'function')
  })
})
