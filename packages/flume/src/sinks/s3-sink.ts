// SPDX-License-Identifier: Apache-2.0
import { AwsClient } from 'aws4fetch'
import { type ComponentContext, defineSink, type Sink } from '../component.ts'
import {
  boolean,
  choice,
  integer,
  optionalText,
  parsed,
  partType,
  prefixed,
  requiredText,
  text,
  type ValuesOf,
} from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'
import { checkSerializer, serializerFactory } from '../serialization/serializers.ts'
import { checkBucketPath } from './bucketing/bucket-path.ts'
import { BucketingSink, type BucketStore } from './bucketing/bucket-writer.ts'
import { ROUND_UNITS } from './bucketing/rounding.ts'

const SUFFIXES = { none: '', gzip: '.gz', deflate: '.deflate', zstd: '.zst' } as const

const keys = {
  bucket: requiredText(),
  /** Of an S3-compatible service; by default that of AWS in `region`. */
  endpoint: optionalText(),
  region: text('us-east-1'),
  /** By default the environment's AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. */
  accessKeyId: optionalText(),
  secretAccessKey: optionalText(),
  sessionToken: optionalText(),
  path: parsed(checkBucketPath, '%Y/%m/%d'),
  filePrefix: parsed(checkBucketPath, 'FlumeData'),
  fileSuffix: optionalText(),
  rollInterval: integer(30, { min: 0 }),
  rollSize: integer(64 * 1024 * 1024, { min: 0 }),
  rollCount: integer(0, { min: 0 }),
  idleTimeout: integer(0, { min: 0 }),
  batchSize: integer(1000, { min: 1 }),
  codec: choice(['none', 'gzip', 'deflate', 'zstd'], 'none'),
  serializer: partType('TEXT'),
  serializerEntries: prefixed('serializer.'),
  round: boolean(false),
  roundValue: integer(1, { min: 1 }),
  roundUnit: choice(['second', 'minute', 'hour'], 'second'),
  timeZone: text('UTC'),
  useLocalTimeStamp: boolean(true),
  maxOpenFiles: integer(500, { min: 1 }),
  requestTimeout: integer(60_000, { min: 1 }),
}

type Config = ValuesOf<typeof keys>

/** Objects of a bucket, each sent whole; batches stay in the channel until theirs is there. */
function s3Store(config: Config): BucketStore {
  const client = new AwsClient({
    accessKeyId: config.accessKeyId ?? process.env.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: config.secretAccessKey ?? process.env.AWS_SECRET_ACCESS_KEY ?? '',
    ...sessionToken(config),
    service: 's3',
    region: config.region,
    // The runner tries again.
    retries: 0,
  })
  const base = config.endpoint ?? `https://s3.${config.region}.amazonaws.com`
  return {
    isDurable: false,
    async open(path) {
      const parts: Buffer[] = []
      const key = path
        .split('/')
        .filter((word) => word !== '')
        .map(encodeURIComponent)
        .join('/')
      const url = `${base.replace(/\/$/, '')}/${config.bucket}/${key}`
      return {
        async append(part) {
          parts.push(part)
        },
        async close() {
          if (parts.length > 0) await put(client, url, Buffer.concat(parts), config.requestTimeout)
        },
      }
    },
  }
}

function sessionToken({ sessionToken: given }: Config): { readonly sessionToken?: string } {
  const token = given ?? process.env.AWS_SESSION_TOKEN
  return token === undefined ? {} : { sessionToken: token }
}

async function put(client: AwsClient, url: string, body: Buffer, timeoutMs: number): Promise<void> {
  let response: Response
  try {
    response = await client.fetch(url, {
      method: 'PUT',
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (error) {
    throw new DeliveryError(`${url}: ${reasonOf((error as Error).cause ?? error)}`, error)
  }
  const text = await response.text()
  if (response.ok) return
  const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? ''
  const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? text.slice(0, 200)
  throw new DeliveryError(`${url}: ${response.status} ${code} ${message}`)
}

export const s3Sink = defineSink({
  type: 's3',
  about: 'objects in S3 or a store compatible with it',
  keys,
  check: (config) => checkSerializer('serializer', config.serializer, config.serializerEntries),
  create(config, context: ComponentContext): Sink {
    return new BucketingSink(
      {
        ...config,
        directory: config.path,
        fileSuffix: config.fileSuffix ?? SUFFIXES[config.codec],
        roundMs: config.round ? config.roundValue * ROUND_UNITS[config.roundUnit] : 0,
        usesLocalTime: config.useLocalTimeStamp,
        newSerializer: serializerFactory(config.serializer, config.serializerEntries),
      },
      s3Store(config),
      context,
    )
  },
})
