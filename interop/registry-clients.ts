// SPDX-License-Identifier: Apache-2.0
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Consumer, type ConsumerRecord, Producer } from '@millrace/client'
import { SchemaRegistryClient } from '@millrace/schema-registry/serdes'
import { peersDirectory } from './peers.ts'
import { protoFiles, type SerdeCase, type Tagged } from './registry-cases.ts'

const python = join(peersDirectory, 'venv/bin/python')

/** A record for a client to write or read: the first one of the topic. */
export interface Job {
  readonly topic: string
  readonly idIn: 'prefix' | 'header'
  readonly of: SerdeCase
  /** Settings of the serializer, with Java's names. */
  readonly settings?: Readonly<Record<string, boolean>>
  /** Avro: schema of the values that are read. Default: that of the writer. */
  readonly readerSchema?: string
}

/** A client of a registry by other people. */
export interface RegistryPeer extends Disposable {
  readonly name: string
  /** Whether it knows GUIDs in headers. */
  readonly hasHeaders: boolean
  /** Writes the value of the case; its bytes. */
  write(job: Job): Promise<Buffer>
  /** Reads the value. */
  read(job: Job): Promise<unknown>
  /** What `read` is expected to return. */
  expected(of: SerdeCase): unknown
}

/** An error of a client, with the registry's answer. */
export class PeerError extends Error {
  readonly status: number | undefined
  readonly errorCode: number | undefined
  constructor(message: string, status?: number, errorCode?: number) {
    super(message)
    this.status = status
    this.errorCode = errorCode
  }
}

/** Compiles the Protobuf files with protoc; path of the `FileDescriptorSet`. */
export async function compileProtos(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'protos-'))
  for (const [path, text] of Object.entries(protoFiles)) {
    const file = join(directory, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const output = join(directory, 'descriptors.bin')
  await promisify(execFile)(python, [
    '-m',
    'grpc_tools.protoc',
    `--proto_path=${directory}`,
    '--include_imports',
    `--descriptor_set_out=${output}`,
    ...Object.keys(protoFiles),
  ])
  return output
}

/** Addresses of a cluster with a registry. */
export interface Place {
  /** `host:port` of the broker. */
  readonly broker: string
  /** URL of the registry. */
  readonly registry: string
  /** Path of the compiled Protobuf files. */
  readonly descriptors: string
}

/** The first record of a topic, as bytes. */
export async function firstRecord(place: Place, topic: string): Promise<ConsumerRecord> {
  await using consumer = new Consumer({
    bootstrapServers: place.broker,
    autoOffsetReset: 'earliest',
  })
  consumer.assign([{ topic, partition: 0 }])
  const [record] = await consumer.poll(20_000)
  if (record === undefined) throw new Error(`no record in ${topic}`)
  return record
}

/** Registers what a schema uses; the references with versions. */
export async function registerUsed(place: Place, of: SerdeCase): Promise<readonly Reference[]> {
  using client = new SchemaRegistryClient({ urls: place.registry })
  return await Promise.all(
    of.references.map(async ({ name, subject, schema }) => {
      const { version = 1 } = await client.register(subject, { schema, schemaType: of.format })
      return { name, subject, version }
    }),
  )
}

interface Reference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

interface PythonAnswer {
  readonly result?: unknown
  readonly error?: string
  readonly status?: number
  readonly errorCode?: number
}

/** Confluent's Python client, with librdkafka. */
export class PythonPeer implements RegistryPeer {
  readonly name: string = 'Python'
  readonly hasHeaders: boolean = true
  readonly #place: Place
  readonly #child: ReturnType<typeof spawn>
  readonly #waiting: ((answer: PythonAnswer) => void)[] = []
  #errors = ''

  constructor(place: Place) {
    this.#place = place
    const script = join(import.meta.dirname, 'python/registry_serdes.py')
    const { broker, registry, descriptors } = place
    const child = spawn(python, [script, broker, registry, descriptors])
    child.stderr.on('data', (data) => {
      this.#errors += data
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#waiting.shift()?.(JSON.parse(line) as PythonAnswer)
    })
    child.on('exit', () => {
      const error = `the Python client ended: ${this.#errors.slice(-2000)}`
      for (const resolve of this.#waiting.splice(0)) resolve({ error })
    })
    this.#child = child
  }

  async write(job: Job): Promise<Buffer> {
    return Buffer.from(String(await this.ask('write', job, { value: job.of.tagged })), 'hex')
  }

  read(job: Job): Promise<unknown> {
    return this.ask('read', job)
  }

  expected({ tagged }: SerdeCase): Tagged {
    return tagged
  }

  /** Runs one action of the script. */
  async ask(action: string, job: Job, extra: object = {}): Promise<unknown> {
    const { topic, idIn, settings, readerSchema, of } = job
    const { format, schema, message, hasBranches } = of
    // The Protobuf client registers imports itself.
    const references = format === 'PROTOBUF' ? [] : await registerUsed(this.#place, of)
    const line = {
      ...{ action, topic, idIn, settings, readerSchema },
      ...{ format, schema, message, hasBranches, references },
      ...extra,
    }
    const answer = new Promise<PythonAnswer>((resolve) => this.#waiting.push(resolve))
    this.#child.stdin?.write(`${JSON.stringify(line)}\n`)
    const { result, error, status, errorCode } = await answer
    if (error !== undefined) throw new PeerError(error, status, errorCode)
    return result
  }

  [Symbol.dispose](): void {
    this.#child.stdin?.end()
    this.#child.kill()
  }
}

/** The modules of npm that the scenarios use; they are not dependencies of the workspace. */
const modules = createRequire(join(peersDirectory, 'npm/package.json'))

interface SchemaInfo {
  readonly schema: string
  readonly schemaType: string
  readonly references: readonly Reference[]
}

type HeaderMap = Record<string, Buffer>

/** What is used of `@confluentinc/schemaregistry`. */
export interface ConfluentModule {
  readonly SchemaRegistryClient: {
    newClient(config: { readonly baseURLs: readonly string[] }): ConfluentClient
  }
  readonly AvroSerializer: ConfluentSerializerClass
  readonly JsonSerializer: ConfluentSerializerClass
  readonly ProtobufSerializer: ConfluentSerializerClass
  readonly AvroDeserializer: ConfluentDeserializerClass
  readonly JsonDeserializer: ConfluentDeserializerClass
  readonly ProtobufDeserializer: ConfluentDeserializerClass
  readonly HeaderSchemaIdSerializer: unknown
  readonly SerdeType: { readonly VALUE: unknown }
}

interface ConfluentClient {
  register(subject: string, info: SchemaInfo, normalize?: boolean): Promise<number>
  testSubjectCompatibility(subject: string, info: SchemaInfo): Promise<boolean>
  close(): Promise<void>
}

type ConfluentSerializerClass = new (
  client: ConfluentClient,
  type: unknown,
  config: object,
) => { serialize(topic: string, value: unknown, headers?: HeaderMap): Promise<Buffer> }

type ConfluentDeserializerClass = new (
  client: ConfluentClient,
  type: unknown,
  config: object,
) => { deserialize(topic: string, bytes: Buffer, headers?: HeaderMap): Promise<unknown> }

/** What is used of `@bufbuild/protobuf`. */
interface BufModule {
  createFileRegistry(set: unknown): { getMessage(name: string): object | undefined }
  fromBinary(schema: unknown, bytes: Uint8Array): unknown
  fromJson(schema: object, json: unknown): unknown
  toJson(schema: object, message: unknown): unknown
}

/** `@confluentinc/schemaregistry`. */
export function confluentModule(): ConfluentModule {
  return modules('@confluentinc/schemaregistry') as ConfluentModule
}

/** Confluent's JavaScript client; records are carried by ours. */
export class JavaScriptPeer implements RegistryPeer {
  readonly name: string = 'JavaScript'
  readonly hasHeaders: boolean = true
  readonly #place: Place
  readonly #library = confluentModule()
  readonly #buf = modules('@bufbuild/protobuf') as BufModule
  readonly #files: ReturnType<BufModule['createFileRegistry']>

  constructor(place: Place) {
    this.#place = place
    const { FileDescriptorSetSchema } = modules('@bufbuild/protobuf/wkt') as {
      readonly FileDescriptorSetSchema: unknown
    }
    const set = this.#buf.fromBinary(FileDescriptorSetSchema, readFileSync(place.descriptors))
    this.#files = this.#buf.createFileRegistry(set)
  }

  /** A separate client: no cache makes a job depend on an earlier one. */
  client(): ConfluentClient {
    return this.#library.SchemaRegistryClient.newClient({ baseURLs: [this.#place.registry] })
  }

  async write({ topic, idIn, of, settings = {} }: Job): Promise<Buffer> {
    const client = this.client()
    const { VALUE } = this.#library.SerdeType
    const isProtobuf = of.format === 'PROTOBUF'
    const registers = settings['auto.register.schemas'] !== false
    const normalizes = settings['normalize.schemas'] === true
    const usesLatest = settings['use.latest.version'] === true || !isProtobuf
    // Avro and JSON: it derives a schema from the value, unless it is to use the latest one.
    if (registers && !isProtobuf) {
      const references = await registerUsed(this.#place, of)
      const info = { schema: of.schema, schemaType: of.format, references }
      await client.register(`${topic}-value`, info, normalizes)
    }
    const { HeaderSchemaIdSerializer } = this.#library
    const serializer = new (this.#serializer(of))(client, VALUE, {
      ...(usesLatest ? { useLatestVersion: true } : { autoRegisterSchemas: registers }),
      ...(normalizes ? { normalizeSchemas: true } : {}),
      ...(idIn === 'header' ? { schemaIdSerializer: HeaderSchemaIdSerializer } : {}),
      ...(isProtobuf ? { registry: this.#files } : {}),
    })
    const headers: HeaderMap = {}
    const value = isProtobuf
      ? this.#buf.fromJson(this.#message(of), of.tagged)
      : (of.raw ?? of.tagged)
    const bytes = await serializer.serialize(topic, value, headers)
    await send(this.#place, topic, bytes, headers)
    return bytes
  }

  async read({ topic, of, readerSchema }: Job): Promise<unknown> {
    const client = this.client()
    const { VALUE } = this.#library.SerdeType
    const record = await firstRecord(this.#place, topic)
    const headers = Object.fromEntries(
      record.headers.map(({ key, value }) => [key, value ?? Buffer.alloc(0)]),
    )
    // Its reader's schema is the latest one.
    const config = readerSchema === undefined ? {} : { useLatestVersion: true }
    const deserializer = new (this.#deserializer(of))(client, VALUE, config)
    const value = await deserializer.deserialize(topic, record.valueBytes ?? NOTHING, headers)
    if (of.format === 'PROTOBUF') return this.#buf.toJson(this.#message(of), value)
    return of.format === 'AVRO' ? plainOf(value) : value
  }

  expected(of: SerdeCase): unknown {
    return of.raw ?? of.tagged
  }

  #message({ message }: SerdeCase): object {
    const found = this.#files.getMessage(message)
    if (found === undefined) throw new Error(`no message ${message}`)
    return found
  }

  #serializer({ format }: SerdeCase): ConfluentSerializerClass {
    const { AvroSerializer, JsonSerializer, ProtobufSerializer } = this.#library
    return { AVRO: AvroSerializer, JSON: JsonSerializer, PROTOBUF: ProtobufSerializer }[format]
  }

  #deserializer({ format }: SerdeCase): ConfluentDeserializerClass {
    const { AvroDeserializer, JsonDeserializer, ProtobufDeserializer } = this.#library
    return { AVRO: AvroDeserializer, JSON: JsonDeserializer, PROTOBUF: ProtobufDeserializer }[
      format
    ]
  }

  [Symbol.dispose](): void {}
}

const NOTHING = Buffer.alloc(0)

async function send(
  place: Place,
  topic: string,
  value: Buffer,
  headers: HeaderMap = {},
): Promise<void> {
  await using producer = new Producer({ bootstrapServers: place.broker })
  await producer.send({ topic, value, headers })
}

/** Values of avsc with plain prototypes. */
function plainOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainOf)
  if (typeof value !== 'object' || value === null) return value
  if (Buffer.isBuffer(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainOf(each)]))
}

/** What is used of `@kafkajs/confluent-schema-registry`. */
interface KafkajsModule {
  readonly SchemaRegistry: new (
    config: { readonly host: string },
    options?: object,
  ) => {
    register(
      schema: { readonly type: string; readonly schema: string; readonly references?: object },
      options: { readonly subject: string },
    ): Promise<{ readonly id: number }>
    encode(id: number, value: unknown): Promise<Buffer>
    decode(bytes: Buffer): Promise<unknown>
    getLatestSchemaId(subject: string): Promise<number>
  }
}

/** `@kafkajs/confluent-schema-registry`; records are carried by our client. */
export class KafkajsPeer implements RegistryPeer {
  readonly name: string = 'kafkajs'
  readonly hasHeaders: boolean = false
  readonly #place: Place
  readonly #library = modules('@kafkajs/confluent-schema-registry') as KafkajsModule

  constructor(place: Place) {
    this.#place = place
  }

  #registry({ format, message }: SerdeCase): InstanceType<KafkajsModule['SchemaRegistry']> {
    const messageName = message.replace(/^app\.\w+\./, '')
    const options = format === 'PROTOBUF' ? { PROTOBUF: { messageName } } : {}
    return new this.#library.SchemaRegistry({ host: this.#place.registry }, options)
  }

  async write({ topic, of, settings = {} }: Job): Promise<Buffer> {
    const registry = this.#registry(of)
    const subject = `${topic}-value`
    const references = await registerUsed(this.#place, of)
    const id =
      settings['use.latest.version'] === true
        ? await registry.getLatestSchemaId(subject)
        : (await registry.register({ type: of.format, schema: of.schema, references }, { subject }))
            .id
    const bytes = await registry.encode(id, of.raw ?? of.tagged)
    await send(this.#place, topic, bytes)
    return bytes
  }

  async read({ topic, of }: Job): Promise<unknown> {
    const { valueBytes } = await firstRecord(this.#place, topic)
    const value = await this.#registry(of).decode(valueBytes ?? NOTHING)
    return of.format === 'AVRO' ? plainOf(value) : JSON.parse(JSON.stringify(value))
  }

  expected(of: SerdeCase): unknown {
    return of.raw ?? of.tagged
  }

  [Symbol.dispose](): void {}
}
