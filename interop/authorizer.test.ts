// SPDX-License-Identifier: Apache-2.0
// Random sets of ACLs: the decisions of millrace's authorizer and of Apache Kafka's class are
// equal.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  AclOperation,
  hostText,
  PatternType,
  PermissionType,
  ResourceType,
  StandardAuthorizer,
} from '@millrace/protocol'
import { seededRandom } from '@millrace/testkit'
import { java } from './peers.ts'

const SETS = 2000
const QUERIES = 50

const pool = {
  types: ['TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID'],
  names: [
    '*',
    'a',
    'ab',
    'abc',
    'abd',
    'b',
    'ba',
    'A',
    'ü',
    'kafka-cluster',
    'a.b-c_d',
    'hardcode',
  ],
  principals: ['User:*', 'User:alice', 'User:bob', 'Group:alice', 'User:CN=a,O=b', 'User:'],
  hosts: [
    '*',
    '127.0.0.1',
    '10.0.0.0/8',
    '10.1.0.0/16',
    '10.1.2.3',
    '::1',
    '0:0:0:0:0:0:0:1',
    '2001:db8::/32',
    '0.0.0.0/0',
    'some.host',
  ],
  clients: [
    '127.0.0.1',
    '10.1.2.3',
    '10.2.0.1',
    '192.168.0.1',
    '::1',
    '2001:db8::5',
    '2001:db9::5',
  ],
  operations: [
    'ALL',
    'READ',
    'WRITE',
    'CREATE',
    'DELETE',
    'ALTER',
    'DESCRIBE',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
  ],
} as const

const random = seededRandom(20_261_129)

function pick<T>(items: readonly T[]): T {
  return items[random.integer(items.length)] as T
}

function randomSet() {
  const acls = Array.from({ length: random.integer(12) }, () => {
    const type = pick(pool.types)
    return {
      type,
      name: type === 'CLUSTER' ? 'kafka-cluster' : pick(pool.names),
      pattern: pick(['LITERAL', 'LITERAL', 'PREFIXED'] as const),
      principal: pick(pool.principals),
      host: pick(pool.hosts),
      op: pick(pool.operations),
      permission: pick(['ALLOW', 'ALLOW', 'DENY'] as const),
    }
  })
  const queries = Array.from({ length: QUERIES }, () => {
    const about = {
      principal: pick(pool.principals.filter((name) => name !== 'User:*')),
      host: pick(pool.clients),
      type: pick(pool.types),
      op: pick(pool.operations.filter((operation) => operation !== 'ALL')),
    }
    if (random.integer(5) === 0) return about
    return { ...about, name: pick(pool.names) }
  })
  return {
    superUsers: pick(['', 'User:alice', 'User:bob;Group:alice']),
    allowEveryoneIfNoAclFound: random.integer(2) === 0,
    acls,
    queries,
  }
}

function decide({
  superUsers,
  allowEveryoneIfNoAclFound,
  acls,
  queries,
}: ReturnType<typeof randomSet>) {
  const authorizer = new StandardAuthorizer({
    acls: acls.map((acl) => ({
      resourceType: ResourceType[acl.type],
      resourceName: acl.name,
      patternType: PatternType[acl.pattern],
      principal: acl.principal,
      host: acl.host,
      operation: AclOperation[acl.op],
      permissionType: PermissionType[acl.permission],
    })),
    superUsers: new Set(superUsers.split(';')),
    allowEveryoneIfNoAclFound,
  })
  return queries.map((query) => {
    const subject = { principal: query.principal, host: hostText(query.host) }
    const [operation, resourceType] = [AclOperation[query.op], ResourceType[query.type]]
    if (!('name' in query)) {
      return authorizer.authorizeByResourceType(subject, operation, resourceType)
    }
    const action = { operation, resourceType, resourceName: query.name }
    return authorizer.authorize(subject, action).isAllowed
  })
}

describe('the authorizer', () => {
  it(`makes the same ${SETS * QUERIES} decisions as the class of Apache Kafka 4.4.0`, async () => {
    const sets = Array.from({ length: SETS }, randomSet)
    const input = sets.map((set) => JSON.stringify(set)).join('\n')
    const { code, stdout, stderr } = await java('kafka-4.4.0', ['AuthorizerDecisions'], { input })
    assert.equal(code, 0, stderr.slice(-2000))
    const answers = stdout.trimEnd().split('\n')
    assert.equal(answers.length, SETS)
    let allowed = 0
    sets.forEach((set, i) => {
      decide(set).forEach((isAllowed, j) => {
        const expected = answers[i]?.[j] === '1'
        if (expected) allowed++
        const query = JSON.stringify(set.queries[j])
        assert.equal(isAllowed, expected, `${JSON.stringify(set.acls)} asked for ${query}`)
      })
    })
    // Both answers occur often.
    assert.ok(allowed > SETS * QUERIES * 0.1 && allowed < SETS * QUERIES * 0.9, String(allowed))
  })
})
