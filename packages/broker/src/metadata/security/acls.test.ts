// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Acl } from '@millrace/protocol'
import { MetadataImage } from '../metadata-image.ts'
import { type AclFilter, createAcl, findAcls } from './acls.ts'

const acl: Acl = {
  resourceType: 2,
  resourceName: 'orders',
  patternType: 4,
  principal: 'User:alice',
  host: '*',
  operation: 3,
  permissionType: 3,
}
const any: AclFilter = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}

describe('an ACL', () => {
  it('is stored once', () => {
    const image = new MetadataImage()
    const id = 'AAAAAAAAAAAAAAAAAAAAAQ'
    assert.equal(createAcl(image, acl, id).length, 1)
    image.apply({ kind: 'AccessControlEntryRecord', version: 0, data: { id, ...acl } })
    assert.deepEqual(createAcl(image, acl, id), [])
    assert.equal(createAcl(image, { ...acl, operation: 4 }, id).length, 1)
  })

  const refused: readonly [Partial<Acl>, RegExp][] = [
    [{ resourceType: 4 }, /only valid name for the CLUSTER resource is kafka-cluster/],
    [{ resourceName: '' }, /empty resource name/],
    [{ resourceType: 1 }, /Invalid resourceType ANY/],
    [{ resourceType: 99 }, /Invalid resourceType UNKNOWN/],
    [{ patternType: 2 }, /Invalid patternType 2/],
    [{ operation: 1 }, /Invalid operation ANY/],
    [{ operation: 99 }, /Invalid operation UNKNOWN/],
    [{ host: '' }, /Host pattern cannot be null or empty/],
    [{ host: '127.0.0.0/99' }, /Value \[99\] not in range \[0,32\]/],
    [{ permissionType: 1 }, /Invalid permissionType 1/],
    [{ principal: 'alice' }, /no colon/],
  ]
  for (const [change, message] of refused) {
    it(`is rejected with ${JSON.stringify(change)}`, () => {
      assert.throws(() => createAcl(new MetadataImage(), { ...acl, ...change }, 'x'), message)
    })
  }

  const found: readonly [Partial<AclFilter>, count: number][] = [
    [{}, 1],
    [{ resourceNameFilter: 'orders' }, 1],
    [{ resourceNameFilter: 'orders-2' }, 0],
    [{ resourceNameFilter: 'orders-2', patternTypeFilter: 2 }, 1],
    [{ resourceNameFilter: 'order', patternTypeFilter: 2 }, 0],
    [{ patternTypeFilter: 3 }, 0],
    [{ principalFilter: 'User:bob' }, 0],
    [{ hostFilter: '*' }, 1],
    [{ operation: 4 }, 0],
    [{ permissionType: 2 }, 0],
  ]
  for (const [change, count] of found) {
    it(`matches ${count} times with ${JSON.stringify(change)}`, () => {
      assert.equal(findAcls([acl], { ...any, ...change }).length, count)
    })
  }

  it('filter with an unknown element is rejected', () => {
    assert.throws(() => findAcls([acl], { ...any, operation: 0 }), /unknown elements/)
  })
})
