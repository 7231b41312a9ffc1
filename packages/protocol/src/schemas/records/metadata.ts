// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* Records of `__cluster_metadata`. `apiKey` is the type in the frame of a record value. */

/**
 * Ends a metadata transaction without effect (KIP-868). Version 0, type 25, flexible from 0.
 */
export const AbortTransactionRecord = {
  apiKey: 25,
  name: 'AbortTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Reason, for log output. */
    reason: { type: 'string', versions: '0+', nullable: '0+', tag: 0, tagged: '0+', default: null },
  },
} as const satisfies MessageSchema
export type AbortTransactionRecord = MessageOf<typeof AbortTransactionRecord>

/**
 * Creates an ACL (KIP-801). Version 0, type 18, flexible from 0.
 */
export const AccessControlEntryRecord = {
  apiKey: 18,
  name: 'AccessControlEntryRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the ACL. */
    id: { type: 'uuid', versions: '0+' },
    /** Code of the resource's type. */
    resourceType: { type: 'int8', versions: '0+' },
    /** Name of the resource. */
    resourceName: { type: 'string', versions: '0+' },
    /** 3 literal, 4 prefixed. */
    patternType: { type: 'int8', versions: '0+' },
    /** Principal, such as `User:alice`. */
    principal: { type: 'string', versions: '0+' },
    /** Client host that the ACL applies to; `*` for all. */
    host: { type: 'string', versions: '0+' },
    /** Code of the ACL operation. */
    operation: { type: 'int8', versions: '0+' },
    /** 2 deny, 3 allow. */
    permissionType: { type: 'int8', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AccessControlEntryRecord = MessageOf<typeof AccessControlEntryRecord>

/**
 * Begins a metadata transaction (KIP-868). Version 0, type 23, flexible from 0.
 */
export const BeginTransactionRecord = {
  apiKey: 23,
  name: 'BeginTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** What the transaction is for. */
    name: { type: 'string', versions: '0+', nullable: '0+', tag: 0, tagged: '0+', default: null },
  },
} as const satisfies MessageSchema
export type BeginTransactionRecord = MessageOf<typeof BeginTransactionRecord>

/**
 * Changes a broker's registration. Versions 0 to 3, type 17, flexible from 0.
 */
export const BrokerRegistrationChangeRecord = {
  apiKey: 17,
  name: 'BrokerRegistrationChangeRecord',
  versions: '0-3',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    brokerId: { type: 'int32', versions: '0+' },
    /** Epoch of the broker's registration. */
    brokerEpoch: { type: 'int64', versions: '0+' },
    /** 1 the broker was fenced, -1 unfenced, 0 unchanged. */
    fenced: { type: 'int8', versions: '0+', tag: 0, tagged: '0+' },
    /** 1 the broker began its controlled shutdown, 0 unchanged. */
    inControlledShutdown: { type: 'int8', versions: '1+', tag: 1, tagged: '1+' },
    /** Ids of the log directories that are online. */
    logDirs: { type: '[]uuid', versions: '2+', tag: 2, tagged: '2+' },
    /** Log directories that get no new partitions; null if unchanged or not known yet. */
    cordonedLogDirs: {
      type: '[]uuid',
      versions: '3+',
      nullable: '3+',
      tag: 3,
      tagged: '3+',
      default: null,
    },
  },
} as const satisfies MessageSchema
export type BrokerRegistrationChangeRecord = MessageOf<typeof BrokerRegistrationChangeRecord>

/**
 * Clears eligible leader replicas of topics (KIP-966). Version 0, type 28, flexible from 0.
 */
export const ClearElrRecord = {
  apiKey: 28,
  name: 'ClearElrRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Name of the topic. */
    topicName: { type: 'string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ClearElrRecord = MessageOf<typeof ClearElrRecord>

/**
 * Sets or removes a quota (KIP-546). Version 0, type 14, flexible from 0.
 */
export const ClientQuotaRecord = {
  apiKey: 14,
  name: 'ClientQuotaRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** The quota entity: user, client id, ip, or a combination. */
    entity: {
      type: '[]',
      versions: '0+',
      fields: {
        /** `user`, `client-id` or `ip`. */
        entityType: { type: 'string', versions: '0+' },
        /** Name of this part of the entity; null for the default. */
        entityName: { type: 'string', versions: '0+', nullable: '0+' },
      },
    },
    /** Name of the quota, such as `producer_byte_rate`. */
    key: { type: 'string', versions: '0+' },
    /** The quota. */
    value: { type: 'float64', versions: '0+' },
    /** Whether the quota is removed instead of set. */
    remove: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ClientQuotaRecord = MessageOf<typeof ClientQuotaRecord>

/**
 * Sets or removes a configuration key of a resource. Version 0, type 4, flexible from 0.
 */
export const ConfigRecord = {
  apiKey: 4,
  name: 'ConfigRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Code of the resource's type. */
    resourceType: { type: 'int8', versions: '0+' },
    /** Name of the resource. */
    resourceName: { type: 'string', versions: '0+' },
    /** Key of the configuration. */
    name: { type: 'string', versions: '0+' },
    /** Value; null removes the key. */
    value: { type: 'string', versions: '0+', nullable: '0+' },
  },
} as const satisfies MessageSchema
export type ConfigRecord = MessageOf<typeof ConfigRecord>

/**
 * Creates or changes a delegation token. Version 0, type 10, flexible from 0.
 */
export const DelegationTokenRecord = {
  apiKey: 10,
  name: 'DelegationTokenRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Principal that the token authenticates, such as `User:alice`. */
    owner: { type: 'string', versions: '0+' },
    /** Principal that created the token. */
    requester: { type: 'string', versions: '0+' },
    /** Principals that may renew the token, besides its owner. */
    renewers: { type: '[]string', versions: '0+' },
    /** When the token was created, milliseconds since 1970. */
    issueTimestamp: { type: 'int64', versions: '0+' },
    /** When the token can no longer be renewed, milliseconds since 1970. */
    maxTimestamp: { type: 'int64', versions: '0+' },
    /** When the token expires unless renewed, milliseconds since 1970. */
    expirationTimestamp: { type: 'int64', versions: '0+' },
    /** Id of the delegation token. */
    tokenId: { type: 'string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DelegationTokenRecord = MessageOf<typeof DelegationTokenRecord>

/**
 * Ends a metadata transaction (KIP-868). Version 0, type 24, flexible from 0.
 */
export const EndTransactionRecord = {
  apiKey: 24,
  name: 'EndTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
} as const satisfies MessageSchema
export type EndTransactionRecord = MessageOf<typeof EndTransactionRecord>

/**
 * Sets the level of a feature (KIP-584). Version 0, type 12, flexible from 0.
 */
export const FeatureLevelRecord = {
  apiKey: 12,
  name: 'FeatureLevelRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Name of the feature. */
    name: { type: 'string', versions: '0+' },
    /** Finalized level of the feature; 0 for off. */
    featureLevel: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type FeatureLevelRecord = MessageOf<typeof FeatureLevelRecord>

/**
 * Fences a broker; replaced by BrokerRegistrationChangeRecord. Version 0, type 7, flexible from 0.
 */
export const FenceBrokerRecord = {
  apiKey: 7,
  name: 'FenceBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    id: { type: 'int32', versions: '0+' },
    /** Epoch of the broker's registration. */
    epoch: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type FenceBrokerRecord = MessageOf<typeof FenceBrokerRecord>

/** No operation; lets the high watermark advance (KIP-835). Version 0, type 20, flexible from 0. */
export const NoOpRecord = {
  apiKey: 20,
  name: 'NoOpRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
} as const satisfies MessageSchema
export type NoOpRecord = MessageOf<typeof NoOpRecord>

/** Changes a partition; absent fields are unchanged. Versions 0 to 2, type 5, flexible from 0. */
export const PartitionChangeRecord = {
  apiKey: 5,
  name: 'PartitionChangeRecord',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Index of the partition. */
    partitionId: { type: 'int32', versions: '0+', default: -1 },
    /** Id of the topic. */
    topicId: { type: 'uuid', versions: '0+' },
    /** New replicas in sync; null if unchanged. */
    isr: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+', default: null },
    /** New leader; -1 none, -2 unchanged. */
    leader: { type: 'int32', versions: '0+', tag: 1, tagged: '0+', default: -2 },
    /** New replicas; null if unchanged. */
    replicas: {
      type: '[]int32',
      versions: '0+',
      nullable: '0+',
      tag: 2,
      tagged: '0+',
      default: null,
    },
    /** New set of replicas being removed; null if unchanged. */
    removingReplicas: {
      type: '[]int32',
      versions: '0+',
      nullable: '0+',
      tag: 3,
      tagged: '0+',
      default: null,
    },
    /** New set of replicas being added; null if unchanged. */
    addingReplicas: {
      type: '[]int32',
      versions: '0+',
      nullable: '0+',
      tag: 4,
      tagged: '0+',
      default: null,
    },
    /** New recovery state; -1 if unchanged. */
    leaderRecoveryState: { type: 'int8', versions: '0+', tag: 5, tagged: '0+', default: -1 },
    /** Log directory of each replica. */
    directories: {
      type: '[]uuid',
      versions: '1+',
      nullable: '1+',
      tag: 8,
      tagged: '1+',
      default: null,
    },
    /** Replicas that may become leader without losing records, besides those in sync (KIP-966). */
    eligibleLeaderReplicas: {
      type: '[]int32',
      versions: '2+',
      nullable: '2+',
      tag: 6,
      tagged: '2+',
      default: null,
    },
    /** Last known eligible leader replicas. */
    lastKnownElr: {
      type: '[]int32',
      versions: '2+',
      nullable: '2+',
      tag: 7,
      tagged: '2+',
      default: null,
    },
  },
} as const satisfies MessageSchema
export type PartitionChangeRecord = MessageOf<typeof PartitionChangeRecord>

/**
 * Creates a partition. Versions 0 to 2, type 3, flexible from 0.
 */
export const PartitionRecord = {
  apiKey: 3,
  name: 'PartitionRecord',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Index of the partition. */
    partitionId: { type: 'int32', versions: '0+', default: -1 },
    /** Id of the topic. */
    topicId: { type: 'uuid', versions: '0+' },
    /** Ids of the brokers with a replica, the preferred leader first. */
    replicas: { type: '[]int32', versions: '0+' },
    /** Ids of the replicas in sync. */
    isr: { type: '[]int32', versions: '0+' },
    /** Replicas that a reassignment is removing. */
    removingReplicas: { type: '[]int32', versions: '0+' },
    /** Replicas that a reassignment is adding. */
    addingReplicas: { type: '[]int32', versions: '0+' },
    /** Id of the leader. */
    leader: { type: 'int32', versions: '0+', default: -1 },
    /** 1 while the partition recovers from an unclean election, else 0. */
    leaderRecoveryState: { type: 'int8', versions: '0+', tag: 0, tagged: '0+', default: 0 },
    /** Epoch of the partition's leader; -1 if unknown. */
    leaderEpoch: { type: 'int32', versions: '0+', default: -1 },
    /** Epoch that each change of the partition increments. */
    partitionEpoch: { type: 'int32', versions: '0+', default: -1 },
    /** Log directory of each replica. */
    directories: { type: '[]uuid', versions: '1+' },
    /** Replicas that may become leader without losing records, besides those in sync (KIP-966). */
    eligibleLeaderReplicas: {
      type: '[]int32',
      versions: '2+',
      nullable: '2+',
      tag: 1,
      tagged: '2+',
      default: null,
    },
    /** Last known eligible leader replicas. */
    lastKnownElr: {
      type: '[]int32',
      versions: '2+',
      nullable: '2+',
      tag: 2,
      tagged: '2+',
      default: null,
    },
  },
} as const satisfies MessageSchema
export type PartitionRecord = MessageOf<typeof PartitionRecord>

/**
 * Reserves a block of producer ids (KIP-730). Version 0, type 15, flexible from 0.
 */
export const ProducerIdsRecord = {
  apiKey: 15,
  name: 'ProducerIdsRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    brokerId: { type: 'int32', versions: '0+' },
    /** Epoch of the broker's registration. */
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
    /** First id of the next block. */
    nextProducerId: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ProducerIdsRecord = MessageOf<typeof ProducerIdsRecord>

/**
 * Registers a broker (KIP-631). Versions 0 to 4, type 0, flexible from 0.
 */
export const RegisterBrokerRecord = {
  apiKey: 0,
  name: 'RegisterBrokerRecord',
  versions: '0-4',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    brokerId: { type: 'int32', versions: '0+' },
    /** Whether the broker was in migration from ZooKeeper; always false since 4.0. */
    isMigratingZkBroker: { type: 'bool', versions: '2+', default: false },
    /** Incarnation id, which changes at each start of the process. */
    incarnationId: { type: 'uuid', versions: '0+' },
    /** Epoch of the broker's registration. */
    brokerEpoch: { type: 'int64', versions: '0+' },
    /** Endpoints of the node. */
    endPoints: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the listener. */
        name: { type: 'string', versions: '0+' },
        /** Host name or address. */
        host: { type: 'string', versions: '0+' },
        /** Port. */
        port: { type: 'uint16', versions: '0+' },
        /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
        securityProtocol: { type: 'int16', versions: '0+' },
      },
    },
    /** Features and the levels that the node supports. */
    features: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the feature. */
        name: { type: 'string', versions: '0+' },
        /** Lowest level of the feature that the node supports. */
        minSupportedVersion: { type: 'int16', versions: '0+' },
        /** Highest level of the feature that the node supports. */
        maxSupportedVersion: { type: 'int16', versions: '0+' },
      },
    },
    /** Rack of the node, or null. */
    rack: { type: 'string', versions: '0+', nullable: '0+' },
    /** Whether the broker is fenced. */
    fenced: { type: 'bool', versions: '0+', default: true },
    /** Whether the broker is in controlled shutdown. */
    inControlledShutdown: { type: 'bool', versions: '1+', default: false },
    /** Ids of the log directories that are online. */
    logDirs: { type: '[]uuid', versions: '3+', tag: 0, tagged: '3+' },
    /** Log directories that get no new partitions; null if unchanged or not known yet. */
    cordonedLogDirs: {
      type: '[]uuid',
      versions: '4+',
      nullable: '4+',
      tag: 1,
      tagged: '4+',
      default: null,
    },
  },
} as const satisfies MessageSchema
export type RegisterBrokerRecord = MessageOf<typeof RegisterBrokerRecord>

/**
 * Registers a controller (KIP-919). Version 0, type 27, flexible from 0.
 */
export const RegisterControllerRecord = {
  apiKey: 27,
  name: 'RegisterControllerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the controller. */
    controllerId: { type: 'int32', versions: '0+' },
    /** Incarnation id, which changes at each start of the process. */
    incarnationId: { type: 'uuid', versions: '0+' },
    /** Whether the node was ready to migrate from ZooKeeper; unused since 4.0. */
    zkMigrationReady: { type: 'bool', versions: '0+' },
    /** Endpoints of the node. */
    endPoints: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the listener. */
        name: { type: 'string', versions: '0+' },
        /** Host name or address. */
        host: { type: 'string', versions: '0+' },
        /** Port. */
        port: { type: 'uint16', versions: '0+' },
        /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
        securityProtocol: { type: 'int16', versions: '0+' },
      },
    },
    /** Features and the levels that the node supports. */
    features: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the feature. */
        name: { type: 'string', versions: '0+' },
        /** Lowest level of the feature that the node supports. */
        minSupportedVersion: { type: 'int16', versions: '0+' },
        /** Highest level of the feature that the node supports. */
        maxSupportedVersion: { type: 'int16', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type RegisterControllerRecord = MessageOf<typeof RegisterControllerRecord>

/**
 * Deletes an ACL. Version 0, type 19, flexible from 0.
 */
export const RemoveAccessControlEntryRecord = {
  apiKey: 19,
  name: 'RemoveAccessControlEntryRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the ACL. */
    id: { type: 'uuid', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RemoveAccessControlEntryRecord = MessageOf<typeof RemoveAccessControlEntryRecord>

/**
 * Deletes a delegation token. Version 0, type 26, flexible from 0.
 */
export const RemoveDelegationTokenRecord = {
  apiKey: 26,
  name: 'RemoveDelegationTokenRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the delegation token. */
    tokenId: { type: 'string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RemoveDelegationTokenRecord = MessageOf<typeof RemoveDelegationTokenRecord>

/**
 * Deletes a topic. Version 0, type 9, flexible from 0.
 */
export const RemoveTopicRecord = {
  apiKey: 9,
  name: 'RemoveTopicRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the topic. */
    topicId: { type: 'uuid', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RemoveTopicRecord = MessageOf<typeof RemoveTopicRecord>

/**
 * Deletes a SCRAM credential. Version 0, type 22, flexible from 0.
 */
export const RemoveUserScramCredentialRecord = {
  apiKey: 22,
  name: 'RemoveUserScramCredentialRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Name of the user. */
    name: { type: 'string', versions: '0+' },
    /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
    mechanism: { type: 'int8', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RemoveUserScramCredentialRecord = MessageOf<typeof RemoveUserScramCredentialRecord>

/**
 * Creates a topic. Version 0, type 2, flexible from 0.
 */
export const TopicRecord = {
  apiKey: 2,
  name: 'TopicRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Name of the topic. */
    name: { type: 'string', versions: '0+' },
    /** Id of the topic. */
    topicId: { type: 'uuid', versions: '0+' },
  },
} as const satisfies MessageSchema
export type TopicRecord = MessageOf<typeof TopicRecord>

/**
 * Unfences a broker; replaced by BrokerRegistrationChangeRecord. Version 0, type 8, flexible from
 * 0.
 */
export const UnfenceBrokerRecord = {
  apiKey: 8,
  name: 'UnfenceBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    id: { type: 'int32', versions: '0+' },
    /** Epoch of the broker's registration. */
    epoch: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UnfenceBrokerRecord = MessageOf<typeof UnfenceBrokerRecord>

/**
 * Removes a broker's registration. Version 0, type 1, flexible from 0.
 */
export const UnregisterBrokerRecord = {
  apiKey: 1,
  name: 'UnregisterBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    brokerId: { type: 'int32', versions: '0+' },
    /** Epoch of the broker's registration. */
    brokerEpoch: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterBrokerRecord = MessageOf<typeof UnregisterBrokerRecord>

/**
 * Removes a controller's registration. Version 0, type 29, flexible from 0.
 */
export const UnregisterControllerRecord = {
  apiKey: 29,
  name: 'UnregisterControllerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the controller. */
    controllerId: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterControllerRecord = MessageOf<typeof UnregisterControllerRecord>

/**
 * Creates or replaces a SCRAM credential (KIP-554). Version 0, type 11, flexible from 0.
 */
export const UserScramCredentialRecord = {
  apiKey: 11,
  name: 'UserScramCredentialRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Name of the user. */
    name: { type: 'string', versions: '0+' },
    /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
    mechanism: { type: 'int8', versions: '0+' },
    /** Salt of the SCRAM credential. */
    salt: { type: 'bytes', versions: '0+' },
    /** Stored key of the SCRAM credential (RFC 5802). */
    storedKey: { type: 'bytes', versions: '0+' },
    /** Server key of the SCRAM credential (RFC 5802). */
    serverKey: { type: 'bytes', versions: '0+' },
    /** Number of iterations of the salted password (RFC 5802). */
    iterations: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UserScramCredentialRecord = MessageOf<typeof UserScramCredentialRecord>

/**
 * State of the migration from ZooKeeper; unused since 4.0. Version 0, type 21, flexible from 0.
 */
export const ZkMigrationStateRecord = {
  apiKey: 21,
  name: 'ZkMigrationStateRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    /** State of the migration from ZooKeeper; unused since 4.0. */
    zkMigrationState: { type: 'int8', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ZkMigrationStateRecord = MessageOf<typeof ZkMigrationStateRecord>
