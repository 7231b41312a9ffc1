// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvalidSchemaError } from '../schema/schema.ts'
import { JsonIdentities, jsonValueOf, parseJsonText, printJson } from './json-text.ts'

describe('printed JSON', () => {
  // The right column is what Jackson prints with exact big decimals.
  const texts: readonly (readonly [given: string, printed: string])[] = [
    ['1.0', '1.0'],
    ['1.50', '1.50'],
    ['100e-2', '1.00'],
    ['1e400', '1E+400'],
    ['1E5', '1E+5'],
    ['12e3', '1.2E+4'],
    ['-1.5e+20', '-1.5E+20'],
    ['0.000001', '0.000001'],
    ['0.0000001', '1E-7'],
    ['0e10', '0E+10'],
    ['0.0e-10', '0E-11'],
    ['-0.0', '0.0'],
    ['-0', '0'],
    ['12345678901234567890', '12345678901234567890'],
    ['123456789012345678901234567890.5', '123456789012345678901234567890.5'],
    [' [ 1 , true , null , "a" ] ', '[1,true,null,"a"]'],
    ['{ "b" : 1 , "a" : { } }', '{"b":1,"a":{}}'],
    ['{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'],
    [String.raw`"\u0041\/\n\u001f\ud83d\ude00é"`, String.raw`"A/\n\u001F😀é"`],
    [String.raw`"\"\\\b\f\r\t"`, String.raw`"\"\\\b\f\r\t"`],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1}}'],
  ]
  for (const [given, printed] of texts) {
    it(given, () => assert.equal(printJson(parseJsonText(given)), printed))
  }

  it('sorts keys by UTF-16 at every level and leaves arrays alone', () => {
    const node = parseJsonText('{"b":{"z":[2,1],"é":1,"Z":0},"a":1}')
    assert.equal(printJson(node, { sorted: true }), '{"a":1,"b":{"Z":0,"z":[2,1],"é":1}}')
  })

  it('becomes plain data without touching prototypes', () => {
    const value = jsonValueOf(parseJsonText('{"__proto__":{"a":1},"n":1e2}'))
    assert.deepEqual(Object.keys(value as object), ['__proto__', 'n'])
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
  })
})

describe('texts that are not JSON', () => {
  const texts: readonly (readonly [text: string, message: RegExp])[] = [
    ['', /expected a JSON value, found the end of the text \(line 1, column 1\)/],
    ['{\n  "a": tru }', /expected a JSON value, found "t" \(line 2, column 8\)/],
    ['{} x', /expected the end of the text, found "x"/],
    ['{a:1}', /expected a key in double quotes/],
    ['{"a" 1}', /expected ':'/],
    ['{"a":1,}', /expected a key in double quotes, found "}"/],
    ['[1 2]', /expected ',' or '\]'/],
    ['"a', /expected the end of the string/],
    ['"a\nb"', /expected the end of the string, found "\\n"/],
    [String.raw`"\x"`, /expected an escape sequence/],
    [String.raw`"\u12g4"`, /expected four hexadecimal digits/],
    ['01', /expected the end of the text, found "1"/],
    ['+1', /expected a JSON value/],
    ['1e99999999999', /expected a number/],
    ['9'.repeat(1001), /expected a number of at most 1000 characters/],
    ['NaN', /expected a JSON value/],
    ['['.repeat(10_000), /nested more than 100 levels deep \(line 1, column 101\)/],
    ['{"a":'.repeat(10_000), /nested more than 100 levels/],
    [`"${'x'.repeat(1_000_000)}"`, /has 1000002 characters; the limit is 1000000/],
  ]
  for (const [text, message] of texts) {
    it(text.slice(0, 30), () => {
      assert.throws(
        () => parseJsonText(text),
        (error) => error instanceof InvalidSchemaError && message.test(error.message),
      )
    })
  }

  it('100 levels are accepted', () => {
    assert.ok(parseJsonText('['.repeat(100) + ']'.repeat(100)))
  })
})

it('equal values have equal identities, whatever the order of their keys', () => {
  const identities = new JsonIdentities()
  const of = (text: string) => identities.of(parseJsonText(text))
  assert.equal(of('{"a":[1,{"x":1,"y":2}],"b":2}'), of('{"b":2,"a":[1,{"y":2,"x":1}]}'))
  assert.notEqual(of('[1,2]'), of('[2,1]'))
  assert.notEqual(of('1'), of('"1"'))
  assert.notEqual(of('1'), of('1.0'))
})
