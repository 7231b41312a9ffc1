// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** Vote (key 52), versions 0-2, flexible from 0. */
export const VoteRequest = {
  apiKey: 52,
  name: 'VoteRequest',
  versions: '0-2',
  flexible: '0+',
  fields: {
    clusterId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    voterId: { type: 'int32', versions: '1+', default: -1, ignorable: true },
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
            replicaEpoch: { type: 'int32', versions: '0+' },
            replicaId: { type: 'int32', versions: '0+' },
            replicaDirectoryId: { type: 'uuid', versions: '1+', ignorable: true },
            voterDirectoryId: { type: 'uuid', versions: '1+', ignorable: true },
            lastOffsetEpoch: { type: 'int32', versions: '0+' },
            lastOffset: { type: 'int64', versions: '0+' },
            preVote: { type: 'bool', versions: '2+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type VoteRequest = MessageOf<typeof VoteRequest>

export const VoteResponse = {
  apiKey: 52,
  name: 'VoteResponse',
  versions: '0-2',
  flexible: '0+',
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
            voteGranted: { type: 'bool', versions: '0+' },
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
export type VoteResponse = MessageOf<typeof VoteResponse>
