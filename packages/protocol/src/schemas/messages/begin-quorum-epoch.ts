// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Announces the leader of a new epoch of the metadata quorum (KIP-595). API key 53, versions 0 to
 * 1, flexible from 1.
 * - Version 1: voter and address of the leader (KIP-853).
 */
export const BeginQuorumEpochRequest = {
  apiKey: 53,
  name: 'BeginQuorumEpochRequest',
  versions: '0-1',
  flexible: '1+',
  fields: {
    /** Id of the cluster, or null. */
    clusterId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Id of the voter. */
    voterId: { type: 'int32', versions: '1+', default: -1, ignorable: true },
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
            /** Id of the voter's log directory. */
            voterDirectoryId: { type: 'uuid', versions: '1+', ignorable: true },
            /** Id of the leader; -1 if there is none or it is unknown. */
            leaderId: { type: 'int32', versions: '0+' },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '0+' },
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
export type BeginQuorumEpochRequest = MessageOf<typeof BeginQuorumEpochRequest>

/**
 * Response of BeginQuorumEpoch, versions 0 to 1, flexible from 1.
 * - Version 1: address of the leader (KIP-853).
 */
export const BeginQuorumEpochResponse = {
  apiKey: 53,
  name: 'BeginQuorumEpochResponse',
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
export type BeginQuorumEpochResponse = MessageOf<typeof BeginQuorumEpochResponse>
