// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)

function node(file: string, ...args: string[]) {
  const options = { cwd: root, timeout: 30_000 }
  return run(process.execPath, ['--conditions=millrace-src', file, ...args], options)
}

/** TypeScript blocks of a page. */
function snippets(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
    (match) => match[1] as string,
  )
}

describe('examples', () => {
  it('the lines of a log file are read back unchanged', async () => {
    const { stdout } = await node(
      'examples/tail-a-log/main.ts',
      'packages/broker/src/log/partition-log.ts',
    )
    assert.match(stdout, /^\d{3} lines read, unchanged$/m)
  })

  it('an embedded broker keeps its records', async () => {
    const { stdout } = await node('examples/embedded-broker/main.ts')
    assert.match(stdout, /first run: offset 0\nsecond run: offset 1/)
  })
})

describe('client examples', () => {
  it('an order that does not match its schema is rejected', async () => {
    const { stdout } = await node('examples/typed-orders/main.ts')
    assert.match(stdout, /rejected: the value for topic orders is invalid: amount: /)
    assert.match(stdout, /alice ordered 2 tea/)
    assert.match(stdout, /bob ordered 12 cups/)
  })

  it('sender and handler share a trace', async () => {
    const { stdout } = await node('examples/opentelemetry/main.ts')
    assert.match(stdout, /send orders 32\nprocess orders 32\none trace/)
  })
})

describe('agent examples', () => {
  it('a log is copied to a topic, over a rotation', async () => {
    const { stdout } = await node('examples/flume-tail/main.ts')
    assert.match(stdout, /^four one three two$/m)
  })

  it('new rows of a table are copied to a topic', async () => {
    const { stdout } = await node('examples/flume-table/main.ts')
    assert.match(stdout, /alice: .*12\.5.*\nbob: .*3/)
  })

  it('a threshold triggers an alarm', async () => {
    const { stdout } = await node('examples/flume-threshold/main.ts')
    assert.match(stdout, /^alarm for alice \(count=3\)$/m)
  })

  it('three chained agents fail over', async () => {
    const { stdout } = await node('examples/flume-chain/main.ts')
    assert.match(stdout, /main: to the main collector\nspare: to the spare one/)
  })
})

describe('snippets in README files', () => {
  // Inside the workspace, so that the packages are resolved.
  const directory = mkdtempSync(join(root, 'examples/.snippets-'))
  after(() => rmSync(directory, { recursive: true }))
  const pages = [
    join(root, 'README.md'),
    ...globSync(join(root, 'packages/*/README.md')),
    ...globSync(join(root, 'docs/{start.md,guides/*.md,concepts/*.md}')),
  ]

  it('exist in every published package', () => {
    const readmes = pages.filter((page) => page.endsWith('README.md'))
    assert.equal(readmes.length, 12)
    for (const page of readmes)
      assert.ok(snippets(page).length > 0 || page.includes('packages/cli'), page)
  })

  it('are type-checked', { timeout: 60_000 }, async () => {
    for (const page of pages) snippets(page).forEach((_, i) => void snippetFile(page, i))
    const config = { extends: '../../tsconfig.checks.json', include: ['*.mts'] }
    // Snippets may declare names that they do not use.
    const compilerOptions = { noUnusedLocals: false }
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ ...config, compilerOptions }))
    const tsc = join(root, 'node_modules/.bin/tsc')
    const { stdout } = await run(tsc, ['-p', directory], { cwd: root }).catch((error) => error)
    assert.equal(stdout, '')
  })

  /** Writes a snippet to a file and returns its path. */
  function snippetFile(page: string, index: number): string {
    const name = `${page.slice(root.length + 1).replaceAll('/', '-')}-${index}.mts`
    const file = join(directory, name)
    writeFileSync(file, snippets(page)[index] ?? '')
    return file
  }

  for (const page of pages) {
    snippets(page).forEach((_, i) => {
      it(`${page.slice(root.length + 1)} ${i + 1} runs`, async () => {
        const { stdout } = await node(snippetFile(page, i))
        assert.ok(stdout.length > 0, 'a snippet shows what it did')
      })
    })
  }
})
