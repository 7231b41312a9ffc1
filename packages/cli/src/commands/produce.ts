// SPDX-License-Identifier: Apache-2.0
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createReadStream } from 'node:fs'
import { MillraceError, systemErrorCode } from '@millrace/base'
import { Producer, type ProducerOptions, type ProducerRecord } from '@millrace/client'
import { clientOptions, clientProperties, connectionOptions, pairs } from '../client/connection.ts'
import { LineSplitter } from '../client/line-splitter.ts'
import { toJson } from '../client/output.ts'
import { Progress } from '../client/progress.ts'
import type { Command } from '../command.ts'
import type { Options, ParsedOptions } from '../options.ts'
import type { RecordEncoder } from '../schema/record-encoder.ts'
import { UsageError } from '../usage-error.ts'

const MAX_LINE_BYTES = 64 * 1024 * 1024
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

const options = {
  ...connectionOptions,
  'key-separator': {
    value: 'TEXT',
    short: 'K',
    help: 'separates key and value in a line; may contain the escapes \\t, \\n, \\xNN',
  },
  key: { value: 'KEY', short: 'k', help: 'one key for all records' },
  header: {
    value: 'NAME=VALUE',
    short: 'H',
    multiple: true,
    help: 'header for all records; may be repeated',
  },
  partition: {
    value: 'N',
    short: 'p',
    help: 'partition for all records (default: by key, or any)',
  },
  schema: {
    value: 'SUBJECT|FILE',
    short: 's',
    help: 'encodes values, which are JSON, with the latest schema of a subject, or with the one in a file (.avsc, .json, .proto), which is registered',
  },
  'key-schema': { value: 'SUBJECT|FILE', help: 'the same for keys' },
  reference: {
    value: 'NAME=SUBJECT:VERSION',
    multiple: true,
    help: 'a schema that those in files use; may be repeated',
  },
  registry: {
    value: 'URL',
    short: 'r',
    help: 'schema registry (default $MILLRACE_REGISTRY or http://127.0.0.1:8081)',
  },
  null: { help: 'sends an empty value as a tombstone' },
  whole: { help: 'sends each file, or all of stdin, as one record' },
  acks: { value: 'ACKS', short: 'a', help: 'all, 1 or 0 (default all)' },
  compression: { value: 'CODEC', short: 'z', help: `${codecs.join(', ')} (default none)` },
  progress: { help: 'reports progress (default: if stderr is a terminal)' },
} satisfies Options

/** `millrace produce`: sends lines as records. */
export const produce: Command = {
  name: 'produce',
  summary: 'sends each line of stdin or of files as a record',
  positionals: ['TOPIC', '[FILE...]'],
  options,
  details: `A record is the bytes of a line without its newline. Exit status is 0 if all records were acknowledged.

Examples:
echo hello | millrace produce greetings
millrace produce logs /var/log/syslog --compression zstd
printf 'alice:1\\nbob:2\\n' | millrace produce scores -K :
millrace produce orders orders.jsonl --schema order.avsc`,
  async run(parsed) {
    const [topic, ...files] = parsed.positionals as [string, ...string[]]
    const progress = new Progress(parsed.has('progress') || process.stderr.isTTY === true)
    const toRecord = recordMaker(parsed, topic, await encodersOf(parsed, topic))
    await using producer = new Producer(producerOptions(parsed))
    // An unknown topic is an error before any input is read.
    await producer.partitionsFor(topic)
    using _retries = reportRetries()
    const outcome = new Outcome()
    const send = async (values: readonly Buffer[]): Promise<void> => {
      if (values.length === 0) return
      outcome.throwIfFailed()
      outcome.follow(producer.send(values.map(toRecord)))
      progress.add(
        values.length,
        values.reduce((sum, { length }) => sum + length + 1, 0),
      )
      await producer.ready()
    }
    for (const file of files.length > 0 ? files : ['-']) {
      if (parsed.has('whole')) await send([await readWhole(file)])
      else await sendLines(file, send)
    }
    await producer.flush()
    await outcome.finished()
    progress.finish()
    if (parsed.has('json')) {
      process.stdout.write(
        `${toJson({ topic, records: progress.records, bytes: progress.bytes })}\n`,
      )
    }
    return 0
  },
}

/**
 * Reports on stderr that a partition cannot store records, which the producer retries, and that it
 * can again: once each.
 */
function reportRetries(): Disposable {
  const failing = new Set<string>()
  const onBatch = (message: unknown): void => {
    const { topic, partition, error } = message as {
      readonly topic: string
      readonly partition: number
      readonly error: string | undefined
    }
    const name = `${topic}-${partition}`
    if (error === undefined && failing.delete(name)) {
      process.stderr.write(`millrace: ${name} stores records again\n`)
    }
    if (error !== 'KAFKA_STORAGE_ERROR' || failing.has(name)) return
    failing.add(name)
    process.stderr.write(
      `millrace: ${name} cannot store records now (${error}: is the disk of the broker full?); retrying\n`,
    )
  }
  subscribe('millrace:producer:batch', onBatch)
  return {
    [Symbol.dispose]() {
      unsubscribe('millrace:producer:batch', onBatch)
    },
  }
}

/** Records the first failure of many sends. */
class Outcome {
  #error: Error | undefined
  readonly #open = new Set<Promise<unknown>>()

  follow(sending: Promise<unknown>): void {
    const settled = sending.then(
      () => {
        this.#open.delete(settled)
      },
      (error: Error) => {
        this.#error ??= error
        this.#open.delete(settled)
      },
    )
    this.#open.add(settled)
  }

  throwIfFailed(): void {
    if (this.#error !== undefined) throw this.#error
  }

  async finished(): Promise<void> {
    await Promise.all(this.#open)
    this.throwIfFailed()
  }
}

function producerOptions(parsed: ParsedOptions): ProducerOptions {
  const acks = parsed.value('acks')
  const allowed: Readonly<Record<string, 0 | 1 | 'all'>> = {
    all: 'all',
    '-1': 'all',
    '0': 0,
    '1': 1,
  }
  if (acks !== undefined && !Object.hasOwn(allowed, acks)) {
    throw new UsageError(`invalid --acks ${acks}: expected all, 1, 0`)
  }
  const compression = parsed.value('compression')
  const codec = codecs.find((each) => each === compression)
  if (compression !== undefined && codec === undefined) {
    throw new UsageError(`invalid --compression ${compression}: expected ${codecs.join(', ')}`)
  }
  return {
    lingerMs: 5,
    ...clientOptions('producer', parsed),
    ...(acks === undefined ? {} : { acks: allowed[acks] ?? 'all' }),
    ...(codec === undefined ? {} : { compression: codec }),
  }
}

/** Encoders of keys and values; undefined for those that are sent as they are. */
interface Encoders {
  readonly key: RecordEncoder | undefined
  readonly value: RecordEncoder | undefined
}

async function encodersOf(parsed: ParsedOptions, topic: string): Promise<Encoders> {
  const [key, value] = [parsed.value('key-schema'), parsed.value('schema')]
  if (key === undefined && value === undefined) {
    const needless = ['registry', 'reference'].find((name) => parsed.has(name))
    if (needless === undefined) return { key: undefined, value: undefined }
    throw new UsageError(`--${needless} needs --schema or --key-schema`)
  }
  const [{ openEncoder }, { openRegistryBeside }] = await Promise.all([
    import('../schema/record-encoder.ts'),
    import('../schema/registry-connection.ts'),
  ])
  using client = openRegistryBeside(parsed, clientProperties(parsed))
  const open = (
    part: 'key' | 'value',
    schema: string | undefined,
  ): Promise<RecordEncoder> | undefined =>
    schema === undefined ? undefined : openEncoder(client, { schema, topic, part, parsed })
  return { key: await open('key', key), value: await open('value', value) }
}

function recordMaker(
  parsed: ParsedOptions,
  topic: string,
  encoders: Encoders,
): (line: Buffer) => ProducerRecord {
  const separator = unescaped(parsed.value('key-separator'))
  const fixedKey = parsed.value('key')
  if (separator === '') throw new UsageError('invalid --key-separator: it must not be empty')
  const partition = parsed.number('partition')
  const headers = pairs(parsed, 'header').map(([key, value]) => ({ key, value }))
  const isNullable = parsed.has('null')
  let count = 0
  const common = {
    topic,
    ...(partition === undefined ? {} : { partition }),
    ...(headers.length === 0 ? {} : { headers }),
  }
  return (line) => {
    const at = separator === undefined ? -1 : line.indexOf(separator)
    const key = at < 0 ? (fixedKey ?? null) : line.subarray(0, at)
    const value = at < 0 ? line : line.subarray(at + Buffer.byteLength(separator ?? ''))
    count += 1
    return {
      ...common,
      key: encoded(encoders.key, key, count),
      value: encoded(encoders.value, isNullable && value.length === 0 ? null : value, count),
    }
  }
}

function encoded(
  encoder: RecordEncoder | undefined,
  bytes: Buffer | string | null,
  count: number,
): Uint8Array | string | null {
  if (encoder === undefined || bytes === null) return bytes
  try {
    return encoder(Buffer.from(bytes))
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    throw new MillraceError(error.code, `record ${count}: ${error.message}`, { cause: error })
  }
}

/** Replaces kcat's escapes: `\t`, `\n`, `\r`, `\0`, `\\`, `\xNN`. */
function unescaped(text: string | undefined): string | undefined {
  const named: Readonly<Record<string, string>> = {
    t: '\t',
    n: '\n',
    r: '\r',
    '0': '\0',
    '\\': '\\',
  }
  return text?.replace(
    /\\(?:x([\da-f]{2})|([tnr0\\]))/gi,
    (whole, hex?: string, letter?: string) =>
      hex === undefined
        ? (named[letter ?? ''] ?? whole)
        : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function open(file: string): AsyncIterable<Buffer> {
  return file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 })
}

function explain(file: string, error: unknown): unknown {
  const code = systemErrorCode(error)
  return code?.startsWith('E') ? new UsageError(`cannot read ${file}: ${code}`) : error
}

async function readWhole(file: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of open(file)) chunks.push(chunk)
  } catch (error) {
    throw explain(file, error)
  }
  return Buffer.concat(chunks)
}

async function sendLines(
  file: string,
  send: (lines: readonly Buffer[]) => Promise<void>,
): Promise<void> {
  const splitter = new LineSplitter(MAX_LINE_BYTES)
  try {
    for await (const chunk of open(file)) await send(splitter.push(chunk))
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${file}: ${error.message}`)
    throw explain(file, error)
  }
  const last = splitter.finish()
  if (last !== undefined) await send([last])
}
