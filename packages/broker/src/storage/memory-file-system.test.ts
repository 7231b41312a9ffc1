// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { memoryFileSystem } from './memory-file-system.ts'

describe('a file in memory', () => {
  it('returns what was written, at any size and position', () => {
    const change = fc.oneof(
      fc.record({
        at: fc.nat({ max: 600_000 }),
        size: fc.nat({ max: 300_000 }),
        fill: fc.integer({ min: 1, max: 255 }),
      }),
      fc.record({ truncate: fc.nat({ max: 900_000 }) }),
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        const file = memoryFileSystem().open('/file', { create: true })
        let model = Buffer.alloc(0)
        for (const each of changes) {
          if ('truncate' in each) {
            file.truncate(each.truncate)
            model = Buffer.concat([
              model.subarray(0, each.truncate),
              Buffer.alloc(Math.max(0, each.truncate - model.length)),
            ])
          } else {
            file.write([Buffer.alloc(each.size, each.fill)], each.at)
            const end = Math.max(model.length, each.size === 0 ? 0 : each.at + each.size)
            const next = Buffer.alloc(Math.max(end, file.size()))
            model.copy(next)
            next.fill(each.fill, each.at, each.at + each.size)
            model = next
          }
        }
        const read = Buffer.alloc(file.size())
        assert.equal(file.read(read, 0, read.length, 0), model.length)
        assert.ok(read.equals(model))
      }),
      { numRuns: 60 },
    )
  })

  it('is moved and deleted with its directory', () => {
    const fs = memoryFileSystem()
    fs.makeDirectory('/a/b')
    fs.writeFile('/a/b/file', 'text')
    fs.rename('/a/b', '/a/c')
    assert.equal(String(fs.readFile('/a/c/file')), 'text')
    assert.deepEqual(fs.list('/a'), [{ name: 'c', isDirectory: true }])
    fs.remove('/a')
    assert.equal(fs.fileSize('/a/c/file'), undefined)
    assert.throws(() => fs.readFile('/a/c/file'), { code: 'ENOENT' })
  })
})
