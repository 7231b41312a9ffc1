// SPDX-License-Identifier: Apache-2.0
import {
  AclOperation,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
  ErrorCode,
  type ErrorName,
  ZERO_UUID,
} from '@millrace/protocol'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import { defineHandler } from './handler.ts'
import { denialOf, refusedItems } from './outcome.ts'

const denied = ['TOPIC_AUTHORIZATION_FAILED', 'Topic authorization failed.'] as const

/**
 * DeleteTopics (key 20): by name, from v6 on also by id. Files and committed offsets are deleted at
 * once.
 */
export const deleteTopics = defineHandler(
  DeleteTopicsRequest,
  DeleteTopicsResponse,
  async (request, context) => {
    const { broker, version, access, throttle } = context
    const asked: readonly { readonly name: string | null; readonly topicId: string }[] =
      version >= 6
        ? request.topics
        : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
    throttle.changesTopics({ isStrict: version >= 5 })
    const isEnabled = broker.config.boolean('delete.topic.enable')
    const mayDeleteAll = access.allowsCluster({ logsDenial: false })
    const responses = await broker.metadata.propose((image) => {
      const records: NewMetadataRecord[] = []
      const seen = new Set<string>()
      const reply = asked.map(({ name, topicId }) => {
        const fail = (error: ErrorName, errorMessage: string | null = null) => ({
          name,
          topicId,
          errorCode: ErrorCode[error],
          errorMessage,
        })
        if (!isEnabled) {
          return fail(
            version < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED',
            'Topic deletion is disabled.',
          )
        }
        if (name !== null && topicId !== ZERO_UUID) {
          return fail('INVALID_REQUEST', 'You may not specify both topic name and topic id.')
        }
        if (name === null && topicId === ZERO_UUID) {
          return fail('INVALID_REQUEST', 'Neither topic name nor id were specified.')
        }
        const topic = name === null ? image.topicById(topicId) : image.topics.get(name)
        if (name !== null || topic !== undefined) {
          const known = name ?? topic?.name ?? ''
          const operation = AclOperation.DESCRIBE
          if (!mayDeleteAll && !access.allowsTopic(known, { operation })) {
            return { ...fail(...denied), topicId: name === null ? topicId : ZERO_UUID }
          }
          if (!mayDeleteAll && !access.allowsTopic(known)) {
            return { ...fail(...denied), name: known, topicId: topic?.id ?? ZERO_UUID }
          }
        }
        if (topic === undefined) {
          return name === null
            ? fail('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.')
            : fail('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
        }
        if (seen.has(topic.id)) {
          return fail('INVALID_REQUEST', 'The topic was named more than once.')
        }
        seen.add(topic.id)
        const refusal = denialOf(() => throttle.takePartitions(topic.partitions.length))
        if (refusal !== undefined) return fail(refusal.code, refusal.message)
        records.push({ kind: 'RemoveTopicRecord', version: 0, data: { topicId: topic.id } })
        return { name: topic.name, topicId: topic.id, errorCode: 0, errorMessage: null }
      })
      return { records, reply, refused: (error) => refusedItems(reply, error) }
    })
    return { responses }
  },
)
