// SPDX-License-Identifier: Apache-2.0
import {
  avroSerde,
  jsonSchemaSerde,
  protobufSerde,
  RegistryError,
  readSchemaId,
  type SchemaRegistryClient,
  type SchemaSerde,
  type SchemaType,
  valueToJson,
} from '@millrace/schema-registry/serdes'
import type { PrintedRecord } from '../client/record-format.ts'
import { concurrently } from './concurrently.ts'
import { mayHaveSchema, type RecordPart, startsWithId } from './schema-ids.ts'

/** Id of a schema, or its GUID. */
type SchemaKey = number | string

/** Schemas that are kept; then all are forgotten. */
const MAX_SCHEMAS = 1000
/** Unknown ids after which the bytes are taken for something else, if no id was known. */
const MAX_UNKNOWN = 10

/** A key or value to decode. */
interface Part {
  readonly record: PrintedRecord
  readonly part: RecordPart
  readonly key: SchemaKey
}

/**
 * Decodes keys and values that begin with the id of a schema, or have it in a header. What cannot
 * be decoded is not changed, with a warning for each reason.
 */
export class RecordDecoder {
  readonly #client: SchemaRegistryClient
  readonly #warn: (text: string) => void
  readonly #serdes: Readonly<Record<SchemaType, SchemaSerde<unknown>>>
  /** Formats of schemas; undefined for those that cannot be used. */
  readonly #types = new Map<SchemaKey, SchemaType | undefined>()
  readonly #warned = new Set<string>()
  #unknown = 0
  #isOff = false

  /** Creates a decoder; it asks the registry for each schema once. */
  constructor(client: SchemaRegistryClient, warn: (text: string) => void) {
    this.#client = client
    this.#warn = warn
    this.#serdes = {
      AVRO: avroSerde(client) as SchemaSerde<unknown>,
      JSON: jsonSchemaSerde(client, { validate: false }) as SchemaSerde<unknown>,
      PROTOBUF: protobufSerde(client) as SchemaSerde<unknown>,
    }
  }

  /** Decodes what records have; the others are returned unchanged. */
  async decode(records: readonly PrintedRecord[]): Promise<readonly PrintedRecord[]> {
    if (this.#isOff) return records
    const parts = records.flatMap((record): Part[] =>
      partsWithSchema(record).map((each) => ({ record, ...each })),
    )
    if (parts.length === 0) return records
    await this.#load(parts)
    const decoded = new Map<PrintedRecord, PrintedRecord>()
    for (const each of parts) {
      const text = this.#text(each)
      if (text === undefined) continue
      const before = decoded.get(each.record) ?? plain(each.record)
      const bytes = Buffer.from(text)
      const after =
        each.part === 'key'
          ? { ...before, keyBytes: bytes, keySchema: each.key }
          : { ...before, valueBytes: bytes, valueSchema: each.key }
      decoded.set(each.record, after)
    }
    return records.map((record) => decoded.get(record) ?? record)
  }

  async #load(parts: readonly Part[]): Promise<void> {
    if (this.#types.size > MAX_SCHEMAS) this.#types.clear()
    const missing = new Map<SchemaKey, Part>()
    for (const each of parts) if (!this.#types.has(each.key)) missing.set(each.key, each)
    await concurrently([...missing.values()], async (each) => {
      if (!this.#isOff) this.#types.set(each.key, await this.#typeOf(each))
    })
  }

  async #typeOf({ record, part, key }: Part): Promise<SchemaType | undefined> {
    const { topic } = record
    try {
      const { schemaType } =
        typeof key === 'string'
          ? await this.#client.schemaByGuid(key)
          : await this.#client.schemaById(key, { subject: `${topic}-${part}` })
      const bytes = bytesOf(record, part)
      const serde = this.#serdes[schemaType]
      await serde.prepareDeserialize(bytes, contextOf(record, part))
      return schemaType
    } catch (error) {
      this.#failed(error, { record, part, key })
      return undefined
    }
  }

  #failed(error: unknown, { record, part, key }: Part): void {
    const reason = error instanceof Error ? error.message : String(error)
    if (!(error instanceof RegistryError) || error.isNotFound) {
      this.#unknown += 1
      const isOther = this.#unknown > MAX_UNKNOWN && ![...this.#types.values()].some(Boolean)
      if (isOther) this.#isOff = true
      this.#once(
        isOther ? 'other' : `${record.topic} ${part} ${key}`,
        isOther
          ? `the registry knows none of ${MAX_UNKNOWN} schema ids: records are printed as bytes`
          : `schema ${key} of ${part}s of ${record.topic}: ${reason}; printed as bytes`,
      )
      return
    }
    this.#isOff = true
    this.#once(
      'registry',
      `records have schema ids, but no registry answers (${reason}); printed as bytes. --registry URL names one, --raw hides this`,
    )
  }

  #text({ record, part, key }: Part): string | undefined {
    const type = this.#types.get(key)
    if (type === undefined) return undefined
    try {
      const bytes = bytesOf(record, part)
      return valueToJson(type, this.#serdes[type].deserialize(bytes, contextOf(record, part)))
    } catch (error) {
      const { topic, partition, offset } = record
      this.#once(
        `bytes ${topic} ${part} ${key}`,
        `${topic}-${partition} offset ${offset}: the ${part} is not of schema ${key}: ${(error as Error).message}; printed as bytes`,
      )
      return undefined
    }
  }

  #once(key: string, text: string): void {
    if (this.#warned.has(key) || this.#warned.size > MAX_SCHEMAS) return
    this.#warned.add(key)
    this.#warn(text)
  }
}

function bytesOf({ keyBytes, valueBytes }: PrintedRecord, part: RecordPart): Buffer {
  return (part === 'key' ? keyBytes : valueBytes) ?? Buffer.alloc(0)
}

function contextOf(
  { topic, headers }: PrintedRecord,
  part: RecordPart,
): Parameters<SchemaSerde<unknown>['deserialize']>[1] {
  return {
    topic,
    part,
    headers: { get: (name) => headers.findLast(({ key }) => key === name)?.value },
  }
}

/** The parts of a record that are printed: those of the client's are computed. */
function plain(record: PrintedRecord): PrintedRecord {
  const { topic, partition, offset, timestamp, keyBytes, valueBytes, headers } = record
  return { topic, partition, offset, timestamp, keyBytes, valueBytes, headers }
}

/** The parts of a record that have the id of a schema. */
function partsWithSchema(
  record: PrintedRecord,
): readonly { readonly part: RecordPart; readonly key: SchemaKey }[] {
  if (!mayHaveSchema(record)) return []
  const { keyBytes, valueBytes, headers } = record
  const found: { part: RecordPart; key: SchemaKey }[] = []
  for (const [part, bytes] of [
    ['key', keyBytes],
    ['value', valueBytes],
  ] as const) {
    if (bytes === null) continue
    const header = headers.findLast(({ key }) => key === `__${part}_schema_id`)?.value
    const key = keyOf(header ?? bytes)
    if (key !== undefined) found.push({ part, key })
  }
  return found
}

function keyOf(bytes: Buffer): SchemaKey | undefined {
  if (!startsWithId(bytes)) return undefined
  const { id } = readSchemaId(bytes)
  return id.kind === 'id' ? id.id : id.guid
}
