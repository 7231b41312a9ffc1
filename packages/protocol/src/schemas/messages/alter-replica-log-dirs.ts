// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AlterReplicaLogDirs (key 34), versions 1-2, flexible from 2. */
export const AlterReplicaLogDirsRequest = {
  apiKey: 34,
  name: 'AlterReplicaLogDirsRequest',
  versions: '1-2',
  flexible: '2+',
  fields: {
    dirs: {
      type: '[]',
      versions: '0+',
      fields: {
        path: { type: 'string', versions: '0+' },
        topics: {
          type: '[]',
          versions: '0+',
          fields: {
            name: { type: 'string', versions: '0+' },
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterReplicaLogDirsRequest = MessageOf<typeof AlterReplicaLogDirsRequest>

export const AlterReplicaLogDirsResponse = {
  apiKey: 34,
  name: 'AlterReplicaLogDirsResponse',
  versions: '1-2',
  flexible: '2+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    results: {
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
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterReplicaLogDirsResponse = MessageOf<typeof AlterReplicaLogDirsResponse>
