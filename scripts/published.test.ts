// SPDX-License-Identifier: Apache-2.0
// Published packages install and run: packs every package and uses it in empty projects.
// `npm run test:packages`.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { build } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { publishedWorkspaces, root } from './packages.ts'

const run = promisify(execFile)
const packages = publishedWorkspaces()
const scratch = mkdtempSync(join(tmpdir(), 'millrace-packages-'))
const project = join(scratch, 'project')
/** Tarballs by package name. */
const tarballs = new Map<string, string>()

/** Names that each entry point must export; those of a user's first program. */
const entries: Readonly<Record<string, readonly string[]>> = {
  '@millrace/amqp': ['connect', 'listen'],
  '@millrace/base': ['nodeWorld', 'MillraceError'],
  '@millrace/broker': ['Broker'],
  '@millrace/client': ['Producer', 'Consumer', 'ShareConsumer', 'Admin'],
  '@millrace/flume': ['startAgent'],
  '@millrace/flume/testing': [],
  '@millrace/jms': ['ConnectionFactory', 'jmsListener'],
  '@millrace/jms-provider': ['JmsProvider'],
  '@millrace/protocol': ['RecordBatch', 'codecOf'],
  '@millrace/schema-registry': ['SchemaRegistry', 'avroFormat', 'compareSchemas'],
  '@millrace/schema-registry/evaluation-worker': [],
  '@millrace/schema-registry/serdes': ['SchemaRegistryClient', 'avroSerde'],
  'millrace/amqp': ['connect', 'listen'],
  'millrace/broker': ['Broker'],
  'millrace/client': ['Producer', 'Consumer', 'ShareConsumer', 'Admin'],
  'millrace/flume': ['startAgent'],
  'millrace/flume/testing': [],
  'millrace/jms': ['ConnectionFactory', 'jmsListener'],
  'millrace/jms-provider': ['JmsProvider'],
  'millrace/schema-registry': ['SchemaRegistry', 'avroFormat', 'compareSchemas'],
  'millrace/schema-registry/serdes': ['SchemaRegistryClient', 'avroSerde'],
}

/** A program that uses broker, client, JMS and a bundled codec of each kind. */
const program = `
import { Broker } from 'millrace/broker'
import { Consumer, Producer } from 'millrace/client'
import { ConnectionFactory } from 'millrace/jms'
import { JmsProvider } from 'millrace/jms-provider'

await using broker = await Broker.start()
const connection = { bootstrapServers: broker.address }
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
for (const compression of codecs) {
  await using producer = new Producer({ ...connection, compression })
  await producer.send({ topic: 'codecs', value: compression })
}
const read: string[] = []
await using consumer = new Consumer({
  ...connection,
  groupId: 'g',
  topics: ['codecs'],
  autoOffsetReset: 'earliest',
})
for await (const { value } of consumer) {
  read.push(String(value))
  if (read.length === codecs.length) break
}
await using provider = await JmsProvider.start({
  client: connection,
  config: { 'amqp.listener': '127.0.0.1:0' },
})
await using context = await new ConnectionFactory(\`amqp://\${provider.address}\`).createContext()
await context.createProducer().send(context.createQueue('q'), 'by JMS')
await using receiver = await context.createConsumer(context.createQueue('q'))
console.log(read.join(' '), await receiver.receiveBody(String, 10_000))
`
const expected = 'none gzip snappy lz4 zstd by JMS'

before(async () => {
  for (const { directory, manifest } of packages) {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', scratch], {
      cwd: directory,
    })
    const report: unknown = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)))
    const [packed] = Object.values(report as Record<string, { readonly filename: string }>)
    assert.ok(packed)
    tarballs.set(manifest.name, join(scratch, packed.filename))
  }
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }')
  const { version: typescript } = (
    await import('typescript/package.json', { with: { type: 'json' } })
  ).default
  await run(
    'npm',
    ['install', '--no-audit', '--no-fund', `typescript@${typescript}`, ...tarballs.values()],
    {
      cwd: project,
    },
  )
  writeFileSync(join(project, 'program.ts'), program)
})

after(() => rmSync(scratch, { recursive: true, force: true }))

/** `node` of another major version, from the registry. */
async function otherNode(version: string): Promise<string> {
  const directory = join(scratch, `node-${version}`)
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), '{ "private": true }')
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  await run('npm', ['install', '--no-audit', '--no-fund', `${name}@${version}`], { cwd: directory })
  return join(
    directory,
    'node_modules',
    name,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  )
}

describe('published packages', () => {
  for (const { manifest } of packages) {
    it(`${manifest.name} passes publint`, async () => {
      const file = tarballs.get(manifest.name) as string
      const tarball = readFileSync(file)
      const { messages, pkg } = await publint({
        pack: {
          tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length),
        },
        level: 'suggestion',
        strict: true,
      })
      assert.deepEqual(
        messages.map((message) => formatMessage(message, pkg)),
        [],
      )
    })

    it(`${manifest.name} has types that resolve`, async () => {
      const tarball = readFileSync(tarballs.get(manifest.name) as string)
      const result = await checkPackage(createPackageFromTarballData(tarball))
      // CommonJS reaches ES modules by require(esm), which Node 24 has; node10 is not supported.
      const accepted = new Set(['CJSResolvesToESM', 'NoResolution'])
      const problems = result.types === false ? [] : result.problems
      const serious = problems.filter(
        (problem) =>
          !accepted.has(problem.kind) ||
          (problem.kind === 'NoResolution' && problem.resolutionKind !== 'node10'),
      )
      assert.deepEqual(serious, [])
      assert.equal(result.types === false, manifest.exports === undefined)
    })
  }

  it('has a license, a source map and declarations in each tarball', async () => {
    for (const [name, file] of tarballs) {
      const { stdout } = await run('tar', ['-tzf', file])
      const files = stdout.split('\n')
      assert.ok(files.includes('package/LICENSE'), `${name} has no LICENSE`)
      assert.ok(
        files.some((each) => each.endsWith('.js.map')),
        `${name} has no source map`,
      )
      assert.deepEqual(
        files.filter((each) => /\.test\.|tsbuildinfo|\.declarations/.test(each)),
        [],
      )
    }
  })

  it('type-checks in a strict project without skipLibCheck', async () => {
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'nodenext',
          target: 'esnext',
          lib: ['esnext'],
          types: ['node'],
          strict: true,
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
          skipLibCheck: false,
          noEmit: true,
        },
        include: ['*.ts'],
      }),
    )
    const imports = Object.keys(entries).map(
      (entry, i) => `import * as m${i} from '${entry}'\nvoid m${i}`,
    )
    writeFileSync(join(project, 'entries.ts'), imports.join('\n'))
    await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], {
      cwd: project,
    }).catch((error: { stdout: string }) => assert.fail(error.stdout))
  })

  for (const [entry, names] of Object.entries(entries)) {
    it(`${entry} exports what its users import`, async () => {
      const text = `import * as m from '${entry}'; console.log(JSON.stringify(Object.keys(m)))`
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', text], {
        cwd: project,
      })
      const exported: unknown = JSON.parse(stdout)
      assert.ok(Array.isArray(exported))
      for (const name of names) assert.ok(exported.includes(name), `${name} is not exported`)
    })
  }

  it('runs on this Node', async () => {
    const { stdout } = await run(process.execPath, ['program.ts'], { cwd: project })
    assert.equal(stdout.trim(), expected)
  })

  it('runs on Node 24', async () => {
    const { stdout } = await run(await otherNode('24'), ['program.ts'], { cwd: project })
    assert.equal(stdout.trim(), expected)
  })

  it('reports on an older Node which one is needed', async () => {
    const old = await otherNode('20')
    for (const entry of Object.keys(entries)) {
      const failed = await run(old, ['--input-type=module', '-e', `import '${entry}'`], {
        cwd: project,
      }).then(
        () => assert.fail(`${entry} was imported`),
        (error: { stderr: string }) => error.stderr,
      )
      assert.match(failed, /millrace requires Node 24 or newer; this is v20/, entry)
    }
    const failed = await run(old, ['node_modules/millrace/bin/millrace.js', 'start'], {
      cwd: project,
    }).then(
      () => assert.fail('it started'),
      (error: { stderr: string }) => error.stderr,
    )
    assert.match(failed, /millrace requires Node 24 or newer; this is v20/)
  })

  it('starts from the command line and exits on SIGTERM', async () => {
    const text = `
      import { spawn } from 'node:child_process'
      const child = spawn(process.execPath, ['node_modules/millrace/bin/millrace.js', 'start', '--ephemeral', '--listen', '127.0.0.1:0'])
      child.stdout.on('data', (data) => { process.stdout.write(data); child.kill('SIGTERM') })
      child.stderr.on('data', (data) => process.stderr.write(data))
      child.on('exit', (code) => { process.exitCode = code ?? 1 })`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', text], {
      cwd: project,
    })
    assert.match(
      stdout,
      /^millrace ready kafka=127\.0\.0\.1:\d+ amqp=127\.0\.0\.1:\d+ registry=127\.0\.0\.1:\d+$/m,
    )
  })

  it('works in a single-file bundle, without its native helpers', async () => {
    const bundle = join(scratch, 'bundle.mjs')
    const lines = program
      .replaceAll("'gzip', 'snappy', 'lz4', 'zstd'", "'gzip', 'zstd'")
      .replaceAll('await using', 'const')
    await build({
      stdin: { contents: `${lines}\nprocess.exit(0)`, resolveDir: project, loader: 'ts' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile: bundle,
      banner: {
        js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url)",
      },
      logLevel: 'error',
    })
    const { stdout } = await run(process.execPath, [bundle], { cwd: scratch })
    assert.equal(stdout.trim(), 'none gzip zstd by JMS')
  })

  it('declares the repository that the documentation links to', () => {
    for (const { folder, manifest } of packages) {
      for (const field of [
        'description',
        'homepage',
        'bugs',
        'keywords',
        'sideEffects',
        'publishConfig',
      ]) {
        assert.notEqual(manifest[field], undefined, `${manifest.name} has no ${field}`)
      }
      assert.deepEqual(manifest.repository, {
        type: 'git',
        url: 'git+https://github.com/millrace/millrace.git',
        directory: `packages/${folder}`,
      })
      const readme = readFileSync(join(root, 'packages', folder, 'README.md'), 'utf8')
      const relative = [...readme.matchAll(/\]\((?!https:|#)([^)]*)\)/g)].map(
        ([, target]) => target,
      )
      assert.deepEqual(relative, [], `dead links on npm in the README of ${manifest.name}`)
    }
  })
})
