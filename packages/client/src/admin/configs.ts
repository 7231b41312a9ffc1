// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import {
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from '@millrace/protocol'
import { type AdminCaller, anyBroker, Outcomes, type Target, throwIfError } from './caller.ts'
import {
  AlterConfigOperation,
  ConfigResourceType,
  ConfigSource,
  ConfigType,
  codeOf,
  nameOf,
} from './names.ts'

/**
 * A resource that has a configuration. The name of a broker is its node id, or empty for the
 * default of all brokers.
 */
export interface ConfigResource {
  /** Type of the resource. */
  readonly type: ConfigResourceType
  /**
   * Name of the topic, group or subscription, or id of the broker; empty for the cluster-wide
   * default of brokers.
   */
  readonly name: string
}

/** A configuration key with its value. */
export interface ConfigEntry {
  /** Key. */
  readonly name: string
  /** Value; null if it is sensitive. */
  readonly value: string | null
  /** Source of the value. */
  readonly source: ConfigSource
  /** Whether the value is Kafka's default. */
  readonly isDefault: boolean
  /** Whether the key cannot be changed at run time. */
  readonly isReadOnly: boolean
  /** Whether the value is a secret and therefore null. */
  readonly isSensitive: boolean
  /** Type of the value. */
  readonly type: ConfigType
  /** Description of the key; null if not requested. */
  readonly documentation: string | null
  /** All sources of the value, in order of precedence; empty if not requested. */
  readonly synonyms: readonly {
    readonly name: string
    readonly value: string | null
    readonly source: ConfigSource
  }[]
}

/** A change of one configuration key. */
export interface ConfigChange {
  /** Key. */
  readonly name: string
  /** `append` and `subtract` are for lists. Default `set`, or `delete` without a value. */
  readonly operation?: AlterConfigOperation
  /** New value, or the entries of a list to append or subtract. */
  readonly value?: string | null
}

function keyOf({ type, name }: ConfigResource): string {
  return `${type}/${name}`
}

/** Broker configuration is requested from the broker itself: only it knows the static part. */
function targetOf({ type, name }: ConfigResource): Target {
  const isOneBroker = (type === 'broker' || type === 'broker-logger') && name !== ''
  return isOneBroker ? { kind: 'node', node: Number(name) } : anyBroker
}

/** Keys of the result are `type/name`. */
export async function describeConfigs(
  caller: AdminCaller,
  resources: readonly (ConfigResource & { readonly keys?: readonly string[] })[],
  options: { readonly includeSynonyms?: boolean; readonly includeDocumentation?: boolean } = {},
): Promise<Map<string, ConfigEntry[]>> {
  const outcomes = new Outcomes<ConfigEntry[]>()
  const groups = Map.groupBy(resources, (resource) => JSON.stringify(targetOf(resource)))
  await Promise.all(
    [...groups.values()].map(async (group) => {
      const { results } = await caller.call(
        targetOf(elementAt(group, 0)),
        DescribeConfigsRequest,
        DescribeConfigsResponse,
        {
          resources: group.map(({ type, name, keys }) => ({
            resourceType: codeOf('type', ConfigResourceType, type),
            resourceName: name,
            configurationKeys: keys === undefined ? null : [...keys],
          })),
          includeSynonyms: options.includeSynonyms ?? false,
          ...(options.includeDocumentation === true ? { includeDocumentation: true } : {}),
        },
      )
      for (const each of results) {
        const type = nameOf(ConfigResourceType, each.resourceType)
        outcomes.add(keyOf({ type, name: each.resourceName }), each, () =>
          each.configs.map(({ configSource, readOnly, configType, synonyms, ...entry }) => ({
            name: entry.name,
            value: entry.value,
            isSensitive: entry.isSensitive,
            documentation: entry.documentation === '' ? null : entry.documentation,
            source: nameOf(ConfigSource, configSource),
            isDefault: configSource === ConfigSource.DEFAULT_CONFIG,
            isReadOnly: readOnly,
            type: nameOf(ConfigType, configType),
            synonyms: synonyms.map(({ source, ...synonym }) => ({
              ...synonym,
              source: nameOf(ConfigSource, source),
            })),
          })),
        )
      }
    }),
  )
  return outcomes.all()
}

export async function incrementalAlterConfigs(
  caller: AdminCaller,
  changes: readonly (ConfigResource & { readonly changes: readonly ConfigChange[] })[],
  { validateOnly = false }: { readonly validateOnly?: boolean } = {},
): Promise<void> {
  const outcomes = new Outcomes<undefined>()
  const groups = Map.groupBy(changes, (resource) => JSON.stringify(targetOf(resource)))
  for (const group of groups.values()) {
    const { responses } = await caller.call(
      targetOf(elementAt(group, 0)),
      IncrementalAlterConfigsRequest,
      IncrementalAlterConfigsResponse,
      {
        resources: group.map((resource) => ({
          resourceType: codeOf('type', ConfigResourceType, resource.type),
          resourceName: resource.name,
          configs: resource.changes.map(({ name, value, operation }) => ({
            name,
            configOperation: codeOf(
              'operation',
              AlterConfigOperation,
              operation ?? (value === undefined || value === null ? 'delete' : 'set'),
            ),
            value: value ?? null,
          })),
        })),
        validateOnly,
      },
    )
    for (const each of responses) {
      const type = nameOf(ConfigResourceType, each.resourceType)
      outcomes.add(keyOf({ type, name: each.resourceName }), each, () => undefined)
    }
  }
  outcomes.all()
}

/** All resources that have a configuration, or those of the given types. */
export async function listConfigResources(
  caller: AdminCaller,
  types: readonly ConfigResourceType[] = [],
): Promise<ConfigResource[]> {
  const { configResources } = await caller.call(
    anyBroker,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
    { resourceTypes: types.map((type) => codeOf('type', ConfigResourceType, type)) },
    (response) => throwIfError(response, 'ListConfigResources'),
  )
  return configResources.map(({ resourceName, resourceType }) => ({
    type: nameOf(ConfigResourceType, resourceType),
    name: resourceName,
  }))
}
