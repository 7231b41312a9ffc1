// SPDX-License-Identifier: Apache-2.0
import type { Clock, Logger } from '@millrace/base'
import type { SchemaEvaluator } from '../evaluation/schema-evaluator.ts'
import { ENCRYPTED_PROPERTY } from '../registry/data-contract.ts'
import type { Decision, RegistryView } from '../registry/decision.ts'
import { errors, RegistryError } from '../registry/registry-error.ts'
import {
  decodeRecord,
  type EncodedRecord,
  encodeRecord,
  type RegistryRecord,
} from '../registry/registry-record.ts'
import { type RegistryDefaults, RegistryState } from '../registry/registry-state.ts'
import { SchemaParser } from '../registry/schema-parser.ts'
import type { SchemaFormat } from '../schema/schema.ts'
import { type LockedNames, OperationLocks } from './operation-locks.ts'
import { codeOf, type SchemaTopic, type TopicRecordBytes } from './schema-topic.ts'

/** Options of a store. */
export interface SchemaStoreOptions {
  /** Topic with the records. */
  readonly topic: SchemaTopic
  /** Formats of schemas. */
  readonly formats: readonly SchemaFormat[]
  /** Settings and mode without records. */
  readonly defaults: RegistryDefaults
  /** Evaluates large schemas. Default: they are evaluated at once. */
  readonly evaluator?: SchemaEvaluator | undefined
  /** Time limit of reading what was written, in milliseconds. */
  readonly timeoutMs: number
  /** Time limit of reading the topic at the start, in milliseconds. */
  readonly initTimeoutMs: number
  /** Time. */
  readonly clock: Clock
  /** Receives warnings and errors. */
  readonly logger: Logger
  /** Whether this registry may write now; asked before each append. Default: always. */
  readonly mayWrite?: () => boolean
}

/** What a decision may use beside the state. */
export interface DecisionTools extends RegistryView {
  /** Assigns an id of a context. It is not assigned again, even if the write fails. */
  readonly nextId: (context: string) => number
}

interface Waiter {
  readonly offset: bigint
  readonly wake: () => void
}

/** Unreadable records that are logged one by one; further ones are counted. */
const MAX_LOGGED = 20
/** Ids and versions have 32 bits, as in Confluent's registry and in the prefix of records. */
const MAX_INTEGER = 2 ** 31 - 1
/** Attempts of an operation whose record lost its id to another writer. */
const MAX_ATTEMPTS = 3

/** Codes of errors after which the outcome of a write is unknown, or that waited in vain. */
const timeouts: readonly (string | undefined)[] = [
  'MILLRACE_DELIVERY_TIMEOUT',
  'MILLRACE_TIMEOUT',
  'MILLRACE_BUFFER_FULL',
  'REQUEST_TIMED_OUT',
]
const tooLarge: readonly (string | undefined)[] = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']

/**
 * The state of the registry over its topic. A change is decided on the state, appended, and
 * answered once it was read from the topic: the order of the topic is that of all registries.
 */
export class SchemaStore implements RegistryView {
  readonly state: RegistryState
  readonly parser: SchemaParser
  readonly #options: SchemaStoreOptions
  readonly #locks = new OperationLocks()
  /** Highest ids that were assigned, by context; those of failed writes included. */
  readonly #assigned = new Map<string, number>()
  /** Offset after the last record that was applied. */
  #position = 0n
  #waiters: Waiter[] = []
  /** Whether records of an earlier writer, or of a failed write, may be ahead. */
  #mayLag = true
  #syncing: Promise<void> | undefined
  /** Offsets of records that were refused: unreadable, or their ids belong to other schemas. */
  readonly #refused = new Set<bigint>()
  #unreadable = 0

  constructor(options: SchemaStoreOptions) {
    this.#options = options
    this.state = new RegistryState(options.defaults)
    this.parser = new SchemaParser(options.formats, options.evaluator)
  }

  /** Reads the topic to its end. Rejects with 50002 if that takes too long. */
  async load(): Promise<void> {
    const { topic, initTimeoutMs } = this.#options
    topic.follow({
      onRecord: (record) => this.#onRecord(record),
      onPosition: (position) => this.#onPosition(position),
    })
    const end = await topic.end()
    await this.#reached(end, initTimeoutMs, 'the topic of schemas could not be read to its end')
    if (this.#unreadable > MAX_LOGGED) {
      const { logger } = this.#options
      logger.warn(`${this.#unreadable} records of the topic of schemas are skipped`)
    }
  }

  /** Makes the next change read what another writer wrote before: called when it may have. */
  mayHaveChanged(): void {
    this.#mayLag = true
  }

  /**
   * Changes the state: decides once no operation with the same names is in progress, writes, and
   * resolves with the reply once the records were read back. Rejects with the error of the
   * decision, 42209, 50001 or 50002.
   */
  change<T>(names: LockedNames, decide: (tools: DecisionTools) => Decision<T>): Promise<T> {
    return this.#locks.run(names, async () => {
      for (let attempt = 1; ; attempt++) {
        await this.#sync()
        const { records, reply } = decide({
          state: this.state,
          parser: this.parser,
          nextId: (context) => this.#nextId(context),
        })
        if (records.length === 0) return reply
        if (await this.#write(records)) return reply
        if (attempt === MAX_ATTEMPTS) {
          throw errors.store('the record was refused when it was read back; retry')
        }
      }
    })
  }

  #nextId(context: string): number {
    const id = Math.max(this.state.maxId(context), this.#assigned.get(context) ?? 0) + 1
    if (id > MAX_INTEGER) throw errors.notPermitted(`context ${context} has no more ids`)
    this.#assigned.set(context, id)
    return id
  }

  /** Writes records. False if one was refused because of its id; it is removed again. */
  async #write(records: readonly RegistryRecord[]): Promise<boolean> {
    const before = records.map((record) => this.#previous(record))
    const encoded = records.flatMap((record) => this.#encode(record))
    const last = await this.#append(encoded)
    await this.#reached(last + 1n, this.#options.timeoutMs, 'the write was not read back in time')
    const first = last - BigInt(encoded.length) + 1n
    for (let offset = first; offset <= last; offset++) {
      if (!this.#refused.delete(offset)) continue
      await this.#append(before.flatMap((record) => this.#encode(record)))
      this.#mayLag = true
      return false
    }
    return true
  }

  /** The record that restores what another one replaces. */
  #previous(record: RegistryRecord): RegistryRecord {
    if (record.kind !== 'schema') return record
    const entry = this.state.entry(record.subject, record.version)
    if (entry === undefined) return { ...record, value: null }
    const { guid: _guid, timestampMs: _time, ...value } = entry
    return { ...record, value }
  }

  /**
   * The record, behind the removal of its key in other forms: compaction treats them as other keys,
   * and their values would return.
   */
  #encode(record: RegistryRecord): EncodedRecord[] {
    const own = encodeRecord(record)
    const [, ...others] = this.state.keyTexts(record)
    return [...others.map((key) => ({ key, value: null })), own]
  }

  async #append(encoded: readonly EncodedRecord[]): Promise<bigint> {
    if (this.#options.mayWrite?.() === false) {
      this.#mayLag = true
      throw errors.unknownLeader('this registry is no longer the one that writes; retry')
    }
    try {
      return await this.#options.topic.append(encoded)
    } catch (error) {
      const code = codeOf(error)
      if (tooLarge.includes(code)) throw errors.schemaTooLarge(error)
      this.#mayLag = true
      const reason = error instanceof Error ? error.message : String(error)
      if (timeouts.includes(code)) {
        throw errors.timeout(`the write to the topic of schemas timed out: ${reason}`, error)
      }
      throw errors.store(`the write to the topic of schemas failed: ${reason}`, error)
    }
  }

  /**
   * Reads everything that was written before: a no-op is behind it. Concurrent changes share one.
   */
  async #sync(): Promise<void> {
    if (!this.#mayLag && this.#syncing === undefined) return
    this.#syncing ??= (async () => {
      this.#mayLag = false
      try {
        const offset = await this.#append([encodeRecord({ kind: 'noop' })])
        await this.#reached(offset + 1n, this.#options.timeoutMs, 'the topic was not read in time')
      } catch (error) {
        this.#mayLag = true
        throw error
      }
    })().finally(() => {
      this.#syncing = undefined
    })
    await this.#syncing
  }

  // Reading

  #onRecord(record: TopicRecordBytes): void {
    const { offset, timestampMs, key, value } = record
    const { logger } = this.#options
    try {
      const decoded = decodeRecord(key, value)
      if (decoded.kind === 'schema') warnOfEncryption(decoded, logger)
      const keyText = Buffer.from(key ?? []).toString('utf8')
      if (!this.state.apply(decoded, { timestampMs, keyText })) {
        this.#refuse(offset)
        logger.error('a schema has the id of another schema; it is ignored', {
          offset: Number(offset),
          key: keyText,
        })
      }
    } catch (error) {
      // A write of this registry that it cannot read itself is not acknowledged.
      this.#refuse(offset)
      this.#unreadable++
      if (this.#unreadable > MAX_LOGGED) return
      logger.error('a record of the topic of schemas is not readable; it is skipped', {
        offset: Number(offset),
        error,
      })
    }
  }

  #refuse(offset: bigint): void {
    this.#refused.add(offset)
    // Those of other writers are not asked for.
    if (this.#refused.size > 1000) {
      const [oldest] = this.#refused
      if (oldest !== undefined) this.#refused.delete(oldest)
    }
  }

  #onPosition(position: bigint): void {
    this.#position = position
    const reached = this.#waiters.filter(({ offset }) => offset <= position)
    if (reached.length === 0) return
    this.#waiters = this.#waiters.filter(({ offset }) => offset > position)
    for (const { wake } of reached) wake()
  }

  /** Waits until all records below an offset were applied. */
  async #reached(offset: bigint, timeoutMs: number, otherwise: string): Promise<void> {
    if (this.#position >= offset) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { offset, wake: resolve }
    this.#waiters.push(waiter)
    const timer = this.#options.clock.setTimer(
      timeoutMs,
      () => {
        this.#waiters = this.#waiters.filter((each) => each !== waiter)
        this.#mayLag = true
        reject(errors.timeout(`${otherwise} (${timeoutMs} ms)`))
      },
      { keepsAlive: true },
    )
    try {
      await promise
    } finally {
      timer.cancel()
    }
  }

  /** Stops reading and writing. */
  async close(): Promise<void> {
    await this.#options.topic.close()
  }
}

function warnOfEncryption(record: RegistryRecord & { kind: 'schema' }, logger: Logger): void {
  if (record.value?.metadata?.properties?.[ENCRYPTED_PROPERTY] === undefined) return
  const { subject, version } = record
  logger.warn('metadata of a schema is encrypted by another registry and not readable', {
    subject,
    version,
  })
}

/** Whether an error is one that a client receives as it is. */
export function isRegistryError(error: unknown): error is RegistryError {
  return error instanceof RegistryError
}
