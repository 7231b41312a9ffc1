// SPDX-License-Identifier: Apache-2.0
import {
  DescribeProducersRequest,
  DescribeProducersResponse,
  ErrorCode,
  ProtocolError,
} from '@millrace/protocol'
import { topicNameError } from '../topic-name.ts'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * DescribeProducers (key 61): the producers of a partition, with their open transactions (KIP-664).
 */
export const describeProducers = defineHandler(
  DescribeProducersRequest,
  DescribeProducersResponse,
  async (request, context) => {
    const denied = context.access.deniedTopics(request.topics.map(({ name }) => name))
    return {
      throttleTimeMs: 0,
      topics: await Promise.all(
        request.topics.map(async ({ name, partitionIndexes }) => ({
          name,
          partitions: await Promise.all(
            partitionIndexes.map((partitionIndex) =>
              attempt(
                context,
                () => {
                  if (denied.has(name)) throw context.access.denial('topic')
                  const nameError = topicNameError(name)
                  if (nameError !== undefined) {
                    throw new ProtocolError('INVALID_TOPIC_EXCEPTION', nameError)
                  }
                  const { log } = context.broker.topics.partition(name, partitionIndex)
                  return {
                    partitionIndex,
                    errorCode: ErrorCode.NONE,
                    activeProducers: [...log.producers.producers.values()].map((entry) => ({
                      producerId: entry.producerId,
                      producerEpoch: entry.producerEpoch,
                      lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
                      lastTimestamp: entry.lastTimestamp,
                      coordinatorEpoch: entry.coordinatorEpoch,
                      currentTxnStartOffset: entry.currentTransactionFirstOffset ?? -1n,
                    })),
                  }
                },
                (error) => ({
                  partitionIndex,
                  errorCode: error.errorCode,
                  errorMessage: error.message,
                  activeProducers: [],
                }),
              ),
            ),
          ),
        })),
      ),
    }
  },
)
