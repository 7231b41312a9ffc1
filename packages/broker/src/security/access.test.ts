// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Acl, AclOperation, type ApiName, ResourceType } from '@millrace/protocol'
import { MetadataImage } from '../metadata/metadata-image.ts'
import type { MetadataRecord } from '../metadata/metadata-record.ts'
import { Access } from './access.ts'
import { type AuditEvent, auditJson, auditLine } from './audit-log.ts'
import { Authorization } from './authorization.ts'
import { AuthorizedOperations, operationsOf } from './authorized-operations.ts'
import { clientSession } from './client-session.ts'

const { READ, WRITE, CREATE, DESCRIBE, ALTER } = AclOperation
const LITERAL = 3
const ALLOW = 3

/** A broker's ACLs, the decisions that were logged, and requests of `User:alice`. */
class Bench {
  readonly #image = new MetadataImage()
  readonly events: AuditEvent[] = []
  readonly authorization: Authorization
  readonly #session = clientSession({
    identity: { type: 'User', name: 'alice', isTokenAuthenticated: false },
    host: '10.0.0.7',
    listenerName: 'L',
    securityProtocol: 'SASL_SSL',
  })
  #nextId = 0

  constructor({ logsAllowed = false } = {}) {
    this.authorization = new Authorization({
      image: this.#image,
      superUsers: new Set(),
      allowEveryoneIfNoAclFound: false,
      audit: { logsAllowed, log: (event) => this.events.push(event) },
    })
  }

  /** Allows alice an operation on a topic, or on another resource. */
  allow(operation: number, resourceName: string, more: Partial<Acl> = {}): this {
    const id = `AAAAAAAAAAAAAAAAAAAAA${this.#nextId++}`
    const record: MetadataRecord = {
      kind: 'AccessControlEntryRecord',
      version: 0,
      data: {
        id,
        resourceType: ResourceType.TOPIC,
        resourceName,
        patternType: LITERAL,
        principal: 'User:alice',
        host: '*',
        operation,
        permissionType: ALLOW,
        ...more,
      },
    }
    this.#image.apply(record)
    this.authorization.follow([record])
    return this
  }

  access(api: ApiName): Access {
    return new Access({
      authorization: this.authorization,
      session: this.#session,
      clientId: 'app',
      api,
    })
  }

  /** Logged decisions: `DENIED orders 2`. */
  get log(): string[] {
    return this.events.map(({ decision, action, count }) =>
      [decision.isAllowed ? 'allowed' : 'DENIED', action.resourceName, count].join(' '),
    )
  }
}

describe('a check', () => {
  it('is of the operation that the API needs', () => {
    const bench = new Bench().allow(READ, 'orders')
    assert.equal(bench.access('Fetch').allowsTopic('orders'), true)
    assert.equal(bench.access('Produce').allowsTopic('orders'), false)
    // Reading implies describing.
    assert.equal(bench.access('Metadata').allowsTopic('orders'), true)
    assert.equal(bench.access('Metadata').allowsTopic('orders', { operation: CREATE }), false)
  })

  it('of an operation that the API does not have is our own mistake', () => {
    for (const access of [new Bench().access('Fetch'), openAccess()]) {
      assert.throws(() => access.allowsTopic('t', { operation: WRITE }), /Fetch has no 4 for topic/)
      assert.throws(() => access.allows('group', 'g'), /Fetch has no permission for group/)
    }
  })

  it('is no check without an authorizer', () => {
    const access = openAccess()
    assert.equal(access.isOpen, true)
    assert.equal(access.allowsTopic('orders'), true)
    assert.equal(access.deniedTopics(['orders']).size, 0)
    assert.equal(access.allowsAny('topic'), true)
    assert.equal(access.operations('topic', 'orders'), AuthorizedOperations.topic)
    assert.equal(new Bench().access('Fetch').isOpen, false)
  })
})

function openAccess(): Access {
  const session = clientSession({
    identity: { type: 'User', name: 'alice', isTokenAuthenticated: false },
    host: '10.0.0.7',
    listenerName: 'L',
    securityProtocol: 'PLAINTEXT',
  })
  return new Access({ authorization: undefined, session, clientId: 'app', api: 'Fetch' })
}

describe('a denial', () => {
  const checks: readonly (readonly [
    api: ApiName,
    check: (access: Access) => void,
    code: string,
  ])[] = [
    ['Fetch', (access) => access.requireTopic('t'), 'TOPIC'],
    ['JoinGroup', (access) => access.requireGroup('g'), 'GROUP'],
    ['EndTxn', (access) => access.requireTransactionalId('x'), 'TRANSACTIONAL_ID'],
    ['DescribeAcls', (access) => access.requireCluster(), 'CLUSTER'],
    ['DescribeAcls', (access) => access.requireClusterByName(), 'CLUSTER'],
    ['CreateDelegationToken', (access) => access.require('user', 'u'), 'DELEGATION_TOKEN'],
  ]
  for (const [api, check, code] of checks) {
    it(`of ${api}: ${code}_AUTHORIZATION_FAILED`, () => {
      assert.throws(() => check(new Bench().access(api)), { code: `${code}_AUTHORIZATION_FAILED` })
    })
  }

  it('is no answer to a client that is authorized', () => {
    const cluster = { resourceType: ResourceType.CLUSTER }
    const bench = new Bench().allow(ALTER, 'kafka-cluster', cluster)
    bench.access('CreateAcls').requireClusterByName()
    bench.access('CreateAcls').requireCluster()
  })

  it('names the missing permission where Kafka does', () => {
    assert.throws(() => new Bench().access('CreateAcls').requireClusterByName(), {
      message: 'User:alice needs ALTER on Cluster:LITERAL:kafka-cluster.',
    })
  })

  it('is returned once for a topic that is named several times', () => {
    const bench = new Bench().allow(READ, 'orders')
    const denied = bench.access('Fetch').deniedTopics(['bills', 'orders', 'bills'])
    assert.deepEqual([...denied], ['bills'])
    assert.deepEqual(bench.log, ['DENIED bills 2'])
  })
})

describe('the audit log', () => {
  const cells: readonly (readonly [
    topic: string,
    logsAllowed: boolean,
    logsDenial: boolean,
    log: string,
  ])[] = [
    ['bills', false, true, 'DENIED bills 1'],
    ['bills', false, false, ''],
    ['bills', true, false, ''],
    ['orders', false, true, ''],
    ['orders', true, true, 'allowed orders 1'],
    ['orders', true, false, 'allowed orders 1'],
  ]
  for (const [topic, logsAllowed, logsDenial, expected] of cells) {
    const options = `${logsAllowed ? 'with' : 'without'} what is allowed`
    it(`${options}${logsDenial ? '' : ', no error'}: ${topic}: ${expected || 'nothing'}`, () => {
      const bench = new Bench({ logsAllowed }).allow(READ, 'orders')
      bench.access('Fetch').allowsTopic(topic, { logsDenial })
      assert.equal(bench.log.join(), expected)
    })
  }

  it('has a line in the format of Kafka, or of JSON', () => {
    const bench = new Bench({ logsAllowed: true }).allow(READ, 'orders')
    bench.access('Fetch').allowsTopic('bills')
    bench.access('Fetch').allowsTopic('orders', { count: 3 })
    const [denied, allowed] = bench.events
    assert.ok(denied !== undefined && allowed !== undefined)
    assert.equal(
      auditLine(denied),
      'Principal = User:alice is Denied operation = READ from host = 10.0.0.7 on resource = Topic:LITERAL:bills for request = Fetch with resourceRefCount = 1 based on rule DefaultDeny',
    )
    assert.match(
      auditLine(allowed),
      /is Allowed .* with resourceRefCount = 3 based on rule MatchingAcl\(acl=StandardAcl\(resourceType=TOPIC, name='orders', patternType=LITERAL, principal='User:alice', host='\*', operation=READ, permissionType=ALLOW\)\)$/,
    )
    assert.deepEqual(JSON.parse(auditJson(denied, 0)), {
      time: '1970-01-01T00:00:00.000Z',
      principal: 'User:alice',
      host: '10.0.0.7',
      listener: 'L',
      clientId: 'app',
      request: 'Fetch',
      operation: 'READ',
      resourceType: 'TOPIC',
      resourceName: 'bills',
      count: 1,
      outcome: 'Denied',
      rule: 'DefaultDeny',
    })
  })
})

describe('a decision', () => {
  it('is kept until an ACL changes', () => {
    const bench = new Bench()
    const { revision } = bench.authorization
    assert.equal(bench.access('Fetch').allowsTopic('orders'), false)
    bench.authorization.follow([])
    assert.equal(bench.authorization.revision, revision)
    bench.allow(READ, 'orders')
    assert.equal(bench.authorization.revision, revision + 1)
    assert.equal(bench.access('Fetch').allowsTopic('orders'), true)
    assert.equal(bench.access('Fetch').allowsTopic('bills'), false)
  })

  it('about any topic needs an ACL of one (KIP-679)', () => {
    const bench = new Bench()
    assert.equal(bench.access('Produce').allowsAny('topic'), false)
    bench.allow(WRITE, 'orders')
    assert.equal(bench.access('Produce').allowsAny('topic'), true)
    assert.equal(bench.access('Fetch').allowsAny('topic'), false)
  })
})

describe('the operations in a reply', () => {
  const names = (bits: number): string[] => {
    const text = new Map(Object.entries(AclOperation).map(([name, code]) => [Number(code), name]))
    return operationsOf(bits).map((code) => text.get(code) ?? '')
  }

  it('are those that the client may do, without a line in the log', () => {
    const bench = new Bench().allow(WRITE, 'orders')
    assert.deepEqual(names(bench.access('Metadata').operations('topic', 'orders')), [
      'WRITE',
      'DESCRIBE',
    ])
    assert.deepEqual(bench.log, [])
  })

  it('of the cluster are none for a client that may not describe it', () => {
    const cluster = { resourceType: ResourceType.CLUSTER }
    const bench = new Bench().allow(CREATE, 'kafka-cluster', cluster)
    assert.equal(bench.access('DescribeCluster').clusterOperations(), 0)
    assert.deepEqual(bench.log, [])
    bench.allow(DESCRIBE, 'kafka-cluster', cluster).allow(ALTER, 'kafka-cluster', cluster)
    assert.deepEqual(names(bench.access('DescribeCluster').clusterOperations()), [
      'CREATE',
      'ALTER',
      'DESCRIBE',
    ])
  })

  it('are those of the kind of resource', () => {
    assert.deepEqual(names(AuthorizedOperations.group), [
      'READ',
      'DELETE',
      'DESCRIBE',
      'DESCRIBE_CONFIGS',
      'ALTER_CONFIGS',
    ])
  })
})
