// SPDX-License-Identifier: Apache-2.0
// Users and ACLs of a broker apply to JMS clients: each use of a destination, with one right
// missing, with all of them, and after a right was revoked.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type AclBinding, Admin, type ClientOptions } from '@millrace/client'
import {
  type Connection,
  ConnectionFactory,
  JMSException,
  JMSSecurityException,
  Session,
  type TextMessage,
} from '@millrace/jms'

/** `OPERATION TYPE NAME`. */
export type Right =
  `${'read' | 'write' | 'create' | 'delete' | 'describe'} ${'topic' | 'group'} ${string}`

/** An operation on `q` or `t`, run in a separate session, and the permissions that it requires. */
interface Use {
  readonly title: string
  readonly rights: readonly Right[]
  readonly clientId?: string
  run(connection: Connection): Promise<unknown>
}

async function inSession<T>(
  connection: Connection,
  run: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await connection.createSession(Session.AUTO_ACKNOWLEDGE)
  try {
    return await run(session)
  } finally {
    await session.close()
  }
}

/** Sends a request to the provider's management address and returns its error, if any. */
async function manage(connection: Connection, operation: string, args: Record<string, string>) {
  return inSession(connection, async (session) => {
    const reply = await session.createTemporaryQueue()
    const consumer = await session.createConsumer(reply)
    const producer = await session.createProducer(session.createQueue('$management'))
    const request = session.createTextMessage('')
    request.setJMSReplyTo(reply)
    request.setStringProperty('operation', operation)
    for (const [name, value] of Object.entries(args)) request.setStringProperty(name, value)
    await producer.send(request)
    const answer = (await consumer.receive(5000)) as TextMessage
    const error = answer.getStringProperty('error')
    if (error !== null) {
      if (/ is not allowed /.test(error)) throw new JMSSecurityException(error)
      throw new JMSException(error)
    }
    return JSON.parse(answer.getText() ?? 'null') as unknown
  })
}

const uses: readonly Use[] = [
  {
    title: 'sends to a queue',
    rights: ['write topic q'],
    run: (connection) =>
      inSession(connection, async (session) => {
        const producer = await session.createProducer(session.createQueue('q'))
        await producer.send(session.createTextMessage('x'))
      }),
  },
  {
    title: 'sends without a fixed destination',
    rights: ['write topic q'],
    run: (connection) =>
      inSession(connection, async (session) => {
        const producer = await session.createProducer(null)
        await producer.send(session.createQueue('q'), session.createTextMessage('x'))
      }),
  },
  {
    title: 'sends to a topic',
    rights: ['write topic t'],
    run: (connection) =>
      inSession(connection, async (session) => {
        const producer = await session.createProducer(session.createTopic('t'))
        await producer.send(session.createTextMessage('x'))
      }),
  },
  {
    title: 'sends to a new queue',
    rights: ['write topic new-queue', 'create topic new-queue'],
    run: (connection) =>
      inSession(connection, async (session) => {
        const producer = await session.createProducer(session.createQueue('new-queue'))
        await producer.send(session.createTextMessage('x'))
      }),
  },
  {
    title: 'receives from a queue',
    rights: ['read topic q', 'read group q'],
    run: (connection) =>
      inSession(connection, async (session) => {
        const consumer = await session.createConsumer(session.createQueue('q'))
        await consumer.receive(500)
      }),
  },
  {
    title: 'receives from a new queue',
    rights: ['read topic other-queue', 'read group other-queue', 'create topic other-queue'],
    run: (connection) =>
      inSession(connection, (session) =>
        session.createConsumer(session.createQueue('other-queue')),
      ),
  },
  {
    title: 'browses a queue',
    rights: ['read topic q'],
    run: (connection) =>
      inSession(connection, async (session) => {
        const browser = await session.createBrowser(session.createQueue('q'))
        for await (const _ of browser) break
      }),
  },
  {
    title: 'subscribes to a topic',
    rights: ['read topic t'],
    run: (connection) =>
      inSession(connection, (session) => session.createConsumer(session.createTopic('t'))),
  },
  {
    title: 'has a durable subscription',
    clientId: 'desk',
    rights: ['read topic t', 'read group desk.news'],
    run: (connection) =>
      inSession(connection, (session) =>
        session.createDurableConsumer(session.createTopic('t'), 'news'),
      ),
  },
  {
    title: 'has a shared durable subscription',
    rights: ['read topic t', 'read group shared-news'],
    run: (connection) =>
      inSession(connection, (session) =>
        session.createSharedDurableConsumer(session.createTopic('t'), 'shared-news'),
      ),
  },
  {
    title: 'unsubscribes',
    rights: ['delete group desk2.gone', 'read topic t', 'read group desk2.gone'],
    clientId: 'desk2',
    run: (connection) =>
      inSession(connection, async (session) => {
        await (await session.createDurableConsumer(session.createTopic('t'), 'gone')).close()
        await session.unsubscribe('gone')
      }),
  },
  {
    title: 'creates a queue by an administration tool',
    rights: ['create topic made'],
    run: async (connection) => {
      await manage(connection, 'queue.create', { name: 'made' }).catch((error: unknown) => {
        if (!/already exists/.test(String(error))) throw error
      })
    },
  },
  {
    title: 'purges a queue',
    rights: ['delete topic q'],
    run: (connection) => manage(connection, 'queue.purge', { name: 'q' }),
  },
  {
    title: 'finds a queue',
    rights: ['describe topic q'],
    run: (connection) => manage(connection, 'queue.find', { name: 'q' }),
  },
]

export function aclOf(right: Right, principal: string): AclBinding {
  const [operation, resourceType, resourceName] = right.split(' ') as [
    AclBinding['operation'],
    AclBinding['resourceType'],
    string,
  ]
  return { operation, resourceType, resourceName, principal, permission: 'allow' }
}

/** Login of PLAIN for the listener of `jmsSecurityCluster`. */
const plainUsers = ['alice', 'root'].map((name) => `user_${name}="${name}-secret"`).join(' ')

/** Configuration of a Kafka broker with the users and the authorizer of the scenarios. */
export const jmsSecurityConfig: Readonly<Record<string, string>> = {
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
  'listener.name.sasl_plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${plainUsers};`,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:root;User:ANONYMOUS',
}

/** A provider whose cluster has `jmsSecurityConfig`. */
export interface SecuredProvider extends AsyncDisposable {
  /** `host:port` of its AMQP listener. */
  readonly address: string
  /** Connection to the cluster as root. */
  readonly client: ClientOptions
  /** Users of SCRAM, with `-secret` behind their names as passwords. */
  readonly scramUsers: readonly string[]
  /** Resolves when the provider knows the ACLs that the cluster has now. */
  aclsFollowed(): Promise<void>
}

/** Registers the scenarios on a provider that `open` starts. */
export function jmsSecurityScenarios(title: string, open: () => Promise<SecuredProvider>): void {
  describe(title, () => {
    let provider: SecuredProvider
    let admin: Admin
    // Timers of a broker do not keep a process running.
    let alive: NodeJS.Timeout | undefined

    before(async () => {
      alive = setInterval(() => {}, 60_000)
      provider = await open()
      admin = new Admin(provider.client)
      await using root = await connect('root')
      await inSession(root, async (session) => {
        for (const destination of [session.createQueue('q'), session.createTopic('t')]) {
          const producer = await session.createProducer(destination)
          await producer.send(session.createTextMessage('first'))
        }
      })
    })
    after(async () => {
      clearInterval(alive)
      await admin.close()
      await provider[Symbol.asyncDispose]()
    })

    async function connect(
      username: string,
      { password = `${username}-secret`, clientId = '' } = {},
    ): Promise<Connection> {
      const url = `amqp://${provider.address}`
      const factory = new ConnectionFactory(url, {
        username,
        password,
        ...(clientId === '' ? {} : { clientID: clientId }),
      })
      const connection = await factory.createConnection()
      await connection.start()
      return connection
    }

    const grant = async (rights: readonly Right[]): Promise<void> => {
      await admin.createAcls(rights.map((right) => aclOf(right, 'User:alice')))
      await provider.aclsFollowed()
    }
    const revokeAll = async (): Promise<void> => {
      await admin.deleteAcls([{ principal: 'User:alice' }])
      await provider.aclsFollowed()
    }

    for (const use of uses) {
      const attempt = async (): Promise<void> => {
        await using connection = await connect('alice', { clientId: use.clientId ?? '' })
        await use.run(connection)
      }
      for (const missing of use.rights) {
        it(`${use.title}: not without ${missing}`, async () => {
          await revokeAll()
          await grant(use.rights.filter((right) => right !== missing))
          await assert.rejects(attempt(), JMSSecurityException)
        })
      }
      it(`${use.title}: with ${use.rights.join(', ')}`, async () => {
        await revokeAll()
        await grant(use.rights)
        await attempt()
      })
    }

    it('lists only queues that the client may describe', async () => {
      await revokeAll()
      await using connection = await connect('alice')
      assert.deepEqual(await manage(connection, 'queue.list', {}), [])
      assert.deepEqual(await manage(connection, 'subscription.list', {}), [])
      await grant(['describe topic q'])
      const listed = (await manage(connection, 'queue.list', {})) as { readonly name: string }[]
      assert.deepEqual(
        listed.map(({ name }) => name),
        ['q'],
      )
    })

    it('detaches links whose right was revoked', async () => {
      await revokeAll()
      await grant(['write topic q', 'read topic q', 'read group q'])
      await using connection = await connect('alice')
      const session = await connection.createSession()
      const producer = await session.createProducer(session.createQueue('q'))
      await producer.send(session.createTextMessage('while allowed'))
      await revokeAll()
      await assert.rejects(
        producer.send(session.createTextMessage('after')),
        (error: unknown) =>
          error instanceof JMSException && /not allowed WRITE/.test(error.message),
      )
    })

    it('sets JMSXUserID of messages to the authenticated user, whatever the client wrote', async () => {
      await using root = await connect('root')
      await inSession(root, async (session) => {
        const queue = session.createQueue('stamped')
        const producer = await session.createProducer(queue)
        const message = session.createTextMessage('from root')
        message.setStringProperty('JMSXUserID', 'somebody')
        await producer.send(message)
        const consumer = await session.createConsumer(queue)
        const received = (await consumer.receive(5000)) as TextMessage
        assert.equal(received.getStringProperty('JMSXUserID'), 'root')
        assert.equal(received.getText(), 'from root')
      })
    })

    it('accepts users of PLAIN and of SCRAM, and rejects all others', async () => {
      await (await connect('alice')).close()
      for (const name of provider.scramUsers) await (await connect(name)).close()
      for (const [username, password] of [
        ['alice', 'wrong'],
        ['carol', 'wrong'],
        ['nobody', 'nobody-secret'],
      ] as const) {
        await assert.rejects(connect(username, { password }), JMSSecurityException, username)
      }
      // Without a user.
      const anonymous = new ConnectionFactory(`amqp://${provider.address}`)
      await assert.rejects(anonymous.createConnection(), JMSException)
    })

    it('lets only the connection of a temporary queue consume from it', async () => {
      await using owner = await connect('root')
      const session = await owner.createSession()
      const temporary = await session.createTemporaryQueue()
      await revokeAll()
      await using other = await connect('alice')
      await inSession(other, async (theirs) => {
        const name = temporary.getQueueName()
        const producer = await theirs.createProducer(theirs.createQueue(name))
        await producer.send(theirs.createTextMessage('a reply'))
        await assert.rejects(theirs.createConsumer(theirs.createQueue(name)), JMSSecurityException)
      })
      const consumer = await session.createConsumer(temporary)
      assert.equal(((await consumer.receive(5000)) as TextMessage).getText(), 'a reply')
    })
  })
}
