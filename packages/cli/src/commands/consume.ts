// SPDX-License-Identifier: Apache-2.0
import {
  Consumer,
  type ConsumerOptions,
  type ConsumerRecord,
  type TopicPartition,
} from '@millrace/client'
import {
  clientOptions,
  clientProperties,
  connectionOptions,
  openAdmin,
} from '../client/connection.ts'
import { type OffsetSpec, offsetSpecHelp, parseOffsetSpec } from '../client/offset-spec.ts'
import { Progress } from '../client/progress.ts'
import {
  compileFormat,
  formatHelp,
  jsonRecord,
  type PrintedRecord,
} from '../client/record-format.ts'
import type { Command } from '../command.ts'
import type { Options, ParsedOptions } from '../options.ts'
import type { RecordDecoder } from '../schema/record-decoder.ts'
import { mayHaveSchema } from '../schema/schema-ids.ts'
import { UsageError } from '../usage-error.ts'

const options = {
  ...connectionOptions,
  from: {
    value: 'POSITION',
    short: 'o',
    help: `start position: ${offsetSpecHelp} (default end; with --group the committed offset)`,
  },
  group: { value: 'GROUP', short: 'g', help: 'consumes as a member of a group, and commits' },
  partition: {
    value: 'N',
    short: 'p',
    multiple: true,
    help: 'only this partition; may be repeated',
  },
  count: { value: 'N', short: 'c', help: 'exits after this many records' },
  exit: { short: 'e', help: 'exits at the end of the topic instead of following it' },
  format: { value: 'FORMAT', short: 'f', help: 'output format of a record (default %s\\n)' },
  grep: { value: 'REGEX', help: 'prints only records whose value matches the regular expression' },
  registry: {
    value: 'URL',
    short: 'r',
    help: 'schema registry for keys and values with schema ids (default $MILLRACE_REGISTRY or http://127.0.0.1:8081)',
  },
  raw: { help: 'prints keys and values with schema ids as bytes, not as JSON' },
  isolation: {
    value: 'LEVEL',
    help: 'read_committed omits records of open and aborted transactions (default read_uncommitted)',
  },
  progress: { help: 'reports progress on stderr' },
} satisfies Options

const POLL_MS = 500
/** Bytes buffered before they are written. */
const CHUNK_BYTES = 256 * 1024

/** `millrace consume`: prints records as lines. */
export const consume: Command = {
  name: 'consume',
  summary: 'prints the records of topics, and follows them',
  positionals: ['TOPIC...'],
  options,
  details: `Keys and values with the id of a schema, as Avro, JSON Schema and Protobuf serializers write them, are
printed as JSON if a registry knows the schema.

${formatHelp}

Examples:
  millrace consume logs
  millrace consume logs --from beginning --exit > logs.txt
  millrace consume orders --from 2h --grep '"country":"IS"' --json
  millrace consume orders --group billing -f '%p %o %k\\n'`,
  async run(parsed) {
    const limit = parsed.number('count', { min: 1 }) ?? Number.POSITIVE_INFINITY
    const grep = regex(parsed.value('grep'))
    const print = printer(parsed)
    const decode = decoder(parsed)
    const progress = new Progress(parsed.has('progress'))
    const end = interrupted()
    const consumer = new Consumer({ ...consumerOptions(parsed), maxPollRecords: 10_000 })
    try {
      const offsetSpec = offsetSpecOf(parsed)
      const isAtEnd = await begin(consumer, parsed, offsetSpec)
      let printed = 0
      const output = new Output()
      while (printed < limit && !end.aborted) {
        const records = await poll(consumer, end)
        const shown = await decode(records)
        for (const [i, record] of shown.entries()) {
          progress.add(1, (records[i]?.valueBytes?.length ?? 0) + 1)
          if (grep !== undefined && !grep.test(String(record.valueBytes ?? ''))) continue
          output.add(print(record))
          if (output.isFull) await output.flush()
          if (++printed >= limit) {
            seekBack(consumer, records.slice(i + 1))
            break
          }
        }
        await output.flush()
        if (printed < limit && parsed.has('exit') && (await isAtEnd())) break
      }
      progress.finish()
    } finally {
      await consumer.close()
    }
    return 0
  },
}

async function poll(consumer: Consumer, signal: AbortSignal): Promise<readonly ConsumerRecord[]> {
  try {
    return (await consumer.poll(POLL_MS, { signal })) as readonly ConsumerRecord[]
  } catch (error) {
    if (signal.aborted) return []
    throw error
  }
}

/**
 * Seeks back to the first unprinted record of each partition, so that the group does not commit
 * past it.
 */
function seekBack(consumer: Consumer, records: readonly ConsumerRecord[]): void {
  const seen = new Set<string>()
  for (const { topic, partition, offset } of records) {
    const name = `${topic}-${partition}`
    if (!seen.has(name)) consumer.seek({ topic, partition }, offset)
    seen.add(name)
  }
}

function regex(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined
  try {
    return new RegExp(text)
  } catch (error) {
    throw new UsageError(`invalid --grep ${text}: ${(error as Error).message}`)
  }
}

/** Decodes records with schema ids; the decoder is loaded with the first of them. */
function decoder(
  parsed: ParsedOptions,
): (records: readonly ConsumerRecord[]) => Promise<readonly PrintedRecord[]> {
  if (parsed.has('raw')) return (records) => Promise.resolve(records)
  let opening: Promise<RecordDecoder> | undefined
  return async (records) => {
    if (!records.some(mayHaveSchema)) return records
    opening ??= openDecoder(parsed)
    return (await opening).decode(records)
  }
}

async function openDecoder(parsed: ParsedOptions): Promise<RecordDecoder> {
  const [{ RecordDecoder }, { openRegistryBeside }] = await Promise.all([
    import('../schema/record-decoder.ts'),
    import('../schema/registry-connection.ts'),
  ])
  const client = openRegistryBeside(parsed, clientProperties(parsed))
  return new RecordDecoder(client, (text) => process.stderr.write(`millrace: ${text}\n`))
}

function printer(parsed: ParsedOptions): (record: PrintedRecord) => readonly Buffer[] {
  const format = parsed.value('format')
  if (format !== undefined && parsed.has('json')) {
    throw new UsageError('--format and --json exclude each other')
  }
  if (parsed.has('json')) return (record) => [jsonRecord(record)]
  if (format !== undefined) return compileFormat(format)
  const newline = Buffer.from('\n')
  return ({ valueBytes }) => (valueBytes === null ? [newline] : [valueBytes, newline])
}

function offsetSpecOf(parsed: ParsedOptions): OffsetSpec | undefined {
  const from = parsed.value('from')
  return from === undefined ? undefined : parseOffsetSpec('from', from, Date.now())
}

function consumerOptions(parsed: ParsedOptions): ConsumerOptions {
  const group = parsed.value('group')
  const isolation = parsed.value('isolation')
  if (
    isolation !== undefined &&
    isolation !== 'read_committed' &&
    isolation !== 'read_uncommitted'
  ) {
    throw new UsageError(
      `invalid --isolation ${isolation}: expected read_committed, read_uncommitted`,
    )
  }
  const offsetSpec = offsetSpecOf(parsed)
  const reset = offsetSpec?.kind === 'beginning' ? 'earliest' : 'latest'
  return {
    ...clientOptions('consumer', parsed),
    ...(group === undefined ? {} : { groupId: group }),
    ...(isolation === undefined ? {} : { isolationLevel: isolation }),
    ...(offsetSpec === undefined && group === undefined
      ? { autoOffsetReset: 'latest' }
      : offsetSpec === undefined
        ? {}
        : { autoOffsetReset: reset }),
    allowAutoCreateTopics: false,
  }
}

/** Subscribes or assigns; returns a function that checks whether the current end was reached. */
async function begin(
  consumer: Consumer,
  parsed: ParsedOptions,
  offsetSpec: OffsetSpec | undefined,
): Promise<() => Promise<boolean>> {
  const topics = parsed.positionals
  const places: TopicPartition[] = []
  const chosen = parsed.values('partition').map((text) => {
    if (!/^\d+$/.test(text))
      throw new UsageError(`invalid --partition ${text}: expected a whole number`)
    return Number(text)
  })
  for (const topic of topics) {
    const known = await partitionsOf(parsed, topic)
    for (const partition of chosen.length > 0 ? chosen : known) {
      if (!known.includes(partition)) {
        throw new UsageError(
          `${topic} has no partition ${partition}, only 0 to ${known.length - 1}`,
        )
      }
      places.push({ topic, partition })
    }
  }
  const ends = await consumer.endOffsets(places)
  const reached = async (): Promise<boolean> => {
    const mine = new Set(consumer.assignment.map(({ topic, partition }) => `${topic}-${partition}`))
    for (const [i, each] of places.entries()) {
      if (!mine.has(`${each.topic}-${each.partition}`)) continue
      if ((await consumer.position(each)) < (ends[i] ?? 0n)) return false
    }
    return mine.size > 0
  }
  if (parsed.has('group')) {
    if (chosen.length > 0) throw new UsageError('--partition and --group exclude each other')
    consumer.subscribe(topics)
    return reached
  }
  consumer.assign(places)
  await seek(consumer, places, { offsetSpec: offsetSpec ?? { kind: 'end' }, ends })
  return reached
}

async function partitionsOf(parsed: ParsedOptions, topic: string): Promise<number[]> {
  await using admin = openAdmin(parsed)
  const description = (await admin.describeTopics([topic])).get(topic)
  return (description?.partitions ?? []).map(({ partition }) => partition)
}

async function seek(
  consumer: Consumer,
  places: readonly TopicPartition[],
  { offsetSpec, ends }: { readonly offsetSpec: OffsetSpec; readonly ends: readonly bigint[] },
): Promise<void> {
  switch (offsetSpec.kind) {
    case 'beginning':
      consumer.seekToBeginning()
      return
    case 'end':
      for (const [i, each] of places.entries()) consumer.seek(each, ends[i] ?? 0n)
      return
    case 'time':
      consumer.seekToTimestamp(offsetSpec.timestamp)
      return
    case 'offset':
    case 'last': {
      const begins = await consumer.beginningOffsets(places)
      for (const [i, each] of places.entries()) {
        const [first, end] = [begins[i] ?? 0n, ends[i] ?? 0n]
        const wanted = offsetSpec.kind === 'offset' ? offsetSpec.offset : end - offsetSpec.count
        const nearest = wanted < first ? first : wanted > end ? end : wanted
        if (offsetSpec.kind === 'offset' && nearest !== wanted) {
          const name = `${each.topic}-${each.partition}`
          const where = wanted > end ? `past the end of ${name}` : `before the beginning of ${name}`
          process.stderr.write(
            `millrace: offset ${wanted} is ${where}: reading from offset ${nearest}\n`,
          )
        }
        consumer.seek(each, nearest)
      }
    }
  }
}

/** Writes to stdout in large chunks, and no faster than they are read. */
class Output {
  #parts: Buffer[] = []
  #size = 0

  add(parts: readonly Buffer[]): void {
    for (const part of parts) {
      this.#parts.push(part)
      this.#size += part.length
    }
  }

  get isFull(): boolean {
    return this.#size >= CHUNK_BYTES
  }

  async flush(): Promise<void> {
    if (this.#size === 0) return
    const data = Buffer.concat(this.#parts, this.#size)
    this.#parts = []
    this.#size = 0
    if (!process.stdout.write(data)) {
      await new Promise<void>((resolve) => process.stdout.once('drain', resolve))
    }
  }
}

/**
 * Aborted at the first Ctrl-C, so that printed records are committed and the member leaves the
 * group.
 */
function interrupted(): AbortSignal {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}
