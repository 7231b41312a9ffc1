// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ShareFetch (key 78), versions 1-2, flexible from 0. */
export const ShareFetchRequest = {
  apiKey: 78,
  name: 'ShareFetchRequest',
  versions: '1-2',
  flexible: '0+',
  fields: {
    groupId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    memberId: { type: 'string', versions: '0+', nullable: '0+' },
    shareSessionEpoch: { type: 'int32', versions: '0+' },
    maxWaitMs: { type: 'int32', versions: '0+' },
    minBytes: { type: 'int32', versions: '0+' },
    maxBytes: { type: 'int32', versions: '0+', default: 2147483647 },
    maxRecords: { type: 'int32', versions: '1+' },
    batchSize: { type: 'int32', versions: '1+' },
    shareAcquireMode: { type: 'int8', versions: '2+', default: 0, ignorable: true },
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
            partitionMaxBytes: { type: 'int32', versions: '0' },
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
    forgottenTopicsData: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareFetchRequest = MessageOf<typeof ShareFetchRequest>

export const ShareFetchResponse = {
  apiKey: 78,
  name: 'ShareFetchResponse',
  versions: '1-2',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
    acquisitionLockTimeoutMs: { type: 'int32', versions: '1+' },
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
            acknowledgeErrorCode: { type: 'int16', versions: '0+' },
            acknowledgeErrorMessage: {
              type: 'string',
              versions: '0+',
              nullable: '0+',
              default: null,
            },
            currentLeader: {
              type: 'struct',
              versions: '0+',
              fields: {
                leaderId: { type: 'int32', versions: '0+' },
                leaderEpoch: { type: 'int32', versions: '0+' },
              },
            },
            records: { type: 'records', versions: '0+', nullable: '0' },
            acquiredRecords: {
              type: '[]',
              versions: '0+',
              fields: {
                firstOffset: { type: 'int64', versions: '0+' },
                lastOffset: { type: 'int64', versions: '0+' },
                deliveryCount: { type: 'int16', versions: '0+' },
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
export type ShareFetchResponse = MessageOf<typeof ShareFetchResponse>
