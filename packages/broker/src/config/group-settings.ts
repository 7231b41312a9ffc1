// SPDX-License-Identifier: Apache-2.0
import type { GroupSettings } from '../coordinator/group/group-config.ts'
import { ConfigResourceType, type MetadataImage } from '../metadata/metadata-image.ts'
import type { BrokerConfig, BrokerConfigKey } from './broker-config.ts'
import { brokerConfigDefinitions } from './broker-config-definitions.ts'
import { numberOf } from './config-value.ts'
import { groupConfigDefinitions } from './group-config-definitions.ts'
import { groupLimits } from './group-rules.ts'

/**
 * Settings of groups: the group's own value, else the broker's `group.…`, else the default. Numbers
 * are clamped to the broker's limits, which may have changed since the group's value was set.
 */
export function groupSettings(image: MetadataImage, config: BrokerConfig): GroupSettings {
  const text = (groupId: string, name: string): string => {
    const own = image.configs(ConfigResourceType.group, groupId).get(name)
    if (own !== undefined) return own.trim()
    const key = `group.${name}`
    if (key in brokerConfigDefinitions) {
      const value = config.get(key as BrokerConfigKey)
      if (value !== null) return value
    }
    const definition = groupConfigDefinitions[name as keyof typeof groupConfigDefinitions]
    return definition?.default ?? ''
  }
  const number = (groupId: string, name: string): number => {
    const value = numberOf(text(groupId, name))
    const { min, max } = groupLimits[name] ?? {}
    const atLeast = min === undefined ? value : Math.max(value, config.number(min))
    return max === undefined ? atLeast : Math.min(atLeast, config.number(max))
  }
  return { text, number }
}
