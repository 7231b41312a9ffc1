// SPDX-License-Identifier: Apache-2.0
import { dirname, join, normalize } from 'node:path/posix'
import { type Finding, lineOf, type Rule } from './finding.ts'
import { isTypeScript, type ProjectFile, packageOf } from './project-files.ts'

/** Packages that each package may import, tests aside (design: dependencies point one way). */
const allowedPackages: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ['base'],
  broker: ['base', 'protocol'],
  client: ['base', 'protocol'],
  amqp: ['base'],
  jms: ['base', 'amqp'],
  'jms-provider': ['base', 'amqp', 'client'],
  flume: ['base', 'client', 'jms', 'schema-registry'],
  'schema-registry': ['base', 'client'],
  testkit: ['base', 'protocol'],
  cli: [
    'base',
    'protocol',
    'broker',
    'client',
    'amqp',
    'jms',
    'jms-provider',
    'flume',
    'schema-registry',
  ],
}

/** Packages of those that are optional: imported when they are used, with `await import()`. */
const loadedOnUse: Readonly<Record<string, readonly string[]>> = { flume: ['schema-registry'] }

/** Node modules that reach the outside world, and the folders or files that may import them. */
const seams: readonly [modules: RegExp, allowed: RegExp][] = [
  [
    /^node:(net|tls|dgram|http|https|http2)$/,
    /^packages\/(base\/src\/(node-|network)|cli\/|flume\/src\/|amqp\/src\/network\/|broker\/src\/network\/|client\/src\/network\/|testkit\/)/,
  ],
  [
    /^node:(fs|fs\/promises)$/,
    /^packages\/(base\/src\/node-|cli\/|flume\/src\/|broker\/src\/log\/|testkit\/)/,
  ],
]

/** Modules that read the files named in a configuration: key stores, certificates, users. */
const configurationFiles =
  /^packages\/(client\/src\/security-properties|jms-provider\/src\/listener\/(users|listener-tls)|schema-registry\/src\/config\/server-tls)\.ts$/

/** Exports of these modules that reach nothing outside. */
const pureFunctions = new Set(['isIP', 'isIPv4', 'isIPv6', 'BlockList'])

interface Import {
  readonly target: string
  readonly isType: boolean
  /** Whether it imports only functions without side effects, such as `isIP`. */
  readonly isPure: boolean
  readonly offset: number
}

function importsOf(file: ProjectFile): Import[] {
  const { module } = file.syntax()
  const statements = [
    ...module.staticImports.map(({ start, moduleRequest, entries }) => ({
      target: moduleRequest.value,
      isType: entries.length > 0 && entries.every(({ isType }) => isType),
      isPure:
        entries.length > 0 &&
        entries.every(({ importName }) => pureFunctions.has(importName.name ?? '')),
      offset: start,
    })),
    ...module.staticExports.flatMap(({ start, entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest
          ? [{ target: moduleRequest.value, isType, isPure: false, offset: start }]
          : [],
      ),
    ),
  ]
  return statements
}

/** Packages and folders import in one direction, and the outside world only at the seams. */
export const imports: Rule = {
  name: 'imports',
  check(files) {
    const sources = files.filter(
      (file) => isTypeScript(file) && packageOf(file.path) !== undefined && !isTest(file.path),
    )
    return [...sources.flatMap(checkFile), ...upwardImports(sources), ...cycles(sources)]
  },
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts')
}

function checkFile(file: ProjectFile): Finding[] {
  const own = packageOf(file.path) as string
  return importsOf(file).flatMap(({ target, offset, isType, isPure }) => {
    const at = { file: file.path, line: lineOf(file.text, offset) }
    const other = /^@millrace\/([^/]+)/.exec(target)?.[1]
    const isTestHelper = other === 'testkit' && file.path.includes('/testing/')
    // Entry points of one package import each other by name.
    const allowed = [own, ...(allowedPackages[own] ?? [])]
    if (other !== undefined && !isTestHelper && !allowed.includes(other)) {
      return [{ ...at, text: `${own} must not import @millrace/${other}` }]
    }
    if (other !== undefined && !isType && loadedOnUse[own]?.includes(other) === true) {
      return [{ ...at, text: `@millrace/${other} is optional; import it with await import()` }]
    }
    if (target.startsWith('.') && packageOf(resolve(file.path, target)) !== own) {
      return [{ ...at, text: `${target} is in another package; import it by name` }]
    }
    const seam = seams.find(([modules]) => modules.test(target))
    const isAllowed =
      seam?.[1].test(file.path) || (target === 'node:fs' && configurationFiles.test(file.path))
    if (seam !== undefined && !isType && !isPure && !isAllowed) {
      return [{ ...at, text: `${target} is imported outside of the seams to network and disk` }]
    }
    return []
  })
}

function resolve(from: string, target: string): string {
  return normalize(join(dirname(from), target))
}

/** Imports of a module above that itself imports the importing folder. */
function upwardImports(sources: readonly ProjectFile[]): Finding[] {
  const graph = graphOf(sources)
  return sources.flatMap((file) => {
    const own = `${dirname(file.path)}/`
    return importsOf(file)
      .filter(({ target, isType }) => target.startsWith('..') && !isType)
      .map(({ target, offset }) => ({ offset, to: resolve(file.path, target) }))
      .filter(({ to }) => own.startsWith(`${dirname(to)}/`) && reaches(graph, to, own))
      .map(({ offset, to }) => ({
        file: file.path,
        line: lineOf(file.text, offset),
        text: `imports ${to} from the folder above, which imports this folder`,
      }))
  })
}

/** Imports by value between the modules of all packages. */
function graphOf(sources: readonly ProjectFile[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    sources.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ target, isType }) => target.startsWith('.') && !isType)
        .map(({ target }) => resolve(file.path, target)),
    ]),
  )
}

/** Whether a module imports, directly or indirectly, one below `folder`. */
function reaches(
  graph: ReadonlyMap<string, readonly string[]>,
  from: string,
  folder: string,
): boolean {
  const seen = new Set([from])
  for (const module of seen) {
    if (module.startsWith(folder)) return true
    for (const target of graph.get(module) ?? []) seen.add(target)
  }
  return false
}

/** Cycles of modules through imports by value. */
function cycles(sources: readonly ProjectFile[]): Finding[] {
  const graph = graphOf(sources)
  const findings: Finding[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    const start = path.indexOf(file)
    if (start >= 0) {
      const cycle = [...path.slice(start), file].map((each) => each.replace('packages/', ''))
      findings.push({ file, line: 1, text: `cycle of imports: ${cycle.join(' -> ')}` })
      return
    }
    if (done.has(file)) return
    path.push(file)
    for (const target of graph.get(file) ?? []) visit(target)
    path.pop()
    done.add(file)
  }
  for (const file of graph.keys()) visit(file)
  return findings
}
