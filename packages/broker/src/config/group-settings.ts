// SPDX-License-Identifier: Apache-2.0
import type { GroupSettings } from '../coordinator/group/group-config.ts'
import { ConfigResourceType, type MetadataImage } from '../metadata/metadata-image.ts'
import type { BrokerConfig, BrokerConfigKey } from './broker-config.ts'
import { brokerConfigDefinitions } from './broker-config-definitions.ts'
import { groupConfigDefinitions } from './group-config-definitions.ts'

/** Settings of groups: a group's own, then the broker's `group.…`, changed at run time or given in its file, then the default. */
export function groupSettings(
  image: MetadataImage,
  config: BrokerConfig,
  nodeId: string,
): GroupSettings {
  const text = (groupId: string, name: string): string => {
    const own = image.configs(ConfigResourceType.group, groupId).get(name)
    if (own !== undefined) return own
    const key = `group.${name}`
    if (key in brokerConfigDefinitions) {
      const dynamic =
        image.configs(ConfigResourceType.broker, nodeId).get(key) ??
        image.configs(ConfigResourceType.broker, '').get(key)
      const value = dynamic ?? config.get(key as BrokerConfigKey)
      if (value !== null) return value
    }
    const definition = groupConfigDefinitions[name as keyof typeof groupConfigDefinitions]
    return definition?.default ?? ''
  }
  return { text, number: (groupId, name) => Number(text(groupId, name)) }
}
