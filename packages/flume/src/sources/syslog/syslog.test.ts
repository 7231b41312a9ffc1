// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MessageFramer } from './framing.ts'
import { MessageParser } from './parse-message.ts'
import { rfc3164Time, rfc5424Time } from './timestamps.ts'

function framed(maxSize: number, ...chunks: readonly Buffer[]): string[] {
  const framer = new MessageFramer(maxSize)
  return chunks
    .flatMap((chunk) => framer.push(chunk))
    .map(({ bytes, isCut }) => `${bytes}${isCut ? '…' : ''}`)
}

describe('syslog', () => {
  it('is cut by lines or by counts, however it comes', () => {
    const stream = Buffer.from('<1>one\n\n12 <2>with\nline<3>three\r\n5 <4>xy<5>end\nplain\n')
    const expected = ['<1>one', '<2>with\nline', '<3>three', '<4>xy', '<5>end', 'plain']
    assert.deepEqual(framed(100, stream), expected)
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 8 }),
        (cuts) => {
          const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length]
          const chunks = places.slice(1).map((end, i) => stream.subarray(places[i], end))
          assert.deepEqual(framed(100, ...chunks), expected)
        },
      ),
    )
  })

  it('is joined once for each message, whatever the size of its chunks', (t) => {
    let copied = 0
    const concat = Buffer.concat.bind(Buffer)
    t.mock.method(Buffer, 'concat', (list: readonly Uint8Array[], size?: number) => {
      const joined = concat(list, size)
      copied += joined.length
      return joined
    })
    const framer = new MessageFramer(100_000)
    const counted = Buffer.from(`100000 <1>${'x'.repeat(99_997)}`)
    const line = Buffer.from(`<1>${'y'.repeat(90_000)}\n`)
    const stream = Buffer.concat([counted, line])
    copied = 0
    const sizes: number[] = []
    for (let at = 0; at < stream.length; at += 10) {
      for (const { bytes } of framer.push(stream.subarray(at, at + 10))) sizes.push(bytes.length)
    }
    assert.deepEqual(sizes, [100_000, 90_003])
    assert.ok(copied < 2 * stream.length, `${copied} bytes were copied`)
  })

  it('is cut in parts when it is too long', () => {
    assert.deepEqual(framed(10, Buffer.from('0123456789abc\nx\n0123456789\n')), [
      '0123456789…',
      'abc',
      'x',
      '0123456789…',
    ])
  })

  it('reads times with their zones, and guesses the year', () => {
    assert.equal(
      rfc5424Time('2026-01-01T00:00:00.5+01:00', 'utc'),
      Date.UTC(2025, 11, 31, 23, 0, 0, 500),
    )
    assert.equal(rfc5424Time('2026-01-01T00:00:00', 'utc'), Date.UTC(2026, 0, 1))
    assert.equal(rfc5424Time('yesterday', 'utc'), undefined)
    const newYear = Date.UTC(2026, 0, 1, 0, 5)
    assert.equal(rfc3164Time('Dec 31 23:59:00', 'utc', newYear), Date.UTC(2025, 11, 31, 23, 59))
    assert.equal(rfc3164Time('Jan  1 00:04:00', 'utc', newYear), Date.UTC(2026, 0, 1, 0, 4))
    const lastNight = Date.UTC(2025, 11, 31, 23, 59)
    assert.equal(rfc3164Time('Jan  1 00:01:00', 'utc', lastNight), Date.UTC(2026, 0, 1, 0, 1))
  })

  it('makes an event of anything', () => {
    const parser = new MessageParser({ keepFields: 'none', zone: 'utc', now: () => 0 })
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('', '<13>', '<13>1 2026-01-01T00:00:00Z h ', '<191>Jan  1 '),
        (bytes, head) => {
          const framer = new MessageFramer(100)
          for (const message of framer.push(
            Buffer.concat([Buffer.from(head), bytes, Buffer.from('\n')]),
          )) {
            const event = parser.parse(message.bytes, message)
            assert.match(event.headers.Facility ?? '', /^\d+$/)
          }
        },
      ),
    )
  })
})
