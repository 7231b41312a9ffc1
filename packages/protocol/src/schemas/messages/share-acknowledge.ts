// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Acknowledges acquired records (KIP-932). API key 79, versions 1 to 2, flexible from 0.
 * - Version 2: renewals (KIP-1222).
 */
export const ShareAcknowledgeRequest = {
  apiKey: 79,
  name: 'ShareAcknowledgeRequest',
  versions: '1-2',
  flexible: '0+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0+', nullable: '0+' },
    /** Number of the request in its share session; 0 opens it, -1 closes it. */
    shareSessionEpoch: { type: 'int32', versions: '0+' },
    /** Whether the acknowledgements contain a renewal (KIP-1222). */
    isRenewAck: { type: 'bool', versions: '2+', default: false },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Ranges of acquired records and how each was handled. */
            acknowledgementBatches: {
              type: '[]',
              versions: '0+',
              fields: {
                /** First offset of the range. */
                firstOffset: { type: 'int64', versions: '0+' },
                /** Last offset of the range, inclusive. */
                lastOffset: { type: 'int64', versions: '0+' },
                /**
                 * One type for all offsets of the batch, or one per offset: 0 gap, 1 accept, 2
                 * release, 3 reject, 4 renew.
                 */
                acknowledgeTypes: { type: '[]int8', versions: '0+' },
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareAcknowledgeRequest = MessageOf<typeof ShareAcknowledgeRequest>

/**
 * Response of ShareAcknowledge, versions 1 to 2, flexible from 0.
 * - Version 2: acquisition lock time for renewals (KIP-1222).
 */
export const ShareAcknowledgeResponse = {
  apiKey: 79,
  name: 'ShareAcknowledgeResponse',
  versions: '1-2',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Time after which acquired records are available to other members again. */
    acquisitionLockTimeoutMs: { type: 'int32', versions: '2+', ignorable: true },
    /** Results, in the order of the request. */
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
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
            errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
            /**
             * Current leader that the broker knows, if the request was sent to another broker
             * (KIP-951).
             */
            currentLeader: {
              type: 'struct',
              versions: '0+',
              fields: {
                /** Id of the leader; -1 if there is none or it is unknown. */
                leaderId: { type: 'int32', versions: '0+' },
                /** Epoch of the partition's leader; -1 if unknown. */
                leaderEpoch: { type: 'int32', versions: '0+' },
              },
            },
          },
        },
      },
    },
    /** Addresses of the leaders named in this response (KIP-951). */
    nodeEndpoints: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the node. */
        nodeId: { type: 'int32', versions: '0+' },
        /** Host name or address. */
        host: { type: 'string', versions: '0+' },
        /** Port. */
        port: { type: 'int32', versions: '0+' },
        /** Rack of the node, or null. */
        rack: { type: 'string', versions: '0+', nullable: '0+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareAcknowledgeResponse = MessageOf<typeof ShareAcknowledgeResponse>
