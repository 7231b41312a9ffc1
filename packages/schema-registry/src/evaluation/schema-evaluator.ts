// SPDX-License-Identifier: Apache-2.0
// Where schemas are evaluated: small ones at once, large ones and long comparisons in a thread.
import { errors } from '../registry/registry-error.ts'
import {
  type ComparisonOptions,
  EffortExceededError,
  type Incompatibility,
  type ParsedSchema,
} from '../schema/schema.ts'
import {
  type EvaluationOutcome,
  type EvaluationTask,
  type EvaluationValues,
  errorOf,
  lengthOf,
  type SchemaData,
  type SchemaParts,
} from './evaluation-task.ts'
import { WeightedCache } from './weighted-cache.ts'

/** Limits of the work in the thread that serves clients. */
export const localLimits = {
  /** Characters of the texts of a schema. Parsing 16,000 takes some milliseconds. */
  length: 16_000,
  /** Part of the usual limits of a comparison: a hundredth takes about 10 ms. */
  effort: 0.01,
  /** Time until others get their turn, in milliseconds. */
  turnMs: 15,
}

/** Time for all evaluations of one operation, in milliseconds. */
const OPERATION_MS = 60_000
/** Outcomes to keep, and their characters. */
const kept = { maxCount: 20_000, maxWeight: 16_000_000 }

/** Evaluates a task elsewhere. */
export interface RemoteEvaluation {
  /** See `EvaluationThread`. */
  evaluate(task: EvaluationTask, length: number): Promise<EvaluationOutcome>
}

/**
 * Thrown where a value is needed that is not there yet. `SchemaEvaluator.run` waits for it and
 * repeats the operation, which finds the value then. Code in between must not catch it.
 */
export class DeferredEvaluation extends Error {
  override readonly name = 'DeferredEvaluation'
  /** Resolves when the operation can be repeated; rejects if the value cannot be had. */
  readonly settle: () => Promise<void>

  constructor(settle: () => Promise<void>) {
    super('the value is being evaluated')
    this.settle = settle
  }
}

/** Rethrows an error that means that the operation will be repeated. */
export function passDeferred(error: unknown): void {
  if (error instanceof DeferredEvaluation) throw error
}

/** Evaluates schemas without blocking this thread for long. */
export class SchemaEvaluator {
  readonly #remote: RemoteEvaluation
  readonly #limits: typeof localLimits
  readonly #outcomes = new WeightedCache<EvaluationOutcome>(kept)
  readonly #pending = new Map<string, Promise<void>>()
  /** Time spent on evaluations since the event loop did something else. */
  #spentMs = 0
  #isResetPlanned = false

  constructor(remote: RemoteEvaluation, limits: Partial<typeof localLimits> = {}) {
    this.#limits = { ...localLimits, ...limits }
    this.#remote = remote
  }

  /** Runs an operation until everything that it needs has been evaluated. */
  async run<T>(operation: () => T | Promise<T>): Promise<T> {
    const startMs = performance.now()
    for (;;) {
      try {
        return await operation()
      } catch (error) {
        if (!(error instanceof DeferredEvaluation)) throw error
        if (performance.now() - startMs > OPERATION_MS) {
          throw errors.invalidSchema(`the evaluation takes more than ${OPERATION_MS} ms`)
        }
        await error.settle()
      }
    }
  }

  /** Parses a schema here with `parse`, or elsewhere if it is large. */
  parse(source: SchemaData, parse: () => ParsedSchema): ParsedSchema {
    if (lengthOf(source) > this.#limits.length) {
      const parts = this.value({ kind: 'parse', schema: source })
      return new RemoteSchema(parts, source, this)
    }
    return new LocalSchema(
      this.inTurn(() => parse()),
      source,
      this,
    )
  }

  /** The value of a task that was evaluated elsewhere. */
  value<T extends EvaluationTask>(task: T): EvaluationValues[T['kind']] {
    const key = keyOf(task)
    const outcome = this.#outcomes.get(key)
    if (outcome === undefined) throw new DeferredEvaluation(() => this.#evaluate(key, task))
    if ('error' in outcome) throw errorOf(outcome)
    return outcome.value as EvaluationValues[T['kind']]
  }

  /** A comparison that is short or was made before; otherwise it is made elsewhere. */
  compareHere(
    task: EvaluationTask & { readonly kind: 'compare' },
    compare: (options: ComparisonOptions) => readonly Incompatibility[],
  ): readonly Incompatibility[] {
    const key = keyOf(task)
    if (this.#outcomes.get(key) !== undefined) return this.value(task)
    try {
      const value = this.inTurn(() => compare({ ...task.options, effort: this.#limits.effort }))
      this.#keep(key, { value })
      return value
    } catch (error) {
      if (error instanceof EffortExceededError) return this.value(task)
      throw error
    }
  }

  /** Evaluates something here, if others have had their turn. */
  inTurn<T>(evaluate: () => T): T {
    if (this.#spentMs > this.#limits.turnMs) {
      throw new DeferredEvaluation(() => new Promise((resolve) => setImmediate(resolve)))
    }
    if (!this.#isResetPlanned) {
      this.#isResetPlanned = true
      setImmediate(() => {
        this.#isResetPlanned = false
        this.#spentMs = 0
      })
    }
    const startMs = performance.now()
    try {
      return evaluate()
    } finally {
      this.#spentMs += performance.now() - startMs
    }
  }

  #evaluate(key: string, task: EvaluationTask): Promise<void> {
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending
    const length = lengthOf(task.schema) + (task.kind === 'compare' ? lengthOf(task.writer) : 0)
    const evaluation = this.#remote
      .evaluate(task, length)
      .then((outcome) => this.#keep(key, outcome))
      .finally(() => this.#pending.delete(key))
    this.#pending.set(key, evaluation)
    return evaluation
  }

  #keep(key: string, outcome: EvaluationOutcome): void {
    this.#outcomes.set(key, outcome, 200 + key.length + weightOf(outcome))
  }
}

function keyOf(task: EvaluationTask): string {
  const { kind, schema } = task
  switch (kind) {
    case 'compare': {
      const { policy, newer } = task.options
      return `compare ${schema.key} ${task.writer.key} ${policy ?? ''} ${newer ?? ''}`
    }
    case 'format':
      return `format ${schema.key} ${task.format.slice(0, 100)}`
    default:
      return `${kind} ${schema.key}`
  }
}

/** Characters of an outcome, about. */
function weightOf(outcome: EvaluationOutcome): number {
  if ('error' in outcome) return outcome.error.length
  const { value } = outcome
  if (typeof value === 'string') return value.length
  if ('canonical' in value) return value.canonical.length
  return value.reduce((sum, each) => sum + (typeof each === 'string' ? each.length : 1000), 0)
}

/** A schema that is evaluated in this thread. */
class LocalSchema implements ParsedSchema {
  readonly source: SchemaData
  readonly inner: ParsedSchema
  readonly #evaluator: SchemaEvaluator

  constructor(inner: ParsedSchema, source: SchemaData, evaluator: SchemaEvaluator) {
    this.inner = inner
    this.source = source
    this.#evaluator = evaluator
  }

  get type(): ParsedSchema['type'] {
    return this.inner.type
  }

  get canonical(): string {
    return this.inner.canonical
  }

  get references(): ParsedSchema['references'] {
    return this.inner.references
  }

  get name(): string | undefined {
    return this.inner.name
  }

  normalized(): string {
    return this.inner.normalized()
  }

  problems(): readonly string[] {
    return this.inner.problems()
  }

  format(format: string): string {
    return this.inner.format(format)
  }

  incompatibilities(
    writer: ParsedSchema,
    options: ComparisonOptions = {},
  ): readonly Incompatibility[] {
    if (writer instanceof LocalSchema) {
      const task = { kind: 'compare', schema: this.source, writer: writer.source, options } as const
      return this.#evaluator.compareHere(task, (limited) =>
        this.inner.incompatibilities(writer.inner, limited),
      )
    }
    return compareElsewhere(this.#evaluator, this.source, writer, options)
  }
}

/** A schema that is evaluated in another thread. */
class RemoteSchema implements ParsedSchema {
  readonly type: ParsedSchema['type']
  readonly canonical: string
  readonly references: ParsedSchema['references']
  readonly name: string | undefined
  readonly source: SchemaData
  readonly #evaluator: SchemaEvaluator

  constructor(parts: SchemaParts, source: SchemaData, evaluator: SchemaEvaluator) {
    this.type = parts.type
    this.canonical = parts.canonical
    this.references = parts.references
    this.name = parts.name
    this.source = source
    this.#evaluator = evaluator
  }

  normalized(): string {
    return this.#evaluator.value({ kind: 'normalized', schema: this.source })
  }

  problems(): readonly string[] {
    return this.#evaluator.value({ kind: 'problems', schema: this.source })
  }

  format(format: string): string {
    if (format === '') return this.canonical
    return this.#evaluator.value({ kind: 'format', schema: this.source, format })
  }

  incompatibilities(
    writer: ParsedSchema,
    options: ComparisonOptions = {},
  ): readonly Incompatibility[] {
    return compareElsewhere(this.#evaluator, this.source, writer, options)
  }
}

function compareElsewhere(
  evaluator: SchemaEvaluator,
  schema: SchemaData,
  writer: ParsedSchema,
  options: ComparisonOptions,
): readonly Incompatibility[] {
  if (!(writer instanceof LocalSchema || writer instanceof RemoteSchema)) {
    throw new TypeError('a schema of another parser')
  }
  return evaluator.value({ kind: 'compare', schema, writer: writer.source, options })
}
