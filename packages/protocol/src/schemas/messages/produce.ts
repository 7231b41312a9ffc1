// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Appends record batches to partitions. API key 0, versions 3 to 13, flexible from 9.
 * - Version 3: transactional id; record format 2.
 * - Version 7: zstd compression (KIP-110).
 * - Version 10: same as version 9 (KIP-951).
 * - Version 11: TRANSACTION_ABORTABLE (KIP-890).
 * - Version 12: adds the partitions to the open transaction as well (KIP-890).
 * - Version 13: topics by id (KIP-516).
 */
export const ProduceRequest = {
  apiKey: 0,
  name: 'ProduceRequest',
  versions: '3-13',
  flexible: '9+',
  fields: {
    /** Transactional id of the producer. */
    transactionalId: { type: 'string', versions: '3+', nullable: '3+', default: null },
    /**
     * Replicas that must have the records before the response: -1 all in sync, 1 the leader only, 0
     * no response.
     */
    acks: { type: 'int16', versions: '0+' },
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '0+' },
    /** Record batches by topic. */
    topicData: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0-12', ignorable: true },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '13+', ignorable: true },
        /** Record batches by partition. */
        partitionData: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            index: { type: 'int32', versions: '0+' },
            /** Record batches. */
            records: { type: 'records', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ProduceRequest = MessageOf<typeof ProduceRequest>

/**
 * Response of Produce, versions 3 to 13, flexible from 9.
 * - Version 3: throttle time and append time.
 * - Version 4: KAFKA_STORAGE_ERROR.
 * - Version 5: log start offset.
 * - Version 8: rejected records, and the reason for each (KIP-467).
 * - Version 10: current leader and its address (KIP-951).
 * - Version 11: TRANSACTION_ABORTABLE (KIP-890).
 * - Version 13: topics by id, UNKNOWN_TOPIC_ID (KIP-516).
 */
export const ProduceResponse = {
  apiKey: 0,
  name: 'ProduceResponse',
  versions: '3-13',
  flexible: '9+',
  fields: {
    /** Results, in the order of the request. */
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0-12', ignorable: true },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '13+', ignorable: true },
        /** Result of each partition. */
        partitionResponses: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            index: { type: 'int32', versions: '0+' },
            /** Kafka's error code, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Offset of the first record that was appended; -1 if none was. */
            baseOffset: { type: 'int64', versions: '0+' },
            /** Time that the broker stamped on the records; -1 for topics with create time. */
            logAppendTimeMs: { type: 'int64', versions: '2+', default: -1n, ignorable: true },
            /** Log start offset; -1 if unknown. */
            logStartOffset: { type: 'int64', versions: '5+', default: -1n, ignorable: true },
            /** Records that caused the batch to be rejected. */
            recordErrors: {
              type: '[]',
              versions: '8+',
              ignorable: true,
              fields: {
                /** Index of the record within the batch. */
                batchIndex: { type: 'int32', versions: '8+' },
                /** Reason why this record was rejected, or null. */
                batchIndexErrorMessage: {
                  type: 'string',
                  versions: '8+',
                  nullable: '8+',
                  default: null,
                },
              },
            },
            /** Error message, or null. */
            errorMessage: {
              type: 'string',
              versions: '8+',
              nullable: '8+',
              default: null,
              ignorable: true,
            },
            /**
             * Current leader that the broker knows, if the request was sent to another broker
             * (KIP-951).
             */
            currentLeader: {
              type: 'struct',
              versions: '10+',
              tag: 0,
              tagged: '10+',
              fields: {
                /** Id of the leader; -1 if there is none or it is unknown. */
                leaderId: { type: 'int32', versions: '10+', default: -1 },
                /** Epoch of the partition's leader; -1 if unknown. */
                leaderEpoch: { type: 'int32', versions: '10+', default: -1 },
              },
            },
          },
        },
      },
    },
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '1+', default: 0, ignorable: true },
    /** Addresses of the leaders named in this response (KIP-951). */
    nodeEndpoints: {
      type: '[]',
      versions: '10+',
      tag: 0,
      tagged: '10+',
      fields: {
        /** Id of the node. */
        nodeId: { type: 'int32', versions: '10+' },
        /** Host name or address. */
        host: { type: 'string', versions: '10+' },
        /** Port. */
        port: { type: 'int32', versions: '10+' },
        /** Rack of the node, or null. */
        rack: { type: 'string', versions: '10+', nullable: '10+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type ProduceResponse = MessageOf<typeof ProduceResponse>
