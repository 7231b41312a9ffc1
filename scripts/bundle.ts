// SPDX-License-Identifier: Apache-2.0
// Makes what is published: one file a package in place of dozens, which starts two to three times as fast.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const packages = join(import.meta.dirname, '../packages')
const libraries = ['base', 'protocol', 'broker', 'client', 'testkit', 'amqp', 'jms', 'jms-provider']

const common = {
  bundle: true,
  // Each package has its own file; what it imports from others stays an import.
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  logLevel: 'warning',
} as const

await Promise.all(
  libraries.map((name) =>
    build({
      ...common,
      entryPoints: [join(packages, name, 'src/index.ts')],
      outfile: join(packages, name, 'dist/index.js'),
    }),
  ),
)
// Loaded by who speaks over WebSocket only.
await build({
  ...common,
  entryPoints: [join(packages, 'amqp/src/network/web-socket.ts')],
  outfile: join(packages, 'amqp/dist/web-socket.js'),
})
// The contract suite shares its classes with the components it is for.
rmSync(join(packages, 'flume/dist/chunks'), { recursive: true, force: true })
await build({
  ...common,
  entryPoints: {
    index: join(packages, 'flume/src/index.ts'),
    testing: join(packages, 'flume/src/testing/index.ts'),
  },
  outdir: join(packages, 'flume/dist'),
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
})
// The command line loads each command when it is called for.
rmSync(join(packages, 'cli/dist/chunks'), { recursive: true, force: true })
await build({
  ...common,
  entryPoints: [join(packages, 'cli/src/main.ts')],
  outdir: join(packages, 'cli/dist'),
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
})
