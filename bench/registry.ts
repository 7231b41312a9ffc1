// SPDX-License-Identifier: Apache-2.0
// The schema registry and Apicurio Registry 3.3.3 in turn, the Avro serde and Confluent's:
// `npm run build && npm run bench:registry`.
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MutableHeaders } from '@millrace/client'
import { avroSerde, SchemaRegistryClient } from '@millrace/schema-registry/serdes'
import { readyAddresses } from '@millrace/testkit'
import { startApicurio } from '../interop/apicurio.ts'
import { preparePeers, stopping } from '../interop/peers.ts'
import { confluentModule } from '../interop/registry-clients.ts'
import { median, residentMb } from './measure.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5)
const WARM_UP_SECONDS = 5
/** Connections that each have one request at a time. */
const CONNECTIONS = 16
/** Schemas that are registered and looked up, the first ones to warm up. */
const SCHEMAS = 1500
const WARM_UP_SCHEMAS = 500
const VALUES = 200_000

type Side = 'rival' | 'millrace'

const results = new Map<string, Record<Side, number[]>>()

function note(measure: string, side: Side, value: number): void {
  const entry = results.get(measure) ?? { rival: [], millrace: [] }
  entry[side].push(value)
  results.set(measure, entry)
  process.stderr.write(`  ${measure}, ${side}: ${value.toFixed(1)}\n`)
}

interface Registry extends AsyncDisposable {
  readonly url: URL
  readonly pid: number
  readonly startMs: number
}

/** The whole of `millrace start`, with its broker, until the registry has answered. */
async function startMillrace(): Promise<Registry> {
  const began = performance.now()
  const child = spawn(process.execPath, [
    join(import.meta.dirname, '../packages/cli/dist/main.js'),
    'start',
    ...['--data', mkdtempSync(join(tmpdir(), 'bench-registry-'))],
    ...['--listen', '127.0.0.1:0', '--amqp', 'none', '--registry', '127.0.0.1:0'],
    ...['--log-level', 'warn'],
  ])
  const { registry } = await readyAddresses(child)
  const url = new URL(`http://${registry}`)
  const response = await fetch(`${url}subjects`)
  await response.text()
  const startMs = performance.now() - began
  return { url, pid: child.pid as number, startMs, [Symbol.asyncDispose]: stopping(child) }
}

async function startRival(): Promise<Registry> {
  const apicurio = await startApicurio()
  const { pid, startMs, stop } = apicurio
  return { url: new URL(`${apicurio.address}/`), pid, startMs, [Symbol.asyncDispose]: stop }
}

type NextRequest = () => { readonly method: string; readonly path: string; readonly body?: string }

interface Limit {
  readonly seconds?: number
  readonly requests?: number
}

/**
 * Requests per second of connections that are kept open. A client of the least work: the two
 * processes share the machine.
 */
async function load(url: URL, next: NextRequest, limit: Limit): Promise<number> {
  const { seconds = Number.POSITIVE_INFINITY, requests = Number.POSITIVE_INFINITY } = limit
  const end = performance.now() + seconds * 1000
  let left = requests
  const hasNext = (): boolean => {
    left -= 1
    return left >= 0 && performance.now() < end
  }
  const began = performance.now()
  const counts = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => oneConnection(url, next, hasNext)),
  )
  const elapsed = (performance.now() - began) / 1000
  return counts.reduce((sum, count) => sum + count, 0) / elapsed
}

function oneConnection(url: URL, next: NextRequest, hasNext: () => boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname)
    let received = ''
    let count = 0
    const send = (): void => {
      if (!hasNext()) {
        socket.destroy()
        resolve(count)
        return
      }
      const { method, path, body } = next()
      const length = body === undefined ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`
      const type = 'content-type: application/vnd.schemaregistry.v1+json\r\n'
      const head = `${method} ${url.pathname}${path} HTTP/1.1\r\nhost: ${url.host}\r\n`
      socket.write(`${head}${type}${length}\r\n${body ?? ''}`)
    }
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('data', (data) => {
      received += data
      if (!isComplete(received)) return
      if (!received.startsWith('HTTP/1.1 200')) {
        socket.destroy()
        reject(new Error(received.slice(0, 500)))
        return
      }
      received = ''
      count += 1
      send()
    })
  })
}

function isComplete(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd < 0) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(answer.slice(0, headEnd))?.[1]
  if (length === undefined) return answer.endsWith('0\r\n\r\n')
  return answer.length >= headEnd + 4 + Number(length)
}

function schemaText(number: number): string {
  return JSON.stringify({
    type: 'record',
    name: `Order${number}`,
    namespace: 'bench.orders',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'customer', type: 'string' },
      { name: 'note', type: ['null', 'string'], default: null },
      { name: 'amount', type: 'double' },
      { name: 'tags', type: { type: 'array', items: 'string' } },
    ],
  })
}

async function measureRegistry(side: Side): Promise<void> {
  await using registry = await (side === 'millrace' ? startMillrace() : startRival())
  const { url, pid, startMs } = registry
  note('start to ready, ms', side, startMs)
  let number = 0
  const register: NextRequest = () => {
    number += 1
    const body = JSON.stringify({ schema: schemaText(number) })
    return { method: 'POST', path: `subjects/subject-${number}/versions`, body }
  }
  await load(url, register, { requests: WARM_UP_SCHEMAS })
  const registering = { requests: SCHEMAS - WARM_UP_SCHEMAS }
  note('registrations, per second', side, await load(url, register, registering))
  let asked = 0
  const lookup: NextRequest = () => {
    asked += 1
    return { method: 'GET', path: `schemas/ids/${(asked % SCHEMAS) + 1}` }
  }
  await load(url, lookup, { seconds: WARM_UP_SECONDS })
  note('lookups by id, per second', side, await load(url, lookup, { seconds: SECONDS }))
  note('memory after the load, MB', side, residentMb(pid))
}

interface Coders {
  encode(value: object): Promise<Buffer> | Buffer
  decode(bytes: Buffer): Promise<unknown> | unknown
}

const order = {
  customer: 'Ada Lovelace',
  note: 'call before delivery',
  amount: 129.95,
  tags: ['new', 'urgent', 'gift'],
}

/** Values per second. A function that returns no promise is not awaited, as in our client. */
async function rate(each: (i: number) => unknown): Promise<number> {
  const began = performance.now()
  for (let i = 0; i < VALUES; i += 1) {
    const result = each(i)
    if (result instanceof Promise) await result
  }
  return (VALUES / (performance.now() - began)) * 1000
}

async function measureSerdes(): Promise<void> {
  await using registry = await startMillrace()
  using schemas = new SchemaRegistryClient({ urls: registry.url.origin })
  const schema = schemaText(1)
  const serde = avroSerde(schemas, { schema })
  const context = { topic: 'orders', part: 'value', headers: new MutableHeaders() } as const
  const ours: Coders = {
    encode: (value) => {
      const preparing = serde.prepareSerialize(value, context)
      if (preparing === undefined) return serde.serialize(value, context) as Buffer
      return preparing.then(() => serde.serialize(value, context) as Buffer)
    },
    decode: (bytes) => {
      const preparing = serde.prepareDeserialize(bytes, context)
      if (preparing === undefined) return serde.deserialize(bytes, context)
      return preparing.then(() => serde.deserialize(bytes, context))
    },
  }
  await ours.encode({ id: 1n, ...order })
  const {
    AvroDeserializer,
    AvroSerializer,
    SchemaRegistryClient: Client,
    SerdeType,
  } = confluentModule()
  const client = Client.newClient({ baseURLs: [registry.url.origin] })
  const serializer = new AvroSerializer(client, SerdeType.VALUE, { useLatestVersion: true })
  const deserializer = new AvroDeserializer(client, SerdeType.VALUE, {})
  const rival: Coders = {
    encode: (value) => serializer.serialize('orders', value),
    decode: (bytes) => deserializer.deserialize('orders', bytes),
  }
  const sides = { rival, millrace: ours } as const
  for (let round = 0; round < ROUNDS + 1; round += 1) {
    for (const side of round % 2 === 0
      ? (['rival', 'millrace'] as const)
      : (['millrace', 'rival'] as const)) {
      const { encode, decode } = sides[side]
      const value = (i: number): object => ({ id: side === 'rival' ? i : BigInt(i), ...order })
      const bytes = await encode(value(123_456))
      const encoded = await rate((i) => encode(value(i)))
      const decoded = await rate(() => decode(bytes))
      // The first round compiles the code.
      if (round === 0) continue
      note('Avro encode, values per second', side, encoded)
      note('Avro decode, values per second', side, decoded)
    }
  }
}

await preparePeers()
for (let round = 0; round < ROUNDS; round += 1) {
  const sides = ['rival', 'millrace'] as const
  for (const side of round % 2 === 0 ? sides : sides.toReversed()) await measureRegistry(side)
}
await measureSerdes()

const show = (values: readonly number[]): string =>
  `${median(values).toFixed(0)} [${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}]`
const lines = [...results].map(([measure, { rival, millrace }]) => {
  const ratio = (median(millrace) / median(rival)).toFixed(2)
  return `| ${measure} | ${show(rival)} | ${show(millrace)} | ${ratio} |`
})
process.stdout.write(
  [
    '| measure | Apicurio 3.3.3, @confluentinc/schemaregistry | millrace | ratio |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n'),
)
