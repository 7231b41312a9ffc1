// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientQuotas } from '../metadata/security/client-quotas.ts'
import { Quotas } from './quotas.ts'

const KAFKA = { count: 11, sampleMs: 1000 }

function quotasWith(key: string, value: number) {
  const all: ClientQuotas[] = [
    { entity: [{ entityType: 'client-id', entityName: null }], quotas: new Map([[key, value]]) },
  ]
  const image = { quotas: () => all }
  return { all, quotas: new Quotas({ image, windows: KAFKA, controllerWindows: KAFKA }) }
}

const alice = { user: 'alice', clientId: 'app' }

describe('the quotas of a broker', () => {
  it('wait no longer than a sample for request time', () => {
    const { quotas } = quotasWith('request_percentage', 1)
    const use = (value: number, nowMs: number) =>
      quotas.record('request_percentage', alice, { value, nowMs })
    assert.equal(use(10, 0), 0)
    assert.equal(use(0.5, 0), 500)
    assert.equal(use(1000, 0), 1000)
  })

  const throttled: readonly [key: string, limit: number, use: number, throttleMs: number][] = [
    ['producer_byte_rate', 1, 1000, 990_000],
    ['producer_byte_rate', 1, 2_147_493, 2_147_483_000],
    ['producer_byte_rate', 1, 2_700_000, 0x7fffffff],
    ['consumer_byte_rate', 1, 1e12, 0x7fffffff],
    ['producer_byte_rate', 1e-300, 1, 0x7fffffff],
    ['controller_mutation_rate', 1, 1000, 989_000],
    ['controller_mutation_rate', 1e-6, 10_000, 0x7fffffff],
    ['connection_creation_rate', 1e-12, 1, 0x7fffffff],
  ]
  for (const [key, limit, value, expected] of throttled) {
    it(`throttle ${value} at ${key}=${limit} for ${expected} ms, an int32`, () => {
      const { all, quotas } = quotasWith(key, limit)
      if (key === 'connection_creation_rate') {
        all[0] = {
          entity: [{ entityType: 'ip', entityName: null }],
          quotas: new Map([[key, limit]]),
        }
        quotas.follow([
          {
            kind: 'ClientQuotaRecord',
            version: 0,
            data: { entity: [], key, value: limit, remove: false },
          },
        ])
        assert.equal(quotas.connectionThrottleMs('10.0.0.7', 0), expected)
      } else if (key === 'controller_mutation_rate') {
        const quota = quotas.mutations(alice, 0)
        quota?.take(value)
        assert.equal(quota?.throttleMs(), expected)
      } else if (key === 'producer_byte_rate' || key === 'consumer_byte_rate') {
        assert.equal(quotas.record(key, alice, { value, nowMs: 0 }), expected)
      }
    })
  }

  it('follow the metadata', () => {
    const { all, quotas } = quotasWith('producer_byte_rate', 10)
    const use = (nowMs: number) => quotas.record('producer_byte_rate', alice, { value: 200, nowMs })
    assert.equal(use(0), 10_000)
    all.length = 0
    quotas.follow([
      {
        kind: 'ClientQuotaRecord',
        version: 0,
        data: { entity: [], key: 'producer_byte_rate', value: 0, remove: true },
      },
    ])
    assert.equal(quotas.has('producer_byte_rate'), false)
    assert.equal(use(1), 0)
  })

  it('let a fetch have no more than the window allows', () => {
    const { quotas } = quotasWith('consumer_byte_rate', 1000)
    assert.equal(quotas.maxFetchBytes(alice), 10_000)
    const { quotas: none } = quotasWith('producer_byte_rate', 1000)
    assert.equal(none.maxFetchBytes(alice), Number.MAX_SAFE_INTEGER)
  })

  it('measure a bounded number of clients', () => {
    const { quotas } = quotasWith('producer_byte_rate', 10)
    const use = (clientId: string) =>
      quotas.record('producer_byte_rate', { user: 'u', clientId }, { value: 200, nowMs: 0 })
    assert.equal(use('first'), 10_000)
    for (let i = 0; i < 10_000; i++) use(`client ${i}`)
    // It was forgotten, and starts again.
    assert.equal(use('first'), 10_000)
  })
})
