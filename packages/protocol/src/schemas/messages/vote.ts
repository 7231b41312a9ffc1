// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Asks a voter of the metadata quorum for its vote (KIP-595). API key 52, versions 0 to 2, flexible
 * from 0.
 * - Version 1: voter and directory ids (KIP-853).
 * - Version 2: preliminary votes (KIP-996).
 */
export const VoteRequest = {
  apiKey: 52,
  name: 'VoteRequest',
  versions: '0-2',
  flexible: '0+',
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
            /** Broker epoch of the follower; -1 if unknown. */
            replicaEpoch: { type: 'int32', versions: '0+' },
            /** Id of the follower; -1 for consumers. */
            replicaId: { type: 'int32', versions: '0+' },
            /** Id of the replica's log directory. */
            replicaDirectoryId: { type: 'uuid', versions: '1+', ignorable: true },
            /** Id of the voter's log directory. */
            voterDirectoryId: { type: 'uuid', versions: '1+', ignorable: true },
            /** Epoch of the last record in the candidate's log. */
            lastOffsetEpoch: { type: 'int32', versions: '0+' },
            /** End offset of the candidate's log. */
            lastOffset: { type: 'int64', versions: '0+' },
            /** Whether the request only checks whether a vote would be granted (KIP-996). */
            preVote: { type: 'bool', versions: '2+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type VoteRequest = MessageOf<typeof VoteRequest>

/**
 * Response of Vote, versions 0 to 2, flexible from 0.
 * - Version 1: address of the leader (KIP-853).
 * - Version 2: preliminary votes (KIP-996).
 */
export const VoteResponse = {
  apiKey: 52,
  name: 'VoteResponse',
  versions: '0-2',
  flexible: '0+',
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
            /** Whether the vote was granted. */
            voteGranted: { type: 'bool', versions: '0+' },
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
export type VoteResponse = MessageOf<typeof VoteResponse>
