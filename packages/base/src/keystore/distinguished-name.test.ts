// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { distinguishedName } from './distinguished-name.ts'

// Certificates, and what Java 17's X500Principal.getName() said.
const file = join(import.meta.dirname, 'testdata/distinguished-names.json')
const golden: { readonly name: string; readonly certificate: string }[] = JSON.parse(
  readFileSync(file, 'utf8'),
)

describe("a certificate's distinguished name is Java's", () => {
  for (const { name, certificate } of golden) {
    it(name, () => assert.equal(distinguishedName(Buffer.from(certificate, 'base64')), name))
  }

  it('throws for data that is not a certificate', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('3003020101', 'hex'),
      Buffer.alloc(50, 0xff),
    ]) {
      assert.throws(() => distinguishedName(bytes), { name: 'MalformedInputError' })
    }
  })
})
