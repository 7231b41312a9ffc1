// SPDX-License-Identifier: Apache-2.0
/**
 * Prepares the peers in other languages and runs every scenario against them:
 * `npm run test:interop`.
 *
 *     npm run test:interop                       all files, in two lanes
 *     npm run test:interop -- PATTERN [NAME]     files that match, and of them the tests whose
 *                                                names match
 *
 * Every file starts its own peers on ports that nothing else uses, so two files do not disturb each
 * other. `LANES` is how many run at the same time. The time of each file is printed at the end.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { preparePeers } from './peers.ts'

/** Files that take minutes, the longest first: the lanes then end at about the same time. */
const longest = [
  'clients',
  'share',
  'jms',
  'directory',
  'configs',
  'jms-cluster',
  'client',
  'tools',
  'authentication',
]

interface Result {
  readonly file: string
  readonly code: number
  readonly seconds: number
  readonly output: string
}

/**
 * For JVMs that run for seconds: optimized compilation and a concurrent collector use half of their
 * CPU time. The JVM may report these options on stderr.
 */
const JAVA_OPTIONS = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'

/** Runs one file in a separate process; its output is shown at once if nothing else runs. */
function run(file: string, names: readonly string[], isAlone: boolean): Promise<Result> {
  const began = performance.now()
  const runner = spawn(
    process.execPath,
    ['--conditions=millrace-src', '--test', '--test-timeout=300000', ...names, file],
    {
      stdio: ['ignore', isAlone ? 'inherit' : 'pipe', isAlone ? 'inherit' : 'pipe'],
      env: { JDK_JAVA_OPTIONS: JAVA_OPTIONS, ...process.env },
    },
  )
  let output = ''
  for (const stream of [runner.stdout, runner.stderr]) {
    stream?.on('data', (data) => {
      output += data
    })
  }
  return new Promise((resolve) => {
    runner.on('close', (code) => {
      resolve({ file, code: code ?? 1, seconds: (performance.now() - began) / 1000, output })
    })
  })
}

function nameOf(file: string): string {
  return basename(file, '.test.ts')
}

/** Files that may take long first. */
function inOrder(files: readonly string[]): string[] {
  const rank = (file: string): number => {
    const at = longest.indexOf(nameOf(file))
    return at < 0 ? longest.length : at
  }
  return files.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

/** Runs all files, `lanes` at a time. */
async function runAll(
  files: readonly string[],
  names: readonly string[],
  lanes: number,
): Promise<Result[]> {
  const waiting = inOrder(files)
  const results: Result[] = []
  const lane = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await run(file, names, false)
      results.push(result)
      process.stdout.write(result.output)
      process.stdout.write(
        `interop: ${nameOf(file)} finished after ${result.seconds.toFixed(0)} s\n`,
      )
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return results
}

const [pattern = 'interop/*.test.ts', name] = process.argv.slice(2)
const files = globSync(pattern)
if (files.length === 0) {
  process.stderr.write(`interop: no files match ${pattern}\n`)
  process.exit(1)
}
try {
  await preparePeers()
} catch (error) {
  process.stderr.write(`interop: ${(error as Error).message}\n`)
  process.exit(1)
}
const names = name === undefined ? [] : [`--test-name-pattern=${name}`]
const began = performance.now()
const results =
  files.length === 1
    ? [await run(files[0] ?? '', names, true)]
    : await runAll(files, names, Number(process.env.LANES ?? 2))
results.sort((a, b) => b.seconds - a.seconds)
for (const { file: each, code, seconds } of results) {
  const verdict = code === 0 ? '' : ' FAILED'
  process.stdout.write(`interop: ${seconds.toFixed(0).padStart(5)} s ${nameOf(each)}${verdict}\n`)
}
process.stdout.write(`interop: ${((performance.now() - began) / 1000).toFixed(0)} s in all\n`)
process.exitCode = results.some(({ code }) => code !== 0) ? 1 : 0
