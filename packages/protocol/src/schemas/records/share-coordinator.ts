// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* Records of `__share_group_state`. */

export const ShareSnapshotKey = {
  apiKey: 0,
  name: 'ShareSnapshotKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    topicId: { type: 'uuid', versions: '0' },
    partition: { type: 'int32', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareSnapshotKey = MessageOf<typeof ShareSnapshotKey>

export const ShareSnapshotValue = {
  apiKey: 0,
  name: 'ShareSnapshotValue',
  versions: '0',
  flexible: '0+',
  fields: {
    snapshotEpoch: { type: 'int32', versions: '0+' },
    stateEpoch: { type: 'int32', versions: '0+' },
    leaderEpoch: { type: 'int32', versions: '0+' },
    startOffset: { type: 'int64', versions: '0+' },
    deliveryCompleteCount: { type: 'int32', versions: '0+', tag: 0, tagged: '0+', default: -1 },
    createTimestamp: { type: 'int64', versions: '0+' },
    writeTimestamp: { type: 'int64', versions: '0+' },
    stateBatches: {
      type: '[]',
      versions: '0+',
      fields: {
        firstOffset: { type: 'int64', versions: '0+' },
        lastOffset: { type: 'int64', versions: '0+' },
        deliveryState: { type: 'int8', versions: '0+' },
        deliveryCount: { type: 'int16', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareSnapshotValue = MessageOf<typeof ShareSnapshotValue>

export const ShareUpdateKey = {
  apiKey: 1,
  name: 'ShareUpdateKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    topicId: { type: 'uuid', versions: '0' },
    partition: { type: 'int32', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareUpdateKey = MessageOf<typeof ShareUpdateKey>

export const ShareUpdateValue = {
  apiKey: 1,
  name: 'ShareUpdateValue',
  versions: '0',
  flexible: '0+',
  fields: {
    snapshotEpoch: { type: 'int32', versions: '0+' },
    leaderEpoch: { type: 'int32', versions: '0+' },
    startOffset: { type: 'int64', versions: '0+' },
    deliveryCompleteCount: { type: 'int32', versions: '0+', tag: 0, tagged: '0+', default: -1 },
    stateBatches: {
      type: '[]',
      versions: '0+',
      fields: {
        firstOffset: { type: 'int64', versions: '0+' },
        lastOffset: { type: 'int64', versions: '0+' },
        deliveryState: { type: 'int8', versions: '0+' },
        deliveryCount: { type: 'int16', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareUpdateValue = MessageOf<typeof ShareUpdateValue>
