// SPDX-License-Identifier: Apache-2.0
/**
 * Builds `dist` of the packages: one JavaScript file per entry point, which starts two to three
 * times as fast as many small files (docs/decisions/0006), with a source map, and one declaration
 * file per entry point.
 *
 *     node scripts/build.ts [FOLDER...]     all packages by default
 *
 * `tsc -b` must have written the declarations first.
 */
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { rollUpDeclarations } from './docs/roll-up-declarations.ts'
import { root, type Workspace, workspaces } from './packages.ts'

const common: BuildOptions = {
  bundle: true,
  // Imports of other packages stay imports: a program has a single `@millrace/base`.
  packages: 'external',
  format: 'esm',
  platform: 'node',
  // Syntax that an older Node can parse, so that `@millrace/base` can report which Node is needed.
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
}

/** Entry points of a package: the output name within `dist`, without extension, and the source. */
function entriesOf({ directory, manifest }: Workspace): ReadonlyMap<string, string> {
  const entries = new Map<string, string>()
  for (const target of Object.values(manifest.exports ?? {})) {
    if (typeof target !== 'object') continue
    const output = target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '')
    entries.set(output, join(directory, target['millrace-src']))
  }
  return entries
}

async function buildPackage(workspace: Workspace): Promise<void> {
  const { directory } = workspace
  const dist = join(directory, 'dist')
  const entries = entriesOf(workspace)
  const isCommandLine = workspace.manifest.bin !== undefined
  const programs = isCommandLine ? { main: join(directory, 'src/main.ts') } : {}
  rmSync(dist, { recursive: true, force: true })
  await build({
    ...common,
    entryPoints: { ...Object.fromEntries(entries), ...programs },
    outdir: dist,
    // Entry points share their classes; the command line loads each command on first use.
    splitting: entries.size > 1 || isCommandLine,
    chunkNames: 'chunks/[name]-[hash]',
  })
  if (entries.size > 0) await rollUpDeclarations(directory, entries)
  copyFileSync(join(root, 'LICENSE'), join(directory, 'LICENSE'))
}

const folders = process.argv.slice(2)
for (const workspace of workspaces()) {
  if (folders.length === 0 || folders.includes(workspace.folder)) await buildPackage(workspace)
}
