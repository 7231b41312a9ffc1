// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** EndQuorumEpoch (key 54), versions 0-1, flexible from 1. */
export const EndQuorumEpochRequest = {
  apiKey: 54,
  name: 'EndQuorumEpochRequest',
  versions: '0-1',
  flexible: '1+',
  fields: {
    clusterId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicName: { type: 'string', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            leaderId: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '0+' },
            preferredSuccessors: { type: '[]int32', versions: '0', ignorable: true },
            preferredCandidates: {
              type: '[]',
              versions: '1+',
              ignorable: true,
              fields: {
                candidateId: { type: 'int32', versions: '1+' },
                candidateDirectoryId: { type: 'uuid', versions: '1+' },
              },
            },
          },
        },
      },
    },
    leaderEndpoints: {
      type: '[]',
      versions: '1+',
      ignorable: true,
      fields: {
        name: { type: 'string', versions: '1+' },
        host: { type: 'string', versions: '1+' },
        port: { type: 'uint16', versions: '1+' },
      },
    },
  },
} as const satisfies MessageSchema
export type EndQuorumEpochRequest = MessageOf<typeof EndQuorumEpochRequest>

export const EndQuorumEpochResponse = {
  apiKey: 54,
  name: 'EndQuorumEpochResponse',
  versions: '0-1',
  flexible: '1+',
  fields: {
    errorCode: { type: 'int16', versions: '0+' },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicName: { type: 'string', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
            leaderId: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
    nodeEndpoints: {
      type: '[]',
      versions: '1+',
      tag: 0,
      tagged: '1+',
      fields: {
        nodeId: { type: 'int32', versions: '1+' },
        host: { type: 'string', versions: '1+' },
        port: { type: 'uint16', versions: '1+' },
      },
    },
  },
} as const satisfies MessageSchema
export type EndQuorumEpochResponse = MessageOf<typeof EndQuorumEpochResponse>
