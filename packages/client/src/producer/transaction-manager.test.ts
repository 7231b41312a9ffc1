// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MillraceError } from '@millrace/base'
import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  EndTxnRequest,
  EndTxnResponse,
  ErrorCode,
  type ErrorName,
  InitProducerIdRequest,
  InitProducerIdResponse,
  ProtocolError,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '@millrace/protocol'
import { ScriptedCluster } from '../testing/scripted-cluster.ts'
import { TransactionManager } from './transaction-manager.ts'

const group = { groupId: 'g', generationId: 3, memberId: 'm', groupInstanceId: null }
const offset = { topic: 't', partition: 0, offset: 5n }

/** A transactional producer's manager, and a coordinator that answers it. */
class Bench extends ScriptedCluster {
  readonly manager: TransactionManager
  /** `transaction.version` of the cluster. */
  constructor(version = 2) {
    super()
    this.features.set('transaction.version', version)
    let epoch = 0
    this.answer(InitProducerIdRequest, InitProducerIdResponse, () => ({
      errorCode: 0,
      producerId: 7n,
      producerEpoch: epoch,
    }))
    this.answer(EndTxnRequest, EndTxnResponse, (_request, context) => ({
      errorCode: 0,
      ...(context.version >= 5 ? { producerId: 7n, producerEpoch: ++epoch } : {}),
    }))
    this.answer(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, (request) => ({
      resultsByTopicV3AndBelow: request.v3AndBelowTopics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: 0,
        })),
      })),
    }))
    this.answer(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, { errorCode: 0 })
    this.answer(TxnOffsetCommitRequest, TxnOffsetCommitResponse, (request) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
      })),
    }))
    this.manager = new TransactionManager(this.cluster(), {
      transactionalId: 'tx',
      timeoutMs: 60_000,
      maxBlockMs: 5000,
    })
  }

  /** Refuses the next request of an API. */
  refuse(api: 'init' | 'end' | 'offsets' | 'add', error: ErrorName): void {
    const errorCode = ErrorCode[error]
    const none = { producerId: -1n, producerEpoch: -1 }
    switch (api) {
      case 'init':
        this.queue(InitProducerIdRequest, InitProducerIdResponse, { errorCode, ...none })
        return
      case 'end':
        this.queue(EndTxnRequest, EndTxnResponse, { errorCode })
        return
      case 'offsets':
        this.queue(TxnOffsetCommitRequest, TxnOffsetCommitResponse, {
          topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode }] }],
        })
        return
      case 'add':
        this.queue(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, {
          resultsByTopicV3AndBelow: [
            {
              name: 't',
              resultsByPartition: [{ partitionIndex: 0, partitionErrorCode: errorCode }],
            },
          ],
        })
    }
  }

  /** Brings the manager into a state in which a test begins. */
  async reach(state: StateName): Promise<void> {
    const { manager } = this
    if (state === 'new') return
    await this.run(manager.init())
    if (state === 'ready') return
    manager.begin()
    if (state === 'ongoing') return
    manager.mayWrite({ topic: 't', partition: 0 })
    if (state === 'abortable') manager.fail(new ProtocolError('INVALID_RECORD', 'refused'))
    else if (state === 'fatal') manager.fail(new ProtocolError('PRODUCER_FENCED', 'fenced'))
    else {
      // The reply to EndTxn does not arrive within maxBlockMs.
      const how = state === 'commit interrupted' ? 'commit' : 'abort'
      this.answer(EndTxnRequest, EndTxnResponse, { errorCode: 14 })
      manager.startEnd(how)
      assert.equal((await this.failure(manager.end(how))).code, 'MILLRACE_TIMEOUT')
      this.answer(EndTxnRequest, EndTxnResponse, {
        errorCode: 0,
        producerId: 7n,
        producerEpoch: 9,
      })
    }
  }

  /** Calls the manager; returns `ok` or the code of the error. */
  async call(what: CallName): Promise<string> {
    const { manager } = this
    const calls: Readonly<Record<CallName, () => void | Promise<void>>> = {
      init: () => manager.init(),
      begin: () => manager.begin(),
      send: () => manager.checkSend(),
      offsets: () => manager.sendOffsets([offset], group),
      commit: () => {
        manager.startEnd('commit')
        return manager.end('commit')
      },
      abort: () => {
        manager.startEnd('abort')
        return manager.end('abort')
      },
    }
    const work = async (): Promise<void> => calls[what]()
    return this.run(
      work().then(
        () => 'ok',
        (error: { code: string }) => error.code,
      ),
    )
  }
}

type StateName =
  | 'new'
  | 'ready'
  | 'ongoing'
  | 'abortable'
  | 'commit interrupted'
  | 'abort interrupted'
  | 'fatal'
type CallName = 'init' | 'begin' | 'send' | 'offsets' | 'commit' | 'abort'

describe('a transactional producer, by state and call', () => {
  const X = 'MILLRACE_INVALID_STATE'
  const F = 'PRODUCER_FENCED'
  // INVALID_RECORD is the error that made the transaction abortable.
  const R = 'INVALID_RECORD'
  const table: Readonly<Record<StateName, Readonly<Record<CallName, string>>>> = {
    new: { init: 'ok', begin: X, send: X, offsets: X, commit: X, abort: X },
    ready: { init: 'ok', begin: 'ok', send: X, offsets: X, commit: X, abort: X },
    ongoing: { init: 'ok', begin: X, send: 'ok', offsets: 'ok', commit: 'ok', abort: 'ok' },
    abortable: { init: 'ok', begin: X, send: R, offsets: R, commit: R, abort: 'ok' },
    'commit interrupted': { init: 'ok', begin: X, send: X, offsets: X, commit: 'ok', abort: X },
    'abort interrupted': { init: 'ok', begin: X, send: X, offsets: X, commit: X, abort: 'ok' },
    fatal: { init: F, begin: F, send: F, offsets: F, commit: F, abort: F },
  }
  for (const [state, calls] of Object.entries(table)) {
    for (const [call, outcome] of Object.entries(calls)) {
      it(`${state}: ${call} → ${outcome}`, async () => {
        const bench = new Bench()
        await bench.reach(state as StateName)
        assert.equal(await bench.call(call as CallName), outcome)
      })
    }
  }
})

describe('an error of a transactional request', () => {
  /** State of the producer afterwards, from what it still accepts. */
  async function stateOf(bench: Bench): Promise<string> {
    if ((await bench.call('send')) === 'ok') return 'ongoing'
    if ((await bench.call('begin')) === 'ok') return 'ready'
    return (await bench.call('abort')) === 'ok' ? 'abortable' : 'fatal'
  }

  const fatal: readonly ErrorName[] = [
    'PRODUCER_FENCED',
    'INVALID_PRODUCER_EPOCH',
    'CLUSTER_AUTHORIZATION_FAILED',
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    'INVALID_PRODUCER_ID_MAPPING',
    'INVALID_TXN_STATE',
  ]
  for (const error of fatal) {
    it(`${error} to EndTxn ends the producer`, async () => {
      const bench = new Bench()
      await bench.reach('ongoing')
      bench.manager.mayWrite({ topic: 't', partition: 0 })
      bench.refuse('end', error)
      // Coordinators older than KIP-588 report an invalid epoch for a fenced producer.
      const code = error === 'INVALID_PRODUCER_EPOCH' ? 'PRODUCER_FENCED' : error
      let changes = 0
      bench.manager.onChange = () => changes++
      assert.equal(await bench.call('commit'), code)
      assert.equal(changes, 1, 'the sender learns of it')
      assert.equal(await bench.call('send'), code)
      assert.equal(await stateOf(bench), 'fatal')
    })
  }

  const abortable: readonly ErrorName[] = [
    'GROUP_AUTHORIZATION_FAILED',
    'TOPIC_AUTHORIZATION_FAILED',
    'ILLEGAL_GENERATION',
    'UNKNOWN_MEMBER_ID',
    'FENCED_INSTANCE_ID',
    'TRANSACTION_ABORTABLE',
  ]
  for (const error of abortable) {
    it(`${error} to TxnOffsetCommit leaves only the abort`, async () => {
      const bench = new Bench()
      await bench.reach('ongoing')
      bench.refuse('offsets', error)
      assert.equal(await bench.call('offsets'), error)
      assert.equal(await bench.call('commit'), error)
      assert.equal(await stateOf(bench), 'abortable')
      assert.equal(bench.manager.isAborting, false, 'the abort completed')
    })
  }

  it('TRANSACTION_ABORTABLE to a commit leaves only the abort', async () => {
    const bench = new Bench()
    await bench.reach('ongoing')
    bench.manager.mayWrite({ topic: 't', partition: 0 })
    bench.refuse('end', 'TRANSACTION_ABORTABLE')
    assert.equal(await bench.call('commit'), 'TRANSACTION_ABORTABLE')
    assert.equal(await stateOf(bench), 'abortable')
  })

  const retried: readonly ErrorName[] = [
    'COORDINATOR_NOT_AVAILABLE',
    'NOT_COORDINATOR',
    'COORDINATOR_LOAD_IN_PROGRESS',
    'CONCURRENT_TRANSACTIONS',
  ]
  for (const error of retried) {
    it(`${error} is retried`, async () => {
      const bench = new Bench()
      bench.refuse('init', error)
      bench.refuse('init', error)
      assert.equal(await bench.call('init'), 'ok')
      assert.equal(bench.requests(InitProducerIdRequest).length, 3)
    })
  }

  it('is retried for at most maxBlockMs; then the call may be repeated', async () => {
    const bench = new Bench()
    const refusal = { errorCode: 14, producerId: -1n, producerEpoch: -1 }
    bench.answer(InitProducerIdRequest, InitProducerIdResponse, refusal)
    assert.equal(await bench.call('init'), 'MILLRACE_TIMEOUT')
    assert.ok(bench.nowMs >= 5000 && bench.nowMs < 6500, `${bench.nowMs}`)
    bench.answer(InitProducerIdRequest, InitProducerIdResponse, {
      errorCode: 0,
      producerId: 7n,
      producerEpoch: 0,
    })
    assert.equal(await bench.call('init'), 'ok')
  })

  it('waits milliseconds for the previous transaction, not the backoff', async () => {
    const bench = new Bench()
    for (let i = 0; i < 4; i++) bench.refuse('init', 'CONCURRENT_TRANSACTIONS')
    assert.equal(await bench.call('init'), 'ok')
    assert.ok(bench.nowMs < 50, `${bench.nowMs}`)
  })

  it('of a lost connection finds the coordinator again', async () => {
    const bench = new Bench()
    bench.queue(InitProducerIdRequest, InitProducerIdResponse, 'close')
    assert.equal(await bench.call('init'), 'ok')
    assert.equal(bench.received.filter(({ api }) => api === 'FindCoordinator').length, 2)
  })

  it('to an abort leaves only its repetition', async () => {
    const bench = new Bench()
    await bench.reach('ongoing')
    bench.manager.mayWrite({ topic: 't', partition: 0 })
    bench.refuse('end', 'TRANSACTION_ABORTABLE')
    assert.equal(await bench.call('abort'), 'TRANSACTION_ABORTABLE')
    assert.equal(await bench.call('send'), 'MILLRACE_INVALID_STATE')
    assert.equal(await bench.call('abort'), 'ok')
  })

  it('is reported to the sender once, and only within a transaction', async () => {
    const bench = new Bench()
    let changes = 0
    bench.manager.onChange = () => changes++
    await bench.reach('ready')
    bench.manager.fail(new MillraceError('LATE', 'of the transaction before'))
    assert.deepEqual([changes, bench.manager.error], [0, undefined])
    bench.manager.begin()
    bench.manager.fail(new MillraceError('FIRST', 'first'))
    assert.equal(changes, 1)
    assert.equal(bench.manager.error?.message, 'first')
    bench.manager.fail(new ProtocolError('PRODUCER_FENCED', 'fenced'))
    assert.equal(changes, 2)
    bench.manager.fail(new ProtocolError('PRODUCER_FENCED', 'fenced again'))
    assert.equal(changes, 2)
  })

  it('of a batch while the transaction ends is kept as its reason', async () => {
    const bench = new Bench()
    await bench.reach('commit interrupted')
    let changes = 0
    bench.manager.onChange = () => changes++
    bench.manager.fail(new MillraceError('LATE', 'a batch failed'))
    assert.deepEqual([changes, bench.manager.error?.message], [1, 'a batch failed'])
  })

  it('that is fatal before the end sends no end', async () => {
    const bench = new Bench()
    await bench.reach('ongoing')
    bench.manager.mayWrite({ topic: 't', partition: 0 })
    bench.manager.startEnd('commit')
    bench.manager.fail(new ProtocolError('PRODUCER_FENCED', 'fenced'))
    assert.equal((await bench.failure(bench.manager.end('commit'))).code, 'PRODUCER_FENCED')
    assert.equal((await bench.failure(bench.manager.end('abort'))).code, 'PRODUCER_FENCED')
    assert.equal(bench.trace, 'InitProducerId')
  })

  it('outside of a transaction does not change the next one, unless it is fatal', async () => {
    const bench = new Bench()
    await bench.reach('ready')
    bench.manager.fail(new ProtocolError('INVALID_RECORD', 'late'))
    bench.manager.begin()
    assert.equal(await bench.call('send'), 'ok')
    bench.manager.fail(new ProtocolError('PRODUCER_FENCED', 'fenced'))
    bench.manager.fail(new ProtocolError('INVALID_RECORD', 'the first error counts'))
    assert.equal(await bench.call('send'), 'PRODUCER_FENCED')
  })

  it('is kept as the reason of the abort: the first one', async () => {
    const bench = new Bench()
    await bench.reach('ongoing')
    bench.manager.fail(new MillraceError('FIRST', 'first'))
    bench.manager.fail(new MillraceError('SECOND', 'second'))
    assert.equal(await bench.call('commit'), 'FIRST')
    assert.equal(bench.manager.isAborting, true)
  })
})

describe('requests of a transaction', () => {
  /** APIs of one transaction that writes to two partitions and commits offsets twice. */
  async function trace(version: number): Promise<string> {
    const bench = new Bench(version)
    await bench.reach('ongoing')
    for (const partition of [0, 1]) bench.manager.mayWrite({ topic: 't', partition })
    await bench.pass(10)
    await bench.call('offsets')
    await bench.call('offsets')
    await bench.call('commit')
    return bench.trace
  }

  it('add partitions and the group with transaction.version 1, once', async () => {
    assert.equal(
      await trace(1),
      'InitProducerId AddPartitionsToTxn AddOffsetsToTxn TxnOffsetCommit TxnOffsetCommit EndTxn',
    )
  })

  it('leave that to the broker with transaction.version 2 (KIP-890)', async () => {
    assert.equal(await trace(2), 'InitProducerId TxnOffsetCommit TxnOffsetCommit EndTxn')
  })

  it('use the versions that go with transaction.version', async () => {
    for (const [version, end, commit, produce] of [
      [1, 4, 4, 11],
      [2, 5, 5, undefined],
    ] as const) {
      const bench = new Bench(version)
      await bench.reach('ongoing')
      await bench.call('offsets')
      await bench.call('commit')
      assert.equal(bench.requests(EndTxnRequest)[0]?.version, end)
      assert.equal(bench.requests(TxnOffsetCommitRequest)[0]?.version, commit)
      assert.equal(bench.manager.maxProduceVersion, produce)
    }
  })

  it('that wrote nothing is not ended at the coordinator', async () => {
    for (const how of ['commit', 'abort'] as const) {
      const bench = new Bench()
      await bench.reach('ongoing')
      assert.equal(await bench.call(how), 'ok')
      assert.equal(bench.trace, 'InitProducerId')
      assert.equal(await bench.call('begin'), 'ok')
    }
  })

  it('carry the epoch that the end before returned', async () => {
    const bench = new Bench()
    await bench.reach('ready')
    for (let epoch = 0; epoch < 3; epoch++) {
      assert.deepEqual(bench.manager.identity, { producerId: 7n, producerEpoch: epoch })
      bench.manager.begin()
      bench.manager.mayWrite({ topic: 't', partition: 0 })
      await bench.call(epoch === 1 ? 'abort' : 'commit')
    }
    assert.deepEqual(
      bench
        .requests(EndTxnRequest)
        .map(({ message }) => [message.producerEpoch, message.committed]),
      [
        [0, true],
        [1, false],
        [2, true],
      ],
    )
  })

  it('start a new epoch after a lost sequence number, with transaction.version 1', async () => {
    const bench = new Bench(1)
    await bench.reach('ongoing')
    bench.manager.mayWrite({ topic: 't', partition: 0 })
    await bench.pass(10)
    bench.manager.fail(new MillraceError('MILLRACE_DELIVERY_TIMEOUT', 'late'), {
      lostSequence: true,
    })
    assert.equal(await bench.call('abort'), 'ok')
    const inits = bench.requests(InitProducerIdRequest)
    assert.deepEqual(
      inits.map(({ message }) => [message.producerId, message.producerEpoch]),
      [
        [-1n, -1],
        [7n, 0],
      ],
    )
  })

  it('keep the epoch after an error that lost no sequence number', async () => {
    const bench = new Bench(1)
    await bench.reach('ongoing')
    bench.manager.mayWrite({ topic: 't', partition: 0 })
    await bench.pass(10)
    bench.manager.fail(new MillraceError('MILLRACE_SERDE', 'not a batch'))
    assert.equal(await bench.call('abort'), 'ok')
    assert.equal(bench.requests(InitProducerIdRequest).length, 1)
  })

  it('name the member, so that a consumer that lost its partitions is refused (KIP-447)', async () => {
    const bench = new Bench()
    await bench.reach('ongoing')
    await bench.call('offsets')
    const [commit] = bench.requests(TxnOffsetCommitRequest)
    assert.deepEqual(
      [
        commit?.message.groupId,
        commit?.message.memberId,
        commit?.message.generationIdOrMemberEpoch,
      ],
      ['g', 'm', 3],
    )
  })

  it('are none for an empty list of offsets', async () => {
    const bench = new Bench()
    await bench.reach('ongoing')
    await bench.run(bench.manager.sendOffsets([], group))
    assert.equal(bench.trace, 'InitProducerId')
  })
})

describe('a partition may be written to, with transaction.version 2', () => {
  const cells: readonly (readonly [StateName, boolean])[] = [
    ['new', false],
    ['ready', false],
    ['ongoing', true],
    ['abortable', false],
    ['commit interrupted', true],
    ['abort interrupted', false],
    ['fatal', false],
  ]
  for (const [state, mayWrite] of cells) {
    it(`${state}: ${mayWrite}`, async () => {
      const bench = new Bench()
      await bench.reach(state)
      assert.equal(bench.manager.mayWrite({ topic: 't', partition: 0 }), mayWrite)
    })
  }

  it('not any more once an abort starts', async () => {
    const bench = new Bench()
    await bench.reach('ongoing')
    bench.manager.startEnd('commit')
    assert.equal(bench.manager.isAborting, false)
    assert.equal(bench.manager.mayWrite({ topic: 't', partition: 0 }), true)
    bench.manager.startEnd('abort')
    assert.equal(bench.manager.isAborting, true)
    assert.equal(bench.manager.mayWrite({ topic: 't', partition: 0 }), false)
  })
})

describe('partitions of a transaction, with transaction.version 1', () => {
  const t0 = { topic: 't', partition: 0 }
  const t1 = { topic: 't', partition: 1 }

  it('are written to once they are added; those of one turn share a request', async () => {
    const bench = new Bench(1)
    await bench.reach('ongoing')
    assert.deepEqual([bench.manager.mayWrite(t0), bench.manager.mayWrite(t1)], [false, false])
    await bench.pass(10)
    assert.deepEqual([bench.manager.mayWrite(t0), bench.manager.mayWrite(t1)], [true, true])
    assert.equal(bench.requests(AddPartitionsToTxnRequest).length, 1)
  })

  it('wake the sender, and further ones are added by another request', async () => {
    const bench = new Bench(1)
    await bench.reach('ongoing')
    let changes = 0
    bench.manager.onChange = () => changes++
    bench.manager.mayWrite(t0)
    await bench.pass(10)
    assert.equal(changes, 1)
    bench.manager.mayWrite(t1)
    await bench.pass(10)
    assert.equal(bench.manager.mayWrite(t1), true)
    assert.equal(bench.requests(AddPartitionsToTxnRequest).length, 2)
  })

  it('that are being added are part of a transaction that ends meanwhile', async () => {
    const bench = new Bench(1)
    await bench.reach('ongoing')
    bench.manager.mayWrite(t0)
    assert.equal(await bench.call('abort'), 'ok')
    assert.equal(bench.trace, 'InitProducerId AddPartitionsToTxn EndTxn')
  })

  it('are added again in the next transaction', async () => {
    const bench = new Bench(1)
    await bench.reach('ongoing')
    bench.manager.mayWrite(t0)
    await bench.pass(10)
    await bench.call('commit')
    bench.manager.begin()
    assert.equal(bench.manager.mayWrite(t0), false)
  })

  it('that are refused make the transaction abortable, and wake the sender', async () => {
    const bench = new Bench(1)
    await bench.reach('ongoing')
    let changes = 0
    bench.manager.onChange = () => changes++
    bench.refuse('add', 'TOPIC_AUTHORIZATION_FAILED')
    bench.manager.mayWrite(t0)
    await bench.pass(10)
    assert.equal(bench.manager.isAborting, true)
    assert.equal(bench.manager.mayWrite(t0), false)
    assert.ok(changes > 0)
    assert.equal(await bench.call('commit'), 'TOPIC_AUTHORIZATION_FAILED')
  })

  it('are refused for a reason that another partition has', async () => {
    const bench = new Bench(1)
    await bench.reach('ongoing')
    bench.queue(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, {
      resultsByTopicV3AndBelow: [
        {
          name: 't',
          resultsByPartition: [
            { partitionIndex: 0, partitionErrorCode: ErrorCode.OPERATION_NOT_ATTEMPTED },
            { partitionIndex: 1, partitionErrorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED },
          ],
        },
      ],
    })
    bench.manager.mayWrite(t0)
    bench.manager.mayWrite(t1)
    await bench.pass(10)
    assert.equal(await bench.call('commit'), 'TOPIC_AUTHORIZATION_FAILED')
  })
})

describe('an interrupted end', () => {
  it('can only be repeated, the same way, and says so', async () => {
    const bench = new Bench()
    await bench.reach('commit interrupted')
    assert.throws(() => bench.manager.startEnd('abort'), {
      message:
        'transactional id tx cannot abort: the commit before has no answer yet and can only be repeated',
    })
    assert.equal(bench.manager.isUnderWay, true)
    assert.equal(await bench.call('commit'), 'ok')
    assert.equal(bench.manager.isUnderWay, false)
  })

  it('names what is missing before there is a transaction', async () => {
    const bench = new Bench()
    const messages = [
      [() => bench.manager.begin(), /begin a transaction: initTransactions must be called first/],
      [() => bench.manager.checkSend(), /send: no transaction is in progress/],
      [() => bench.manager.startEnd('commit'), /commit: no transaction is in progress/],
    ] as const
    for (const [call, message] of messages) assert.throws(call, { message })
    await bench.reach('ongoing')
    assert.throws(() => bench.manager.begin(), /a transaction is in progress/)
  })
})
