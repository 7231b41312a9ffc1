// SPDX-License-Identifier: Apache-2.0
import { type Serde, type SerdeContext, SerdeError, type SerializerContext } from '@millrace/client'
import { LruCache } from '../client/lru-cache.ts'
import { RegistryError } from '../client/registry-error.ts'
import type { RegisteredSchema, SchemaRegistryClient } from '../client/schema-registry-client.ts'
import type { RuleSet } from '../schema/data-contract.ts'
import type { ResolvedReference } from '../schema/schema.ts'
import { registerIncluded, resolveGiven, withReferences } from './schema-loader.ts'
import type { LoadedSchema, PayloadReader, PayloadWriter, SerdeFormat } from './serde-format.ts'
import type { SchemaSerdeOptions } from './serde-options.ts'
import { subjectName } from './subject-name.ts'
import {
  guidPrefix,
  headerName,
  idPrefix,
  type ReadSchemaId,
  readSchemaId,
  type SchemaId,
} from './wire-format.ts'

/** How values of one subject are written. */
interface SubjectWriter<T> {
  readonly writer: PayloadWriter<T>
  /** Bytes before the payload, in the record or its header. */
  readonly id: Buffer
  /** Monotonic time after which the latest version is looked up again. */
  readonly staleAt: number
}

/** An error that is repeated without another request, for records of the same schema. */
interface Failure {
  readonly error: unknown
  readonly until: number
}

/** For how long an unknown schema is not looked up again. */
const NOT_FOUND_MS = 10_000
/** For how long no request is made after the registry did not answer. */
const OUTAGE_MS = 1000
const NO_PREFIX = Buffer.alloc(0)

/**
 * A serde whose schemas are in a registry. `prepareSerialize` and `prepareDeserialize` load what
 * `serialize` and `deserialize` need; our producers and consumers call them.
 */
export class SchemaSerde<T> implements Serde<T> {
  readonly #client: SchemaRegistryClient
  readonly #format: SerdeFormat<T>
  readonly #options: SchemaSerdeOptions
  readonly #writers: LruCache<string, SubjectWriter<T>>
  readonly #readers: LruCache<string | number, PayloadReader<T>>
  readonly #failures = new LruCache<string | number, Failure>(100)
  readonly #pending = new Map<string | number, Promise<void>>()
  #resolved: readonly ResolvedReference[] | undefined

  /** Creates the serde of a format. Throws `SerdeError` for options that exclude each other. */
  constructor(
    client: SchemaRegistryClient,
    format: SerdeFormat<T>,
    options: SchemaSerdeOptions = {},
  ) {
    checkOptions(format, options)
    this.#client = client
    this.#format = format
    this.#options = options
    const { cacheSize = 1000 } = options
    this.#writers = new LruCache(cacheSize)
    this.#readers = new LruCache(cacheSize)
  }

  /**
   * Registers or looks up the schema of a subject. Undefined if that is done; else a promise, which
   * rejects with `RegistryError` or `SerdeError`.
   */
  prepareSerialize(_value: T, context: SerializerContext): Promise<void> | undefined {
    const key = writerKey(context)
    const known = this.#writers.get(key)
    if (known !== undefined && known.staleAt > performance.now()) return undefined
    return this.#once(key, async () => {
      this.#writers.set(key, await this.#subjectWriter(context))
    })
  }

  /** Writes a value, after `prepareSerialize`. Adds a header if `idIn` is `header`. */
  serialize(value: T, context: SerializerContext): Uint8Array {
    const known = this.#writers.get(writerKey(context))
    if (known === undefined) throw notPrepared(`the schema of the ${context.part} of a record`)
    const { writer, id } = known
    if (this.#options.idIn !== 'header') return writer.write(value, id)
    const payload = writer.write(value, NO_PREFIX)
    context.headers.set(headerName(context.part), id)
    return payload
  }

  /**
   * Loads the schema that a record names. Undefined if that is done, or the bytes name none; else
   * a promise, which rejects with `RegistryError` or `SerdeError`.
   */
  prepareDeserialize(bytes: Buffer, context: SerdeContext): Promise<void> | undefined {
    const key = keyOf(idOf(bytes, context))
    if (key === undefined || this.#readers.get(key) !== undefined) return undefined
    return this.#once(key, async () => {
      const schema = await this.#schemaOf(key, context)
      this.#readers.set(key, await this.#format.reader(schema, await this.#ownReferences()))
    })
  }

  /** Reads a value; `prepareDeserialize` must have been called. */
  deserialize(bytes: Buffer, context: SerdeContext): T {
    const header = headerOf(context)
    const source = header ?? bytes
    const { id, end } = readSchemaId(source)
    const key = id.kind === 'id' ? id.id : id.guid
    const reader = this.#readers.get(key)
    if (reader === undefined) {
      const failure = this.#failures.get(key)
      throw failure?.error ?? notPrepared(`schema ${key}`)
    }
    return reader.read(bytes, source, end)
  }

  async #subjectWriter(context: SerdeContext): Promise<SubjectWriter<T>> {
    const { ignoreRules = false, idIn = 'prefix', latestTtlMs } = this.#options
    const schema = await this.#schemaToWrite(context)
    const { registered } = schema
    if (!ignoreRules) refuseRules(registered, ['WRITE', 'WRITEREAD'])
    const writer = await this.#format.writer(schema)
    const id = idIn === 'header' ? guidPrefix(guidOf(registered)) : idPrefix(registered.id)
    const isLatest = this.#isLatest()
    return {
      writer,
      id: Buffer.concat([id, writer.indexes]),
      staleAt: isLatest && latestTtlMs !== undefined ? performance.now() + latestTtlMs : Infinity,
    }
  }

  #isLatest(): boolean {
    const { useLatestVersion = false, useLatestWithMetadata } = this.#options
    return useLatestVersion || useLatestWithMetadata !== undefined
  }

  async #schemaToWrite(context: SerdeContext): Promise<LoadedSchema> {
    const { useSchemaId, useLatestWithMetadata } = this.#options
    if (useSchemaId === undefined && !this.#isLatest()) return this.#registerOwn(context)
    const subject = this.#subject(context, undefined)
    const registered =
      useSchemaId !== undefined
        ? await this.#client.schemaById(useSchemaId, { subject })
        : useLatestWithMetadata !== undefined
          ? await this.#client.versionWithMetadata(subject, useLatestWithMetadata)
          : await this.#client.version(subject)
    const schema = await withReferences(this.#client, registered)
    await this.#checkOwn(schema)
    return schema
  }

  /** The serde's own schema, registered or found under the subject. */
  async #registerOwn(context: SerdeContext): Promise<LoadedSchema> {
    const { schema } = this.#format
    if (schema === undefined) throw new SerdeError('a serde without a schema cannot write')
    const { autoRegister = true, normalize = false, metadata, ruleSet } = this.#options
    const schemaType = this.#format.schemas.type
    const references = await registerIncluded(this.#client, this.#options.references ?? [], {
      schemaType,
      normalize,
      autoRegister,
    })
    const input = {
      schema,
      schemaType,
      references,
      ...(metadata === undefined ? {} : { metadata }),
      ...(ruleSet === undefined ? {} : { ruleSet }),
    }
    const own: RegisteredSchema = {
      ...input,
      id: -1,
      guid: undefined,
      subject: undefined,
      version: undefined,
    }
    const loaded = await withReferences(this.#client, own)
    const subject = this.#subject(context, this.#format.nameOf(loaded))
    const {
      id,
      guid,
      ruleSet: rules,
    } = autoRegister
      ? await this.#client.register(subject, input, { normalize })
      : await this.#client.lookup(subject, input, { normalize })
    return {
      registered: { ...own, id, guid, ...(rules === undefined ? {} : { ruleSet: rules }) },
      resolved: loaded.resolved,
    }
  }

  /** Refuses a schema of the registry that cannot read values of the serde's own schema. */
  async #checkOwn(schema: LoadedSchema): Promise<void> {
    const { schemas, schema: text } = this.#format
    const { checkCompatibility = true } = this.#options
    const { registered, resolved } = schema
    if (registered.schemaType !== schemas.type) throw wrongType(registered, schemas.type)
    if (text === undefined || !checkCompatibility) return
    const reader = schemas.parse({ ...registered, resolved })
    const { references } = registered
    const own = schemas.parse({ schema: text, references, resolved })
    const [first, ...others] = reader.incompatibilities(own)
    if (first === undefined) return
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`
    throw new SerdeError(
      `schema ${registered.id} cannot read values of the serde's schema: ${first.message}${more}`,
    )
  }

  /** Texts of the schemas that the serde's own schema uses. */
  async #ownReferences(): Promise<readonly ResolvedReference[]> {
    const { references = [] } = this.#options
    if (references.length === 0 || this.#format.schema === undefined) return []
    this.#resolved ??= await resolveGiven(this.#client, references)
    return this.#resolved
  }

  #subject({ topic, part }: SerdeContext, recordName: string | undefined): string {
    const { subjectNameStrategy = 'topic' } = this.#options
    const { schema, schemas } = this.#format
    const name =
      recordName ??
      (schema === undefined || subjectNameStrategy === 'topic'
        ? undefined
        : schemas.parse({ schema, references: [], resolved: [] }).name)
    return subjectName(subjectNameStrategy, { topic, part, recordName: name })
  }

  async #schemaOf(key: string | number, { topic, part }: SerdeContext): Promise<LoadedSchema> {
    const { subjectNameStrategy = 'topic', ignoreRules = false } = this.#options
    const registered =
      typeof key === 'string'
        ? await this.#client.schemaByGuid(key)
        : await this.#client.schemaById(
            key,
            subjectNameStrategy === 'topic' ? { subject: `${topic}-${part}` } : {},
          )
    const { type } = this.#format.schemas
    if (registered.schemaType !== type) throw wrongType(registered, type)
    if (!ignoreRules) refuseRules(registered, ['READ', 'WRITEREAD'])
    return withReferences(this.#client, registered)
  }

  /** Shares a lookup, and for a short time its failure. */
  #once(key: string | number, load: () => Promise<void>): Promise<void> {
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending
    const failure = this.#failures.get(key)
    if (failure !== undefined) {
      if (failure.until > performance.now()) return Promise.reject(failure.error)
      this.#failures.delete(key)
    }
    const loading = load()
      .catch((error: unknown) => {
        this.#failures.set(key, { error, until: performance.now() + failureTime(error) })
        throw error
      })
      .finally(() => this.#pending.delete(key))
    this.#pending.set(key, loading)
    return loading
  }
}

function checkOptions(format: SerdeFormat<unknown>, options: SchemaSerdeOptions): void {
  const { useLatestVersion = false, useLatestWithMetadata, useSchemaId } = options
  const given = [
    ...(useLatestVersion ? ['useLatestVersion'] : []),
    ...(useLatestWithMetadata === undefined ? [] : ['useLatestWithMetadata']),
    ...(useSchemaId === undefined ? [] : ['useSchemaId']),
  ]
  if (given.length > 1) throw new SerdeError(`${given.join(' and ')} exclude each other`)
  if (format.schema === undefined) return
  // A wrong schema of the program is reported where it is written, not with its first record.
  if ((options.references ?? []).length === 0) {
    format.schemas.parse({ schema: format.schema, references: [], resolved: [] })
  }
}

function writerKey({ topic, part }: SerdeContext): string {
  return part === 'value' ? topic : `${topic}\0key`
}

function headerOf({ part, headers }: SerdeContext): Buffer | undefined {
  return headers.get(headerName(part)) ?? undefined
}

function idOf(bytes: Buffer, context: SerdeContext): ReadSchemaId | undefined {
  try {
    return readSchemaId(headerOf(context) ?? bytes)
  } catch {
    // `deserialize` reports it, when the value is read.
    return undefined
  }
}

function keyOf(found: { readonly id: SchemaId } | undefined): string | number | undefined {
  if (found === undefined) return undefined
  return found.id.kind === 'id' ? found.id.id : found.id.guid
}

function guidOf({ guid, id }: RegisteredSchema): string {
  if (guid !== undefined) return guid
  throw new SerdeError(
    `the registry returned no GUID for schema ${id}, which idIn: header needs; use idIn: prefix`,
  )
}

function wrongType({ id, guid, schemaType }: RegisteredSchema, expected: string): SerdeError {
  return new SerdeError(`schema ${id < 0 ? guid : id} is ${schemaType}, not ${expected}`)
}

function notPrepared(what: string): SerdeError {
  return new SerdeError(`${what} is not loaded: await the serde's prepare method first`)
}

function failureTime(error: unknown): number {
  if (!(error instanceof RegistryError)) return 0
  return error.retriable ? OUTAGE_MS : NOT_FOUND_MS
}

/** Refuses a schema with rules that would have to be executed. */
function refuseRules({ id, ruleSet }: RegisteredSchema, modes: readonly string[]): void {
  const rule = rulesOf(ruleSet).find(
    ({ mode, disabled = false }) => !disabled && (mode === undefined || modes.includes(mode)),
  )
  if (rule === undefined) return
  throw new SerdeError(
    `schema ${id} has the rule ${rule.name} of type ${rule.type ?? 'none'}, which is not executed here; ignoreRules: true uses the schema without it`,
  )
}

function rulesOf(ruleSet: RuleSet | undefined): NonNullable<RuleSet['domainRules']> {
  return [...(ruleSet?.domainRules ?? []), ...(ruleSet?.encodingRules ?? [])]
}
