// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
  MetadataRequest,
  ProduceRequest,
  ProduceResponse,
} from '@millrace/protocol'
import { ProduceScript, type ProduceStep } from '../testing/produce-script.ts'
import type { Producer } from './producer.ts'
import type { ProducerOptions } from './producer-options.ts'

const record = { topic: 't', partition: 0, value: 'x' }

/** Sends one record; returns its offset, or the code of its error. */
function send(script: ProduceScript, producer: Producer, more = {}): Promise<string> {
  return script.run(
    producer.send({ ...record, ...more }).then(
      ({ offset }) => String(offset),
      (error: { code: string }) => error.code,
    ),
  )
}

describe('one batch, by what the broker answers to each attempt', () => {
  const cells: readonly {
    readonly rule: string
    readonly steps: readonly ProduceStep[]
    readonly options?: Partial<ProducerOptions>
    readonly outcome: string
    readonly batches: readonly string[]
  }[] = [
    {
      rule: 'an acknowledged batch is sent once',
      steps: [],
      outcome: '0',
      batches: ['1: t-0 #0+1 e0'],
    },
    {
      rule: 'a retry keeps the sequence number',
      steps: ['NOT_ENOUGH_REPLICAS', 'close', 'NONE'],
      outcome: '0',
      batches: ['1: t-0 #0+1 e0', '1: t-0 #0+1 e0', '1: t-0 #0+1 e0'],
    },
    {
      rule: 'a duplicate counts as written, at an unknown offset',
      steps: ['close', 'DUPLICATE_SEQUENCE_NUMBER'],
      outcome: '-1',
      batches: ['1: t-0 #0+1 e0', '1: t-0 #0+1 e0'],
    },
    {
      rule: 'retries are limited',
      steps: ['NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS'],
      options: { retries: 1 },
      outcome: 'NOT_ENOUGH_REPLICAS',
      batches: ['1: t-0 #0+1 e0', '1: t-0 #0+1 e0'],
    },
    {
      rule: 'an error that no retry changes fails at once',
      steps: ['TOPIC_AUTHORIZATION_FAILED'],
      outcome: 'TOPIC_AUTHORIZATION_FAILED',
      batches: ['1: t-0 #0+1 e0'],
    },
    {
      rule: 'a gap in the sequence before the oldest batch starts an epoch of the partition',
      steps: ['OUT_OF_ORDER_SEQUENCE_NUMBER'],
      outcome: '0',
      batches: ['1: t-0 #0+1 e0', '1: t-0 #0+1 e1'],
    },
    {
      rule: 'a broker that forgot the producer gets sequence 0 of the next epoch',
      steps: ['UNKNOWN_PRODUCER_ID'],
      outcome: '0',
      batches: ['1: t-0 #0+1 e0', '1: t-0 #0+1 e1'],
    },
    {
      rule: 'without idempotence there are no sequence numbers, and a retry may write twice',
      steps: ['close'],
      options: { enableIdempotence: false },
      outcome: '0',
      batches: ['1: t-0 #-1+1 e-1', '1: t-0 #-1+1 e-1'],
    },
    {
      rule: 'acks=0 waits for no reply',
      steps: [],
      options: { acks: 0 },
      outcome: '-1',
      batches: ['1: t-0 #-1+1 e-1'],
    },
  ]
  for (const { rule, steps, options, outcome, batches } of cells) {
    it(rule, async () => {
      const script = new ProduceScript()
      script.steps(...steps)
      const producer = script.producer(options)
      assert.equal(await send(script, producer), outcome)
      await script.pass(1)
      assert.deepEqual(script.batches, batches)
      await script.run(producer.close())
    })
  }
})

describe('retries of the sender', () => {
  it('wait for the backoff, doubled each time up to its limit', async () => {
    const script = new ProduceScript()
    script.steps(...Array<ProduceStep>(5).fill('NOT_ENOUGH_REPLICAS'))
    const producer = script.producer({ retryBackoffMs: 100, retryBackoffMaxMs: 400 })
    await send(script, producer)
    const { times } = script
    const waits = times.slice(1).map((at, i) => at - (times[i] ?? 0))
    const planned = [100, 200, 400, 400, 400]
    for (const [i, wait] of waits.entries()) {
      const plan = planned[i] ?? 0
      assert.ok(wait >= 0.75 * plan && wait <= 1.25 * plan, `wait ${i}: ${wait} for ${plan}`)
    }
    assert.equal(waits.length, 5)
    await script.run(producer.close())
  })

  it('go to the leader that the reply names, at once (KIP-951)', async () => {
    const script = new ProduceScript(2)
    const producer = script.producer()
    await send(script, producer)
    const refreshes = script.requests(MetadataRequest).length
    const before = script.nowMs
    script.steps({
      responses: [
        {
          name: 't',
          topicId: script.topics.get('t')?.id ?? '',
          partitionResponses: [
            {
              index: 0,
              errorCode: 6,
              baseOffset: -1n,
              currentLeader: { leaderId: 2, leaderEpoch: 1 },
            },
          ],
        },
      ],
      nodeEndpoints: [{ nodeId: 2, host: '127.0.0.1', port: 9002, rack: null }],
    })
    assert.equal(await send(script, producer), '1')
    assert.deepEqual(script.batches.slice(1), ['1: t-0 #1+1 e0', '2: t-0 #1+1 e0'])
    assert.ok(script.nowMs - before < 50, 'no backoff')
    assert.equal(script.requests(MetadataRequest).length, refreshes, 'no metadata request')
    await script.run(producer.close())
  })

  it('ask for metadata when the reply names no leader, and follow it', async () => {
    const script = new ProduceScript(2)
    const producer = script.producer()
    await send(script, producer)
    // Metadata is requested at most once per retryBackoffMs.
    await script.pass(1000)
    script.topic('t', [2])
    script.steps('NOT_LEADER_OR_FOLLOWER')
    assert.equal(await send(script, producer), '1')
    assert.deepEqual(script.batches.slice(1), ['1: t-0 #1+1 e0', '2: t-0 #1+1 e0'])
    await script.run(producer.close())
  })

  it('never let a batch overtake one that failed', async () => {
    const script = new ProduceScript()
    const producer = script.producer({ batchSize: 1 })
    await send(script, producer)
    script.steps('NOT_ENOUGH_REPLICAS', 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    const both = [producer.send(record), producer.send(record)]
    const offsets = (await script.run(Promise.all(both))).map(({ offset }) => Number(offset))
    assert.deepEqual(offsets, [1, 2])
    assert.deepEqual(script.batches.slice(1), [
      '1: t-0 #1+1 e0',
      '1: t-0 #2+1 e0',
      // Each is sent alone until its outcome is known.
      '1: t-0 #1+1 e0',
      '1: t-0 #2+1 e0',
    ])
    await script.run(producer.close())
  })

  it('wait milliseconds while the previous transaction completes', async () => {
    const script = new ProduceScript()
    const producer = script.producer()
    await send(script, producer)
    script.steps('CONCURRENT_TRANSACTIONS', 'CONCURRENT_TRANSACTIONS')
    const before = script.nowMs
    assert.equal(await send(script, producer), '1')
    assert.ok(script.nowMs - before <= 20, `${script.nowMs - before} ms`)
    await script.run(producer.close())
  })

  it('end with deliveryTimeoutMs, the attempts included', async () => {
    const script = new ProduceScript()
    script.steps(...Array<ProduceStep>(100).fill('NOT_ENOUGH_REPLICAS'))
    const producer = script.producer({ deliveryTimeoutMs: 3000, requestTimeoutMs: 1000 })
    const error = await script.failure(producer.send(record))
    assert.equal(error.code, 'MILLRACE_DELIVERY_TIMEOUT')
    assert.match(error.message, /1 records for t-0 .* deliveryTimeoutMs 3000 \(\d+ attempts\)/)
    assert.ok(script.nowMs >= 3000 && script.nowMs < 3100, `${script.nowMs}`)
    await script.run(producer.close())
  })

  it('end with deliveryTimeoutMs while a request is in flight, too', async () => {
    const script = new ProduceScript()
    script.steps('silence')
    const producer = script.producer({ deliveryTimeoutMs: 3000, requestTimeoutMs: 3000 })
    assert.equal(await send(script, producer), 'MILLRACE_DELIVERY_TIMEOUT')
    assert.ok(script.nowMs < 3100)
    await script.run(producer.close())
  })

  it('halve a batch that is too large, keep its numbers, and place each record', async () => {
    const script = new ProduceScript()
    script.steps('MESSAGE_TOO_LARGE', 'MESSAGE_TOO_LARGE')
    const producer = script.producer()
    const sent = await script.run(
      producer.send(['a', 'b', 'c', 'd'].map((value) => ({ ...record, value }))),
    )
    assert.deepEqual(
      sent.map(({ offset }) => Number(offset)),
      [0, 1, 2, 3],
    )
    assert.equal(script.batches[0], '1: t-0 #0+4 e0')
    assert.deepEqual(
      script.batches
        .filter((batch) => batch.includes('+1'))
        .concat(script.batches.at(-1) ?? '')
        .sort(),
      ['1: t-0 #0+1 e0', '1: t-0 #1+1 e0', '1: t-0 #2+2 e0'],
    )
    await script.run(producer.close())
  })

  it('fail an atomic batch that is too large as a whole', async () => {
    const script = new ProduceScript()
    script.steps('MESSAGE_TOO_LARGE')
    const producer = script.producer()
    const error = await script.failure(producer.send([record, record], { atomic: true }))
    assert.equal(error.code, 'MESSAGE_TOO_LARGE')
    assert.deepEqual(script.batches, ['1: t-0 #0+2 e0'])
    await script.run(producer.close())
  })

  it('get another producer id when the epochs of one are used up', async () => {
    const script = new ProduceScript()
    script.queue(InitProducerIdRequest, InitProducerIdResponse, {
      errorCode: 0,
      producerId: 7n,
      producerEpoch: 0x7fff,
    })
    const producer = script.producer()
    await send(script, producer)
    script.steps('OUT_OF_ORDER_SEQUENCE_NUMBER')
    assert.equal(await send(script, producer), '1')
    assert.deepEqual(script.batches, ['1: t-0 #0+1 e32767', '1: t-0 #1+1 e32767', '1: t-0 #0+1 e0'])
    await script.run(producer.close())
  })
})

describe('the producer id', () => {
  it('is obtained once, and again after errors that pass', async () => {
    const script = new ProduceScript()
    const refused = { errorCode: 14, producerId: -1n, producerEpoch: -1 }
    script.queue(InitProducerIdRequest, InitProducerIdResponse, refused, 'close', refused)
    const producer = script.producer()
    assert.equal(await send(script, producer), '0')
    assert.equal(await send(script, producer), '1')
    assert.equal(script.requests(InitProducerIdRequest).length, 4)
    await script.run(producer.close())
  })

  it('that is refused fails what waits, and a later send asks again', async () => {
    const script = new ProduceScript()
    script.queue(InitProducerIdRequest, InitProducerIdResponse, {
      errorCode: 31,
      producerId: -1n,
      producerEpoch: -1,
    })
    const producer = script.producer()
    assert.equal(await send(script, producer), 'CLUSTER_AUTHORIZATION_FAILED')
    assert.equal(await send(script, producer), '0')
    await script.run(producer.close())
  })
})

describe('batches on their way', () => {
  it('share a request by leader, one batch of each partition', async () => {
    const script = new ProduceScript(2)
    script.topic('t', [1, 2, 1])
    const producer = script.producer()
    await script.run(
      producer.send([0, 1, 2, 0].map((partition) => ({ topic: 't', partition, value: 'x' }))),
    )
    assert.equal(script.requests(ProduceRequest).length, 2)
    assert.deepEqual(script.batches.sort(), ['1: t-0 #0+2 e0', '1: t-2 #0+1 e0', '2: t-1 #0+1 e0'])
    await script.run(producer.close())
  })

  it('are at most maxInFlightRequestsPerConnection for each broker', async () => {
    const script = new ProduceScript()
    const held: (() => void)[] = []
    script.answer(ProduceRequest, ProduceResponse, async (request) => {
      await new Promise<void>((resolve) => held.push(resolve))
      return script.reply(request, 'NONE')
    })
    const producer = script.producer({ batchSize: 1, maxInFlightRequestsPerConnection: 2 })
    const sends = Promise.all([1, 2, 3].map(() => producer.send(record)))
    await script.pass(50)
    assert.equal(held.length, 2)
    held.shift()?.()
    await script.pass(50)
    assert.equal(script.batches.length, 3)
    for (const answer of held) answer()
    await script.run(sends)
    await script.run(producer.close())
  })

  it('linger for lingerMs, unless they are full or flushed', async () => {
    const script = new ProduceScript()
    const producer = script.producer({ lingerMs: 500, batchSize: 200 })
    await send(script, producer)
    assert.ok(script.nowMs >= 500, `lingered ${script.nowMs}`)
    const start = script.nowMs
    await script.run(producer.send([1, 2, 3, 4].map(() => ({ ...record, value: 'y'.repeat(90) }))))
    assert.ok(script.nowMs - start <= 500, 'the last batch lingers, the full ones do not')
    assert.ok(script.times.slice(1).some((at) => at < start + 100))
    const flushed = script.nowMs
    const sent = producer.send(record)
    await script.run(producer.flush())
    await script.run(sent)
    assert.ok(script.nowMs - flushed < 100, 'flushed')
    await script.run(producer.close())
  })

  it('of a partition without a leader wait for one', async () => {
    const script = new ProduceScript()
    script.topic('t', [-1])
    const producer = script.producer()
    const sent = producer.send(record)
    await script.pass(300)
    assert.equal(script.batches.length, 0)
    script.topic('t', [1])
    assert.equal(Number((await script.run(sent)).offset), 0)
    await script.run(producer.close())
  })

  it('fail when their partition is gone: another topic has its name', async () => {
    const script = new ProduceScript()
    script.topic('t', [1, 1])
    const producer = script.producer({ retryBackoffMs: 10 })
    await send(script, producer, { partition: 1 })
    script.topic('t', [1], 'other'.padEnd(21, 'x').concat('A'))
    script.steps('UNKNOWN_TOPIC_OR_PARTITION')
    const error = await script.failure(producer.send({ ...record, partition: 1 }))
    assert.equal(error.code, 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.match(error.message, /has no partition 1/)
    await script.run(producer.close())
  })

  it('fail with MILLRACE_CLOSED when the producer is closed before they have an outcome', async () => {
    const script = new ProduceScript()
    script.steps('silence')
    const producer = script.producer()
    const sent = script.failure(producer.send(record))
    const closed = producer.close({ timeoutMs: 100 })
    assert.equal((await sent).code, 'MILLRACE_CLOSED')
    await script.run(closed)
    assert.equal(await send(script, producer), 'MILLRACE_CLOSED')
  })
})
