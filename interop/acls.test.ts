// SPDX-License-Identifier: Apache-2.0
// Every API with and without the permissions it needs: Apache Kafka 4.4.0 and millrace return the
// same results. Clients differ by their addresses, which ACLs contain.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import type { AccessCase, Fixture } from '../test/scenarios/access-cases.ts'
import {
  accessRuns,
  assertOutcome,
  outcomeOf,
  prepare,
  send,
  versionsOf,
} from '../test/scenarios/access-script.ts'
import {
  type RestrictedBroker,
  startRestrictedBroker,
} from '../test/scenarios/restricted-broker.ts'
import { java } from './peers.ts'
import { type SecuredKafka, startSecuredKafka } from './secured-brokers.ts'

const SASL_PLAINTEXT = 'SASL_PLAINTEXT'

function startKafka(): Promise<SecuredKafka> {
  const jaas = (listener: string): string =>
    `listener.name.${listener}.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="secret" user_admin="secret" user_alice="secret";`
  return startSecuredKafka({
    isPlainOnly: true,
    credentials: [],
    settings: [
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users=User:admin',
      // On other listeners, clients are anonymous and not super users.
      `listener.security.protocol.map=CONTROLLER:${SASL_PLAINTEXT},PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT`,
      'inter.broker.listener.name=SASL_PLAINTEXT',
      'sasl.mechanism.inter.broker.protocol=PLAIN',
      'sasl.mechanism.controller.protocol=PLAIN',
      'sasl.enabled.mechanisms=PLAIN',
      jaas('sasl_plaintext'),
      jaas('controller'),
      'group.streams.initial.rebalance.delay.ms=0',
      'delegation.token.secret.key=secret of the tokens',
    ],
  })
}

async function login(client: WireClient): Promise<void> {
  const { SaslHandshakeRequest, SaslHandshakeResponse } = p
  await client.request(SaslHandshakeRequest, SaslHandshakeResponse, { mechanism: 'PLAIN' })
  const authBytes = Buffer.from('\0admin\0secret')
  const { SaslAuthenticateRequest, SaslAuthenticateResponse } = p
  const reply = await client.request(SaslAuthenticateRequest, SaslAuthenticateResponse, {
    authBytes,
  })
  assert.equal(reply.errorCode, 0)
}

/** Intended differences: details of responses other than error codes. */
const texts: Readonly<Record<string, string>> = {
  // Kafka's texts name objects of the Java process.
  errorMessage: 'any text',
  acknowledgeErrorMessage: 'any text',
}

/** A denied response without values that differ between two clusters. */
function comparable(value: unknown, fixture: Fixture): unknown {
  if (typeof value === 'bigint') return String(value)
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (Array.isArray(value)) return value.map((item) => comparable(item, fixture))
  if (typeof value === 'string') {
    return [...fixture.topicIds].reduce(
      (text, [name, id]) => text.replace(id, `id of ${name}`),
      value,
    )
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !volatile.includes(key))
      .map(([key, inner]) => [
        key,
        texts[key] !== undefined && (inner ?? '') !== ''
          ? texts[key]
          : (comparable(inner, fixture) ?? ''),
      ]),
  )
}

// `user`: Kafka omits the name of a denied resource.
const volatile = [
  'user',
  'host',
  'port',
  'clusterId',
  'brokers',
  'controllerId',
  'listeners',
  'rack',
]

describe('authorization as in Apache Kafka 4.4.0', () => {
  const runs = accessRuns()
  let kafka: SecuredKafka
  let restricted: RestrictedBroker
  let fixture: Fixture

  before(async () => {
    kafka = await startKafka()
    const admin = await WireClient.connect(loopback(kafka.address(SASL_PLAINTEXT)))
    await login(admin)
    const described = await admin.request(p.DescribeLogDirsRequest, p.DescribeLogDirsResponse, {
      topics: null,
    })
    const logDirectory = described.results[0]?.logDir ?? ''
    fixture = await prepare(admin, runs, { logDirectory, nodeId: 1 })
    admin.close()
    restricted = await startRestrictedBroker()
  })
  after(async () => {
    await restricted?.[Symbol.asyncDispose]()
    await kafka?.[Symbol.asyncDispose]()
  })

  async function answer(each: AccessCase, address: string, version: number): Promise<object> {
    const client = await WireClient.connect(loopback(kafka.address('PLAINTEXT')), address)
    try {
      return await send(client, each, { version, fixture })
    } finally {
      client.close()
    }
  }

  for (const run of runs) {
    const { api, about } = run.case
    it(`${api}${about === undefined ? '' : `, ${about}`}`, async () => {
      const versions = versionsOf(run.case)
      for (const { address, rights, expected, allVersions } of run.clients) {
        for (const version of allVersions ? versions : versions.slice(-1)) {
          const what = `${api} v${version} with ${rights.join(', ') || 'no rights'}`
          const theirs = await answer(run.case, address, version)
          const outcome = outcomeOf(theirs, run.case.request(fixture))
          assertOutcome(outcome, expected, what)
          if (!allVersions) continue
          const client = await restricted.connect(address)
          const ours = await send(client, run.case, { version, fixture: restricted.fixture })
          client.close()
          assert.deepEqual(
            comparable(ours, restricted.fixture),
            comparable(theirs, fixture),
            `${what}: ours, theirs`,
          )
        }
      }
    })
  }

  it('the Java admin, producer and consumer of a user that is granted rights one by one', async () => {
    const jaas =
      'org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="secret" user_alice="secret";'
    await using own = await Broker.start({
      config: {
        listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
        'inter.broker.listener.name': 'SASL_PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.sasl_plaintext.plain.sasl.jaas.config': jaas,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:admin',
        'delegation.token.secret.key': 'secret of the tokens',
      },
    })
    await using fresh = await startKafka()
    const call = async (address: string): Promise<string[]> => {
      const { code, stdout, stderr } = await java('kafka-4.4.0', ['AdminCalls', address])
      assert.equal(code, 0, stderr.slice(-2000))
      return stdout.trimEnd().split('\n')
    }
    const theirs = await call(fresh.address(SASL_PLAINTEXT))
    const ours = await call(own.address)
    assert.ok(theirs.length > 500, String(theirs.length))
    assert.deepEqual(ours, theirs, 'ours, theirs')
  })

  describe('ACLs that are created, found and deleted', () => {
    let own: Broker
    let ours: WireClient
    let theirs: WireClient

    before(async () => {
      own = await Broker.start({
        config: {
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users': 'User:ANONYMOUS',
        },
      })
      ours = await WireClient.connect(own.address)
    })
    beforeEach(async () => {
      // Kafka closes a connection with a request that it cannot read.
      theirs = await WireClient.connect(loopback(kafka.address(SASL_PLAINTEXT)))
      await login(theirs)
    })
    afterEach(() => theirs.close())
    after(async () => {
      ours.close()
      await own.close()
    })

    const acl = {
      resourceType: 2,
      resourceName: 'scratch',
      resourcePatternType: 3,
      principal: 'User:carol',
      host: '*',
      operation: 3,
      permissionType: 3,
    }
    const creations: readonly (readonly [what: string, changed: Partial<typeof acl>])[] = [
      ['a topic', {}],
      ['the same again', {}],
      ['a prefix', { resourceName: 'scr', resourcePatternType: 4 }],
      ['every topic', { resourceName: '*' }],
      ['a denial', { permissionType: 2, operation: 8 }],
      ['the cluster', { resourceType: 4, resourceName: 'kafka-cluster' }],
      ['the cluster by another name', { resourceType: 4, resourceName: 'other' }],
      ['a user', { resourceType: 7, resourceName: 'User:x', operation: 13 }],
      ['an operation that a topic does not have', { operation: 12 }],
      ['two-phase commit', { resourceType: 5, operation: 15 }],
      ['no name', { resourceName: '' }],
      ['any type', { resourceType: 1 }],
      ['an unknown type', { resourceType: 0 }],
      ['a type that does not exist', { resourceType: 99 }],
      ['a pattern of filters', { resourcePatternType: 2 }],
      ['any pattern', { resourcePatternType: 1 }],
      ['any operation', { operation: 1 }],
      ['an operation that does not exist', { operation: 99 }],
      ['any permission', { permissionType: 1 }],
      ['an unknown permission', { permissionType: 0 }],
      ['a principal without a type', { principal: 'carol' }],
      ['an empty principal', { principal: '' }],
      ['a principal of another type', { principal: 'Group:carol' }],
      ['an address', { host: '10.0.0.1' }],
      ['a host name', { host: 'some.host' }],
      ['an empty host', { host: '' }],
      ['a range', { host: '10.0.0.0/8' }],
      ['a range of IPv6', { host: '2001:db8::/32' }],
      ['a range that is too long', { host: '127.0.0.0/99' }],
      ['a range of IPv6 that is too long', { host: '::/129' }],
      ['a range without a length', { host: '10.0.0.0/' }],
      ['a range without an address', { host: 'host/8' }],
      ['a range with two lengths', { host: '10.0.0.0/8/9' }],
      ['a negative length', { host: '10.0.0.0/-1' }],
    ]
    for (const [what, changed] of creations) {
      it(`creates ${what}`, async () => {
        const create = async (client: WireClient) => {
          const message = { creations: [{ ...acl, ...changed }] }
          const { CreateAclsRequest, CreateAclsResponse } = p
          try {
            const { results } = await client.request(CreateAclsRequest, CreateAclsResponse, message)
            return results
          } catch {
            return undefined
          }
        }
        const [one, other] = [await create(ours), await create(theirs)]
        const isUnreadable = other === undefined || other[0]?.errorCode === -1
        if (!isUnreadable) assert.deepEqual(one, other, 'ours, theirs')
        else assert.equal(one?.[0]?.errorCode, p.ErrorCode.INVALID_REQUEST)
      })
    }

    const filter = {
      resourceTypeFilter: 1,
      resourceNameFilter: null as string | null,
      patternTypeFilter: 1,
      principalFilter: 'User:carol' as string | null,
      hostFilter: null as string | null,
      operation: 1,
      permissionType: 1,
    }
    const filters: readonly (readonly [what: string, changed: Partial<typeof filter>])[] = [
      ['of a principal', {}],
      ['literal', { patternTypeFilter: 3, resourceNameFilter: 'scratch' }],
      ['prefixed', { patternTypeFilter: 4, resourceNameFilter: 'scr' }],
      [
        'about a topic',
        { patternTypeFilter: 2, resourceTypeFilter: 2, resourceNameFilter: 'scratch' },
      ],
      ['of a host', { hostFilter: '10.0.0.1' }],
      ['that deny', { permissionType: 2 }],
      ['of an operation', { operation: 12 }],
      ['of an unknown type', { resourceTypeFilter: 0 }],
      ['of an unknown pattern', { patternTypeFilter: 0 }],
      ['of an unknown operation', { operation: 0 }],
      ['of an unknown permission', { permissionType: 0 }],
      ['of an unknown user', { principalFilter: 'User:nobody' }],
    ]
    for (const [what, changed] of filters) {
      it(`finds those ${what}`, async () => {
        const find = async (client: WireClient) => {
          const { DescribeAclsRequest, DescribeAclsResponse } = p
          const message = { ...filter, ...changed }
          try {
            const found = await client.request(DescribeAclsRequest, DescribeAclsResponse, message)
            return { ...found, resources: inOrder(found.resources) }
          } catch {
            return { errorCode: p.ErrorCode.INVALID_REQUEST, closed: true }
          }
        }
        sameUnlessClosed(await find(ours), await find(theirs))
      })
    }

    for (const [what, changed] of filters.slice().reverse()) {
      it(`deletes those ${what}`, async () => {
        const remove = async (client: WireClient) => {
          const { DeleteAclsRequest, DeleteAclsResponse } = p
          const message = { filters: [{ ...filter, ...changed }] }
          try {
            const reply = await client.request(DeleteAclsRequest, DeleteAclsResponse, message)
            const [result] = reply.filterResults
            return { ...result, matchingAcls: inOrder(result?.matchingAcls ?? []) }
          } catch {
            return { errorCode: p.ErrorCode.INVALID_REQUEST, closed: true }
          }
        }
        sameUnlessClosed(await remove(ours), await remove(theirs))
      })
    }
  })
})

/** Where Kafka closes the connection, millrace returns an error code. */
function sameUnlessClosed(ours: { errorCode?: number }, theirs: { errorCode?: number }): void {
  if ('closed' in theirs) assert.equal(ours.errorCode, theirs.errorCode)
  else assert.deepEqual(ours, theirs, 'ours, theirs')
}

function inOrder<T extends object>(items: readonly T[]): object[] {
  const sorted = items.map((item) =>
    'acls' in item && Array.isArray(item.acls) ? { ...item, acls: inOrder(item.acls) } : item,
  )
  return sorted.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function loopback(address: string): string {
  return address.replace('localhost', '127.0.0.1')
}
