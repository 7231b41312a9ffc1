// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { decisions } from '../scripts/mutate/decisions.ts'
import { mutantsOf } from '../scripts/mutate/mutants.ts'
import { root } from '../scripts/packages.ts'

describe('the decisions of npm run mutate', () => {
  for (const { name, file, functions, tests, equivalent = {} } of decisions) {
    it(`${name}: files, functions and equivalent mutants exist`, () => {
      const mutants = mutantsOf(file, readFileSync(join(root, file), 'utf8'), functions)
      assert.ok(mutants.length > 0)
      for (const test of tests) assert.ok(existsSync(join(root, test)), test)
      const texts = new Set(mutants.map(({ text }) => text))
      for (const text of Object.keys(equivalent)) assert.ok(texts.has(text), text)
    })
  }
})

describe('the mutants of a source', () => {
  const cells: readonly (readonly [source: string, mutants: readonly string[]])[] = [
    ['if (a < b) f()', ['!(a < b)', 'a <= b', 'if (a < b) ;']],
    ['x = a && b', ['((a) || (b))', ';']],
    ['const x = [1, 2n, true]', ['(1 + 1)', '(2n + 1n)', 'false']],
    ['function f() { return }', [';']],
  ]
  for (const [source, expected] of cells) {
    it(source, () => {
      const changed = mutantsOf('x.ts', source, undefined)
      assert.equal(changed.length, expected.length)
      for (const part of expected) {
        assert.ok(
          changed.some((mutant) => mutant.source.includes(part) && mutant.source !== source),
          part,
        )
      }
    })
  }

  it('are only in the named functions; a missing function is an error', () => {
    const source = 'class A { #f() { g() } h() { g() } }'
    assert.equal(mutantsOf('x.ts', source, ['#f']).length, 1)
    assert.throws(() => mutantsOf('x.ts', source, ['gone']), /no function gone/)
  })
})
