// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Quotas } from './quotas.ts'
import { RequestThrottle } from './request-throttle.ts'

const windows = { count: 11, sampleMs: 1000 }

/** Requests of one client at a rate of 1 partition a second: 11 tokens at the start. */
const table: readonly (readonly [
  what: string,
  /** Partitions of each request, and `!` for an older client that only waits. */
  requests: string,
  /** `ok` or `refused`, and the throttle time of each. */
  expected: string,
])[] = [
  ['within the burst', '5 6', 'ok 0, ok 0'],
  // As Kafka's StrictControllerMutationQuota: only what is refused makes a client wait.
  ['using up the quota', '20', 'ok 0'],
  ['after it was used up', '20 1', 'ok 0, refused 9000'],
  ['refused requests take nothing', '20 30 1', 'ok 0, refused 9000, refused 9000'],
  ['an older client waits at once', '20!', 'ok 9000'],
  ['an older client is never refused', '20! 5!', 'ok 9000, ok 14000'],
]

describe('changes of topics above the quota', () => {
  for (const [what, requests, expected] of table) {
    it(`${what}: ${requests} → ${expected}`, () => {
      const image = {
        quotas: () => [
          {
            entity: [{ entityType: 'user', entityName: 'alice' }],
            quotas: new Map([['controller_mutation_rate', 1]]),
          },
        ],
      }
      const quotas = new Quotas({ image, windows, controllerWindows: windows })
      const outcomes = requests.split(' ').map((request) => {
        const client = { user: 'alice', clientId: 'app' }
        const throttle = new RequestThrottle({ quotas, client, nowMs: () => 1000 })
        throttle.changesTopics({ isStrict: !request.endsWith('!') })
        let outcome = 'ok'
        try {
          throttle.takePartitions(Number.parseInt(request, 10))
        } catch (error) {
          assert.equal((error as { readonly code?: string }).code, 'THROTTLING_QUOTA_EXCEEDED')
          outcome = 'refused'
        }
        return `${outcome} ${throttle.throttleMs}`
      })
      assert.equal(outcomes.join(', '), expected)
    })
  }
})
