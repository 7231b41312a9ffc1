// SPDX-License-Identifier: Apache-2.0
import { DescribeClusterRequest, DescribeClusterResponse, ErrorCode } from '@millrace/protocol'
import { AuthorizedOperations } from '../security/authorized-operations.ts'
import { defineHandler } from './handler.ts'

const BROKERS = 1
const CONTROLLERS = 2

/**
 * DescribeCluster (key 60). v1 chooses brokers or controllers, which must match the listener
 * (KIP-919).
 */
export const describeCluster = defineHandler(
  DescribeClusterRequest,
  DescribeClusterResponse,
  (request, { broker, endpoint, version, listener, access }) => {
    const expected = listener.isController ? CONTROLLERS : BROKERS
    if (version >= 1 && request.endpointType !== expected) {
      const isKnown = request.endpointType === BROKERS || request.endpointType === CONTROLLERS
      return {
        throttleTimeMs: 0,
        errorCode: isKnown
          ? ErrorCode.MISMATCHED_ENDPOINT_TYPE
          : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
        errorMessage: `The request was sent to an endpoint of the wrong type: asked for ${request.endpointType}, this is ${expected}`,
        endpointType: expected,
        clusterId: '',
        brokers: [],
      }
    }
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      endpointType: expected,
      clusterId: broker.clusterId,
      controllerId: broker.nodeId,
      brokers: [
        {
          brokerId: broker.nodeId,
          host: endpoint.host,
          port: endpoint.port,
          rack: broker.rack,
          isFenced: false,
        },
      ],
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? access.clusterOperations()
        : AuthorizedOperations.omitted,
    }
  },
)
