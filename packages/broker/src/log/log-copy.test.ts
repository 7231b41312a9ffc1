// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FileSystem } from '@millrace/base'
import { memoryFileSystem } from '../storage/memory-file-system.ts'
import { compareEnds, copyFile, endOfLog } from './log-copy.ts'

function write(fs: FileSystem, path: string, size: number): void {
  const file = fs.open(path, { create: true })
  file.write([Buffer.alloc(size, 'x')], 0)
  file.close()
}

const segment = (offset: number): string => `${String(offset).padStart(20, '0')}.log`

/** Sizes of segments by base offset. */
function logOf(segments: Readonly<Record<number, number>>, others: readonly string[] = []) {
  const fs = memoryFileSystem()
  fs.makeDirectory('/log')
  for (const [offset, size] of Object.entries(segments)) {
    write(fs, `/log/${segment(Number(offset))}`, size)
  }
  for (const name of others) write(fs, `/log/${name}`, 999)
  return endOfLog(fs, '/log')
}

describe('the end of a log on disk', () => {
  const rows: readonly (readonly [
    title: string,
    segments: Readonly<Record<number, number>>,
    others: readonly string[],
    baseOffset: bigint,
    size: number,
  ])[] = [
    ['without segments', {}, [], -1n, 0],
    ['of one segment', { 0: 5 }, [], 0n, 5],
    ['is in the last segment', { 0: 50, 7: 3, 10: 4 }, [], 10n, 4],
    ['is not in other files', { 3: 2 }, ['00000000000000000009.index', '9.log', 'a.log'], 3n, 2],
  ]
  for (const [title, segments, others, baseOffset, size] of rows) {
    it(title, () => assert.deepEqual(logOf(segments, others), { baseOffset, size }))
  }

  /** Two logs; negative if the first one is shorter. */
  const pairs: readonly (readonly [
    Readonly<Record<number, number>>,
    Readonly<Record<number, number>>,
    number,
  ])[] = [
    [{ 0: 5 }, { 0: 5 }, 0],
    [{ 0: 5 }, { 0: 6 }, -1],
    [{ 0: 500, 10: 1 }, { 0: 5 }, 1],
    [{ 9: 100 }, { 10: 1 }, -1],
    [{}, { 0: 0 }, -1],
  ]
  for (const [a, b, sign] of pairs) {
    it(`${JSON.stringify(a)} and ${JSON.stringify(b)}: ${sign}`, () => {
      assert.equal(Math.sign(compareEnds(logOf(a), logOf(b))), sign)
      assert.equal(Math.sign(compareEnds(logOf(b), logOf(a))), sign === 0 ? 0 : -sign)
    })
  }
})

describe('a copied file', () => {
  const CHUNK = 4 * 1024 * 1024

  for (const [size, chunks] of [
    [0, 0],
    [1, 1],
    [CHUNK, 1],
    [CHUNK + 1, 2],
  ] as const) {
    it(`of ${size} bytes is written in ${chunks} parts`, () => {
      const fs = memoryFileSystem()
      write(fs, 'from', size)
      // Remains of an earlier copy are cut off.
      write(fs, 'to', size + 10)
      assert.equal([...copyFile(fs, 'from', 'to')].length, chunks)
      assert.equal(fs.fileSize('to'), size)
    })
  }

  /** The operation that fails, on which file. */
  for (const failing of ['open to', 'read from', 'write to', 'sync to'] as const) {
    it(`is closed, and so is its source, if it fails: ${failing}`, () => {
      const memory = memoryFileSystem()
      write(memory, 'from', 10)
      const open = new Set<string>()
      const fail = (operation: string): void => {
        if (operation === failing) throw new Error(`${operation} failed`)
      }
      const fs = {
        open(path: string, options?: { readonly create?: boolean }) {
          fail(`open ${path}`)
          const file = memory.open(path, options)
          open.add(path)
          return {
            size: () => file.size(),
            read(...args: Parameters<typeof file.read>) {
              fail(`read ${path}`)
              return file.read(...args)
            },
            write(...args: Parameters<typeof file.write>) {
              fail(`write ${path}`)
              file.write(...args)
            },
            truncate: (at: number) => file.truncate(at),
            sync() {
              fail(`sync ${path}`)
              file.sync()
            },
            close() {
              open.delete(path)
              file.close()
            },
          }
        },
      } as unknown as FileSystem
      assert.throws(() => [...copyFile(fs, 'from', 'to')], new RegExp(`${failing} failed`))
      assert.deepEqual([...open], [])
    })
  }
})
