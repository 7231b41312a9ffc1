// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* Records of `__share_group_state`. */

/**
 * State of a share partition in full (KIP-932). Key of the record. Version 0, type 0.
 */
export const ShareSnapshotKey = {
  apiKey: 0,
  name: 'ShareSnapshotKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the topic. */
    topicId: { type: 'uuid', versions: '0' },
    /** Index of the partition. */
    partition: { type: 'int32', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareSnapshotKey = MessageOf<typeof ShareSnapshotKey>

/**
 * State of a share partition in full (KIP-932). Value of the record. Version 0, type 0, flexible
 * from 0.
 */
export const ShareSnapshotValue = {
  apiKey: 0,
  name: 'ShareSnapshotValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Epoch of the snapshot that the entry belongs to. */
    snapshotEpoch: { type: 'int32', versions: '0+' },
    /** Epoch of the share partition's state; a lower one is fenced. */
    stateEpoch: { type: 'int32', versions: '0+' },
    /** Epoch of the partition's leader; -1 if unknown. */
    leaderEpoch: { type: 'int32', versions: '0+' },
    /** First offset that is not finished. */
    startOffset: { type: 'int64', versions: '0+' },
    /** Records at or after the start offset that are finished; -1 if unknown. */
    deliveryCompleteCount: { type: 'int32', versions: '0+', tag: 0, tagged: '0+', default: -1 },
    /** When the state was created, milliseconds since 1970. */
    createTimestamp: { type: 'int64', versions: '0+' },
    /** When the entry was written, milliseconds since 1970. */
    writeTimestamp: { type: 'int64', versions: '0+' },
    /** Ranges of records with state and delivery count. */
    stateBatches: {
      type: '[]',
      versions: '0+',
      fields: {
        /** First offset of the range. */
        firstOffset: { type: 'int64', versions: '0+' },
        /** Last offset of the range, inclusive. */
        lastOffset: { type: 'int64', versions: '0+' },
        /** State of the records of this range: 0 available, 2 acknowledged, 4 archived. */
        deliveryState: { type: 'int8', versions: '0+' },
        /** How often the records of this range were delivered. */
        deliveryCount: { type: 'int16', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareSnapshotValue = MessageOf<typeof ShareSnapshotValue>

/**
 * Change of a share partition's state since its snapshot (KIP-932). Key of the record. Version 0,
 * type 1.
 */
export const ShareUpdateKey = {
  apiKey: 1,
  name: 'ShareUpdateKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the topic. */
    topicId: { type: 'uuid', versions: '0' },
    /** Index of the partition. */
    partition: { type: 'int32', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareUpdateKey = MessageOf<typeof ShareUpdateKey>

/**
 * Change of a share partition's state since its snapshot (KIP-932). Value of the record. Version 0,
 * type 1, flexible from 0.
 */
export const ShareUpdateValue = {
  apiKey: 1,
  name: 'ShareUpdateValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Epoch of the snapshot that the entry belongs to. */
    snapshotEpoch: { type: 'int32', versions: '0+' },
    /** Epoch of the partition's leader; -1 if unknown. */
    leaderEpoch: { type: 'int32', versions: '0+' },
    /** First offset that is not finished. */
    startOffset: { type: 'int64', versions: '0+' },
    /** Records at or after the start offset that are finished; -1 if unknown. */
    deliveryCompleteCount: { type: 'int32', versions: '0+', tag: 0, tagged: '0+', default: -1 },
    /** Ranges of records with state and delivery count. */
    stateBatches: {
      type: '[]',
      versions: '0+',
      fields: {
        /** First offset of the range. */
        firstOffset: { type: 'int64', versions: '0+' },
        /** Last offset of the range, inclusive. */
        lastOffset: { type: 'int64', versions: '0+' },
        /** State of the records of this range: 0 available, 2 acknowledged, 4 archived. */
        deliveryState: { type: 'int8', versions: '0+' },
        /** How often the records of this range were delivered. */
        deliveryCount: { type: 'int16', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareUpdateValue = MessageOf<typeof ShareUpdateValue>
