// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type AmqpValue,
  type DeliveryState,
  Described,
  encodeMessage,
  type IncomingDelivery,
  type ReceiverHandler,
  type ReceiverLink,
  ulong,
} from '@millrace/amqp'
import { silentLogger } from '@millrace/base'
import { seededRandom } from '@millrace/testkit'
import { Transactions } from '../listener/transactions.ts'
import type { RecordHeader } from '../mapping/to-record.ts'
import { OutcomeUnknownError } from '../state/commit.ts'
import type { Acquired } from '../subscription/subscription-host.ts'
import { BLOCK_BYTES, RecordBlock, recordsOf } from './record-block.ts'
import { TransactionStore } from './transaction-store.ts'

const limits = { maxBytes: 100, maxTotalBytes: 150, memoryBytes: 50, directory: '' }
const store = (): TransactionStore =>
  new TransactionStore(limits, { fileSystem: undefined, random: seededRandom(1) })

/** A coordinator link and what the journal is asked for. */
class Bench {
  readonly log: string[] = []
  readonly transactions: Transactions
  /** Outcome of the next commits. */
  commit: () => Promise<void> = async () => {}
  readonly link: ReceiverLink & { handler: ReceiverHandler }

  constructor() {
    this.transactions = new Transactions({
      // Cast: only the member of a journal that transactions use.
      journal: {
        commit: ({ receipts }: { readonly receipts: readonly Acquired[] }) => {
          this.log.push(`commit ${receipts.length} receipts`)
          return this.commit()
        },
      } as never,
      logger: silentLogger,
      store: store(),
      onOutcomeUnknown: () => this.log.push('outcome unknown'),
    })
    // Cast: only the members of a link that the coordinator uses.
    this.link = {
      credit: 100,
      attach: () => {},
      setCredit: () => {},
      detach: () => this.log.push('detached'),
      fail: (error: unknown) => this.log.push(`failed ${error}`),
    } as never
    this.transactions.serve(this.link)
  }

  /** The answer to a command of the client. */
  async command(value: AmqpValue): Promise<string> {
    let answer = 'no answer'
    const delivery = {
      payload: encodeMessage({ body: { kind: 'value', value } }),
      update: (state: DeliveryState) => {
        answer = state.kind === 'rejected' ? `rejected ${state.error?.condition}` : state.kind
        if (state.kind === 'declared') answer = state.txnId.toString('hex')
      },
    } as unknown as IncomingDelivery
    this.link.handler.onDelivery(delivery)
    await new Promise((resolve) => setImmediate(resolve))
    return answer
  }

  declare(): Promise<string> {
    return this.command(new Described(ulong(0x31), []))
  }
  discharge(id: string, fail?: boolean): Promise<string> {
    const fields = fail === undefined ? [Buffer.from(id, 'hex')] : [Buffer.from(id, 'hex'), fail]
    return this.command(new Described(ulong(0x32), fields))
  }

  /** Adds a consumed message to a transaction. */
  receive(id: string, isDone = false): void {
    const acquired = {
      isDone,
      subscription: {
        release: (_: unknown, { failed }: { readonly failed: boolean }) =>
          this.log.push(`returned, failed: ${failed}`),
      },
    } as unknown as Acquired
    this.transactions.get(Buffer.from(id, 'hex')).receipts.push(acquired)
  }
}

type Rules = readonly (readonly [
  rule: string,
  run: (bench: Bench, id: string) => Promise<string>,
  answer: string,
  log?: readonly string[],
])[]

const rules: Rules = [
  ['has an id that counts', (bench) => bench.declare(), '0000000000000002'],
  [
    'without messages is committed without the journal',
    (bench, id) => bench.discharge(id),
    'accepted',
  ],
  [
    'is committed if the client says so or nothing',
    (bench, id) => {
      bench.receive(id)
      return bench.discharge(id, false)
    },
    'accepted',
    ['commit 1 receipts'],
  ],
  [
    'leaves out messages that no longer exist',
    (bench, id) => {
      bench.receive(id)
      bench.receive(id, true)
      return bench.discharge(id)
    },
    'accepted',
    ['commit 1 receipts'],
  ],
  [
    'is rolled back: its messages return and count as failed',
    (bench, id) => {
      bench.receive(id)
      return bench.discharge(id, true)
    },
    'accepted',
    ['returned, failed: true'],
  ],
  [
    'that failed is rolled back by a commit',
    (bench, id) => {
      bench.receive(id)
      bench.transactions.get(Buffer.from(id, 'hex')).fail(new Error('no') as never)
      return bench.discharge(id)
    },
    'rejected amqp:transaction:rollback',
    ['returned, failed: true'],
  ],
  [
    'that cannot be written is rolled back',
    (bench, id) => {
      bench.receive(id)
      bench.commit = () => Promise.reject(new Error('fenced'))
      return bench.discharge(id)
    },
    'rejected amqp:transaction:rollback',
    ['commit 1 receipts', 'returned, failed: true'],
  ],
  [
    'of unknown outcome is neither answered nor rolled back',
    (bench, id) => {
      bench.receive(id)
      bench.commit = () => Promise.reject(new OutcomeUnknownError('lost'))
      return bench.discharge(id)
    },
    'no answer',
    ['commit 1 receipts', 'outcome unknown'],
  ],
  [
    'applies what it returned when it ends, either way',
    async (bench, id) => {
      const other = await bench.declare()
      for (const [each, name] of [
        [id, 'first'],
        [other, 'second'],
      ] as const) {
        const { returns } = bench.transactions.get(Buffer.from(each, 'hex'))
        returns.push(() => bench.log.push(name))
      }
      await bench.discharge(other, true)
      return bench.discharge(id)
    },
    'accepted',
    ['second', 'first'],
  ],
  [
    'waits for sends whose destination is not known yet',
    async (bench, id) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      bench.transactions.get(Buffer.from(id, 'hex')).pending.push(promise)
      const answer = await bench.discharge(id)
      resolve()
      return answer
    },
    'no answer',
  ],
  [
    'ends once',
    async (bench, id) => {
      await bench.discharge(id)
      return bench.discharge(id)
    },
    'rejected amqp:transaction:unknown-id',
  ],
  [
    'of an unknown id is refused',
    (bench) => bench.discharge('ff'),
    'rejected amqp:transaction:unknown-id',
  ],
  [
    'ends with its link',
    async (bench, id) => {
      bench.receive(id)
      bench.link.handler.onDetach({ kind: 'detach', handle: 0 }, false)
      return `${bench.transactions.count} left`
    },
    '0 left',
    ['returned, failed: true', 'detached'],
  ],
  [
    'ends with its connection',
    async (bench, id) => {
      bench.receive(id)
      bench.transactions.close()
      return `${bench.transactions.count} left`
    },
    '0 left',
    ['returned, failed: true'],
  ],
]

describe('a transaction of a client', () => {
  for (const [rule, run, answer, log = []] of rules) {
    it(rule, async () => {
      const bench = new Bench()
      const id = await bench.declare()
      assert.equal(await run(bench, id), answer)
      assert.deepEqual(bench.log, log)
    })
  }

  for (const [what, value] of [
    ['text', 'declare'],
    ['another command', new Described(ulong(0x24), [])],
  ] as const) {
    it(`is not declared by ${what}`, async () => {
      assert.equal(await new Bench().command(value), 'rejected amqp:not-implemented')
    })
  }

  it('is one of 4096 of the connection', async () => {
    const bench = new Bench()
    const declare = new Described(ulong(0x31), [])
    const payload = encodeMessage({ body: { kind: 'value', value: declare } })
    const delivery = { payload, update() {} } as unknown as IncomingDelivery
    for (let i = 0; i < 4096; i++) bench.link.handler.onDelivery(delivery)
    assert.equal(await bench.declare(), 'rejected amqp:resource-limit-exceeded')
    await bench.discharge('0000000000000007')
    assert.equal(bench.transactions.count, 4095)
  })
})

describe('the memory of transactions', () => {
  for (const [what, held, total, more, expected] of [
    ['its own limit', 60, 60, 40, undefined],
    ['more than its own limit', 60, 60, 41, /amqp\.transaction\.max\.bytes=100/],
    ['the limit of all', 0, 100, 50, undefined],
    ['more than the limit of all', 0, 100, 51, /amqp\.transactions\.max\.bytes=150/],
  ] as const) {
    it(`may reach ${what}: ${expected === undefined}`, () => {
      const bytes = store()
      bytes.bytes = total
      if (expected === undefined) bytes.check(held, more)
      else assert.throws(() => bytes.check(held, more), expected)
    })
  }

  it('is full above its limit, and without files that is the end', () => {
    const bytes = store()
    bytes.memory = 50
    assert.equal(bytes.isMemoryFull, false)
    bytes.memory = 51
    assert.deepEqual([bytes.isMemoryFull, bytes.canSpill, bytes.spilledBytes], [true, false, 0])
    assert.throws(() => bytes.spill(Buffer.alloc(1)), /amqp\.transactions\.memory\.bytes=50/)
  })
})

describe('a block of messages of a transaction', () => {
  const header = (key: string, value: Buffer | string): RecordHeader => ({ key, value })
  const records = [
    { key: null, value: null, headers: [] },
    { key: '', value: Buffer.alloc(0), headers: [header('a', '')] },
    {
      key: 'grüße',
      value: Buffer.from('v'),
      headers: [header('ü', Buffer.from([0xff])), header('b', 'é€😀')],
    },
    { key: 'k', value: Buffer.alloc(70_000, 'x'), headers: [] },
  ]

  it('holds them unchanged, with the number of their destination', () => {
    const block = new RecordBlock()
    for (const [i, record] of records.entries()) block.add(i, record)
    const found = recordsOf(block.bytes, (number) => number)
    assert.deepEqual(
      found.map(({ destination, record }) => ({ destination, record })),
      records.map((record, destination) => ({
        destination,
        record: {
          ...record,
          headers: record.headers.map(({ key, value }) =>
            header(key, Buffer.from(value as string)),
          ),
        },
      })),
    )
  })

  it('is full at 1 MiB, and empty again when it is cleared', () => {
    const block = new RecordBlock()
    block.add(0, { key: null, value: Buffer.alloc(BLOCK_BYTES - 17), headers: [] })
    assert.deepEqual([block.size, block.isFull], [BLOCK_BYTES - 1, false])
    block.add(0, { key: null, value: null, headers: [] })
    assert.ok(block.isFull && block.capacity >= block.size)
    block.clear()
    assert.deepEqual([block.size, block.capacity, block.isFull], [0, 0, false])
  })
})
