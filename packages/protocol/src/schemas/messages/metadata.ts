// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** Metadata (key 3), versions 0-13, flexible from 9. */
export const MetadataRequest = {
  apiKey: 3,
  name: 'MetadataRequest',
  versions: '0-13',
  flexible: '9+',
  fields: {
    topics: {
      type: '[]',
      versions: '0+',
      nullable: '1+',
      fields: {
        topicId: { type: 'uuid', versions: '10+', ignorable: true },
        name: { type: 'string', versions: '0+', nullable: '10+' },
      },
    },
    allowAutoTopicCreation: { type: 'bool', versions: '4+', default: true },
    includeClusterAuthorizedOperations: { type: 'bool', versions: '8-10' },
    includeTopicAuthorizedOperations: { type: 'bool', versions: '8+' },
  },
} as const satisfies MessageSchema
export type MetadataRequest = MessageOf<typeof MetadataRequest>

export const MetadataResponse = {
  apiKey: 3,
  name: 'MetadataResponse',
  versions: '0-13',
  flexible: '9+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '3+', ignorable: true },
    brokers: {
      type: '[]',
      versions: '0+',
      fields: {
        nodeId: { type: 'int32', versions: '0+' },
        host: { type: 'string', versions: '0+' },
        port: { type: 'int32', versions: '0+' },
        rack: { type: 'string', versions: '1+', nullable: '1+', default: null, ignorable: true },
      },
    },
    clusterId: { type: 'string', versions: '2+', nullable: '2+', default: null, ignorable: true },
    controllerId: { type: 'int32', versions: '1+', default: -1, ignorable: true },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        errorCode: { type: 'int16', versions: '0+' },
        name: { type: 'string', versions: '0+', nullable: '12+' },
        topicId: { type: 'uuid', versions: '10+', ignorable: true },
        isInternal: { type: 'bool', versions: '1+', default: false, ignorable: true },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            errorCode: { type: 'int16', versions: '0+' },
            partitionIndex: { type: 'int32', versions: '0+' },
            leaderId: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '7+', default: -1, ignorable: true },
            replicaNodes: { type: '[]int32', versions: '0+' },
            isrNodes: { type: '[]int32', versions: '0+' },
            offlineReplicas: { type: '[]int32', versions: '5+', ignorable: true },
          },
        },
        topicAuthorizedOperations: { type: 'int32', versions: '8+', default: -2147483648 },
      },
    },
    clusterAuthorizedOperations: { type: 'int32', versions: '8-10', default: -2147483648 },
    errorCode: { type: 'int16', versions: '13+', ignorable: true },
  },
} as const satisfies MessageSchema
export type MetadataResponse = MessageOf<typeof MetadataResponse>
