// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Admin, type MillraceError, Producer } from '@millrace/client'
import { eventually } from '../test/e2e/until.ts'
import { clusterUnderTest } from '../test/scenarios/cluster-under-test.ts'
import { aclScenarios, securityScenarios } from '../test/scenarios/security-scenarios.ts'
import { java, type Peer, startKafka } from './peers.ts'
import { type SecuredKafka, startSecuredKafka } from './secured-brokers.ts'

/** Scenarios that need a real cluster. */
describe('the admin and Apache Kafka 4.4.0', () => {
  let kafka: Peer
  let admin: Admin
  const other = mkdtempSync(join(tmpdir(), 'kafka-other-'))

  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kafka-'))
    kafka = await startKafka({
      directory,
      quorum: 'dynamic',
      settings: [
        'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users=User:ANONYMOUS',
        `log.dirs=${directory},${other}`,
      ],
    })
    admin = new Admin({ bootstrapServers: kafka.address })
  })
  after(async () => {
    await admin.close()
    await kafka.stop()
  })

  describe('security metadata', () =>
    securityScenarios(() => clusterUnderTest({ bootstrapServers: kafka.address })))
  describe('with an authorizer', () =>
    aclScenarios(() => clusterUnderTest({ bootstrapServers: kafka.address })))

  it('describes the quorum and the features', async () => {
    const quorum = await admin.describeMetadataQuorum()
    assert.equal(quorum.leaderId, 1)
    assert.deepEqual(
      quorum.voters.map(({ replicaId }) => replicaId),
      [1],
    )
    assert.ok(quorum.highWatermark > 0n)
    assert.equal(quorum.nodes.get(1)?.[0]?.name, 'CONTROLLER')
    const features = await admin.describeFeatures()
    const level = features.finalized.get('metadata.version') ?? 0
    await admin.updateFeatures({ 'group.version': { level: 1 } }, { validateOnly: true })
    await assert.rejects(admin.updateFeatures({ 'metadata.version': { level: level + 90 } }))
    await assert.rejects(admin.unregisterBroker(99), { code: 'BROKER_ID_NOT_REGISTERED' })
    const directoryId = quorum.voters[0]?.directoryId ?? ''
    await assert.rejects(admin.removeRaftVoter({ voterId: 9, directoryId }), {
      code: 'VOTER_NOT_FOUND',
    })
    const endpoints = [{ name: 'CONTROLLER', host: 'localhost', port: 1 }]
    await assert.rejects(admin.addRaftVoter({ voterId: 1, directoryId, endpoints }), {
      code: 'DUPLICATE_VOTER',
    })
    // Brokers without a telemetry plug-in do not offer it.
    await assert.rejects(admin.clientInstanceId(), { code: 'UNSUPPORTED_VERSION' })
  })

  it('moves replicas between directories, and handles elections and reassignments', async () => {
    await admin.createTopics([{ name: 'moved', numPartitions: 1 }])
    const place = { topic: 'moved', partition: 0 }
    await using producer = new Producer({ bootstrapServers: kafka.address })
    await producer.send({ ...place, value: 'x' })
    const [before_] = await admin.describeReplicaLogDirs([{ ...place, broker: 1 }])
    const path = before_?.currentPath === other ? kafka.directory : other
    await admin.alterReplicaLogDirs([{ ...place, broker: 1, path }])
    await eventually(async () => {
      const [now] = await admin.describeReplicaLogDirs([{ ...place, broker: 1 }])
      assert.equal(now?.currentPath, path)
    })
    await admin.alterPartitionReassignments([{ ...place, replicas: [1] }])
    await assert.rejects(admin.alterPartitionReassignments([{ ...place, replicas: [7] }]), {
      code: 'INVALID_REPLICA_ASSIGNMENT',
    })
    await assert.rejects(admin.alterPartitionReassignments([{ ...place, replicas: null }]), {
      code: 'NO_REASSIGNMENT_IN_PROGRESS',
    })
    assert.deepEqual(await admin.listPartitionReassignments([place]), [])
    await admin.electLeaders('preferred')
  })

  it('finds hanging transactions and aborts them', async () => {
    const { stdout, stderr } = await java('kafka-4.4.0', [
      'ClientProbe',
      'transactions',
      kafka.address,
      'hanging',
    ])
    assert.equal(stdout.trim(), 'done', stderr)
    const listed = await admin.listTransactions({ states: ['Ongoing'] })
    assert.deepEqual(
      listed.map(({ transactionalId }) => transactionalId),
      ['probe'],
    )
    const place = { topic: 'hanging', partition: 0 }
    const description = (await admin.describeTransactions(['probe'])).get('probe')
    assert.equal(description?.state, 'Ongoing')
    assert.deepEqual(description?.partitions, [place])
    const state = (await admin.describeProducers([place])).get('hanging-0')
    const open = state?.find((each) => each.currentTransactionStartOffset >= 0n)
    assert.equal(open?.producerId, description?.producerId)
    await admin.abortTransaction({
      ...place,
      producerId: open?.producerId ?? -1n,
      producerEpoch: open?.producerEpoch ?? -1,
      coordinatorEpoch: open?.coordinatorEpoch ?? -1,
    })
    const after_ = (await admin.describeProducers([place])).get('hanging-0')
    assert.ok(after_?.every((each) => each.currentTransactionStartOffset < 0n))
    const fenced = (await admin.fenceProducers(['probe'])).get('probe')
    assert.ok((fenced?.producerEpoch ?? 0) > (description?.producerEpoch ?? 0))
    await admin.forceTerminateTransaction('probe')
    await assert.rejects(admin.describeTransactions(['nobody']), {
      code: 'TRANSACTIONAL_ID_NOT_FOUND',
    })
  })

  it('sets and describes offsets of share groups, and describes the other new groups', async () => {
    await admin.createTopics([{ name: 'shared', numPartitions: 1 }])
    const place = { topic: 'shared', partition: 0 }
    await using producer = new Producer({ bootstrapServers: kafka.address })
    await producer.send(Array.from({ length: 5 }, () => ({ ...place, value: 'x' })))
    await eventually(() => admin.alterShareGroupOffsets('share', [{ ...place, offset: 2n }]))
    const offsets = (await admin.listShareGroupOffsets(['share'])).get('share')
    assert.equal(offsets?.[0]?.startOffset, 2n)
    const group = (await admin.describeShareGroups(['share'])).get('share')
    assert.equal(group?.state, 'Empty')
    assert.ok(
      (await admin.listGroups({ types: ['share'] })).some(({ groupId }) => groupId === 'share'),
    )
    await admin.deleteShareGroupOffsets('share', ['shared'])
    await admin.deleteShareGroups(['share'])
    await assert.rejects(admin.describeStreamsGroups(['nobody']), { code: 'GROUP_ID_NOT_FOUND' })
    await assert.rejects(admin.deleteStreamsGroups(['nobody']), { code: 'GROUP_ID_NOT_FOUND' })
    assert.deepEqual(await admin.listClientMetricsResources(), [])
  })

  it('sets, describes and deletes offsets of streams groups, and describes groups as classic ones', async () => {
    await admin.createTopics([{ name: 'streamed', numPartitions: 2 }])
    const places = [0, 1].map((partition) => ({ topic: 'streamed', partition }))
    await eventually(() =>
      admin.alterStreamsGroupOffsets(
        'streams',
        places.map((place) => ({ ...place, offset: 3n })),
      ),
    )
    const offsets = (await admin.listStreamsGroupOffsets(['streams'])).get('streams')
    assert.deepEqual(
      offsets?.map(({ offset }) => offset),
      [3n, 3n],
    )
    await admin.deleteStreamsGroupOffsets('streams', places.slice(1))
    assert.equal((await admin.listStreamsGroupOffsets(['streams'])).get('streams')?.length, 1)
    const group = (await admin.describeClassicGroups(['streams'])).get('streams')
    assert.deepEqual([group?.state, group?.type], ['Empty', 'classic'])
    await assert.rejects(admin.unregisterController(99), (error: MillraceError) =>
      /^[A-Z_]+$/.test(error.code),
    )
  })

  it('manages delegation tokens of authorized users', async () => {
    const jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="a";'
    await using secured: SecuredKafka = await startSecuredKafka({
      settings: [
        'sasl.enabled.mechanisms=PLAIN',
        'delegation.token.secret.key=secret',
        `listener.name.sasl_plaintext.plain.sasl.jaas.config=${jaas}`,
      ],
      credentials: [],
      isPlainOnly: true,
    })
    await using owner = new Admin({
      bootstrapServers: secured.address('SASL_PLAINTEXT'),
      sasl: { mechanism: 'PLAIN', username: 'alice', password: 'a' },
    })
    const token = await owner.createDelegationToken({
      renewers: ['User:bob'],
      maxLifetimeMs: 60_000,
    })
    assert.equal(token.owner, 'User:alice')
    await eventually(async () => {
      const [found] = await owner.describeDelegationToken()
      assert.equal(found?.tokenId, token.tokenId)
      assert.deepEqual(found?.renewers, ['User:bob'])
    })
    assert.ok((await owner.renewDelegationToken(token.hmac)) > Date.now())
    await owner.expireDelegationToken(token.hmac)
    await eventually(async () => assert.deepEqual(await owner.describeDelegationToken(), []))
  })
})
