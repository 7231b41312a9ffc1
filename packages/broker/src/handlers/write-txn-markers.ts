// SPDX-License-Identifier: Apache-2.0
import {
  AclOperation,
  ErrorCode,
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '@millrace/protocol'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * WriteTxnMarkers (key 27): ends transactions in single partitions, with which an admin aborts a
 * hanging one (KIP-664). v2 has the version of the transaction.
 */
export const writeTxnMarkers = defineHandler(
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
  async (request, context) => {
    const { access } = context
    const operation = AclOperation.CLUSTER_ACTION
    if (!access.allowsCluster({ logsDenial: false }) && !access.allowsCluster({ operation })) {
      return { markers: failedMarkers(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED) }
    }
    // Kafka fails the whole request for a marker that no producer can have.
    const isValid = request.markers.every(
      ({ producerId, producerEpoch }) => producerId >= 0n && producerEpoch >= 0,
    )
    return {
      markers: isValid
        ? await writeAll(request, context)
        : failedMarkers(request, ErrorCode.UNKNOWN_SERVER_ERROR),
    }
  },
)

function writeAll(request: WriteTxnMarkersRequest, context: RequestContext) {
  return Promise.all(
    request.markers.map(async (marker) => ({
      producerId: marker.producerId,
      topics: await Promise.all(
        marker.topics.map(async ({ name, partitionIndexes }) => ({
          name,
          partitions: await Promise.all(
            partitionIndexes.map(async (partitionIndex) => ({
              partitionIndex,
              errorCode: await attempt(
                context,
                async () => {
                  await context.broker.transactionMarkers.write(name, partitionIndex, {
                    producerId: marker.producerId,
                    producerEpoch: marker.producerEpoch,
                    coordinatorEpoch: marker.coordinatorEpoch,
                    isCommitted: marker.transactionResult,
                    transactionVersion: marker.transactionVersion,
                  })
                  return ErrorCode.NONE
                },
                ({ errorCode }) => errorCode,
              ),
            })),
          ),
        })),
      ),
    })),
  )
}

function failedMarkers(request: WriteTxnMarkersRequest, errorCode: number) {
  return request.markers.map(({ producerId, topics }) => ({
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode,
      })),
    })),
  }))
}
