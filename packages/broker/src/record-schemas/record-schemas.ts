// SPDX-License-Identifier: Apache-2.0
import type { Clock, Logger } from '@millrace/base'
import { ProtocolError, type Record, type RecordBatch, readRecords } from '@millrace/protocol'
import { refusedRecords } from '../log/produce-validation.ts'
import type { SchemaLookup, SchemaQuestion, SchemaRules } from './schema-lookup.ts'

/** Verdicts kept, for all topics together. */
const MAX_VERDICTS = 10_000
/** For how long an unknown schema is not looked up again: it may be registered by now. */
const UNKNOWN_MS = 1000
/** Lookups at the same time; the questions of others wait. */
const MAX_LOOKUPS = 16

interface Verdict {
  readonly isRegistered: boolean
  /** Monotonic time up to which it holds. */
  readonly until: number
}

/**
 * Checks that records have a registered schema, for topics with
 * `confluent.{key,value}.schema.validation`. What a registry says is kept: a registered schema
 * stays valid until the broker ends.
 */
export class RecordSchemas {
  readonly #lookup: SchemaLookup
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #verdicts = new Map<string, Verdict>()
  readonly #lookups = new Map<string, Promise<Verdict>>()
  readonly #turns: (() => void)[] = []
  #running = 0
  /** Checks in progress by partition, so that its batches are appended in order of arrival. */
  readonly #queues = new Map<string, Promise<unknown>>()

  /** Creates the checker. */
  constructor(lookup: SchemaLookup, context: { readonly clock: Clock; readonly logger: Logger }) {
    this.#lookup = lookup
    this.#clock = context.clock
    this.#logger = context.logger
  }

  /**
   * Checks a valid batch. Throws `InvalidRecordsError` with the records that have no registered
   * schema. Undefined if all have one; a promise if the registry must be asked first, or an earlier
   * batch of the partition waits for it.
   */
  check(
    batch: RecordBatch,
    about: { readonly topic: string; readonly partition: string; readonly rules: SchemaRules },
  ): Promise<void> | undefined {
    const { topic, partition, rules } = about
    const parts = partsOf(readRecords(batch), topic, rules)
    const verdicts = new Map<string, boolean>()
    const unknown = new Map<string, SchemaQuestion>()
    for (const { question } of parts) {
      if (question === undefined) continue
      const key = keyOf(question)
      const verdict = this.#verdictOf(key)
      if (verdict === undefined) unknown.set(key, question)
      else verdicts.set(key, verdict)
    }
    const earlier = this.#queues.get(partition)
    if (earlier === undefined && unknown.size === 0) {
      decide(parts, verdicts)
      return undefined
    }
    const checked = this.#ask(unknown, verdicts)
      .finally(() => earlier)
      .then(() => decide(parts, verdicts))
    this.#enqueue(partition, checked)
    return checked
  }

  #enqueue(partition: string, checked: Promise<void>): void {
    const settled = checked.catch(() => {})
    this.#queues.set(partition, settled)
    const leave = (): void => {
      if (this.#queues.get(partition) === settled) this.#queues.delete(partition)
    }
    settled.then(leave, leave)
  }

  #verdictOf(key: string): boolean | undefined {
    const verdict = this.#verdicts.get(key)
    if (verdict === undefined) return undefined
    if (verdict.until > this.#clock.monotonic()) return verdict.isRegistered
    this.#verdicts.delete(key)
    return undefined
  }

  async #ask(
    questions: ReadonlyMap<string, SchemaQuestion>,
    verdicts: Map<string, boolean>,
  ): Promise<void> {
    const outcomes = await Promise.allSettled(
      [...questions].map(async ([key, question]) => {
        verdicts.set(key, (await this.#once(key, question)).isRegistered)
      }),
    )
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue
      this.#logger.warn('the schema registry did not answer', { error: outcome.reason })
      // The producer repeats it, as it does while a partition has no leader.
      throw new ProtocolError(
        'REQUEST_TIMED_OUT',
        `the schemas of the records cannot be checked: ${reasonOf(outcome.reason)}`,
      )
    }
  }

  #once(key: string, question: SchemaQuestion): Promise<Verdict> {
    const pending = this.#lookups.get(key)
    if (pending !== undefined) return pending
    const lookup = this.#look(key, question).finally(() => this.#lookups.delete(key))
    this.#lookups.set(key, lookup)
    return lookup
  }

  async #look(key: string, question: SchemaQuestion): Promise<Verdict> {
    if (this.#running >= MAX_LOOKUPS) {
      await new Promise<void>((resolve) => this.#turns.push(resolve))
    } else this.#running += 1
    try {
      const isRegistered = await this.#lookup.isRegistered(question)
      const until = isRegistered ? Number.POSITIVE_INFINITY : this.#clock.monotonic() + UNKNOWN_MS
      const verdict = { isRegistered, until }
      this.#verdicts.set(key, verdict)
      for (const oldest of this.#verdicts.keys()) {
        if (this.#verdicts.size <= MAX_VERDICTS) break
        this.#verdicts.delete(oldest)
      }
      return verdict
    } finally {
      const next = this.#turns.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}

/** Throws for records without a registered schema. */
function decide(parts: readonly RecordPart[], verdicts: ReadonlyMap<string, boolean>): void {
  const refused = parts.flatMap(({ index, what, problem, question }) => {
    if (problem !== undefined) return [{ batchIndex: index, message: problem }]
    if (question === undefined || verdicts.get(keyOf(question)) === true) return []
    const { topic, id, strategy } = question
    const message = `${what} has schema ${id}, which is not registered under the subject of topic ${topic} by the strategy ${strategy}`
    return [{ batchIndex: index, message }]
  })
  if (refused.length > 0) throw refusedRecords(refused)
}

/** A key or value that must have a schema. */
interface RecordPart {
  /** Index of the record in its batch. */
  readonly index: number
  /** For messages. */
  readonly what: string
  /** Why it has no schema at all. */
  readonly problem: string | undefined
  readonly question: SchemaQuestion | undefined
}

function partsOf(
  records: readonly Record[],
  topic: string,
  rules: SchemaRules,
): readonly RecordPart[] {
  return records.flatMap((record, index) =>
    (['key', 'value'] as const).flatMap((part): RecordPart[] => {
      const strategy = rules[part]
      const bytes = record[part]
      // A record without a key has no schema of it, and a tombstone none of its value.
      if (strategy === undefined || bytes === null) return []
      const what = `the ${part} of the record`
      const header = record.headers.find(({ key }) => key === `__${part}_schema_id`)?.value
      const id = idOf(header ?? bytes)
      if (id !== undefined) {
        return [{ index, what, problem: undefined, question: { topic, part, id, strategy } }]
      }
      const problem = `${what} does not start with a schema id (0 and 4 bytes, or 1 and 16 bytes), which topic ${topic} requires (confluent.${part}.schema.validation)`
      return [{ index, what, problem, question: undefined }]
    }),
  )
}

/** Id or GUID at the start of bytes, in Confluent's form. */
function idOf(bytes: Buffer): number | string | undefined {
  if (bytes[0] === 0 && bytes.length >= 5) return bytes.readInt32BE(1)
  if (bytes[0] !== 1 || bytes.length < 17) return undefined
  const digits = bytes.toString('hex', 1, 17)
  return [8, 12, 16, 20, 32]
    .map((end, i, ends) => digits.slice(i === 0 ? 0 : ends[i - 1], end))
    .join('-')
}

function keyOf({ topic, part, id, strategy }: SchemaQuestion): string {
  // Records of all topics share their subjects under `record`.
  return strategy === 'record' ? `${part} ${id}` : `${part} ${id} ${strategy} ${topic}`
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
