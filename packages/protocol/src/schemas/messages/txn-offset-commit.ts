// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** TxnOffsetCommit (key 28), versions 0-6, flexible from 3. */
export const TxnOffsetCommitRequest = {
  apiKey: 28,
  name: 'TxnOffsetCommitRequest',
  versions: '0-6',
  flexible: '3+',
  fields: {
    transactionalId: { type: 'string', versions: '0+' },
    groupId: { type: 'string', versions: '0+' },
    producerId: { type: 'int64', versions: '0+' },
    producerEpoch: { type: 'int16', versions: '0+' },
    generationIdOrMemberEpoch: { type: 'int32', versions: '3+', default: -1 },
    memberId: { type: 'string', versions: '3+', default: '' },
    groupInstanceId: { type: 'string', versions: '3+', nullable: '3+', default: null },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0-5', ignorable: true },
        topicId: { type: 'uuid', versions: '6+', ignorable: true },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            committedOffset: { type: 'int64', versions: '0+' },
            committedLeaderEpoch: { type: 'int32', versions: '2+', default: -1, ignorable: true },
            committedMetadata: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type TxnOffsetCommitRequest = MessageOf<typeof TxnOffsetCommitRequest>

export const TxnOffsetCommitResponse = {
  apiKey: 28,
  name: 'TxnOffsetCommitResponse',
  versions: '0-6',
  flexible: '3+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0-5', ignorable: true },
        topicId: { type: 'uuid', versions: '6+', ignorable: true },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type TxnOffsetCommitResponse = MessageOf<typeof TxnOffsetCommitResponse>
