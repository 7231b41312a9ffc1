// SPDX-License-Identifier: Apache-2.0
// Names returned by Apache Kafka 4.4.0's SslPrincipalMapper.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { MillraceError } from '../errors.ts'
import { PrincipalMapping } from './principal-mapping.ts'

interface Golden {
  readonly rules: string
  readonly dn: string
  readonly name?: string
  readonly error?: string
}

const own = '../../../../test/testdata/security/principal-mapping-golden.jsonl'
const file = process.env.PRINCIPAL_GOLDEN ?? join(import.meta.dirname, own)
const cases = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line): Golden => JSON.parse(line))

/** The name, or the kind of error in Kafka's words. */
function outcome({ rules, dn }: Golden): string {
  try {
    return new PrincipalMapping(rules).nameOf(dn)
  } catch (error) {
    assert.ok(error instanceof MillraceError)
    return error.code === 'INVALID_CONFIG' ? 'IllegalArgumentException' : 'NoMatchingRule'
  }
}

describe('principals of certificates', () => {
  for (const golden of cases) {
    const { rules, dn, name, error } = golden
    it(`${JSON.stringify(rules)} of ${dn}`, () => {
      assert.equal(outcome(golden), name ?? error?.split(':')[0])
    })
  }
})
