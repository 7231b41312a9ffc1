// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ShareAcknowledge (key 79), versions 1-2, flexible from 0. */
export const ShareAcknowledgeRequest = {
  apiKey: 79,
  name: 'ShareAcknowledgeRequest',
  versions: '1-2',
  flexible: '0+',
  fields: {
    groupId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    memberId: { type: 'string', versions: '0+', nullable: '0+' },
    shareSessionEpoch: { type: 'int32', versions: '0+' },
    isRenewAck: { type: 'bool', versions: '2+', default: false },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            acknowledgementBatches: {
              type: '[]',
              versions: '0+',
              fields: {
                firstOffset: { type: 'int64', versions: '0+' },
                lastOffset: { type: 'int64', versions: '0+' },
                acknowledgeTypes: { type: '[]int8', versions: '0+' },
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareAcknowledgeRequest = MessageOf<typeof ShareAcknowledgeRequest>

export const ShareAcknowledgeResponse = {
  apiKey: 79,
  name: 'ShareAcknowledgeResponse',
  versions: '1-2',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
    acquisitionLockTimeoutMs: { type: 'int32', versions: '2+', ignorable: true },
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
            errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
            currentLeader: {
              type: 'struct',
              versions: '0+',
              fields: {
                leaderId: { type: 'int32', versions: '0+' },
                leaderEpoch: { type: 'int32', versions: '0+' },
              },
            },
          },
        },
      },
    },
    nodeEndpoints: {
      type: '[]',
      versions: '0+',
      fields: {
        nodeId: { type: 'int32', versions: '0+' },
        host: { type: 'string', versions: '0+' },
        port: { type: 'int32', versions: '0+' },
        rack: { type: 'string', versions: '0+', nullable: '0+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareAcknowledgeResponse = MessageOf<typeof ShareAcknowledgeResponse>
