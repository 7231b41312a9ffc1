// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { PositionFile } from './position-file.ts'
import { TailFile } from './tail-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'tail-file-'))
after(() => rmSync(directory, { recursive: true }))
const path = join(directory, 'a.log')

function tail(
  content: string,
  state: Partial<Pick<TailFile, 'position' | 'generation' | 'fingerprint'>> = {},
): TailFile {
  writeFileSync(path, content)
  const { ino, dev } = statSync(path)
  return new TailFile({
    path,
    inode: ino,
    device: dev,
    birthMs: 1000.7,
    position: 0,
    generation: 0,
    fingerprint: undefined,
    nowMs: 0,
    ...state,
  })
}

/** Content, first byte, number of lines, whether the rest is read; then what is read. */
const rows: readonly (readonly [
  content: string,
  from: number,
  max: number,
  takesRest: boolean,
  lines: readonly string[],
  positions: readonly number[],
  end: number,
])[] = [
  ['', 0, 9, true, [], [], 0],
  ['a\nbc\n', 0, 9, false, ['a', 'bc'], [0, 2], 5],
  ['a\nbc\n', 2, 9, false, ['bc'], [2], 5],
  ['a\nbc\n', 0, 1, false, ['a'], [0], 2],
  ['a\r\n\r\n\n', 0, 9, false, ['a', '', ''], [0, 3, 5], 6],
  // A line without its end is read when the file is idle, unless the batch is full.
  ['a\nbc', 0, 9, false, ['a'], [0], 2],
  ['a\nbc', 0, 9, true, ['a', 'bc'], [0, 2], 4],
  ['a\nbc', 0, 1, true, ['a'], [0], 2],
  ['bc', 0, 9, false, [], [], 0],
  ['bc', 0, 9, true, ['bc'], [0], 2],
]

describe('lines of a tailed file', () => {
  for (const [content, from, max, takesRest, lines, positions, end] of rows) {
    it(`${JSON.stringify(content)} from ${from}, ${max} at most${takesRest ? ', idle' : ''}`, () => {
      const file = tail(content)
      file.open()
      const read = file.readLines(from, max, takesRest)
      file.close()
      assert.deepEqual({ ...read, lines: read.lines.map(String) }, { lines, positions, end })
    })
  }

  it('that are longer than the buffer are whole', () => {
    const long = 'x'.repeat(600_000)
    const file = tail(`${long}\nb\n`)
    file.open()
    const { lines, positions } = file.readLines(0, 9, false)
    assert.deepEqual(
      lines.map((line) => line.length),
      [long.length, 1],
    )
    assert.deepEqual(positions, [0, long.length + 1])
    file.close()
  })
})

describe('a tailed file', () => {
  /** A change of the file after `abc` was read; where reading continues. */
  const changes: readonly (readonly [
    title: string,
    change: () => void,
    position: number,
    generation: number,
  ])[] = [
    ['that grows continues', () => appendFileSync(path, 'd\n'), 4, 0],
    ['that is renamed continues', () => renameSync(path, join(directory, 'a.log.1')), 4, 0],
    ['that is shorter starts again', () => truncateSync(path, 2), 0, 1],
    ['of the same size with other bytes starts again', () => writeFileSync(path, 'xyz\n'), 0, 1],
    [
      'that is longer with other bytes starts again',
      () => writeFileSync(path, 'xyz\nmore\n'),
      0,
      1,
    ],
    ['with the same bytes continues', () => writeFileSync(path, 'abc\nmore\n'), 4, 0],
  ]
  for (const [title, change, position, generation] of changes) {
    it(title, () => {
      const file = tail('abc\n')
      file.open()
      file.position = file.readLines(0, 9, false).end
      file.noteFingerprint()
      change()
      file.checkIdentity()
      file.close()
      assert.deepEqual([file.position, file.generation], [position, generation])
    })
  }

  it('has another origin after each rewriting', () => {
    const file = tail('abc\n', { position: 4, fingerprint: { size: 4, crc: 1 } })
    const before = file.originId
    file.open()
    file.close()
    assert.match(before, /^file:\d+:\d+:1000:0$/)
    assert.match(file.originId, /^file:\d+:\d+:1000:1$/)
  })

  it('is identified by up to 256 bytes', () => {
    const file = tail(`${'x'.repeat(299)}\n`)
    file.open()
    file.position = 10
    file.noteFingerprint()
    assert.equal(file.fingerprint?.size, 10)
    file.position = 300
    file.noteFingerprint()
    assert.equal(file.fingerprint?.size, 256)
    file.close()
    assert.equal(file.size, 0, 'a closed file has no size')
  })

  it('that was removed cannot be opened', () => {
    const file = tail('abc\n')
    rmSync(path)
    assert.throws(() => file.open(), /ENOENT/)
    assert.equal(file.isOpen, false)
  })
})

describe('a position file', () => {
  const positions = join(directory, 'positions', 'taildir_position.json')
  const stored = (text: string, details?: string): PositionFile => {
    const file = new PositionFile(positions)
    mkdirSync(dirname(positions), { recursive: true })
    writeFileSync(positions, text)
    if (details === undefined) rmSync(`${positions}.details`, { force: true })
    else writeFileSync(`${positions}.details`, details)
    return file
  }

  it('of Flume is read', () => {
    const file = stored('[{"inode":7,"pos":12,"file":"/var/log/a"}]')
    assert.deepEqual(file.read('new'), [
      { inode: 7, pos: 12, file: '/var/log/a', generation: 0, fingerprint: undefined },
    ])
    assert.equal(file.epoch, 'new')
  })

  it('of millrace has an epoch, generations and checksums', () => {
    const details = { epoch: 'e', files: [{ inode: 7, generation: 2, size: 4, crc: 5 }] }
    const file = stored(
      '[{"inode":7,"pos":12,"file":"/a"},{"inode":8,"pos":0,"file":"/b"}]',
      JSON.stringify(details),
    )
    assert.deepEqual(
      file
        .read('new')
        .map(({ inode, generation, fingerprint }) => [inode, generation, fingerprint]),
      [
        [7, 2, { size: 4, crc: 5 }],
        [8, 0, undefined],
      ],
    )
    assert.equal(file.epoch, 'e')
  })

  // Without positions all files are read again, and are other origins then.
  for (const [title, text] of [
    ['an empty file', ''],
    ['blanks', ' \n'],
  ] as const) {
    it(`starts an epoch for ${title}`, () => {
      const file = stored(text, '{"epoch":"old","files":[]}')
      assert.deepEqual(file.read('new'), [])
      assert.equal(file.epoch, 'new')
      assert.equal(new PositionFile(positions).read('next').length, 0)
    })
  }

  const malformed: readonly (readonly [string, RegExp])[] = [
    ['{}', /expected a list; mend it, or remove it/],
    ['[{"inode":1,"pos":2}]', /an entry lacks inode, pos or file/],
    ['[{"inode":"1","pos":2,"file":"/a"}]', /an entry lacks inode, pos or file/],
    ['[null]', /an entry lacks inode, pos or file: null/],
    ['[{"inode":', /cannot be read: .*; mend it, or remove it/],
  ]
  for (const [text, message] of malformed) {
    it(`refuses ${text}`, () => {
      assert.throws(() => stored(text).read('new'), message)
    })
  }

  it('is what was written', () => {
    const file = tail('abc\n', { position: 3, generation: 4, fingerprint: { size: 3, crc: 9 } })
    const written = stored('')
    written.read('e1')
    written.write([file])
    const read = new PositionFile(positions)
    assert.deepEqual(read.read('e2'), [
      { inode: file.inode, pos: 3, file: path, generation: 4, fingerprint: { size: 3, crc: 9 } },
    ])
    assert.equal(read.epoch, 'e1')
  })

  it('is replaced only if something changed', () => {
    const file = tail('abc\n', { position: 3 })
    const written = stored('')
    written.read('e1')
    written.write([file])
    rmSync(positions)
    written.write([file])
    assert.throws(() => statSync(positions), /ENOENT/)
    file.position = 4
    written.write([file])
    assert.ok(statSync(positions).isFile())
  })
})
