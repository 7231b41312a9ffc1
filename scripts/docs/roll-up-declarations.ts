// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'

/**
 * Writes one declaration file per entry point into `dist` of a package, from those that `tsc` wrote
 * per module; declarations shared by entry points are in one chunk. `entries` has the sources by
 * output name.
 */
export async function rollUpDeclarations(
  directory: string,
  entries: ReadonlyMap<string, string>,
): Promise<void> {
  const declarationOf = (source: string): string =>
    source
      .replace(join(directory, 'src'), join(directory, '.declarations'))
      .replace(/\.ts$/, '.d.ts')
  const bundle = await rolldown({
    input: Object.fromEntries(
      [...entries].map(([output, source]) => [output, declarationOf(source)]),
    ),
    plugins: [dts({ dtsInput: true, oxc: true })],
    external: (id) => !id.startsWith('.') && !id.startsWith('/'),
    logLevel: 'silent',
  })
  await bundle.write({
    dir: join(directory, 'dist'),
    entryFileNames: '[name].ts',
    chunkFileNames: 'chunks/[name]-[hash].d.ts',
  })
  await bundle.close()
}
