// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ElectLeaders (key 43), versions 0-2, flexible from 2. */
export const ElectLeadersRequest = {
  apiKey: 43,
  name: 'ElectLeadersRequest',
  versions: '0-2',
  flexible: '2+',
  fields: {
    electionType: { type: 'int8', versions: '1+' },
    topicPartitions: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        topic: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    timeoutMs: { type: 'int32', versions: '0+', default: 60000 },
  },
} as const satisfies MessageSchema
export type ElectLeadersRequest = MessageOf<typeof ElectLeadersRequest>

export const ElectLeadersResponse = {
  apiKey: 43,
  name: 'ElectLeadersResponse',
  versions: '0-2',
  flexible: '2+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '1+' },
    replicaElectionResults: {
      type: '[]',
      versions: '0+',
      fields: {
        topic: { type: 'string', versions: '0+' },
        partitionResult: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionId: { type: 'int32', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
            errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ElectLeadersResponse = MessageOf<typeof ElectLeadersResponse>
