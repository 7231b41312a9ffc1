// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EncodedMessage, encodeMessage } from '@millrace/amqp'
import { type Clock, silentLogger } from '@millrace/base'
import { SimulatedClock } from '@millrace/testkit'
import { type DestinationPolicy, defaultPolicy } from '../config/destination-policy.ts'
import { StoredMessage } from '../mapping/stored-message.ts'
import { toRecord } from '../mapping/to-record.ts'
import { Selector } from '../selector/selector.ts'
import { Subscription } from './subscription.ts'
import type {
  Acquired,
  DiscardReason,
  SubscriptionConsumer,
  SubscriptionHost,
} from './subscription-host.ts'

/** A consumer or browser that logs what it receives. */
class LoggedConsumer implements SubscriptionConsumer {
  readonly name: string
  readonly selector: Selector | undefined
  readonly isBrowser: boolean
  readonly isExclusive: boolean
  isDraining = false
  room: number
  readonly hand = new Map<number, Acquired>()
  readonly #log: string[]

  constructor(name: string, words: readonly string[], log: string[]) {
    const value = (key: string): string | undefined =>
      words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1)
    this.name = name
    this.room = Number(value('credit') ?? 100)
    const color = value('color')
    this.selector = color === undefined ? undefined : Selector.compile(`color = '${color}'`)
    this.isBrowser = words.includes('browser')
    this.isExclusive = words.includes('exclusive')
    this.#log = log
  }

  get canReceive(): boolean {
    return this.room > 0
  }

  take(acquired: Acquired): void {
    this.room--
    this.hand.set(acquired.offset, acquired)
    const count = acquired.deliveryCount === 0 ? '' : ` (${acquired.deliveryCount} failed)`
    this.#log.push(`${this.name} gets ${acquired.offset}${count}`)
  }

  onDrained(): void {
    this.isDraining = false
    this.room = 0
    this.#log.push(`${this.name} is drained`)
  }

  end(): void {
    this.#log.push(`${this.name} is ended`)
  }
}

/** A subscription of one partition, driven by a text script. */
class Script implements SubscriptionHost {
  readonly time = new SimulatedClock()
  readonly clock: Clock = this.time.process()
  readonly logger = silentLogger
  readonly policy: DestinationPolicy
  readonly subscription: Subscription
  readonly log: string[] = []
  readonly #messages = new Map<number, StoredMessage>()
  readonly #consumers = new Map<string, LoggedConsumer>()
  /** Resolves when the state topic has the changes; pending until `written`. */
  readonly #writes: (() => void)[] = []

  constructor(policy: Partial<DestinationPolicy>) {
    this.policy = { ...defaultPolicy, ...policy }
    this.subscription = new Subscription(this, { id: 'queue/q', isDurable: true })
    this.subscription.open(0, 0)
  }

  messageAt(_partition: number, offset: number): StoredMessage | undefined {
    return this.#messages.get(offset)
  }
  load(): Promise<void> {
    return Promise.reject(new Error('all messages are in memory'))
  }
  onChanged(): void {}
  flushed(): Promise<void> {
    return new Promise((resolve) => this.#writes.push(resolve))
  }
  onFinished(_partition: number, offset: number): void {
    this.log.push(`${offset} is finished`)
  }
  discard(acquired: readonly Acquired[], reason: DiscardReason): void {
    for (const each of acquired) {
      this.log.push(`${each.offset} is discarded: ${reason}`)
      this.subscription.accept(each)
    }
  }
  caughtUp(): undefined {
    return undefined
  }

  async run(line: string): Promise<void> {
    const [action = '', name = '', ...words] = line.split(' ')
    const offsets = words.map(Number)
    const consumer = this.#consumers.get(name)
    const each = (use: (acquired: Acquired) => void): void => {
      for (const offset of offsets) use(consumer?.hand.get(offset) as Acquired)
    }
    if (action === 'send') this.#send(Number(name), words)
    else if (action === 'open') this.#open(name, words)
    else if (action === 'accept') each((acquired) => this.subscription.accept(acquired))
    else if (action === 'return') {
      each((acquired) => this.subscription.release(acquired, { failed: false }))
    } else if (action === 'fail') {
      each((acquired) => this.subscription.release(acquired, { failed: true }))
    } else if (action === 'refuse') {
      const how = { failed: false, undeliverableHere: true }
      each((acquired) => this.subscription.release(acquired, how))
    } else if (action === 'reject') each((acquired) => this.subscription.reject(acquired))
    else if (action === 'credit') {
      ;(consumer as LoggedConsumer).room = offsets[0] as number
      this.subscription.plan()
    } else if (action === 'drain') {
      ;(consumer as LoggedConsumer).isDraining = true
      this.subscription.plan()
    } else if (action === 'close') this.subscription.remove(consumer as LoggedConsumer)
    else if (action === 'wait') await this.#wait(Number(name))
    else if (action === 'purge') this.subscription.purge()
    else if (action === 'reset') this.subscription.reset()
    else if (action === 'written') for (const done of this.#writes.splice(0)) done()
    else assert.fail(`unknown step ${line}`)
    await new Promise((resolve) => setImmediate(resolve))
  }

  async #wait(ms: number): Promise<void> {
    const waited = new Promise<void>((resolve) => {
      this.time.schedule(ms, resolve)
    })
    await this.time.run(waited, Number.POSITIVE_INFINITY)
  }

  #open(name: string, words: readonly string[]): void {
    const consumer = new LoggedConsumer(name, words, this.log)
    this.#consumers.set(name, consumer)
    this.subscription.add(consumer)
  }

  #send(offset: number, words: readonly string[]): void {
    const value = (key: string): string | undefined =>
      words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1)
    const nowMs = this.clock.now()
    const color = value('color')
    const encoded = encodeMessage({
      header: {
        durable: true,
        priority: Number(value('priority') ?? 4),
        ttl: value('ttl') === undefined ? undefined : Number(value('ttl')),
      },
      properties: { groupId: value('group') },
      applicationProperties: new Map(color === undefined ? [] : [['color', color]]),
      body: { kind: 'value', value: `${offset}` },
    })
    const { envelope, body } = toRecord(new EncodedMessage(encoded), { nowMs, origin: 0n })
    const delay = value('delay')
    const deliverAtMs = delay === undefined ? 0 : nowMs + Number(delay)
    const position = { partition: 0, offset, timestamp: nowMs }
    const message = new StoredMessage(position, { ...envelope, deliverAtMs }, body)
    this.#messages.set(offset, message)
    this.subscription.offer(message)
  }
}

/** Name, policy, steps and what happens. */
type Case = readonly [string, Partial<DestinationPolicy>, readonly string[], readonly string[]]

const cases: readonly Case[] = [
  [
    'delivers each message to one consumer, round robin',
    {},
    ['open A', 'open B', 'send 0', 'send 1', 'send 2'],
    ['A gets 0', 'B gets 1', 'A gets 2'],
  ],
  [
    'skips a consumer without credit, and resumes with it',
    {},
    ['open A credit=1', 'send 0', 'send 1', 'open B credit=1', 'send 2', 'credit A 1'],
    ['A gets 0', 'B gets 1', 'A gets 2'],
  ],
  [
    'orders by priority, then by age',
    {},
    ['send 0 priority=1', 'send 1', 'send 2 priority=9', 'send 3', 'open A'],
    ['A gets 2', 'A gets 1', 'A gets 3', 'A gets 0'],
  ],
  [
    'delivers the messages that a selector matches and keeps the others',
    {},
    ['send 0 color=red', 'send 1 color=blue', 'send 2', 'open A color=blue', 'open B'],
    ['A gets 1', 'B gets 0', 'B gets 2'],
  ],
  [
    'lets a browser read without acquiring',
    {},
    ['send 0', 'send 1', 'open X browser', 'open A', 'accept A 0', 'open Y browser'],
    ['X gets 0', 'X gets 1', 'A gets 0', 'A gets 1', '0 is finished'],
  ],
  [
    'returns a message to its position before later ones',
    {},
    ['send 0', 'send 1', 'open A credit=1', 'return A 0', 'open B'],
    ['A gets 0', 'B gets 0', 'B gets 1'],
  ],
  [
    'counts only failed deliveries',
    {},
    ['send 0', 'open A credit=1', 'return A 0', 'credit A 1', 'fail A 0', 'credit A 1'],
    ['A gets 0', 'A gets 0', 'A gets 0 (1 failed)'],
  ],
  [
    'discards a message after its last attempt',
    { maxDeliveryAttempts: 2 },
    ['send 0', 'open A credit=1', 'fail A 0', 'credit A 1', 'fail A 0', 'credit A 1'],
    ['A gets 0', 'A gets 0 (1 failed)', '0 is discarded: max-delivery-attempts', '0 is finished'],
  ],
  [
    'delays each redelivery longer than the previous one',
    { redeliveryDelayMs: 100, redeliveryMultiplier: 3 },
    ['send 0', 'open A', 'fail A 0', 'wait 99', 'wait 2', 'fail A 0', 'wait 298', 'wait 3'],
    ['A gets 0', 'A gets 0 (1 failed)', 'A gets 0 (2 failed)'],
  ],
  [
    'discards a rejected message immediately',
    {},
    ['send 0', 'open A', 'reject A 0'],
    ['A gets 0', '0 is discarded: rejected', '0 is finished'],
  ],
  [
    'does not return a message to the consumer that cannot process it',
    {},
    ['send 0', 'open A', 'refuse A 0', 'send 1', 'open B', 'accept B 0'],
    ['A gets 0', 'A gets 1', 'B gets 0', '0 is finished'],
  ],
  [
    'keeps a message group with its first consumer until it closes',
    {},
    [
      'open A',
      'open B',
      'send 0 group=g',
      'send 1 group=g',
      'send 2',
      'close A',
      'return A 0 1',
      'send 3 group=g',
    ],
    ['A gets 0', 'A gets 1', 'B gets 2', 'B gets 0', 'B gets 1', 'B gets 3'],
  ],
  [
    'serves only the first exclusive consumer, and then the next one',
    {},
    ['open A exclusive', 'open B exclusive', 'send 0', 'send 1', 'close A', 'send 2'],
    ['A gets 0', 'A gets 1', 'B gets 2'],
  ],
  [
    'serves only the first consumer of an exclusive queue',
    { exclusive: true },
    ['open A', 'open B', 'send 0', 'close A', 'send 1'],
    ['A gets 0', 'B gets 1'],
  ],
  [
    'notifies a draining consumer when no message is left',
    {},
    ['send 0', 'open A credit=5', 'drain A', 'send 1', 'credit A 1'],
    ['A gets 0', 'A is drained', 'A gets 1'],
  ],
  [
    'holds a delayed message back until it is due',
    {},
    ['open A', 'send 0 delay=50', 'send 1', 'wait 49', 'wait 2'],
    ['A gets 1', 'A gets 0'],
  ],
  [
    'discards an expired message that waits, not one in delivery',
    {},
    ['send 0 ttl=50', 'open A credit=1', 'send 1 ttl=50', 'wait 60', 'accept A 0'],
    ['A gets 0', '1 is discarded: expired', '1 is finished', '0 is finished'],
  ],
  [
    'drops an expired message without an expiry queue',
    { expiryQueue: undefined },
    ['send 0 ttl=50', 'wait 60', 'open A'],
    ['0 is finished'],
  ],
  [
    'ignores a second outcome',
    {},
    ['send 0', 'open A', 'accept A 0', 'fail A 0', 'reject A 0', 'return A 0', 'credit A 9'],
    ['A gets 0', '0 is finished'],
  ],
  [
    'purges waiting messages, not those in delivery',
    {},
    ['send 0', 'send 1', 'send 2', 'open A credit=1', 'purge', 'return A 0', 'credit A 1'],
    ['A gets 0', '1 is finished', '2 is finished', 'A gets 0'],
  ],
  [
    'sends a message only after its delivery is counted, if so configured',
    { deliveryCountPersistence: 'before' },
    ['send 0', 'send 1', 'open A credit=1', 'wait 50', 'written', 'credit A 1', 'written'],
    ['A gets 0', 'A gets 1'],
  ],
  [
    'delivers a counted message to another consumer if the first one was closed',
    { deliveryCountPersistence: 'before' },
    ['send 0', 'open A', 'close A', 'open B', 'written', 'written'],
    ['B gets 0'],
  ],
  [
    'does not send a counted message whose log was deleted',
    { deliveryCountPersistence: 'before' },
    ['send 0', 'open A', 'reset', 'written'],
    [],
  ],
]

describe('a subscription', () => {
  for (const [name, policy, steps, expected] of cases) {
    it(name, async () => {
      const script = new Script(policy)
      for (const step of steps) await script.run(step)
      assert.deepEqual(script.log, expected)
    })
  }

  it('sends nothing before its delivery is counted', async () => {
    const script = new Script({ deliveryCountPersistence: 'before' })
    for (const step of ['send 0', 'open A', 'drain A', 'wait 100']) await script.run(step)
    assert.deepEqual(script.log, [])
    await script.run('written')
    assert.deepEqual(script.log, ['A gets 0', 'A is drained'])
  })

  it('counts a delivery in the state topic unless its outcome arrives within 10 ms', async () => {
    const none = Buffer.alloc(0)
    for (const [steps, isCounted] of [
      [['send 0', 'open A', 'wait 5', 'accept A 0', 'wait 50'], false],
      [['send 0', 'open A', 'wait 20'], true],
      [['send 0', 'open A credit=1', 'wait 20', 'return A 0'], false],
    ] as const) {
      const script = new Script({})
      const values = new Map<number, Buffer | null>()
      for (const step of steps) {
        await script.run(step)
        for (const { changes } of script.subscription.takeChanges()) {
          for (const change of changes) {
            if (change.kind === 'chunk') values.set(change.number, change.value)
          }
        }
      }
      // The limit and one byte of finished offsets, then the offset and its count.
      const counts = (values.get(0) ?? none).subarray(3)
      assert.equal(counts.length > 0, isCounted, steps.join(', '))
    }
  })
})
