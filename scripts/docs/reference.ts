// SPDX-License-Identifier: Apache-2.0
// Writes the API reference of all published packages to `docs/api`, from the declarations in
// `dist`: `npm run docs`.
import { globSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Application } from 'typedoc'
import { publishedWorkspaces, root } from '../packages.ts'

const target = join(root, 'docs/api')
const entryPoints = publishedWorkspaces()
  // The package of the command line only re-exports the others.
  .filter(({ manifest }) => manifest.bin === undefined)
  .flatMap(({ directory }) => globSync(join(directory, 'dist/*.d.ts')))

const tsconfig = join(root, 'node_modules/.cache/typedoc.json')
writeFileSync(
  tsconfig,
  JSON.stringify({
    compilerOptions: {
      module: 'nodenext',
      target: 'esnext',
      lib: ['esnext'],
      types: ['node'],
      strict: true,
      skipLibCheck: true,
    },
    files: entryPoints,
  }),
)

rmSync(target, { recursive: true, force: true })
const application = await Application.bootstrap({
  name: 'millrace',
  entryPoints,
  tsconfig,
  readme: 'none',
  disableSources: true,
  excludePrivate: true,
  // Names from packages that are not exported are shown as plain text.
  validation: { notExported: false, invalidLink: true, notDocumented: false },
  navigationLinks: { GitHub: 'https://github.com/millrace/millrace' },
})
const project = await application.convert()
if (project === undefined || application.logger.hasErrors()) process.exit(1)
await application.generateDocs(project, target)
process.stdout.write(`wrote ${target}/index.html\n`)
