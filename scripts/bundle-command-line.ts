// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './packages.ts'

/**
 * Bundles the command line with all packages of this repository, for tests that start it often:
 * see `millraceArguments` in the testkit. Returns the path of the program.
 */
export async function bundleCommandLine(): Promise<string> {
  const directory = join(root, 'packages/cli')
  const outdir = join(directory, '.bundle')
  await build({
    entryPoints: { main: join(directory, 'src/main.ts') },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    conditions: ['millrace-src'],
    logLevel: 'warning',
    plugins: [
      {
        name: 'packages of others stay imports',
        setup({ onResolve }) {
          onResolve({ filter: /^[^./]/ }, ({ path }) =>
            path.startsWith('@millrace/') ? undefined : { path, external: true },
          )
        },
      },
    ],
  })
  return join(outdir, 'main.js')
}
