// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** BeginQuorumEpoch (key 53), versions 0-1, flexible from 1. */
export const BeginQuorumEpochRequest = {
  apiKey: 53,
  name: 'BeginQuorumEpochRequest',
  versions: '0-1',
  flexible: '1+',
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
            voterDirectoryId: { type: 'uuid', versions: '1+', ignorable: true },
            leaderId: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '0+' },
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
export type BeginQuorumEpochRequest = MessageOf<typeof BeginQuorumEpochRequest>

export const BeginQuorumEpochResponse = {
  apiKey: 53,
  name: 'BeginQuorumEpochResponse',
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
export type BeginQuorumEpochResponse = MessageOf<typeof BeginQuorumEpochResponse>
