// SPDX-License-Identifier: Apache-2.0
import { type BrokerConfigKey, ownDefaults } from './broker-config.ts'
import { brokerConfigDefinitions } from './broker-config-definitions.ts'
import { type ConfigDefinition, configTypeCode } from './config-definition.ts'
import { groupConfigDefinitions } from './group-config-definitions.ts'
import {
  type BrokerLayers,
  brokerValues,
  ConfigSource,
  type ConfigValue,
  type TopicConfigKey,
  topicValue,
  topicValues,
} from './topic-config.ts'
import { topicConfigDefinitions } from './topic-config-definitions.ts'

/** One entry of a DescribeConfigs answer. */
export interface DescribedConfig {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly source: ConfigSource
  readonly isSensitive: boolean
  readonly type: number
  readonly synonyms: readonly ConfigValue[]
}

function visible(
  definitions: Readonly<Record<string, ConfigDefinition>>,
): [string, ConfigDefinition][] {
  return Object.entries(definitions).filter(([, definition]) => definition.internal !== true)
}

function entry(
  name: string,
  definition: ConfigDefinition,
  found: {
    readonly value: ConfigValue
    readonly synonyms: readonly ConfigValue[]
    readonly readOnly: boolean
  },
): DescribedConfig {
  const isSensitive = definition.type === 'password'
  const hide = (value: ConfigValue): ConfigValue =>
    isSensitive ? { ...value, value: null } : value
  return {
    name,
    value: hide(found.value).value,
    readOnly: found.readOnly,
    source: found.value.source,
    isSensitive,
    type: configTypeCode[definition.type],
    synonyms: found.synonyms.map(hide),
  }
}

export function describedTopicConfigs(
  overrides: ReadonlyMap<string, string>,
  layers: BrokerLayers,
): DescribedConfig[] {
  return visible(topicConfigDefinitions).map(([name, definition]) => {
    const key = name as TopicConfigKey
    const synonyms = topicValues(key, overrides, layers)
    return entry(name, definition, {
      value: topicValue(key, overrides, layers),
      synonyms: synonyms.filter(
        (synonym) => synonym.name !== name || synonym.source !== ConfigSource.default,
      ),
      readOnly: false,
    })
  })
}

export function describedBrokerConfigs(layers: BrokerLayers): DescribedConfig[] {
  return visible(brokerConfigDefinitions).map(([name, definition]) => {
    const values = brokerValues(name as BrokerConfigKey, layers)
    const fallback = ownDefaults[name as BrokerConfigKey] ?? definition.default
    const [value = { name, value: fallback, source: ConfigSource.default }] = values
    return entry(name, definition, {
      value,
      synonyms: values,
      readOnly: definition.dynamic !== true,
    })
  })
}

/** Only what was set dynamically: the entity default of brokers has no other layers. */
export function describedDefaultBrokerConfigs(
  dynamicDefault: ReadonlyMap<string, string>,
): DescribedConfig[] {
  return [...dynamicDefault].map(([name, value]) => {
    const definition = (brokerConfigDefinitions as Readonly<Record<string, ConfigDefinition>>)[name]
    const found = { name, value, source: ConfigSource.dynamicDefaultBroker }
    return entry(name, definition ?? { type: 'string', default: null }, {
      value: found,
      synonyms: [found],
      readOnly: false,
    })
  })
}

export function describedGroupConfigs(
  overrides: ReadonlyMap<string, string>,
  layers: BrokerLayers,
): DescribedConfig[] {
  return visible(groupConfigDefinitions).map(([name, definition]) => {
    const brokerKey = `group.${name}` as BrokerConfigKey
    const inherited = brokerKey in brokerConfigDefinitions ? brokerValues(brokerKey, layers) : []
    const override = overrides.get(name)
    const set =
      override === undefined ? [] : [{ name, value: override, source: ConfigSource.group }]
    const fallback = { name, value: definition.default, source: ConfigSource.default }
    const synonyms = inherited.length === 0 ? [...set, fallback] : [...set, ...inherited]
    const [value = fallback] = synonyms
    return entry(name, definition, { value, synonyms, readOnly: false })
  })
}
