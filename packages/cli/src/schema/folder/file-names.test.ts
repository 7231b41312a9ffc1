// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { join, relative } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fileNames, subjectOfFile } from './file-names.ts'
import { isInside } from './manifest.ts'

const nameOf = (subject: string): string => {
  const name = fileNames([{ subject, type: 'AVRO' }]).get(subject)
  assert.ok(name !== undefined)
  return name
}

describe('file names of subjects', () => {
  const cases: readonly (readonly [subject: string, file: string])[] = [
    ['orders-value', 'orders-value.avsc'],
    ['com.acme.Order', 'com.acme.Order.avsc'],
    ['a/b', 'a%2Fb.avsc'],
    [':.ctx:orders', '%3A.ctx%3Aorders.avsc'],
    ['..', '%2E%2E.avsc'],
    ['.', '%2E.avsc'],
    ['../../etc/passwd', '%2E.%2F..%2Fetc%2Fpasswd.avsc'],
    ['..\\x', '%2E.%5Cx.avsc'],
    ['.git', '%2Egit.avsc'],
    ['a.', 'a%2E.avsc'],
    ['CON', '%43ON.avsc'],
    ['nul.txt', '%6Eul.txt.avsc'],
    ['a\0b\n', 'a%00b%0A.avsc'],
    ['100%', '100%25.avsc'],
    ['ü', '%C3%BC.avsc'],
    ['~', '%7E.avsc'],
  ]
  for (const [subject, file] of cases) {
    it(`${JSON.stringify(subject)} is ${file}`, () => {
      assert.equal(nameOf(subject), file)
      assert.equal(subjectOfFile(file), subject)
    })
  }

  it('differ where a file system ignores the case, and are never the manifest', () => {
    const subjects = ['Order', 'order', 'ORDER', 'x']
    const names = fileNames(subjects.map((subject) => ({ subject, type: 'JSON' as const })))
    assert.deepEqual(
      [...names.values()],
      ['%4Frder.json', 'order.json', '%4F%52%44%45%52.json', 'x.json'],
    )
    assert.deepEqual(
      [...fileNames([{ subject: 'registry', type: 'JSON' }]).values()],
      ['%72egistry.json'],
    )
  })

  it('are bounded, and still differ', () => {
    const long = 'x'.repeat(300)
    const names = [nameOf(`${long}a`), nameOf(`${long}b`)]
    assert.equal(new Set(names).size, 2)
    assert.ok(names.every((name) => name.length < 220))
  })

  it('stay within the folder and are decoded again, whatever the subject is', () => {
    const subjects = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(...'./\\:%~ABab\0'), minLength: 1, maxLength: 12 }),
    )
    fc.assert(
      fc.property(fc.uniqueArray(subjects, { maxLength: 8 }), (given) => {
        const names = fileNames(given.map((subject) => ({ subject, type: 'AVRO' as const })))
        const files = [...names.values()]
        assert.equal(new Set(files.map((file) => file.toLowerCase())).size, given.length)
        for (const [subject, file] of names) {
          assert.ok(isInside(file) && !file.includes('/'), file)
          assert.equal(relative('/folder', join('/folder', file)), file)
          if (!file.includes('~')) assert.equal(subjectOfFile(file), subject)
        }
      }),
    )
  })
})
