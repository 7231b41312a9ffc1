// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { mergeMetadata, noMetadata, withLeader } from '../metadata/metadata.ts'
import { backoffMs, parseAddress, resolveClientOptions } from '../options.ts'
import { Connections } from './connections.ts'
import { foreignProtocolOf } from './foreign-protocol.ts'
import { ResponseFrames } from './response-frames.ts'

describe('TLS options of a client', () => {
  for (const part of ['cert', 'key', 'pfx', 'crl', 'ciphers'] as const) {
    it(`must be readable: ${part}`, () => {
      const options = { bootstrapServers: 'localhost:9092', tls: { [part]: 'nonsense' } }
      assert.throws(() => new Connections(resolveClientOptions(options)), {
        code: 'MILLRACE_INVALID_OPTION',
        message: new RegExp(`^invalid tls\\.${part}: `),
      })
    })
  }
})

describe('response frames', () => {
  it('report another protocol at the start of a connection, and only there', () => {
    const starts: readonly [start: string, protocol: string | undefined][] = [
      ['HTTP', 'HTTP'],
      ['AMQP', 'AMQP'],
      ['SSH-', 'SSH'],
      ['\x15\x03\x03\0', 'TLS'],
      ['\0\0\x02\x1d', undefined],
    ]
    for (const [start, protocol] of starts) {
      assert.equal(foreignProtocolOf(Buffer.from(start, 'latin1')), protocol)
    }
    const first = new ResponseFrames(1_000_000_000, () => {})
    assert.throws(
      () => first.push(Buffer.from('HT')) ?? first.push(Buffer.from('TP')),
      /speaks HTTP/,
    )
    const later = new ResponseFrames(2 ** 31 - 1, () => {})
    later.push(Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]))
    later.push(Buffer.from([0x15, 3, 3, 0]))
  })

  it('are complete, however their bytes are chunked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 4, max: 200_000 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 8 }),
        (sizes, reads) => {
          const frames = sizes.map((size, i) => Buffer.alloc(size, i + 1))
          const stream = Buffer.concat(
            frames.flatMap((frame) => {
              const size = Buffer.alloc(4)
              size.writeInt32BE(frame.length)
              return [size, frame]
            }),
          )
          const seen: Buffer[] = []
          const reader = new ResponseFrames(1_000_000, (frame) => seen.push(frame))
          for (let at = 0, i = 0; at < stream.length; i++) {
            // Like a socket: reads into the offered buffer, as much as fits.
            const target = reader.nextBuffer()
            const size = Math.min(
              target.length,
              reads[i % reads.length] as number,
              stream.length - at,
            )
            stream.copy(target, 0, at, at + size)
            reader.push(target.subarray(0, size))
            at += size
          }
          assert.deepEqual(seen, frames)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('reject invalid sizes', () => {
    for (const size of [-1, 3, 2_000_000]) {
      const reader = new ResponseFrames(1_000_000, () => {})
      const bytes = Buffer.alloc(4)
      bytes.writeInt32BE(size)
      assert.throws(() => reader.push(bytes), /outside 4 to receiveMessageMaxBytes 1000000/)
    }
  })
})

describe('addresses and options', () => {
  it('are parsed, or rejected with the expected values', () => {
    assert.deepEqual(parseAddress('kafka.example:9092'), { host: 'kafka.example', port: 9092 })
    assert.deepEqual(parseAddress('PLAINTEXT://[::1]:9'), { host: '::1', port: 9 })
    for (const text of ['localhost', 'h:0', 'h:70000', ':1', 'a b:1']) {
      assert.throws(() => parseAddress(text), { code: 'MILLRACE_INVALID_OPTION' }, text)
    }
    assert.throws(() => resolveClientOptions({ bootstrapServers: ' , ' }), /one or more host:port/)
    assert.equal(resolveClientOptions({ bootstrapServers: 'a:1, b:2' }).bootstrapServers.length, 2)
  })

  it('back off within a fifth of the planned delay', () => {
    for (const [attempt, planned] of [
      [0, 100],
      [2, 400],
      [9, 1000],
    ] as const) {
      for (const limit of [0, 200, 400]) {
        const random = { bytes: Buffer.alloc, integer: () => limit }
        const wait = backoffMs(attempt, { baseMs: 100, maxMs: 1000, random })
        assert.ok(wait >= planned * 0.8 - 1e-9 && wait <= planned * 1.2 + 1e-9, `${wait}`)
      }
    }
  })
})

describe('metadata', () => {
  const response = (leaderId: number, leaderEpoch: number, topicId = 'A'.repeat(22)) => ({
    throttleTimeMs: 0,
    clusterId: 'c',
    controllerId: 1,
    clusterAuthorizedOperations: 0,
    errorCode: 0,
    brokers: [1, 2].map((nodeId) => ({ nodeId, host: 'h', port: nodeId, rack: null })),
    topics: [
      {
        errorCode: 0,
        name: 't',
        topicId,
        isInternal: false,
        topicAuthorizedOperations: 0,
        partitions: [
          {
            errorCode: 0,
            partitionIndex: 0,
            leaderId,
            leaderEpoch,
            replicaNodes: [],
            isrNodes: [],
            offlineReplicas: [],
          },
        ],
      },
    ],
  })
  const leaderOf = (metadata: typeof noMetadata): number | undefined =>
    metadata.topics.get('t')?.partitions[0]?.leader

  it('is not reverted by a broker that lags behind', () => {
    const id = 'B'.repeat(22)
    const now = mergeMetadata(noMetadata, response(2, 5, id))
    assert.equal(leaderOf(mergeMetadata(now, response(1, 4, id))), 2)
    assert.equal(leaderOf(mergeMetadata(now, response(1, 6, id))), 1)
    // Another id is another topic, with its own epochs.
    assert.equal(leaderOf(mergeMetadata(now, response(1, 0, 'C'.repeat(22)))), 1)
  })

  it('keeps partitions that a broker does not know yet', () => {
    const full = response(2, 5)
    const [topic] = full.topics
    const second = { ...topic?.partitions[0], partitionIndex: 1 } as never
    topic?.partitions.push(second)
    const now = mergeMetadata(noMetadata, full)
    assert.equal(mergeMetadata(now, response(2, 5)).topics.get('t')?.partitions.length, 2)
  })

  it('uses a leader from a reply if it is newer', () => {
    const now = mergeMetadata(noMetadata, response(2, 5))
    const told = { topic: 't', partition: 0, leader: 1, leaderEpoch: 6, nodes: [] }
    assert.equal(leaderOf(withLeader(now, told) ?? noMetadata), 1)
    assert.equal(withLeader(now, { ...told, leaderEpoch: 5 }), undefined)
    assert.equal(withLeader(now, { ...told, leader: 9 }), undefined)
  })
})
