// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* Keys and values of control records. */

export const ControlRecordTypeSchema = {
  name: 'ControlRecordTypeSchema',
  versions: '0',
  flexible: 'none',
  fields: {
    type: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ControlRecordTypeSchema = MessageOf<typeof ControlRecordTypeSchema>

export const EndTxnMarker = {
  name: 'EndTxnMarker',
  versions: '0',
  flexible: 'none',
  fields: {
    coordinatorEpoch: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type EndTxnMarker = MessageOf<typeof EndTxnMarker>

export const KRaftVersionRecord = {
  name: 'KRaftVersionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: { type: 'int16', versions: '0+' },
    kRaftVersion: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type KRaftVersionRecord = MessageOf<typeof KRaftVersionRecord>

export const LeaderChangeMessage = {
  name: 'LeaderChangeMessage',
  versions: '0-1',
  flexible: '0+',
  fields: {
    version: { type: 'int16', versions: '0+' },
    leaderId: { type: 'int32', versions: '0+' },
    voters: {
      type: '[]',
      versions: '0+',
      fields: {
        voterId: { type: 'int32', versions: '0+' },
        voterDirectoryId: { type: 'uuid', versions: '1+' },
      },
    },
    grantingVoters: {
      type: '[]',
      versions: '0+',
      fields: {
        voterId: { type: 'int32', versions: '0+' },
        voterDirectoryId: { type: 'uuid', versions: '1+' },
      },
    },
  },
} as const satisfies MessageSchema
export type LeaderChangeMessage = MessageOf<typeof LeaderChangeMessage>

export const SnapshotFooterRecord = {
  name: 'SnapshotFooterRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SnapshotFooterRecord = MessageOf<typeof SnapshotFooterRecord>

export const SnapshotHeaderRecord = {
  name: 'SnapshotHeaderRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: { type: 'int16', versions: '0+' },
    lastContainedLogTimestamp: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SnapshotHeaderRecord = MessageOf<typeof SnapshotHeaderRecord>

export const VotersRecord = {
  name: 'VotersRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: { type: 'int16', versions: '0+' },
    voters: {
      type: '[]',
      versions: '0+',
      fields: {
        voterId: { type: 'int32', versions: '0+' },
        voterDirectoryId: { type: 'uuid', versions: '0+' },
        endpoints: {
          type: '[]',
          versions: '0+',
          fields: {
            name: { type: 'string', versions: '0+' },
            host: { type: 'string', versions: '0+' },
            port: { type: 'uint16', versions: '0+' },
          },
        },
        kRaftVersionFeature: {
          type: 'struct',
          versions: '0+',
          fields: {
            minSupportedVersion: { type: 'int16', versions: '0+' },
            maxSupportedVersion: { type: 'int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type VotersRecord = MessageOf<typeof VotersRecord>
