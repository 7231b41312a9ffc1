// SPDX-License-Identifier: Apache-2.0
// The rules of the registry, as tables: operations on a state, without topic and HTTP.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TaskEvaluator } from '../evaluation/evaluation-task.ts'
import { SchemaEvaluator } from '../evaluation/schema-evaluator.ts'
import { sampleFormat } from '../testing/sample-format.ts'
import type { Decision, RegistryView } from './decision.ts'
import { deleteContext, deleteSubject, deleteVersion, undelete } from './deletion.ts'
import { deleteMode, deleteSettings, setMode, setSettings } from './modes.ts'
import { checkSchema, lookUp, register, type SchemaRequest } from './register.ts'
import { RegistryError } from './registry-error.ts'
import { decodeRecord, encodeRecord, type RegistryRecord } from './registry-record.ts'
import { RegistryState } from './registry-state.ts'
import { SchemaParser } from './schema-parser.ts'
import { readMode } from './settings.ts'

const formats = [sampleFormat('AVRO'), sampleFormat('JSON'), sampleFormat('PROTOBUF')]

/** A registry in memory. Every record is encoded and decoded, as by the topic. */
class Bench implements RegistryView {
  readonly parser: SchemaParser
  state = emptyState()
  readonly log: RegistryRecord[] = []
  readonly #assigned = new Map<string, number>()

  constructor(evaluator?: SchemaEvaluator) {
    this.parser = new SchemaParser(formats, evaluator)
  }

  commit<T>({ records, reply }: Decision<T>): T {
    for (const record of records) this.append(record)
    return reply
  }

  append(record: RegistryRecord): boolean {
    this.log.push(record)
    const { key, value } = encodeRecord(record)
    const decoded = decodeRecord(Buffer.from(key), value === null ? null : Buffer.from(value))
    assert.deepEqual(encodeRecord(decoded), { key, value }, 'a record is unchanged when it is read')
    return this.state.apply(decoded, { timestampMs: 1, keyText: key })
  }

  /** Restarts on what compaction leaves: the last record of each key. */
  restart(): void {
    const last = new Map<string, RegistryRecord>()
    for (const record of this.log) {
      const { key } = encodeRecord(record)
      last.delete(key)
      last.set(key, record)
    }
    this.state = emptyState()
    this.#assigned.clear()
    this.log.length = 0
    for (const record of last.values()) {
      const isTombstone = encodeRecord(record).value === null
      if (!isTombstone) this.append(record)
    }
  }

  nextId(context: string): number {
    const id = Math.max(this.state.maxId(context), this.#assigned.get(context) ?? 0) + 1
    this.#assigned.set(context, id)
    return id
  }
}

function emptyState(): RegistryState {
  return new RegistryState({
    settings: { compatibilityLevel: 'BACKWARD' },
    mode: 'READWRITE',
    validateFields: false,
    validateNewSchemas: false,
  })
}

function schemaOf(text: string, more: Partial<SchemaRequest> = {}): SchemaRequest {
  return {
    schema: text,
    schemaType: 'AVRO',
    references: [],
    metadata: undefined,
    ruleSet: undefined,
    id: undefined,
    version: 0,
    ...more,
  }
}

interface StepOptions extends Partial<SchemaRequest> {
  readonly normalize?: boolean
  readonly force?: boolean
}

/** Operations by name; each returns what a table shows. */
const operations = {
  register(bench: Bench, subject: string, text: string, options: StepOptions = {}): string {
    const { normalize = false, force = false, ...more } = options
    const { id, version } = bench.commit(
      register(bench, subject, schemaOf(text, more), {
        normalize,
        force,
        nextId: (context) => bench.nextId(context),
      }),
    )
    return `id ${id} v${version}`
  },
  lookUp(bench: Bench, subject: string, text: string, more: Partial<SchemaRequest> = {}): string {
    const options = { normalize: false, includesDeleted: false }
    const entry = lookUp(bench, subject, schemaOf(text, more), options)
    return entry === undefined ? 'none' : `id ${entry.id} v${entry.version}`
  },
  references: (bench: Bench, subject: string, version: number): string | undefined =>
    bench.state
      .entry(subject, version)
      ?.references.map((each) => `${each.name}=${each.subject}:${each.version}`)
      .join(' '),
  versions: (bench: Bench, subject: string): string =>
    bench.state
      .versions(subject, 'all')
      .map(({ version, deleted }) => (deleted ? `-${version}` : String(version)))
      .join(' '),
  delete: (bench: Bench, subject: string, version: number): number =>
    bench.commit(deleteVersion(bench, subject, { version, permanent: false })),
  hardDelete: (bench: Bench, subject: string, version: number): number =>
    bench.commit(deleteVersion(bench, subject, { version, permanent: true })),
  deleteSubject: (bench: Bench, subject: string): string =>
    bench.commit(deleteSubject(bench, subject, { permanent: false })).join(' '),
  hardDeleteSubject: (bench: Bench, subject: string): string =>
    bench.commit(deleteSubject(bench, subject, { permanent: true })).join(' '),
  undelete: (bench: Bench, subject: string, version?: number): string =>
    bench.commit(undelete(bench, subject, version)).join(' '),
  deleteContext: (bench: Bench, context: string): undefined =>
    bench.commit(deleteContext(bench, context)),
  mode: (bench: Bench, scope: string, mode: string | null, force = false): undefined =>
    bench.commit(setMode(bench, scope, { mode: readMode(mode), force })),
  deleteMode: (bench: Bench, scope: string, recursive = false): string | undefined =>
    bench.commit(deleteMode(bench, scope, { recursive })),
  modeOf: (bench: Bench, scope: string): string => bench.state.mode(scope),
  config: (bench: Bench, scope: string, update: object): string =>
    JSON.stringify(bench.commit(setSettings(bench, scope, { ...update }))),
  deleteConfig: (bench: Bench, scope: string): string =>
    JSON.stringify(bench.commit(deleteSettings(bench, scope))),
  check(bench: Bench, subject: string, text: string, more: Partial<SchemaRequest> = {}): string {
    const versions = bench.state.versions(subject)
    const { messages } = checkSchema(bench, subject, schemaOf(text, more), {
      normalize: false,
      versions,
    })
    return messages.length === 0 ? 'compatible' : messages.join(' ')
  },
  contexts: (bench: Bench): string => bench.state.contexts().join(' '),
  restart: (bench: Bench): undefined => {
    bench.restart()
  },
} as const

type Operations = typeof operations
type Rest<T> = T extends (bench: Bench, ...rest: infer R) => unknown ? R : never
type Step = {
  [K in keyof Operations]: readonly [name: K, rest: Rest<Operations[K]>, outcome?: unknown]
}[keyof Operations]

/** Performs a step, and checks its outcome. A number above 400 is the code of an error. */
function perform(bench: Bench, [name, rest, outcome]: Step, index: number): void {
  const operation = operations[name] as (bench: Bench, ...rest: unknown[]) => unknown
  let found: unknown
  try {
    found = operation(bench, ...rest)
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    found = error.errorCode
  }
  const where = `step ${index + 1}: ${name} ${JSON.stringify(rest)}`
  if (outcome !== undefined || found !== undefined) assert.deepEqual(found, outcome, where)
}

/** Runs the steps of a table. */
function run(steps: readonly Step[]): Bench {
  const bench = new Bench()
  for (const [index, step] of steps.entries()) perform(bench, step, index)
  return bench
}

/** Runs the steps of a table with schemas that are evaluated elsewhere, or only a few per turn. */
async function runDeferred(
  steps: readonly Step[],
  limits: ConstructorParameters<typeof SchemaEvaluator>[1],
): Promise<void> {
  const elsewhere = new TaskEvaluator(formats)
  const evaluator = new SchemaEvaluator(
    {
      // Tasks and outcomes are copied, as between threads.
      evaluate: async (task) => structuredClone(elsewhere.evaluate(structuredClone(task))),
    },
    limits,
  )
  const bench = new Bench(evaluator)
  for (const [index, step] of steps.entries()) {
    await evaluator.run(() => perform(bench, step, index))
  }
}

const inFirst = { name: 'A', subject: 's1', version: 1 }
const alsoInFirst = { name: 'B', subject: 's1', version: 1 }
const inSecond = { name: 'A', subject: 's2', version: 1 }
const unsorted = [inSecond, inFirst, alsoInFirst, inFirst]
const sorted = [inFirst, alsoInFirst, inSecond]

const table: Readonly<Record<string, readonly Step[]>> = {
  'ids count per context, versions per subject': [
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['register', ['a', '{"x":2}'], 'id 2 v2'],
    ['register', ['b', '{"x":3}'], 'id 3 v1'],
    ['register', [':.c:a', '{"x":4}'], 'id 1 v1'],
    ['contexts', [], '. .c'],
  ],
  'the same schema has the same id in all subjects of a context': [
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['register', ['a', '{ "x" : 1 }'], 'id 1 v1'],
    ['register', ['b', '{"y":1}'], 'id 2 v1'],
    ['register', ['b', '{"x":1}'], 'id 1 v2'],
    ['lookUp', ['b', '{"x":1}'], 'id 1 v2'],
    ['lookUp', ['c', '{"x":1}'], 'none'],
  ],
  'a lookup ignores the order of keys': [
    ['register', ['a', '{"x":1,"y":2}'], 'id 1 v1'],
    ['lookUp', ['a', '{"y":2,"x":1}'], 'id 1 v1'],
    ['register', ['a', '{"y":2,"x":1}'], 'id 1 v1'],
  ],
  'normalize stores the normal form': [
    ['register', ['a', '{"y":2,"x":1}', { normalize: true }], 'id 1 v1'],
    ['register', ['b', '{"x":1,"y":2}'], 'id 1 v1'],
    ['config', ['c', { normalize: true }], '{"normalize":true}'],
    ['register', ['c', '{"y":2,"x":1}'], 'id 1 v1'],
  ],
  'normalize sorts references by subject and version, and stores each once': [
    ['register', ['s1', '{"x":1}'], 'id 1 v1'],
    ['register', ['s2', '{"x":2}'], 'id 2 v1'],
    ['register', ['a', '{"y":1}', { normalize: true, references: unsorted }], 'id 3 v1'],
    ['references', ['a', 1], 'A=s1:1 B=s1:1 A=s2:1'],
    ['register', ['a', '{"y":1}', { normalize: true, references: sorted }], 'id 3 v1'],
    ['lookUp', ['a', '{"y":1}', { references: sorted }], 'id 3 v1'],
    ['register', ['b', '{"y":1}', { references: unsorted }], 'id 4 v1'],
    ['references', ['b', 1], 'A=s2:1 A=s1:1 B=s1:1 A=s1:1'],
  ],
  'invalid schemas are refused': [
    ['register', ['a', 'nonsense'], 42201],
    ['register', ['a', ''], 42201],
    ['register', ['a', '{}', { schemaType: 'XML' }], 42201],
    ['register', ['a', '{}', { references: [{ name: 'R', subject: 'none', version: 1 }] }], 42201],
    ['config', ['a', { validateNewSchemas: true }], '{"validateNewSchemas":true}'],
    ['register', ['a', '{"problem":1}'], 42201],
    ['register', ['b', '{"problem":1}'], 'id 1 v1'],
  ],
  'a version may be given if it is the next one': [
    ['register', ['a', '{"x":1}', { version: 1 }], 'id 1 v1'],
    ['register', ['a', '{"x":2}', { version: 3 }], 42201],
    ['register', ['a', '{"x":2}', { version: 2 }], 'id 2 v2'],
  ],
  'a soft-deleted version keeps its number; the schema returns as a new version': [
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['register', ['a', '{"x":2}'], 'id 2 v2'],
    ['delete', ['a', 2], 2],
    ['versions', ['a'], '1 -2'],
    ['delete', ['a', 2], 40406],
    ['lookUp', ['a', '{"x":2}'], 'none'],
    ['register', ['a', '{"x":2}'], 'id 2 v3'],
    ['versions', ['a'], '1 3'],
  ],
  'deletion is soft first': [
    ['hardDelete', ['a', 1], 40401],
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['hardDelete', ['a', 1], 40407],
    ['hardDeleteSubject', ['a'], 40405],
    ['delete', ['a', 9], 40402],
    ['delete', ['a', -1], 1],
    ['deleteSubject', ['a'], 40404],
    ['hardDelete', ['a', 1], 1],
    ['deleteSubject', ['a'], 40401],
    ['register', ['a', '{"x":2}'], 'id 2 v1'],
  ],
  'a subject is deleted with its versions, mode and settings': [
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['register', ['a', '{"x":2}'], 'id 2 v2'],
    ['config', ['a', { compatibility: 'none' }], '{"compatibilityLevel":"NONE"}'],
    ['deleteSubject', ['a'], '1 2'],
    ['versions', ['a'], '-1 -2'],
    ['hardDeleteSubject', ['a'], '1 2'],
    ['versions', ['a'], ''],
    ['deleteConfig', ['a'], 40401],
  ],
  'the highest id is not assigned again after a hard delete and a restart': [
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['register', ['b', '{"x":2}'], 'id 2 v1'],
    ['delete', ['b', 1], 1],
    ['hardDelete', ['b', 1], 1],
    ['restart', []],
    ['restart', []],
    ['register', ['b', '{"x":3}'], 'id 3 v1'],
    ['deleteSubject', ['b'], '1'],
    ['hardDeleteSubject', ['b'], '1'],
    ['restart', []],
    ['register', ['b', '{"x":4}'], 'id 4 v1'],
    ['deleteSubject', ['b'], '1'],
    ['deleteSubject', ['a'], '1'],
    ['mode', ['', 'IMPORT']],
    ['mode', ['', 'READWRITE']],
    ['restart', []],
    ['register', ['c', '{"x":5}'], 'id 5 v1'],
  ],
  'an overwritten import keeps the highest id': [
    ['mode', ['a', 'IMPORT']],
    ['register', ['a', '{"x":1}', { id: 9, version: 1 }], 'id 9 v1'],
    ['register', ['a', '{"x":2}', { id: 4, version: 1 }], 'id 4 v1'],
    ['restart', []],
    ['register', ['b', '{"x":3}'], 'id 10 v1'],
  ],
  'deleted versions can be restored': [
    ['undelete', ['a'], 40401],
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['register', ['a', '{"x":2}'], 'id 2 v2'],
    ['undelete', ['a'], 40402],
    ['deleteSubject', ['a'], '1 2'],
    ['undelete', ['a', 2], '2'],
    ['versions', ['a'], '-1 2'],
    ['restart', []],
    ['versions', ['a'], '-1 2'],
    ['undelete', ['a'], '1'],
    ['lookUp', ['a', '{"x":1}'], 'id 1 v1'],
  ],
  'a referenced version cannot be deleted': [
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    [
      'register',
      ['b', '{"y":1}', { references: [{ name: 'A', subject: 'a', version: -1 }] }],
      'id 2 v1',
    ],
    ['delete', ['a', 1], 42206],
    ['deleteSubject', ['a'], 42206],
    ['delete', ['b', 1], 1],
    ['delete', ['a', 1], 1],
    ['hardDelete', ['a', 1], 42206],
    ['hardDeleteSubject', ['a'], 42206],
    ['hardDelete', ['b', 1], 1],
    ['hardDelete', ['a', 1], 1],
  ],
  'references within a subject do not prevent its deletion': [
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    [
      'register',
      ['a', '{"x":2}', { references: [{ name: 'A', subject: 'a', version: 1 }] }],
      'id 2 v2',
    ],
    ['delete', ['a', 1], 42206],
    ['deleteSubject', ['a'], '1 2'],
    ['hardDeleteSubject', ['a'], '1 2'],
  ],
  'references are in the context of their schema unless they name one': [
    ['register', [':.c:a', '{"x":1}'], 'id 1 v1'],
    [
      'register',
      [':.c:b', '{"y":1}', { references: [{ name: 'A', subject: 'a', version: 1 }] }],
      'id 2 v1',
    ],
    [
      'register',
      ['b', '{"y":1}', { references: [{ name: 'A', subject: 'a', version: 1 }] }],
      42201,
    ],
    [
      'register',
      ['b', '{"y":1}', { references: [{ name: 'A', subject: ':.c:a', version: 1 }] }],
      'id 1 v1',
    ],
    ['delete', [':.c:a', 1], 42206],
  ],
  'a replaced version with a referrer stays': [
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['config', ['a', { compatibility: 'NONE' }], '{"compatibilityLevel":"NONE"}'],
    [
      'register',
      ['b', '{"y":1}', { references: [{ name: 'A', subject: 'a', version: 1 }] }],
      'id 2 v1',
    ],
    ['delete', ['b', 1], 1],
    ['delete', ['a', 1], 1],
    ['register', ['a', '{"x":1}'], 'id 1 v2'],
    ['versions', ['a'], '-1 2'],
  ],
  'compatibility is checked as configured': [
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['register', ['a', '{"x":1,"y":"required"}'], 40901],
    [
      'check',
      ['a', '{"x":1,"y":"required"}'],
      `{errorType:'FIELD_MISSING', path:'/y'} {oldSchemaVersion: 1} {oldSchema: '{"x":1}'} {validateFields: 'false', compatibility: 'BACKWARD'}`,
    ],
    ['register', ['a', '{"x":1,"y":"required"}', { force: true }], 'id 2 v2'],
    ['register', ['a', '{"x":2,"y":"required"}'], 'id 3 v3'],
    [
      'config',
      ['', { compatibility: 'backward_transitive' }],
      '{"compatibilityLevel":"BACKWARD_TRANSITIVE"}',
    ],
    ['register', ['a', '{"x":3,"y":"required"}'], 40901],
    ['config', ['a', { compatibility: 'FORWARD' }], '{"compatibilityLevel":"FORWARD"}'],
    ['register', ['a', '{"x":3}'], 40901],
    ['register', ['a', '{"x":3,"y":1,"z":"required"}'], 'id 4 v4'],
    ['config', ['a', { compatibility: 'FULL' }], '{"compatibilityLevel":"FULL"}'],
    ['register', ['a', '{"x":4,"y":1}'], 40901],
    ['config', ['a', { compatibility: 'NONE' }], '{"compatibilityLevel":"NONE"}'],
    ['register', ['a', '{"x":4,"y":"required"}'], 'id 5 v5'],
    ['config', ['a', { compatibility: 'BACKWARD' }], '{"compatibilityLevel":"BACKWARD"}'],
    [
      'check',
      ['a', '{}', { schemaType: 'JSON' }],
      "Incompatible because of different schema type {validateFields: 'false', compatibility: 'BACKWARD'}",
    ],
  ],
  'only versions of the same compatibility group are compared': [
    ['config', ['a', { compatibilityGroup: 'major' }], '{"compatibilityGroup":"major"}'],
    ['register', ['a', '{"x":1}', { metadata: { properties: { major: '1' } } }], 'id 1 v1'],
    ['register', ['a', '{"y":"required"}', { metadata: { properties: { major: '1' } } }], 40901],
    [
      'register',
      ['a', '{"y":"required"}', { metadata: { properties: { major: '2' } } }],
      'id 2 v2',
    ],
  ],
  'metadata and rules are those of the latest version unless given': [
    ['register', ['a', '{"x":1}', { metadata: { properties: { owner: 'me' } } }], 'id 1 v1'],
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['register', ['a', '{"x":2}'], 'id 2 v2'],
    ['lookUp', ['a', '{"x":2}', { metadata: { properties: { owner: 'me' } } }], 'id 2 v2'],
    ['lookUp', ['a', '{"x":2}', { metadata: { properties: { owner: 'you' } } }], 'none'],
    ['register', ['a', '', { metadata: { properties: { owner: 'you' } } }], 'id 3 v3'],
    ['lookUp', ['a', '{"x":2}', { metadata: { properties: { owner: 'you' } } }], 'id 3 v3'],
  ],
  'defaults and overrides of settings change metadata': [
    [
      'config',
      [
        'a',
        {
          defaultMetadata: { properties: { team: 'x' } },
          overrideMetadata: { properties: { owner: 'boss' } },
        },
      ],
      '{"defaultMetadata":{"properties":{"team":"x"}},"overrideMetadata":{"properties":{"owner":"boss"}}}',
    ],
    ['register', ['a', '{"x":1}', { metadata: { properties: { owner: 'me' } } }], 'id 1 v1'],
    [
      'lookUp',
      ['a', '{"x":1}', { metadata: { properties: { owner: 'boss', team: 'x' } } }],
      'id 1 v1',
    ],
  ],
  'version -1 records the version in metadata': [
    ['register', ['a', '{"x":1}', { version: -1 }], 'id 1 v1'],
    [
      'lookUp',
      ['a', '{"x":1}', { metadata: { properties: { 'confluent:version': '1' } } }],
      'id 1 v1',
    ],
    ['lookUp', ['a', '{"x":1}'], 'id 1 v1'],
  ],
  modes: [
    ['modeOf', ['a'], 'READWRITE'],
    ['mode', ['a', 'readonly']],
    ['register', ['a', '{"x":1}'], 42205],
    ['register', ['a', '{"x":1}', { id: 7 }], 42205],
    ['config', ['a', { compatibility: 'FULL' }], 42205],
    ['deleteMode', ['a'], 'READONLY'],
    ['deleteMode', ['a'], 40401],
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['mode', ['a', 'READONLY']],
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['delete', ['a', 1], 42205],
    ['deleteSubject', ['a'], 42205],
    ['mode', ['a', 'nonsense'], 42204],
    ['mode', ['', 'FORWARD'], 42204],
    ['mode', [':.__GLOBAL:', 'FORWARD']],
    ['modeOf', ['b'], 'FORWARD'],
    ['modeOf', ['a'], 'READONLY'],
    ['mode', ['a', null]],
    ['modeOf', ['a'], 'FORWARD'],
  ],
  'modes of a context apply to its subjects': [
    ['mode', [':.c:', 'READONLY']],
    ['register', [':.c:a', '{"x":1}'], 42205],
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['mode', [':.c:a', 'READWRITE']],
    ['register', [':.c:a', '{"x":1}'], 'id 1 v1'],
    ['deleteMode', [':.c:', true], 'READONLY'],
    ['modeOf', [':.c:a'], 'READWRITE'],
    ['deleteMode', [':.c:a'], 40401],
  ],
  'import keeps ids and versions, and needs an empty scope': [
    ['register', ['a', '{"x":1}'], 'id 1 v1'],
    ['mode', ['a', 'IMPORT'], 42205],
    ['mode', ['a', 'IMPORT', true]],
    ['mode', ['a', 'READWRITE']],
    ['delete', ['a', 1], 1],
    ['mode', ['a', 'IMPORT']],
    ['versions', ['a'], ''],
    ['register', ['a', '{"x":2}'], 42205],
    ['register', ['a', '{"x":2}', { id: 20, version: 5 }], 'id 20 v5'],
    ['register', ['a', '{"x":3}', { id: 20 }], 42205],
    ['register', ['a', '{"x":3}', { id: 21 }], 'id 21 v6'],
    ['mode', ['a', 'READWRITE']],
    ['register', ['a', '{"x":4}'], 'id 22 v7'],
  ],
  'settings change key by key': [
    ['deleteConfig', ['a'], 40401],
    [
      'config',
      ['a', { compatibility: 'full', normalize: true }],
      '{"normalize":true,"compatibilityLevel":"FULL"}',
    ],
    ['config', ['a', { compatibility: null, alias: 'b' }], '{"alias":"b","normalize":true}'],
    ['config', ['a', { compatibility: 'sideways' }], 42203],
    ['deleteConfig', ['a'], '{"alias":"b","normalize":true,"compatibilityLevel":"BACKWARD"}'],
    ['deleteConfig', [''], '{"compatibilityLevel":"BACKWARD"}'],
    [
      'config',
      ['a', { defaultRuleSet: { domainRules: [{ name: 'r', type: 'CEL', mode: 'UPGRADE' }] } }],
      42210,
    ],
  ],
  'a context is deleted once it is empty': [
    ['register', [':.c:a', '{"x":1}'], 'id 1 v1'],
    ['deleteContext', ['.c'], 42211],
    ['deleteSubject', [':.c:a'], '1'],
    ['deleteContext', ['.c'], 42211],
    ['hardDeleteSubject', [':.c:a'], '1'],
    ['deleteContext', ['.c']],
    ['contexts', [], '.'],
  ],
}

describe('the registry', () => {
  for (const [name, steps] of Object.entries(table)) {
    it(name, () => void run(steps))
    it(`${name}, evaluated elsewhere`, () => runDeferred(steps, { length: -1 }))
    it(`${name}, compared elsewhere`, () => runDeferred(steps, { effort: 0 }))
    it(`${name}, in turns`, () => runDeferred(steps, { turnMs: 0 }))
  }

  it('ignores a schema whose id belongs to another one', () => {
    const bench = run([['register', ['a', '{"x":1}'], 'id 1 v1']])
    const value = {
      subject: 'b',
      version: 1,
      id: 1,
      schemaType: 'AVRO',
      references: [],
      schema: '{"y":1}',
      deleted: false,
    }
    assert.equal(bench.append({ kind: 'schema', subject: 'b', version: 1, value }), false)
    assert.equal(bench.state.entry('b', 1), undefined)
  })

  it('registers beside versions that are not readable here', () => {
    const bench = new Bench()
    const value = {
      subject: 'a',
      version: 1,
      id: 1,
      schemaType: 'AVRO',
      references: [],
      schema: 'written by a newer registry',
      deleted: false,
    }
    bench.append({ kind: 'schema', subject: 'a', version: 1, value })
    bench.commit(setSettings(bench, 'a', { compatibility: 'NONE' }))
    assert.equal(operations.register(bench, 'a', '{"x":1}'), 'id 2 v2')
    assert.equal(operations.lookUp(bench, 'a', '{"x":2}'), 'none')
  })

  it('answers a compatibility problem with its place, rule and remedy', () => {
    const bench = run([['register', ['a', '{"x":1}'], 'id 1 v1']])
    const { why } = checkSchema(bench, 'a', schemaOf('{"y":"required"}'), {
      normalize: false,
      versions: bench.state.versions('a'),
    })
    assert.deepEqual(why, [
      {
        version: 1,
        direction: 'BACKWARD',
        errorType: 'FIELD_MISSING',
        path: '/y',
        rule: 'a required field is in all data',
        remedy: 'make y optional',
      },
    ])
  })
})
