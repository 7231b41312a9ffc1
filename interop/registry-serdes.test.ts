// SPDX-License-Identifier: Apache-2.0
// Records of the registry's clients in Python and JavaScript, and ours: each reads what the other
// has written, over our registry.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { bytes, Consumer, Producer, type Serde, topic as topicOf } from '@millrace/client'
import { SchemaRegistry } from '@millrace/schema-registry'
import {
  avroSerde,
  Decimal,
  jsonSchemaSerde,
  protobufSerde,
  SchemaRegistryClient,
  type SchemaSerdeOptions,
} from '@millrace/schema-registry/serdes'
import { startKafka, startMillrace } from './peers.ts'
import { type SerdeCase, serdeCases, type Tagged } from './registry-cases.ts'
import {
  compileProtos,
  firstRecord,
  JavaScriptPeer,
  type Job,
  KafkajsPeer,
  type Place,
  PythonPeer,
  type RegistryPeer,
  registerUsed,
} from './registry-clients.ts'

type IdIn = Job['idIn']

/** Our serde for a case. */
function serdeOf(
  client: SchemaRegistryClient,
  { format, schema, references, message }: SerdeCase,
  options: SchemaSerdeOptions = {},
): Serde<unknown> {
  const all = { schema, references, ...options }
  if (format === 'AVRO') return avroSerde(client, all)
  if (format === 'JSON') return jsonSchemaSerde(client, all)
  return protobufSerde(client, { ...all, message }) as Serde<unknown>
}

async function writeOurs(
  place: Place,
  topic: string,
  of: SerdeCase,
  options: SchemaSerdeOptions = {},
): Promise<void> {
  using client = new SchemaRegistryClient({ urls: place.registry })
  await using producer = new Producer({ bootstrapServers: place.broker })
  const records = topicOf(topic, { key: bytes(), value: serdeOf(client, of, options) })
  await producer.send(records, { key: null, value: of.ours })
}

/** The value of the first record, with our schema and without one. */
async function readOurs(place: Place, topic: string, of: SerdeCase): Promise<unknown[]> {
  using client = new SchemaRegistryClient({ urls: place.registry })
  const without = { ...of, schema: undefined, references: [] }
  const serdes = [serdeOf(client, of), serdeOf(client, without as unknown as SerdeCase)]
  const values: unknown[] = []
  for (const value of serdes) {
    await using consumer = new Consumer({
      bootstrapServers: place.broker,
      autoOffsetReset: 'earliest',
      deserializers: { key: value, value },
    })
    consumer.assign([{ topic, partition: 0 }])
    const [record] = await consumer.poll(20_000)
    assert.ok(record !== undefined, `no record in ${topic}`)
    values.push(plainOf(record.value))
  }
  return values
}

/** A value with plain prototypes. */
function plainOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainOf)
  if (typeof value !== 'object' || value === null) return value
  if ([Buffer, Date, Decimal].some((each) => value instanceof each)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainOf(each)]))
}

/** What a client cannot do. Everything else must work. */
interface Limit {
  readonly peer: string
  readonly of: RegExp
  /** Error of its serializer. */
  readonly writes?: RegExp
  /** Error of ours for what it has written. */
  readonly oursReads?: RegExp
  /** Error of its deserializer. */
  readonly reads?: RegExp
  readonly reason: string
}

const limits: readonly Limit[] = [
  {
    peer: 'JavaScript',
    of: /^Protobuf, a map$/,
    reads: /illegal tag|outside the bounds/,
    reason: 'in a registry’s descriptors, fields of map types have no type, which it needs',
  },
  {
    peer: 'kafkajs',
    of: /^Avro string$/,
    writes: /Invalid name: undefined/,
    reason: 'it registers records only',
  },
  {
    peer: 'kafkajs',
    of: /^JSON 2020-12$/,
    writes: /no schema with key or ref/,
    reads: /no schema with key or ref/,
    reason: 'its validator has the drafts up to 7',
  },
  {
    peer: 'kafkajs',
    of: /^Protobuf, the first message$/,
    writes: /invalid payload/,
    reason: 'its values have objects for numbers of 64 bits, not text',
  },
  {
    peer: 'kafkajs',
    of: /^Protobuf, a (nested message|map)$/,
    oursReads: /message index|no message at/,
    reads: /invalid wire type|index out of range/,
    reason: 'it neither writes nor reads message indexes, and skips zeros where they are',
  },
  {
    peer: 'kafkajs',
    of: /^Protobuf with imports$/,
    writes: /no such Type or Enum 'google.protobuf.Timestamp'/,
    reads: /no such Type or Enum 'google.protobuf.Timestamp'/,
    reason: 'it does not know the files that every registry has',
  },
]

function limitOf(peer: string, of: SerdeCase): Partial<Limit> {
  return limits.find((each) => each.peer === peer && each.of.test(of.name)) ?? {}
}

let topics = 0
function newTopic(name: string): string {
  topics += 1
  return `${name.replaceAll(/\W+/g, '-')}-${topics}`
}

/** The table for one client: cases, forms of ids, directions. */
function table(
  place: () => Place,
  peer: () => RegistryPeer,
  { name, hasHeaders }: { readonly name: string; readonly hasHeaders: boolean },
  cases: readonly SerdeCase[],
): void {
  const forms: readonly IdIn[] = hasHeaders ? ['prefix', 'header'] : ['prefix']
  for (const of of cases.values()) {
    for (const idIn of forms) {
      it(`${of.name}, id in the ${idIn}: ${name} writes, ours reads`, async () => {
        const job: Job = { topic: newTopic(`${name}-${of.name}`), idIn, of }
        const { writes, oursReads } = limitOf(name, of)
        if (writes !== undefined) return assert.rejects(peer().write(job), writes)
        const written = await peer().write(job)
        const record = await firstRecord(place(), job.topic)
        assert.deepEqual(record.valueBytes, written)
        checkForm(record.headers, written, job)
        const reading = readOurs(place(), job.topic, of)
        if (oursReads !== undefined) return assert.rejects(reading, oursReads)
        const expected = of.oursRead ?? of.ours
        assert.deepEqual(await reading, [expected, expected])
      })
      it(`${of.name}, id in the ${idIn}: ours writes, ${name} reads`, async () => {
        const job: Job = { topic: newTopic(`${name}-${of.name}`), idIn, of }
        await writeOurs(place(), job.topic, of, { idIn })
        const record = await firstRecord(place(), job.topic)
        checkForm(record.headers, record.valueBytes ?? Buffer.alloc(0), job)
        const { reads } = limitOf(name, of)
        if (reads !== undefined) return assert.rejects(peer().read(job), reads)
        assert.deepEqual(await peer().read(job), peer().expected(of))
      })
    }
  }
}

/** Checks where a record has its schema's id. */
function checkForm(
  headers: readonly { readonly key: string; readonly value: Buffer | null }[],
  bytes: Buffer,
  { idIn, of }: Job,
): void {
  const header = headers.find(({ key }) => key === '__value_schema_id')
  if (idIn === 'prefix') {
    assert.equal(header, undefined)
    assert.equal(bytes[0], 0)
    return
  }
  const size = header?.value?.length ?? 0
  assert.equal(header?.value?.[0], 1)
  assert.ok(of.format === 'PROTOBUF' ? size > 17 : size === 17, `${size} bytes`)
}

/** The case of a name. */
function caseOf(name: string): SerdeCase {
  const found = serdeCases.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no case ${name}`)
  return found
}

/** A case of Avro or JSON with another schema and value. */
function variant(base: string, schema: object, value: object): SerdeCase {
  const text = JSON.stringify(schema)
  return { ...caseOf(base), schema: text, ours: value, tagged: value as Tagged, raw: value }
}

const user = {
  type: 'record',
  name: 'User',
  namespace: 'app',
  fields: [{ name: 'name', type: 'string' }],
}
const cityField = { name: 'city', type: 'string', default: 'none' }
const oldUser = variant('Avro union of records', user, { name: 'Ada' })
const newUser = variant(
  'Avro union of records',
  { ...user, fields: [...user.fields, cityField] },
  { name: 'Ada', city: 'none' },
)
/** It cannot read values of `oldUser`. */
const brokenUser = variant(
  'Avro union of records',
  { ...user, fields: [{ name: 'name', type: 'int' }] },
  { name: 1 },
)

function settingsTests(
  place: () => Place,
  python: () => PythonPeer,
  javascript: () => JavaScriptPeer,
  kafkajs: () => KafkajsPeer,
): void {
  const peers = [python, javascript, kafkajs]

  async function register(topic: string, of: SerdeCase, normalize = false): Promise<number> {
    using client = new SchemaRegistryClient({ urls: place().registry })
    const references = await registerUsed(place(), of)
    const input = { schema: of.schema, schemaType: of.format, references }
    return (await client.register(`${topic}-value`, input, { normalize })).id
  }

  async function idOf(topic: string): Promise<number | undefined> {
    return (await firstRecord(place(), topic)).valueBytes?.readInt32BE(1)
  }

  it('use.latest.version: all write with the latest version', async () => {
    for (const each of [caseOf('Avro with a reference'), caseOf('JSON draft 7')]) {
      for (const peer of peers) {
        const topic = newTopic('latest')
        const id = await register(topic, each)
        const settings = { 'auto.register.schemas': false, 'use.latest.version': true }
        await peer().write({ topic, idIn: 'prefix', of: each, settings })
        assert.equal(await idOf(topic), id, peer().name)
        assert.deepEqual((await readOurs(place(), topic, each))[0], each.ours)
      }
      const topic = newTopic('latest')
      const id = await register(topic, each)
      await writeOurs(place(), topic, each, { useLatestVersion: true })
      assert.equal(await idOf(topic), id)
      assert.deepEqual(await python().read({ topic, idIn: 'prefix', of: each }), each.tagged)
    }
  })

  it('auto.register.schemas=false: all find a registered schema, and refuse another', async () => {
    const of = caseOf('Protobuf, a nested message')
    const settings = { 'auto.register.schemas': false }
    const answers: Record<string, unknown> = {}
    for (const peer of [python, javascript]) {
      // Each client sends the descriptor that it has registered before.
      const { name } = peer()
      const known: Job = { topic: newTopic('known'), idIn: 'prefix', of }
      await peer().write(known)
      const again = await peer().write({ ...known, settings })
      assert.deepEqual((await firstRecord(place(), known.topic)).valueBytes, again)
      const unknown: Job = { topic: newTopic('unknown'), idIn: 'prefix', of, settings }
      await assert.rejects(peer().write(unknown), (error: RegistryFailure) => {
        answers[name] = [statusOf(error), codeOf(error)]
        return true
      })
    }
    const topic = newTopic('unknown')
    await assert.rejects(writeOurs(place(), topic, of, { autoRegister: false }), (error: Error) => {
      const { cause } = error as { readonly cause?: RegistryFailure }
      answers.ours = [statusOf(cause ?? {}), codeOf(cause ?? {})]
      return true
    })
    const expected = [404, 40401]
    assert.deepEqual(answers, { Python: expected, JavaScript: expected, ours: expected })
  })

  it('normalize.schemas: clients with other spellings of a schema share an id', async () => {
    const spellings: readonly (readonly [SerdeCase, string])[] = [
      [
        variant('Avro union of records', { ...user, b: 1, a: 2 }, { name: 'Ada' }),
        JSON.stringify({ ...user, a: 2, b: 1 }),
      ],
      [
        caseOf('JSON draft 7'),
        JSON.stringify(
          Object.fromEntries(Object.entries(JSON.parse(caseOf('JSON draft 7').schema)).reverse()),
        ),
      ],
    ]
    for (const [of, schema] of spellings) {
      for (const peer of [python, javascript]) {
        const topic = newTopic('normal')
        const id = await register(topic, of, true)
        const settings = { 'normalize.schemas': true }
        await peer().write({ topic, idIn: 'prefix', of: { ...of, schema }, settings })
        assert.equal(await idOf(topic), id, `${peer().name} ${of.name}`)
        await writeOurs(place(), topic, { ...of, schema }, { normalize: true })
        using client = new SchemaRegistryClient({ urls: place().registry })
        assert.deepEqual(await client.versions(`${topic}-value`), [1])
      }
    }
    // Of Protobuf, Python sends the descriptor of protoc, ours the text with other spaces.
    const of = caseOf('Protobuf, a nested message')
    const topic = newTopic('normal')
    const text = of.schema.replaceAll('\n\n', '\n').replaceAll('  ', ' ')
    const id = await register(topic, { ...of, schema: text }, true)
    await python().write({ topic, idIn: 'prefix', of, settings: { 'normalize.schemas': true } })
    assert.equal(await idOf(topic), id)
  })

  it('incompatible schemas: all get 409, and false from the check', async () => {
    const answers: Record<string, unknown> = {}
    for (const peer of peers) {
      const topic = newTopic('broken')
      await register(topic, oldUser)
      await assert.rejects(
        peer().write({ topic, idIn: 'prefix', of: brokenUser }),
        (error: RegistryFailure) => {
          answers[peer().name] = [statusOf(error), /incompatible/i.test(String(error))]
          return true
        },
      )
    }
    const topic = newTopic('broken')
    await register(topic, oldUser)
    await assert.rejects(writeOurs(place(), topic, brokenUser), (error: Error) => {
      const { cause } = error as { readonly cause?: RegistryFailure }
      answers.ours = [statusOf(cause ?? {}), /incompatible/i.test(String(cause))]
      return true
    })
    const expected = [409, true]
    assert.deepEqual(answers, {
      Python: expected,
      JavaScript: expected,
      kafkajs: expected,
      ours: expected,
    })
    for (const [of, isCompatible] of [
      [newUser, true],
      [brokenUser, false],
    ] as const) {
      const job: Job = { topic, idIn: 'prefix', of }
      assert.equal(await python().ask('compatible', job), isCompatible)
      const info = { schema: of.schema, schemaType: of.format, references: [] }
      const client = javascript().client()
      assert.equal(await client.testSubjectCompatibility(`${topic}-value`, info), isCompatible)
    }
  })

  it('values of an older version are read with defaults', async () => {
    for (const [name, write] of [
      ['ours', (topic: string) => writeOurs(place(), topic, oldUser)],
      ['Python', (topic: string) => python().write({ topic, idIn: 'prefix', of: oldUser })],
    ] as const) {
      const topic = newTopic('older')
      await write(topic)
      await register(topic, newUser)
      const job: Job = { topic, idIn: 'prefix', of: newUser, readerSchema: newUser.schema }
      assert.deepEqual(await python().read(job), newUser.tagged, name)
      assert.deepEqual(await javascript().read(job), newUser.raw, name)
      const [withSchema, without] = await readOurs(place(), topic, newUser)
      assert.deepEqual(withSchema, newUser.ours, name)
      assert.deepEqual(without, oldUser.ours, name)
    }
  })

  it('longs beyond 2^53: Python reads them, the JavaScript clients refuse', async () => {
    const schema = JSON.stringify({ type: 'long' })
    const of = { ...caseOf('Avro string'), schema, ours: 9_007_199_254_740_993n }
    const job: Job = { topic: newTopic('long'), idIn: 'prefix', of }
    await writeOurs(place(), job.topic, of)
    assert.deepEqual(await python().read(job), { $long: '9007199254740993' })
    await assert.rejects(javascript().read(job), /potential precision loss/)
    await assert.rejects(kafkajs().read(job), /potential precision loss/)
  })
}

/** Errors of the clients, which show a registry's answer in their own ways. */
interface RegistryFailure {
  readonly status?: number
  readonly errorCode?: number
}

function statusOf({ status }: RegistryFailure): number | undefined {
  return status
}

function codeOf({ errorCode }: RegistryFailure): number | undefined {
  return errorCode
}

describe('serializers over our registry on millrace', () => {
  let place: Place
  let python: PythonPeer
  let javascript: JavaScriptPeer
  let kafkajs: KafkajsPeer
  let stop: () => Promise<void>

  before(async () => {
    const descriptors = await compileProtos()
    const millrace = await startMillrace({ args: ['--registry', '127.0.0.1:0'] })
    stop = millrace.stop
    place = { broker: millrace.address, registry: `http://${millrace.registry}`, descriptors }
    python = new PythonPeer(place)
    javascript = new JavaScriptPeer(place)
    kafkajs = new KafkajsPeer(place)
  })
  after(async () => {
    python?.[Symbol.dispose]()
    await stop?.()
  })

  const at = () => place
  table(at, () => python, { name: 'Python', hasHeaders: true }, serdeCases)
  table(at, () => javascript, { name: 'JavaScript', hasHeaders: true }, serdeCases)
  table(at, () => kafkajs, { name: 'kafkajs', hasHeaders: false }, serdeCases)
  settingsTests(
    at,
    () => python,
    () => javascript,
    () => kafkajs,
  )
})

describe('serializers over our registry on Apache Kafka 4.4.0', () => {
  let place: Place
  let python: PythonPeer
  let javascript: JavaScriptPeer
  const stack = new AsyncDisposableStack()

  before(async () => {
    const kafka = stack.use(await startKafka())
    const registry = stack.use(
      await SchemaRegistry.start({
        client: { bootstrapServers: kafka.address },
        config: { listeners: 'http://127.0.0.1:0' },
      }),
    )
    const descriptors = await compileProtos()
    place = { broker: kafka.address, registry: registry.address, descriptors }
    python = stack.use(new PythonPeer(place))
    javascript = stack.use(new JavaScriptPeer(place))
  })
  after(() => stack.disposeAsync())

  const avro = serdeCases.filter(({ format }) => format === 'AVRO')
  const at = () => place
  table(at, () => python, { name: 'Python', hasHeaders: true }, avro)
  table(at, () => javascript, { name: 'JavaScript', hasHeaders: true }, avro)
})
