// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { QuotaLimits } from './quota-limits.ts'

const KEY = 'producer_byte_rate'

/** `alice/app`: a quota of user `alice` with client id `app`; `*` is the default, `-` is absent. */
function limitsOf(entities: readonly string[]): QuotaLimits {
  return new QuotaLimits(
    entities.map((text, i) => {
      const [user = '-', client = '-'] = text.split('/')
      const part = (entityType: string, name: string) =>
        name === '-' ? [] : [{ entityType, entityName: name === '*' ? null : name }]
      return {
        entity: [...part('user', user), ...part('client-id', client)],
        quotas: new Map([[KEY, i + 1]]),
      }
    }),
  )
}

/** From the first that counts to the last. */
const PRECEDENCE = ['alice/app', 'alice/*', 'alice/-', '*/app', '*/*', '*/-', '-/app', '-/*']

describe('limits of quotas', () => {
  for (const [i, first] of PRECEDENCE.entries()) {
    it(`${first} counts before what follows it`, () => {
      const limits = limitsOf(PRECEDENCE.slice(i))
      assert.equal(limits.limitOf(KEY, 'alice', 'app')?.value, 1)
    })
  }

  const shared: readonly [entity: string, one: string, other: string, isShared: boolean][] = [
    ['alice/-', 'alice/a', 'alice/b', true],
    ['*/-', 'alice/a', 'alice/b', true],
    ['*/-', 'alice/a', 'bob/a', false],
    ['alice/*', 'alice/a', 'alice/b', false],
    ['*/*', 'alice/a', 'bob/a', false],
    ['-/a', 'alice/a', 'bob/a', true],
    ['-/*', 'alice/a', 'bob/a', true],
    ['-/*', 'alice/a', 'alice/b', false],
  ]
  for (const [entity, one, other, isShared] of shared) {
    it(`${entity} is ${isShared ? 'shared' : 'not shared'} by ${one} and ${other}`, () => {
      const limits = limitsOf([entity])
      const [a, b] = [one, other].map((text) => {
        const [user = '', clientId = ''] = text.split('/')
        return limits.limitOf(KEY, user, clientId)?.entity
      })
      assert.ok(a !== undefined && b !== undefined)
      assert.equal(a === b, isShared)
    })
  }

  it('limits no other client', () => {
    const limits = limitsOf(['alice/app'])
    assert.equal(limits.limitOf(KEY, 'alice', 'other'), undefined)
    assert.equal(limits.limitOf(KEY, 'ali', 'ceapp'), undefined)
    assert.equal(limits.limitOf('consumer_byte_rate', 'alice', 'app'), undefined)
    assert.equal(limits.has('consumer_byte_rate'), false)
  })

  it('limits connections by address', () => {
    const ip = (entityName: string | null, rate: number) => ({
      entity: [{ entityType: 'ip', entityName }],
      quotas: new Map([['connection_creation_rate', rate]]),
    })
    const limits = new QuotaLimits([ip('10.0.0.1', 5), ip(null, 9)])
    assert.equal(limits.connectionRateOf('10.0.0.1'), 5)
    assert.equal(limits.connectionRateOf('10.0.0.2'), 9)
    assert.equal(limitsOf([]).connectionRateOf('10.0.0.2'), undefined)
  })
})
