// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DescribeQuorum (key 55), versions 0-2, flexible from 0. */
export const DescribeQuorumRequest = {
  apiKey: 55,
  name: 'DescribeQuorumRequest',
  versions: '0-2',
  flexible: '0+',
  fields: {
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
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeQuorumRequest = MessageOf<typeof DescribeQuorumRequest>

export const DescribeQuorumResponse = {
  apiKey: 55,
  name: 'DescribeQuorumResponse',
  versions: '0-2',
  flexible: '0+',
  fields: {
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '2+', nullable: '2+', ignorable: true },
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
            errorMessage: { type: 'string', versions: '2+', nullable: '2+', ignorable: true },
            leaderId: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '0+' },
            highWatermark: { type: 'int64', versions: '0+' },
            currentVoters: {
              type: '[]',
              versions: '0+',
              fields: {
                replicaId: { type: 'int32', versions: '0+' },
                replicaDirectoryId: { type: 'uuid', versions: '2+' },
                logEndOffset: { type: 'int64', versions: '0+' },
                lastFetchTimestamp: {
                  type: 'int64',
                  versions: '1+',
                  default: -1n,
                  ignorable: true,
                },
                lastCaughtUpTimestamp: {
                  type: 'int64',
                  versions: '1+',
                  default: -1n,
                  ignorable: true,
                },
              },
            },
            observers: {
              type: '[]',
              versions: '0+',
              fields: {
                replicaId: { type: 'int32', versions: '0+' },
                replicaDirectoryId: { type: 'uuid', versions: '2+' },
                logEndOffset: { type: 'int64', versions: '0+' },
                lastFetchTimestamp: {
                  type: 'int64',
                  versions: '1+',
                  default: -1n,
                  ignorable: true,
                },
                lastCaughtUpTimestamp: {
                  type: 'int64',
                  versions: '1+',
                  default: -1n,
                  ignorable: true,
                },
              },
            },
          },
        },
      },
    },
    nodes: {
      type: '[]',
      versions: '2+',
      fields: {
        nodeId: { type: 'int32', versions: '2+' },
        listeners: {
          type: '[]',
          versions: '2+',
          fields: {
            name: { type: 'string', versions: '2+' },
            host: { type: 'string', versions: '2+' },
            port: { type: 'uint16', versions: '2+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeQuorumResponse = MessageOf<typeof DescribeQuorumResponse>
