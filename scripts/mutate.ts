// SPDX-License-Identifier: Apache-2.0
/**
 * Changes the most important decisions, one place at a time, and runs the unit tests beside them: a
 * change that no test notices is a rule without a test.
 *
 *     node scripts/mutate.ts                   all decisions of scripts/mutate/decisions.ts
 *     node scripts/mutate.ts metadata session  those whose name contains one of these words
 *     node scripts/mutate.ts --processes=4     runs four tests at a time; default 2
 *
 * Prints each survivor and exits with 1 if there is one. Files are never changed: the test reads
 * the changed source in place of the file.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Decision, decisions } from './mutate/decisions.ts'
import { type Mutant, mutantsOf } from './mutate/mutants.ts'
import { root } from './packages.ts'

/** A mutant may loop forever. */
const TIMEOUT_MS = 30_000

const args = process.argv.slice(2)
const words = args.filter((arg) => !arg.startsWith('--'))
const processes = Number(args.find((arg) => arg.startsWith('--processes='))?.split('=')[1] ?? '2')
const folder = mkdtempSync(join(tmpdir(), 'mutants-'))
let count = 0

/** Whether all tests of the decision pass with this source. */
async function passes({ file, tests }: Decision, source: string): Promise<boolean> {
  const path = join(folder, `${count++}.ts`)
  writeFileSync(path, source)
  for (const test of tests) {
    if (!(await run(test, { MUTATED_FILE: join(root, file), MUTATED_SOURCE: path }))) return false
  }
  return true
}

function run(test: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [
        '--conditions=millrace-src',
        '--import',
        join(root, 'scripts/mutate/replace-source.ts'),
        `--test-reporter=${join(root, 'scripts/mutate/first-failure.ts')}`,
        '--test-reporter-destination=stdout',
        join(root, test),
      ],
      {
        cwd: root,
        stdio: 'ignore',
        env: {
          NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/millrace'),
          ...process.env,
          ...env,
        },
      },
    )
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve(code === 0)
    })
  })
}

/** The mutants of a decision that its tests do not notice. */
async function survivorsOf(decision: Decision, mutants: readonly Mutant[]): Promise<Mutant[]> {
  const survivors: Mutant[] = []
  const waiting = [...mutants]
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      if (await passes(decision, mutant.source)) survivors.push(mutant)
    }
  }
  await Promise.all(Array.from({ length: processes }, work))
  return survivors.sort((a, b) => a.line - b.line)
}

let total = 0
let undetected = 0
try {
  const chosen = decisions.filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  )
  for (const decision of chosen) {
    const began = performance.now()
    const source = readFileSync(join(root, decision.file), 'utf8')
    if (!(await passes(decision, source))) throw new Error(`${decision.name}: its tests fail`)
    const mutants = mutantsOf(decision.file, source, decision.functions)
    const equivalent = decision.equivalent ?? {}
    const survivors = await survivorsOf(
      decision,
      mutants.filter(({ text }) => !(text in equivalent)),
    )
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    const known = mutants.filter(({ text }) => text in equivalent).length
    process.stdout.write(
      `${decision.name}: ${mutants.length} mutants, ${known} equivalent, ${survivors.length} survive (${seconds} s)\n`,
    )
    for (const { line, text } of survivors) {
      process.stdout.write(`  ${decision.file}:${line}: ${text}\n`)
    }
    total += mutants.length
    undetected += survivors.length
  }
} finally {
  rmSync(folder, { recursive: true })
}
process.stdout.write(`${total} mutants, ${undetected} survive\n`)
if (undetected > 0) process.exitCode = 1
