// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { handlers, ownDefaults } from '@millrace/broker'
import { Admin } from '@millrace/client'
import { destinationSettings, providerSettings } from '@millrace/jms-provider'
import { registrySettings } from '@millrace/schema-registry'

const root = join(import.meta.dirname, '..')

describe('the documentation', () => {
  it('lists exactly the supported APIs as supported', () => {
    const page = readFileSync(join(root, 'docs/reference/apis.md'), 'utf8')
    const rows = [...page.matchAll(/^\| (\d+) +\| \w+ +\| [\d-]+ +\| (yes|no)/gm)]
    assert.equal(rows.length, 77, 'APIs that Apache Kafka 4.4.0 advertises')
    const answered = rows.filter(([, , word]) => word === 'yes').map(([, key]) => Number(key))
    assert.deepEqual(
      answered,
      [...handlers.keys()].sort((a, b) => a - b),
    )
  })

  it("lists exactly the methods of Java's Admin that the client has", () => {
    const page = readFileSync(join(root, 'docs/reference/admin.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `(\w+)` +\| (yes|no)/gm)]
    assert.equal(rows.length, 67, 'methods in Apache Kafka 4.4.0')
    const methods = new Set(Object.getOwnPropertyNames(Admin.prototype))
    // Java's factory method.
    methods.add('create')
    for (const [, name = '', word] of rows) assert.equal(methods.has(name), word === 'yes', name)
  })

  it('lists every setting of the schema registry with its default', () => {
    const page = readFileSync(join(root, 'docs/reference/schema-registry.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `([\w.]+)` \| (?:`([^`]*)`)? *\| (.*) \|$/gm)]
    const listed = rows.map(([, key, value = '', about = '']) => [key, value, about] as const)
    const known = Object.entries(registrySettings).map(
      ([key, { default: value, about }]) => [key, value, about] as const,
    )
    assert.deepEqual(
      listed.map(([key, value]) => [key, value]),
      known.map(([key, value]) => [key, value]),
    )
    for (const [index, [key, , about]] of known.entries()) {
      assert.ok(listed[index]?.[2].startsWith(about), `${key}: ${listed[index]?.[2]}`)
    }
  })

  it('lists every client option', () => {
    const page = readFileSync(join(root, 'docs/reference/client.md'), 'utf8')
    const sources = [
      'options.ts',
      'producer/producer-options.ts',
      'consumer/consumer-options.ts',
      'share-consumer/share-consumer-options.ts',
    ]
    for (const source of sources) {
      const text = readFileSync(join(root, 'packages/client/src', source), 'utf8')
      const [, block = ''] = /export interface \w+Options[^{]*\{(.*?)\n\}/s.exec(text) ?? []
      const names = [...block.matchAll(/^ {2}readonly (\w+)\??: /gm)].map((match) => match[1] ?? '')
      assert.ok(names.length > 10)
      for (const name of names) assert.match(page, new RegExp(`\\| \`${name}\` \\|`), name)
    }
  })

  it('lists every setting of the JMS provider as the code describes it', () => {
    const page = readFileSync(join(root, 'packages/jms-provider/README.md'), 'utf8')
    const rows = Object.entries({ ...providerSettings, ...destinationSettings }).map(
      ([name, setting]) => {
        const value = setting.default === '' ? '' : `\`${setting.default}\``
        return `| \`${name}\` | ${value} | ${setting.about} |`
      },
    )
    assert.deepEqual(page.match(/^\| `[a-z.]+` \|.*$/gm), rows)
  })

  it('lists every default that differs from Kafka', () => {
    const page = readFileSync(join(root, 'docs/reference/configuration.md'), 'utf8')
    for (const [key, value] of Object.entries(ownDefaults)) {
      assert.match(
        page,
        new RegExp(`\`${key.replaceAll('.', '\\.')}\` +\\|.*\\| ${value} +\\|`),
        key,
      )
    }
  })

  it('has no dead links', () => {
    const pages = globSync(
      ['*.md', 'docs/**/*.md', 'packages/*/README.md', 'interop/**/*.md', 'bench/*.md'],
      {
        cwd: root,
        exclude: ['**/node_modules/**', '**/.peers/**'],
      },
    )
    assert.ok(pages.length > 12)
    for (const page of pages) {
      const text = readFileSync(join(root, page), 'utf8')
      for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        const path = join(root, dirname(page), target as string)
        assert.ok(
          statSync(path, { throwIfNoEntry: false }) !== undefined,
          `${page} links to ${target}`,
        )
      }
    }
  })
})
