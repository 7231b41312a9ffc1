// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MalformedInputError } from '@millrace/base'
import fc from 'fast-check'
import { Event, newHeaders } from '../event.ts'
import { AvroReader, AvroWriter } from '../serialization/avro-event.ts'
import {
  AvroFramer,
  finishFrame,
  readCallStart,
  startFrame,
  writeCallStart,
} from './avro-protocol.ts'
import {
  type Encoding,
  MessageType,
  ThriftFramer,
  ThriftReader,
  ThriftWriter,
} from './thrift-protocol.ts'

const events = fc.array(
  fc
    .tuple(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), {
        maxKeys: 4,
      }),
      fc.uint8Array({ maxLength: 300 }),
    )
    .map(([headers, body]) => new Event(Buffer.from(body), newHeaders(headers))),
  { maxLength: 30 },
)

function plain(list: readonly Event[]): unknown {
  return list.map(({ headers, body }) => [{ ...headers }, body.toString('hex')])
}

/** A buffer as it may come from a socket. */
function pieces(whole: Buffer, size: number): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < whole.length; at += size) parts.push(whole.subarray(at, at + size))
  return parts
}

describe('the wire between agents', () => {
  it('carries any events over Avro, in pieces of any size', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 500 }), (sent, size) => {
        const out = new AvroWriter(16)
        startFrame(out)
        writeCallStart(out, new Map([['m', Buffer.from('1')]]), 'appendBatch')
        if (sent.length > 0) out.long(sent.length)
        out.events(sent)
        out.long(0)
        const received: Event[] = []
        const framer = new AvroFramer((serial, payload) => {
          assert.equal(serial, 7)
          const reader = new AvroReader(payload)
          assert.equal(readCallStart(reader).message, 'appendBatch')
          reader.blocks(() => received.push(reader.event()))
        })
        for (const piece of pieces(Buffer.from(finishFrame(out, 7)), size)) framer.push(piece)
        assert.deepEqual(plain(received), plain(sent))
      }),
    )
  })

  for (const encoding of ['compact', 'binary'] as const satisfies readonly Encoding[]) {
    it(`carries any events over Thrift, ${encoding}`, () => {
      fc.assert(
        fc.property(events, fc.integer({ min: 1, max: 500 }), (sent, size) => {
          const writer = new ThriftWriter(encoding)
          writer.begin('appendBatch', MessageType.call, 5)
          writer.events(sent)
          const received: Event[] = []
          const framer = new ThriftFramer((frame) => {
            const reader = new ThriftReader(frame, encoding)
            assert.deepEqual(reader.begin(), {
              name: 'appendBatch',
              type: MessageType.call,
              sequence: 5,
            })
            received.push(...reader.eventsOf('appendBatch'))
          })
          for (const piece of pieces(Buffer.from(writer.finish()), size)) {
            framer.push(piece)
          }
          assert.deepEqual(plain(received), plain(sent))
          assert.equal(framer.bufferedBytes, 0)
        }),
      )
    })
  }

  const int = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
  }
  const mebibyte = 1024 * 1024
  const sizes: readonly (readonly [title: string, bytes: Buffer, isAccepted: boolean])[] = [
    ['a Thrift frame of the greatest size', int(16_384_000), true],
    ['a longer Thrift frame', int(16_384_001), false],
    [
      'an Avro message of the greatest size',
      Buffer.concat([int(1), int(1), int(256 * mebibyte)]),
      true,
    ],
    ['a longer Avro message', Buffer.concat([int(1), int(1), int(256 * mebibyte + 1)]), false],
    [
      'a longer Avro message in two buffers',
      Buffer.concat([int(1), int(2), int(4), int(0), int(256 * mebibyte)]),
      false,
    ],
  ]
  for (const [title, bytes, isAccepted] of sizes) {
    it(`${isAccepted ? 'accepts' : 'refuses'} ${title}`, () => {
      const framer = title.includes('Thrift')
        ? new ThriftFramer(() => {})
        : new AvroFramer(() => {})
      if (isAccepted) {
        framer.push(bytes)
        assert.ok(framer.bufferedBytes <= bytes.length)
      } else assert.throws(() => framer.push(bytes), MalformedInputError)
    })
  }

  it('refuses what is neither, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const input = Buffer.from(bytes)
        const attempts: (() => void)[] = [
          () =>
            new AvroFramer((_serial, payload) => void readCallStart(new AvroReader(payload))).push(
              input,
            ),
          () => void new AvroReader(input).event(),
          () => void new ThriftReader(input, 'compact').eventsOf('appendBatch'),
          () => void new ThriftReader(input, 'binary').begin(),
        ]
        for (const attempt of attempts) {
          try {
            attempt()
          } catch (error) {
            assert.ok(error instanceof MalformedInputError, String(error))
          }
        }
      }),
      { numRuns: 2000 },
    )
  })
})
