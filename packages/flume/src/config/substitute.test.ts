// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeFilter, type Sources, substitute } from './substitute.ts'

const sources: Sources = {
  environment: { HOST: 'web1', BOTH: 'environment', LOOP: `\${LOOP}` },
  system: new Map([
    ['port', '5140'],
    ['BOTH', 'system'],
  ]),
  properties: new Map([
    ['base', '/data'],
    ['logs', `\${base}/logs`],
    ['BOTH', 'file'],
    ['a', `\${b}`],
    ['b', `\${a}`],
  ]),
  filters: new Map([
    ['vault', (key: string) => (key === 'password' ? `s3cret\${base}` : undefined)],
    [
      'broken',
      () => {
        throw new Error('exit code 1')
      },
    ],
  ]),
}

/** A value, what it becomes, and the reason for texts that are left as they are. */
const rows: readonly (readonly [value: string, result: string, unresolved?: RegExp])[] = [
  ['plain $5', 'plain $5'],
  [`\${env:HOST}:\${sys:port}`, 'web1:5140'],
  [`\${base}/x`, '/data/x'],
  // Values of entries may refer to others.
  [`\${logs}`, '/data/logs'],
  // The file comes before the environment, and that before system properties.
  [`\${BOTH} \${env:BOTH} \${sys:BOTH}`, 'file environment system'],
  [`\${HOST} \${port}`, 'web1 5140'],
  [`\${env:base}`, `\${env:base}`, /the environment has no base/],
  [`\${sys:HOST}`, `\${sys:HOST}`, /no -DHOST= was given/],
  [`\${none}`, `\${none}`, /neither the file nor the environment has none/],
  [`\${none:-x}`, 'x'],
  [`\${none:-}`, ''],
  [`\${base:-x}`, '/data'],
  [`\${env:NONE:-\${base}`, `\${base`],
  // Two dollar signs stand for one.
  [`$\${base}`, `\${base}`],
  // Config filters, in three spellings; nothing within a secret is replaced.
  [`\${vault["password"]}`, `s3cret\${base}`],
  [`\${vault['password']}`, `s3cret\${base}`],
  [`\${ vault[password] }`, `s3cret\${base}`],
  [`\${vault["user"]}`, `\${vault["user"]}`, /filter vault has no user/],
  [`\${other["x"]}`, `\${other["x"]}`, /no config filter other; there is vault, broken/],
  [`\${broken["x"]}`, `\${broken["x"]}`, /exit code 1/],
]

describe('texts in values', () => {
  for (const [value, result, unresolved] of rows) {
    it(value, () => {
      const found = substitute(value, sources)
      assert.equal(found.value, result)
      assert.equal(found.unresolved.length, unresolved === undefined ? 0 : 1)
      if (unresolved !== undefined) assert.match(found.unresolved[0] ?? '', unresolved)
    })
  }

  for (const value of [`\${a}`, `\${env:LOOP}`]) {
    it(`${value} refers to itself`, () => {
      if (value === `\${a}`) assert.throws(() => substitute(value, sources), /refers to itself/)
      else assert.throws(() => substitute(value, { ...sources, properties: new Map() }), /itself/)
    })
  }
})

describe('a config filter', () => {
  const environment = { SECRET: 'x' }
  const make = (type: string, properties: Readonly<Record<string, string>> = {}) =>
    makeFilter(type, new Map(Object.entries(properties)), { environment })

  it('of the environment', () => {
    const names = ['env', 'ENV', 'org.apache.flume.configfilter.EnvironmentVariableConfigFilter']
    for (const name of names) {
      assert.equal(make(name)('SECRET'), 'x', name)
      assert.equal(make(name)('NONE'), undefined, name)
    }
  })

  it('of a program returns the first line of its output', () => {
    const filter = make('external', { command: 'printf %s\\n\\nrest' })
    assert.equal(filter('key'), 'key')
    assert.throws(() => make('external', { command: 'false' })('key'), /filter false key failed/)
  })

  const refused: readonly (readonly [string, RegExp])[] = [
    ['external', /command is missing/],
    ['hadoop', /hadoop credential stores are not supported/],
    ['vault', /type is "vault"; expected env or external/],
    ['', /type is ""; expected env or external/],
  ]
  for (const [type, message] of refused) {
    it(`of type ${JSON.stringify(type)} is refused`, () => assert.throws(() => make(type), message))
  }
})
