// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* Records of `__cluster_metadata`. `apiKey` is the type in the frame of a record value. */

export const AbortTransactionRecord = {
  apiKey: 25,
  name: 'AbortTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    reason: { type: 'string', versions: '0+', nullable: '0+', tag: 0, tagged: '0+', default: null },
  },
} as const satisfies MessageSchema
export type AbortTransactionRecord = MessageOf<typeof AbortTransactionRecord>

export const AccessControlEntryRecord = {
  apiKey: 18,
  name: 'AccessControlEntryRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    id: { type: 'uuid', versions: '0+' },
    resourceType: { type: 'int8', versions: '0+' },
    resourceName: { type: 'string', versions: '0+' },
    patternType: { type: 'int8', versions: '0+' },
    principal: { type: 'string', versions: '0+' },
    host: { type: 'string', versions: '0+' },
    operation: { type: 'int8', versions: '0+' },
    permissionType: { type: 'int8', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AccessControlEntryRecord = MessageOf<typeof AccessControlEntryRecord>

export const BeginTransactionRecord = {
  apiKey: 23,
  name: 'BeginTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: { type: 'string', versions: '0+', nullable: '0+', tag: 0, tagged: '0+', default: null },
  },
} as const satisfies MessageSchema
export type BeginTransactionRecord = MessageOf<typeof BeginTransactionRecord>

export const BrokerRegistrationChangeRecord = {
  apiKey: 17,
  name: 'BrokerRegistrationChangeRecord',
  versions: '0-3',
  flexible: '0+',
  fields: {
    brokerId: { type: 'int32', versions: '0+' },
    brokerEpoch: { type: 'int64', versions: '0+' },
    fenced: { type: 'int8', versions: '0+', tag: 0, tagged: '0+' },
    inControlledShutdown: { type: 'int8', versions: '1+', tag: 1, tagged: '1+' },
    logDirs: { type: '[]uuid', versions: '2+', tag: 2, tagged: '2+' },
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

export const ClearElrRecord = {
  apiKey: 28,
  name: 'ClearElrRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    topicName: { type: 'string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ClearElrRecord = MessageOf<typeof ClearElrRecord>

export const ClientQuotaRecord = {
  apiKey: 14,
  name: 'ClientQuotaRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    entity: {
      type: '[]',
      versions: '0+',
      fields: {
        entityType: { type: 'string', versions: '0+' },
        entityName: { type: 'string', versions: '0+', nullable: '0+' },
      },
    },
    key: { type: 'string', versions: '0+' },
    value: { type: 'float64', versions: '0+' },
    remove: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ClientQuotaRecord = MessageOf<typeof ClientQuotaRecord>

export const ConfigRecord = {
  apiKey: 4,
  name: 'ConfigRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    resourceType: { type: 'int8', versions: '0+' },
    resourceName: { type: 'string', versions: '0+' },
    name: { type: 'string', versions: '0+' },
    value: { type: 'string', versions: '0+', nullable: '0+' },
  },
} as const satisfies MessageSchema
export type ConfigRecord = MessageOf<typeof ConfigRecord>

export const DelegationTokenRecord = {
  apiKey: 10,
  name: 'DelegationTokenRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    owner: { type: 'string', versions: '0+' },
    requester: { type: 'string', versions: '0+' },
    renewers: { type: '[]string', versions: '0+' },
    issueTimestamp: { type: 'int64', versions: '0+' },
    maxTimestamp: { type: 'int64', versions: '0+' },
    expirationTimestamp: { type: 'int64', versions: '0+' },
    tokenId: { type: 'string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DelegationTokenRecord = MessageOf<typeof DelegationTokenRecord>

export const EndTransactionRecord = {
  apiKey: 24,
  name: 'EndTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
} as const satisfies MessageSchema
export type EndTransactionRecord = MessageOf<typeof EndTransactionRecord>

export const FeatureLevelRecord = {
  apiKey: 12,
  name: 'FeatureLevelRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: { type: 'string', versions: '0+' },
    featureLevel: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type FeatureLevelRecord = MessageOf<typeof FeatureLevelRecord>

export const FenceBrokerRecord = {
  apiKey: 7,
  name: 'FenceBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    id: { type: 'int32', versions: '0+' },
    epoch: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type FenceBrokerRecord = MessageOf<typeof FenceBrokerRecord>

export const NoOpRecord = {
  apiKey: 20,
  name: 'NoOpRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
} as const satisfies MessageSchema
export type NoOpRecord = MessageOf<typeof NoOpRecord>

export const PartitionChangeRecord = {
  apiKey: 5,
  name: 'PartitionChangeRecord',
  versions: '0-2',
  flexible: '0+',
  fields: {
    partitionId: { type: 'int32', versions: '0+', default: -1 },
    topicId: { type: 'uuid', versions: '0+' },
    isr: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+', default: null },
    leader: { type: 'int32', versions: '0+', tag: 1, tagged: '0+', default: -2 },
    replicas: {
      type: '[]int32',
      versions: '0+',
      nullable: '0+',
      tag: 2,
      tagged: '0+',
      default: null,
    },
    removingReplicas: {
      type: '[]int32',
      versions: '0+',
      nullable: '0+',
      tag: 3,
      tagged: '0+',
      default: null,
    },
    addingReplicas: {
      type: '[]int32',
      versions: '0+',
      nullable: '0+',
      tag: 4,
      tagged: '0+',
      default: null,
    },
    leaderRecoveryState: { type: 'int8', versions: '0+', tag: 5, tagged: '0+', default: -1 },
    directories: {
      type: '[]uuid',
      versions: '1+',
      nullable: '1+',
      tag: 8,
      tagged: '1+',
      default: null,
    },
    eligibleLeaderReplicas: {
      type: '[]int32',
      versions: '2+',
      nullable: '2+',
      tag: 6,
      tagged: '2+',
      default: null,
    },
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

export const PartitionRecord = {
  apiKey: 3,
  name: 'PartitionRecord',
  versions: '0-2',
  flexible: '0+',
  fields: {
    partitionId: { type: 'int32', versions: '0+', default: -1 },
    topicId: { type: 'uuid', versions: '0+' },
    replicas: { type: '[]int32', versions: '0+' },
    isr: { type: '[]int32', versions: '0+' },
    removingReplicas: { type: '[]int32', versions: '0+' },
    addingReplicas: { type: '[]int32', versions: '0+' },
    leader: { type: 'int32', versions: '0+', default: -1 },
    leaderRecoveryState: { type: 'int8', versions: '0+', tag: 0, tagged: '0+', default: 0 },
    leaderEpoch: { type: 'int32', versions: '0+', default: -1 },
    partitionEpoch: { type: 'int32', versions: '0+', default: -1 },
    directories: { type: '[]uuid', versions: '1+' },
    eligibleLeaderReplicas: {
      type: '[]int32',
      versions: '2+',
      nullable: '2+',
      tag: 1,
      tagged: '2+',
      default: null,
    },
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

export const ProducerIdsRecord = {
  apiKey: 15,
  name: 'ProducerIdsRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    brokerId: { type: 'int32', versions: '0+' },
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
    nextProducerId: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ProducerIdsRecord = MessageOf<typeof ProducerIdsRecord>

export const RegisterBrokerRecord = {
  apiKey: 0,
  name: 'RegisterBrokerRecord',
  versions: '0-4',
  flexible: '0+',
  fields: {
    brokerId: { type: 'int32', versions: '0+' },
    isMigratingZkBroker: { type: 'bool', versions: '2+', default: false },
    incarnationId: { type: 'uuid', versions: '0+' },
    brokerEpoch: { type: 'int64', versions: '0+' },
    endPoints: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        host: { type: 'string', versions: '0+' },
        port: { type: 'uint16', versions: '0+' },
        securityProtocol: { type: 'int16', versions: '0+' },
      },
    },
    features: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        minSupportedVersion: { type: 'int16', versions: '0+' },
        maxSupportedVersion: { type: 'int16', versions: '0+' },
      },
    },
    rack: { type: 'string', versions: '0+', nullable: '0+' },
    fenced: { type: 'bool', versions: '0+', default: true },
    inControlledShutdown: { type: 'bool', versions: '1+', default: false },
    logDirs: { type: '[]uuid', versions: '3+', tag: 0, tagged: '3+' },
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

export const RegisterControllerRecord = {
  apiKey: 27,
  name: 'RegisterControllerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    controllerId: { type: 'int32', versions: '0+' },
    incarnationId: { type: 'uuid', versions: '0+' },
    zkMigrationReady: { type: 'bool', versions: '0+' },
    endPoints: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        host: { type: 'string', versions: '0+' },
        port: { type: 'uint16', versions: '0+' },
        securityProtocol: { type: 'int16', versions: '0+' },
      },
    },
    features: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        minSupportedVersion: { type: 'int16', versions: '0+' },
        maxSupportedVersion: { type: 'int16', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type RegisterControllerRecord = MessageOf<typeof RegisterControllerRecord>

export const RemoveAccessControlEntryRecord = {
  apiKey: 19,
  name: 'RemoveAccessControlEntryRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    id: { type: 'uuid', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RemoveAccessControlEntryRecord = MessageOf<typeof RemoveAccessControlEntryRecord>

export const RemoveDelegationTokenRecord = {
  apiKey: 26,
  name: 'RemoveDelegationTokenRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    tokenId: { type: 'string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RemoveDelegationTokenRecord = MessageOf<typeof RemoveDelegationTokenRecord>

export const RemoveTopicRecord = {
  apiKey: 9,
  name: 'RemoveTopicRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    topicId: { type: 'uuid', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RemoveTopicRecord = MessageOf<typeof RemoveTopicRecord>

export const RemoveUserScramCredentialRecord = {
  apiKey: 22,
  name: 'RemoveUserScramCredentialRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: { type: 'string', versions: '0+' },
    mechanism: { type: 'int8', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RemoveUserScramCredentialRecord = MessageOf<typeof RemoveUserScramCredentialRecord>

export const TopicRecord = {
  apiKey: 2,
  name: 'TopicRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: { type: 'string', versions: '0+' },
    topicId: { type: 'uuid', versions: '0+' },
  },
} as const satisfies MessageSchema
export type TopicRecord = MessageOf<typeof TopicRecord>

export const UnfenceBrokerRecord = {
  apiKey: 8,
  name: 'UnfenceBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    id: { type: 'int32', versions: '0+' },
    epoch: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UnfenceBrokerRecord = MessageOf<typeof UnfenceBrokerRecord>

export const UnregisterBrokerRecord = {
  apiKey: 1,
  name: 'UnregisterBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    brokerId: { type: 'int32', versions: '0+' },
    brokerEpoch: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterBrokerRecord = MessageOf<typeof UnregisterBrokerRecord>

export const UnregisterControllerRecord = {
  apiKey: 29,
  name: 'UnregisterControllerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    controllerId: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterControllerRecord = MessageOf<typeof UnregisterControllerRecord>

export const UserScramCredentialRecord = {
  apiKey: 11,
  name: 'UserScramCredentialRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: { type: 'string', versions: '0+' },
    mechanism: { type: 'int8', versions: '0+' },
    salt: { type: 'bytes', versions: '0+' },
    storedKey: { type: 'bytes', versions: '0+' },
    serverKey: { type: 'bytes', versions: '0+' },
    iterations: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UserScramCredentialRecord = MessageOf<typeof UserScramCredentialRecord>

export const ZkMigrationStateRecord = {
  apiKey: 21,
  name: 'ZkMigrationStateRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    zkMigrationState: { type: 'int8', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ZkMigrationStateRecord = MessageOf<typeof ZkMigrationStateRecord>
