// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { charsetOf } from './charset.ts'

describe('character sets', () => {
  it('encode as Java does', () => {
    const cases: readonly [name: string, text: string, hex: string][] = [
      ['UTF-8', 'aé中', '61c3a9e4b8ad'],
      ['GBK', 'a中文€', '61d6d0cec480'],
      ['gb2312', '中', 'd6d0'],
      ['Big5', '中', 'a4a4'],
      ['Shift_JIS', 'aあ漢ｱ', '6182a08abfb1'],
      ['EUC-JP', 'あ漢', 'a4a2b4c1'],
      ['EUC-KR', '한', 'c7d1'],
      ['windows-1252', 'é€', 'e980'],
      ['Cp1251', 'ж', 'e6'],
      ['ISO-8859-1', 'é€', 'e93f'],
      ['ISO8859_2', 'ł', 'b3'],
      ['US-ASCII', 'aé', '613f'],
      ['KOI8-R', 'ж', 'd6'],
      ['UTF-16', 'aé', 'feff006100e9'],
      ['UTF-16LE', 'a', '6100'],
      ['UTF-16BE', 'a', '0061'],
    ]
    for (const [name, text, hex] of cases) {
      assert.equal(charsetOf(name).encode(text).toString('hex'), hex, name)
    }
  })

  it('decode what they encode', () => {
    for (const name of ['GBK', 'Big5', 'Shift_JIS', 'EUC-JP', 'EUC-KR', 'windows-1251', 'KOI8-R']) {
      const charset = charsetOf(name)
      assert.equal(charset.decodeStrictly(charset.encode('abc 123')), 'abc 123', name)
    }
    assert.equal(charsetOf('latin1').decode(Buffer.from('8085e9', 'hex')), '\u0080\u0085é')
    assert.equal(charsetOf('ASCII').decode(Buffer.from('61e9', 'hex')), 'a\ufffd')
    assert.throws(() => charsetOf('ASCII').decodeStrictly(Buffer.from('e9', 'hex')), TypeError)
  })

  it('that do not exist are refused', () => {
    assert.throws(() => charsetOf('UTF-9'), /a character set such as UTF-8/)
  })
})
