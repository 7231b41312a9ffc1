// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { nodeWorld } from '@millrace/base'
import fc from 'fast-check'
import {
  canBeMoved,
  classifyDirectory,
  futureDirectory,
  partitionDirectory,
  retiredDirectory,
} from './partition-directory.ts'

const { random } = nodeWorld
const longest = 'x'.repeat(249)

describe('partitionDirectory', () => {
  const refused = [
    '',
    '.',
    '..',
    '/',
    'a/b',
    '../up',
    '..\\up',
    'a\0b',
    'a b',
    'a\nb',
    'ä',
    `${longest}x`,
    '__cluster_metadata',
  ]
  for (const topic of refused) {
    it(`rejects ${JSON.stringify(topic.slice(0, 20))} (${topic.length})`, () => {
      assert.throws(() => partitionDirectory(topic, 0), { code: 'MILLRACE_INVALID_TOPIC_NAME' })
    })
  }

  for (const partition of [-1, 0.5, Number.NaN, 2 ** 31]) {
    it(`rejects partition ${partition}`, () => {
      assert.throws(() => partitionDirectory('a', partition), {
        code: 'MILLRACE_INVALID_TOPIC_NAME',
      })
    })
  }

  it('returns one path component that can be parsed back, or throws', () => {
    const character = fc.constantFrom(...'ab0-_./\\\0 é')
    const topic = fc.oneof(
      fc.string({ unit: character, maxLength: 12 }),
      fc.uint16Array({ maxLength: 300 }).map((units) => String.fromCharCode(...units)),
      fc.constantFrom('__cluster_metadata-0', 'a-0', 'a.0-delete', 'a-0.x-stray', '__proto__'),
    )
    fc.assert(
      fc.property(topic, fc.nat({ max: 0x7fffffff }), (name, partition) => {
        let directory: string
        try {
          directory = partitionDirectory(name, partition)
        } catch {
          return
        }
        assert.equal(basename(join('/data', directory)), directory)
        assert.deepEqual(classifyDirectory(directory), {
          kind: 'partition',
          topic: name,
          partition,
        })
      }),
    )
  })
})

describe('classifyDirectory', () => {
  const id = '0123456789abcdef0123456789abcdef'
  const kinds: readonly [name: string, kind: string][] = [
    ['__cluster_metadata-0', 'metadata'],
    ['__cluster_metadata-1', 'unnamed'],
    ['orders-0', 'partition'],
    ['orders--1', 'partition'],
    ['orders-00', 'unnamed'],
    ['orders-9999999999', 'unnamed'],
    ['a b-0', 'unnamed'],
    ['..-0', 'unnamed'],
    [`orders-0.${id}-delete`, 'discarded'],
    [`orders-0.${id}-future`, 'discarded'],
    [`orders-0.${id}-stray`, 'stray'],
    [`orders.${id}-delete-0`, 'partition'],
    ['orders.x-delete', 'other'],
    ['orders', 'other'],
    ['-0', 'other'],
    ['lost+found', 'other'],
  ]
  for (const [name, kind] of kinds) {
    it(`${name} is ${kind}`, () => assert.equal(classifyDirectory(name).kind, kind))
  }
})

describe('names of directories that were renamed', () => {
  for (const name of ['orders-0', `${longest}-0`, `${longest}-99999`]) {
    it(`of ${name.length} characters are accepted by the file system`, () => {
      for (const suffix of ['delete', 'stray'] as const) {
        const retired = retiredDirectory(name, suffix, random)
        assert.ok(retired.length <= 255, `${retired.length}`)
        assert.equal(classifyDirectory(retired).kind, suffix === 'delete' ? 'discarded' : 'stray')
      }
    })
  }

  it('a copy needs room for its suffix', () => {
    assert.equal(canBeMoved('x'.repeat(213), 0), true)
    assert.equal(futureDirectory(`${'x'.repeat(213)}-0`, random).length, 255)
    assert.equal(canBeMoved('x'.repeat(214), 0), false)
  })
})
