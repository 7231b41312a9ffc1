// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* Keys and values of control records. */

/**
 * Key of every control record: which kind it is. Version 0.
 */
export const ControlRecordTypeSchema = {
  name: 'ControlRecordTypeSchema',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Type of the control record. */
    type: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ControlRecordTypeSchema = MessageOf<typeof ControlRecordTypeSchema>

/**
 * Value of the control record that commits or aborts a transaction. Version 0.
 */
export const EndTxnMarker = {
  name: 'EndTxnMarker',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Epoch of the transaction coordinator. */
    coordinatorEpoch: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type EndTxnMarker = MessageOf<typeof EndTxnMarker>

/**
 * Control record of the metadata log: version of the quorum's protocol (KIP-853). Version 0,
 * flexible from 0.
 */
export const KRaftVersionRecord = {
  name: 'KRaftVersionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Version of the record's format. */
    version: { type: 'int16', versions: '0+' },
    /** Version of the quorum's protocol. */
    kRaftVersion: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type KRaftVersionRecord = MessageOf<typeof KRaftVersionRecord>

/**
 * Control record of the metadata log: a new leader (KIP-595). Versions 0 to 1, flexible from 0.
 */
export const LeaderChangeMessage = {
  name: 'LeaderChangeMessage',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Version of the record's format. */
    version: { type: 'int16', versions: '0+' },
    /** Id of the leader; -1 if there is none or it is unknown. */
    leaderId: { type: 'int32', versions: '0+' },
    /** Voters of the quorum. */
    voters: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the voter. */
        voterId: { type: 'int32', versions: '0+' },
        /** Id of the voter's log directory. */
        voterDirectoryId: { type: 'uuid', versions: '1+' },
      },
    },
    /** Voters that elected the leader. */
    grantingVoters: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the voter. */
        voterId: { type: 'int32', versions: '0+' },
        /** Id of the voter's log directory. */
        voterDirectoryId: { type: 'uuid', versions: '1+' },
      },
    },
  },
} as const satisfies MessageSchema
export type LeaderChangeMessage = MessageOf<typeof LeaderChangeMessage>

/**
 * Control record that ends a snapshot (KIP-630). Version 0, flexible from 0.
 */
export const SnapshotFooterRecord = {
  name: 'SnapshotFooterRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Version of the record's format. */
    version: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SnapshotFooterRecord = MessageOf<typeof SnapshotFooterRecord>

/**
 * Control record that begins a snapshot (KIP-630). Version 0, flexible from 0.
 */
export const SnapshotHeaderRecord = {
  name: 'SnapshotHeaderRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Version of the record's format. */
    version: { type: 'int16', versions: '0+' },
    /** Time of the last record in the snapshot, milliseconds since 1970. */
    lastContainedLogTimestamp: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SnapshotHeaderRecord = MessageOf<typeof SnapshotHeaderRecord>

/**
 * Control record of the metadata log: the voters (KIP-853). Version 0, flexible from 0.
 */
export const VotersRecord = {
  name: 'VotersRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Version of the record's format. */
    version: { type: 'int16', versions: '0+' },
    /** Voters of the quorum. */
    voters: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the voter. */
        voterId: { type: 'int32', versions: '0+' },
        /** Id of the voter's log directory. */
        voterDirectoryId: { type: 'uuid', versions: '0+' },
        /** Endpoints of the voter. */
        endpoints: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the listener. */
            name: { type: 'string', versions: '0+' },
            /** Host name or address. */
            host: { type: 'string', versions: '0+' },
            /** Port. */
            port: { type: 'uint16', versions: '0+' },
          },
        },
        /** Range of the quorum protocol's versions that the voter supports. */
        kRaftVersionFeature: {
          type: 'struct',
          versions: '0+',
          fields: {
            /** Lowest level of the feature that the node supports. */
            minSupportedVersion: { type: 'int16', versions: '0+' },
            /** Highest level of the feature that the node supports. */
            maxSupportedVersion: { type: 'int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type VotersRecord = MessageOf<typeof VotersRecord>
