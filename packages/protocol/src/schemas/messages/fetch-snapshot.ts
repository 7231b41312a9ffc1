// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Reads a snapshot of the metadata log (KIP-630). API key 59, versions 0 to 1, flexible from 0.
 * - Version 1: directory id of the replica (KIP-853).
 */
export const FetchSnapshotRequest = {
  apiKey: 59,
  name: 'FetchSnapshotRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Id of the cluster, or null. */
    clusterId: {
      type: 'string',
      versions: '0+',
      nullable: '0+',
      tag: 0,
      tagged: '0+',
      default: null,
    },
    /** Id of the follower; -1 for consumers. */
    replicaId: { type: 'int32', versions: '0+', default: -1 },
    /**
     * Maximum number of bytes to return in total; a first batch that is larger is returned whole
     * (KIP-74).
     */
    maxBytes: { type: 'int32', versions: '0+', default: 2147483647 },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partition: { type: 'int32', versions: '0+' },
            /** Leader epoch that the client knows; -1 skips the check (KIP-320). */
            currentLeaderEpoch: { type: 'int32', versions: '0+' },
            /** Snapshot, by end offset and epoch. */
            snapshotId: {
              type: 'struct',
              versions: '0+',
              fields: {
                /** End offset of the snapshot. */
                endOffset: { type: 'int64', versions: '0+' },
                /** Epoch of the last record in the snapshot. */
                epoch: { type: 'int32', versions: '0+' },
              },
            },
            /** Byte position within the snapshot. */
            position: { type: 'int64', versions: '0+' },
            /** Id of the replica's log directory. */
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

/**
 * Response of FetchSnapshot, versions 0 to 1, flexible from 0.
 * - Version 1: address of the leader (KIP-853).
 */
export const FetchSnapshotResponse = {
  apiKey: 59,
  name: 'FetchSnapshotResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+', ignorable: true },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            index: { type: 'int32', versions: '0+' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Snapshot, by end offset and epoch. */
            snapshotId: {
              type: 'struct',
              versions: '0+',
              fields: {
                /** End offset of the snapshot. */
                endOffset: { type: 'int64', versions: '0+' },
                /** Epoch of the last record in the snapshot. */
                epoch: { type: 'int32', versions: '0+' },
              },
            },
            /**
             * Current leader that the broker knows, if the request was sent to another broker
             * (KIP-951).
             */
            currentLeader: {
              type: 'struct',
              versions: '0+',
              tag: 0,
              tagged: '0+',
              fields: {
                /** Id of the leader; -1 if there is none or it is unknown. */
                leaderId: { type: 'int32', versions: '0+' },
                /** Epoch of the partition's leader; -1 if unknown. */
                leaderEpoch: { type: 'int32', versions: '0+' },
              },
            },
            /** Size of the snapshot, bytes. */
            size: { type: 'int64', versions: '0+' },
            /** Byte position within the snapshot. */
            position: { type: 'int64', versions: '0+' },
            /** Bytes of the snapshot, which may begin or end within a batch. */
            unalignedRecords: { type: 'records', versions: '0+' },
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
export type FetchSnapshotResponse = MessageOf<typeof FetchSnapshotResponse>
