// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { MalformedInputError } from '@millrace/base'
import fc from 'fast-check'
import { CompressionType, compress, decompress, decompressExactly } from './compression.ts'
import { DecompressedTooLargeError } from './decompressed-too-large-error.ts'

const codecs = (Object.keys(CompressionType) as CompressionType[]).filter((type) => type !== 'none')

/** Bytes of which some parts compress well and others do not. */
const data = fc
  .array(
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 5000 })),
    {
      maxLength: 8,
    },
  )
  .map((parts) =>
    Buffer.concat(parts.map(([part, times]) => Buffer.concat(Array(times).fill(part)))),
  )

for (const codec of codecs) {
  describe(codec, () => {
    it('returns the original data', () => {
      fc.assert(
        fc.property(data, (plain) => {
          const packed = compress(codec, plain)
          assert.ok(decompress(codec, packed).equals(plain))
          assert.ok(decompressExactly(codec, packed, plain.length).equals(plain))
        }),
        { numRuns: 20 },
      )
    })

    it('rejects output above the limit, and accepts output at the limit', () => {
      const packed = compress(codec, Buffer.alloc(3_000_000, 'abc'))
      assert.throws(() => decompressExactly(codec, packed, 2_999_999), DecompressedTooLargeError)
      assert.throws(() => decompress(codec, packed, 1000), DecompressedTooLargeError)
      assert.equal(decompressExactly(codec, packed, 3_000_000).length, 3_000_000)
    })

    it('allocates no memory for output that it rejects', () => {
      const bomb = compress(codec, Buffer.alloc(30_000_000))
      // One call at a time: the garbage that several calls leave depends on when it is collected.
      for (let i = 0; i < 3; i++) {
        const before = process.memoryUsage().arrayBuffers
        assert.throws(() => decompressExactly(codec, bomb, 1_000_000), DecompressedTooLargeError)
        assert.ok(process.memoryUsage().arrayBuffers - before < 20_000_000)
      }
    })

    it('rejects trailing bytes', () => {
      const packed = compress(codec, Buffer.from('hello hello hello hello'))
      for (const after of [Buffer.from([9]), Buffer.from([0, 0, 0]), packed.subarray(0, 4)]) {
        assert.throws(
          () => decompressExactly(codec, Buffer.concat([packed, after]), 1000),
          MalformedInputError,
        )
      }
    })

    it('throws only MalformedInputError when it decompresses random bytes', () => {
      const packed = compress(codec, Buffer.from('some text, some more text, some text'.repeat(20)))
      fc.assert(
        fc.property(
          fc.oneof(
            fc.uint8Array({ maxLength: 100 }),
            fc.tuple(fc.nat(), fc.nat(255)).map(([at, value]) => {
              const copy = Buffer.from(packed)
              copy[at % copy.length] = value
              return copy
            }),
            fc.nat({ max: packed.length }).map((size) => packed.subarray(0, size)),
          ),
          (garbage) => {
            try {
              decompressExactly(codec, Buffer.from(garbage), 1_000_000)
            } catch (error) {
              assert.ok(error instanceof MalformedInputError, String(error))
            }
          },
        ),
      )
    })
  })
}

describe('lz4 frames of other libraries', () => {
  const { compressFrameSync, decompressFrameSync } = createRequire(import.meta.url)(
    'lz4-napi',
  ) as typeof import('lz4-napi')

  it('are read with checksums, and a wrong checksum is an error', () => {
    const plain = Buffer.alloc(200_000, 'some text, some more text, ')
    for (const options of [{ contentChecksum: true }, { blockChecksums: true }]) {
      const packed = compressFrameSync(plain, options)
      assert.ok(decompressExactly('lz4', packed, plain.length).equals(plain))
      // The byte before the end mark belongs to a checksum.
      const at = packed.length - ('contentChecksum' in options ? 1 : 5)
      packed[at] = (packed[at] ?? 0) ^ 1
      assert.throws(() => decompressExactly('lz4', packed, plain.length), /checksum/)
    }
  })

  it('with any changed byte are rejected, or read as the native module reads them', () => {
    const packed = compressFrameSync(
      Buffer.from('abcabcabcabcabc some text, more text. '.repeat(40)),
    )
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(packed)
        changed[at] = value
        let ours: Buffer | undefined
        try {
          ours = decompress('lz4', changed, 1_000_000)
        } catch (error) {
          assert.ok(error instanceof MalformedInputError)
        }
        let native: Buffer | undefined
        try {
          native = decompressFrameSync(changed)
        } catch {
          // Rejected.
        }
        if (ours !== undefined && native !== undefined) assert.ok(ours.equals(native))
        if (native === undefined) assert.equal(ours, undefined)
      }),
      { examples: [[5, 247]] },
    )
  })

  it('with dependent blocks are read, but rejected where Java clients must read them', () => {
    // The second block repeats "hello " from the first.
    const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0])
    const stored = Buffer.from([6, 0, 0, 0x80, ...Buffer.from('hello ')])
    const match = Buffer.from([9, 0, 0, 0, 0x02, 6, 0, 0x50, ...Buffer.from('world')])
    const frame = Buffer.concat([header, stored, match, Buffer.alloc(4)])
    assert.equal(decompress('lz4', frame).toString(), 'hello hello world')
    assert.throws(() => decompressExactly('lz4', frame, 1000), /depend/)
  })
})

describe('snappy data of other libraries', () => {
  const { compressSync, uncompressSync } = createRequire(import.meta.url)(
    'snappy',
  ) as typeof import('snappy')

  it('is read without framing', () => {
    fc.assert(
      fc.property(data, (plain) => {
        assert.ok(decompress('snappy', compressSync(plain)).equals(plain))
      }),
      { numRuns: 30 },
    )
  })

  it('with any changed byte is rejected, or read as the native module reads it', () => {
    const packed = compressSync(Buffer.from('abcabcabcabcabc some text, more text. '.repeat(40)))
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(packed)
        changed[at] = value
        let ours: Buffer | undefined
        try {
          ours = decompress('snappy', changed, 1_000_000)
        } catch (error) {
          assert.ok(error instanceof MalformedInputError)
        }
        let native: Buffer | undefined
        try {
          native = uncompressSync(changed) as Buffer
        } catch {
          // Rejected.
        }
        assert.deepEqual(ours, native)
      }),
      { examples: [[5, 247]] },
    )
  })
})

describe('reused memory', () => {
  it('does not leak into the next result', () => {
    const large = Buffer.alloc(1_000_000, 'large')
    const small = Buffer.from('small small small')
    for (const codec of codecs) {
      const kept = decompress(codec, compress(codec, small))
      assert.ok(decompress(codec, compress(codec, large)).equals(large))
      assert.throws(() => decompress(codec, Buffer.alloc(50, 0x5a)), MalformedInputError)
      assert.throws(() => decompress(codec, compress(codec, large).subarray(0, -9)))
      assert.ok(decompressExactly(codec, compress(codec, small), 17).equals(small))
      assert.ok(kept.equals(small))
    }
  })
})
