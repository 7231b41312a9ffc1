// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Admin, type MillraceError } from '@millrace/client'
import { eventually } from '../e2e/until.ts'
import type { ClusterUnderTest } from './cluster-under-test.ts'

const binding = {
  resourceType: 'topic',
  resourceName: 'orders',
  patternType: 'prefixed',
  principal: 'User:alice',
  host: '*',
  operation: 'read',
  permission: 'allow',
} as const

/** ACLs on a cluster without an authorizer: storing them would suggest that they are enforced. */
export function unauthorizedScenarios(cluster: () => ClusterUnderTest): void {
  it('rejects ACLs without an authorizer', async () => {
    await using admin = new Admin(cluster().client)
    const isDisabled = (error: MillraceError): boolean => error.code === 'SECURITY_DISABLED'
    await assert.rejects(admin.createAcls([binding]), isDisabled)
    await assert.rejects(admin.describeAcls(), isDisabled)
    await assert.rejects(admin.deleteAcls([{ resourceName: 'orders' }]), isDisabled)
  })
}

/** ACLs on a cluster with an authorizer. */
export function aclScenarios(cluster: () => ClusterUnderTest): void {
  it('creates, finds and deletes ACLs', async () => {
    await using admin = new Admin(cluster().client)
    await admin.createAcls([binding, { ...binding, operation: 'write', permission: 'deny' }])
    await eventually(async () => {
      const found = await admin.describeAcls({ principal: 'User:alice' })
      assert.equal(found.length, 2)
      assert.deepEqual(
        found.find(({ operation }) => operation === 'read'),
        binding,
      )
    })
    const deleted = await admin.deleteAcls([{ resourceName: 'orders', operation: 'read' }])
    assert.deepEqual(deleted, [binding])
    await eventually(async () => assert.equal((await admin.describeAcls()).length, 1))
    await assert.rejects(
      admin.createAcls([{ ...binding, resourceType: 'cluster', operation: 'read' }]),
      (error: MillraceError) => error.code === 'INVALID_REQUEST',
    )
  })
}

/** Security metadata of a cluster, with or without an authorizer: quotas, credentials, features. */
export function securityScenarios(cluster: () => ClusterUnderTest): void {
  it('sets, finds and removes quotas', async () => {
    await using admin = new Admin(cluster().client)
    const entity = { user: 'alice', 'client-id': null }
    await admin.alterClientQuotas([
      { entity, quotas: { producer_byte_rate: 1024, request_percentage: 50.5 } },
    ])
    await eventually(async () => {
      assert.deepEqual(await admin.describeClientQuotas({ user: { exact: 'alice' } }), [
        { entity, quotas: { producer_byte_rate: 1024, request_percentage: 50.5 } },
      ])
    })
    await admin.alterClientQuotas([
      { entity, quotas: { producer_byte_rate: null, request_percentage: null } },
    ])
    await eventually(async () => {
      assert.deepEqual(
        await admin.describeClientQuotas({ 'client-id': 'default', user: 'any' }),
        [],
      )
    })
    await assert.rejects(admin.alterClientQuotas([{ entity, quotas: { nonsense: 1 } }]), {
      code: 'INVALID_REQUEST',
    })
  })

  it('sets, describes and removes SCRAM credentials', async () => {
    await using admin = new Admin(cluster().client)
    const user = cluster().unique('user')
    const mechanism = 'SCRAM-SHA-256'
    await admin.alterUserScramCredentials([
      { user, mechanism, password: 'secret', iterations: 5000 },
    ])
    await eventually(async () => {
      const described = await admin.describeUserScramCredentials([user])
      assert.deepEqual(described.get(user), [{ mechanism, iterations: 5000 }])
    })
    await assert.rejects(
      admin.alterUserScramCredentials([{ user, mechanism, password: 'x', iterations: 1 }]),
      { code: 'UNACCEPTABLE_CREDENTIAL' },
    )
    await admin.alterUserScramCredentials([{ user, mechanism, delete: true }])
    await eventually(() =>
      assert.rejects(admin.describeUserScramCredentials([user]), { code: 'RESOURCE_NOT_FOUND' }),
    )
    await assert.rejects(admin.alterUserScramCredentials([{ user, mechanism, delete: true }]), {
      code: 'RESOURCE_NOT_FOUND',
    })
  })

  it('updates features, describes the quorum, and issues no tokens to anonymous clients', async () => {
    await using admin = new Admin(cluster().client)
    const features = await admin.describeFeatures()
    const level = features.finalized.get('metadata.version') ?? 0
    await admin.updateFeatures({ 'group.version': { level: 1 } }, { validateOnly: true })
    await assert.rejects(admin.updateFeatures({ 'metadata.version': { level: level + 90 } }), {
      code: 'INVALID_UPDATE_VERSION',
    })
    await assert.rejects(admin.unregisterBroker(99), { code: 'BROKER_ID_NOT_REGISTERED' })
    const quorum = await admin.describeMetadataQuorum()
    assert.ok(quorum.highWatermark > 0n)
    assert.equal(quorum.voters[0]?.replicaId, quorum.leaderId)
    await assert.rejects(admin.createDelegationToken(), {
      code: 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED',
    })
  })
}
