// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { type ComponentContext, defineSink, type Sink } from '../component.ts'
import {
  boolean,
  choice,
  ignored,
  integer,
  optionalText,
  parsed,
  partType,
  prefixed,
  requiredParsed,
  text,
  unsupported,
  type ValuesOf,
} from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import {
  checkSerializer,
  type EventSerializer,
  serializerFactory,
} from '../serialization/serializers.ts'
import { checkBucketPath } from './bucketing/bucket-path.ts'
import { BucketingSink, type BucketStore, type Codec } from './bucketing/bucket-writer.ts'
import { ROUND_UNITS } from './bucketing/rounding.ts'

const CODECS: Readonly<Record<string, { readonly codec: Codec; readonly suffix: string }>> = {
  gzip: { codec: 'gzip', suffix: '.gz' },
  'org.apache.hadoop.io.compress.gzipcodec': { codec: 'gzip', suffix: '.gz' },
  deflate: { codec: 'deflate', suffix: '.deflate' },
  default: { codec: 'deflate', suffix: '.deflate' },
  'org.apache.hadoop.io.compress.defaultcodec': { codec: 'deflate', suffix: '.deflate' },
  zstd: { codec: 'zstd', suffix: '.zst' },
}

function parseCodec(name: string): { readonly codec: Codec; readonly suffix: string } {
  const found = CODECS[name.trim().toLowerCase()]
  if (found === undefined) throw new Error('gzip, deflate (Default), zstd')
  return found
}

const keys = {
  path: requiredParsed(checkBucketPath, { key: 'hdfs.path' }),
  /** Where WebHDFS answers. By default the host of hdfs.path at port 9870. */
  webHdfs: optionalText({ key: 'hdfs.webhdfs' }),
  user: optionalText({ key: 'hdfs.user' }),
  filePrefix: parsed(checkBucketPath, 'FlumeData', { key: 'hdfs.filePrefix' }),
  fileSuffix: optionalText({ key: 'hdfs.fileSuffix' }),
  inUsePrefix: text('', { key: 'hdfs.inUsePrefix' }),
  inUseSuffix: text('.tmp', { key: 'hdfs.inUseSuffix' }),
  emptyInUseSuffix: boolean(false, { key: 'hdfs.emptyInUseSuffix' }),
  rollInterval: integer(30, { key: 'hdfs.rollInterval', min: 0 }),
  rollSize: integer(1024, { key: 'hdfs.rollSize', min: 0 }),
  rollCount: integer(10, { key: 'hdfs.rollCount', min: 0 }),
  idleTimeout: integer(0, { key: 'hdfs.idleTimeout', min: 0 }),
  batchSize: integer(100, { key: 'hdfs.batchSize', min: 1 }),
  codec: parsed<ReturnType<typeof parseCodec> | undefined>(parseCodec, undefined, {
    key: 'hdfs.codeC',
  }),
  fileType: choice(['SequenceFile', 'DataStream', 'CompressedStream'], 'SequenceFile', {
    key: 'hdfs.fileType',
  }),
  maxOpenFiles: integer(5000, { key: 'hdfs.maxOpenFiles', min: 1 }),
  minBlockReplicas: ignored('WebHDFS does not tell', { key: 'hdfs.minBlockReplicas' }),
  writeFormat: choice(['Writable', 'Text'], 'Writable', { key: 'hdfs.writeFormat' }),
  threadsPoolSize: ignored('requests need no threads', { key: 'hdfs.threadsPoolSize' }),
  rollTimerPoolSize: ignored('timers need no threads', { key: 'hdfs.rollTimerPoolSize' }),
  kerberosPrincipal: unsupported(
    'there is no Kerberos here; a gateway such as Knox or HttpFS can stand in',
    { key: 'hdfs.kerberosPrincipal' },
  ),
  kerberosKeytab: unsupported(
    'there is no Kerberos here; a gateway such as Knox or HttpFS can stand in',
    { key: 'hdfs.kerberosKeytab' },
  ),
  proxyUser: optionalText({ key: 'hdfs.proxyUser' }),
  round: boolean(false, { key: 'hdfs.round' }),
  roundValue: integer(1, { key: 'hdfs.roundValue', min: 1 }),
  roundUnit: choice(['second', 'minute', 'hour'], 'second', { key: 'hdfs.roundUnit' }),
  timeZone: text('Local Time', { key: 'hdfs.timeZone' }),
  useLocalTimeStamp: boolean(false, { key: 'hdfs.useLocalTimeStamp' }),
  closeTries: ignored('what cannot be renamed keeps its name in use, and says so', {
    key: 'hdfs.closeTries',
  }),
  retryInterval: ignored('what cannot be renamed keeps its name in use, and says so', {
    key: 'hdfs.retryInterval',
  }),
  callTimeout: integer(30_000, { key: 'hdfs.callTimeout', min: 1 }),
  serializer: partType('TEXT'),
  serializerEntries: prefixed('serializer.'),
}

type Config = ValuesOf<typeof keys>

/** A Hadoop sequence file without compression: the time as the key, the body as the value. */
class SequenceFile implements EventSerializer {
  readonly #sync = randomBytes(16)
  readonly #isText: boolean
  readonly #now: () => number

  constructor(isText: boolean, now: () => number) {
    this.#isText = isText
    this.#now = now
  }

  begin(): Uint8Array {
    const name = (text: string): Buffer => Buffer.concat([vint(text.length), Buffer.from(text)])
    return Buffer.concat([
      Buffer.from('SEQ\x06', 'latin1'),
      name('org.apache.hadoop.io.LongWritable'),
      name(`org.apache.hadoop.io.${this.#isText ? 'Text' : 'BytesWritable'}`),
      Buffer.of(0, 0),
      // No metadata.
      Buffer.alloc(4),
      this.#sync,
    ])
  }

  write(events: readonly Event[]): Uint8Array[] {
    const pieces: Uint8Array[] = []
    for (const { headers, body } of events) {
      const size = this.#isText ? vint(body.length) : int32(body.length)
      const key = Buffer.alloc(8)
      const given = Number(headers.timestamp ?? this.#now())
      key.writeBigInt64BE(BigInt(Number.isSafeInteger(given) ? given : this.#now()))
      pieces.push(int32(8 + size.length + body.length), int32(8), key, size, body)
    }
    // Who reads may begin after any batch.
    pieces.push(int32(-1), this.#sync)
    return pieces
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Hadoop's WritableUtils.writeVInt, for sizes. */
function vint(value: number): Buffer {
  if (value <= 127) return Buffer.of(value)
  const digits: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest & 0xff)
  return Buffer.of(-(112 + digits.length) & 0xff, ...digits)
}

/** Files through WebHDFS: made, appended to batch by batch, renamed when they are whole. */
class WebHdfs implements BucketStore {
  readonly isDurable = true
  readonly #base: string
  readonly #config: Config
  readonly #context: ComponentContext

  constructor(config: Config, context: ComponentContext) {
    this.#config = config
    this.#context = context
    this.#base = endpointOf(config)
  }

  async open(given: string) {
    const { inUsePrefix, inUseSuffix, emptyInUseSuffix } = this.#config
    const path = pathOnly(given)
    const at = path.lastIndexOf('/')
    const suffix = emptyInUseSuffix ? '' : inUseSuffix
    const inUse = `${path.slice(0, at + 1)}${inUsePrefix}${path.slice(at + 1)}${suffix}`
    await this.#transfer('PUT', inUse, 'CREATE', Buffer.alloc(0), { overwrite: 'false' })
    return {
      append: (part: Buffer) => this.#transfer('POST', inUse, 'APPEND', part),
      close: async () => {
        if (inUse === path) return
        const url = this.#url(inUse, 'RENAME', { destination: path })
        const { text } = await this.#request('PUT', url)
        const { boolean: isRenamed } = JSON.parse(text) as { readonly boolean: boolean }
        if (!isRenamed) {
          this.#context.logger.error('a file could not be renamed and keeps its name in use', {
            sink: this.#context.name,
            file: inUse,
          })
        }
      },
    }
  }

  #url(path: string, operation: string, more: Readonly<Record<string, string>> = {}): string {
    const { user, proxyUser } = this.#config
    const query = new URLSearchParams({ op: operation, ...more })
    if (user !== undefined) query.set('user.name', user)
    if (proxyUser !== undefined && proxyUser !== '') query.set('doas', proxyUser)
    return `${this.#base}/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}?${query}`
  }

  /** The name node says where; the data node takes the bytes. */
  async #transfer(
    method: 'PUT' | 'POST',
    path: string,
    operation: string,
    body: Buffer,
    more?: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { location } = await this.#request(method, this.#url(path, operation, more))
    if (location !== undefined) await this.#request(method, location, body)
  }

  async #request(method: string, url: string, body?: Buffer): Promise<Answer> {
    let answer: Answer
    try {
      answer = await exchange(method, url, body, this.#config.callTimeout)
    } catch (error) {
      throw new DeliveryError(`${url}: ${reasonOf(error)}`, error)
    }
    const { status, text } = answer
    if ((status >= 200 && status < 300) || status === 307) return answer
    const said = /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.slice(0, 200)
    throw new DeliveryError(`${url}: ${status} ${said}`)
  }
}

interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly text: string
}

/** One request. Data nodes say "100 Continue" unasked, which `fetch` takes for a fault. */
async function exchange(
  method: string,
  url: string,
  body: Buffer | undefined,
  timeoutMs: number,
): Promise<Answer> {
  const { request } = await (url.startsWith('https:') ? import('node:https') : import('node:http'))
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      headers: {
        'content-length': body?.length ?? 0,
        ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    outgoing.end(body)
  })
}

function endpointOf({ webHdfs, path }: Config): string {
  if (webHdfs !== undefined) return webHdfs.replace(/\/$/, '')
  const host = /^(?:web)?hdfs:\/\/([^/:]+)/.exec(path)?.[1]
  return `http://${host ?? 'localhost'}:9870`
}

/** The path alone, from the root. */
function pathOnly(path: string): string {
  const plain = path.replace(/^\w+:\/\/[^/]*/, '')
  return `/${plain.replace(/^\/+/, '')}`.replaceAll(/\/{2,}/g, '/')
}

export const hdfsSink = defineSink({
  type: 'hdfs',
  aliases: ['org.apache.flume.sink.hdfs.HDFSEventSink', 'webhdfs'],
  about: 'files in HDFS, through WebHDFS',
  keys,
  check(config) {
    const problems = [...checkSerializer('serializer', config.serializer, config.serializerEntries)]
    if (config.fileType === 'CompressedStream' && config.codec === undefined) {
      problems.push({
        key: 'hdfs.codeC',
        message: 'is missing: hdfs.fileType = CompressedStream needs it',
      })
    }
    if (config.fileType !== 'CompressedStream' && config.codec !== undefined) {
      problems.push({
        key: 'hdfs.codeC',
        message: `is set, and hdfs.fileType is ${config.fileType}; allowed with a codec is CompressedStream`,
      })
    }
    if (config.timeZone !== 'Local Time' && !isTimeZone(config.timeZone)) {
      problems.push({
        key: 'hdfs.timeZone',
        message: `is ${JSON.stringify(config.timeZone)}; allowed is a zone such as America/Los_Angeles, UTC`,
      })
    }
    return problems
  },
  create(config, context): Sink {
    const { clock } = context.world
    const newSerializer =
      config.fileType === 'SequenceFile'
        ? () => new SequenceFile(config.writeFormat === 'Text', () => clock.now())
        : serializerFactory(config.serializer, config.serializerEntries)
    return new BucketingSink(
      {
        ...config,
        directory: config.path,
        fileSuffix: config.fileSuffix ?? config.codec?.suffix ?? '',
        codec: config.codec?.codec ?? 'none',
        timeZone: config.timeZone === 'Local Time' ? undefined : config.timeZone,
        roundMs: config.round ? config.roundValue * ROUND_UNITS[config.roundUnit] : 0,
        usesLocalTime: config.useLocalTimeStamp,
        newSerializer,
      },
      new WebHdfs(config, context),
      context,
    )
  },
})

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}
