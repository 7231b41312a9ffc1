// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { crc32c } from './crc32c.ts'
import { softwareCrc32c } from './software-crc32c.ts'

/** RFC 3720, appendix B.4. */
const vectors: readonly [name: string, data: Buffer, crc: number][] = [
  ['nothing', Buffer.alloc(0), 0],
  ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
  ['32 bytes of 0xff', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ['123456789', Buffer.from('123456789'), 0xe3069283],
]

describe('CRC-32C', () => {
  for (const [name, data, crc] of vectors) {
    it(`of ${name}`, () => {
      assert.equal(crc32c(data), crc)
      assert.equal(softwareCrc32c(data), crc)
    })
  }

  it('is the same in JavaScript and in the native helper, for every length and alignment', () => {
    const bytes = randomBytes(80)
    for (let from = 0; from < 9; from++) {
      for (let to = from; to <= bytes.length; to++) {
        const part = bytes.subarray(from, to)
        assert.equal(softwareCrc32c(part), crc32c(part))
      }
    }
  })
})
