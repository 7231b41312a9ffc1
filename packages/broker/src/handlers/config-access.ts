// SPDX-License-Identifier: Apache-2.0
import { ConfigResourceType } from '../metadata/metadata-image.ts'
import type { RequestContext } from './handler.ts'

/**
 * Throws the denial for a resource whose configuration the client is not authorized to read or
 * change: topics and groups have their own permissions, all others belong to the cluster.
 */
export function requireConfigs(type: number, name: string, { access }: RequestContext): void {
  switch (type) {
    case ConfigResourceType.topic:
      access.requireTopic(name)
      break
    case ConfigResourceType.group:
      access.requireGroup(name)
      break
    case ConfigResourceType.broker:
    case ConfigResourceType.brokerLogger:
    case ConfigResourceType.clientMetrics:
      access.requireCluster()
      break
    default:
      // The caller rejects unknown types.
      break
  }
}
