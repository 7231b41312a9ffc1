// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/*
 * Contents of the opaque bytes of JoinGroup and SyncGroup, as encoded by classic consumers. An
 * int16 version precedes the body.
 */

/**
 * Assignment of a consumer in a classic group, within the bytes of SyncGroup. Versions 0 to 3.
 */
export const ConsumerProtocolAssignment = {
  name: 'ConsumerProtocolAssignment',
  versions: '0-3',
  flexible: 'none',
  fields: {
    /** Partitions assigned to the member. */
    assignedPartitions: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Bytes of the assignor. */
    userData: { type: 'bytes', versions: '0+', nullable: '0+', default: null },
  },
} as const satisfies MessageSchema
export type ConsumerProtocolAssignment = MessageOf<typeof ConsumerProtocolAssignment>

/**
 * Subscription of a consumer in a classic group, within the bytes of JoinGroup. Versions 0 to 3.
 * - Version 1: owned partitions (KIP-429).
 * - Version 2: generation (KIP-792).
 * - Version 3: rack (KIP-881).
 */
export const ConsumerProtocolSubscription = {
  name: 'ConsumerProtocolSubscription',
  versions: '0-3',
  flexible: 'none',
  fields: {
    /** One entry per topic. */
    topics: { type: '[]string', versions: '0+' },
    /** Bytes of the assignor. */
    userData: { type: 'bytes', versions: '0+', nullable: '0+', default: null },
    /** Partitions that the member owns before the rebalance (KIP-429). */
    ownedPartitions: {
      type: '[]',
      versions: '1+',
      ignorable: true,
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '1+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '1+' },
      },
    },
    /** Generation in which the member owned its partitions; -1 if unknown. */
    generationId: { type: 'int32', versions: '2+', default: -1, ignorable: true },
    /** Rack of the client, or null. */
    rackId: { type: 'string', versions: '3+', nullable: '3+', default: null, ignorable: true },
  },
} as const satisfies MessageSchema
export type ConsumerProtocolSubscription = MessageOf<typeof ConsumerProtocolSubscription>
