// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes the metadata quorum (KIP-595). API key 55, versions 0 to 2, flexible from 0.
 * - Version 1: same as version 0 (KIP-836).
 * - Version 2: same as version 0 (KIP-853).
 */
export const DescribeQuorumRequest = {
  apiKey: 55,
  name: 'DescribeQuorumRequest',
  versions: '0-2',
  flexible: '0+',
  fields: {
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
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeQuorumRequest = MessageOf<typeof DescribeQuorumRequest>

/**
 * Response of DescribeQuorum, versions 0 to 2, flexible from 0.
 * - Version 1: when replicas last fetched and caught up (KIP-836).
 * - Version 2: messages, nodes and directory ids (KIP-853).
 */
export const DescribeQuorumResponse = {
  apiKey: 55,
  name: 'DescribeQuorumResponse',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '2+', nullable: '2+', ignorable: true },
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
            /** Error message, or null. */
            errorMessage: { type: 'string', versions: '2+', nullable: '2+', ignorable: true },
            /** Id of the leader; -1 if there is none or it is unknown. */
            leaderId: { type: 'int32', versions: '0+' },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '0+' },
            /** Offset up to which records are replicated and visible; -1 if unknown. */
            highWatermark: { type: 'int64', versions: '0+' },
            /** Voters of the quorum. */
            currentVoters: {
              type: '[]',
              versions: '0+',
              fields: {
                /** Id of the follower; -1 for consumers. */
                replicaId: { type: 'int32', versions: '0+' },
                /** Id of the replica's log directory. */
                replicaDirectoryId: { type: 'uuid', versions: '2+' },
                /** Offset after the last record of the replica; -1 if unknown. */
                logEndOffset: { type: 'int64', versions: '0+' },
                /** When the replica last fetched, milliseconds since 1970; -1 if unknown. */
                lastFetchTimestamp: {
                  type: 'int64',
                  versions: '1+',
                  default: -1n,
                  ignorable: true,
                },
                /** When the replica was last caught up, milliseconds since 1970; -1 if unknown. */
                lastCaughtUpTimestamp: {
                  type: 'int64',
                  versions: '1+',
                  default: -1n,
                  ignorable: true,
                },
              },
            },
            /** Replicas of the metadata log that do not vote. */
            observers: {
              type: '[]',
              versions: '0+',
              fields: {
                /** Id of the follower; -1 for consumers. */
                replicaId: { type: 'int32', versions: '0+' },
                /** Id of the replica's log directory. */
                replicaDirectoryId: { type: 'uuid', versions: '2+' },
                /** Offset after the last record of the replica; -1 if unknown. */
                logEndOffset: { type: 'int64', versions: '0+' },
                /** When the replica last fetched, milliseconds since 1970; -1 if unknown. */
                lastFetchTimestamp: {
                  type: 'int64',
                  versions: '1+',
                  default: -1n,
                  ignorable: true,
                },
                /** When the replica was last caught up, milliseconds since 1970; -1 if unknown. */
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
    /** Nodes of the quorum. */
    nodes: {
      type: '[]',
      versions: '2+',
      fields: {
        /** Id of the node. */
        nodeId: { type: 'int32', versions: '2+' },
        /** Endpoints of the node. */
        listeners: {
          type: '[]',
          versions: '2+',
          fields: {
            /** Name of the listener. */
            name: { type: 'string', versions: '2+' },
            /** Host name or address. */
            host: { type: 'string', versions: '2+' },
            /** Port. */
            port: { type: 'uint16', versions: '2+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeQuorumResponse = MessageOf<typeof DescribeQuorumResponse>
