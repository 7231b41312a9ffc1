// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * WriteTxnMarkers (key 27): ends transactions in single partitions, by which an admin aborts a hanging one (KIP-664).
 * v2 tells the version the transaction works by.
 */
export const writeTxnMarkers = defineHandler(
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
  async (request, context) => ({
    markers: await Promise.all(
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
                    return ErrorCode.NONE as number
                  },
                  ({ errorCode }) => errorCode as number,
                ),
              })),
            ),
          })),
        ),
      })),
    ),
  }),
)
