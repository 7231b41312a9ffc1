// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeWorld, silentLogger } from '@millrace/base'
import { avroFormat } from '../avro/format.ts'
import { jsonSchemaFormat } from '../json-schema/json-schema.ts'
import { protobufFormat } from '../protobuf/protobuf-schema.ts'
import { EffortExceededError } from '../schema/schema.ts'
import { type EvaluationTask, type SchemaData, TaskEvaluator } from './evaluation-task.ts'
import { EvaluationThread, type evaluationLimits } from './evaluation-thread.ts'
import { SchemaEvaluator } from './schema-evaluator.ts'

/** A thread whose tasks do what their text says. */
const actor = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads'
    const kept = []
    parentPort.on('message', ({ schema: { schema: action } }) => {
      if (action === 'hang') for (;;) {}
      if (action === 'throw') throw new Error('thrown in the thread')
      if (action === 'exit') process.exit(3)
      if (action === 'fill') for (;;) kept.push(new Array(100_000).fill(0).map((_, i) => ({ i })))
      parentPort.postMessage({ value: action })
    })`)}`,
)

function start(limits: Partial<typeof evaluationLimits> = {}, module = actor): EvaluationThread {
  return new EvaluationThread({ clock: nodeWorld.clock, logger: silentLogger, module, limits })
}

function task(schema: string): EvaluationTask {
  const data = { schemaType: 'AVRO', key: schema, schema, references: [], resolved: [] }
  return { kind: 'parse', schema: data }
}

describe('the thread that evaluates schemas', () => {
  for (const [what, action, limits, expected] of [
    ['takes too long', 'hang', { taskMs: 300 }, /42201 .*300 ms/],
    ['throws', 'throw', {}, /thrown in the thread/],
    ['ends the thread', 'exit', {}, /ended with code 3/],
    ['takes too much memory', 'fill', { heapMiB: 32 }, /42201 .*memory/],
  ] as const) {
    it(`rejects a task that ${what}, and only that one`, async () => {
      const thread = start(limits)
      const outcomes = await Promise.allSettled(
        ['a', action, 'b'].map((each) => thread.evaluate(task(each), 1)),
      )
      const shown = outcomes.map((each) =>
        each.status === 'fulfilled'
          ? JSON.stringify(each.value)
          : `${(each.reason as { errorCode?: number }).errorCode} ${each.reason}`,
      )
      assert.equal(shown[0], '{"value":"a"}')
      assert.match(shown[1] ?? '', expected)
      assert.equal(shown[2], '{"value":"b"}')
      await thread.close()
    })
  }

  for (const [what, limits, length] of [
    ['tasks', { waiting: 2 }, 1],
    ['characters', { waitingLength: 20 }, 10],
  ] as const) {
    it(`refuses tasks with 429 while too many ${what} wait`, async () => {
      const thread = start(limits)
      const tasks = [1, 2, 3, 4].map((each) => thread.evaluate(task(`${each}`), length))
      await assert.rejects(tasks[3] ?? Promise.resolve(), { errorCode: 429, status: 429 })
      await Promise.all(tasks.slice(0, 3))
      await thread.evaluate(task('5'), length)
      await thread.close()
    })
  }

  it('ends without tasks, and starts again', async () => {
    const thread = start({ idleMs: 50 })
    assert.equal(thread.isRunning, false)
    await thread.evaluate(task('a'), 1)
    assert.equal(thread.isRunning, true)
    while (thread.isRunning) await sleep(10)
    assert.deepEqual(await thread.evaluate(task('b'), 1), { value: 'b' })
    await thread.close()
  })

  it('rejects what waits when it is closed', async () => {
    const thread = start()
    const tasks = [thread.evaluate(task('hang'), 1), thread.evaluate(task('a'), 1)]
    const settled = Promise.allSettled(tasks)
    await thread.close()
    for (const each of await settled) assert.equal(each.status, 'rejected')
    await assert.rejects(thread.evaluate(task('a'), 1), { errorCode: 50001 })
  })

  it('has the formats of this package, with the same results as here', async () => {
    const module = EvaluationThread.module()
    assert.ok(module !== undefined)
    const formats = [avroFormat, jsonSchemaFormat, protobufFormat]
    const here = new TaskEvaluator(formats)
    const thread = start({}, module)
    for (const [schemaType, schema, writer] of samples) {
      const of = (text: string): SchemaData => ({ ...task(text).schema, schemaType })
      const tasks: readonly EvaluationTask[] = [
        { kind: 'parse', schema: of(schema) },
        { kind: 'normalized', schema: of(schema) },
        { kind: 'problems', schema: of(schema) },
        { kind: 'format', schema: of(schema), format: 'serialized' },
        { kind: 'compare', schema: of(schema), writer: of(writer), options: { policy: 'LENIENT' } },
        { kind: 'parse', schema: of(`${schema}}`) },
      ]
      for (const each of tasks) {
        assert.deepEqual(await thread.evaluate(each, 1), here.evaluate(each), each.kind)
      }
    }
    await thread.close()
  })

  it('keeps an operation from waiting without end', async () => {
    const evaluator = new SchemaEvaluator(
      { evaluate: () => Promise.reject(new Error('no thread')) },
      { length: 0 },
    )
    const source = task('"int"').schema
    const parse = (): unknown => evaluator.parse(source, () => avroFormat.parse(source))
    await assert.rejects(evaluator.run(parse), /no thread/)
  })
})

describe('the effort of a comparison', () => {
  const list = (count: number, item: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => item(i)).join(',')
  const record = (name: string, field: string): string =>
    `{"type":"record","name":"${name}","fields":[{"name":"${field}","type":"int"}]}`
  const fields = (type: string): string => list(500, (i) => `${type} f${i}=${i + 1}`)
  for (const [what, format, reader, writer] of [
    [
      'unions of Avro',
      avroFormat,
      `[${list(60, (i) => record(`a${i}`, 'x'))}]`,
      `[${list(60, (i) => record(`b${i}`, 'y'))}]`,
    ],
    [
      'combinations of JSON Schema',
      jsonSchemaFormat,
      `{"oneOf":[${list(60, (i) => `{"type":"string","maxLength":${i}}`)}]}`,
      `{"oneOf":[${list(60, (i) => `{"type":"string","minLength":${i + 1}}`)}]}`,
    ],
    [
      'messages of Protobuf',
      protobufFormat,
      `message M { optional M m = 1000; optional ${fields('int32').replaceAll(',', '; optional ')}; }`,
      `message M { optional M m = 1000; optional ${fields('string').replaceAll(',', '; optional ')}; }`,
    ],
  ] as const) {
    it(`ends comparisons of ${what} that need more`, () => {
      const [a, b] = [reader, writer].map((text) => format.parse(task(text).schema))
      assert.ok(a !== undefined && b !== undefined)
      assert.throws(() => a.incompatibilities(b, { effort: 0.001 }), EffortExceededError)
      assert.notEqual(a.incompatibilities(b).length, 0)
    })
  }
})

const samples = [
  ['AVRO', '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}', '"string"'],
  ['JSON', '{"type":"object","properties":{"$$a":{"type":"string"}}}', '{"type":"integer"}'],
  ['PROTOBUF', 'syntax = "proto3"; message M { int32 a = 1; }', 'message M { string a = 1; }'],
] as const
