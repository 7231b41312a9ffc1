// SPDX-License-Identifier: Apache-2.0
import { type ComponentContext, defineSink, type Sink } from '../../component.ts'
import {
  boolean,
  type CheckProblem,
  choice,
  ignored,
  integer,
  optionalText,
  parsed,
  partType,
  prefixed,
  text,
  UnsupportedError,
  unsupported,
  type ValuesOf,
} from '../../config/keys.ts'
import { checkSerializer, fileSerializers } from '../../serialization/serializers.ts'
import { isTimeZone } from '../../time/zones.ts'
import { bucketPath, requiredBucketPath } from '../bucketing/bucket-path.ts'
import { BucketingSink, type BucketStore } from '../bucketing/bucket-writer.ts'
import { CODEC_SUFFIXES, type Codec } from '../bucketing/codecs.ts'
import { s3Store } from '../s3/s3-store.ts'
import { type FileSystem, fileSystemOf } from './file-system.ts'
import { hadoopConfiguration } from './hadoop-configuration.ts'
import { inUseName } from './in-use-name.ts'
import { LocalFiles } from './local-files.ts'
import { s3Target } from './s3-target.ts'
import { SequenceFile } from './sequence-file.ts'
import { WebHdfs } from './web-hdfs.ts'

/**
 * Hadoop's codecs by the names that Flume accepts: class, class without package, and without
 * `Codec`.
 */
const CODECS: Readonly<Record<string, Codec>> = {
  none: 'none',
  gzip: 'gzip',
  default: 'deflate',
  deflate: 'deflate',
  zstandard: 'zstd',
  zstd: 'zstd',
  snappy: 'snappy',
}
const OTHER_CODECS = ['bzip2', 'lz4', 'lzo', 'lzop', 'passthrough', '4mc']

function parseCodec(given: string): Codec {
  const name = given
    .trim()
    .toLowerCase()
    .replace(/^.*\./, '')
    .replace(/codec$/, '')
  const found = CODECS[name]
  if (found !== undefined) return found
  const allowed = 'gzip, deflate, snappy, zstd'
  if (OTHER_CODECS.includes(name)) throw new UnsupportedError(`expected ${allowed}`)
  throw new Error(allowed)
}

/** As in Java, an unknown zone is GMT. */
function parseTimeZone(name: string): string {
  const zone = name.trim()
  if (isTimeZone(zone)) return zone
  throw new Error('a zone such as America/Los_Angeles or UTC')
}

const noKerberos = 'there is no Kerberos here; a gateway such as Knox or HttpFS can stand in'
const renamedOnce = 'a file that cannot be renamed keeps its name in use, which is logged'

const keys = {
  path: requiredBucketPath({ key: 'hdfs.path' }),
  /** URL of WebHDFS. Default: the host of hdfs.path with port 9870. */
  webHdfs: optionalText({ key: 'hdfs.webhdfs' }),
  user: optionalText({ key: 'hdfs.user' }),
  filePrefix: bucketPath('FlumeData', { key: 'hdfs.filePrefix' }),
  fileSuffix: optionalText({ key: 'hdfs.fileSuffix' }),
  inUsePrefix: text('', { key: 'hdfs.inUsePrefix' }),
  inUseSuffix: text('.tmp', { key: 'hdfs.inUseSuffix' }),
  emptyInUseSuffix: boolean(false, { key: 'hdfs.emptyInUseSuffix' }),
  rollInterval: integer(30, { key: 'hdfs.rollInterval', min: 0, isFloor: true }),
  rollSize: integer(1024, { key: 'hdfs.rollSize', min: 0, isFloor: true }),
  rollCount: integer(10, { key: 'hdfs.rollCount', min: 0, isFloor: true }),
  idleTimeout: integer(0, { key: 'hdfs.idleTimeout', min: 0, isFloor: true }),
  batchSize: integer(100, { key: 'hdfs.batchSize', min: 1 }),
  codec: parsed<Codec | undefined>(parseCodec, undefined, { key: 'hdfs.codeC' }),
  fileType: choice(['SequenceFile', 'DataStream', 'CompressedStream'], 'SequenceFile', {
    key: 'hdfs.fileType',
  }),
  maxOpenFiles: integer(5000, { key: 'hdfs.maxOpenFiles', min: 1 }),
  minBlockReplicas: ignored('WebHDFS does not report it', { key: 'hdfs.minBlockReplicas' }),
  writeFormat: choice(['Writable', 'Text'], 'Writable', { key: 'hdfs.writeFormat' }),
  threadsPoolSize: ignored('requests need no threads', { key: 'hdfs.threadsPoolSize' }),
  rollTimerPoolSize: ignored('timers need no threads', { key: 'hdfs.rollTimerPoolSize' }),
  rawLocal: ignored('local files have no checksums beside them', {
    key: 'hdfs.useRawLocalFileSystem',
  }),
  kerberosPrincipal: unsupported(noKerberos, { key: 'hdfs.kerberosPrincipal' }),
  kerberosKeytab: unsupported(noKerberos, { key: 'hdfs.kerberosKeytab' }),
  proxyUser: optionalText({ key: 'hdfs.proxyUser' }),
  round: boolean(false, { key: 'hdfs.round' }),
  roundValue: integer(1, { key: 'hdfs.roundValue', min: 1 }),
  roundUnit: {
    ...choice(['second', 'minute', 'hour', 'none'], 'second', { key: 'hdfs.roundUnit' }),
    lenient: () => ({ value: 'none' as const, note: 'times are not rounded, as in Flume' }),
  },
  timeZone: {
    ...parsed<string | undefined>(parseTimeZone, undefined, { key: 'hdfs.timeZone' }),
    lenient: () => ({ value: 'UTC', note: 'UTC is used, as in Flume' }),
  },
  useLocalTimeStamp: boolean(false, { key: 'hdfs.useLocalTimeStamp' }),
  closeTries: ignored(renamedOnce, { key: 'hdfs.closeTries' }),
  retryInterval: ignored(renamedOnce, { key: 'hdfs.retryInterval' }),
  callTimeout: integer(30_000, { key: 'hdfs.callTimeout', min: 0, isFloor: true }),
  serializer: partType('TEXT'),
  serializerEntries: prefixed('serializer.'),
  /** Hadoop settings, as fs.s3a.access.key, that override core-site.xml. */
  fileSystem: prefixed('fs.'),
  hdfsFileSystem: prefixed('hdfs.fs.'),
}

type Config = ValuesOf<typeof keys>

function codecOf({ codec }: Config): Exclude<Codec, 'none'> | undefined {
  return codec === 'none' ? undefined : codec
}

function check(config: Config): CheckProblem[] {
  const problems: CheckProblem[] = []
  try {
    fileSystemOf(config.path)
  } catch (error) {
    const { message } = error as Error
    problems.push({ key: 'hdfs.path', message, effect: 'agent' })
  }
  if (config.fileType !== 'SequenceFile') {
    problems.push(...checkSerializer('serializer', config.serializer, config.serializerEntries))
  }
  if (config.fileType === 'CompressedStream' && codecOf(config) === undefined) {
    problems.push({
      key: 'hdfs.codeC',
      message: 'is missing: hdfs.fileType = CompressedStream needs it',
    })
  }
  if (config.fileType === 'DataStream' && config.codec !== undefined) {
    const message = 'is set, and hdfs.fileType is DataStream; expected CompressedStream'
    problems.push({ key: 'hdfs.codeC', message })
  }
  const most = { second: 60, minute: 60, hour: 24, none: Number.POSITIVE_INFINITY }[
    config.roundUnit
  ]
  if (config.round && config.roundValue > most) {
    const message = `is ${config.roundValue}; expected a number from 1 to ${most}`
    problems.push({ key: 'hdfs.roundValue', message })
  }
  return problems
}

function storeFor(config: Config, context: ComponentContext): BucketStore {
  const settings = new Map(
    [...config.fileSystem, ...config.hdfsFileSystem].map(([name, value]) => [`fs.${name}`, value]),
  )
  const hadoop = hadoopConfiguration(context.confDirectory, settings)
  const fallback = config.webHdfs === undefined ? hadoop.get('fs.defaultFS') : undefined
  const inUse = inUseName(config.inUsePrefix, config.emptyInUseSuffix ? '' : config.inUseSuffix)
  const system: FileSystem = fileSystemOf(config.path, fallback)
  switch (system.kind) {
    case 'file':
      return new LocalFiles(inUse, context)
    case 's3':
      return s3Store({ ...s3Target(system, hadoop), requestTimeoutMs: config.callTimeout })
    case 'hdfs':
      return new WebHdfs(
        {
          endpoint: config.webHdfs ?? system.endpoint,
          user: config.user,
          proxyUser: config.proxyUser,
          timeoutMs: config.callTimeout,
          inUse,
        },
        context,
      )
  }
}

/** Serializer of a file, and its compression. */
function formatOf(config: Config, context: ComponentContext) {
  const now = (): number => context.world.clock.now()
  const codec = codecOf(config)
  if (config.fileType === 'SequenceFile') {
    const isText = config.writeFormat === 'Text'
    const newSerializer = () => new SequenceFile({ isText, codec, now })
    return { newSerializer, codec: 'none' } as const
  }
  const serializers = fileSerializers(config.serializer, config.serializerEntries, context)
  return { ...serializers, codec: codec ?? 'none' } as const
}

export const hdfsSink = defineSink({
  type: 'hdfs',
  aliases: ['org.apache.flume.sink.hdfs.HDFSEventSink', 'webhdfs'],
  about: 'files in HDFS (through WebHDFS), in S3, or local ones, as the scheme of hdfs.path says',
  keys,
  check,
  create(config, context): Sink {
    const { roundUnit, roundValue } = config
    return new BucketingSink(
      {
        ...config,
        ...formatOf(config, context),
        directory: config.path,
        fileSuffix: config.fileSuffix ?? CODEC_SUFFIXES[config.codec ?? 'none'],
        rounding:
          config.round && roundUnit !== 'none' ? { unit: roundUnit, value: roundValue } : undefined,
        usesLocalTime: config.useLocalTimeStamp,
      },
      storeFor(config, context),
      context,
    )
  },
})
