// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { encodeBatch, goodBatch } from '../scenarios/batch-corruptions.ts'
import {
  codecs,
  createJudgingTopics,
  difference,
  isAlike,
  judge,
  judgingTopics,
} from '../scenarios/produce-verdicts.ts'
import { until } from './until.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

interface Recorded {
  readonly columns: readonly string[]
  readonly verdicts: readonly string[]
  readonly rows: Readonly<Record<string, string>>
}

const path = new URL('../testdata/produce-verdicts.json', import.meta.url)
const recorded = JSON.parse(readFileSync(path, 'utf8')) as Recorded

/** Replies of Apache Kafka 4.4.0, as recorded by `interop/produce-verdicts.test.ts`. */
function kafkaVerdict(column: string, corruption: string): string {
  const numbers = (recorded.rows[corruption] ?? '').split(' ')
  return recorded.verdicts[Number(numbers[recorded.columns.indexOf(column)])] ?? ''
}

describe('batches of all kinds are accepted, rejected and stored as in Apache Kafka 4.4.0', () => {
  let broker: Broker

  before(async () => {
    broker = await Broker.start()
    await createJudgingTopics(broker.address)
  })
  after(() => broker?.close())

  for (const topic of judgingTopics) {
    it(`in ${topic.name}`, async () => {
      for (const codec of codecs) {
        const options = { codec, isIdempotent: false, version: 9 }
        const ours = await judge(broker.address, topic, options)
        for (const [corruption, our] of Object.entries(ours)) {
          const theirs = kafkaVerdict(`${topic.name} ${codec}`, corruption)
          const isRight = isAlike(theirs, our) || difference(corruption, theirs, our) !== undefined
          if (!isRight) assert.equal(our, theirs, `${codec}: ${corruption}`)
          assert.doesNotMatch(our, /^NONE.*(unreadable|offsets)/, `${codec}: ${corruption}`)
        }
      }
    })
  }
})

describe('a header with a wrong maximum timestamp', () => {
  for (const maxTimestamp of [-1n, 0n, 1_000_000_000_000n, 4_000_000_000_000n]) {
    for (const codec of codecs) {
      it(`${maxTimestamp}, ${codec}, does not affect retention or a lookup by time`, async () => {
        await using broker = await Broker.start({
          config: { 'log.retention.ms': '3600000' },
        })
        const client = await WireClient.connect(broker.address)
        const now = BigInt(Date.now())
        await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
          topics: [
            { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
          ],
        })
        const records = encodeBatch({ ...goodBatch(now), maxTimestamp }, codec)
        const reply = await client.request(
          p.ProduceRequest,
          p.ProduceResponse,
          {
            acks: -1,
            timeoutMs: 1000,
            topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
          },
          9,
        )
        assert.equal(reply.responses[0]?.partitionResponses[0]?.errorCode, 0)
        await broker.enforceRetention()
        const found = async (timestamp: bigint): Promise<bigint | undefined> => {
          const { topics } = await client.request(p.ListOffsetsRequest, p.ListOffsetsResponse, {
            replicaId: -1,
            isolationLevel: 0,
            topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }],
          })
          return topics[0]?.partitions[0]?.offset
        }
        // Earliest, newest timestamp, by time, and after the last.
        assert.deepEqual(
          [await found(-2n), await found(-3n), await found(now + 1n), await found(now + 3n)],
          [0n, 2n, 1n, -1n],
        )
        client.close()
      })
    }
  }
})

describe('a batch that decompresses to more than the maximum request size', () => {
  for (const codec of ['gzip', 'zstd', 'lz4'] as const) {
    it(`in ${codec} is rejected, and its memory is released`, async () => {
      await using broker = await Broker.start({
        config: { 'message.max.bytes': '8000000', 'socket.request.max.bytes': '20000000' },
      })
      const client = await WireClient.connect(broker.address)
      await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
        topics: [
          { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
        ],
      })
      const bomb = encodeBatch(
        {
          ...goodBatch(1n),
          // As many copies of a compressed megabyte as needed; lz4 frames cannot be concatenated,
          // so one large frame.
          compressed: (packed) =>
            codec === 'lz4' ? packed : Buffer.concat(Array(30).fill(packed) as Buffer[]),
          payload: () => Buffer.alloc(codec === 'lz4' ? 22_000_000 : 1_000_000),
        },
        codec,
      )
      const before = process.memoryUsage().arrayBuffers
      for (let i = 0; i < 3; i++) {
        const reply = await client.request(
          p.ProduceRequest,
          p.ProduceResponse,
          {
            acks: -1,
            timeoutMs: 1000,
            topicData: [{ name: 't', partitionData: [{ index: 0, records: Buffer.from(bomb) }] }],
          },
          9,
        )
        const [result] = reply.responses[0]?.partitionResponses ?? []
        assert.equal(p.errorName(result?.errorCode ?? 0), 'MESSAGE_TOO_LARGE')
      }
      // Less than one of the three decompressed to within the limit.
      await until(() => {
        collectGarbage()
        return process.memoryUsage().arrayBuffers - before < 15_000_000
      })
      client.close()
    })
  }
})
