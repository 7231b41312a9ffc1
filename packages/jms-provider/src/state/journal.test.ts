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
import { Place } from '../subscription/partition-index.ts'
import type { Acquired, Subscription, Taker } from '../subscription/subscription.ts'
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
      discard: () => assert.fail('nothing is to be discarded'),
      revive: () => assert.fail('no topic is deleted'),
      onTopicMissing: () => assert.fail('no topic is deleted'),
      enlargeSegments: () => assert.fail('no message is large'),
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
    const taker: Taker = {
      selector: undefined,
      isBrowser: false,
      isExclusive: false,
      canTake: true,
      isDraining: false,
      room: 1,
      take: taken.resolve,
      onNothingLeft() {},
      end() {},
    }
    subscription.add(taker)
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

const placeNames = new Map<number, string>(
  Object.entries(Place).map(([name, place]) => [place, name]),
)

function placeOf({ subscription }: Acquired): string {
  const index = (subscription as Subscription).indices.get(0)
  return placeNames.get(index?.placeOf(0) ?? -1) ?? ''
}

/** Three concurrent commits. If one is at fault, it is the second. */
async function commitThree(
  faults: readonly Fault[],
  texts: readonly (string | undefined)[] = ['a', 'b', 'c'],
) {
  const world = new World(faults)
  const receipts: Acquired[] = []
  for (const name of ['qa', 'qb', 'qc']) receipts.push(await world.acquire(name))
  const outcomes = Promise.all(
    texts.map((text, i) => world.commit(text, [receipts[i] as Acquired])),
  )
  const told = await world.clock.run(outcomes, 600_000)
  return { world, told: told.join(', '), places: receipts.map(placeOf).join(', ') }
}

describe('a commit, whatever fails on its way', () => {
  const all = 'committed, committed, committed'
  const gone = 'none, none, none'
  const unknown = 'unknown, unknown, unknown'
  /** With an unknown outcome, messages are neither returned nor forgotten. */
  const doubt = 'finishing, finishing, finishing'
  const middle = 'committed, rolled back, committed'

  const cases: readonly {
    readonly name: string
    readonly faults: readonly Fault[]
    readonly told: string
    readonly places: string
    readonly committed: string
    readonly isFatal?: boolean
    readonly texts?: readonly (string | undefined)[]
  }[] = [
    { name: 'nothing', faults: [], told: all, places: gone, committed: 'abc' },
    {
      name: 'a message is refused',
      faults: [{ at: 'send', code: 'MESSAGE_TOO_LARGE', text: 'b' }],
      told: middle,
      places: 'none, inFlight, none',
      committed: 'ac',
    },
    {
      name: 'two messages seem to be refused, for one of them',
      faults: [
        { at: 'send', code: 'MESSAGE_TOO_LARGE', text: 'b' },
        { at: 'send', code: 'MESSAGE_TOO_LARGE', text: 'c', times: 1 },
      ],
      told: middle,
      places: 'none, inFlight, none',
      committed: 'ac',
    },
    {
      name: 'a message is refused, and the abort fails',
      faults: [
        { at: 'send', code: 'MESSAGE_TOO_LARGE', text: 'b' },
        { at: 'abort', code: 'MILLRACE_TIMEOUT' },
      ],
      told: unknown,
      places: doubt,
      committed: '',
      isFatal: true,
    },
    {
      name: 'another owner fences the producer while it sends',
      faults: [
        { at: 'send', code: 'PRODUCER_FENCED', text: 'b' },
        { at: 'abort', code: 'PRODUCER_FENCED' },
      ],
      told: unknown,
      places: doubt,
      committed: '',
      isFatal: true,
    },
    {
      name: 'the transaction cannot begin',
      faults: [{ at: 'begin', code: 'PRODUCER_FENCED' }],
      told: unknown,
      places: doubt,
      committed: '',
      isFatal: true,
    },
    {
      name: 'the state is not taken at once',
      faults: [{ at: 'state', code: 'MILLRACE_DELIVERY_TIMEOUT', times: 1 }],
      told: all,
      places: gone,
      committed: 'abc',
    },
    {
      name: 'the end has no answer',
      faults: [{ at: 'commit', code: 'MILLRACE_TIMEOUT' }],
      told: unknown,
      places: doubt,
      committed: '',
      isFatal: true,
    },
    {
      name: 'the coordinator says no to the end',
      faults: [{ at: 'commit', code: 'TRANSACTION_ABORTABLE', times: 1 }],
      told: all,
      places: gone,
      committed: 'abc',
    },
    {
      name: 'receipts alone have no answer',
      texts: [undefined, undefined, undefined],
      faults: [{ at: 'plain', code: 'MILLRACE_DELIVERY_TIMEOUT' }],
      told: unknown,
      places: doubt,
      committed: '',
      isFatal: true,
    },
    {
      name: 'receipts alone are refused',
      texts: [undefined, undefined, undefined],
      faults: [{ at: 'plain', code: 'TOPIC_AUTHORIZATION_FAILED', times: 1 }],
      told: 'rolled back, rolled back, rolled back',
      places: 'inFlight, inFlight, inFlight',
      committed: '',
    },
  ]
  for (const { name, faults, texts, told, places, committed, isFatal } of cases) {
    it(`has one outcome: ${name}`, async () => {
      const result = await commitThree(faults, texts)
      const { world } = result
      assert.equal(result.told, told)
      assert.equal(result.places, places)
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

  it('takes a commit out of a hundred without a wait, and without trying each', async () => {
    const world = new World([{ at: 'send', code: 'MESSAGE_TOO_LARGE', text: '57' }])
    const texts = Array.from({ length: 100 }, (_, i) => `${i}`)
    const outcomes = Promise.all(texts.map((text) => world.commit(text, [])))
    const told = await world.clock.run(outcomes, 50)
    assert.deepEqual(
      texts.filter((_, i) => told[i] !== 'committed'),
      ['57'],
    )
    assert.ok(world.calls.filter((call) => call === 'begin').length <= 3)
  })

  it('finds the one to blame among all, when all messages seem to be refused', async () => {
    const texts = Array.from({ length: 64 }, (_, i) => `${i}`)
    const world = new World([
      ...texts.map((text) => ({ at: 'send', code: 'MESSAGE_TOO_LARGE', text, times: 1 }) as const),
      { at: 'send', code: 'MESSAGE_TOO_LARGE', text: '40' },
    ])
    const outcomes = Promise.all(texts.map((text) => world.commit(text, [])))
    const told = await world.clock.run(outcomes, 50)
    assert.deepEqual(
      texts.filter((_, i) => told[i] !== 'committed'),
      ['40'],
    )
  })

  it('writes changes that nobody waits for once the cluster is back', async () => {
    const world = new World([{ at: 'plain', code: 'MILLRACE_DELIVERY_TIMEOUT', times: 3 }])
    const acquired = await world.acquire('qa')
    acquired.subscription.accept(acquired)
    await world.clock.run(world.journal.flushed(), 10_000)
    assert.deepEqual(world.calls, ['plain', 'plain', 'plain', 'plain'])
    assert.equal(world.fatal, undefined)
  })

  it('does not keep a message of other state from being written, when one of it is refused', async () => {
    const world = new World([{ at: 'plain', code: 'MESSAGE_TOO_LARGE', times: 2 }])
    const change = (name: string) =>
      [{ key: { kind: 'destination', destinationKind: 'queue', name }, value: '{}' }] as const
    const outcomes = Promise.allSettled(['a', 'b'].map((name) => world.journal.write(change(name))))
    const told = await world.clock.run(outcomes, 1000)
    assert.deepEqual(
      told.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    )
  })
})
