// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Reads record batches, by followers and consumers. API key 1, versions 4 to 18, flexible from 12.
 * - Version 4: isolation level; record format 2.
 * - Version 5: log start offset of the follower.
 * - Version 7: fetch sessions (KIP-227).
 * - Version 9: leader epoch (KIP-320).
 * - Version 10: zstd compression (KIP-110).
 * - Version 11: rack of the consumer (KIP-392).
 * - Version 12: epoch of the last fetched record (KIP-595).
 * - Version 13: topics by id (KIP-516).
 * - Version 14: same as version 13, tiered offsets (KIP-405).
 * - Version 15: state of the replica in place of its id (KIP-903).
 * - Version 16: same as version 15 (KIP-951).
 * - Version 17: directory id of the replica (KIP-853).
 * - Version 18: high watermark of the replica (KIP-1166).
 */
export const FetchRequest = {
  apiKey: 1,
  name: 'FetchRequest',
  versions: '4-18',
  flexible: '12+',
  fields: {
    /** Id of the cluster, or null. */
    clusterId: {
      type: 'string',
      versions: '12+',
      nullable: '12+',
      tag: 0,
      tagged: '12+',
      default: null,
      ignorable: true,
    },
    /** Id of the follower; -1 for consumers. */
    replicaId: { type: 'int32', versions: '0-14', default: -1 },
    /** The follower that fetches; absent from consumers. */
    replicaState: {
      type: 'struct',
      versions: '15+',
      tag: 1,
      tagged: '15+',
      fields: {
        /** Id of the follower; -1 for consumers. */
        replicaId: { type: 'int32', versions: '15+', default: -1 },
        /** Broker epoch of the follower; -1 if unknown. */
        replicaEpoch: { type: 'int64', versions: '15+', default: -1n },
      },
    },
    /** Maximum time to wait for `minBytes`. */
    maxWaitMs: { type: 'int32', versions: '0+' },
    /** Minimum number of bytes; with fewer, the broker waits up to `maxWaitMs`. */
    minBytes: { type: 'int32', versions: '0+' },
    /**
     * Maximum number of bytes to return in total; a first batch that is larger is returned whole
     * (KIP-74).
     */
    maxBytes: { type: 'int32', versions: '3+', default: 2147483647, ignorable: true },
    /** Isolation level: 0 read_uncommitted, 1 read_committed. */
    isolationLevel: { type: 'int8', versions: '4+', default: 0, ignorable: true },
    /** Fetch session; 0 for none. */
    sessionId: { type: 'int32', versions: '7+', default: 0, ignorable: true },
    /**
     * Number of the request in its fetch session; 0 opens one, -1 is a request without a session
     * (KIP-227).
     */
    sessionEpoch: { type: 'int32', versions: '7+', default: -1, ignorable: true },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '0-12', ignorable: true },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '13+', ignorable: true },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partition: { type: 'int32', versions: '0+' },
            /** Leader epoch that the client knows; -1 skips the check (KIP-320). */
            currentLeaderEpoch: { type: 'int32', versions: '9+', default: -1, ignorable: true },
            /** Offset of the first record to return. */
            fetchOffset: { type: 'int64', versions: '0+' },
            /** Leader epoch of the last record that was fetched; -1 for none. */
            lastFetchedEpoch: { type: 'int32', versions: '12+', default: -1 },
            /** Log start offset of the follower; -1 for consumers. */
            logStartOffset: { type: 'int64', versions: '5+', default: -1n, ignorable: true },
            /**
             * Maximum number of bytes to return from this partition; a first batch that is larger
             * is returned whole (KIP-74).
             */
            partitionMaxBytes: { type: 'int32', versions: '0+' },
            /** Id of the replica's log directory. */
            replicaDirectoryId: {
              type: 'uuid',
              versions: '17+',
              tag: 0,
              tagged: '17+',
              ignorable: true,
            },
            /** Offset up to which records are replicated and visible; -1 if unknown. */
            highWatermark: {
              type: 'int64',
              versions: '18+',
              tag: 1,
              tagged: '18+',
              default: 9223372036854775807n,
              ignorable: true,
            },
          },
        },
      },
    },
    /** Partitions that leave the session. */
    forgottenTopicsData: {
      type: '[]',
      versions: '7+',
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '7-12', ignorable: true },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '13+', ignorable: true },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '7+' },
      },
    },
    /** Rack of the client, or null. */
    rackId: { type: 'string', versions: '11+', default: '', ignorable: true },
  },
} as const satisfies MessageSchema
export type FetchRequest = MessageOf<typeof FetchRequest>

/**
 * Response of Fetch, versions 4 to 18, flexible from 12.
 * - Version 4: last stable offset and aborted transactions.
 * - Version 5: log start offset.
 * - Version 6: KAFKA_STORAGE_ERROR.
 * - Version 7: top-level error and session id (KIP-227).
 * - Version 8: sent before throttling (KIP-219).
 * - Version 10: zstd compression (KIP-110).
 * - Version 11: preferred replica (KIP-392).
 * - Version 12: diverging epoch and current leader (KIP-595).
 * - Version 13: topics by id (KIP-516).
 * - Version 14: OFFSET_MOVED_TO_TIERED_STORAGE (KIP-405).
 * - Version 16: addresses of leaders (KIP-951).
 */
export const FetchResponse = {
  apiKey: 1,
  name: 'FetchResponse',
  versions: '4-18',
  flexible: '12+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '7+', ignorable: true },
    /** Fetch session; 0 for none. */
    sessionId: { type: 'int32', versions: '7+', default: 0 },
    /** Results, in the order of the request. */
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '0-12', ignorable: true },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '13+', ignorable: true },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Offset up to which records are replicated and visible; -1 if unknown. */
            highWatermark: { type: 'int64', versions: '0+' },
            /** Last stable offset, below which every transaction has ended; -1 if not requested. */
            lastStableOffset: { type: 'int64', versions: '4+', default: -1n, ignorable: true },
            /** Log start offset; -1 if unknown. */
            logStartOffset: { type: 'int64', versions: '5+', default: -1n, ignorable: true },
            /**
             * Largest epoch, and its end offset, that the leader shares with the fetcher: the
             * fetcher truncates to it.
             */
            divergingEpoch: {
              type: 'struct',
              versions: '12+',
              tag: 0,
              tagged: '12+',
              fields: {
                /** Largest epoch that leader and fetcher share; -1 for none. */
                epoch: { type: 'int32', versions: '12+', default: -1 },
                /** Offset after the last record of the epoch; -1 if unknown. */
                endOffset: { type: 'int64', versions: '12+', default: -1n },
              },
            },
            /**
             * Current leader that the broker knows, if the request was sent to another broker
             * (KIP-951).
             */
            currentLeader: {
              type: 'struct',
              versions: '12+',
              tag: 1,
              tagged: '12+',
              fields: {
                /** Id of the leader; -1 if there is none or it is unknown. */
                leaderId: { type: 'int32', versions: '12+', default: -1 },
                /** Epoch of the partition's leader; -1 if unknown. */
                leaderEpoch: { type: 'int32', versions: '12+', default: -1 },
              },
            },
            /** Snapshot, by end offset and epoch. */
            snapshotId: {
              type: 'struct',
              versions: '12+',
              tag: 2,
              tagged: '12+',
              fields: {
                /** Offset after the last record of the epoch; -1 if unknown. */
                endOffset: { type: 'int64', versions: '0+', default: -1n },
                /** Epoch of the last record in the snapshot. */
                epoch: { type: 'int32', versions: '0+', default: -1 },
              },
            },
            /**
             * Aborted transactions that reach into the returned records; read_committed readers
             * skip their records.
             */
            abortedTransactions: {
              type: '[]',
              versions: '4+',
              nullable: '4+',
              ignorable: true,
              fields: {
                /** Producer id; -1 for none. */
                producerId: { type: 'int64', versions: '4+' },
                /** First offset of the range. */
                firstOffset: { type: 'int64', versions: '4+' },
              },
            },
            /** Id of the replica to read from next; -1 for the leader (KIP-392). */
            preferredReadReplica: { type: 'int32', versions: '11+', default: -1 },
            /** Record batches. */
            records: { type: 'records', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
    /** Addresses of the leaders named in this response (KIP-951). */
    nodeEndpoints: {
      type: '[]',
      versions: '16+',
      tag: 0,
      tagged: '16+',
      fields: {
        /** Id of the node. */
        nodeId: { type: 'int32', versions: '16+' },
        /** Host name or address. */
        host: { type: 'string', versions: '16+' },
        /** Port. */
        port: { type: 'int32', versions: '16+' },
        /** Rack of the node, or null. */
        rack: { type: 'string', versions: '16+', nullable: '16+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type FetchResponse = MessageOf<typeof FetchResponse>
