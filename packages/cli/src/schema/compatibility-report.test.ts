// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reasonLines, reasonsOfMessages } from './compatibility-report.ts'

describe('messages of other registries', () => {
  const cases: readonly (readonly [messages: readonly string[], lines: readonly string[]])[] = [
    [
      [
        "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/1' in the new schema has no default value', additionalInfo:'b'}",
        '{oldSchemaVersion: 1}',
        "{oldSchema: '{}'}",
        "{validateFields: 'false', compatibility: 'BACKWARD'}",
      ],
      [
        '  /fields/1  READER_FIELD_MISSING_DEFAULT_VALUE',
        "    rule    The field 'b' at path '/fields/1' in the new schema has no default value (b)",
      ],
    ],
    [
      [`{errorType:"TYPE_CHANGED", description:"The type at path '#/properties/a' has changed"}`],
      [
        '  #/properties/a  TYPE_CHANGED',
        "    rule    The type at path '#/properties/a' has changed",
      ],
    ],
    [
      ['Invalid schema type XML', "{oldSchema: '{}'}"],
      ['  reason', '    rule    Invalid schema type XML'],
    ],
    [[], []],
  ]
  for (const [messages, lines] of cases) {
    it(`are reasons: ${messages[0]?.slice(0, 60) ?? 'none'}`, () => {
      assert.deepEqual(reasonLines(reasonsOfMessages(messages)), lines)
    })
  }
})
