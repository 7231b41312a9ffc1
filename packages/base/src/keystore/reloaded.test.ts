// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Reloaded } from './reloaded.ts'

/** A file whose content is the value; `!` cannot be used, and an `Error` cannot be read. */
class Bench {
  content: string | Error
  readonly log: string[] = []
  readonly reloaded: Reloaded<string>

  constructor(content: string | Error) {
    this.content = content
    this.reloaded = new Reloaded<string>({
      read: () => {
        const { content } = this
        if (content instanceof Error) throw content
        return {
          parts: [content],
          create: (current) => {
            if (content.includes('!')) throw new Error(`${content} cannot replace ${current}`)
            return content
          },
        }
      },
      onLoaded: (value) => void this.log.push(`loaded ${value}`),
      onFailed: (error) => void this.log.push(error.message),
    })
  }
}

describe('a value made of files', () => {
  it('is not created of files that cannot be used', () => {
    assert.throws(() => new Bench('!'), /! cannot replace undefined/)
    assert.throws(() => new Bench(new Error('ENOENT')), /ENOENT/)
  })

  const steps: readonly (readonly [content: string | Error, value: string, log: string])[] = [
    ['a', 'a', ''],
    ['b', 'b', 'loaded b'],
    ['b', 'b', ''],
    ['!1', 'b', '!1 cannot replace b'],
    ['!1', 'b', ''],
    ['!2', 'b', '!2 cannot replace b'],
    [new Error('ENOENT'), 'b', 'ENOENT'],
    [new Error('ENOENT'), 'b', ''],
    ['b', 'b', ''],
    [new Error('ENOENT'), 'b', 'ENOENT'],
    ['c', 'c', 'loaded c'],
    ['!2', 'c', '!2 cannot replace c'],
    ['c', 'c', ''],
    ['!2', 'c', '!2 cannot replace c'],
  ]
  it('follows them; each change that cannot be used is reported once', () => {
    const bench = new Bench('a')
    for (const [index, [content, value, log]] of steps.entries()) {
      bench.content = content
      const found = bench.reloaded.refresh()
      assert.equal(found, log.startsWith('loaded') ? value : undefined, `step ${index}`)
      assert.equal(bench.reloaded.value, value, `step ${index}`)
      assert.equal(bench.log.splice(0).join(), log, `step ${index}`)
    }
  })
})
