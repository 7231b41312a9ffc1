// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ListPartitionReassignments (key 46), versions 0, flexible from 0. */
export const ListPartitionReassignmentsRequest = {
  apiKey: 46,
  name: 'ListPartitionReassignmentsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    timeoutMs: { type: 'int32', versions: '0+', default: 60000 },
    topics: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        name: { type: 'string', versions: '0+' },
        partitionIndexes: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ListPartitionReassignmentsRequest = MessageOf<typeof ListPartitionReassignmentsRequest>

export const ListPartitionReassignmentsResponse = {
  apiKey: 46,
  name: 'ListPartitionReassignmentsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            replicas: { type: '[]int32', versions: '0+' },
            addingReplicas: { type: '[]int32', versions: '0+' },
            removingReplicas: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ListPartitionReassignmentsResponse = MessageOf<
  typeof ListPartitionReassignmentsResponse
>
