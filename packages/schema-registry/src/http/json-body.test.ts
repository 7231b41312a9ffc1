// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { bodyLimits, readJson } from './json-body.ts'

const { values, nesting, numberLength } = bodyLimits
const list = (count: number, item: string): string => Array(count).fill(item).join(',')

const refused: Readonly<Record<string, readonly [text: string, reason: RegExp]>> = {
  'many objects': [`[${list(values, '{}')}]`, /20000 values/],
  'many keys': [`{${list(values, '"a":1')}}`, /20000 values/],
  'many numbers': [`[${list(values + 1, '1')}]`, /20000 values/],
  'deep arrays': ['['.repeat(nesting + 1), /100 levels/],
  'deep objects': ['{"a":'.repeat(nesting + 1), /100 levels/],
  'long numbers': ['1'.repeat(numberLength + 1), /1000 digits/],
  'values behind an escaped quote': [`["\\"",${list(values, '1')}]`, /20000 values/],
  'values behind an escaped backslash': [`["\\\\",${list(values, '1')}]`, /20000 values/],
  'an open text': ['"a', /not JSON/],
  'a backslash at the end': ['"\\', /not JSON/],
  'closing brackets only': [']'.repeat(1000), /not JSON/],
}

const accepted: Readonly<Record<string, unknown>> = {
  'a long text': 'a'.repeat(1_000_000),
  'a text with brackets': '{[,:'.repeat(100_000),
  'a text with quotes and backslashes': '\\"'.repeat(100_000),
  'as many values as allowed': Array(values - 1).fill(1),
}

describe('the body of a request', () => {
  for (const [name, [text, message]] of Object.entries(refused)) {
    it(`is refused with ${name}`, () => {
      assert.throws(() => readJson(Buffer.from(text)), { status: 400, message })
    })
  }

  for (const [name, value] of Object.entries(accepted)) {
    it(`is read with ${name}`, () => {
      assert.deepEqual(readJson(Buffer.from(JSON.stringify(value))), value)
    })
  }

  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        assert.deepEqual(readJson(Buffer.from(text)), JSON.parse(text))
      }),
    )
  })
})
