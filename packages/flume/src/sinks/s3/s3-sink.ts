// SPDX-License-Identifier: Apache-2.0
import { type ComponentContext, defineSink, type Sink } from '../../component.ts'
import {
  boolean,
  choice,
  integer,
  optionalText,
  partType,
  prefixed,
  requiredText,
  text,
} from '../../config/keys.ts'
import { checkSerializer, fileSerializers } from '../../serialization/serializers.ts'
import { bucketPath } from '../bucketing/bucket-path.ts'
import { BucketingSink } from '../bucketing/bucket-writer.ts'
import { CODEC_SUFFIXES } from '../bucketing/codecs.ts'
import { s3Store } from './s3-store.ts'

const keys = {
  bucket: requiredText(),
  /** URL of an S3-compatible service. Default: AWS in `region`. */
  endpoint: optionalText(),
  region: text('us-east-1'),
  /** Default: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment. */
  accessKeyId: optionalText(),
  secretAccessKey: optionalText(),
  sessionToken: optionalText(),
  path: bucketPath('%Y/%m/%d'),
  filePrefix: bucketPath('FlumeData'),
  fileSuffix: optionalText(),
  rollInterval: integer(30, { min: 0 }),
  rollSize: integer(64 * 1024 * 1024, { min: 0 }),
  rollCount: integer(0, { min: 0 }),
  idleTimeout: integer(0, { min: 0 }),
  batchSize: integer(1000, { min: 1 }),
  codec: choice(['none', 'gzip', 'deflate', 'zstd', 'snappy'], 'none'),
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
        fileSuffix: config.fileSuffix ?? CODEC_SUFFIXES[config.codec],
        rounding: config.round ? { unit: config.roundUnit, value: config.roundValue } : undefined,
        usesLocalTime: config.useLocalTimeStamp,
        ...fileSerializers(config.serializer, config.serializerEntries, context),
      },
      s3Store({ ...config, requestTimeoutMs: config.requestTimeout }),
      context,
    )
  },
})
