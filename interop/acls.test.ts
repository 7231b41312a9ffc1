// SPDX-License-Identifier: Apache-2.0
// Every API with and without the rights it needs: Apache Kafka 4.4.0 and millrace give the same
// answers. Clients differ by their addresses, which ACLs name.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
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
import { type SecuredKafka, startSecuredKafka } from './peers.ts'

const SASL_PLAINTEXT = 'SASL_PLAINTEXT'

function startKafka(): Promise<SecuredKafka> {
  const jaas = (listener: string): string =>
    `listener.name.${listener}.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="secret" user_admin="secret";`
  return startSecuredKafka({
    isPlainOnly: true,
    credentials: [],
    settings: [
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users=User:admin',
      // On other listeners clients are anonymous, and not super users.
      `listener.security.protocol.map=CONTROLLER:${SASL_PLAINTEXT},PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT`,
      'inter.broker.listener.name=SASL_PLAINTEXT',
      'sasl.mechanism.inter.broker.protocol=PLAIN',
      'sasl.mechanism.controller.protocol=PLAIN',
      'sasl.enabled.mechanisms=PLAIN',
      jaas('sasl_plaintext'),
      jaas('controller'),
      'group.streams.initial.rebalance.delay.ms=0',
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

/** Differences that are meant: what answers say beyond codes. */
const texts: Readonly<Record<string, string>> = {
  // Kafka's texts name objects of the Java process.
  errorMessage: 'any text',
  acknowledgeErrorMessage: 'any text',
}

/** A denied answer without what differs between two clusters. */
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

// `user`: Kafka leaves the name out of what it denies.
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

describe('authorization, as Apache Kafka 4.4.0 does it', () => {
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
})

function loopback(address: string): string {
  return address.replace('localhost', '127.0.0.1')
}
