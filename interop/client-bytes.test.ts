// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createConnection, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ByteReader } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { type Assignor, Consumer, murmur2, Producer } from '@millrace/client'
import {
  ApiKey,
  apis,
  codecOf,
  decompress,
  JoinGroupRequest,
  ProduceRequest,
  RecordBatch,
  readRequestHeader,
  skipHeaderTags,
} from '@millrace/protocol'
import { freePort, seededRandom } from '@millrace/testkit'
import { rangeAssignor } from '../packages/client/src/consumer/group/range-assignor.ts'
import { roundRobinAssignor } from '../packages/client/src/consumer/group/round-robin-assignor.ts'
import {
  cooperativeStickyAssignor,
  stickyAssignor,
} from '../packages/client/src/consumer/group/sticky-assignor.ts'
import { java, libraries, peersDirectory, startKafka } from './peers.ts'

/** A proxy to a broker that records the requests of one API. */
async function tap(
  address: string,
  apiKey: number,
): Promise<{ readonly port: number; readonly requests: Buffer[]; readonly server: Server }> {
  const [host, port] = address.split(':')
  const requests: Buffer[] = []
  const server = createServer((client) => {
    const upstream = createConnection({ host: host as string, port: Number(port) })
    let seen = Buffer.alloc(0)
    client.on('data', (data: Buffer) => {
      seen = Buffer.concat([seen, data])
      while (seen.length >= 4 && seen.length >= 4 + seen.readInt32BE(0)) {
        const size = seen.readInt32BE(0)
        const frame = seen.subarray(4, 4 + size)
        if (frame.readInt16BE(0) === apiKey) requests.push(frame)
        seen = seen.subarray(4 + size)
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => client.write(data))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
    client.on('error', () => {})
    upstream.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as { readonly port: number }).port, requests, server }
}

describe('bytes of our client and of the Java client', () => {
  let broker: Broker | undefined
  let port: number
  let requests: Buffer[]
  let server: Server

  after(async () => {
    server?.close()
    await broker?.close()
  })

  async function tapped(apiKey: number): Promise<string> {
    server?.close()
    await broker?.close()
    // The broker needs the address of the proxy at its start, and the proxy connects to the broker
    // later.
    const upstreamPort = await freePort()
    const opened = await tap(`127.0.0.1:${upstreamPort}`, apiKey)
    ;({ port, requests, server } = opened)
    broker = await Broker.start({
      config: {
        listeners: `PLAINTEXT://127.0.0.1:${upstreamPort}`,
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
        'group.initial.rebalance.delay.ms': '0',
      },
    })
    return `127.0.0.1:${port}`
  }

  function bodyOf(frame: Buffer): { readonly version: number; readonly reader: ByteReader } {
    const reader = new ByteReader(frame)
    const { apiKey, apiVersion } = readRequestHeader(reader)
    const api = apis.get(apiKey)
    assert.ok(api)
    skipHeaderTags(reader, api, apiVersion)
    return { version: apiVersion, reader }
  }

  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    it(`are equal in a produce request with ${compression}`, async () => {
      const address = await tapped(ApiKey.Produce)
      const topic = 'bytes'
      const { code, stderr } = await java('kafka-4.4.0', [
        'ClientProbe',
        'produce',
        address,
        topic,
        compression,
      ])
      assert.equal(code, 0, stderr)
      const theirs = requests.splice(0)
      await using producer = new Producer({
        bootstrapServers: address,
        compression,
        clientId: 'bytes',
      })
      await producer.send(
        Array.from({ length: 200 }, (_, i) => ({
          topic,
          partition: 0,
          timestamp: 1_700_000_000_000 + (i % 2 === 0 ? i : -i) * 1000,
          key: i % 3 === 0 ? null : `key-${i % 17}`,
          value: i % 11 === 0 ? null : 'ä€-'.repeat(i),
          ...(i % 5 === 0
            ? {
                headers: [
                  { key: 'twice', value: Buffer.from([1, 2]) },
                  { key: 'twice', value: null },
                  { key: 'ü', value: '' },
                ],
              }
            : {}),
        })),
      )
      const mine = requests.splice(0)
      assert.equal(theirs.length, 1)
      assert.equal(mine.length, 1)
      const shapes = [theirs[0] as Buffer, mine[0] as Buffer].map((frame) => {
        const { version, reader } = bodyOf(frame)
        const request = codecOf(ProduceRequest, version).decode(reader)
        const records = request.topicData[0]?.partitionData[0]?.records as Buffer
        const batch = new RecordBatch(Buffer.from(records))
        assert.equal(batch.crc, batch.computeCrc())
        const header = Buffer.from(records.subarray(0, 61))
        // The producer id, and with it the CRC, must differ; so do the results of other
        // compressors, and with them sizes.
        header.fill(0, 17, 21)
        header.fill(0, 43, 51)
        if (compression !== 'none') header.fill(0, 8, 12)
        return {
          version,
          acks: request.acks,
          timeoutMs: request.timeoutMs,
          transactionalId: request.transactionalId,
          header: header.toString('hex'),
          records: decompress(compression, batch.payload).toString('hex'),
        }
      })
      assert.deepEqual(shapes[1], shapes[0])
    })
  }

  it("are equal in a member's metadata", async () => {
    const address = await tapped(ApiKey.JoinGroup)
    const classPath = `${join(peersDirectory, 'classes')}:${libraries('kafka-4.4.0')}`
    const arguments_ = [address, 'theirs', 'joined', 'CooperativeStickyAssignor']
    const member = spawn('java', ['-cp', classPath, 'GroupMember', ...arguments_])
    const began = Date.now()
    while (requests.length < 2 && Date.now() - began < 20_000) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    member.stdin.write('\n')
    await new Promise((resolve) => member.on('exit', resolve))
    const theirs = requests.splice(0)
    await using consumer = new Consumer({
      bootstrapServers: address,
      groupId: 'ours',
      topics: ['joined'],
      partitionAssignmentStrategy: ['cooperative-sticky'],
      sessionTimeoutMs: 6000,
    })
    const deadline = Date.now() + 10_000
    while (consumer.assignment.length === 0 && Date.now() < deadline) await consumer.poll(100)
    const mine = requests.splice(0)
    const shapes = [theirs[0] as Buffer, mine[0] as Buffer].map((frame) => {
      const { version, reader } = bodyOf(frame)
      const {
        groupId: _groupId,
        protocols,
        ...request
      } = codecOf(JoinGroupRequest, version).decode(reader)
      return {
        version,
        ...request,
        reason: null,
        protocols: protocols.map(({ name, metadata }) => [name, metadata.toString('hex')]),
      }
    })
    assert.deepEqual(shapes[1], shapes[0])
  })
})

describe('decisions of our client and of the Java client', () => {
  it('compute the same murmur2 hash for keys of all lengths', async () => {
    const random = seededRandom(7)
    const keys = Array.from({ length: 5000 }, (_, i) =>
      random.bytes(i < 100 ? i : random.integer(300)),
    )
    const input = `${keys.map((key) => key.toString('base64')).join('\n')}\n`
    const { stdout } = await java('kafka-4.4.0', ['ClientProbe', 'murmur2'], { input })
    assert.deepEqual(keys.map(murmur2), stdout.trim().split('\n').map(Number))
  })

  interface Case {
    readonly topics: ReadonlyMap<string, number>
    readonly members: readonly {
      readonly id: string
      readonly instance: string
      readonly rack: string
      readonly topics: readonly string[]
    }[]
  }

  function cases(seed: number, { racks }: { readonly racks: boolean }): Case[] {
    const random = seededRandom(seed)
    return Array.from({ length: 300 }, () => {
      const names = ['a', 'b', 'c', 'd'].slice(0, 1 + random.integer(4))
      const topics = new Map(names.map((name) => [name, 1 + random.integer(9)]))
      const count = 1 + random.integer(6)
      const members = Array.from({ length: count }, (_, i) => ({
        id: `m${random.integer(90) + 10}${i}`,
        instance: random.integer(3) === 0 ? `i${random.integer(90)}${i}` : '',
        rack: racks ? `r${random.integer(4)}` : '',
        topics: names.filter((_name, t) => t === i % names.length || random.integer(3) > 0),
      }))
      return { topics, members }
    })
  }

  async function theirPlans(assignor: string, list: readonly Case[]): Promise<string[]> {
    const input = list.map(({ topics, members }) => {
      const counts = [...topics].map(([name, count]) => `${name}=${count}`).join(',')
      const words = members.map((member) =>
        [member.id, member.instance, member.rack, member.topics.join('+')].join(':'),
      )
      return [counts, ...words].join(' ')
    })
    const { stdout, stderr, code } = await java(
      'kafka-4.4.0',
      ['ClientProbe', 'assign', assignor],
      { input: `${input.join('\n')}\n` },
    )
    assert.equal(code, 0, stderr)
    return stdout.trimEnd().split('\n')
  }

  function ourPlan(assignor: Assignor, { topics, members }: Case): string {
    const plan = assignor.assign({
      members: members.map(({ id, instance, rack, topics: wanted }) => ({
        memberId: id,
        groupInstanceId: instance === '' ? null : instance,
        topics: wanted,
        ownedPartitions: [],
        generationId: -1,
        rackId: rack === '' ? null : rack,
        userData: null,
      })),
      partitionCounts: topics,
      racks: ({ partition }) => [`r${partition % 3}`],
    })
    return [...plan]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([id, partitions]) =>
          `${id}=${partitions
            .map(({ topic, partition }) => `${topic}-${partition}`)
            .sort()
            .join(',')}`,
      )
      .join(' ')
  }

  for (const [name, assignor] of [
    ['RangeAssignor', rangeAssignor],
    ['RoundRobinAssignor', roundRobinAssignor],
  ] as const) {
    for (const racks of [false, true]) {
      it(`${name} assigns 300 random groups equally${racks ? ', with racks' : ''}`, async () => {
        const list = cases(11, { racks })
        const theirs = await theirPlans(name, list)
        for (const [i, each] of list.entries()) {
          assert.equal(
            ourPlan(assignor, each),
            theirs[i],
            JSON.stringify([...each.topics, each.members]),
          )
        }
      })
    }
  }

  for (const [name, assignor] of [
    ['StickyAssignor', stickyAssignor],
    ['CooperativeStickyAssignor', cooperativeStickyAssignor],
  ] as const) {
    it(`${name} assigns 300 random groups as evenly`, async () => {
      const list = cases(13, { racks: false })
      const theirs = await theirPlans(name, list)
      const sizes = (plan: string): number[] =>
        plan
          .split(' ')
          .map((member) => (member.endsWith('=') ? 0 : member.split(',').length))
          .sort()
      for (const [i, each] of list.entries()) {
        assert.deepEqual(
          sizes(ourPlan(assignor, each)),
          sizes(theirs[i] as string),
          JSON.stringify([...each.topics, each.members]),
        )
      }
    })
  }

  it('return committed transactions of a Java producer, not aborted or open ones', async () => {
    await using kafka = await startKafka()
    const { stdout, stderr } = await java('kafka-4.4.0', [
      'ClientProbe',
      'transactions',
      kafka.address,
      'transactions',
    ])
    assert.equal(stdout.trim(), 'done', stderr)
    const read = async (
      isolationLevel: 'read_committed' | 'read_uncommitted',
    ): Promise<string[]> => {
      await using consumer = new Consumer({
        bootstrapServers: kafka.address,
        isolationLevel,
        autoOffsetReset: 'earliest',
      })
      const place = { topic: 'transactions', partition: 0 }
      consumer.assign([place])
      const [end] = await consumer.endOffsets([place])
      const values: string[] = []
      while ((await consumer.position(place)) < (end ?? 0n)) {
        values.push(...(await consumer.poll(200)).map(({ value }) => String(value)))
      }
      return values
    }
    const values = (rounds: readonly number[]): string[] =>
      rounds.flatMap((round) =>
        [0, 1, 2].map((i) => `${round % 2 === 0 ? 'committed' : 'aborted'}-${round}-${i}`),
      )
    assert.deepEqual(await read('read_committed'), values([0, 2]))
    assert.deepEqual(await read('read_uncommitted'), [...values([0, 1, 2, 3]), 'open'])
  })
})
