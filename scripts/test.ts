// SPDX-License-Identifier: Apache-2.0
/**
 * Runs the tests that need Node only, and prints how long each part took.
 *
 *     node scripts/test.ts                  everything: npm test
 *     node scripts/test.ts unit             tests of decisions and bytes: npm run test:unit
 *     node scripts/test.ts FILE...          these files
 *
 * Sources are stripped of their types and compiled once: the results are kept in
 * `node_modules/.cache`. Two thirds of the CPU time of a run would go there otherwise.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './packages.ts'

/** A run of Node's test runner. */
interface Part {
  readonly name: string
  readonly files: readonly string[]
  /** All files in one process: for tests that start no servers and leave nothing behind. */
  readonly isOneProcess: boolean
}

function filesOf(pattern: string): string[] {
  return globSync(pattern, { cwd: root }).sort()
}

/** Tests beside the sources; those of the command line start processes. */
const unitFiles = filesOf('packages/*/src/**/*.test.ts').filter(
  (file) => !/^packages.cli./.test(file),
)

const parts: readonly Part[] = [
  { name: 'unit', files: unitFiles, isOneProcess: true },
  {
    name: 'across packages',
    files: [...filesOf('packages/cli/src/**/*.test.ts'), ...filesOf('test/**/*.test.ts')],
    isOneProcess: false,
  },
]

function selectedParts(args: readonly string[]): readonly Part[] {
  if (args.length === 0) return parts
  const named = parts.filter(({ name }) => args.includes(name))
  if (named.length > 0) return named
  return [{ name: 'selected', files: args, isOneProcess: false }]
}

function run({ files, isOneProcess }: Part): Promise<number> {
  const isolation = isOneProcess ? ['--test-isolation=none'] : []
  const child = spawn(
    process.execPath,
    ['--conditions=millrace-src', '--test', '--test-timeout=300000', ...isolation, ...files],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/millrace'),
        ...process.env,
      },
    },
  )
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)))
}

const took: string[] = []
for (const part of selectedParts(process.argv.slice(2))) {
  const began = performance.now()
  const code = await run(part)
  took.push(`${part.name} ${((performance.now() - began) / 1000).toFixed(1)} s`)
  if (code !== 0) process.exitCode = code
}
process.stdout.write(`npm test: ${took.join(', ')}\n`)
