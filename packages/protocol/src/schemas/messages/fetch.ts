// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** Fetch (key 1), versions 4-18, flexible from 12. */
export const FetchRequest = {
  apiKey: 1,
  name: 'FetchRequest',
  versions: '4-18',
  flexible: '12+',
  fields: {
    clusterId: {
      type: 'string',
      versions: '12+',
      nullable: '12+',
      tag: 0,
      tagged: '12+',
      default: null,
      ignorable: true,
    },
    replicaId: { type: 'int32', versions: '0-14', default: -1 },
    replicaState: {
      type: 'struct',
      versions: '15+',
      tag: 1,
      tagged: '15+',
      fields: {
        replicaId: { type: 'int32', versions: '15+', default: -1 },
        replicaEpoch: { type: 'int64', versions: '15+', default: -1n },
      },
    },
    maxWaitMs: { type: 'int32', versions: '0+' },
    minBytes: { type: 'int32', versions: '0+' },
    maxBytes: { type: 'int32', versions: '3+', default: 2147483647, ignorable: true },
    isolationLevel: { type: 'int8', versions: '4+', default: 0, ignorable: true },
    sessionId: { type: 'int32', versions: '7+', default: 0, ignorable: true },
    sessionEpoch: { type: 'int32', versions: '7+', default: -1, ignorable: true },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topic: { type: 'string', versions: '0-12', ignorable: true },
        topicId: { type: 'uuid', versions: '13+', ignorable: true },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partition: { type: 'int32', versions: '0+' },
            currentLeaderEpoch: { type: 'int32', versions: '9+', default: -1, ignorable: true },
            fetchOffset: { type: 'int64', versions: '0+' },
            lastFetchedEpoch: { type: 'int32', versions: '12+', default: -1 },
            logStartOffset: { type: 'int64', versions: '5+', default: -1n, ignorable: true },
            partitionMaxBytes: { type: 'int32', versions: '0+' },
            replicaDirectoryId: {
              type: 'uuid',
              versions: '17+',
              tag: 0,
              tagged: '17+',
              ignorable: true,
            },
            highWatermark: {
              type: 'int64',
              versions: '18+',
              tag: 1,
              tagged: '18+',
              default: 9223372036854775807n,
              ignorable: true,
            },
          },
        },
      },
    },
    forgottenTopicsData: {
      type: '[]',
      versions: '7+',
      fields: {
        topic: { type: 'string', versions: '7-12', ignorable: true },
        topicId: { type: 'uuid', versions: '13+', ignorable: true },
        partitions: { type: '[]int32', versions: '7+' },
      },
    },
    rackId: { type: 'string', versions: '11+', default: '', ignorable: true },
  },
} as const satisfies MessageSchema
export type FetchRequest = MessageOf<typeof FetchRequest>

export const FetchResponse = {
  apiKey: 1,
  name: 'FetchResponse',
  versions: '4-18',
  flexible: '12+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    errorCode: { type: 'int16', versions: '7+', ignorable: true },
    sessionId: { type: 'int32', versions: '7+', default: 0 },
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        topic: { type: 'string', versions: '0-12', ignorable: true },
        topicId: { type: 'uuid', versions: '13+', ignorable: true },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
            highWatermark: { type: 'int64', versions: '0+' },
            lastStableOffset: { type: 'int64', versions: '4+', default: -1n, ignorable: true },
            logStartOffset: { type: 'int64', versions: '5+', default: -1n, ignorable: true },
            divergingEpoch: {
              type: 'struct',
              versions: '12+',
              tag: 0,
              tagged: '12+',
              fields: {
                epoch: { type: 'int32', versions: '12+', default: -1 },
                endOffset: { type: 'int64', versions: '12+', default: -1n },
              },
            },
            currentLeader: {
              type: 'struct',
              versions: '12+',
              tag: 1,
              tagged: '12+',
              fields: {
                leaderId: { type: 'int32', versions: '12+', default: -1 },
                leaderEpoch: { type: 'int32', versions: '12+', default: -1 },
              },
            },
            snapshotId: {
              type: 'struct',
              versions: '12+',
              tag: 2,
              tagged: '12+',
              fields: {
                endOffset: { type: 'int64', versions: '0+', default: -1n },
                epoch: { type: 'int32', versions: '0+', default: -1 },
              },
            },
            abortedTransactions: {
              type: '[]',
              versions: '4+',
              nullable: '4+',
              ignorable: true,
              fields: {
                producerId: { type: 'int64', versions: '4+' },
                firstOffset: { type: 'int64', versions: '4+' },
              },
            },
            preferredReadReplica: { type: 'int32', versions: '11+', default: -1 },
            records: { type: 'records', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
    nodeEndpoints: {
      type: '[]',
      versions: '16+',
      tag: 0,
      tagged: '16+',
      fields: {
        nodeId: { type: 'int32', versions: '16+' },
        host: { type: 'string', versions: '16+' },
        port: { type: 'int32', versions: '16+' },
        rack: { type: 'string', versions: '16+', nullable: '16+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type FetchResponse = MessageOf<typeof FetchResponse>
