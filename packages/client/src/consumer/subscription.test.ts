// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TopicMetadata } from '../metadata/metadata.ts'
import {
  isOfGroup,
  type Subscription,
  subscribedTopics,
  subscriptionToPattern,
  subscriptionToTopics,
} from './subscription.ts'

const topics = new Map<string, TopicMetadata>(
  ['orders', 'bills', 'old-orders', '__consumer_offsets'].map((name) => [
    name,
    { name, id: '', isInternal: name.startsWith('__'), partitions: [] },
  ]),
)

describe('topics of a subscription', () => {
  const cells: readonly (readonly [what: string, subscription: Subscription, topics: string])[] = [
    ['nothing subscribed', { kind: 'none' }, ''],
    ['partitions assigned by hand', { kind: 'assigned' }, ''],
    ['names are sorted', subscriptionToTopics(['b', 'a']), 'a b'],
    ['a name given twice counts once', subscriptionToTopics(['a', 'a']), 'a'],
    ['a topic may be created later', subscriptionToTopics(['none-yet']), 'none-yet'],
    [
      'an internal topic by name',
      subscriptionToTopics(['__consumer_offsets']),
      '__consumer_offsets',
    ],
    ['no names: no subscription', subscriptionToTopics([]), ''],
    [
      'a pattern matches anywhere in the name',
      subscriptionToPattern(/orders/),
      'old-orders orders',
    ],
    ['unless it has an anchor', subscriptionToPattern(/^orders/), 'orders'],
    ['no internal topic by pattern', subscriptionToPattern(/./), 'bills old-orders orders'],
    ['flags i and u count', subscriptionToPattern(/^BILLS$/iu), 'bills'],
    ['g and y would remember the last match', subscriptionToPattern(/r/gy), 'old-orders orders'],
  ]
  for (const [what, subscription, expected] of cells) {
    it(`${what}: ${expected || 'none'}`, () => {
      const found = subscribedTopics(subscription, topics, { excludeInternalTopics: true })
      assert.equal(found.join(' '), expected)
    })
  }

  it('includes internal topics that a pattern matches, if they are not excluded', () => {
    const found = subscribedTopics(subscriptionToPattern(/^__/), topics, {
      excludeInternalTopics: false,
    })
    assert.deepEqual(found, ['__consumer_offsets'])
  })
})

it('a group assigns the partitions of topics and patterns only', () => {
  assert.equal(isOfGroup(subscriptionToTopics(['a'])), true)
  assert.equal(isOfGroup(subscriptionToPattern(/a/)), true)
  assert.equal(isOfGroup({ kind: 'none' }), false)
  assert.equal(isOfGroup({ kind: 'assigned' }), false)
})

it('a subscription names topics', () => {
  for (const names of [[''], ['a', ''], [7 as unknown as string]]) {
    assert.throws(() => subscriptionToTopics(names), { code: 'MILLRACE_INVALID_TOPIC' })
  }
})
