// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AmqpError, Source } from '@millrace/amqp'
import { silentLogger } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import type { Engine } from '../engine.ts'
import { ClientAccess } from '../security/client-access.ts'
import { Selector } from '../selector/selector.ts'
import type { SubscriptionRecord } from '../state/state-record.ts'
import { type JoinedSubscription, Subscriptions, subscriptionGroup } from './subscriptions.ts'

interface Wanted {
  readonly topic?: string
  readonly name?: string
  readonly clientId?: string
  readonly selector?: string
  readonly noLocal?: boolean
}

/** An engine that logs what is created and deleted, and its clients. */
class Bench {
  readonly log: string[] = []
  readonly #records = new Map<string, SubscriptionRecord>()
  readonly #topics = new Map<string, Destination>()
  readonly #joined: JoinedSubscription[] = []
  readonly subscriptions: Subscriptions
  readonly #access: ClientAccess

  constructor(allows: (group: string) => boolean = () => true) {
    // Cast: only the members of an engine that subscriptions use.
    this.subscriptions = new Subscriptions({
      logger: silentLogger,
      createVolatile: (_: Destination, { id, filter }: { id: string; filter?: unknown }) => {
        this.log.push(`create ${id}${filter === undefined ? '' : ' filtered'}`)
        return { id }
      },
      subscriptionRecord: (id: string) => this.#records.get(id),
      createDurable: async (destination: Destination, record: SubscriptionRecord) => {
        this.log.push(`create ${record.id}`)
        this.#records.set(record.id, { ...record, topic: destination.name })
        return { id: record.id }
      },
      deleteDurable: async (id: string) => {
        this.log.push(`delete ${id}`)
        this.#records.delete(id)
      },
    } as unknown as Engine)
    this.#access = new ClientAccess(
      {
        authorize: (_client: unknown, { resourceName }: { readonly resourceName: string }) =>
          allows(resourceName),
      } as never,
      { principal: 'User:me' } as never,
    )
  }

  #topic(name: string): Destination {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      // Cast: only the members of a destination that subscriptions use.
      topic = {
        name,
        isTemporary: name.startsWith('$'),
        subscription: (id: string) => ({ id }),
        unsubscribe: (id: string) => this.log.push(`drop ${id}`),
      } as unknown as Destination
      this.#topics.set(name, topic)
    }
    return topic
  }

  /** Kinds: `d` durable, `s` shared, `g` without a client id. */
  async join(kinds: string, wanted: Wanted = {}): Promise<void> {
    const capabilities = [
      ...(kinds.includes('s') ? ['shared'] : []),
      ...(kinds.includes('g') ? ['global'] : []),
    ]
    const source: Source = { kind: 'source', durable: kinds.includes('d') ? 2 : 0, capabilities }
    const selector = Selector.compile(wanted.selector)
    try {
      const joined = await this.subscriptions.join(this.#topic(wanted.topic ?? 't'), {
        linkName: wanted.name ?? 'sub',
        containerId: wanted.clientId ?? 'me',
        source,
        filters: { selector, noLocal: wanted.noLocal ?? false, applied: new Map() },
        access: this.#access,
      })
      this.#joined.push(joined)
      this.log.push(`joined ${joined.subscription.id}`)
    } catch (error) {
      this.log.push(`refused ${(error as AmqpError).code}: ${(error as Error).message}`)
    }
  }

  async leave(isClosing: boolean): Promise<void> {
    this.#joined.shift()?.leave(isClosing)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

type Rules = readonly (readonly [
  rule: string,
  run: (bench: Bench) => Promise<void>,
  log: readonly string[],
])[]

function check(rules: Rules): void {
  for (const [rule, run, log] of rules) {
    it(rule, async () => {
      const bench = new Bench()
      await run(bench)
      assert.deepEqual(bench.log, log)
    })
  }
}

const durable = 'durable/me/sub'
const locked = 'refused amqp:resource-locked:'

describe('a volatile subscription of one consumer', () => {
  check([
    [
      'is new for each consumer, and ends with it',
      async (bench) => {
        await bench.join('')
        await bench.join('')
        await bench.leave(false)
      },
      ['create own/0', 'joined own/0', 'create own/1', 'joined own/1', 'drop own/0'],
    ],
    [
      'has a filter for a selector or noLocal',
      async (bench) => {
        await bench.join('', { selector: 'a = 1' })
        await bench.join('', { noLocal: true })
      },
      ['create own/0 filtered', 'joined own/0', 'create own/1 filtered', 'joined own/1'],
    ],
  ])
})

describe('a durable subscription', () => {
  check([
    [
      'is created once and stays when its consumer detaches',
      async (bench) => {
        await bench.join('d')
        await bench.leave(false)
        await bench.join('d')
      },
      [`create ${durable}`, `joined ${durable}`, `joined ${durable}`],
    ],
    [
      'is deleted when its consumer closes',
      async (bench) => {
        await bench.join('d')
        await bench.leave(true)
      },
      [`create ${durable}`, `joined ${durable}`, `delete ${durable}`],
    ],
    [
      'is requested by the expiry policy, too',
      async (bench) => {
        const source: Source = { kind: 'source', expiryPolicy: 'never' }
        assert.ok(source)
        await bench.join('d')
      },
      [`create ${durable}`, `joined ${durable}`],
    ],
    [
      'has one consumer at a time unless it is shared',
      async (bench) => {
        await bench.join('d')
        await bench.join('d')
        await bench.leave(false)
        await bench.join('d')
      },
      [
        `create ${durable}`,
        `joined ${durable}`,
        `${locked} subscription sub has a consumer`,
        `joined ${durable}`,
      ],
    ],
    [
      'is created again for another selector, topic or noLocal',
      async (bench) => {
        for (const wanted of [{}, { selector: 'a = 1' }, { topic: 'u' }, { noLocal: true }]) {
          await bench.join('d', wanted)
          await bench.leave(false)
        }
      },
      [
        `create ${durable}`,
        `joined ${durable}`,
        ...Array(3)
          .fill([`delete ${durable}`, `create ${durable}`, `joined ${durable}`])
          .flat(),
      ],
    ],
    [
      'that is shared has any number of consumers, all alike',
      async (bench) => {
        await bench.join('ds')
        await bench.join('ds')
        await bench.join('ds', { selector: 'a = 1' })
        bench.log.push(`${bench.subscriptions.userCount} users`)
        await bench.leave(true)
        await bench.leave(true)
      },
      [
        `create ${durable}`,
        `joined ${durable}`,
        `joined ${durable}`,
        `${locked} subscription sub has consumers with another topic or selector`,
        '2 users',
        `delete ${durable}`,
      ],
    ],
    [
      'cannot become shared',
      async (bench) => {
        await bench.join('d')
        await bench.join('ds')
        await bench.leave(false)
        await bench.join('ds')
      },
      [
        `create ${durable}`,
        `joined ${durable}`,
        `${locked} subscription sub is unshared`,
        'refused amqp:not-allowed: subscription sub is unshared',
      ],
    ],
    [
      'cannot become unshared',
      async (bench) => {
        await bench.join('ds')
        await bench.join('d')
      },
      [`create ${durable}`, `joined ${durable}`, `${locked} subscription sub is shared`],
    ],
    [
      'of a temporary topic is refused',
      (bench) => bench.join('d', { topic: '$temporary.t' }),
      ['refused amqp:not-allowed: a temporary topic cannot have durable subscriptions'],
    ],
    [
      'belongs to its client, or to all without a client id',
      async (bench) => {
        await bench.join('ds', { clientId: 'a/b', name: 'x y' })
        await bench.join('dsg', { clientId: 'a/b', name: 'x y' })
      },
      [
        'create durable/a%2Fb/x%20y',
        'joined durable/a%2Fb/x%20y',
        'create durable//x%20y',
        'joined durable//x%20y',
      ],
    ],
    [
      'has the name of the link up to the number that the client appends',
      async (bench) => {
        await bench.join('ds', { name: 'sub|2' })
        await bench.join('ds', { name: 'sub|global3' })
      },
      [`create ${durable}`, `joined ${durable}`, `joined ${durable}`],
    ],
    [
      'is created once by requests at the same time',
      async (bench) => {
        await Promise.all([bench.join('ds'), bench.join('ds')])
      },
      [`create ${durable}`, `joined ${durable}`, `joined ${durable}`],
    ],
  ])

  it('is found by its name and removed once it has no consumer', async () => {
    const bench = new Bench()
    await bench.join('d')
    const { subscriptions } = bench
    const request = { linkName: 'sub|1', containerId: 'me', isGlobal: false }
    assert.equal(subscriptions.find(request)?.id, durable)
    assert.equal(subscriptions.find({ ...request, isGlobal: true }), undefined)
    assert.equal(subscriptions.find({ ...request, linkName: 'other' }), undefined)
    await assert.rejects(subscriptions.remove(durable), { code: 'amqp:resource-locked' })
    await bench.leave(false)
    await subscriptions.remove(durable)
    assert.equal(subscriptions.find(request), undefined)
  })
})

describe('a volatile shared subscription', () => {
  const id = 'volatile/me/sub'
  check([
    [
      'ends with its last consumer',
      async (bench) => {
        await bench.join('s')
        await bench.join('s')
        await bench.leave(true)
        await bench.leave(false)
        await bench.join('s')
      },
      [
        `create ${id}`,
        `joined ${id}`,
        `joined ${id}`,
        `drop ${id}`,
        `create ${id}`,
        `joined ${id}`,
      ],
    ],
    [
      'refuses a consumer with another selector or topic',
      async (bench) => {
        await bench.join('s')
        await bench.join('s', { selector: 'a = 1' })
        await bench.join('s', { topic: 'u' })
      },
      [
        `create ${id}`,
        `joined ${id}`,
        `${locked} subscription sub has consumers with another topic or selector`,
        `${locked} subscription sub has consumers with another topic or selector`,
      ],
    ],
    [
      'and a durable one of the same name are two subscriptions',
      async (bench) => {
        await bench.join('s')
        await bench.join('ds')
      },
      [`create ${id}`, `joined ${id}`, `create ${durable}`, `joined ${durable}`],
    ],
  ])
})

describe('permissions of a named subscription', () => {
  it('are those of the group clientId.name', async () => {
    assert.equal(subscriptionGroup({ clientId: 'me', name: 'sub' }), 'me.sub')
    assert.equal(subscriptionGroup({ clientId: '', name: 'sub' }), 'sub')
    const bench = new Bench((group) => group === 'me.sub')
    await bench.join('d')
    await bench.join('dg')
    await bench.join('')
    assert.deepEqual(bench.log, [
      `create ${durable}`,
      `joined ${durable}`,
      'refused amqp:unauthorized-access: User:me is not allowed READ on group sub',
      'create own/0',
      'joined own/0',
    ])
  })
})
