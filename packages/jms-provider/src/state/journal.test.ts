// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MillraceError, silentLogger } from '@millrace/base'
import type { Producer, RecordMetadata } from '@millrace/client'
import { SimulatedClock } from '@millrace/testkit'
import { defaultPolicy } from '../config/destination-policy.ts'
import { Destination, type DestinationHost } from '../destination/destination.ts'
import type { DestinationLog } from '../destination/destination-log.ts'
import { MessageCache } from '../destination/message-cache.ts'
import { fromRecord } from '../mapping/from-record.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import { OffsetState } from '../subscription/partition-index.ts'
import type { Subscription } from '../subscription/subscription.ts'
import type { Acquired, SubscriptionConsumer } from '../subscription/subscription-host.ts'
import { OutcomeUnknownError, sendsOf } from './commit.ts'
import { Journal } from './journal.ts'

/** Calls to the producers, in order. A fault makes one kind of call fail. */
type Call = 'begin' | 'send' | 'state' | 'commit' | 'abort' | 'plain'
interface Fault {
  readonly at: Call
  readonly code: string
  /** Restricts the fault to messages with this text. */
  readonly text?: string
  /** Number of times that the call fails before it succeeds. */
  readonly times?: number
}

const STATE_TOPIC = 'state'

class World {
  readonly clock = new SimulatedClock()
  readonly calls: string[] = []
  readonly faults: { fault: Fault; left: number }[]
  fatal: Error | undefined
  /** Texts of committed messages. */
  readonly committed: string[] = []
  #pending: string[] = []
  #offset = 0
  readonly destination: Destination
  readonly #queues: Destination[] = []
  readonly journal: Journal

  constructor(faults: readonly Fault[]) {
    this.faults = faults.map((fault) => ({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }))
    const clock = this.clock.process()
    const transactional = this.#producer(true)
    this.journal = new Journal({
      topic: STATE_TOPIC,
      epoch: 1,
      stateEnd: 0,
      clock,
      logger: silentLogger,
      plain: this.#producer(false),
      transactional,
      largeTransactional: this.#producer(true),
      isSupersededSince: () => Promise.resolve(false),
      onFatal: (error) => {
        this.fatal = error
      },
    })
    this.destination = this.#destination('out')
  }

  #check(at: Call, text = ''): void {
    this.calls.push(at)
    const found = this.faults.find(
      ({ fault, left }) => left > 0 && fault.at === at && (fault.text ?? text) === text,
    )
    if (found === undefined) return
    found.left--
    const retriable = found.fault.code === 'MILLRACE_TIMEOUT'
    throw new MillraceError(found.fault.code, `${at} failed`, { retriable })
  }

  #producer(isTransactional: boolean): Producer {
    const send = async (given: { readonly topic: string; readonly value: unknown } | unknown[]) => {
      const records = Array.isArray(given)
        ? (given as { topic: string; value: unknown }[])
        : [given]
      const [first] = records as { readonly topic: string; readonly value: unknown }[]
      const text = String(first?.value)
      if (first?.topic === STATE_TOPIC) this.#check(isTransactional ? 'state' : 'plain')
      else {
        this.#check('send', text)
        this.#pending.push(text)
      }
      const placed = records.map(
        () =>
          ({ topic: '', partition: 0, offset: BigInt(this.#offset++) }) as never as RecordMetadata,
      )
      return Array.isArray(given) ? placed : placed[0]
    }
    return {
      initTransactions: async () => undefined,
      beginTransaction: () => {
        this.#pending = []
        this.#check('begin')
      },
      send,
      commitTransaction: async () => {
        this.#check('commit')
        this.committed.push(...this.#pending)
      },
      abortTransaction: async () => this.#check('abort'),
    } as never as Producer
  }

  #destination(name: string): Destination {
    const host: DestinationHost = {
      clock: this.clock.process(),
      logger: silentLogger,
      cache: new MessageCache(1 << 20),
      onChanged: (subscription) => this.journal.changed(subscription),
      flushed: () => this.journal.flushed(),
      discard: () => assert.fail('unexpected discard'),
      reopen: () => assert.fail('unexpected topic deletion'),
      onTopicMissing: () => assert.fail('unexpected topic deletion'),
      enlargeSegments: () => assert.fail('unexpected large message'),
    }
    const destination = new Destination(host, {
      kind: 'queue',
      name,
      policy: defaultPolicy,
      isTemporary: false,
    })
    // Two partitions, so that a single batch is not enough.
    destination.useLog({ topic: name, partitions: 2 } as DestinationLog)
    return destination
  }

  /** Creates a queue with one message, which a consumer has acquired. */
  async acquire(name: string): Promise<Acquired> {
    const queue = this.#destination(name)
    this.#queues.push(queue)
    const subscription = queue.subscribe({ id: `queue/${name}`, isDurable: true }, () => 0)
    const taken = Promise.withResolvers<Acquired>()
    const consumer: SubscriptionConsumer = {
      selector: undefined,
      isBrowser: false,
      isExclusive: false,
      canReceive: true,
      isDraining: false,
      room: 1,
      take: taken.resolve,
      onDrained() {},
      end() {},
    }
    subscription.add(consumer)
    queue.onMessages([
      fromRecord({
        topic: name,
        partition: 0,
        offset: 0n,
        timestamp: 0,
        keyBytes: null,
        valueBytes: Buffer.from('x'),
        headers: [],
        header: () => undefined,
      }),
    ])
    return taken.promise
  }

  /**
   * Commits a message, if there is a text, together with receipts. Resolves with the outcome for
   * the client.
   */
  commit(text: string | undefined, receipts: readonly Acquired[]): Promise<string> {
    const record = { key: null, value: Buffer.from(text ?? ''), headers: [] } as never as NewRecord
    const sends = text === undefined ? [] : [{ destination: this.destination, record }]
    return this.journal.commit({ sends: sendsOf(sends), receipts }).then(
      () => 'committed',
      (error: unknown) => (error instanceof OutcomeUnknownError ? 'unknown' : 'rolled back'),
    )
  }
}

const stateNames = new Map<number, string>(
  Object.entries(OffsetState).map(([name, state]) => [state, name]),
)

function stateNameOf({ subscription }: Acquired): string {
  const index = (subscription as Subscription).indices.get(0)
  return stateNames.get(index?.stateOf(0) ?? -1) ?? ''
}

/** Three concurrent commits. If one is at fault, it is the second. */
async function commitThree(
  faults: readonly Fault[],
  texts: readonly (string | undefined)[] = ['a', 'b', 'c'],
) {
  const world = new World(faults)
  const receipts: Acquired[] = []
  for (const name of ['qa', 'qb', 'qc']) receipts.push(await world.acquire(name))
  const pending = Promise.all(texts.map((text, i) => world.commit(text, [receipts[i] as Acquired])))
  const outcomes = await world.clock.run(pending, 600_000)
  return { world, outcomes: outcomes.join(', '), states: receipts.map(stateNameOf).join(', ') }
}

describe('a commit, whichever call fails', () => {
  const all = 'committed, committed, committed'
  const gone = 'none, none, none'
  const unknown = 'unknown, unknown, unknown'
  /** With an unknown outcome, messages are neither returned nor forgotten. */
  const doubt = 'finishing, finishing, finishing'
  const middle = 'committed, rolled back, committed'

  const cases: readonly {
    readonly name: string
    readonly faults: readonly Fault[]
    readonly outcomes: string
    readonly states: string
    readonly committed: string
    readonly isFatal?: boolean
    readonly texts?: readonly (string | undefined)[]
  }[] = [
    { name: 'nothing', faults: [], outcomes: all, states: gone, committed: 'abc' },
    {
      name: 'a message is refused',
      faults: [{ at: 'send', code: 'MESSAGE_TOO_LARGE', text: 'b' }],
      outcomes: middle,
      states: 'none, inFlight, none',
      committed: 'ac',
    },
    {
      name: 'two messages are refused because of one of them',
      faults: [
        { at: 'send', code: 'MESSAGE_TOO_LARGE', text: 'b' },
        { at: 'send', code: 'MESSAGE_TOO_LARGE', text: 'c', times: 1 },
      ],
      outcomes: middle,
      states: 'none, inFlight, none',
      committed: 'ac',
    },
    {
      name: 'a message is refused and the abort fails',
      faults: [
        { at: 'send', code: 'MESSAGE_TOO_LARGE', text: 'b' },
        { at: 'abort', code: 'MILLRACE_TIMEOUT' },
      ],
      outcomes: unknown,
      states: doubt,
      committed: '',
      isFatal: true,
    },
    {
      name: 'another owner fences the producer during the sends',
      faults: [
        { at: 'send', code: 'PRODUCER_FENCED', text: 'b' },
        { at: 'abort', code: 'PRODUCER_FENCED' },
      ],
      outcomes: unknown,
      states: doubt,
      committed: '',
      isFatal: true,
    },
    {
      name: 'the transaction cannot begin',
      faults: [{ at: 'begin', code: 'PRODUCER_FENCED' }],
      outcomes: unknown,
      states: doubt,
      committed: '',
      isFatal: true,
    },
    {
      name: 'the first write of the state fails',
      faults: [{ at: 'state', code: 'MILLRACE_DELIVERY_TIMEOUT', times: 1 }],
      outcomes: all,
      states: gone,
      committed: 'abc',
    },
    {
      name: 'the commit gets no response',
      faults: [{ at: 'commit', code: 'MILLRACE_TIMEOUT' }],
      outcomes: unknown,
      states: doubt,
      committed: '',
      isFatal: true,
    },
    {
      name: 'the coordinator refuses the commit',
      faults: [{ at: 'commit', code: 'TRANSACTION_ABORTABLE', times: 1 }],
      outcomes: all,
      states: gone,
      committed: 'abc',
    },
    {
      name: 'a commit of receipts only gets no response',
      texts: [undefined, undefined, undefined],
      faults: [{ at: 'plain', code: 'MILLRACE_DELIVERY_TIMEOUT' }],
      outcomes: unknown,
      states: doubt,
      committed: '',
      isFatal: true,
    },
    {
      name: 'a commit of receipts only is refused',
      texts: [undefined, undefined, undefined],
      faults: [{ at: 'plain', code: 'TOPIC_AUTHORIZATION_FAILED', times: 1 }],
      outcomes: 'rolled back, rolled back, rolled back',
      states: 'inFlight, inFlight, inFlight',
      committed: '',
    },
  ]
  for (const { name, faults, texts, outcomes, states, committed, isFatal } of cases) {
    it(`has a defined outcome: ${name}`, async () => {
      const result = await commitThree(faults, texts)
      const { world } = result
      assert.equal(result.outcomes, outcomes)
      assert.equal(result.states, states)
      assert.equal(world.committed.join(''), committed)
      assert.equal(world.fatal !== undefined, isFatal === true)
      const before = world.calls.length
      // After a fatal error nothing is written and no caller waits forever; otherwise commits
      // continue.
      const later = world.commit('later', [await world.acquire('qd')])
      const expected = isFatal === true ? 'unknown' : 'committed'
      assert.equal(await world.clock.run(later, 1_200_000), expected)
      assert.equal(world.calls.length > before, isFatal !== true)
    })
  }

  it('finds a refused commit among a hundred without delay and without retrying each', async () => {
    const world = new World([{ at: 'send', code: 'MESSAGE_TOO_LARGE', text: '57' }])
    const texts = Array.from({ length: 100 }, (_, i) => `${i}`)
    const pending = Promise.all(texts.map((text) => world.commit(text, [])))
    const outcomes = await world.clock.run(pending, 50)
    assert.deepEqual(
      texts.filter((_, i) => outcomes[i] !== 'committed'),
      ['57'],
    )
    assert.ok(world.calls.filter((call) => call === 'begin').length <= 3)
  })

  it('finds the commit at fault if all messages of the group are refused', async () => {
    const texts = Array.from({ length: 64 }, (_, i) => `${i}`)
    const world = new World([
      ...texts.map((text) => ({ at: 'send', code: 'MESSAGE_TOO_LARGE', text, times: 1 }) as const),
      { at: 'send', code: 'MESSAGE_TOO_LARGE', text: '40' },
    ])
    const pending = Promise.all(texts.map((text) => world.commit(text, [])))
    const outcomes = await world.clock.run(pending, 50)
    assert.deepEqual(
      texts.filter((_, i) => outcomes[i] !== 'committed'),
      ['40'],
    )
  })

  it('retries changes for which no caller waits until the cluster is available', async () => {
    const world = new World([{ at: 'plain', code: 'MILLRACE_DELIVERY_TIMEOUT', times: 3 }])
    const acquired = await world.acquire('qa')
    acquired.subscription.accept(acquired)
    await world.clock.run(world.journal.flushed(), 10_000)
    assert.deepEqual(world.calls, ['plain', 'plain', 'plain', 'plain'])
    assert.equal(world.fatal, undefined)
  })

  it('writes the other state changes if one is refused', async () => {
    const world = new World([{ at: 'plain', code: 'MESSAGE_TOO_LARGE', times: 2 }])
    const change = (name: string) =>
      [{ key: { kind: 'destination', destinationKind: 'queue', name }, value: '{}' }] as const
    const pending = Promise.allSettled(['a', 'b'].map((name) => world.journal.write(change(name))))
    const outcomes = await world.clock.run(pending, 1000)
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    )
  })
})
