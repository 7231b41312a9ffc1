// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TopicPartition } from '../topic-partition.ts'
import { Assignment } from './assignment.ts'
import type { JoinResult, JoinSubscription } from './group/membership.ts'
import { GroupRebalance, type RebalanceParts } from './group-rebalance.ts'
import { type Subscription, subscriptionToPattern, subscriptionToTopics } from './subscription.ts'

const parse = (list: string): TopicPartition[] =>
  list
    .split(' ')
    .filter(Boolean)
    .map((text) => {
      const [topic = '', partition] = text.split('-')
      return { topic, partition: Number(partition) }
    })
const shown = (partitions: readonly TopicPartition[]): string =>
  partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(' ')

/** A rebalance with all that it calls; `trace` has the calls. */
class Bench {
  readonly trace: string[] = []
  readonly assignment = new Assignment()
  readonly rebalance: GroupRebalance
  subscription: Subscription = subscriptionToTopics(['t'])
  /** Partition counts in the metadata. */
  topics: Readonly<Record<string, number>> = { t: 4 }
  needsJoin = false
  isLost = false
  isMember = true
  fatal: Error | undefined
  isCooperative: boolean
  joined: JoinSubscription | undefined
  /** Assigned by the next join. */
  result: JoinResult | Error = { assigned: [], watched: undefined }
  /** Called when the handlers of revoked partitions have finished. */
  onSettled: () => void = () => {}

  constructor(isCooperative = false) {
    this.isCooperative = isCooperative
    const bench = this
    const parts = {
      link: {
        groupId: 'g',
        cluster: {
          get metadata() {
            const topics = Object.entries(bench.topics).map(([name, count]) => {
              const topic = { name, isInternal: name.startsWith('__'), partitions: Array(count) }
              return [name, topic] as const
            })
            return { clusterId: 'c', topics: new Map(topics) }
          },
          track: () => false,
          requestRefresh() {},
        },
      },
      membership: {
        get needsJoin() {
          return bench.needsJoin
        },
        set needsJoin(value) {
          bench.needsJoin = value
        },
        get isLost() {
          return bench.isLost
        },
        set isLost(value) {
          bench.isLost = value
        },
        get fatal() {
          return bench.fatal
        },
        get isMember() {
          return bench.isMember
        },
        generation: { generationId: 1, memberId: 'm', groupInstanceId: null },
        isCooperative,
        async join(subscription: JoinSubscription) {
          bench.joined = subscription
          bench.needsJoin = false
          bench.trace.push(`join owning [${shown(subscription.owned)}]`)
          if (bench.result instanceof Error) throw bench.result
          return bench.result
        },
        assignmentApplied: (owned: readonly TopicPartition[], tookAway: boolean) => {
          bench.trace.push(`applied [${shown(owned)}]${tookAway ? ', took away' : ''}`)
        },
        requestJoin: () => void bench.trace.push('request join'),
        leave: async () => void bench.trace.push('leave'),
      },
      assignment: this.assignment,
      commits: {
        commitBeforeRevocation: async (states: readonly TopicPartition[]) =>
          void bench.trace.push(`commit [${shown(states)}]`),
      },
      gate: {
        inside: async () => {},
        settle: async (states: readonly TopicPartition[]) => {
          bench.trace.push(`settle [${shown(states)}]`)
          bench.onSettled()
        },
      },
      subscription: () => bench.subscription,
      excludeInternalTopics: true,
    }
    this.rebalance = new GroupRebalance(parts as unknown as RebalanceParts)
    this.rebalance.listener = {
      onPartitionsAssigned: (places) => void this.trace.push(`assigned [${shown(places)}]`),
      onPartitionsRevoked: (places) => void this.trace.push(`revoked [${shown(places)}]`),
      onPartitionsLost: (places) => void this.trace.push(`lost [${shown(places)}]`),
    }
  }

  assign(list: string, watched?: ReadonlyMap<string, number>): void {
    this.needsJoin = true
    this.result = { assigned: parse(list), watched }
  }
}

interface Row {
  readonly title: string
  readonly isCooperative?: boolean
  readonly before: string
  readonly change: (bench: Bench) => void
  readonly trace: readonly string[]
  readonly after: string
}

const rows: readonly Row[] = [
  { title: 'nothing is due', before: 't-0', change: () => {}, trace: [], after: 't-0' },
  {
    title: 'the first assignment',
    before: '',
    change: (bench) => bench.assign('t-0 t-1'),
    trace: ['join owning []', 'applied [t-0 t-1]', 'assigned [t-0 t-1]'],
    after: 't-0 t-1',
  },
  {
    title: 'an eager member revokes all before it joins',
    before: 't-0 t-1',
    change: (bench) => bench.assign('t-1 t-2'),
    trace: [
      'settle [t-0 t-1]',
      'commit [t-0 t-1]',
      'revoked [t-0 t-1]',
      'join owning []',
      'applied [t-1 t-2]',
      'assigned [t-1 t-2]',
    ],
    after: 't-1 t-2',
  },
  {
    title: 'a cooperative member keeps what it owns, and revokes what is assigned no more',
    isCooperative: true,
    before: 't-0 t-1',
    change: (bench) => bench.assign('t-1 t-2'),
    trace: [
      'join owning [t-0 t-1]',
      'settle [t-0]',
      'commit [t-0]',
      'revoked [t-0]',
      'applied [t-1 t-2], took away',
      'assigned [t-2]',
    ],
    after: 't-1 t-2',
  },
  {
    title: 'a cooperative member revokes topics that are subscribed no more before it joins',
    isCooperative: true,
    before: 't-0 u-0',
    change: (bench) => bench.assign('t-0'),
    trace: [
      'settle [u-0]',
      'commit [u-0]',
      'revoked [u-0]',
      'join owning [t-0]',
      'applied [t-0]',
      'assigned []',
    ],
    after: 't-0',
  },
  {
    title: 'lost partitions are not committed',
    before: 't-0',
    change: (bench) => {
      bench.isLost = true
      bench.assign('t-1')
    },
    trace: ['settle [t-0]', 'lost [t-0]', 'join owning []', 'applied [t-1]', 'assigned [t-1]'],
    after: 't-1',
  },
  {
    title: 'partitions that are lost while handlers finish are not committed, and no join follows',
    before: 't-0',
    change: (bench) => {
      bench.assign('t-1')
      bench.onSettled = () => {
        bench.isLost = true
      }
    },
    trace: ['settle [t-0]', 'lost [t-0]'],
    after: '',
  },
  {
    title: 'without a listener for lost partitions, the one for revoked ones is called',
    before: 't-0',
    change: (bench) => {
      bench.isLost = true
      const { onPartitionsLost: _lost, ...listener } = bench.rebalance.listener
      bench.rebalance.listener = listener
    },
    trace: ['settle [t-0]', 'revoked [t-0]'],
    after: '',
  },
  {
    title: 'an assignment is ignored if the member is out of the group by then',
    before: '',
    change: (bench) => {
      bench.assign('t-0')
      bench.isMember = false
    },
    trace: ['join owning []'],
    after: '',
  },
]

describe('a rebalance:', () => {
  for (const { title, isCooperative, before, change, trace, after } of rows) {
    it(title, async () => {
      const bench = new Bench(isCooperative)
      bench.assignment.add(parse(before))
      change(bench)
      assert.equal(bench.rebalance.isDue, trace.length > 0)
      await bench.rebalance.advance()
      assert.deepEqual(bench.trace, trace)
      assert.equal(shown(bench.assignment.partitions), after)
    })
  }

  it('that fails is due again', async () => {
    const bench = new Bench()
    bench.assign('t-0')
    bench.result = new Error('refused')
    await assert.rejects(bench.rebalance.advance(), /refused/)
    assert.equal(bench.needsJoin, true)
    bench.assign('t-0')
    await bench.rebalance.advance()
    assert.equal(shown(bench.assignment.partitions), 't-0')
  })

  it('of a membership that cannot continue fails', async () => {
    const bench = new Bench()
    bench.fatal = new Error('fenced')
    bench.needsJoin = true
    assert.equal(bench.rebalance.isDue, true)
    await assert.rejects(bench.rebalance.advance(), /fenced/)
    assert.deepEqual(bench.trace, [])
  })

  it('of an eager member has the last assignment, for sticky assignors', async () => {
    const bench = new Bench()
    bench.assign('t-0 t-1')
    await bench.rebalance.advance()
    bench.assign('t-0')
    await bench.rebalance.advance()
    assert.deepEqual(
      [shown(bench.joined?.owned ?? []), shown(bench.joined?.previous ?? [])],
      ['', 't-0 t-1'],
    )
  })

  it('joins again if topics matched the pattern in the meantime', async () => {
    const bench = new Bench()
    bench.subscription = subscriptionToPattern(/^t/)
    bench.assign('t-0')
    bench.rebalance.listener = {
      onPartitionsAssigned: () => {
        bench.topics = { t: 4, t2: 1 }
      },
    }
    await bench.rebalance.advance()
    assert.deepEqual(bench.trace, ['join owning []', 'applied [t-0]', 'request join'])
  })

  it('is over when the listener has returned, also with an error', async () => {
    const bench = new Bench()
    bench.assign('t-0')
    const called = Promise.withResolvers<void>()
    bench.rebalance.listener = { onPartitionsAssigned: () => called.promise }
    const advancing = bench.rebalance.advance()
    let isDone = false
    await new Promise((resolve) => setImmediate(resolve))
    const done = bench.rebalance.callbacksDone().then(() => {
      isDone = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isDone, false)
    called.reject(new Error('of the listener'))
    await assert.rejects(advancing, /of the listener/)
    await done
  })

  it('leaves with all partitions', async () => {
    const bench = new Bench(true)
    bench.assignment.add(parse('t-0'))
    await bench.rebalance.leave()
    assert.deepEqual(bench.trace, ['settle [t-0]', 'commit [t-0]', 'revoked [t-0]', 'leave'])
    assert.equal(bench.needsJoin, true)
  })
})

describe('changed metadata of a member', () => {
  /** Topics before and after; the counts that a leader watches; whether it joins again. */
  const changes: readonly (readonly [
    title: string,
    watched: Readonly<Record<string, number>> | undefined,
    after: Readonly<Record<string, number>>,
    joins: boolean,
    isPattern?: boolean,
  ])[] = [
    ['that is the same', { t: 4 }, { t: 4 }, false],
    ['with more partitions', { t: 4 }, { t: 5 }, true],
    ['with more partitions, of a follower', undefined, { t: 5 }, false],
    ['of a topic of others', { t: 4, u: 1 }, { t: 4, u: 2 }, true],
    ['without the topic', { t: 4 }, {}, false],
    ['with a topic that appeared', {}, { t: 4 }, true],
    ['of a topic that does not exist', {}, {}, false],
    ['with another topic', { t: 4 }, { t: 4, u: 1 }, false],
    ['with a topic that matches, of a follower', undefined, { t: 4, t2: 1 }, true, true],
    ['without a topic that matched, of a follower', undefined, {}, true, true],
    ['with an internal topic that matches', undefined, { t: 4, __t: 1 }, false, true],
  ]
  for (const [title, watched, after, joins, isPattern = false] of changes) {
    it(`${title} ${joins ? 'lets it join' : 'changes nothing'}`, async () => {
      const bench = new Bench()
      if (isPattern) bench.subscription = subscriptionToPattern(/t/)
      bench.assign('t-0', watched === undefined ? undefined : new Map(Object.entries(watched)))
      await bench.rebalance.advance()
      bench.trace.length = 0
      bench.topics = after
      bench.rebalance.metadataChanged()
      assert.equal(bench.trace.includes('request join'), joins)
    })
  }

  it('of a consumer outside of a group changes nothing', () => {
    const bench = new Bench()
    bench.isMember = false
    bench.subscription = subscriptionToPattern(/t/)
    bench.rebalance.metadataChanged()
    bench.isMember = true
    bench.subscription = { kind: 'assigned' }
    bench.rebalance.metadataChanged()
    assert.deepEqual(bench.trace, [])
  })
})
