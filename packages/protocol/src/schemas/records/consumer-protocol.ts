// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* What classic consumers put into the opaque bytes of JoinGroup and SyncGroup. An int16 version precedes the body. */

export const ConsumerProtocolAssignment = {
  name: 'ConsumerProtocolAssignment',
  versions: '0-3',
  flexible: 'none',
  fields: {
    assignedPartitions: {
      type: '[]',
      versions: '0+',
      fields: {
        topic: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    userData: { type: 'bytes', versions: '0+', nullable: '0+', default: null },
  },
} as const satisfies MessageSchema
export type ConsumerProtocolAssignment = MessageOf<typeof ConsumerProtocolAssignment>

export const ConsumerProtocolSubscription = {
  name: 'ConsumerProtocolSubscription',
  versions: '0-3',
  flexible: 'none',
  fields: {
    topics: { type: '[]string', versions: '0+' },
    userData: { type: 'bytes', versions: '0+', nullable: '0+', default: null },
    ownedPartitions: {
      type: '[]',
      versions: '1+',
      ignorable: true,
      fields: {
        topic: { type: 'string', versions: '1+' },
        partitions: { type: '[]int32', versions: '1+' },
      },
    },
    generationId: { type: 'int32', versions: '2+', default: -1, ignorable: true },
    rackId: { type: 'string', versions: '3+', nullable: '3+', default: null, ignorable: true },
  },
} as const satisfies MessageSchema
export type ConsumerProtocolSubscription = MessageOf<typeof ConsumerProtocolSubscription>
