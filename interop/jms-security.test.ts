// SPDX-License-Identifier: Apache-2.0
// The users and ACLs of a broker, and of an Apache Kafka 4.4.0 cluster, apply to JMS clients.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { nodeWorld, silentLogger } from '@millrace/base'
import { Admin } from '@millrace/client'
import { ClusterSecurity, JmsProvider } from '@millrace/jms-provider'
import {
  aclOf,
  jmsSecurityConfig,
  jmsSecurityScenarios,
  type Right,
  type SecuredProvider,
} from '../test/scenarios/jms-security-scenarios.ts'
import { providerInsideBroker } from '../test/scenarios/provider-inside-broker.ts'
import { java } from './peers.ts'
import { startSecuredKafka } from './secured-brokers.ts'

const module_ = 'org.apache.kafka.common.security.scram.ScramLoginModule'

async function providerOverKafka(): Promise<SecuredProvider> {
  const kafka = await startSecuredKafka({
    settings: [
      ...Object.entries(jmsSecurityConfig).map(([key, value]) => `${key}=${value}`),
      `listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=${module_} required;`,
    ],
    credentials: [],
    isPlainOnly: true,
  })
  const client = {
    bootstrapServers: kafka.address('SASL_PLAINTEXT'),
    sasl: { mechanism: 'PLAIN', username: 'root', password: 'root-secret' },
  } as const
  const security = await ClusterSecurity.open(client, {
    clock: nodeWorld.clock,
    logger: silentLogger,
    settings: { superUsers: ['User:root'] },
  })
  const provider = await JmsProvider.start({
    client,
    config: { 'amqp.listener': '127.0.0.1:0' },
    security,
  })
  return {
    address: provider.address,
    client,
    scramUsers: [],
    aclsFollowed: () => security.refresh(),
    async [Symbol.asyncDispose]() {
      await provider.close()
      await kafka[Symbol.asyncDispose]()
    },
  }
}

jmsSecurityScenarios('JMS clients of a provider over Apache Kafka 4.4.0', providerOverKafka)

const DENIED = 'JMSSecurityException'
const sender: readonly Right[] = ['write topic q', 'write topic t']
const receiver: readonly Right[] = [
  'read topic q',
  'read group q',
  'describe topic q',
  'read topic t',
]

/** Uses of Qpid JMS, with the outcome without rights, as sender, as receiver, and as root. */
const uses: readonly (readonly [string, string, string, string, string])[] = [
  ['connect', 'ok', 'ok', 'ok', 'ok'],
  ['send to a queue', DENIED, 'ok, sent', DENIED, 'ok, sent'],
  ['send without a fixed destination', DENIED, 'ok, sent', DENIED, 'ok, sent'],
  ['send to a topic', DENIED, 'ok, sent', DENIED, 'ok, sent'],
  ['send to a new queue', DENIED, DENIED, DENIED, 'ok, sent'],
  ['browse', DENIED, DENIED, 'ok, found', 'ok, found'],
  ['receive from a queue', DENIED, DENIED, 'ok, hello', 'ok, hello'],
  ['subscribe to a topic', DENIED, DENIED, 'ok, subscribed', 'ok, subscribed'],
]

for (const [where, open] of [
  ['inside the broker', providerInsideBroker],
  ['over Apache Kafka 4.4.0', providerOverKafka],
] as const) {
  describe(`Qpid JMS and a provider ${where}`, () => {
    let provider: SecuredProvider
    let admin: Admin
    // Timers of a broker do not keep a process running.
    let alive: NodeJS.Timeout | undefined

    const outcomes = async (user: string, password = `${user}-secret`) => {
      const args = ['SecuredDestinations', `amqp://${provider.address}`, user, password, user]
      const { stdout, stderr } = await java('qpid-jms-2', args, { timeoutMs: 60_000 })
      assert.notEqual(stdout, '', stderr)
      return stdout.trim().split('\n')
    }
    const grantOnly = async (rights: readonly Right[]): Promise<void> => {
      await admin.deleteAcls([{ principal: 'User:alice' }])
      await admin.createAcls(rights.map((right) => aclOf(right, 'User:alice')))
      await provider.aclsFollowed()
    }

    before(async () => {
      alive = setInterval(() => {}, 60_000)
      provider = await open()
      admin = new Admin(provider.client)
      // Creates the destinations.
      await outcomes('root')
    })
    after(async () => {
      clearInterval(alive)
      await admin?.close()
      await provider?.[Symbol.asyncDispose]()
    })

    for (const [at, user, role, rights] of [
      [1, 'alice', 'without rights', []],
      [2, 'alice', 'that sends', sender],
      [3, 'alice', 'that receives', receiver],
      [4, 'root', 'that may do everything', []],
    ] as const) {
      it(`have the exceptions of JMS for a user ${role}`, async () => {
        await grantOnly(rights)
        const found = await outcomes(user)
        const expected = uses.map((use) => `${use[0]}: ${use[at]}`)
        assert.deepEqual(found.slice(0, expected.length), expected)
      })
    }

    it('reject wrong passwords and unknown users', async () => {
      assert.deepEqual(await outcomes('alice', 'wrong'), [`connect: ${DENIED}`])
      assert.deepEqual(await outcomes('nobody'), [`connect: ${DENIED}`])
    })
  })
}
