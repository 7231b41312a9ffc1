// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Announces the resignation of the metadata quorum leader (KIP-595). API key 54, versions 0 to 1,
 * flexible from 1.
 * - Version 1: candidates with directories, address of the leader (KIP-853).
 */
export const EndQuorumEpochRequest = {
  apiKey: 54,
  name: 'EndQuorumEpochRequest',
  versions: '0-1',
  flexible: '1+',
  fields: {
    /** Id of the cluster, or null. */
    clusterId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        topicName: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Id of the leader; -1 if there is none or it is unknown. */
            leaderId: { type: 'int32', versions: '0+' },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '0+' },
            /** Preferred next candidates, best first. */
            preferredSuccessors: { type: '[]int32', versions: '0', ignorable: true },
            /** Preferred next candidates, best first, with their directories. */
            preferredCandidates: {
              type: '[]',
              versions: '1+',
              ignorable: true,
              fields: {
                /** Id of the candidate. */
                candidateId: { type: 'int32', versions: '1+' },
                /** Directory id of the candidate. */
                candidateDirectoryId: { type: 'uuid', versions: '1+' },
              },
            },
          },
        },
      },
    },
    /** Addresses of the leader. */
    leaderEndpoints: {
      type: '[]',
      versions: '1+',
      ignorable: true,
      fields: {
        /** Name of the listener. */
        name: { type: 'string', versions: '1+' },
        /** Host name or address. */
        host: { type: 'string', versions: '1+' },
        /** Port. */
        port: { type: 'uint16', versions: '1+' },
      },
    },
  },
} as const satisfies MessageSchema
export type EndQuorumEpochRequest = MessageOf<typeof EndQuorumEpochRequest>

/**
 * Response of EndQuorumEpoch, versions 0 to 1, flexible from 1.
 * - Version 1: address of the leader (KIP-853).
 */
export const EndQuorumEpochResponse = {
  apiKey: 54,
  name: 'EndQuorumEpochResponse',
  versions: '0-1',
  flexible: '1+',
  fields: {
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        topicName: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Id of the leader; -1 if there is none or it is unknown. */
            leaderId: { type: 'int32', versions: '0+' },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
    /** Addresses of the leaders named in this response (KIP-951). */
    nodeEndpoints: {
      type: '[]',
      versions: '1+',
      tag: 0,
      tagged: '1+',
      fields: {
        /** Id of the node. */
        nodeId: { type: 'int32', versions: '1+' },
        /** Host name or address. */
        host: { type: 'string', versions: '1+' },
        /** Port. */
        port: { type: 'uint16', versions: '1+' },
      },
    },
  },
} as const satisfies MessageSchema
export type EndQuorumEpochResponse = MessageOf<typeof EndQuorumEpochResponse>
