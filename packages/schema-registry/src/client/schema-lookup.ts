// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import { nodeWorld, silentLogger } from '@millrace/base'
import { EvaluationThread } from '../evaluation/evaluation-thread.ts'
import { SchemaEvaluator } from '../evaluation/schema-evaluator.ts'
import type { ParsedSchema, SchemaType } from '../schema/schema.ts'
import { schemaFormats } from '../schema-formats.ts'
import { resolveGiven } from '../serdes/schema-loader.ts'
import { type SubjectNameStrategy, subjectName } from '../serdes/subject-name.ts'
import { RegistryError } from './registry-error.ts'
import type { RegisteredSchema, SchemaRegistryClient } from './schema-registry-client.ts'

/** Whether a record may have a schema; the broker asks it. */
export interface SchemaQuestion {
  /** Topic of the record. */
  readonly topic: string
  /** Whether the schema is of the key or the value. */
  readonly part: 'key' | 'value'
  /** Id in the registry, or GUID. */
  readonly id: number | string
  /** Rule for the subject under which it must be registered. */
  readonly strategy: Exclude<SubjectNameStrategy, (...args: never) => unknown>
}

/**
 * Answers a broker's questions about the schemas of records, for topics with
 * `confluent.value.schema.validation` (`schemaLookup` of `Broker.start`).
 */
export class RegistrySchemaLookup {
  readonly #client: SchemaRegistryClient
  #evaluatorOfNames: SchemaEvaluator | undefined

  /** Creates a lookup in the registry of a client. */
  constructor(client: SchemaRegistryClient) {
    this.#client = client
  }

  /**
   * Whether a schema is registered under the subject of the record. Rejects with `RegistryError` if
   * the registry does not answer.
   */
  async isRegistered({ topic, part, id, strategy }: SchemaQuestion): Promise<boolean> {
    try {
      const schema =
        typeof id === 'number'
          ? await this.#client.schemaById(id)
          : await this.#client.schemaByGuid(id)
      const recordName = strategy === 'topic' ? undefined : await this.#nameOf(schema)
      if (strategy !== 'topic' && recordName === undefined) return false
      const subject = subjectName(strategy, { topic, part, recordName })
      return typeof id === 'number'
        ? await this.#hasId(id, subject)
        : await this.#hasSchema(schema, subject)
    } catch (error) {
      if (error instanceof RegistryError && error.isNotFound) return false
      throw error
    }
  }

  async #hasId(id: number, subject: string): Promise<boolean> {
    const query = { subject }
    const found = await this.#client.request('GET', `/schemas/ids/${id}/versions`, { query })
    if (!Array.isArray(found)) return false
    return found.some((entry: { readonly subject?: unknown }) => entry.subject === subject)
  }

  async #hasSchema(schema: RegisteredSchema, subject: string): Promise<boolean> {
    await this.#client.lookup(subject, schema)
    return true
  }

  async #nameOf(schema: RegisteredSchema): Promise<string | undefined> {
    const type: SchemaType = schema.schemaType
    const resolved = await resolveGiven(this.#client, schema.references)
    const { schema: text, references } = schema
    const key = randomUUID()
    const source = { schemaType: type, schema: text, references, resolved, key }
    const evaluator = this.#evaluator()
    const parse = (): ParsedSchema => schemaFormats[type].parse(source)
    if (evaluator === undefined) return parse().name
    return evaluator.run(() => evaluator.parse(source, parse).name)
  }

  /** Parses large schemas in a thread: the one of the caller serves the clients of a broker. */
  #evaluator(): SchemaEvaluator | undefined {
    const module = EvaluationThread.module()
    if (module === undefined) return undefined
    this.#evaluatorOfNames ??= new SchemaEvaluator(
      new EvaluationThread({ module, clock: nodeWorld.clock, logger: silentLogger }),
    )
    return this.#evaluatorOfNames
  }
}
