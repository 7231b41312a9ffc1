// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import type {
  SchemaSerde,
  SchemaSerdeOptions,
  SchemaSource,
} from '@millrace/schema-registry/serdes'
import type { ComponentContext } from '../component.ts'
import {
  type CheckProblem,
  integer,
  optionalBoolean,
  optionalText,
  parsed,
  type ValuesOf,
} from '../config/keys.ts'
import { type Part, readPart } from '../config/part.ts'
import { pathOf } from '../config/paths.ts'
import { ComponentError, DeliveryError, reasonOf } from '../errors.ts'
import { type FormatName, formats, openRegistry, type Registry } from './registry.ts'
import { checkRegistryPart, registryKeys, registryPart } from './registry-keys.ts'

const strategies = {
  topic: 'TopicNameStrategy',
  record: 'RecordNameStrategy',
  'topic-record': 'TopicRecordNameStrategy',
} as const

type Strategy = keyof typeof strategies

/** A strategy by its name or Java's class. */
function parseStrategy(text: string): Strategy {
  const given = text.trim().replace(/^io\.confluent\.kafka\.serializers\.subject\./, '')
  for (const [name, javaClass] of Object.entries(strategies)) {
    if (given === name || given === javaClass) return name as Strategy
  }
  throw new Error('topic, record or topic-record')
}

const encoderKeys = {
  ...registryKeys,
  schemaFile: optionalText({ key: 'schema.file' }),
  strategy: parsed<Strategy>(parseStrategy, 'topic', {
    key: 'subject.name.strategy',
    alsoKnownAs: ['value.subject.name.strategy'],
  }),
  autoRegister: optionalBoolean({ key: 'auto.register', alsoKnownAs: ['auto.register.schemas'] }),
  useLatestVersion: optionalBoolean({ key: 'use.latest.version' }),
  latestSeconds: integer(-1, { key: 'latest.cache.ttl.sec', min: -1 }),
  errorsTopic: optionalText({ key: 'errors.topic' }),
}

const protobufKeys = { ...encoderKeys, message: optionalText() }

/** Serializers of records, `serializer` of the Kafka sink. */
const encoders: readonly Part[] = [
  { type: 'none', keys: {} },
  {
    type: 'avro',
    aliases: ['io.confluent.kafka.serializers.KafkaAvroSerializer'],
    keys: encoderKeys,
  },
  {
    type: 'json-schema',
    aliases: ['io.confluent.kafka.serializers.json.KafkaJsonSchemaSerializer'],
    keys: encoderKeys,
  },
  {
    type: 'protobuf',
    aliases: ['io.confluent.kafka.serializers.protobuf.KafkaProtobufSerializer'],
    keys: protobufKeys,
  },
]

type EncoderConfig = ValuesOf<typeof protobufKeys>

/** Topics whose schemas are kept; then all are looked up again. */
const MAX_TOPICS = 1000
/** Size of a schema's id before a value. */
const ID_BYTES = 5

/** Problems with the type and entries of a serializer. */
export function checkEncoder(
  type: string,
  entries: ReadonlyMap<string, string>,
): readonly CheckProblem[] {
  const problems = checkRegistryPart(encoders, 'serializer', type, entries)
  if (problems.some(({ effect }) => effect !== 'none')) return problems
  const part = registryPart(encoders, type)
  if (part.type === 'none') return problems
  const { schemaFile, strategy, useLatestVersion } = readPart(
    { ...part, keys: protobufKeys },
    entries,
  )
  if (schemaFile === undefined && useLatestVersion === false) {
    const message = 'is false, and serializer.schema.file is missing: no schema is left'
    return [...problems, { key: 'serializer.use.latest.version', message }]
  }
  if (strategy !== 'topic' && (schemaFile === undefined || useLatestVersion === true)) {
    const message = `is ${strategy}; expected topic, since the subject of the latest version is found by the topic`
    return [...problems, { key: 'serializer.subject.name.strategy', message }]
  }
  return problems
}

/** Whether a type of serializer encodes bodies. */
export function encodes(type: string): boolean {
  return registryPart(encoders, type).type !== 'none'
}

/** How values of a topic are written. */
interface TopicWriter {
  readonly serde: SchemaSerde<unknown>
  readonly fromJson: (text: string) => unknown
  /** Monotonic time after which the latest version is looked up again. */
  readonly staleAt: number
}

/** Encodes JSON bodies as values of records, with schemas of a registry. */
export class RecordEncoder {
  /** Topic of the events that do not fit; undefined if they stay in the channel. */
  readonly errorsTopic: string | undefined
  readonly #format: FormatName
  readonly #config: EncoderConfig
  readonly #registry: Registry
  readonly #clock: ComponentContext['world']['clock']
  /** The serializer's own schema; undefined for the latest version. */
  readonly #own: { readonly text: string; readonly writer: TopicWriter } | undefined
  readonly #writers = new Map<string, TopicWriter>()

  private constructor(
    format: FormatName,
    config: EncoderConfig,
    registry: Registry,
    clock: ComponentContext['world']['clock'],
    schema: string | undefined,
  ) {
    this.errorsTopic = config.errorsTopic
    this.#format = format
    this.#config = config
    this.#registry = registry
    this.#clock = clock
    const own = schema === undefined ? undefined : { schema, references: [], resolved: [] }
    this.#own = own && { text: own.schema, writer: this.#ownWriter(own) }
  }

  /**
   * Reads the schema file and loads the serdes; undefined for `none`. Rejects for a file that is
   * not a schema.
   */
  static async open(
    type: string,
    entries: ReadonlyMap<string, string>,
    context: ComponentContext,
  ): Promise<RecordEncoder | undefined> {
    const part = registryPart(encoders, type)
    if (part.type === 'none') return undefined
    const config = readPart({ ...part, keys: protobufKeys }, entries)
    const { schemaFile } = config
    const path = schemaFile === undefined ? undefined : pathOf(schemaFile, context.directory)
    const registry = await openRegistry(config, context)
    try {
      const schema = path === undefined ? undefined : await readFile(path, 'utf8')
      const format = part.type as FormatName
      return new RecordEncoder(format, config, registry, context.world.clock, schema)
    } catch (error) {
      registry.client.close()
      throw new ComponentError(`schema file ${path}: ${reasonOf(error)}`, error)
    }
  }

  /** Loads the schemas of topics. Rejects if the registry does not answer, or has none. */
  async prepare(topics: ReadonlySet<string>): Promise<void> {
    for (const topic of topics) {
      const known = this.#writers.get(topic)
      if (known !== undefined && known.staleAt > this.#clock.monotonic()) continue
      try {
        const writer = await this.#writerOf(topic)
        if (this.#writers.size >= MAX_TOPICS) this.#writers.clear()
        this.#writers.set(topic, writer)
      } catch (error) {
        throw new DeliveryError(`schema for topic ${topic}: ${reasonOf(error)}`, error)
      }
    }
  }

  /** Encodes a body. Throws `DeliveryError` for one that does not fit. */
  encode(topic: string, body: Buffer): Uint8Array {
    const writer = this.#writers.get(topic)
    if (writer === undefined) throw new DeliveryError(`no schema is loaded for topic ${topic}`)
    try {
      if (!isUtf8(body)) throw new TypeError('the bytes are not UTF-8')
      const bytes = writer.serde.serialize(writer.fromJson(body.toString()), contextOf(topic))
      // JSON is not written again, so that large numbers keep their digits.
      return this.#format === 'json-schema'
        ? Buffer.concat([bytes.subarray(0, ID_BYTES), body])
        : bytes
    } catch (error) {
      throw new DeliveryError(
        `the body of an event does not fit the schema of topic ${topic}: ${reasonOf(error)}`,
        error,
      )
    }
  }

  /** Closes the client of the registry. */
  close(): void {
    this.#registry.client.close()
  }

  async #writerOf(topic: string): Promise<TopicWriter> {
    const own = this.#own
    const isLatest = this.#config.useLatestVersion ?? own === undefined
    const writer = own === undefined || isLatest ? await this.#latest(topic) : own.writer
    await writer.serde.prepareSerialize(undefined, contextOf(topic))
    return writer
  }

  /** Writes with the latest version of the topic's subject; the id keeps value and schema one. */
  async #latest(topic: string): Promise<TopicWriter> {
    const { client, serdes } = this.#registry
    const { latestSeconds } = this.#config
    const registered = await client.version(`${topic}-value`)
    const { id, schema, schemaType, references } = registered
    if (schemaType !== formats[this.#format]) {
      throw new DeliveryError(`schema ${id} is ${schemaType}, not ${formats[this.#format]}`)
    }
    const resolved = await serdes.resolveReferences(client, references)
    const staleAt = latestSeconds < 0 ? Infinity : this.#clock.monotonic() + latestSeconds * 1000
    const own = this.#own === undefined ? {} : { schema: this.#own.text }
    return {
      serde: this.#serde({ ...own, useSchemaId: id }),
      fromJson: this.#fromJson({ schema, references, resolved }),
      staleAt,
    }
  }

  #ownWriter(source: SchemaSource): TopicWriter {
    const { autoRegister = true, strategy } = this.#config
    const { schema } = source
    return {
      serde: this.#serde({ schema, autoRegister, subjectNameStrategy: strategy }),
      fromJson: this.#fromJson(source),
      staleAt: Infinity,
    }
  }

  #fromJson(source: SchemaSource): (text: string) => unknown {
    const { message } = this.#config
    return this.#registry.serdes.valueFromJson(formats[this.#format], source, { message })
  }

  #serde(options: SchemaSerdeOptions & { readonly schema?: string }): SchemaSerde<unknown> {
    const { serdes, client } = this.#registry
    const { message } = this.#config
    switch (this.#format) {
      case 'avro':
        return serdes.avroSerde<string | undefined, unknown>(client, options)
      case 'json-schema':
        return serdes.jsonSchemaSerde<string | undefined, unknown>(client, options)
      case 'protobuf':
        return serdes.protobufSerde<unknown>(client, {
          ...options,
          ...(message === undefined ? {} : { message }),
        })
    }
  }
}

const noHeaders = { get: () => undefined, set: () => {} }

function contextOf(topic: string) {
  return { topic, part: 'value', headers: noHeaders } as const
}
