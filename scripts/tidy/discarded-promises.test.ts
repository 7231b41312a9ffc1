// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { discardedPromises } from './discarded-promises.ts'
import { fileAt } from './project-files.ts'

const SOURCE = 'packages/client/src/example.ts'

describe('the rule against discarded promises', () => {
  const cells: readonly (readonly [what: string, path: string, text: string, lines: number[]])[] = [
    ['a statement', SOURCE, 'let x\nvoid work()', [2]],
    ['a method', SOURCE, 'class A {\n  b() {\n    void this.#work()\n  }\n}', [3]],
    ['an arrow', SOURCE, 'setTimer(1, () => void this.beat())', [1]],
    ['a chain with a handler, which may throw too', SOURCE, 'void work().catch(log)', [1]],
    ['several', SOURCE, 'void a()\nif (b) void c()', [1, 2]],
    ['undefined', SOURCE, 'const none = void 0', []],
    ['a type', SOURCE, 'function f(): void {}\ntype G = () => void', []],
    ['a helper', SOURCE, 'attempt(logger, "work", () => work())', []],
    ['a test', 'packages/client/src/example.test.ts', 'void work()', []],
    ['a bench of tests', 'packages/broker/src/handlers/testing/bench.ts', 'void work()', []],
    ['a script', 'scripts/example.ts', 'void work()', []],
  ]
  for (const [what, path, text, lines] of cells) {
    it(`${what}: ${lines.length}`, () => {
      const findings = discardedPromises.check([fileAt(path, text)])
      assert.deepEqual(
        findings.map(({ line }) => line),
        lines,
      )
    })
  }
})
