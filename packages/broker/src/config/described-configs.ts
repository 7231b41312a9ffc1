// SPDX-License-Identifier: Apache-2.0
import { brokerConfigDefinitions } from './broker-config-definitions.ts'
import { clientMetricsConfigDefinitions } from './client-metrics-config.ts'
import { type ConfigDefinition, configTypeCode } from './config-definition.ts'
import { shownValue } from './config-value.ts'
import { brokerDefinitions, splitListenerKey, synonymsOf } from './dynamic-broker-rules.ts'
import { groupConfigDefinitions } from './group-config-definitions.ts'
import {
  type BrokerLayers,
  brokerValues,
  ConfigSource,
  type ConfigValue,
  synonymValues,
  type TopicConfigKey,
  topicValue,
  topicValues,
} from './topic-config.ts'
import { brokerSynonyms, topicConfigDefinitions } from './topic-config-definitions.ts'

/** One entry of a DescribeConfigs response. */
export interface DescribedConfig {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly source: ConfigSource
  readonly isSensitive: boolean
  readonly type: number
  readonly synonyms: readonly ConfigValue[]
}

const UNKNOWN_TYPE = 0

function visible(
  definitions: Readonly<Record<string, ConfigDefinition>>,
): [string, ConfigDefinition][] {
  return Object.entries(definitions).filter(([, definition]) => definition.internal !== true)
}

/** Creates an entry. The value of an unknown key may be a secret, so it is hidden, as in Kafka. */
function entry(
  name: string,
  definition: ConfigDefinition | undefined,
  found: {
    readonly value: ConfigValue
    readonly synonyms: readonly ConfigValue[]
    readonly readOnly: boolean
  },
): DescribedConfig {
  const isSensitive = definition === undefined || definition.type === 'password'
  const hide = (value: ConfigValue): ConfigValue =>
    isSensitive ? { ...value, value: null } : value
  const { value, source } = hide(found.value)
  return {
    name,
    value: value === null ? null : shownValue(value, definition?.type),
    readOnly: found.readOnly,
    source,
    isSensitive,
    type: definition === undefined ? UNKNOWN_TYPE : configTypeCode[definition.type],
    synonyms: found.synonyms.map(hide),
  }
}

export function describedTopicConfigs(
  overrides: ReadonlyMap<string, string>,
  layers: BrokerLayers,
): DescribedConfig[] {
  const shown = visible(topicConfigDefinitions).filter(
    ([name, { extension = false }]) => !extension || overrides.has(name),
  )
  return shown.map(([name, definition]) => {
    const key = name as TopicConfigKey
    const isOfBroker = (key: string): boolean =>
      brokerSynonyms[name as TopicConfigKey].some((synonym) => synonym.key === key)
    const synonyms = topicValues(key, overrides, layers)
      .filter((value) => value.source !== ConfigSource.default || isOfBroker(value.name))
      .map((synonym) =>
        synonym.source === ConfigSource.dynamicTopic && synonym.value !== null
          ? { ...synonym, value: shownValue(synonym.value, definition.type) }
          : synonym,
      )
    return entry(name, definition, {
      value: topicValue(key, overrides, layers),
      synonyms,
      readOnly: false,
    })
  })
}

export function describedBrokerConfigs(layers: BrokerLayers): DescribedConfig[] {
  const known = visible(brokerConfigDefinitions).map(([name]) => name)
  // Dynamic values that are not keys of a file: quotas, values of one listener, unknown keys.
  const isOther = (name: string): boolean => !(name in brokerConfigDefinitions)
  const others = [
    ...layers.file.given.keys(),
    ...layers.dynamicDefault.keys(),
    ...layers.dynamic.keys(),
  ].filter(isOther)
  return [...new Set([...known, ...others])].map((name) => {
    const { listener, key } = splitListenerKey(name)
    const names = listener === undefined ? synonymsOf(name) : [name, key]
    // The key itself and the keys it falls back to.
    const synonyms = synonymValues(names.slice(names.indexOf(name)), layers)
    const [value = { name, value: null, source: ConfigSource.default }] = brokerValues(name, layers)
    return entry(name, brokerDefinitions[key], { value, synonyms, readOnly: !isDynamic(name) })
  })
}

function isDynamic(name: string): boolean {
  return brokerDefinitions[name]?.dynamic !== undefined
}

/** Dynamic values only: the broker default entity has no other layers. */
export function describedDefaultBrokerConfigs(
  dynamicDefault: ReadonlyMap<string, string>,
): DescribedConfig[] {
  return [...dynamicDefault].map(([name, value]) => {
    const found = { name, value, source: ConfigSource.dynamicDefaultBroker }
    return entry(name, brokerDefinitions[splitListenerKey(name).key], {
      value: found,
      synonyms: [found],
      readOnly: !isDynamic(name),
    })
  })
}

export function describedGroupConfigs(
  overrides: ReadonlyMap<string, string>,
  layers: BrokerLayers,
): DescribedConfig[] {
  return visible(groupConfigDefinitions).map(([name, definition]) => {
    const brokerKey = name === 'streams.assignor.name' ? 'group.streams.assignors' : `group.${name}`
    const inherited = brokerValues(brokerKey, layers)
    const override = overrides.get(name)
    const set =
      override === undefined ? [] : [{ name, value: override, source: ConfigSource.group }]
    const fallback = { name, value: definition.default, source: ConfigSource.default }
    const synonyms = inherited.length === 0 ? [...set, fallback] : [...set, ...inherited]
    const [value = fallback] = synonyms
    return entry(name, definition, { value, synonyms, readOnly: false })
  })
}

export function describedClientMetricsConfigs(
  overrides: ReadonlyMap<string, string>,
): DescribedConfig[] {
  return visible(clientMetricsConfigDefinitions).map(([name, definition]) => {
    const override = overrides.get(name)
    const set =
      override === undefined ? [] : [{ name, value: override, source: ConfigSource.clientMetrics }]
    const fallback = { name, value: definition.default, source: ConfigSource.default }
    const [value = fallback] = set
    return entry(name, definition, { value, synonyms: set, readOnly: false })
  })
}
