// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { BrokerConfig } from '../config/broker-config.ts'
import { checkClientMetricsConfig } from '../config/client-metrics-config.ts'
import { type ConfigDefinition, ConfigError } from '../config/config-definition.ts'
import { brokerDefinitions, checkDynamicChange } from '../config/dynamic-broker-rules.ts'
import { checkGroupConfig } from '../config/group-rules.ts'
import { type BrokerLayers, checkTopicConfig } from '../config/topic-config.ts'
import { topicConfigDefinitions } from '../config/topic-config-definitions.ts'
import { topicNameError } from '../topic-name.ts'
import { ConfigResourceType, type MetadataImage } from './metadata-image.ts'
import type { NewMetadataRecord } from './metadata-record.ts'

/** Operations of IncrementalAlterConfigs (KIP-339). */
export const ConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export interface ConfigResource {
  readonly type: number
  readonly name: string
}

export interface ConfigChange {
  readonly name: string
  readonly operation: number
  readonly value: string | null
}

/** What a change is validated against. */
export interface ConfigContext {
  readonly image: MetadataImage
  /** The configuration of the running broker. */
  readonly config: BrokerConfig
  readonly layers: BrokerLayers
}

/**
 * Records of some changes to one resource. Throws `ProtocolError` with Kafka's code if the
 * resource, a key or a value is invalid; the metadata is unchanged then.
 */
export function changeConfigs(
  context: ConfigContext,
  resource: ConfigResource,
  changes: readonly ConfigChange[],
): NewMetadataRecord[] {
  checkChanges(changes)
  checkResourceName(context, resource)
  const stored = context.image.configs(resource.type, resource.name)
  const values = new Map(storedValues(context, resource, stored))
  for (const change of changes) {
    const value = newValue(change, resource, values.get(change.name))
    if (value === null) values.delete(change.name)
    else values.set(change.name, value)
  }
  checkValues(context, resource, values)
  checkMinInsyncReplicas(context, resource, changes)
  checkExistence(context, resource)
  return changes.flatMap(({ name }) => {
    const value = values.get(name) ?? null
    if (value === (stored.get(name) ?? null)) return []
    const data = { resourceType: resource.type, resourceName: resource.name, name, value }
    return [{ kind: 'ConfigRecord' as const, version: 0, data }]
  })
}

/** Checks that the changes are well-formed, independent of the resource. */
function checkChanges(changes: readonly ConfigChange[]): void {
  const seen = new Set<string>()
  for (const { name } of changes) {
    if (seen.has(name)) {
      throw new ProtocolError('INVALID_REQUEST', `Error due to duplicate config keys: ${name}`)
    }
    seen.add(name)
  }
  const missing = changes.filter(
    ({ operation, value }) => operation !== ConfigOperation.delete && value === null,
  )
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(', ')
    throw new ProtocolError('INVALID_REQUEST', `Null value not supported for : ${names}`)
  }
  const known: readonly number[] = Object.values(ConfigOperation)
  const unknown = changes.find(({ operation }) => !known.includes(operation))
  if (unknown !== undefined) {
    throw new ProtocolError('INVALID_REQUEST', `Unknown operations type ${unknown.operation}`)
  }
}

/** Throws if the name is invalid for the resource type, or the resource cannot be configured. */
function checkResourceName({ config }: ConfigContext, { type, name }: ConfigResource): void {
  switch (type) {
    case ConfigResourceType.topic: {
      if (name === '') {
        throw new ProtocolError('INVALID_REQUEST', 'Default topic resources are not allowed.')
      }
      const nameError = topicNameError(name)
      if (nameError !== undefined) throw new ProtocolError('INVALID_TOPIC_EXCEPTION', nameError)
      return
    }
    case ConfigResourceType.broker:
      if (name === '' || name === String(config.nodeId)) return
      throw new ProtocolError(
        'INVALID_REQUEST',
        `Unexpected broker id, expected ${config.nodeId} or empty string, but received ${name}`,
      )
    case ConfigResourceType.group:
      if (name !== '') return
      throw new ProtocolError('INVALID_REQUEST', 'Default group resources are not allowed.')
    case ConfigResourceType.clientMetrics:
      if (name !== '') return
      throw new ProtocolError('INVALID_REQUEST', "Subscription name can't be empty")
    case ConfigResourceType.brokerLogger:
      throw new ProtocolError(
        'INVALID_REQUEST',
        'Log levels of a running broker cannot be changed: restart it with --log-level.',
      )
    default:
      throw new ProtocolError('INVALID_REQUEST', `Unknown resource type ${type}`)
  }
}

/**
 * Current values of the resource; of a broker only those in force, so that an invalid stored value
 * blocks no change.
 */
function storedValues(
  { layers }: ConfigContext,
  resource: ConfigResource,
  stored: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  if (resource.type !== ConfigResourceType.broker) return stored
  return resource.name === '' ? layers.dynamicDefault : layers.dynamic
}

const listTables: Readonly<Record<number, Readonly<Record<string, ConfigDefinition>>>> = {
  [ConfigResourceType.topic]: topicConfigDefinitions,
  [ConfigResourceType.broker]: brokerDefinitions,
}

function newValue(
  { name, operation, value }: ConfigChange,
  { type }: ConfigResource,
  current: string | undefined,
): string | null {
  if (operation === ConfigOperation.delete || value === null) return null
  if (operation === ConfigOperation.set) return value
  // As in Kafka, lists of groups and of metrics subscriptions can only be replaced.
  const definition = listTables[type]?.[name]
  if (definition?.type !== 'list') {
    throw new ProtocolError(
      'INVALID_CONFIG',
      `Cannot append to or subtract from ${name}: only lists of topics and brokers allow it`,
    )
  }
  const items = (current ?? definition.default ?? '').split(',').filter((item) => item !== '')
  const given = partsOf(value)
  if (operation === ConfigOperation.subtract) {
    return items.filter((item) => !given.includes(item)).join(',')
  }
  const added = given.filter((item) => !items.includes(item))
  // As in Kafka, a repeated item is dropped for a topic and an error for a broker.
  const isOfBroker = type === ConfigResourceType.broker
  return [...items, ...(isOfBroker ? added : new Set(added))].join(',')
}

/**
 * Items of an appended text as Java splits it: trailing empty ones are dropped, an empty text is
 * one item.
 */
function partsOf(value: string): string[] {
  if (value === '') return ['']
  const parts = value.split(',')
  while (parts.at(-1) === '') parts.pop()
  return parts
}

function checkValues(
  { config, layers }: ConfigContext,
  resource: ConfigResource,
  values: ReadonlyMap<string, string>,
): void {
  const isOfBrokers = resource.type === ConfigResourceType.broker
  try {
    switch (resource.type) {
      case ConfigResourceType.topic:
        return checkTopicConfig(values, layers)
      case ConfigResourceType.group:
        return checkGroupConfig(values, config)
      case ConfigResourceType.clientMetrics:
        return checkClientMetricsConfig(values)
      default:
        return checkDynamicChange({
          given: config.given,
          running: config,
          proposed: values,
          other: resource.name === '' ? layers.dynamic : layers.dynamicDefault,
          isDefault: resource.name === '',
        })
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // For broker changes Kafka returns this code for every error.
    throw new ProtocolError(isOfBrokers ? 'INVALID_REQUEST' : 'INVALID_CONFIG', error.message)
  }
}

/**
 * While eligible leader replicas are enabled, brokers have only the cluster-wide minimum (KIP-966).
 */
function checkMinInsyncReplicas(
  { image }: ConfigContext,
  { type, name }: ConfigResource,
  changes: readonly ConfigChange[],
): void {
  if (type !== ConfigResourceType.broker) return
  if ((image.features.get('eligible.leader.replicas.version') ?? 0) === 0) return
  const change = changes.find((each) => each.name === 'min.insync.replicas')
  if (change === undefined) return
  if (name !== '') {
    throw new ProtocolError(
      'INVALID_CONFIG',
      'Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
    )
  }
  if (change.operation === ConfigOperation.delete) {
    throw new ProtocolError(
      'INVALID_CONFIG',
      'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
    )
  }
}

function checkExistence({ image }: ConfigContext, { type, name }: ConfigResource): void {
  if (type !== ConfigResourceType.topic || image.topics.has(name)) return
  throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`)
}
