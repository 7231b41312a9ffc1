// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError } from '@millrace/protocol'
import { MetadataImage } from '../metadata-image.ts'
import { decodeMetadataRecord, encodeMetadataRecord } from '../metadata-record.ts'
import { changeQuotas, findQuotas, type QuotaFilter, quotaEntityKey } from './client-quotas.ts'

/** `user=u client-id=c`; `user=*` is the default user. */
function entityOf(text: string) {
  return text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const [entityType = '', entityName = ''] = word.split('=')
      return { entityType, entityName: entityName === '*' ? null : entityName }
    })
}

/** Sets `key=value`, or removes `-key`; returns the number of records, or the error. */
function change(image: MetadataImage, entity: string, changes: string): number | string {
  const ops = changes.split(' ').map((word) => {
    const [key = '', value = '0'] = word.replace(/^-/, '').split('=')
    return { key, value: Number(value), remove: word.startsWith('-') }
  })
  try {
    const records = changeQuotas(image, { entity: entityOf(entity), ops })
    for (const record of records) image.apply(decodeMetadataRecord(encodeMetadataRecord(record)))
    return records.length
  } catch (error) {
    assert.ok(error instanceof ProtocolError)
    return `${error.code}: ${error.message}`
  }
}

describe('a change of client quotas', () => {
  const valid: readonly (readonly [entity: string, changes: string, records: number])[] = [
    ['user=u', 'producer_byte_rate=1024', 1],
    ['user=*', 'producer_byte_rate=1 consumer_byte_rate=2', 2],
    ['client-id=c user=u', 'request_percentage=12.5', 1],
    ['client-id=*', 'controller_mutation_rate=0.5', 1],
    ['ip=10.0.0.1', 'connection_creation_rate=5', 1],
    ['ip=::1', 'connection_creation_rate=5', 1],
    ['ip=*', 'connection_creation_rate=2147483647', 1],
    ['user=u', '-producer_byte_rate', 0],
  ]
  for (const [entity, changes, records] of valid) {
    it(`${entity} ${changes}: ${records} records`, () => {
      assert.equal(change(new MetadataImage(), entity, changes), records)
    })
  }

  const invalid: readonly (readonly [entity: string, changes: string, message: RegExp])[] = [
    ['', 'producer_byte_rate=1', /empty client quota entity/],
    ['user=u user=v', 'producer_byte_rate=1', /duplicate entity entry user/],
    ['group=g', 'producer_byte_rate=1', /Unhandled client quota entity type: group/],
    ['user=', 'producer_byte_rate=1', /Empty user not supported/],
    ['ip=10.0.0.1 user=u', 'connection_creation_rate=1', /IP entity should not be combined/],
    ['ip=nowhere', 'connection_creation_rate=1', /not a valid IP/],
    ['ip=10.0.0.1', 'producer_byte_rate=1', /Invalid configuration key producer_byte_rate/],
    ['user=u', 'connection_creation_rate=1', /Invalid configuration key/],
    ['user=u', 'x=1', /Invalid configuration key x/],
    ['user=u', 'producer_byte_rate=0', /must be greater than 0/],
    ['user=u', 'producer_byte_rate=-1', /must be greater than 0/],
    ['user=u', 'request_percentage=NaN', /must be greater than 0/],
    ['user=u', 'producer_byte_rate=1.5', /cannot be a fractional value/],
    ['ip=*', 'connection_creation_rate=2147483648', /too large for an INT/],
    ['user=u', 'producer_byte_rate=1 producer_byte_rate=2', /Duplicate quota key/],
  ]
  for (const [entity, changes, message] of invalid) {
    it(`${entity} ${changes} → ${message}`, () => {
      const image = new MetadataImage()
      const outcome = change(image, entity, changes)
      assert.match(String(outcome), message)
      assert.match(String(outcome), /^INVALID_REQUEST/)
      assert.equal(image.quotas().length, 0)
    })
  }

  it('writes only what changes', () => {
    const image = new MetadataImage()
    assert.equal(change(image, 'user=u client-id=c', 'producer_byte_rate=1'), 1)
    assert.equal(change(image, 'client-id=c user=u', 'producer_byte_rate=1'), 0, 'in any order')
    assert.equal(change(image, 'user=u client-id=c', 'producer_byte_rate=2'), 1)
    assert.equal(change(image, 'user=u client-id=c', '-producer_byte_rate'), 1)
    assert.equal(change(image, 'user=u client-id=c', '-producer_byte_rate'), 0)
  })
})

describe('a search for client quotas', () => {
  const image = new MetadataImage()
  for (const entity of ['user=u', 'user=*', 'user=u client-id=c', 'client-id=c', 'ip=10.0.0.1']) {
    const key = entity.startsWith('ip') ? 'connection_creation_rate' : 'producer_byte_rate'
    change(image, entity, `${key}=1`)
  }

  /** `user=u` matches exactly, `user=*` the default, `user` any. */
  function find(filter: string, strict: boolean): string {
    const components = filter
      .split(' ')
      .filter(Boolean)
      .map((word) => {
        const [entityType = '', match] = word.split('=')
        if (match === undefined) return { entityType, matchType: 2, match: null }
        if (match === '*') return { entityType, matchType: 1, match: null }
        return { entityType, matchType: 0, match }
      })
    return run({ components, strict })
  }

  function run(filter: QuotaFilter): string {
    try {
      return findQuotas(image.quotas(), filter)
        .map(({ entity }) =>
          entity
            .map(({ entityType, entityName }) => `${entityType}=${entityName ?? '*'}`)
            .join(' '),
        )
        .sort()
        .join(', ')
    } catch (error) {
      assert.ok(error instanceof ProtocolError)
      return error.code
    }
  }

  const cells: readonly (readonly [filter: string, strict: boolean, found: string])[] = [
    ['user=u', false, 'user=u, user=u client-id=c'],
    ['user=u', true, 'user=u'],
    ['user=*', false, 'user=*'],
    ['user', false, 'user=*, user=u, user=u client-id=c'],
    ['user', true, 'user=*, user=u'],
    ['user=u client-id=c', true, 'user=u client-id=c'],
    ['client-id=c', false, 'client-id=c, user=u client-id=c'],
    ['ip', true, 'ip=10.0.0.1'],
    ['user=x', false, ''],
    ['', false, 'client-id=c, ip=10.0.0.1, user=*, user=u, user=u client-id=c'],
    ['', true, ''],
    ['user=u user=v', false, 'INVALID_REQUEST'],
    ['group=g', false, 'UNSUPPORTED_VERSION'],
    ['ip user', false, 'INVALID_REQUEST'],
  ]
  for (const [filter, strict, found] of cells) {
    it(`${filter || 'everything'}${strict ? ', strictly' : ''} → ${found || 'nothing'}`, () => {
      assert.equal(find(filter, strict), found)
    })
  }

  const malformed: readonly (readonly [string, number, string | null])[] = [
    ['', 0, 'u'],
    ['user', 3, null],
    ['user', 0, null],
    ['user', 1, 'u'],
    ['user', 2, 'u'],
  ]
  for (const [entityType, matchType, match] of malformed) {
    it(`refuses type "${entityType}" with match type ${matchType} and match ${match}`, () => {
      const components = [{ entityType, matchType, match }]
      assert.equal(run({ components, strict: false }), 'INVALID_REQUEST')
    })
  }

  it('names an entity the same in any order, and the default unlike a user named *', () => {
    assert.equal(
      quotaEntityKey(entityOf('user=u client-id=c')),
      quotaEntityKey(entityOf('client-id=c user=u')),
    )
    const star = [{ entityType: 'user', entityName: '*' }]
    assert.notEqual(quotaEntityKey(star), quotaEntityKey(entityOf('user=*')))
  })
})
