// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin } from '@millrace/client'
import { ConnectionFactory, Session } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { millraceArguments } from '@millrace/testkit'

describe('the JMS tools', () => {
  let broker: Broker
  let provider: JmsProvider

  before(async () => {
    broker = await Broker.start()
    provider = await JmsProvider.start({
      client: { bootstrapServers: broker.address, network: broker.network },
      config: {
        'amqp.listener': '127.0.0.1:0',
        'amqp.destination.fragile.max.delivery.attempts': '1',
      },
    })
  })
  after(async () => {
    await provider.close()
    await broker.close()
  })

  function millrace(
    args: readonly string[],
    input = '',
  ): Promise<{ code: unknown; out: string; err: string }> {
    const child = spawn(process.execPath, millraceArguments(...args), {
      env: { ...process.env, MILLRACE_AMQP: provider.address },
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (data) => {
      out += data
    })
    child.stderr.on('data', (data) => {
      err += data
    })
    child.stdin.end(input)
    return new Promise((resolve) => {
      child.on('close', (code) => resolve({ code, out, err }))
    })
  }

  async function ok(args: readonly string[], input?: string): Promise<string> {
    const { code, out, err } = await millrace(args, input)
    assert.equal(code, 0, err)
    return out
  }

  /** Repeats a command until it prints a text, for ten seconds. */
  async function untilPrinted(args: readonly string[], expected: string): Promise<void> {
    const deadline = performance.now() + 10_000
    for (;;) {
      const printed = await ok(args)
      if (printed === expected) return
      assert.ok(performance.now() < deadline, printed)
    }
  }

  it('send, list, browse, receive, move and purge', async () => {
    assert.equal(await ok(['queue', 'send', 'tools'], 'one\ntwo\nthree\n'), 'sent 3 to tools\n')
    await ok(['queue', 'send', 'tools', 'red', '--property', 'color=red', '--priority', '9'])
    assert.match(await ok(['queue', 'list']), /^tools +tools +4 /m)
    assert.equal(await ok(['queue', 'browse', 'tools']), 'red\none\ntwo\nthree\n')
    const [shown] = (await ok(['queue', 'browse', 'tools', '--json', '-n', '1'])).split('\n')
    assert.deepEqual(JSON.parse(shown ?? '').properties, { color: 'red', JMSXDeliveryCount: 1 })
    assert.equal(
      await ok(['queue', 'receive', 'tools', '-s', "color = 'red'", '-w', '300']),
      'red\n',
    )
    assert.equal(
      await ok(['queue', 'move', 'tools', 'other', '-n', '2']),
      'moved 2 from tools to other\n',
    )
    assert.equal(await ok(['queue', 'purge', 'tools']), 'purged 1 from tools\n')
    assert.equal(await ok(['queue', 'browse', 'tools']), '')
    assert.equal(await ok(['queue', 'receive', 'other', '-w', '300']), 'one\ntwo\n')
    const wrong = await millrace(['queue', 'browse', 'tools', '-s', 'color ='])
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /invalid selector/)
  })

  it('create no queue for a mistyped name', async () => {
    await ok(['queue', 'create', 'orders.in'])
    const commands = [
      ['queue', 'browse', 'orders.im'],
      ['queue', 'purge', 'orders.im'],
      ['queue', 'purge', 'orders.im', '-s', 'a = 1'],
      ['queue', 'move', 'orders.im', 'orders.out'],
      ['queue', 'move', 'orders.in', 'orders.im', '--no-create'],
      ['queue', 'retry-dead', 'orders.im'],
      ['queue', 'send', 'orders.im', 'text', '--no-create'],
      ['queue', 'receive', 'orders.im', '--no-create'],
      ['queue', 'delete', 'orders.im'],
    ]
    await Promise.all(
      commands.map(async (command) => {
        const { code, err } = await millrace(command)
        assert.equal(code, 2, command.join(' '))
        assert.match(
          err,
          /queue orders\.im does not exist; did you mean orders\.in\?/,
          command.join(' '),
        )
      }),
    )
    const names = (await ok(['queue', 'list', '--json']))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).name)
    assert.deepEqual(
      names.filter((name) => name.startsWith('orders')),
      ['orders.in'],
    )
    await using admin = new Admin({ bootstrapServers: broker.address, network: broker.network })
    const topics = (await admin.listTopics()).map(({ name }) => name)
    assert.deepEqual(
      topics.filter((name) => name.startsWith('orders')),
      ['orders.in'],
    )
    await ok(['queue', 'delete', 'orders.in'])
  })

  it('refuse a name with a wildcard, and create nothing', async () => {
    await ok(['queue', 'send', 'wild.in', 'text'])
    const commands = [
      ['queue', 'create', 'wild.*'],
      ['queue', 'send', 'wild.*', 'text'],
      ['queue', 'receive', 'wild.#'],
      ['queue', 'browse', 'wild.>'],
      ['queue', 'purge', 'wild.*'],
      ['queue', 'purge', 'wild.*', '-s', 'a = 1'],
      ['queue', 'move', 'wild.*', 'wild.out'],
      ['queue', 'move', 'wild.in', 'wild.*'],
      ['queue', 'retry-dead', 'wild.#'],
      ['queue', 'delete', 'wild.*'],
      ['subscription', 'create', 'wild.*', 'all', '--shared'],
    ]
    await Promise.all(
      commands.map(async (command) => {
        const { code, err } = await millrace(command)
        assert.ok(code === 1 || code === 2, command.join(' '))
        assert.match(err, /"wild\.[*#>]": addresses with wildcards/, command.join(' '))
      }),
    )
    await using admin = new Admin({ bootstrapServers: broker.address, network: broker.network })
    const topics = (await admin.listTopics()).map(({ name }) => name)
    assert.deepEqual(
      topics.filter((name) => name.startsWith('wild')),
      ['wild.in'],
    )
    assert.equal(await ok(['subscription', 'list']), '')
    await ok(['queue', 'delete', 'wild.in'])
  })

  it('create and delete queues', async () => {
    await using admin = new Admin({ bootstrapServers: broker.address, network: broker.network })
    const topics = async (): Promise<string[]> =>
      (await admin.listTopics()).map(({ name }) => name).filter((name) => name.startsWith('made'))
    assert.equal(
      await ok(['queue', 'create', 'made.a', 'made.b', '--partitions', '3']),
      'created made.a\ncreated made.b\n',
    )
    assert.deepEqual(await topics(), ['made.a', 'made.b'])
    assert.equal((await admin.describeTopics(['made.a'])).get('made.a')?.partitions.length, 3)
    assert.match((await millrace(['queue', 'create', 'made.a'])).err, /made\.a already exists/)
    await ok(['queue', 'send', 'made.a', 'one'])
    assert.equal(await ok(['queue', 'delete', 'made.a']), 'deleted made.a with 1 message\n')
    assert.deepEqual(await topics(), ['made.b'])
    // The queue is new and empty.
    await ok(['queue', 'create', 'made.a'])
    await ok(['queue', 'send', 'made.a', 'two'])
    assert.equal(await ok(['queue', 'receive', 'made.a', '-w', '300']), 'two\n')
    const factory = new ConnectionFactory(`amqp://${provider.address}`)
    await using connection = await factory.createConnection()
    await connection.start()
    await using session = await connection.createSession()
    const consumer = await session.createConsumer(session.createQueue('made.b'))
    const used = await millrace(['queue', 'delete', 'made.b'])
    assert.equal(used.code, 2)
    assert.match(used.err, /made\.b has 1 consumer/)
    const waiting = consumer.receive(10_000)
    waiting.catch(() => undefined)
    await ok(['queue', 'delete', 'made.b', '--force'])
    await assert.rejects(waiting, /made\.b was deleted/)
    // A topic that a Kafka program created is not deleted by accident.
    await admin.createTopics([{ name: 'made.c', numPartitions: 1 }])
    assert.equal(await ok(['queue', 'browse', 'made.c']), '')
    assert.match((await millrace(['queue', 'delete', 'made.c'])).err, /not created by the provider/)
    await ok(['queue', 'delete', 'made.c', '--force'])
    await ok(['queue', 'delete', 'made.a'])
    assert.deepEqual(await topics(), [])
  })

  it('return dead letters to their source', async () => {
    const factory = new ConnectionFactory(`amqp://${provider.address}`)
    await using connection = await factory.createConnection()
    await connection.start()
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    const queue = session.createQueue('fragile')
    await using producer = await session.createProducer(queue)
    await producer.send(session.createTextMessage('breaks'))
    await session.commit()
    const consumer = await session.createConsumer(queue)
    await consumer.receive(2000)
    await session.rollback()
    await consumer.close()
    await untilPrinted(['queue', 'browse', 'DLQ'], 'breaks\n')
    assert.equal(await ok(['queue', 'retry-dead']), 'returned 1 from DLQ\n')
    assert.equal(await ok(['queue', 'browse', 'fragile']), 'breaks\n')
  })

  it('send dead letters of a subscription back to it alone', async () => {
    const factory = new ConnectionFactory(`amqp://${provider.address}`, { clientID: 'me' })
    await using connection = await factory.createConnection()
    await connection.start()
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    const topic = session.createTopic('fragile')
    const mine = await session.createDurableConsumer(topic, "m'ine")
    await using others = await session.createDurableConsumer(topic, 'others')
    await using producer = await session.createProducer(topic)
    await producer.send(session.createTextMessage('breaks'))
    await session.commit()
    await others.receive(5000)
    await session.commit()
    await mine.receive(5000)
    await session.rollback()
    await mine.close()
    const id = "durable/me/m'ine"
    const own = "JMS_Millrace_DeadLetterSubscription = 'durable/me/m''ine'"
    await untilPrinted(['queue', 'browse', 'DLQ', '-s', own], 'breaks\n')
    assert.equal(await ok(['subscription', 'retry-dead', "m'ine"]), 'returned 1 from DLQ\n')
    const rows = (await ok(['subscription', 'list', '--json'])).trim().split('\n')
    const waiting = rows.map((line) => JSON.parse(line)).map((row) => [row.id, row.messages])
    assert.deepEqual(waiting.sort(), [
      [id, 1],
      ['durable/me/others', 0],
    ])
    await others.close()
    await ok(['subscription', 'delete', id])
    await ok(['subscription', 'delete', 'durable/me/others'])
    assert.equal((await millrace(['subscription', 'retry-dead', 'nobody'])).code, 2)
  })

  it('list and delete subscriptions', async () => {
    const factory = new ConnectionFactory(`amqp://${provider.address}`, { clientID: 'me' })
    {
      await using connection = await factory.createConnection()
      await using session = await connection.createSession()
      const topic = session.createTopic('told')
      const consumer = await session.createDurableConsumer(topic, 'mine', "a = 'b'")
      const inUse = await millrace(['subscription', 'delete', 'durable/me/mine'])
      assert.equal(inUse.code, 2)
      await consumer.close()
    }
    assert.match(await ok(['subscription', 'list']), /durable\/me\/mine +told +mine +me/)
    await ok(['subscription', 'delete', 'durable/me/mine'])
    assert.equal(await ok(['subscription', 'list']), '')
    assert.equal((await millrace(['subscription', 'delete', 'nobody'])).code, 2)
  })

  it('create subscriptions, and delete them by their listed id', async () => {
    assert.equal(
      await ok(['subscription', 'create', 'feed', 'my news', '--client-id', 'a b', '-s', 'n > 1']),
      'created durable/a%20b/my%20news\n',
    )
    await ok(['subscription', 'create', 'feed', 'all', '--shared'])
    const again = await millrace(['subscription', 'create', 'feed', 'all', '--shared'])
    assert.match(again.err, /durable\/\/all already exists/)
    assert.equal((await millrace(['subscription', 'create', 'feed', 'x'])).code, 2)
    // Messages published from now on wait for the first consumer.
    const factory = new ConnectionFactory(`amqp://${provider.address}`)
    {
      await using connection = await factory.createConnection()
      await using session = await connection.createSession()
      await using producer = await session.createProducer(session.createTopic('feed'))
      await producer.send(session.createTextMessage('hello'))
    }
    const rows = (await ok(['subscription', 'list', '--json']))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      rows.map(({ id, messages }) => [id, messages]),
      [
        ['durable/a%20b/my%20news', 0],
        ['durable//all', 1],
      ],
    )
    const mistyped = await millrace(['subscription', 'delete', 'durable//al'])
    assert.match(
      mistyped.err,
      /subscription durable\/\/al does not exist; did you mean durable\/\/all\?/,
    )
    assert.equal(
      await ok(['subscription', 'delete', 'my news']),
      'deleted durable/a%20b/my%20news\n',
    )
    await ok(['subscription', 'delete', 'durable//all'])
    assert.equal(await ok(['subscription', 'list']), '')
  })

  it('bridge one provider to another', async () => {
    await ok(['queue', 'send', 'bridged', '--property', 'kept=yes'], 'a\nb\nc\n')
    const to = provider.address
    const args = ['jms', 'bridge', '--from', to, '--to', to, '--queue', 'bridged', '--as', 'there']
    assert.equal(await ok([...args, '--until-empty']), 'forwarded 3\n')
    const lines = (await ok(['queue', 'browse', 'there', '--json'])).trim().split('\n')
    const first = JSON.parse(lines[0] ?? '')
    assert.equal(first.body, 'a')
    assert.equal(first.properties.kept, 'yes')
    assert.ok(first.properties._AMQ_DUPL_ID)
    // The same messages again, as after a crash between commit and acknowledgement.
    await ok(['queue', 'move', 'there', 'bridged'])
    await ok([...args, '--until-empty'])
    assert.equal(await ok(['queue', 'browse', 'there']), '')
  })
})
