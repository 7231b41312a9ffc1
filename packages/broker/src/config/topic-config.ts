// SPDX-License-Identifier: Apache-2.0
import type { CompressionType } from '@millrace/protocol'
import type { LogConfig } from '../log/log-config.ts'
import type { SchemaRules, SubjectStrategy } from '../record-schemas/schema-lookup.ts'
import { type BrokerConfig, type BrokerConfigKey, ownDefaults } from './broker-config.ts'
import { brokerConfigDefinitions } from './broker-config-definitions.ts'
import { type ConfigDefinition, invalidValue } from './config-definition.ts'
import { numberOf, parseInteger, splitList, validateValue } from './config-value.ts'
import {
  brokerSynonyms,
  subjectStrategies,
  topicConfigDefinitions,
} from './topic-config-definitions.ts'
import { unknownConfig } from './unknown-config.ts'

export type TopicConfigKey = keyof typeof topicConfigDefinitions

const definitions: Readonly<Record<string, ConfigDefinition>> = topicConfigDefinitions

/** Source of a value, most specific first; the numbers are those of DescribeConfigs. */
export const ConfigSource = {
  unknown: 0,
  dynamicTopic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  dynamicBrokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

export interface ConfigValue {
  readonly name: string
  readonly value: string | null
  readonly source: ConfigSource
}

/** Layers in which a broker key is looked up. */
export interface BrokerLayers {
  readonly file: BrokerConfig
  readonly dynamic: ReadonlyMap<string, string>
  readonly dynamicDefault: ReadonlyMap<string, string>
}

/** All values of a broker key, most specific first; the default, if there is one, is last. */
export function brokerValues(key: string, layers: BrokerLayers): ConfigValue[] {
  const values: ConfigValue[] = []
  const add = (value: string | null | undefined, source: ConfigSource): void => {
    if (value !== undefined && value !== null) values.push({ name: key, value, source })
  }
  add(layers.dynamic.get(key), ConfigSource.dynamicBroker)
  add(layers.dynamicDefault.get(key), ConfigSource.dynamicDefaultBroker)
  add(layers.file.given.get(key), ConfigSource.staticBroker)
  add(brokerDefault(key, layers.file), ConfigSource.default)
  return values
}

/**
 * All values of synonymous keys, most specific first. A default must not hide a value set for a
 * less specific key, so defaults come last; if nothing is set, only the first key has one.
 */
export function synonymValues(keys: readonly string[], layers: BrokerLayers): ConfigValue[] {
  const values = keys
    .flatMap((key) => brokerValues(key, layers))
    .sort((a, b) => a.source - b.source)
  const isSet = values.some(({ source }) => source !== ConfigSource.default)
  return isSet ? values : values.filter(({ name }) => name === keys[0])
}

/**
 * The default if nothing is set: millrace's or Kafka's. A key that the file sets falls back to
 * Kafka's.
 */
function brokerDefault(key: string, file: BrokerConfig): string | null {
  // Deprecated alias of node.id.
  if (key === 'broker.id' && !file.given.has(key)) return String(file.nodeId)
  const own = file.given.has(key) ? undefined : ownDefaults[key as BrokerConfigKey]
  return own ?? brokerConfigDefinitions[key as BrokerConfigKey]?.default ?? null
}

/** All candidate values of a topic key, most specific first; the first is effective. */
export function topicValues(
  key: TopicConfigKey,
  overrides: ReadonlyMap<string, string>,
  layers: BrokerLayers,
): ConfigValue[] {
  const override = overrides.get(key)
  const own =
    override === undefined
      ? []
      : [{ name: key, value: override, source: ConfigSource.dynamicTopic }]
  const inherited = synonymValues(
    brokerSynonyms[key].map((synonym) => synonym.key),
    layers,
  )
  const values = [...own, ...inherited]
  if (values.length > 0) return values
  return [{ name: key, value: topicConfigDefinitions[key].default, source: ConfigSource.default }]
}

/** The effective value, in the unit of the topic key. */
export function topicValue(
  key: TopicConfigKey,
  overrides: ReadonlyMap<string, string>,
  layers: BrokerLayers,
): ConfigValue {
  const [first] = topicValues(key, overrides, layers)
  const found = first as ConfigValue
  // Only a key that was set counts; otherwise the topic key's own default is shown.
  if (found.source === ConfigSource.default) {
    const text =
      found.name === key || brokerSynonyms[key].length === 0
        ? found.value
        : topicConfigDefinitions[key].default
    return { name: key, value: text, source: ConfigSource.default }
  }
  const factor = brokerSynonyms[key].find((synonym) => synonym.key === found.name)?.factor
  const value =
    factor === undefined || found.name === key
      ? found.value
      : String(BigInt(found.value ?? '0') < 0n ? -1n : BigInt(found.value ?? '0') * BigInt(factor))
  return { name: key, value, source: found.source }
}

/**
 * Throws `ConfigError` unless the values are a valid topic configuration. For keys that the topic
 * does not set, limits between keys use the broker's values.
 */
export function checkTopicConfig(values: ReadonlyMap<string, string>, layers: BrokerLayers): void {
  for (const name of values.keys()) {
    if (definitions[name] === undefined)
      throw unknownConfig('topic', name, Object.keys(definitions))
  }
  for (const [name, value] of values) {
    const definition = definitions[name]
    if (definition !== undefined) validateValue(name, value, definition)
  }
  const lag = (key: TopicConfigKey): bigint =>
    parseInteger(topicValue(key, values, layers).value ?? '') ?? 0n
  const [minLag, maxLag] = [lag('min.compaction.lag.ms'), lag('max.compaction.lag.ms')]
  if (minLag > maxLag) {
    throw invalidValue(
      'min.compaction.lag.ms',
      String(minLag),
      `at most ${maxLag}, the value of max.compaction.lag.ms`,
    )
  }
  checkSchemaRules(values, layers)
  const remote = values.get('remote.storage.enable')?.trim() ?? 'false'
  if (/^true$/i.test(remote)) {
    throw invalidValue('remote.storage.enable', remote, 'false: the broker has no tiered storage')
  }
}

/** Throws if records are to be checked without a registry to ask. */
function checkSchemaRules(values: ReadonlyMap<string, string>, layers: BrokerLayers): void {
  if ((layers.file.get('confluent.schema.registry.url') ?? '') !== '') return
  for (const key of ['confluent.key.schema.validation', 'confluent.value.schema.validation']) {
    const value = values.get(key)?.trim() ?? 'false'
    if (/^true$/i.test(value)) {
      throw invalidValue(key, value, 'false: the broker has no confluent.schema.registry.url')
    }
  }
}

/** Parts of records that must have a schema; undefined if none must. */
function schemaRulesOf(text: (key: TopicConfigKey) => string): SchemaRules | undefined {
  const strategyOf = (part: 'key' | 'value'): SubjectStrategy | undefined => {
    if (!/^true$/i.test(text(`confluent.${part}.schema.validation`).trim())) return undefined
    return subjectStrategies[text(`confluent.${part}.subject.name.strategy`).trim()] ?? 'topic'
  }
  const [key, value] = [strategyOf('key'), strategyOf('value')]
  if (key === undefined && value === undefined) return undefined
  return { ...(key === undefined ? {} : { key }), ...(value === undefined ? {} : { value }) }
}

/** Converts all keys of a topic to the form that the log uses. */
export function resolveLogConfig(
  overrides: ReadonlyMap<string, string>,
  layers: BrokerLayers,
): LogConfig {
  const text = (key: TopicConfigKey): string => topicValue(key, overrides, layers).value ?? ''
  const number = (key: TopicConfigKey): number => numberOf(text(key))
  const whenSet = (key: TopicConfigKey): number | undefined => {
    const { value, source } = topicValue(key, overrides, layers)
    return source === ConfigSource.default || value === null ? undefined : numberOf(value)
  }
  const policies = splitList(text('cleanup.policy'))
  const compression = text('compression.type').trim()
  const internalSegmentBytes = overrides.get('internal.segment.bytes')
  return {
    cleanupPolicy: { compact: policies.includes('compact'), delete: policies.includes('delete') },
    compressionType:
      compression === 'uncompressed' ? 'none' : (compression as CompressionType | 'producer'),
    compressionLevels: {
      gzip: number('compression.gzip.level') === -1 ? undefined : number('compression.gzip.level'),
      lz4: number('compression.lz4.level'),
      zstd: number('compression.zstd.level'),
    },
    deleteRetentionMs: number('delete.retention.ms'),
    flushMessages: whenSet('flush.messages'),
    flushMs: whenSet('flush.ms'),
    indexIntervalBytes: number('index.interval.bytes'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    maxDecompressedMessageBytes: number('max.decompressed.message.bytes'),
    maxMessageBytes: number('max.message.bytes'),
    messageTimestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    messageTimestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    messageTimestampType:
      text('message.timestamp.type').trim() === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    retentionBytes: number('retention.bytes'),
    retentionMs: number('retention.ms'),
    segmentBytes:
      internalSegmentBytes === undefined ? number('segment.bytes') : numberOf(internalSegmentBytes),
    segmentIndexBytes: number('segment.index.bytes'),
    segmentJitterMs: number('segment.jitter.ms'),
    segmentMs: number('segment.ms'),
    schemaRules: schemaRulesOf(text),
  }
}
