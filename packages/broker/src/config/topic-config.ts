// SPDX-License-Identifier: Apache-2.0
import { type CompressionType, ProtocolError } from '@millrace/protocol'
import type { LogConfig } from '../log/log-config.ts'
import type { BrokerConfig, BrokerConfigKey } from './broker-config.ts'
import { brokerConfigDefinitions } from './broker-config-definitions.ts'
import {
  type ConfigDefinition,
  ConfigError,
  splitList,
  validateValue,
} from './config-definition.ts'
import { brokerSynonyms, topicConfigDefinitions } from './topic-config-definitions.ts'

export type TopicConfigKey = keyof typeof topicConfigDefinitions

const definitions: Readonly<Record<string, ConfigDefinition>> = topicConfigDefinitions

/** Where a value comes from, most specific first; the numbers are DescribeConfigs'. */
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

/** The layers a broker key is looked up in. */
export interface BrokerLayers {
  readonly file: BrokerConfig
  readonly dynamic: ReadonlyMap<string, string>
  readonly dynamicDefault: ReadonlyMap<string, string>
}

/** All values of a broker key, most specific first; the last is the default. */
export function brokerValues(key: BrokerConfigKey, layers: BrokerLayers): ConfigValue[] {
  const values: ConfigValue[] = []
  const add = (value: string | null | undefined, source: ConfigSource): void => {
    if (value !== undefined) values.push({ name: key, value, source })
  }
  add(layers.dynamic.get(key), ConfigSource.dynamicBroker)
  add(layers.dynamicDefault.get(key), ConfigSource.dynamicDefaultBroker)
  add(layers.file.given.get(key), ConfigSource.staticBroker)
  const fallback = layers.file.given.has(key)
    ? brokerConfigDefinitions[key].default
    : layers.file.get(key)
  if (fallback !== null) add(fallback, ConfigSource.default)
  return values
}

/** All values that could serve a topic key, most specific first; the first is in force. */
export function topicValues(
  key: TopicConfigKey,
  overrides: ReadonlyMap<string, string>,
  layers: BrokerLayers,
): ConfigValue[] {
  const values: ConfigValue[] = []
  const override = overrides.get(key)
  if (override !== undefined)
    values.push({ name: key, value: override, source: ConfigSource.dynamicTopic })
  brokerSynonyms[key].forEach((synonym, i) => {
    const found = brokerValues(synonym.key as BrokerConfigKey, layers)
    // Of the defaults only the first key's counts: the others stand in for it when they are set.
    values.push(
      ...(i === 0 ? found : found.filter(({ source }) => source !== ConfigSource.default)),
    )
  })
  const isOnlyDefault = (value: ConfigValue): boolean => value.source === ConfigSource.default
  const rank = (value: ConfigValue): number => (isOnlyDefault(value) ? 1 : 0)
  const sorted = values.sort((a, b) => rank(a) - rank(b))
  if (sorted.length === 0) {
    return [{ name: key, value: topicConfigDefinitions[key].default, source: ConfigSource.default }]
  }
  return sorted
}

/** The value in force, in the unit of the topic key. */
export function topicValue(
  key: TopicConfigKey,
  overrides: ReadonlyMap<string, string>,
  layers: BrokerLayers,
): ConfigValue {
  const [first] = topicValues(key, overrides, layers)
  const found = first as ConfigValue
  // Only a key that was set counts; otherwise the topic's own default is the clearer one to show.
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

/** Throws `INVALID_CONFIG` when a topic has no such key or the value is not allowed. */
export function validateTopicConfig(name: string, value: string): void {
  const definition = definitions[name]
  if (definition === undefined) {
    throw new ProtocolError('INVALID_CONFIG', `Unknown topic config name: ${name}`)
  }
  try {
    validateValue(name, value, definition)
  } catch (error) {
    if (error instanceof ConfigError) throw new ProtocolError('INVALID_CONFIG', error.message)
    throw error
  }
}

/** Reads all keys of a topic into the form that the log uses. */
export function resolveLogConfig(
  overrides: ReadonlyMap<string, string>,
  layers: BrokerLayers,
): LogConfig {
  const text = (key: TopicConfigKey): string => topicValue(key, overrides, layers).value ?? ''
  const number = (key: TopicConfigKey): number => Number(text(key))
  const whenSet = (key: TopicConfigKey): number | undefined => {
    const { value, source } = topicValue(key, overrides, layers)
    return source === ConfigSource.default || value === null ? undefined : Number(value)
  }
  const policies = splitList(text('cleanup.policy'))
  const compression = text('compression.type')
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
      text('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    retentionBytes: number('retention.bytes'),
    retentionMs: number('retention.ms'),
    segmentBytes:
      internalSegmentBytes === undefined ? number('segment.bytes') : Number(internalSegmentBytes),
    segmentIndexBytes: number('segment.index.bytes'),
    segmentJitterMs: number('segment.jitter.ms'),
    segmentMs: number('segment.ms'),
  }
}
