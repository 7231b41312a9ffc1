// SPDX-License-Identifier: Apache-2.0
// Requests are assembled in memory that is reused: records must not mix.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'

const CLIENTS = 3
const REQUESTS = 40
/** Sizes of values: within one chunk of a socket, of several, and beyond what is kept. */
const SIZES = [100, 20_000, 70_000, 300_000, 900_000, 1_500_000]

describe('requests in reused memory', () => {
  it('are stored unchanged, from several connections at the same time', async () => {
    const config = { 'message.max.bytes': '3000000' }
    await using broker = await Broker.start({ config })
    const admin = await WireClient.connect(broker.address)
    await admin.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
      timeoutMs: 10_000,
      topics: [
        {
          name: 't',
          numPartitions: CLIENTS,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        },
      ],
    })
    const valueFor = (client: number, i: number): Buffer =>
      Buffer.alloc(SIZES[(i * 7 + client) % SIZES.length] ?? 0, client * REQUESTS + i + 1)
    const produce = async (client: number): Promise<void> => {
      const wire = await WireClient.connect(broker.address)
      await Promise.all(
        Array.from({ length: REQUESTS }, async (_, i) => {
          const records = p.buildBatch([{ timestamp: 0n, key: null, value: valueFor(client, i) }])
          const { responses } = await wire.request(
            p.ProduceRequest,
            p.ProduceResponse,
            {
              transactionalId: null,
              acks: -1,
              timeoutMs: 10_000,
              topicData: [{ name: 't', partitionData: [{ index: client, records }] }],
            },
            12,
          )
          assert.equal(responses[0]?.partitionResponses[0]?.errorCode, 0)
          assert.equal(responses[0]?.partitionResponses[0]?.baseOffset, BigInt(i))
        }),
      )
      wire.close()
    }
    await Promise.all(Array.from({ length: CLIENTS }, (_, client) => produce(client)))
    for (let client = 0; client < CLIENTS; client++) {
      for (let i = 0; i < REQUESTS; i++) {
        const { responses } = await admin.request(
          p.FetchRequest,
          p.FetchResponse,
          {
            maxWaitMs: 0,
            minBytes: 1,
            maxBytes: 1,
            isolationLevel: 0,
            sessionId: 0,
            sessionEpoch: -1,
            forgottenTopicsData: [],
            topics: [
              {
                topic: 't',
                partitions: [{ partition: client, fetchOffset: BigInt(i), partitionMaxBytes: 1 }],
              },
            ],
          },
          12,
        )
        const bytes = responses[0]?.partitions[0]?.records ?? Buffer.alloc(0)
        const [record] = p.readRecords(new p.RecordBatch(bytes))
        assert.ok(record?.value?.equals(valueFor(client, i)), `client ${client}, record ${i}`)
      }
    }
    admin.close()
  })
})
