// SPDX-License-Identifier: Apache-2.0
// ACLs, SCRAM users, quotas and delegation tokens stay in a data directory that moves between
// Apache Kafka 4.4.0 and millrace, and apply there.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import {
  type AclBinding,
  Admin,
  type DelegationToken,
  type MillraceError,
  Producer,
  type SaslOptions,
} from '@millrace/client'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { eventually } from '../test/e2e/until.ts'
import { copyOf } from './peers.ts'
import {
  type BrokerName,
  type SecuredBroker,
  saslOptions,
  startSecured,
} from './secured-brokers.ts'

const options = saslOptions(['alice', 'bob'])
const scramUsers = ['SCRAM-SHA-256=[name=sam,iterations=8192,password=sam-secret]']

type Login = SaslOptions & { readonly username: string }
const plain = (username: string): Login => ({
  mechanism: 'PLAIN',
  username,
  password: `${username}-secret`,
})
const scram = (bits: '256' | '512', username: string, password = `${username}-secret`): Login => ({
  mechanism: `SCRAM-SHA-${bits}`,
  username,
  password,
})
const withToken = ({ tokenId, hmac }: DelegationToken): Login => ({
  mechanism: 'SCRAM-SHA-512',
  username: tokenId,
  password: hmac.toString('base64'),
  tokenAuth: true,
})

function client(broker: SecuredBroker, sasl: SaslOptions) {
  return { bootstrapServers: broker.address('SASL'), sasl }
}

const acl = (
  principal: string,
  operation: AclBinding['operation'],
  resourceName: string,
  changes: Partial<AclBinding> = {},
): AclBinding => ({
  resourceType: 'topic',
  resourceName,
  patternType: 'literal',
  principal: `User:${principal}`,
  host: '*',
  operation,
  permission: 'allow',
  ...changes,
})

const acls: readonly AclBinding[] = [
  acl('alice', 'create', 'new-', { patternType: 'prefixed' }),
  acl('bob', 'create', 'new-', { patternType: 'prefixed' }),
  acl('sam', 'write', 'orders'),
  acl('sam', 'read', 'orders'),
  acl('sonja', 'describe', '*'),
  acl('sonja', 'describe', 'hidden', { permission: 'deny' }),
  acl('sonja', 'read', 'readers', { resourceType: 'group', host: '127.0.0.1' }),
  acl('bob', 'createTokens', 'User:sam', { resourceType: 'user' }),
]

const quotas = [
  { entity: { user: 'alice' }, quotas: { controller_mutation_rate: 1 } },
  { entity: { user: 'sam', 'client-id': null }, quotas: { producer_byte_rate: 1_000_000 } },
  { entity: { user: null }, quotas: { request_percentage: 90.5 } },
  { entity: { ip: '192.0.2.7' }, quotas: { connection_creation_rate: 3 } },
]

/** Creates users, ACLs, quotas and a token. */
async function fill(broker: SecuredBroker): Promise<DelegationToken> {
  await using admin = new Admin(client(broker, plain('admin')))
  const names = ['orders', 'hidden']
  await admin.createTopics(names.map((name) => ({ name, numPartitions: 1 })))
  await admin.createAcls(acls)
  await admin.alterClientQuotas(quotas)
  await admin.alterUserScramCredentials([
    { user: 'sonja', mechanism: 'SCRAM-SHA-512', password: 'sonja-secret', iterations: 4096 },
  ])
  await using sam = new Admin(client(broker, scram('256', 'sam')))
  return await sam.createDelegationToken({ renewers: ['User:bob'] })
}

/** Changes a part of everything. */
async function change(broker: SecuredBroker, token: DelegationToken): Promise<void> {
  await using admin = new Admin(client(broker, plain('admin')))
  await admin.deleteAcls([{ principal: 'User:sam', operation: 'read' }])
  await admin.createAcls([acl('sonja', 'write', 'hidden')])
  await admin.alterClientQuotas([
    { entity: { user: null }, quotas: { request_percentage: null } },
    { entity: { 'client-id': 'app' }, quotas: { consumer_byte_rate: 4096 } },
  ])
  await admin.alterUserScramCredentials([
    { user: 'tom', mechanism: 'SCRAM-SHA-256', password: 'tom-secret', iterations: 4096 },
    { user: 'sonja', mechanism: 'SCRAM-SHA-512', password: 'changed', iterations: 5000 },
  ])
  await using bob = new Admin(client(broker, plain('bob')))
  await bob.renewDelegationToken(token.hmac, { renewPeriodMs: 7_200_000 })
  await bob.createDelegationToken({ owner: 'User:sam', maxLifetimeMs: 3_600_000 })
}

/** All that is stored, as an administrator sees it. */
async function inventory(broker: SecuredBroker): Promise<object> {
  await using admin = new Admin(client(broker, plain('admin')))
  const sorted = (items: readonly object[]): string[] =>
    items.map((item) => inspect(item, { sorted: true, depth: 9, breakLength: 999 })).sort()
  const users = await admin.describeUserScramCredentials()
  return {
    acls: sorted(await admin.describeAcls()),
    quotas: sorted(await admin.describeClientQuotas()),
    users: [...users].map(([user, credentials]) => `${user} ${sorted(credentials)}`).sort(),
    tokens: sorted(await admin.describeDelegationToken()),
  }
}

/** Topics that a user sees, or the error of its login. */
async function view(broker: SecuredBroker, login: Login): Promise<string> {
  await using admin = new Admin(client(broker, login))
  return await admin.listTopics().then(
    (topics) =>
      topics
        .map(({ name }) => name)
        .sort()
        .join(' '),
    (error: MillraceError) => error.code,
  )
}

async function produce(broker: SecuredBroker, login: Login, topic: string): Promise<string> {
  await using producer = new Producer(client(broker, login))
  return await producer.send({ topic, value: 'x' }).then(
    () => 'sent',
    (error: MillraceError) => error.code,
  )
}

/** Error of the first of many changes by a user that is not accepted; 0 if all are. */
async function limitOfChanges(broker: SecuredBroker, user: string): Promise<number> {
  const address = broker.address('SASL').replace('localhost', '127.0.0.1')
  const wire = await WireClient.connect(address)
  try {
    await wire.request(p.SaslHandshakeRequest, p.SaslHandshakeResponse, { mechanism: 'PLAIN' })
    const authBytes = Buffer.from(`\0${user}\0${user}-secret`)
    const { SaslAuthenticateRequest, SaslAuthenticateResponse } = p
    await wire.request(SaslAuthenticateRequest, SaslAuthenticateResponse, { authBytes })
    for (let i = 0; i < 5; i++) {
      const topics = [
        {
          name: `new-${user}-${i}`,
          numPartitions: 20,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        },
      ]
      const { CreateTopicsRequest, CreateTopicsResponse } = p
      const message = { topics, timeoutMs: 10_000, validateOnly: true }
      const reply = await wire.request(CreateTopicsRequest, CreateTopicsResponse, message)
      const errorCode = reply.topics[0]?.errorCode ?? -1
      if (errorCode !== 0) return errorCode
    }
    return 0
  } finally {
    wire.close()
  }
}

/** What clients may do. */
async function effects(broker: SecuredBroker, token: DelegationToken): Promise<object> {
  return {
    sam: await view(broker, scram('256', 'sam')),
    'sam with another mechanism': await view(broker, scram('512', 'sam')),
    sonja: await view(broker, scram('512', 'sonja')),
    'sonja, changed password': await view(broker, scram('512', 'sonja', 'changed')),
    tom: await view(broker, scram('256', 'tom')),
    token: await view(broker, withToken(token)),
    'sam writes': await produce(broker, scram('256', 'sam'), 'orders'),
    'the token writes': await produce(broker, withToken(token), 'orders'),
    'the token writes elsewhere': await produce(broker, withToken(token), 'hidden'),
    'alice changes much': await limitOfChanges(broker, 'alice'),
    'bob changes much': await limitOfChanges(broker, 'bob'),
  }
}

const SASL_FAILED = 'SASL_AUTHENTICATION_FAILED'
const effectsBefore = {
  sam: 'orders',
  'sam with another mechanism': SASL_FAILED,
  sonja: 'orders',
  'sonja, changed password': SASL_FAILED,
  tom: SASL_FAILED,
  token: 'orders',
  'sam writes': 'sent',
  'the token writes': 'sent',
  'the token writes elsewhere': 'TOPIC_AUTHORIZATION_FAILED',
  'alice changes much': p.ErrorCode.THROTTLING_QUOTA_EXCEEDED,
  'bob changes much': 0,
}
const effectsAfter = {
  ...effectsBefore,
  sonja: SASL_FAILED,
  'sonja, changed password': 'orders',
  tom: '',
}

async function swap(first: BrokerName, second: BrokerName): Promise<void> {
  const start = (name: BrokerName, directory?: string): Promise<SecuredBroker> =>
    startSecured(name, {
      ...options,
      ...(directory === undefined ? { credentials: scramUsers } : { directory, isFormatted: true }),
    })
  await using one = await start(first)
  const token = await fill(one)
  await eventually(async () => assert.deepEqual(await effects(one, token), effectsBefore))
  const before = await inventory(one)
  await one.stop()

  await using two = await start(second, copyOf(one.directory))
  assert.deepEqual(await inventory(two), before, `${second}, ${first}`)
  assert.deepEqual(await effects(two, token), effectsBefore)
  await change(two, token)
  await eventually(async () => assert.deepEqual(await effects(two, token), effectsAfter))
  const after = await inventory(two)
  assert.notDeepEqual(after, before)
  await two.stop()

  await using three = await start(first, copyOf(two.directory))
  assert.deepEqual(await inventory(three), after, `${first}, ${second}`)
  assert.deepEqual(await effects(three, token), effectsAfter)
}

describe('users, ACLs, quotas and delegation tokens stay in a data directory', () => {
  it('of Apache Kafka 4.4.0 that millrace opens and hands back', () =>
    swap('Apache Kafka 4.4.0', 'millrace'))

  it('of millrace that Apache Kafka 4.4.0 opens and hands back', () =>
    swap('millrace', 'Apache Kafka 4.4.0'))
})
