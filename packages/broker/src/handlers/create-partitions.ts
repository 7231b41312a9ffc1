// SPDX-License-Identifier: Apache-2.0
import {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  ErrorCode,
  ProtocolError,
} from '@millrace/protocol'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import { addPartitions } from '../metadata/topic-operations.ts'
import { defineHandler } from './handler.ts'
import { itemOutcome, refusedItems } from './outcome.ts'

/** CreatePartitions (key 37): increases the number of partitions of topics (KIP-195). */
export const createPartitions = defineHandler(
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  async (request, { broker, access, throttle, version }) => {
    throttle.changesTopics({ isStrict: version >= 3 })
    const results = await broker.metadata.propose((image) => {
      const records: NewMetadataRecord[] = []
      const names = request.topics.map((topic) => topic.name)
      const reply = [...new Set(names)].map((name) => {
        const topic = request.topics.find((candidate) => candidate.name === name)
        const outcome = itemOutcome(() => {
          if (topic === undefined || names.filter((other) => other === name).length > 1) {
            throw new ProtocolError('INVALID_REQUEST', 'Duplicate topic name.')
          }
          access.requireTopic(name)
          const added = addPartitions(image, topic, broker.topicDefaults)
          throttle.takePartitions(added.length)
          records.push(...added)
        })
        const isDenied = outcome.errorCode === ErrorCode.TOPIC_AUTHORIZATION_FAILED
        return { name, ...outcome, ...(isDenied ? { errorMessage: null } : {}) }
      })
      return {
        records: request.validateOnly ? [] : records,
        reply,
        refused: (error) => refusedItems(reply, error),
      }
    })
    return { throttleTimeMs: 0, results }
  },
)
