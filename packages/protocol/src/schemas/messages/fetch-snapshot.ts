// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** FetchSnapshot (key 59), versions 0-1, flexible from 0. */
export const FetchSnapshotRequest = {
  apiKey: 59,
  name: 'FetchSnapshotRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    clusterId: {
      type: 'string',
      versions: '0+',
      nullable: '0+',
      tag: 0,
      tagged: '0+',
      default: null,
    },
    replicaId: { type: 'int32', versions: '0+', default: -1 },
    maxBytes: { type: 'int32', versions: '0+', default: 2147483647 },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partition: { type: 'int32', versions: '0+' },
            currentLeaderEpoch: { type: 'int32', versions: '0+' },
            snapshotId: {
              type: 'struct',
              versions: '0+',
              fields: {
                endOffset: { type: 'int64', versions: '0+' },
                epoch: { type: 'int32', versions: '0+' },
              },
            },
            position: { type: 'int64', versions: '0+' },
            replicaDirectoryId: {
              type: 'uuid',
              versions: '1+',
              tag: 0,
              tagged: '1+',
              ignorable: true,
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type FetchSnapshotRequest = MessageOf<typeof FetchSnapshotRequest>

export const FetchSnapshotResponse = {
  apiKey: 59,
  name: 'FetchSnapshotResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+', ignorable: true },
    errorCode: { type: 'int16', versions: '0+' },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            index: { type: 'int32', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
            snapshotId: {
              type: 'struct',
              versions: '0+',
              fields: {
                endOffset: { type: 'int64', versions: '0+' },
                epoch: { type: 'int32', versions: '0+' },
              },
            },
            currentLeader: {
              type: 'struct',
              versions: '0+',
              tag: 0,
              tagged: '0+',
              fields: {
                leaderId: { type: 'int32', versions: '0+' },
                leaderEpoch: { type: 'int32', versions: '0+' },
              },
            },
            size: { type: 'int64', versions: '0+' },
            position: { type: 'int64', versions: '0+' },
            unalignedRecords: { type: 'records', versions: '0+' },
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
export type FetchSnapshotResponse = MessageOf<typeof FetchSnapshotResponse>
