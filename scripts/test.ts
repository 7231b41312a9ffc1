// SPDX-License-Identifier: Apache-2.0
/**
 * Runs the tests that need Node only, and prints how long each part took.
 *
 *     node scripts/test.ts                  everything: npm test
 *     node scripts/test.ts unit             tests of decisions and bytes: npm run test:unit
 *     node scripts/test.ts hostile          clients that misbehave: npm run test:hostile
 *     node scripts/test.ts nightly          long loops in full: npm run test:nightly
 *     node scripts/test.ts FILE...          these files
 *
 * Sources are stripped of their types and compiled once: the results are kept in
 * `node_modules/.cache`. Two thirds of the CPU time of a run would go there otherwise.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { bundleCommandLine } from './bundle-command-line.ts'
import { root } from './packages.ts'

/** Processes of Node's test runner that may run concurrently. */
interface Part {
  readonly name: string
  readonly lanes: readonly Lane[]
}

interface Lane {
  readonly files: readonly string[]
  /** All files in one process: for tests that start no servers and leave nothing open. */
  readonly isOneProcess?: boolean
  /** Files that run at the same time; by default one per core but one. */
  readonly concurrency?: number
  readonly environment?: Readonly<Record<string, string>>
  /** Module of this folder that sets how many inputs properties try; by default 100. */
  readonly properties?: 'quick-properties' | 'thorough-properties'
}

function filesOf(pattern: string): string[] {
  return globSync(pattern, { cwd: root }).sort()
}

/** Tests beside the sources; those of the command line start processes. */
const unitFiles = [
  ...filesOf('packages/*/src/**/*.test.ts').filter((file) => !/^packages.cli./.test(file)),
  ...filesOf('scripts/tidy/*.test.ts'),
]

/** CPU time of the packages that need more than a second, in milliseconds. */
const workMs: Readonly<Record<string, number>> = {
  flume: 4200,
  broker: 3200,
  protocol: 1900,
  client: 1500,
}
/** CPU time of the other packages on average. */
const USUAL_MS = 700

/** One process per core, each with whole packages, so that few sources are loaded twice. */
function unitLanes(options: Pick<Lane, 'properties'> = {}): Lane[] {
  const byPackage = Map.groupBy(unitFiles, (file) => file.split(/[/\\]/)[1] ?? '')
  const weighted = [...byPackage].map(([name, files]) => ({
    files,
    workMs: workMs[name] ?? USUAL_MS,
  }))
  const lanes = Array.from({ length: Math.min(2, availableParallelism()) }, () => ({
    workMs: 0,
    files: [] as string[],
  }))
  for (const each of weighted.sort((a, b) => b.workMs - a.workMs)) {
    const lane = lanes.reduce((a, b) => (b.workMs < a.workMs ? b : a))
    lane.files.push(...each.files)
    lane.workMs += each.workMs
  }
  return lanes.map(({ files }) => ({ files, isOneProcess: true, ...options }))
}

const acrossPackages = [
  ...filesOf('packages/cli/src/**/*.test.ts'),
  ...filesOf('test/**/*.test.ts'),
]

/** Files that often wait share a core. */
const concurrency = availableParallelism() * 2

const usualParts: readonly Part[] = [
  { name: 'unit', lanes: unitLanes() },
  { name: 'across packages', lanes: [{ files: acrossPackages, concurrency }] },
]

/** Parts that run only when they are named. */
const furtherParts: readonly Part[] = [
  { name: 'unit', lanes: unitLanes({ properties: 'quick-properties' }) },
  { name: 'hostile', lanes: [{ files: ['test/hostile/suite.ts'] }] },
  {
    name: 'nightly',
    lanes: [
      {
        files: [...unitFiles, ...acrossPackages],
        concurrency,
        environment: { THOROUGH: '1', DISK_FAULTS: 'all' },
        properties: 'thorough-properties',
      },
    ],
  },
  {
    name: 'nightly hostile',
    lanes: [
      {
        files: ['test/hostile/suite.ts'],
        environment: { THOROUGH: '1', FRAMES: 'all' },
        properties: 'thorough-properties',
      },
    ],
  },
]

function selectedParts(args: readonly string[]): readonly Part[] {
  if (args.length === 0) return usualParts
  const named = [...usualParts.slice(1), ...furtherParts].filter(({ name }) =>
    args.some((arg) => name === arg || name.startsWith(`${arg} `)),
  )
  if (named.length > 0) return named
  return [{ name: 'selected', lanes: [{ files: args }] }]
}

/** The output of concurrent lanes is printed lane by lane. */
async function run(lane: Lane, isAlone: boolean): Promise<number> {
  const isThorough = lane.environment?.THOROUGH !== undefined
  const child = spawn(
    process.execPath,
    [
      '--conditions=millrace-src',
      '--test',
      `--test-timeout=${isThorough ? 3_600_000 : 300_000}`,
      ...(lane.properties === undefined
        ? []
        : ['--import', join(root, `scripts/${lane.properties}.ts`)]),
      ...(lane.isOneProcess === true ? ['--test-isolation=none'] : []),
      ...(lane.concurrency === undefined ? [] : [`--test-concurrency=${lane.concurrency}`]),
      ...lane.files,
    ],
    {
      cwd: root,
      stdio: ['inherit', isAlone ? 'inherit' : 'pipe', 'inherit'],
      env: {
        NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/millrace'),
        ...process.env,
        ...lane.environment,
      },
    },
  )
  const output: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise<number>((resolve) => {
    child.on('close', (status) => resolve(status ?? 1))
  })
  process.stdout.write(Buffer.concat(output))
  return code
}

const parts = selectedParts(process.argv.slice(2))
if (parts.some(({ name }) => name !== 'unit')) process.env.MILLRACE_MAIN = await bundleCommandLine()
const took: string[] = []
for (const { name, lanes } of parts) {
  const began = performance.now()
  const codes = await Promise.all(lanes.map((lane) => run(lane, lanes.length === 1)))
  took.push(`${name} ${((performance.now() - began) / 1000).toFixed(1)} s`)
  process.exitCode = Math.max(Number(process.exitCode ?? 0), ...codes)
}
process.stdout.write(`npm test: ${took.join(', ')}\n`)
