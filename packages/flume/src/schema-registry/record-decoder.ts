// SPDX-License-Identifier: Apache-2.0
import type { ConsumerRecord } from '@millrace/client'
import type { ReadSchemaId, SchemaSerde, SchemaType } from '@millrace/schema-registry/serdes'
import type { ComponentContext } from '../component.ts'
import type { CheckProblem } from '../config/keys.ts'
import { type Part, readPart } from '../config/part.ts'
import type { Headers } from '../event.ts'
import { type FormatName, formats, openRegistry, type Registry } from './registry.ts'
import { checkRegistryPart, registryKeys, registryPart } from './registry-keys.ts'

/** Deserializers of records, `deserializer` of the Kafka source. */
const decoders: readonly Part[] = [
  { type: 'none', keys: {} },
  {
    type: 'avro',
    aliases: ['io.confluent.kafka.serializers.KafkaAvroDeserializer'],
    keys: registryKeys,
  },
  {
    type: 'json-schema',
    aliases: ['io.confluent.kafka.serializers.json.KafkaJsonSchemaDeserializer'],
    keys: registryKeys,
  },
  {
    type: 'protobuf',
    aliases: ['io.confluent.kafka.serializers.protobuf.KafkaProtobufDeserializer'],
    keys: registryKeys,
  },
  { type: 'registry', keys: registryKeys },
]

/** Schemas whose formats are kept; then all are looked up again. */
const MAX_SCHEMAS = 1000
/** Header of a record with the GUID of its value's schema. */
const ID_HEADER = '__value_schema_id'

/** Problems with the type and entries of a deserializer. */
export function checkDecoder(
  type: string,
  entries: ReadonlyMap<string, string>,
): readonly CheckProblem[] {
  return checkRegistryPart(decoders, 'deserializer', type, entries)
}

/** Whether a type of deserializer decodes values. */
export function decodes(type: string): boolean {
  return registryPart(decoders, type).type !== 'none'
}

type SchemaKey = number | string

/** Parts of a record that its decoding needs. */
type ReadRecord = Pick<ConsumerRecord, 'topic' | 'value' | 'headers'>

/** Decodes values with schemas of a registry to JSON. */
export class RecordDecoder {
  readonly #registry: Registry
  /** The only format that is accepted; undefined for all. */
  readonly #expected: SchemaType | undefined
  readonly #serdes: Readonly<Record<SchemaType, SchemaSerde<unknown>>>
  readonly #types = new Map<SchemaKey, SchemaType>()

  private constructor(registry: Registry, expected: SchemaType | undefined) {
    this.#registry = registry
    this.#expected = expected
    const { client, serdes } = registry
    this.#serdes = {
      AVRO: serdes.avroSerde<undefined, unknown>(client),
      // The body is JSON, also if it does not fit: no record is skipped for that.
      JSON: serdes.jsonSchemaSerde<undefined, unknown>(client, { validate: false }),
      PROTOBUF: serdes.protobufSerde<unknown>(client),
    }
  }

  /** Loads the serdes; undefined for `none`. */
  static async open(
    type: string,
    entries: ReadonlyMap<string, string>,
    context: ComponentContext,
  ): Promise<RecordDecoder | undefined> {
    const part = registryPart(decoders, type)
    if (part.type === 'none') return undefined
    const registry = await openRegistry(readPart({ ...part, keys: registryKeys }, entries), context)
    const expected = part.type === 'registry' ? undefined : formats[part.type as FormatName]
    return new RecordDecoder(registry, expected)
  }

  /**
   * Loads the schemas that records name. Rejects with `RegistryError` if the registry does not
   * answer; `decode` throws for a record that cannot be decoded.
   */
  async prepare(records: readonly ReadRecord[]): Promise<void> {
    const failed = new Set<SchemaKey>()
    for (const record of records) {
      const key = this.#keyOf(record)
      if (key === undefined || failed.has(key) || record.value === null) continue
      try {
        const type = this.#types.get(key) ?? (await this.#load(key, record.topic))
        await this.#serdes[type].prepareDeserialize(record.value, contextOf(record))
      } catch (error) {
        if (this.#isOutage(error)) throw error
        failed.add(key)
      }
    }
  }

  /** JSON of a value; adds the headers `schema.id` or `schema.guid`. Throws if it is not valid. */
  decode(record: ReadRecord & { readonly value: Buffer }, headers: Headers): Buffer {
    const { id, end } = this.#idOf(record)
    const key = id.kind === 'id' ? id.id : id.guid
    const type = this.#types.get(key)
    if (type === undefined) throw new Error(`the registry has no schema ${key}`)
    const expected = this.#expected
    if (expected !== undefined && type !== expected) {
      throw new Error(`schema ${key} is ${type}, not ${expected}`)
    }
    const value = this.#serdes[type].deserialize(record.value, contextOf(record))
    headers[id.kind === 'id' ? 'schema.id' : 'schema.guid'] = String(key)
    // JSON is not written again, so that large numbers keep their digits.
    if (type === 'JSON') {
      return Buffer.from(headerOf(record) === undefined ? record.value.subarray(end) : record.value)
    }
    return Buffer.from(this.#registry.serdes.valueToJson(type, value))
  }

  /** Closes the client of the registry. */
  close(): void {
    this.#registry.client.close()
  }

  async #load(key: SchemaKey, topic: string): Promise<SchemaType> {
    const { client } = this.#registry
    const { schemaType } =
      typeof key === 'string'
        ? await client.schemaByGuid(key)
        : await client.schemaById(key, { subject: `${topic}-value` })
    if (this.#types.size >= MAX_SCHEMAS) this.#types.clear()
    this.#types.set(key, schemaType)
    return schemaType
  }

  #idOf(record: ReadRecord): ReadSchemaId {
    return this.#registry.serdes.readSchemaId(headerOf(record) ?? record.value ?? Buffer.alloc(0))
  }

  #keyOf(record: ReadRecord): SchemaKey | undefined {
    try {
      const { id } = this.#idOf(record)
      return id.kind === 'id' ? id.id : id.guid
    } catch {
      // `decode` reports it.
      return undefined
    }
  }

  /** Whether the registry failed; an unknown schema is a fault of the record. */
  #isOutage(error: unknown): boolean {
    if (!(error instanceof this.#registry.serdes.RegistryError)) return false
    const { status, errorCode } = error
    // 404 without a registry's error code is the answer of another server.
    return status !== 200 && !(status === 404 && errorCode > 40_400)
  }
}

function headerOf({ headers }: ReadRecord): Buffer | undefined {
  return headers.findLast(({ key }) => key === ID_HEADER)?.value ?? undefined
}

function contextOf({ topic, headers }: ReadRecord) {
  return {
    topic,
    part: 'value',
    headers: { get: (name: string) => headers.findLast(({ key }) => key === name)?.value },
  } as const
}
