// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isReadableByOthers, resolveReferences } from './node-config-providers.ts'

/** `@{…}` in place of a dollar sign, which looks like a forgotten template. */
const ref = (text: string): string => text.replaceAll('@{', '$' + '{')

const directory = mkdtempSync(join(tmpdir(), 'millrace-providers-'))
after(() => rmSync(directory, { recursive: true }))
const open = join(directory, 'open')
const closed = join(directory, 'closed')
mkdirSync(open)
mkdirSync(closed)
writeFileSync(join(open, 'secrets.properties'), ref('password=hunter2\nother=@{env:USER_NAME}\n'))
writeFileSync(join(open, 'password'), 'from-a-file')
writeFileSync(join(closed, 'password'), 'forbidden')
writeFileSync(join(closed, 'secrets.properties'), 'password=forbidden\n')
symlinkSync(join(closed, 'password'), join(open, 'link'))
symlinkSync(join(open, 'password'), join(open, 'data-link'))

const PACKAGE = 'org.apache.kafka.common.config.provider.'
const environment = { USER_NAME: 'alice', SECRET: 'forbidden' }
const providers: readonly (readonly [string, string])[] = [
  ['config.providers', 'file, dir,env'],
  ['config.providers.file.class', `${PACKAGE}FileConfigProvider`],
  ['config.providers.dir.class', `${PACKAGE}DirectoryConfigProvider`],
  ['config.providers.env.class', `${PACKAGE}EnvVarConfigProvider`],
]
const limits: readonly (readonly [string, string])[] = [
  ['config.providers.file.param.allowed.paths', open],
  ['config.providers.dir.param.allowed.paths', open],
  ['config.providers.env.param.allowlist.pattern', 'USER_.*'],
]

function resolved(value: string, more: readonly (readonly [string, string])[] = []): string {
  try {
    const entries = new Map([...providers, ...more, ['key', value] as const])
    return resolveReferences(entries, { environment }).get('key') ?? ''
  } catch (error) {
    return String(error)
  }
}

describe('references to config providers', () => {
  const table: readonly [value: string, expected: string | RegExp][] = [
    ['plain', 'plain'],
    [`\${file:${open}/secrets.properties:password}`, 'hunter2'],
    [`a=\${env:USER_NAME};b=\${dir:${open}:password};`, 'a=alice;b=from-a-file;'],
    // Not searched again.
    [`\${file:${open}/secrets.properties:other}`, ref('@{env:USER_NAME}')],
    // Of no provider.
    [ref('@{vault:a:b} @{x}'), ref('@{vault:a:b} @{x}')],
    [
      `\${file:${open}/secrets.properties:missing}`,
      /key: cannot resolve .*the file has no key missing/,
    ],
    [`\${file:${open}/absent:x}`, /cannot read .*absent \(ENOENT\)/],
    [`\${file:${open}:x}`, /cannot read .* \(EISDIR\)/],
    [ref('@{file:x}'), /the path is empty/],
    [ref('@{env:NOT_SET}'), /the environment has no variable NOT_SET/],
    [ref('@{env:/path:USER_NAME}'), /an environment variable has no path/],
    [`\${dir:${open}:../closed/password}`, /the key is not the name of a file/],
    [`\${dir:${open}:..}`, /the key is not the name of a file/],
  ]
  for (const [value, expected] of table) {
    it(value.replaceAll(directory, ''), () => {
      if (typeof expected === 'string') assert.equal(resolved(value), expected)
      else assert.match(resolved(value), expected)
    })
  }
})

describe('allow-lists of config providers', () => {
  const table: readonly [value: string, expected: string | RegExp][] = [
    [`\${file:${open}/secrets.properties:password}`, 'hunter2'],
    [`\${file:${open}/../open/secrets.properties:password}`, 'hunter2'],
    [`\${file:${closed}/secrets.properties:password}`, /allowed\.paths does not allow/],
    [`\${file:${open}/../closed/secrets.properties:password}`, /allowed\.paths does not allow/],
    [`\${file:${directory}/openly:password}`, /allowed\.paths does not allow/],
    [ref('@{file:/etc/passwd:root}'), /allowed\.paths does not allow/],
    [ref('@{file:/no/such/file:root}'), /allowed\.paths does not allow/],
    [ref('@{file:open/secrets.properties:password}'), /allowed\.paths does not allow/],
    [`\${dir:${open}:password}`, 'from-a-file'],
    // Secrets of Kubernetes are links within their directory.
    [`\${dir:${open}:data-link}`, 'from-a-file'],
    [`\${dir:${open}:link}`, /allowed\.paths does not allow/],
    [`\${dir:${closed}:password}`, /allowed\.paths does not allow/],
    [ref('@{env:USER_NAME}'), 'alice'],
    [ref('@{env:SECRET}'), /allowlist\.pattern does not match SECRET/],
    [ref('@{env:MY_USER_NAME}'), /allowlist\.pattern does not match/],
  ]
  for (const [value, expected] of table) {
    it(value.replaceAll(directory, ''), () => {
      const found = resolved(value, limits)
      if (typeof expected === 'string') assert.equal(found, expected)
      else assert.match(found, expected)
      assert.doesNotMatch(found, /forbidden/)
    })
  }
})

describe('definitions of config providers', () => {
  const table: readonly [key: string, value: string, expected: RegExp][] = [
    ['config.providers.file.class', 'com.example.Provider', /expected one of org\.apache\.kafka/],
    ['config.providers.file.class', 'FileConfigProvider', /expected one of org\.apache\.kafka/],
    ['config.providers.file.class', `${PACKAGE}constructor`, /expected one of org\.apache\.kafka/],
    ['config.providers.file.param.allowed.paths', 'relative', /relative, which is not absolute/],
    ['config.providers.dir.param.allowed.paths', '/no/such', /\/no\/such, which does not exist/],
    ['config.providers.env.param.allowlist.pattern', '(', /is not a regular expression/],
  ]
  for (const [key, value, expected] of table) {
    it(`${key}=${value} is refused`, () => assert.match(resolved('x', [[key, value]]), expected))
  }

  it('a provider without a class is none', () => {
    const entries = new Map([
      ['config.providers', 'file'],
      ['key', ref('@{file:/etc/passwd:root}')],
    ])
    assert.deepEqual(resolveReferences(entries), entries)
  })

  it('keep their own keys unchanged', () => {
    const entries = new Map([
      ...providers,
      ['config.providers.env.param.allowlist.pattern', ref('@{env:USER_NAME}')],
    ])
    assert.deepEqual(resolveReferences(entries, { environment }), entries)
  })
})

describe('isReadableByOthers', () => {
  const path = join(directory, 'mode')
  writeFileSync(path, '')
  const table: readonly [mode: number, expected: boolean][] = [
    [0o600, false],
    [0o640, true],
    [0o604, true],
    [0o622, false],
  ]
  for (const [mode, expected] of table) {
    it(`${mode.toString(8)}: ${expected}`, () => {
      chmodSync(path, mode)
      assert.equal(isReadableByOthers(path), expected)
    })
  }
})
