// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AvroSchema, avroFormat, InvalidSchemaError } from '@millrace/schema-registry'
import { changed, Dice, damaged, SchemaMaker, type Tree } from './avro-schemas.ts'
import { java } from './peers.ts'

const PAIRS = 6000
const REFERENCING_PAIRS = 1000
const DAMAGED = 6000

interface Question {
  readonly reader: string
  readonly writer: string
  /** Texts that both schemas may use. */
  readonly references?: readonly string[]
}

interface SchemaOutcome {
  readonly canonical?: string
  readonly resolved?: string
  readonly error?: string
  /** Why names, namespaces or defaults are not valid by the specification; null if they are. */
  readonly strictError?: string | null
}

interface Comparison {
  readonly findings?: readonly {
    readonly type: string
    readonly location: string
    readonly message: string
  }[]
  readonly error?: string
}

interface Outcome {
  readonly reader: SchemaOutcome
  readonly writer: SchemaOutcome
  readonly backward?: Comparison
  readonly forward?: Comparison
}

async function askJava(questions: readonly Question[]): Promise<Outcome[]> {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('')
  const { stdout, stderr, code } = await java('avro-1.12.1', ['SchemaPairs'], { input })
  assert.equal(code, 0, stderr.slice(-2000))
  const outcomes = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome)
  assert.equal(outcomes.length, questions.length)
  return outcomes
}

function parse(schema: string, references: readonly string[] = []): AvroSchema | string {
  const resolved = references.map((text, i) => ({
    name: `r${i}`,
    subject: `s${i}`,
    version: 1,
    schema: text,
  }))
  try {
    return avroFormat.parse({ schema, references: resolved, resolved })
  } catch (error) {
    assert.ok(error instanceof InvalidSchemaError, `${error}\n${schema}`)
    return error.message
  }
}

/** What differs between Java's outcome and ours; undefined if nothing does. */
function difference(question: Question, theirs: Outcome): string | undefined {
  const reader = parse(question.reader, question.references)
  const writer = parse(question.writer, question.references)
  const found =
    schemaDifference(reader, theirs.reader) ??
    schemaDifference(writer, theirs.writer) ??
    (typeof reader !== 'string' && typeof writer !== 'string'
      ? (comparisonDifference(reader, writer, theirs.backward) ??
        comparisonDifference(writer, reader, theirs.forward))
      : undefined)
  return found === undefined ? undefined : `${found}\n${JSON.stringify(question)}`
}

function schemaDifference(ours: AvroSchema | string, theirs: SchemaOutcome): string | undefined {
  if (typeof ours === 'string') {
    return theirs.error === undefined ? `only we refuse: ${ours}` : undefined
  }
  if (theirs.error !== undefined) return `only Java refuses: ${theirs.error}`
  if (ours.canonical !== theirs.canonical) return `${ours.canonical}\n${theirs.canonical}`
  if (ours.resolved !== theirs.resolved) return `${ours.resolved}\n${theirs.resolved}`
  const again = parse(ours.resolved)
  if (typeof again === 'string' || again.canonical !== ours.resolved) return 'resolved text changes'
  // Java cannot check the default of a field whose type contains the enclosing record.
  if (theirs.strictError === 'Schema fields not set yet') return undefined
  const problems = ours.problems()
  if ((problems.length === 0) !== (theirs.strictError === null)) {
    return `problems: ${problems.join(', ')}\nJava's: ${theirs.strictError}`
  }
  return undefined
}

function comparisonDifference(
  reader: AvroSchema,
  writer: AvroSchema,
  theirs: Comparison | undefined,
): string | undefined {
  const ours = reader.incompatibilities(writer)
  const expected =
    theirs?.error === undefined
      ? (theirs?.findings ?? []).map(
          ({ type, location, message }) => `${type} ${location} ${message}`,
        )
      : [`COMPARISON_FAILED / ${theirs.error}`]
  const actual = ours.map(({ errorType, path, message }) => {
    const detail =
      /additionalInfo:'(.*)'\}$/s.exec(message)?.[1] ??
      message.replace('Unexpected exception during compatibility check: ', '')
    return `${errorType} ${path} ${detail}`
  })
  return actual.join('\n') === expected.join('\n')
    ? undefined
    : `ours:\n${actual.join('\n')}\nJava's:\n${expected.join('\n')}`
}

async function compareAll(questions: readonly Question[]): Promise<Outcome[]> {
  const outcomes = await askJava(questions)
  const differences = questions
    .map((question, i) => difference(question, outcomes[i] ?? { reader: {}, writer: {} }))
    .filter((found) => found !== undefined)
  assert.deepEqual(differences.slice(0, 5), [], `${differences.length} of ${questions.length}`)
  return outcomes
}

function pairsOf(seed: number, count: number, known: readonly string[] = []): Question[] {
  const dice = new Dice(seed)
  const maker = new SchemaMaker(dice)
  return Array.from({ length: count }, () => {
    const reader: Tree = maker.schema(known)
    const writer = dice.oneIn(10) ? maker.schema(known) : changed(dice, reader)
    return { reader: JSON.stringify(reader), writer: JSON.stringify(writer) }
  })
}

describe('Avro schemas and org.apache.avro 1.12', () => {
  it('canonical texts, verdicts, error types, places and messages of random pairs are equal', async () => {
    const outcomes = await compareAll(pairsOf(20260829, PAIRS))
    const comparisons = outcomes.flatMap(({ backward, forward }) => [backward, forward])
    const types = new Set(
      comparisons.flatMap((comparison) => comparison?.findings?.map(({ type }) => type) ?? []),
    )
    assert.equal(types.size, 6, 'all rules were broken')
    const compatible = comparisons.filter((comparison) => comparison?.findings?.length === 0)
    const compared = comparisons.filter((comparison) => comparison !== undefined)
    assert.ok(compared.length > PAIRS && compatible.length > PAIRS / 4)
    console.log(
      `${PAIRS} pairs: ${compared.length} comparisons, ${compatible.length} compatible, ` +
        `${comparisons.filter((comparison) => comparison?.error !== undefined).length} ambiguous`,
    )
  })

  it('schemas with references are equal', async () => {
    const references = [
      '{"type":"record","name":"n.Base","fields":[{"name":"e","type":{"type":"enum","name":"Color","symbols":["A","B"],"default":"A"}}]}',
      '{"type":"record","name":"Outer","fields":[{"name":"base","type":"n.Base"},{"name":"self","type":["null","Outer"]}]}',
      '["null",{"type":"fixed","name":"other.Hash","size":4}]',
    ]
    const known = ['n.Base', 'n.Color', 'Outer', 'other.Hash']
    const questions = pairsOf(7, REFERENCING_PAIRS, known)
    const outcomes = await compareAll(questions.map((question) => ({ ...question, references })))
    const inlining = outcomes.filter(({ reader }) => reader.canonical !== reader.resolved)
    assert.ok(inlining.length > REFERENCING_PAIRS / 10)
  })

  it('damaged schemas are accepted or refused alike', async () => {
    const dice = new Dice(99)
    const maker = new SchemaMaker(dice)
    const questions = Array.from({ length: DAMAGED / 2 }, () => ({
      reader: damaged(dice, maker.schema()),
      writer: damaged(dice, maker.schema()),
    }))
    const outcomes = await compareAll(questions)
    const schemas = outcomes.flatMap(({ reader, writer }) => [reader, writer])
    const refused = schemas.filter(({ error }) => error !== undefined)
    assert.ok(refused.length > DAMAGED / 5 && refused.length < DAMAGED)
    console.log(`${schemas.length} damaged schemas: ${refused.length} refused`)
  })
})
