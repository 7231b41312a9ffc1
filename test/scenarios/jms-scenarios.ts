// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  BytesMessage,
  type CompletionListener,
  DeliveryMode,
  IllegalStateException,
  InvalidClientIDException,
  InvalidDestinationException,
  InvalidSelectorException,
  JMSContext,
  JMSException,
  jmsListener,
  MapMessage,
  type Message,
  type MessageConsumer,
  ObjectMessage,
  QueueRequestor,
  Session,
  StreamMessage,
  TextMessage,
  TopicRequestor,
} from '@millrace/jms'
import { until } from '../e2e/until.ts'
import type { JmsUnderTest } from './jms-under-test.ts'

const WAIT_MS = 5000
/** Wait after which a test assumes that no message arrives. */
const NOTHING_MS = 300

function textOf(message: Message | null): string | null {
  assert.ok(message instanceof TextMessage, 'a text message')
  return message.getText()
}

async function texts(consumer: MessageConsumer, count: number): Promise<(string | null)[]> {
  const found: (string | null)[] = []
  for (let i = 0; i < count; i++) found.push(textOf(await consumer.receive(WAIT_MS)))
  return found
}

async function nothing(consumer: MessageConsumer): Promise<void> {
  assert.equal(await consumer.receive(NOTHING_MS), null)
}

export function jmsScenarios(jms: () => JmsUnderTest): void {
  it('transfers all five message types with their headers and properties', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('types'))
    await using producer = await session.createProducer(queue)
    await using consumer = await session.createConsumer(queue)

    const text = session.createTextMessage('héllo 🌍')
    text.setJMSType('greeting')
    text.setJMSCorrelationID('c-1')
    text.setJMSReplyTo(session.createTopic('replies'))
    text.setBooleanProperty('aBoolean', true)
    text.setByteProperty('aByte', -7)
    text.setShortProperty('aShort', -700)
    text.setIntProperty('anInt', -70_000)
    text.setLongProperty('aLong', 9_007_199_254_740_993n)
    text.setFloatProperty('aFloat', 1.5)
    text.setDoubleProperty('aDouble', 2.25)
    text.setStringProperty('aString', 'text')
    text.setStringProperty('JMSXGroupID', 'g')
    text.setIntProperty('JMSXGroupSeq', 3)
    await producer.send(text, DeliveryMode.PERSISTENT, 7, 60_000)

    const bytes = session.createBytesMessage()
    bytes.writeInt(42)
    bytes.writeUTF('utf')
    bytes.writeLong(-1n)
    await producer.send(bytes)

    const map = session.createMapMessage()
    map.setInt('int', 1)
    map.setLong('long', 2n)
    map.setChar('char', 'x')
    map.setBytes('bytes', Buffer.from([1, 2, 3]))
    map.setString('null', null)
    await producer.send(map)

    const stream = session.createStreamMessage()
    stream.writeString('one')
    stream.writeDouble(2.5)
    stream.writeBytes(Buffer.from([9, 8, 7]))
    await producer.send(stream)

    await producer.send(session.createObjectMessage({ orders: [1, 2], of: 'me' }))
    await producer.send(session.createMessage())
    await producer.send(session.createTextMessage())

    const gotText = await consumer.receive(WAIT_MS)
    assert.equal(textOf(gotText), 'héllo 🌍')
    assert.equal(gotText?.getJMSType(), 'greeting')
    assert.equal(gotText?.getJMSCorrelationID(), 'c-1')
    assert.equal(gotText?.getJMSReplyTo()?.kind, 'topic')
    assert.equal(String(gotText?.getJMSReplyTo()), 'replies')
    assert.equal(String(gotText?.getJMSDestination()), queue.getQueueName())
    assert.equal(gotText?.getJMSPriority(), 7)
    assert.equal(gotText?.getJMSDeliveryMode(), DeliveryMode.PERSISTENT)
    assert.equal(gotText?.getJMSMessageID(), text.getJMSMessageID())
    assert.equal(gotText?.getJMSTimestamp(), text.getJMSTimestamp())
    assert.equal(gotText?.getJMSExpiration(), text.getJMSExpiration())
    assert.equal(gotText?.getJMSRedelivered(), false)
    assert.equal(gotText?.getBooleanProperty('aBoolean'), true)
    assert.equal(gotText?.getByteProperty('aByte'), -7)
    assert.equal(gotText?.getShortProperty('aShort'), -700)
    assert.equal(gotText?.getIntProperty('anInt'), -70_000)
    assert.equal(gotText?.getLongProperty('aLong'), 9_007_199_254_740_993n)
    assert.equal(gotText?.getFloatProperty('aFloat'), 1.5)
    assert.equal(gotText?.getDoubleProperty('aDouble'), 2.25)
    assert.equal(gotText?.getStringProperty('anInt'), '-70000')
    assert.equal(gotText?.getStringProperty('JMSXGroupID'), 'g')
    assert.equal(gotText?.getIntProperty('JMSXGroupSeq'), 3)
    assert.equal(gotText?.getIntProperty('JMSXDeliveryCount'), 1)
    assert.throws(() => gotText?.setStringProperty('more', 'x'), /read-only/)

    const gotBytes = await consumer.receive(WAIT_MS)
    assert.ok(gotBytes instanceof BytesMessage)
    assert.equal(gotBytes.readInt(), 42)
    assert.equal(gotBytes.readUTF(), 'utf')
    assert.equal(gotBytes.readLong(), -1n)
    assert.throws(() => gotBytes.readByte(), { name: 'MessageEOFException' })

    const gotMap = await consumer.receive(WAIT_MS)
    assert.ok(gotMap instanceof MapMessage)
    assert.equal(gotMap.getInt('int'), 1)
    assert.equal(gotMap.getLong('int'), 1n)
    assert.equal(gotMap.getString('long'), '2')
    assert.equal(gotMap.getChar('char'), 'x')
    assert.deepEqual(gotMap.getBytes('bytes'), Buffer.from([1, 2, 3]))
    assert.equal(gotMap.getString('null'), null)
    assert.equal(gotMap.itemExists('null'), true)

    const gotStream = await consumer.receive(WAIT_MS)
    assert.ok(gotStream instanceof StreamMessage)
    assert.equal(gotStream.readString(), 'one')
    assert.equal(gotStream.readDouble(), 2.5)
    const part = new Uint8Array(2)
    assert.equal(gotStream.readBytes(part), 2)
    assert.equal(gotStream.readBytes(part), 1)

    const gotObject = await consumer.receive(WAIT_MS)
    assert.ok(gotObject instanceof ObjectMessage)
    assert.deepEqual(gotObject.getObject(), { orders: [1, 2], of: 'me' })
    const gotMessage = await consumer.receive(WAIT_MS)
    assert.equal(gotMessage?.constructor.name, 'Message')
    assert.equal(textOf(await consumer.receive(WAIT_MS)), null)
  })

  it('delivers each message of a queue to one consumer, round robin', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('turns'))
    const first = await (await connection.createSession()).createConsumer(queue)
    const second = await (await connection.createSession()).createConsumer(queue)
    await using producer = await session.createProducer(queue)
    for (let i = 0; i < 10; i++) await producer.send(session.createTextMessage(`${i}`))
    const seen = [await texts(first, 5), await texts(second, 5)]
    assert.deepEqual(seen.flat().sort(), [...'0123456789'])
    await nothing(first)
    await nothing(second)
  })

  it('preserves order over a rollback, and counts deliveries', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    const queue = session.createQueue(jms().unique('rollback'))
    await using producer = await session.createProducer(queue)
    for (let i = 0; i < 5; i++) await producer.send(session.createTextMessage(`${i}`))
    await using consumer = await session.createConsumer(queue)
    await nothing(consumer)
    await session.commit()
    assert.deepEqual(await texts(consumer, 3), ['0', '1', '2'])
    await session.rollback()
    const again: [string | null, number, boolean][] = []
    for (let i = 0; i < 5; i++) {
      const message = await consumer.receive(WAIT_MS)
      assert.ok(message)
      const count = message.getIntProperty('JMSXDeliveryCount')
      again.push([textOf(message), count, message.getJMSRedelivered()])
    }
    assert.deepEqual(again, [
      ['0', 2, true],
      ['1', 2, true],
      ['2', 2, true],
      ['3', 1, false],
      ['4', 1, false],
    ])
    await session.commit()
    await nothing(consumer)
  })

  it('commits sends and receipts over two queues and a topic atomically', async () => {
    await using connection = await jms().connect()
    await using other = await connection.createSession()
    const [from, to] = [
      other.createQueue(jms().unique('from')),
      other.createQueue(jms().unique('to')),
    ]
    const topic = other.createTopic(jms().unique('told'))
    await using toConsumer = await other.createConsumer(to)
    await using subscriber = await other.createConsumer(topic)
    await using seeder = await other.createProducer(from)
    await seeder.send(other.createTextMessage('money'))
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    await using consumer = await session.createConsumer(from)
    await using producer = await session.createProducer()
    const move = async (): Promise<void> => {
      const message = await consumer.receive(WAIT_MS)
      assert.ok(message)
      await producer.send(to, session.createTextMessage('moved'))
      await producer.send(topic, session.createTextMessage('told'))
    }
    await move()
    await session.rollback()
    await nothing(toConsumer)
    await nothing(subscriber)
    await move()
    await session.commit()
    assert.deepEqual(await texts(toConsumer, 1), ['moved'])
    assert.deepEqual(await texts(subscriber, 1), ['told'])
    await session.commit()
    await nothing(consumer)
  })

  it('redelivers messages not acknowledged in CLIENT_ACKNOWLEDGE, on recover and after close', async () => {
    await using connection = await jms().connect()
    const session = await connection.createSession(Session.CLIENT_ACKNOWLEDGE)
    const queue = session.createQueue(jms().unique('client'))
    await using producer = await session.createProducer(queue)
    for (let i = 0; i < 4; i++) await producer.send(session.createTextMessage(`${i}`))
    const consumer = await session.createConsumer(queue)
    const first = await consumer.receive(WAIT_MS)
    assert.equal(textOf(first), '0')
    await first?.acknowledge()
    assert.deepEqual(await texts(consumer, 2), ['1', '2'])
    await session.recover()
    const again = await consumer.receive(WAIT_MS)
    assert.equal(textOf(again), '1')
    assert.equal(again?.getJMSRedelivered(), true)
    assert.equal(again?.getIntProperty('JMSXDeliveryCount'), 2)
    await session.close()
    await using next = await connection.createSession(Session.CLIENT_ACKNOWLEDGE)
    await using nextConsumer = await next.createConsumer(queue)
    const left = await nextConsumer.receive(WAIT_MS)
    assert.equal(textOf(left), '1')
    assert.equal(left?.getIntProperty('JMSXDeliveryCount'), 3)
    assert.deepEqual(await texts(nextConsumer, 2), ['2', '3'])
    await left?.acknowledge()
  })

  it('keeps messages of a closed consumer deliverable until they are acknowledged', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession(Session.CLIENT_ACKNOWLEDGE)
    const queue = session.createQueue(jms().unique('closed'))
    await using producer = await session.createProducer(queue)
    await producer.send(session.createTextMessage('a'))
    await producer.send(session.createTextMessage('b'))
    const consumer = await session.createConsumer(queue)
    const message = await consumer.receive(WAIT_MS)
    assert.equal(textOf(message), 'a')
    await consumer.close()
    await message?.acknowledge()
    await using next = await session.createConsumer(queue)
    assert.deepEqual(await texts(next, 1), ['b'])
    await nothing(next)
  })

  it('delivers by priority, then by age', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('priority'))
    await using producer = await session.createProducer(queue)
    for (const [text, priority] of [
      ['low', 1],
      ['usual 1', 4],
      ['high 1', 9],
      ['usual 2', 4],
      ['high 2', 9],
    ] as const) {
      await producer.send(session.createTextMessage(text), DeliveryMode.PERSISTENT, priority, 0)
    }
    await using consumer = await session.createConsumer(queue)
    assert.deepEqual(await texts(consumer, 5), ['high 1', 'high 2', 'usual 1', 'usual 2', 'low'])
  })

  it('expires messages, and delays others until they are due', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('time'))
    await using producer = await session.createProducer(queue)
    await producer.send(session.createTextMessage('expires'), DeliveryMode.PERSISTENT, 4, 100)
    producer.setDeliveryDelay(700)
    const began = performance.now()
    await producer.send(session.createTextMessage('later'))
    producer.setDeliveryDelay(0)
    await producer.send(session.createTextMessage('now'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    await using consumer = await session.createConsumer(queue)
    assert.deepEqual(await texts(consumer, 1), ['now'])
    assert.deepEqual(await texts(consumer, 1), ['later'])
    assert.ok(performance.now() - began >= 690)
    await nothing(consumer)
  })

  it('moves expired messages to the expiry queue', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const name = jms().unique('expiring')
    await using producer = await session.createProducer(session.createQueue(name))
    const message = session.createTextMessage('too late')
    message.setStringProperty('of', name)
    await producer.send(message, DeliveryMode.PERSISTENT, 4, 50)
    const expired = session.createQueue('ExpiryQueue')
    await using consumer = await session.createConsumer(expired, `of = '${name}'`)
    assert.deepEqual(await texts(consumer, 1), ['too late'])
  })

  it('moves messages that fail too often to the dead letter queue', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    const name = jms().unique('failing')
    const queue = session.createQueue(name)
    await using producer = await session.createProducer(queue)
    const message = session.createTextMessage('poison')
    message.setStringProperty('of', name)
    await producer.send(message)
    await producer.send(session.createTextMessage('fine'))
    await session.commit()
    await using consumer = await session.createConsumer(queue)
    for (let count = 1; count <= 10; count++) {
      const received = await consumer.receive(WAIT_MS)
      assert.equal(textOf(received), 'poison')
      assert.equal(received?.getIntProperty('JMSXDeliveryCount'), count)
      await session.rollback()
    }
    assert.deepEqual(await texts(consumer, 1), ['fine'])
    await session.commit()
    await using other = await connection.createSession()
    await using dead = await other.createConsumer(other.createQueue('DLQ'), `of = '${name}'`)
    const letter = await dead.receive(WAIT_MS)
    assert.equal(textOf(letter), 'poison')
    if (jms().name === 'millrace') {
      assert.equal(letter?.getStringProperty('JMS_Millrace_DeadLetterSource'), `queue://${name}`)
      assert.equal(
        letter?.getStringProperty('JMS_Millrace_DeadLetterReason'),
        'max-delivery-attempts',
      )
      assert.equal(letter?.getIntProperty('JMS_Millrace_DeadLetterDeliveryCount'), 10)
    }
  })

  it('filters by selector, also deep in a queue, and rejects an invalid one', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('selected'))
    await using producer = await session.createProducer(queue)
    for (let i = 0; i < 300; i++) {
      const message = session.createTextMessage(`${i}`)
      message.setIntProperty('number', i)
      message.setStringProperty('color', i === 250 ? 'blue' : 'red')
      void producer.send(message)
    }
    await producer.send(session.createTextMessage('last'))
    await using blue = await session.createConsumer(queue, "color = 'blue' AND number > 10")
    assert.deepEqual(await texts(blue, 1), ['250'])
    await nothing(blue)
    await using browser = await session.createBrowser(queue, 'number BETWEEN 100 AND 102')
    const browsed: (string | null)[] = []
    for await (const message of browser) browsed.push(textOf(message))
    assert.deepEqual(browsed, ['100', '101', '102'])
    await using rest = await session.createConsumer(queue)
    assert.deepEqual(await texts(rest, 2), ['0', '1'])
    await assert.rejects(session.createConsumer(queue, 'color ='), InvalidSelectorException)
    await assert.rejects(session.createBrowser(queue, 'color ='), InvalidSelectorException)
  })

  it('browses without consuming', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('browsed'))
    await using producer = await session.createProducer(queue)
    await using browser = await session.createBrowser(queue)
    for (let i = 0; i < 250; i++) void producer.send(session.createTextMessage(`${i}`))
    await producer.send(session.createTextMessage('250'))
    const seen: (string | null)[] = []
    for await (const message of browser.getEnumeration()) seen.push(textOf(message))
    assert.deepEqual(
      seen,
      Array.from({ length: 251 }, (_, i) => `${i}`),
    )
    await using consumer = await session.createConsumer(queue)
    assert.deepEqual(await texts(consumer, 2), ['0', '1'])
  })

  it('receives available messages without waiting, else null', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('nowait'))
    await using producer = await session.createProducer(queue)
    await using consumer = await session.createConsumer(queue)
    assert.equal(await consumer.receiveNoWait(), null)
    for (let i = 0; i < 5; i++) {
      await producer.send(session.createTextMessage(`${i}`))
      assert.equal(textOf(await consumer.receiveNoWait()), `${i}`)
      assert.equal(await consumer.receiveNoWait(), null)
    }
    await using lazy = await jms().connect({ prefetch: 0 })
    await using lazySession = await lazy.createSession()
    await using puller = await lazySession.createConsumer(queue)
    assert.equal(await puller.receive(50), null)
    await producer.send(session.createTextMessage('pulled'))
    // The message may be prefetched by the other consumer.
    await consumer.close()
    assert.deepEqual(await texts(puller, 1), ['pulled'])
  })

  it('delivers to all subscribers of a topic, but no earlier messages', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const topic = session.createTopic(jms().unique('news'))
    await using producer = await session.createProducer(topic)
    await producer.send(session.createTextMessage('before'))
    await using first = await session.createConsumer(topic)
    await using second = await session.createConsumer(topic, "kind = 'b'")
    await using own = await session.createConsumer(topic, null, true)
    for (const kind of ['a', 'b']) {
      const message = session.createTextMessage(kind)
      message.setStringProperty('kind', kind)
      await producer.send(message)
    }
    assert.deepEqual(await texts(first, 2), ['a', 'b'])
    assert.deepEqual(await texts(second, 1), ['b'])
    await nothing(own)
    await using other = await jms().connect()
    await using otherSession = await other.createSession()
    await using otherProducer = await otherSession.createProducer(topic)
    await otherProducer.send(otherSession.createTextMessage('foreign'))
    assert.deepEqual(await texts(own, 1), ['foreign'])
  })

  it('keeps messages of a durable subscription while its consumer is closed', async () => {
    const clientID = jms().unique('client')
    const topicName = jms().unique('durable')
    const connection = await jms().connect({ clientID })
    const session = await connection.createSession()
    const topic = session.createTopic(topicName)
    const consumer = await session.createDurableConsumer(topic, 'mine')
    await assert.rejects(session.unsubscribe('mine'), JMSException)
    await assert.rejects(session.createDurableConsumer(topic, 'mine'), JMSException)
    await using producer = await session.createProducer(topic)
    await producer.send(session.createTextMessage('1'))
    assert.deepEqual(await texts(consumer, 1), ['1'])
    await consumer.close()
    await producer.send(session.createTextMessage('2'))
    await connection.close()

    await using again = await jms().connect({ clientID })
    await using againSession = await again.createSession()
    const back = await againSession.createDurableConsumer(topic, 'mine')
    assert.deepEqual(await texts(back, 1), ['2'])
    await back.close()
    // Another selector creates another subscription: messages of the old one are lost.
    await using againProducer = await againSession.createProducer(topic)
    await againProducer.send(againSession.createTextMessage('3'))
    const changed = await againSession.createDurableConsumer(topic, 'mine', 'a = 1')
    await nothing(changed)
    await changed.close()
    await againSession.unsubscribe('mine')
    await assert.rejects(againSession.unsubscribe('mine'), InvalidDestinationException)
  })

  it('shares subscriptions, durable and not, with and without a client id', async () => {
    for (const clientID of [undefined, jms().unique('shared-client')]) {
      for (const isDurable of [false, true]) {
        await using connection = await jms().connect({ clientID })
        await using session = await connection.createSession()
        const topic = session.createTopic(jms().unique('shared'))
        const name = jms().unique('sub')
        const make = (): Promise<MessageConsumer> =>
          isDurable
            ? session.createSharedDurableConsumer(topic, name)
            : session.createSharedConsumer(topic, name)
        const [first, second] = [await make(), await make()]
        await using producer = await session.createProducer(topic)
        for (let i = 0; i < 6; i++) await producer.send(session.createTextMessage(`${i}`))
        const seen = [...(await texts(first, 3)), ...(await texts(second, 3))]
        assert.deepEqual(seen.sort(), [...'012345'])
        await first.close()
        await second.close()
        if (!isDurable) continue
        await producer.send(session.createTextMessage('kept'))
        const third = await make()
        assert.deepEqual(await texts(third, 1), ['kept'])
        await third.close()
        await session.unsubscribe(name)
      }
    }
  })

  it('creates temporary destinations, for request and reply', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('requests'))
    await using listener = await jmsListener(
      queue,
      (request) => `re: ${(request as TextMessage).getText()}`,
      { connection: jms().factory() },
    )
    await using requestor = new QueueRequestor(await connection.createSession(), queue)
    const reply = await requestor.request(session.createTextMessage('question'))
    assert.equal(textOf(reply), 're: question')
    assert.ok(listener)

    const temporary = await session.createTemporaryQueue()
    const consumer = await session.createConsumer(temporary)
    await assert.rejects(temporary.delete(), JMSException)
    await using producer = await session.createProducer(temporary)
    await producer.send(session.createTextMessage('t'))
    assert.deepEqual(await texts(consumer, 1), ['t'])
    await consumer.close()
    await producer.close()
    await temporary.delete()
    await assert.rejects(session.createConsumer(temporary), InvalidDestinationException)

    const topic = await session.createTemporaryTopic()
    await using subscriber = await session.createConsumer(topic)
    await using publisher = await session.createProducer(topic)
    await publisher.send(session.createTextMessage('published'))
    assert.deepEqual(await texts(subscriber, 1), ['published'])
  })

  it('sends requests to a topic', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const topic = session.createTopic(jms().unique('asked'))
    await using answering = await connection.createSession()
    await using consumer = await answering.createConsumer(topic)
    await using replier = await answering.createProducer()
    consumer.setMessageListener(async (message) => {
      const replyTo = message.getJMSReplyTo()
      assert.ok(replyTo)
      await replier.send(replyTo, answering.createTextMessage('answer'))
    })
    await using requestor = new TopicRequestor(await connection.createSession(), topic)
    assert.equal(textOf(await requestor.request(session.createTextMessage('?'))), 'answer')
  })

  it('accepts one connection per client id', async () => {
    const clientID = jms().unique('one')
    await using first = await jms().factory().createConnection()
    assert.equal(first.getClientID(), null)
    await first.setClientID(clientID)
    await first.start()
    assert.throws(() => first.setClientID('late'), IllegalStateException)
    await using second = await jms().factory().createConnection()
    // Also when the call itself is not awaited: later calls report it.
    void second.setClientID(clientID).catch(() => {})
    await assert.rejects(second.start(), InvalidClientIDException)
    await first.close()
    await using third = await jms().factory({ clientID }).createConnection()
    await third.start()
  })

  it('sends asynchronously, and reports completions in order', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('async'))
    await using producer = await session.createProducer(queue)
    const told: (string | null)[] = []
    const listener: CompletionListener = {
      onCompletion: (message) => void told.push(textOf(message)),
      onException: (_message, error) => assert.fail(error),
    }
    for (let i = 0; i < 20; i++) await producer.send(session.createTextMessage(`${i}`), listener)
    await until(() => told.length === 20)
    assert.deepEqual(
      told,
      Array.from({ length: 20 }, (_, i) => `${i}`),
    )
  })

  it('passes one message at a time to a listener, and redelivers failed ones', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('listened'))
    await using producer = await session.createProducer(queue)
    await using listening = await connection.createSession()
    await using consumer = await listening.createConsumer(queue)
    const seen: string[] = []
    let atOnce = 0
    consumer.setMessageListener(async (message) => {
      assert.equal(++atOnce, 1)
      await new Promise((resolve) => setTimeout(resolve, 5))
      atOnce--
      seen.push(`${textOf(message)}/${message.getIntProperty('JMSXDeliveryCount')}`)
      if (textOf(message) === '1' && !message.getJMSRedelivered()) throw new Error('not yet')
    })
    for (let i = 0; i < 4; i++) await producer.send(session.createTextMessage(`${i}`))
    await until(() => seen.length === 5)
    assert.deepEqual(seen.toSorted(), ['0/1', '1/1', '1/2', '2/1', '3/1'])
    await assert.rejects(consumer.receive(10), IllegalStateException)
  })

  it('retries, transacts and parallelizes the work of a listener', async () => {
    const [from, to] = [jms().unique('work'), jms().unique('done')]
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    await using producer = await session.createProducer(session.createQueue(from))
    await using consumer = await session.createConsumer(session.createQueue(to))
    const failures: unknown[] = []
    await using listener = await jmsListener(
      from,
      async (message, { session: own, attempt }) => {
        const text = textOf(message)
        if (text === '3' && attempt < 3) throw new Error('try again')
        const sender = await own.createProducer(own.createQueue(to))
        await sender.send(own.createTextMessage(`${text} after ${attempt}`))
        await sender.close()
      },
      {
        connection: jms().factory(),
        concurrency: 3,
        acknowledge: 'transacted',
        retry: { maxAttempts: 3, backoffMs: 10 },
        onError: (error) => failures.push(error),
      },
    )
    for (let i = 0; i < 9; i++) await producer.send(session.createTextMessage(`${i}`))
    const done = (await texts(consumer, 9)).toSorted()
    assert.equal(done.includes('3 after 3'), true)
    assert.equal(done.filter((text) => text?.endsWith('after 1')).length, 8)
    assert.equal(failures.length, 2)
    assert.ok(listener)
  })

  it('delivers a message group to one consumer', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('groups'))
    const seen: Record<string, Set<number>> = {}
    let count = 0
    for (const id of [1, 2, 3]) {
      const own = await connection.createSession()
      const consumer = await own.createConsumer(queue)
      consumer.setMessageListener((message) => {
        const group = message.getStringProperty('JMSXGroupID') as string
        seen[group] ??= new Set()
        seen[group].add(id)
        count++
      })
    }
    await using producer = await session.createProducer(queue)
    for (let i = 0; i < 30; i++) {
      const message = session.createTextMessage(`${i}`)
      message.setStringProperty('JMSXGroupID', `group ${i % 5}`)
      await producer.send(message)
    }
    await until(() => count === 30)
    assert.deepEqual(
      Object.values(seen).map((consumers) => consumers.size),
      [1, 1, 1, 1, 1],
    )
  })

  it('delivers no messages while it is stopped', async () => {
    await using connection = await jms().factory().createConnection()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('stopped'))
    await using producer = await session.createProducer(queue)
    await using consumer = await session.createConsumer(queue)
    await producer.send(session.createTextMessage('a'))
    await nothing(consumer)
    await connection.start()
    assert.deepEqual(await texts(consumer, 1), ['a'])
    await connection.stop()
    await producer.send(session.createTextMessage('b'))
    await nothing(consumer)
    await connection.start()
    assert.deepEqual(await texts(consumer, 1), ['b'])
  })

  it('transfers ten megabytes', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('large'))
    await using producer = await session.createProducer(queue)
    await using consumer = await session.createConsumer(queue)
    const body = Buffer.alloc(10 * 1024 * 1024, 'abcdefg')
    const message = session.createBytesMessage()
    message.writeBytes(body)
    await producer.send(message)
    const received = await consumer.receive(20_000)
    assert.ok(received instanceof BytesMessage)
    assert.ok(received.toBuffer().equals(body))
  })

  it('supports the simplified API', async () => {
    await using context = await jms().factory().createContext(JMSContext.SESSION_TRANSACTED)
    const queue = context.createQueue(jms().unique('simple'))
    await using other = await jms().factory().createContext()
    const producer = other.createProducer().setProperty('n', 1).setPriority(6).setJMSType('t')
    await producer.send(queue, 'text')
    await producer.send(queue, new Map<string, unknown>([['a', 1]]))
    await producer.send(queue, Buffer.from('bytes'))
    await producer.send(queue, { plain: ['data'] })
    await using consumer = await context.createConsumer(queue)
    const first = await consumer.receive(WAIT_MS)
    assert.equal(first?.getBody(String), 'text')
    assert.equal(first?.getIntProperty('n'), 1)
    assert.equal(first?.getJMSPriority(), 6)
    await context.rollback()
    assert.equal(await consumer.receiveBody(String, WAIT_MS), 'text')
    assert.deepEqual(await consumer.receiveBody(Map, WAIT_MS), new Map([['a', 1]]))
    assert.deepEqual(await consumer.receiveBody(Buffer, WAIT_MS), Buffer.from('bytes'))
    assert.deepEqual(await consumer.receiveBody(Object, WAIT_MS), { plain: ['data'] })
    await context.commit()
    assert.equal(await consumer.receiveBodyNoWait(String), null)
    await assert.rejects(context.recover(), { name: 'IllegalStateRuntimeException' })
    await assert.rejects(other.createConsumer(queue, 'a b'), {
      name: 'InvalidSelectorRuntimeException',
    })
  })

  it('works with a session pool', async () => {
    await using connection = await jms().connect()
    await using session = await connection.createSession()
    const queue = session.createQueue(jms().unique('pooled'))
    await using pooled = await connection.createSession()
    const seen: (string | null)[] = []
    pooled.setMessageListener((message) => void seen.push(textOf(message)))
    const server = { getSession: () => pooled, start: () => pooled.run() }
    await using consumer = await connection.createConnectionConsumer(
      queue,
      null,
      { getServerSession: () => server },
      5,
    )
    assert.ok(consumer)
    await using producer = await session.createProducer(queue)
    for (let i = 0; i < 10; i++) await producer.send(session.createTextMessage(`${i}`))
    await until(() => seen.length === 10)
    assert.deepEqual(seen, [...'0123456789'])
  })
}
