// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  buildBatch,
  CreateTopicsRequest,
  CreateTopicsResponse,
  FetchRequest,
  FetchResponse,
  ProduceRequest,
  ProduceResponse,
  readRecords,
  recordBatches,
} from '@millrace/protocol'
import {
  effort,
  millraceArguments,
  readyAddress,
  seededRandom,
  WireClient,
} from '@millrace/testkit'
import { until } from './until.ts'

const ROUNDS = effort(3, 30)

interface Server {
  readonly child: ChildProcess
  readonly address: string
}

async function start(directory: string): Promise<Server> {
  const child = spawn(
    process.execPath,
    millraceArguments(
      'start',
      '--data',
      directory,
      '--listen',
      '127.0.0.1:0',
      '--log-level',
      'error',
    ),
  )
  const address = await readyAddress(child)
  return { child, address }
}

async function kill(server: Server, signal: NodeJS.Signals): Promise<void> {
  const gone = new Promise((resolve) => server.child.on('exit', resolve))
  server.child.kill(signal)
  await gone
}

/**
 * Sends records one after another on three connections until the broker is down; notes acknowledged
 * records.
 */
async function load(address: string, round: number, acknowledged: Set<string>): Promise<void> {
  const lanes = [0, 1, 2].map(async (lane) => {
    const client = await WireClient.connect(address)
    for (let i = 0; ; i++) {
      const value = `${round}/${lane}/${i}`
      const records = buildBatch([
        { timestamp: BigInt(Date.now()), key: null, value: Buffer.from(value.padEnd(200)) },
      ])
      const reply = await client.request(
        ProduceRequest,
        ProduceResponse,
        {
          acks: -1,
          timeoutMs: 1000,
          topicData: [{ name: 'killed', partitionData: [{ index: lane, records }] }],
        },
        9,
      )
      if (reply.responses[0]?.partitionResponses[0]?.errorCode === 0) acknowledged.add(value)
    }
  })
  await Promise.allSettled(lanes)
}

async function readAll(address: string): Promise<string[]> {
  const client = await WireClient.connect(address)
  const values: string[] = []
  for (const partition of [0, 1, 2]) {
    for (let fetchOffset = 0n; ; ) {
      const reply = await client.request(
        FetchRequest,
        FetchResponse,
        {
          maxWaitMs: 0,
          minBytes: 0,
          topics: [
            {
              topic: 'killed',
              partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }],
            },
          ],
          forgottenTopicsData: [],
        },
        12,
      )
      const found = reply.responses[0]?.partitions[0]
      assert.equal(found?.errorCode, 0)
      const records = [...recordBatches(found?.records ?? Buffer.alloc(0))].flatMap(readRecords)
      const last = records.at(-1)
      if (last === undefined) break
      for (const record of records) values.push(String(record.value).trim())
      fetchOffset = last.offset + 1n
    }
  }
  client.close()
  return values
}

describe('kill -9 during requests', () => {
  it(`loses and duplicates no acknowledged record, ${ROUNDS} times`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
    const random = seededRandom(99)
    const acknowledged = new Set<string>()
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const server = await start(directory)
        if (round === 0) {
          const client = await WireClient.connect(server.address)
          await client.request(CreateTopicsRequest, CreateTopicsResponse, {
            topics: [
              {
                name: 'killed',
                numPartitions: 3,
                replicationFactor: 1,
                assignments: [],
                configs: [{ name: 'internal.segment.bytes', value: '20000' }],
              },
            ],
          })
          client.close()
        }
        const working = load(server.address, round, acknowledged)
        const before = acknowledged.size
        await until(() => acknowledged.size - before > 50, 60_000)
        await new Promise((resolve) => setTimeout(resolve, random.integer(300)))
        await kill(server, 'SIGKILL')
        await working
        const again = await start(directory)
        const values = await readAll(again.address)
        await kill(again, 'SIGTERM')
        const present = new Set(values)
        assert.equal(present.size, values.length, 'no record is duplicated')
        for (const value of acknowledged)
          assert.ok(present.has(value), `${value} was acknowledged and is lost`)
      }
      assert.ok(acknowledged.size > 50 * ROUNDS, `${acknowledged.size} records`)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
