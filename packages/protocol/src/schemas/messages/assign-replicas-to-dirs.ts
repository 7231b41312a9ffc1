// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AssignReplicasToDirs (key 73), versions 0, flexible from 0. */
export const AssignReplicasToDirsRequest = {
  apiKey: 73,
  name: 'AssignReplicasToDirsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    brokerId: { type: 'int32', versions: '0+' },
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
    directories: {
      type: '[]',
      versions: '0+',
      fields: {
        id: { type: 'uuid', versions: '0+' },
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
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AssignReplicasToDirsRequest = MessageOf<typeof AssignReplicasToDirsRequest>

export const AssignReplicasToDirsResponse = {
  apiKey: 73,
  name: 'AssignReplicasToDirsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    directories: {
      type: '[]',
      versions: '0+',
      fields: {
        id: { type: 'uuid', versions: '0+' },
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
                errorCode: { type: 'int16', versions: '0+' },
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AssignReplicasToDirsResponse = MessageOf<typeof AssignReplicasToDirsResponse>
