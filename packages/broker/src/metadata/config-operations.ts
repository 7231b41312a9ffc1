// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import { brokerConfigDefinitions } from '../config/broker-config-definitions.ts'
import {
  type ConfigDefinition,
  ConfigError,
  splitList,
  validateValue,
} from '../config/config-definition.ts'
import { groupConfigDefinitions } from '../config/group-config-definitions.ts'
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

type Definitions = Readonly<Record<string, ConfigDefinition>>

function definitionOf(resource: ConfigResource, key: string): ConfigDefinition | undefined {
  const tables: Readonly<Record<number, Definitions>> = {
    [ConfigResourceType.topic]: topicConfigDefinitions,
    [ConfigResourceType.broker]: brokerConfigDefinitions,
    [ConfigResourceType.group]: groupConfigDefinitions,
    [ConfigResourceType.clientMetrics]: clientMetricsDefinitions,
  }
  return tables[resource.type]?.[key]
}

const clientMetricsDefinitions: Definitions = {
  metrics: { type: 'list', default: null },
  'interval.ms': { type: 'int', default: '300000', min: 100, max: 3_600_000 },
  match: { type: 'list', default: null },
}

/** Throws when there is no such resource, or none whose configuration can be changed. */
export function checkResource(
  image: MetadataImage,
  resource: ConfigResource,
  nodeId: number,
): void {
  switch (resource.type) {
    case ConfigResourceType.topic: {
      const nameError = topicNameError(resource.name)
      if (nameError !== undefined) throw new ProtocolError('INVALID_TOPIC_EXCEPTION', nameError)
      if (!image.topics.has(resource.name)) {
        throw new ProtocolError(
          'UNKNOWN_TOPIC_OR_PARTITION',
          `The topic '${resource.name}' does not exist.`,
        )
      }
      return
    }
    case ConfigResourceType.broker:
      if (resource.name !== '' && resource.name !== String(nodeId)) {
        throw new ProtocolError(
          'INVALID_REQUEST',
          `Unexpected broker id, expected ${nodeId} or empty string, but received ${resource.name}`,
        )
      }
      return
    case ConfigResourceType.group:
    case ConfigResourceType.clientMetrics:
      if (resource.name === '') {
        throw new ProtocolError('INVALID_REQUEST', 'The name of the resource must not be empty')
      }
      return
    default:
      throw new ProtocolError('INVALID_REQUEST', `Unexpected resource type ${resource.type}.`)
  }
}

/** Records of some changes to one resource; throws `INVALID_CONFIG` and leaves all as it is when one is wrong. */
export function changeConfigs(
  image: MetadataImage,
  resource: ConfigResource,
  changes: readonly ConfigChange[],
): NewMetadataRecord[] {
  const current = image.configs(resource.type, resource.name)
  const seen = new Set<string>()
  return changes.flatMap(({ name, operation, value }) => {
    if (seen.has(name)) {
      throw new ProtocolError('INVALID_REQUEST', `Error due to duplicate config keys: ${name}`)
    }
    seen.add(name)
    const definition = definitionOf(resource, name)
    if (definition === undefined && resource.type !== ConfigResourceType.broker) {
      throw new ProtocolError('INVALID_CONFIG', `Unknown config name: ${name}`)
    }
    if (
      resource.type === ConfigResourceType.broker &&
      definition !== undefined &&
      !definition.dynamic
    ) {
      throw new ProtocolError('INVALID_REQUEST', `Cannot update these configs dynamically: ${name}`)
    }
    const next = newValue(name, { definition, current: current.get(name), operation, value })
    if (next !== null && definition !== undefined) check(name, next, definition)
    if (next === (current.get(name) ?? null)) return []
    return [
      {
        kind: 'ConfigRecord' as const,
        version: 0,
        data: { resourceType: resource.type, resourceName: resource.name, name, value: next },
      },
    ]
  })
}

function newValue(
  name: string,
  change: {
    readonly definition: ConfigDefinition | undefined
    readonly current: string | undefined
    readonly operation: number
    readonly value: string | null
  },
): string | null {
  const { definition, current, operation, value } = change
  if (operation === ConfigOperation.delete) return null
  if (value === null) {
    throw new ProtocolError('INVALID_CONFIG', `Null value not supported for : ${name}`)
  }
  switch (operation) {
    case ConfigOperation.set:
      return value
    case ConfigOperation.append:
    case ConfigOperation.subtract: {
      if (definition?.type !== 'list') {
        throw new ProtocolError(
          'INVALID_CONFIG',
          `Can't append or subtract to ${name}: its type is not list`,
        )
      }
      const items = splitList(current ?? definition.default ?? '')
      const given = splitList(value)
      const changed =
        operation === ConfigOperation.append
          ? [...items, ...given.filter((item) => !items.includes(item))]
          : items.filter((item) => !given.includes(item))
      return changed.join(',')
    }
    default:
      throw new ProtocolError('INVALID_REQUEST', `Unknown config operation ${operation}`)
  }
}

function check(name: string, value: string, definition: ConfigDefinition): void {
  try {
    validateValue(name, value, definition)
  } catch (error) {
    if (error instanceof ConfigError) throw new ProtocolError('INVALID_CONFIG', error.message)
    throw error
  }
}
