// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from '@millrace/protocol'
import { ConfigResourceType } from '../metadata/metadata-image.ts'
import { defineHandler } from './handler.ts'

/**
 * ListConfigResources (key 74): names of resources that have configurations. v0 lists client
 * metrics only (KIP-1142).
 */
export const listConfigResources = defineHandler(
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
  (request, { broker, version, access }) => {
    if (!access.allowsCluster()) {
      const errorCode = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
      return { throttleTimeMs: 0, errorCode, configResources: [] }
    }
    const supported: readonly number[] = Object.values(ConfigResourceType)
    const all = version === 0 ? [ConfigResourceType.clientMetrics] : supported
    const types = request.resourceTypes.length === 0 ? all : [...new Set(request.resourceTypes)]
    if (types.some((type) => !supported.includes(type))) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] }
    }
    const names = (type: number): string[] => {
      switch (type) {
        case ConfigResourceType.topic:
          return [...broker.topics.all.keys()]
        case ConfigResourceType.broker:
        case ConfigResourceType.brokerLogger:
          return [String(broker.nodeId)]
        default:
          return broker.metadata.image.configuredResources(type)
      }
    }
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      configResources: types.flatMap((resourceType) =>
        names(resourceType).map((resourceName) => ({ resourceName, resourceType })),
      ),
    }
  },
)
