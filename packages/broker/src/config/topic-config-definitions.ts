// SPDX-License-Identifier: Apache-2.0

import type { SubjectStrategy } from '../record-schemas/schema-lookup.ts'
import type { ConfigDefinitions } from './config-definition.ts'
import { className, throttledReplicas } from './config-forms.ts'

/** Classes of `confluent.{key,value}.subject.name.strategy`. */
export const subjectStrategies: Readonly<Record<string, SubjectStrategy>> = {
  'io.confluent.kafka.serializers.subject.TopicNameStrategy': 'topic',
  'io.confluent.kafka.serializers.subject.RecordNameStrategy': 'record',
  'io.confluent.kafka.serializers.subject.TopicRecordNameStrategy': 'topic-record',
}

const subjectNameStrategy = {
  type: 'class',
  default: 'io.confluent.kafka.serializers.subject.TopicNameStrategy',
  form: className(...Object.keys(subjectStrategies)),
  extension: true,
} as const

/**
 * Every topic configuration key of Apache Kafka 4.4.0, and those of Confluent Server that check the
 * schemas of records.
 */
export const topicConfigDefinitions = {
  'cleanup.policy': { type: 'list', default: 'delete', oneOf: ['compact', 'delete'] },
  'compression.gzip.level': { type: 'int', default: '-1', min: 1, max: 9, or: -1 },
  'compression.lz4.level': { type: 'int', default: '9', min: 1, max: 17 },
  'compression.type': {
    type: 'string',
    default: 'producer',
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
  },
  'compression.zstd.level': { type: 'int', default: '3', min: -131072, max: 22 },
  'confluent.key.schema.validation': { type: 'boolean', default: 'false', extension: true },
  'confluent.key.subject.name.strategy': subjectNameStrategy,
  'confluent.value.schema.validation': { type: 'boolean', default: 'false', extension: true },
  'confluent.value.subject.name.strategy': subjectNameStrategy,
  'delete.retention.ms': { type: 'long', default: '86400000', min: 0 },
  'errors.deadletterqueue.group.enable': { type: 'boolean', default: 'false' },
  'file.delete.delay.ms': { type: 'long', default: '60000', min: 0 },
  'flush.messages': { type: 'long', default: '9223372036854775807', min: 1 },
  'flush.ms': { type: 'long', default: '9223372036854775807', min: 0 },
  'follower.replication.throttled.replicas': { type: 'list', default: '', form: throttledReplicas },
  'index.interval.bytes': { type: 'int', default: '4096', min: 0 },
  'internal.segment.bytes': { type: 'int', default: null, internal: true },
  'leader.replication.throttled.replicas': { type: 'list', default: '', form: throttledReplicas },
  'local.retention.bytes': { type: 'long', default: '-2', min: -2 },
  'local.retention.ms': { type: 'long', default: '-2', min: -2 },
  'max.compaction.lag.ms': { type: 'long', default: '9223372036854775807', min: 1 },
  'max.decompressed.message.bytes': { type: 'int', default: '2147483639', min: 1, max: 2147483639 },
  'max.message.bytes': { type: 'int', default: '1048588', min: 0 },
  'message.timestamp.after.max.ms': { type: 'long', default: '3600000', min: 0 },
  'message.timestamp.before.max.ms': { type: 'long', default: '9223372036854775807', min: 0 },
  'message.timestamp.type': {
    type: 'string',
    default: 'CreateTime',
    oneOf: ['CreateTime', 'LogAppendTime'],
  },
  'min.cleanable.dirty.ratio': { type: 'double', default: '0.5', min: 0, max: 1 },
  'min.compaction.lag.ms': { type: 'long', default: '0', min: 0 },
  'min.insync.replicas': { type: 'int', default: '1', min: 1 },
  preallocate: { type: 'boolean', default: 'false' },
  'remote.copy.lag.bytes': { type: 'long', default: '-1', min: -1 },
  'remote.copy.lag.ms': { type: 'long', default: '0', min: -1 },
  'remote.log.copy.disable': { type: 'boolean', default: 'false' },
  'remote.log.delete.on.disable': { type: 'boolean', default: 'false' },
  'remote.storage.enable': { type: 'boolean', default: 'false' },
  'retention.bytes': { type: 'long', default: '-1' },
  'retention.ms': { type: 'long', default: '604800000', min: -1 },
  'segment.bytes': { type: 'int', default: '1073741824', min: 1048576 },
  'segment.index.bytes': { type: 'int', default: '10485760', min: 4 },
  'segment.jitter.ms': { type: 'long', default: '0', min: 0 },
  'segment.ms': { type: 'long', default: '604800000', min: 1 },
  'unclean.leader.election.enable': { type: 'boolean', default: 'false' },
} as const satisfies ConfigDefinitions

/** A broker key that a topic key falls back to, with the factor that converts its unit. */
export interface BrokerSynonym {
  readonly key: string
  readonly factor?: number
}

const HOUR_MS = 3_600_000

/** Broker keys that a topic key falls back to, most specific first. */
export const brokerSynonyms: Readonly<
  Record<keyof typeof topicConfigDefinitions, readonly BrokerSynonym[]>
> = {
  'cleanup.policy': [{ key: 'log.cleanup.policy' }],
  'compression.gzip.level': [{ key: 'compression.gzip.level' }],
  'compression.lz4.level': [{ key: 'compression.lz4.level' }],
  'compression.type': [{ key: 'compression.type' }],
  'compression.zstd.level': [{ key: 'compression.zstd.level' }],
  'confluent.key.schema.validation': [],
  'confluent.key.subject.name.strategy': [],
  'confluent.value.schema.validation': [],
  'confluent.value.subject.name.strategy': [],
  'delete.retention.ms': [{ key: 'log.cleaner.delete.retention.ms' }],
  'errors.deadletterqueue.group.enable': [],
  'file.delete.delay.ms': [{ key: 'log.segment.delete.delay.ms' }],
  'flush.messages': [{ key: 'log.flush.interval.messages' }],
  'flush.ms': [{ key: 'log.flush.interval.ms' }, { key: 'log.flush.scheduler.interval.ms' }],
  'follower.replication.throttled.replicas': [],
  'index.interval.bytes': [{ key: 'log.index.interval.bytes' }],
  'internal.segment.bytes': [],
  'leader.replication.throttled.replicas': [],
  'local.retention.bytes': [{ key: 'log.local.retention.bytes' }],
  'local.retention.ms': [{ key: 'log.local.retention.ms' }],
  'max.compaction.lag.ms': [{ key: 'log.cleaner.max.compaction.lag.ms' }],
  'max.decompressed.message.bytes': [{ key: 'max.decompressed.message.bytes' }],
  'max.message.bytes': [{ key: 'message.max.bytes' }],
  'message.timestamp.after.max.ms': [{ key: 'log.message.timestamp.after.max.ms' }],
  'message.timestamp.before.max.ms': [{ key: 'log.message.timestamp.before.max.ms' }],
  'message.timestamp.type': [{ key: 'log.message.timestamp.type' }],
  'min.cleanable.dirty.ratio': [{ key: 'log.cleaner.min.cleanable.ratio' }],
  'min.compaction.lag.ms': [{ key: 'log.cleaner.min.compaction.lag.ms' }],
  'min.insync.replicas': [{ key: 'min.insync.replicas' }],
  preallocate: [{ key: 'log.preallocate' }],
  'remote.copy.lag.bytes': [{ key: 'log.remote.copy.lag.bytes' }],
  'remote.copy.lag.ms': [{ key: 'log.remote.copy.lag.ms' }],
  'remote.log.copy.disable': [],
  'remote.log.delete.on.disable': [],
  'remote.storage.enable': [],
  'retention.bytes': [{ key: 'log.retention.bytes' }],
  'retention.ms': [
    { key: 'log.retention.ms' },
    { key: 'log.retention.minutes', factor: 60_000 },
    { key: 'log.retention.hours', factor: HOUR_MS },
  ],
  'segment.bytes': [{ key: 'log.segment.bytes' }],
  'segment.index.bytes': [{ key: 'log.index.size.max.bytes' }],
  'segment.jitter.ms': [
    { key: 'log.roll.jitter.ms' },
    { key: 'log.roll.jitter.hours', factor: HOUR_MS },
  ],
  'segment.ms': [{ key: 'log.roll.ms' }, { key: 'log.roll.hours', factor: HOUR_MS }],
  'unclean.leader.election.enable': [{ key: 'unclean.leader.election.enable' }],
}
