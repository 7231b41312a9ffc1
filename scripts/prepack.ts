// SPDX-License-Identifier: Apache-2.0
// Runs before `npm pack` and `npm publish` in the folder of a package: builds what is packed.
import { execFileSync } from 'node:child_process'
import { basename, join } from 'node:path'
import { root } from './packages.ts'

const directory = process.cwd()
const run = (program: string, ...args: string[]): void => {
  execFileSync(process.execPath, [program, ...args], { stdio: 'inherit' })
}
run(join(root, 'node_modules/typescript/bin/tsc'), '-b', directory)
run(join(root, 'scripts/build.ts'), basename(directory))
