// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { dependencyOrder } from './dependency-order.ts'
import { compactJson, indentedJson } from './json-text.ts'
import { type ManifestEntry, manifestText, parseManifest } from './manifest.ts'
import { type FolderSchema, SchemaFolder } from './schema-folder.ts'

describe('JSON texts', () => {
  it('are indented as JSON.stringify does, without changes of numbers and strings', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text)
        assert.equal(indentedJson(JSON.stringify(value)), JSON.stringify(value, null, 2))
        assert.equal(compactJson(JSON.stringify(value, null, 3)), JSON.stringify(value))
      }),
    )
    assert.equal(
      indentedJson('{"a":1.0,"b":9007199254740993}'),
      '{\n  "a": 1.0,\n  "b": 9007199254740993\n}',
    )
  })
})

describe('the manifest', () => {
  it('is read unchanged, and written in a fixed order', () => {
    const entries: [string, ManifestEntry][] = [
      ['b', { file: 'b.avsc', references: [{ name: 'n', subject: 'a', version: 'latest' }] }],
      ['__proto__', { file: 'x/y.json', config: { normalize: true, compatibility: 'FULL' } }],
      ['a', { file: 'a.proto', metadata: { properties: { z: '1', a: '2' } } }],
    ]
    const text = manifestText(new Map(entries))
    assert.equal(text, manifestText(new Map(entries.toReversed())))
    assert.deepEqual([...parseManifest(text).keys()], ['__proto__', 'a', 'b'])
    assert.equal(manifestText(parseManifest(text)), text)
    assert.equal(manifestText(new Map()), '{\n  "subjects": {}\n}\n')
  })

  const invalid: readonly (readonly [entry: unknown, message: RegExp])[] = [
    [
      { file: '../x.avsc' },
      /invalid subjects\["s"\]\.file "\.\.\/x\.avsc": expected a path within/,
    ],
    [{ file: '/etc/passwd' }, /expected a path within/],
    [{ file: 'a/../../x.avsc' }, /expected a path within/],
    [{ file: 'c:x.avsc' }, /expected a path within/],
    [{ file: 'a\\..\\x.avsc' }, /expected a path within/],
    [{}, /invalid subjects\["s"\]\.file undefined/],
    [{ file: 'a', references: {} }, /references \{\}: expected a list/],
    [
      { file: 'a', references: [{ name: 'n', subject: 's', version: 0 }] },
      /references\[0\]\.version 0: expected a whole number from 1, or latest/,
    ],
    [{ file: 'a', config: 'FULL' }, /config "FULL": expected an object/],
  ]
  for (const [entry, message] of invalid) {
    it(`is refused with ${JSON.stringify(entry)}`, () => {
      assert.throws(() => parseManifest(JSON.stringify({ subjects: { s: entry } })), { message })
    })
  }
})

describe('a folder of schemas', () => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-folder-'))
  after(() => rmSync(root, { recursive: true, force: true }))

  it('replaces a link instead of following it, and refuses a folder that is a link', () => {
    const path = join(root, 'links')
    mkdirSync(path)
    const outside = join(root, 'outside.avsc')
    writeFileSync(outside, 'mine')
    symlinkSync(outside, join(path, 'a.avsc'))
    symlinkSync(root, join(path, 'sub'))
    const folder = new SchemaFolder(path)
    assert.equal(folder.write('a.avsc', 'theirs'), true)
    assert.equal(readFileSync(outside, 'utf8'), 'mine')
    assert.equal(folder.write('a.avsc', 'theirs'), false)
    assert.throws(() => folder.write('sub/b.avsc', 'x'), /its folder is a link/)
    assert.throws(() => folder.write('../b.avsc', 'x'), /is not within/)
  })

  it('has the schemas of the manifest and of further files', () => {
    const path = join(root, 'files')
    mkdirSync(join(path, 'more'), { recursive: true })
    writeFileSync(join(path, 'a%2Fb.avsc'), '"int"')
    writeFileSync(join(path, 'more/c.proto'), 'syntax = "proto3";')
    writeFileSync(join(path, 'notes.txt'), 'no schema')
    writeFileSync(join(path, 'named.json'), '{}')
    writeFileSync(
      join(path, 'registry.json'),
      JSON.stringify({ subjects: { n: { file: 'named.json' } } }),
    )
    const found = new SchemaFolder(path).schemas().map(({ subject, type }) => [subject, type])
    assert.deepEqual(found, [
      ['a/b', 'AVRO'],
      ['c', 'PROTOBUF'],
      ['n', 'JSON'],
    ])
    writeFileSync(join(path, 'n.avsc'), '"int"')
    assert.throws(
      () => new SchemaFolder(path).schemas(),
      /n\.avsc and named\.json are both of subject n/,
    )
  })

  it('is ordered by references, and refuses references without an end', () => {
    const schema = (subject: string, ...uses: readonly string[]): FolderSchema => ({
      subject,
      file: subject,
      type: 'AVRO',
      schema: '',
      references: uses.map((name) => ({ name, subject: name, version: 'latest' })),
    })
    const ordered = dependencyOrder([
      schema('a', 'c', 'b'),
      schema('b', 'c'),
      schema('c', 'elsewhere'),
    ])
    assert.deepEqual(
      ordered.map(({ subject }) => subject),
      ['c', 'b', 'a'],
    )
    assert.throws(
      () => dependencyOrder([schema('a', 'b'), schema('b', 'c'), schema('c', 'b')]),
      /have no end: b uses c uses b/,
    )
  })
})
