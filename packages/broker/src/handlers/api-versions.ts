// SPDX-License-Identifier: Apache-2.0
import {
  ApiKey,
  ApiVersionsRequest,
  ApiVersionsResponse,
  apis,
  ErrorCode,
  type MessageInput,
  versionBounds,
} from '@millrace/protocol'
import { supportedFeatures } from '../metadata/metadata-version.ts'
import { defineHandler, type RequestContext } from './handler.ts'

/**
 * ApiVersions (key 18): the APIs that this listener supports. v3 adds features as tagged fields;
 * with v5 a client can check that it is connected to the expected cluster and node (KIP-1242).
 */
export const apiVersions = defineHandler(
  ApiVersionsRequest,
  ApiVersionsResponse,
  (request, context) => {
    const { broker, version } = context
    const isOtherCluster = request.clusterId !== null && request.clusterId !== broker.clusterId
    const isOtherNode = request.nodeId !== -1 && request.nodeId !== broker.nodeId
    if (version >= 5 && (isOtherCluster || isOtherNode)) {
      return { errorCode: ErrorCode.REBOOTSTRAP_REQUIRED, apiKeys: advertisedVersions(context) }
    }
    if (version >= 3 && !isValidSoftware(request)) {
      return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
    }
    const { features } = broker.metadata.image
    return {
      errorCode: ErrorCode.NONE,
      apiKeys: advertisedVersions(context),
      supportedFeatures: [...supportedFeatures].flatMap(([name, { min, max }]) =>
        // Clients before v4 treat a minimum of 0 as an error (KAFKA-17011).
        version < 4 && min === 0 ? [] : [{ name, minVersion: min, maxVersion: max }],
      ),
      finalizedFeaturesEpoch: broker.metadata.endOffset,
      finalizedFeatures: [
        ...features,
        ...(broker.metadata.kraftVersion > 0 ? [['kraft.version', 1] as const] : []),
      ].map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
    }
  },
)

const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/

function isValidSoftware(request: {
  readonly clientSoftwareName: string
  readonly clientSoftwareVersion: string
}): boolean {
  return SOFTWARE.test(request.clientSoftwareName) && SOFTWARE.test(request.clientSoftwareVersion)
}

/**
 * The response to an unsupported version of ApiVersions: v0 with the supported versions (KIP-511).
 */
export function unsupportedApiVersions(): MessageInput<typeof ApiVersionsResponse> {
  const [minVersion, maxVersion] = versionBounds(ApiVersionsRequest.versions)
  return {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: ApiKey.ApiVersions, minVersion, maxVersion }],
  }
}

function advertisedVersions(
  context: RequestContext,
): { apiKey: number; minVersion: number; maxVersion: number }[] {
  return [...context.broker.handlers.keys()]
    .sort((a, b) => a - b)
    .flatMap((apiKey) => {
      const api = apis.get(apiKey)
      if (api === undefined) return []
      if (context.listener.isController && !CONTROLLER_APIS.has(apiKey)) return []
      const [first, last] = versionBounds(api.request.versions)
      return [
        {
          apiKey,
          // librdkafka requires Produce 0 to 2, which no client uses (KAFKA-18659).
          minVersion: apiKey === ApiKey.Produce ? 0 : first,
          maxVersion: api.latestVersionUnstable ? last - 1 : last,
        },
      ]
    })
}

/** APIs of a controller listener in Kafka, as far as they are supported here. */
export const CONTROLLER_APIS: ReadonlySet<number> = new Set([
  ApiKey.ApiVersions,
  ApiKey.CreateTopics,
  ApiKey.DeleteTopics,
  ApiKey.DescribeConfigs,
  ApiKey.AlterConfigs,
  ApiKey.CreatePartitions,
  ApiKey.ElectLeaders,
  ApiKey.IncrementalAlterConfigs,
  ApiKey.AlterPartitionReassignments,
  ApiKey.ListPartitionReassignments,
  ApiKey.DescribeCluster,
  ApiKey.DescribeAcls,
  ApiKey.CreateAcls,
  ApiKey.DeleteAcls,
  ApiKey.AlterClientQuotas,
  ApiKey.AlterUserScramCredentials,
  ApiKey.CreateDelegationToken,
  ApiKey.RenewDelegationToken,
  ApiKey.ExpireDelegationToken,
  ApiKey.DescribeQuorum,
  ApiKey.UpdateFeatures,
  ApiKey.UnregisterBroker,
  ApiKey.AddRaftVoter,
  ApiKey.RemoveRaftVoter,
  ApiKey.UnregisterController,
])
