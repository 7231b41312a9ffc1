// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Finds the broker that coordinates a group, a transactional id or a share partition. API key 10,
 * versions 0 to 6, flexible from 3.
 * - Version 1: type of coordinator.
 * - Version 4: several keys (KIP-699).
 * - Version 5: TRANSACTION_ABORTABLE (KIP-890).
 * - Version 6: share partitions, as `groupId:topicId:partition` (KIP-932).
 */
export const FindCoordinatorRequest = {
  apiKey: 10,
  name: 'FindCoordinatorRequest',
  versions: '0-6',
  flexible: '3+',
  fields: {
    /** Group id, transactional id or share partition to look up. */
    key: { type: 'string', versions: '0-3' },
    /** 0 group, 1 transaction, 2 share partition. */
    keyType: { type: 'int8', versions: '1+', default: 0 },
    /** Group ids, transactional ids or share partitions to look up. */
    coordinatorKeys: { type: '[]string', versions: '4+' },
  },
} as const satisfies MessageSchema
export type FindCoordinatorRequest = MessageOf<typeof FindCoordinatorRequest>

/**
 * Response of FindCoordinator, versions 0 to 6, flexible from 3.
 * - Version 1: throttle time and message.
 * - Version 2: sent before throttling (KIP-219).
 * - Version 4: several keys (KIP-699).
 * - Version 5: TRANSACTION_ABORTABLE (KIP-890).
 * - Version 6: share partitions (KIP-932).
 */
export const FindCoordinatorResponse = {
  apiKey: 10,
  name: 'FindCoordinatorResponse',
  versions: '0-6',
  flexible: '3+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0-3' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '1-3', nullable: '1-3', ignorable: true },
    /** Id of the node. */
    nodeId: { type: 'int32', versions: '0-3' },
    /** Host name or address. */
    host: { type: 'string', versions: '0-3' },
    /** Port. */
    port: { type: 'int32', versions: '0-3' },
    /** Coordinator of each key. */
    coordinators: {
      type: '[]',
      versions: '4+',
      fields: {
        /** The key that was looked up. */
        key: { type: 'string', versions: '4+' },
        /** Id of the node. */
        nodeId: { type: 'int32', versions: '4+' },
        /** Host name or address. */
        host: { type: 'string', versions: '4+' },
        /** Port. */
        port: { type: 'int32', versions: '4+' },
        /** Kafka's error code, 0 for none. */
        errorCode: { type: 'int16', versions: '4+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '4+', nullable: '4+', ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type FindCoordinatorResponse = MessageOf<typeof FindCoordinatorResponse>
