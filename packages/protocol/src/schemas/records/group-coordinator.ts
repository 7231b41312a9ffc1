// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* Records of `__consumer_offsets`. `apiKey` is the record type that opens a key. */

/**
 * Current assignment of a member of a consumer group (KIP-848). Key of the record. Version 0, type
 * 8.
 */
export const ConsumerGroupCurrentMemberAssignmentKey = {
  apiKey: 8,
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupCurrentMemberAssignmentKey = MessageOf<
  typeof ConsumerGroupCurrentMemberAssignmentKey
>

/**
 * Current assignment of a member of a consumer group (KIP-848). Value of the record. Version 0,
 * type 8, flexible from 0.
 */
export const ConsumerGroupCurrentMemberAssignmentValue = {
  apiKey: 8,
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Epoch of the member; commits and heartbeats with another one are fenced. */
    memberEpoch: { type: 'int32', versions: '0+' },
    /** Previous epoch, accepted from a member that missed the last response. */
    previousMemberEpoch: { type: 'int32', versions: '0+' },
    /** State of the member, by its number. */
    state: { type: 'int8', versions: '0+' },
    /** Partitions assigned to the member. */
    assignedPartitions: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
        /**
         * For each partition the member epoch at which it was assigned; fences commits of earlier
         * owners.
         */
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    /** Partitions that the member must revoke. */
    partitionsPendingRevocation: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
        /**
         * For each partition the member epoch at which it was assigned; fences commits of earlier
         * owners.
         */
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupCurrentMemberAssignmentValue = MessageOf<
  typeof ConsumerGroupCurrentMemberAssignmentValue
>

/**
 * A member of a consumer group (KIP-848). Key of the record. Version 0, type 5.
 */
export const ConsumerGroupMemberMetadataKey = {
  apiKey: 5,
  name: 'ConsumerGroupMemberMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupMemberMetadataKey = MessageOf<typeof ConsumerGroupMemberMetadataKey>

/**
 * A member of a consumer group (KIP-848). Value of the record. Version 0, type 5, flexible from 0.
 */
export const ConsumerGroupMemberMetadataValue = {
  apiKey: 5,
  name: 'ConsumerGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Name of a static member (KIP-345), or null. */
    instanceId: { type: 'string', versions: '0+', nullable: '0+' },
    /** Rack of the client, or null. */
    rackId: { type: 'string', versions: '0+', nullable: '0+' },
    /** Client id of the member's requests. */
    clientId: { type: 'string', versions: '0+' },
    /** Host of the client, as the broker saw it. */
    clientHost: { type: 'string', versions: '0+' },
    /** Topics that the member subscribes to. */
    subscribedTopicNames: { type: '[]string', versions: '0+' },
    /** Pattern of topics that the member subscribes to, or null. */
    subscribedTopicRegex: { type: 'string', versions: '0+', nullable: '0+' },
    /** Maximum time that a rebalance waits for the member. */
    rebalanceTimeoutMs: { type: 'int32', versions: '0+', default: -1 },
    /** Assignor that the broker uses; null for its default. */
    serverAssignor: { type: 'string', versions: '0+', nullable: '0+' },
    /** Classic protocol state of the member; null for members of the consumer protocol. */
    classicMemberMetadata: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      tag: 0,
      tagged: '0+',
      fields: {
        /** Time without a heartbeat after which the member is removed. */
        sessionTimeoutMs: { type: 'int32', versions: '0+' },
        /** Protocols that the member supports, in order of preference. */
        supportedProtocols: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the protocol, for consumers that of the assignor. */
            name: { type: 'string', versions: '0+' },
            /** Subscription of the member, in the bytes of the protocol. */
            metadata: { type: 'bytes', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupMemberMetadataValue = MessageOf<typeof ConsumerGroupMemberMetadataValue>

/**
 * A consumer group and its epoch (KIP-848). Key of the record. Version 0, type 3.
 */
export const ConsumerGroupMetadataKey = {
  apiKey: 3,
  name: 'ConsumerGroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupMetadataKey = MessageOf<typeof ConsumerGroupMetadataKey>

/**
 * A consumer group and its epoch (KIP-848). Value of the record. Version 0, type 3, flexible from
 * 0.
 */
export const ConsumerGroupMetadataValue = {
  apiKey: 3,
  name: 'ConsumerGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Epoch of the group. */
    epoch: { type: 'int32', versions: '0+' },
    /** Hash of the topics that the group reads; a change triggers a new assignment. */
    metadataHash: { type: 'int64', versions: '0+', tag: 0, tagged: '0+', default: 0n },
  },
} as const satisfies MessageSchema
export type ConsumerGroupMetadataValue = MessageOf<typeof ConsumerGroupMetadataValue>

/**
 * Topics of a consumer group; no longer written since 4.1 (KIP-848). Key of the record. Version 0,
 * type 4.
 */
export const ConsumerGroupPartitionMetadataKey = {
  apiKey: 4,
  name: 'ConsumerGroupPartitionMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupPartitionMetadataKey = MessageOf<typeof ConsumerGroupPartitionMetadataKey>

/**
 * Topics of a consumer group; no longer written since 4.1 (KIP-848). Value of the record. Version
 * 0, type 4, flexible from 0.
 */
export const ConsumerGroupPartitionMetadataValue = {
  apiKey: 4,
  name: 'ConsumerGroupPartitionMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Name of the topic. */
        topicName: { type: 'string', versions: '0+' },
        /** Number of partitions. */
        numPartitions: { type: 'int32', versions: '0+' },
        /** Racks of the partitions; unused since 4.0. */
        partitionMetadata: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partition: { type: 'int32', versions: '0+' },
            /** Racks of the partition's replicas. */
            racks: { type: '[]string', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupPartitionMetadataValue = MessageOf<
  typeof ConsumerGroupPartitionMetadataValue
>

/**
 * Topics that a subscription pattern matched (KIP-848). Key of the record. Version 0, type 16.
 */
export const ConsumerGroupRegularExpressionKey = {
  apiKey: 16,
  name: 'ConsumerGroupRegularExpressionKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Regular expression of a subscription. */
    regularExpression: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupRegularExpressionKey = MessageOf<typeof ConsumerGroupRegularExpressionKey>

/**
 * Topics that a subscription pattern matched (KIP-848). Value of the record. Version 0, type 16,
 * flexible from 0.
 */
export const ConsumerGroupRegularExpressionValue = {
  apiKey: 16,
  name: 'ConsumerGroupRegularExpressionValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** One entry per topic. */
    topics: { type: '[]string', versions: '0+' },
    /** Version of the record's format. */
    version: { type: 'int64', versions: '0+' },
    /** Milliseconds since 1970. */
    timestamp: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupRegularExpressionValue = MessageOf<
  typeof ConsumerGroupRegularExpressionValue
>

/**
 * Target assignment of a member of a consumer group (KIP-848). Key of the record. Version 0, type
 * 7.
 */
export const ConsumerGroupTargetAssignmentMemberKey = {
  apiKey: 7,
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupTargetAssignmentMemberKey = MessageOf<
  typeof ConsumerGroupTargetAssignmentMemberKey
>

/**
 * Target assignment of a member of a consumer group (KIP-848). Value of the record. Version 0, type
 * 7, flexible from 0.
 */
export const ConsumerGroupTargetAssignmentMemberValue = {
  apiKey: 7,
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Topics, by id, with their partitions. */
    topicPartitions: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupTargetAssignmentMemberValue = MessageOf<
  typeof ConsumerGroupTargetAssignmentMemberValue
>

/**
 * Epoch of a consumer group's target assignment (KIP-848). Key of the record. Version 0, type 6.
 */
export const ConsumerGroupTargetAssignmentMetadataKey = {
  apiKey: 6,
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupTargetAssignmentMetadataKey = MessageOf<
  typeof ConsumerGroupTargetAssignmentMetadataKey
>

/**
 * Epoch of a consumer group's target assignment (KIP-848). Value of the record. Version 0, type 6,
 * flexible from 0.
 */
export const ConsumerGroupTargetAssignmentMetadataValue = {
  apiKey: 6,
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Group epoch that the target assignment belongs to. */
    assignmentEpoch: { type: 'int32', versions: '0+' },
    /** When the assignment was computed, milliseconds since 1970. */
    assignmentTimestamp: {
      type: 'int64',
      versions: '0+',
      tag: 0,
      tagged: '0+',
      default: 0n,
      ignorable: true,
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupTargetAssignmentMetadataValue = MessageOf<
  typeof ConsumerGroupTargetAssignmentMetadataValue
>

/**
 * A classic group with its members. Key of the record. Version 0, type 2.
 */
export const GroupMetadataKey = {
  apiKey: 2,
  name: 'GroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    group: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type GroupMetadataKey = MessageOf<typeof GroupMetadataKey>

/**
 * A classic group with its members. Value of the record. Versions 0 to 4, type 2, flexible from 4.
 */
export const GroupMetadataValue = {
  apiKey: 2,
  name: 'GroupMetadataValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    /** Protocol type, such as `consumer` or `connect`. */
    protocolType: { type: 'string', versions: '0+' },
    /** Generation of the group. */
    generation: { type: 'int32', versions: '0+' },
    /** Protocol that the group uses. */
    protocol: { type: 'string', versions: '0+', nullable: '0+' },
    /** Member id of the group's leader, or null. */
    leader: { type: 'string', versions: '0+', nullable: '0+' },
    /** When the group entered its state, milliseconds since 1970. */
    currentStateTimestamp: { type: 'int64', versions: '2+', default: -1n, ignorable: true },
    /** Members of the group. */
    members: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the member. */
        memberId: { type: 'string', versions: '0+' },
        /** Name of a static member (KIP-345), or null. */
        groupInstanceId: {
          type: 'string',
          versions: '3+',
          nullable: '3+',
          default: null,
          ignorable: true,
        },
        /** Client id of the member's requests. */
        clientId: { type: 'string', versions: '0+' },
        /** Host of the client, as the broker saw it. */
        clientHost: { type: 'string', versions: '0+' },
        /** Maximum time that a rebalance waits for the member, milliseconds. */
        rebalanceTimeout: { type: 'int32', versions: '1+', default: -1, ignorable: true },
        /** Time without a heartbeat after which the member is removed, milliseconds. */
        sessionTimeout: { type: 'int32', versions: '0+' },
        /** Subscription of the member, in the bytes of the protocol. */
        subscription: { type: 'bytes', versions: '0+' },
        /** Assignment of this member, in the bytes of the protocol. */
        assignment: { type: 'bytes', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type GroupMetadataValue = MessageOf<typeof GroupMetadataValue>

/**
 * A committed offset, as brokers before 2.1 wrote it. Key of the record.
 * Version 0, type 0.
 */
export const LegacyOffsetCommitKey = {
  apiKey: 0,
  name: 'LegacyOffsetCommitKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    group: { type: 'string', versions: '0' },
    /** Name of the topic. */
    topic: { type: 'string', versions: '0' },
    /** Index of the partition. */
    partition: { type: 'int32', versions: '0' },
  },
} as const satisfies MessageSchema
export type LegacyOffsetCommitKey = MessageOf<typeof LegacyOffsetCommitKey>

/**
 * A committed offset, as brokers before 2.1 wrote it. Value of the record.
 * Version 0, type 0.
 */
export const LegacyOffsetCommitValue = {
  apiKey: 0,
  name: 'LegacyOffsetCommitValue',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Offset of the next record to read. */
    offset: { type: 'int64', versions: '0' },
    /** Metadata that the client stored with the offset. */
    metadata: { type: 'string', versions: '0' },
    /** When the offset was committed, milliseconds since 1970. */
    commitTimestamp: { type: 'int64', versions: '0' },
  },
} as const satisfies MessageSchema
export type LegacyOffsetCommitValue = MessageOf<typeof LegacyOffsetCommitValue>

/**
 * A committed offset. Key of the record. Version 0, type 1.
 */
export const OffsetCommitKey = {
  apiKey: 1,
  name: 'OffsetCommitKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    group: { type: 'string', versions: '0' },
    /** Name of the topic. */
    topic: { type: 'string', versions: '0' },
    /** Index of the partition. */
    partition: { type: 'int32', versions: '0' },
  },
} as const satisfies MessageSchema
export type OffsetCommitKey = MessageOf<typeof OffsetCommitKey>

/**
 * A committed offset. Value of the record. Versions 0 to 4, type 1, flexible from 4.
 */
export const OffsetCommitValue = {
  apiKey: 1,
  name: 'OffsetCommitValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    /** Offset of the next record to read. */
    offset: { type: 'int64', versions: '0+' },
    /** Epoch of the partition's leader; -1 if unknown. */
    leaderEpoch: { type: 'int32', versions: '3+', default: -1, ignorable: true },
    /** Metadata that the client stored with the offset. */
    metadata: { type: 'string', versions: '0+' },
    /** When the offset was committed, milliseconds since 1970. */
    commitTimestamp: { type: 'int64', versions: '0+' },
    /** When the offset expires, milliseconds since 1970; -1 for the broker's retention. */
    expireTimestamp: { type: 'int64', versions: '1', default: -1n, ignorable: true },
    /** Id of the topic. */
    topicId: { type: 'uuid', versions: '4+', tag: 0, tagged: '4+', ignorable: true },
  },
} as const satisfies MessageSchema
export type OffsetCommitValue = MessageOf<typeof OffsetCommitValue>

/**
 * Current assignment of a member of a share group (KIP-932). Key of the record. Version 0, type 14.
 */
export const ShareGroupCurrentMemberAssignmentKey = {
  apiKey: 14,
  name: 'ShareGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupCurrentMemberAssignmentKey = MessageOf<
  typeof ShareGroupCurrentMemberAssignmentKey
>

/**
 * Current assignment of a member of a share group (KIP-932). Value of the record. Version 0, type
 * 14, flexible from 0.
 */
export const ShareGroupCurrentMemberAssignmentValue = {
  apiKey: 14,
  name: 'ShareGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Epoch of the member; commits and heartbeats with another one are fenced. */
    memberEpoch: { type: 'int32', versions: '0+' },
    /** Previous epoch, accepted from a member that missed the last response. */
    previousMemberEpoch: { type: 'int32', versions: '0+' },
    /** State of the member, by its number. */
    state: { type: 'int8', versions: '0+' },
    /** Partitions assigned to the member. */
    assignedPartitions: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareGroupCurrentMemberAssignmentValue = MessageOf<
  typeof ShareGroupCurrentMemberAssignmentValue
>

/**
 * A member of a share group (KIP-932). Key of the record. Version 0, type 10.
 */
export const ShareGroupMemberMetadataKey = {
  apiKey: 10,
  name: 'ShareGroupMemberMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupMemberMetadataKey = MessageOf<typeof ShareGroupMemberMetadataKey>

/**
 * A member of a share group (KIP-932). Value of the record. Version 0, type 10, flexible from 0.
 */
export const ShareGroupMemberMetadataValue = {
  apiKey: 10,
  name: 'ShareGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Rack of the client, or null. */
    rackId: { type: 'string', versions: '0+', nullable: '0+' },
    /** Client id of the member's requests. */
    clientId: { type: 'string', versions: '0+' },
    /** Host of the client, as the broker saw it. */
    clientHost: { type: 'string', versions: '0+' },
    /** Topics that the member subscribes to. */
    subscribedTopicNames: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ShareGroupMemberMetadataValue = MessageOf<typeof ShareGroupMemberMetadataValue>

/**
 * A share group and its epoch (KIP-932). Key of the record. Version 0, type 11.
 */
export const ShareGroupMetadataKey = {
  apiKey: 11,
  name: 'ShareGroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupMetadataKey = MessageOf<typeof ShareGroupMetadataKey>

/**
 * A share group and its epoch (KIP-932). Value of the record. Version 0, type 11, flexible from 0.
 */
export const ShareGroupMetadataValue = {
  apiKey: 11,
  name: 'ShareGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Epoch of the group. */
    epoch: { type: 'int32', versions: '0+' },
    /** Hash of the topics that the group reads; a change triggers a new assignment. */
    metadataHash: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ShareGroupMetadataValue = MessageOf<typeof ShareGroupMetadataValue>

/**
 * Share partitions whose state exists, is being created or deleted (KIP-932). Key of the record.
 * Version 0, type 15.
 */
export const ShareGroupStatePartitionMetadataKey = {
  apiKey: 15,
  name: 'ShareGroupStatePartitionMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupStatePartitionMetadataKey = MessageOf<
  typeof ShareGroupStatePartitionMetadataKey
>

/**
 * Share partitions whose state exists, is being created or deleted (KIP-932). Value of the record.
 * Version 0, type 15, flexible from 0.
 */
export const ShareGroupStatePartitionMetadataValue = {
  apiKey: 15,
  name: 'ShareGroupStatePartitionMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Topics whose share state is being created. */
    initializingTopics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Name of the topic. */
        topicName: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Topics whose share state exists. */
    initializedTopics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Name of the topic. */
        topicName: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Topics whose share state is being deleted. */
    deletingTopics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Name of the topic. */
        topicName: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareGroupStatePartitionMetadataValue = MessageOf<
  typeof ShareGroupStatePartitionMetadataValue
>

/**
 * Target assignment of a member of a share group (KIP-932). Key of the record. Version 0, type 13.
 */
export const ShareGroupTargetAssignmentMemberKey = {
  apiKey: 13,
  name: 'ShareGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupTargetAssignmentMemberKey = MessageOf<
  typeof ShareGroupTargetAssignmentMemberKey
>

/**
 * Target assignment of a member of a share group (KIP-932). Value of the record. Version 0, type
 * 13, flexible from 0.
 */
export const ShareGroupTargetAssignmentMemberValue = {
  apiKey: 13,
  name: 'ShareGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Topics, by id, with their partitions. */
    topicPartitions: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareGroupTargetAssignmentMemberValue = MessageOf<
  typeof ShareGroupTargetAssignmentMemberValue
>

/**
 * Epoch of a share group's target assignment (KIP-932). Key of the record. Version 0, type 12.
 */
export const ShareGroupTargetAssignmentMetadataKey = {
  apiKey: 12,
  name: 'ShareGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupTargetAssignmentMetadataKey = MessageOf<
  typeof ShareGroupTargetAssignmentMetadataKey
>

/**
 * Epoch of a share group's target assignment (KIP-932). Value of the record. Version 0, type 12,
 * flexible from 0.
 */
export const ShareGroupTargetAssignmentMetadataValue = {
  apiKey: 12,
  name: 'ShareGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Group epoch that the target assignment belongs to. */
    assignmentEpoch: { type: 'int32', versions: '0+' },
    /** When the assignment was computed, milliseconds since 1970. */
    assignmentTimestamp: {
      type: 'int64',
      versions: '0+',
      tag: 0,
      tagged: '0+',
      default: 0n,
      ignorable: true,
    },
  },
} as const satisfies MessageSchema
export type ShareGroupTargetAssignmentMetadataValue = MessageOf<
  typeof ShareGroupTargetAssignmentMetadataValue
>

/**
 * Current assignment of a member of a streams group (KIP-1071). Key of the record. Version 0, type
 * 22.
 */
export const StreamsGroupCurrentMemberAssignmentKey = {
  apiKey: 22,
  name: 'StreamsGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupCurrentMemberAssignmentKey = MessageOf<
  typeof StreamsGroupCurrentMemberAssignmentKey
>

/**
 * Current assignment of a member of a streams group (KIP-1071). Value of the record. Version 0,
 * type 22, flexible from 0.
 */
export const StreamsGroupCurrentMemberAssignmentValue = {
  apiKey: 22,
  name: 'StreamsGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Epoch of the member; commits and heartbeats with another one are fenced. */
    memberEpoch: { type: 'int32', versions: '0+' },
    /** Previous epoch, accepted from a member that missed the last response. */
    previousMemberEpoch: { type: 'int32', versions: '0+' },
    /** State of the member, by its number. */
    state: { type: 'int8', versions: '0+' },
    /** Active tasks of the member. */
    activeTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
        /**
         * For each partition the member epoch at which it was assigned; fences commits of earlier
         * owners.
         */
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    /** Standby tasks: the member keeps their state up to date without processing. */
    standbyTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
        /**
         * For each partition the member epoch at which it was assigned; fences commits of earlier
         * owners.
         */
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    /** Warm-up tasks: the member restores their state before it takes them over. */
    warmupTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
        /**
         * For each partition the member epoch at which it was assigned; fences commits of earlier
         * owners.
         */
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    /** Active tasks that the member must revoke. */
    activeTasksPendingRevocation: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
        /**
         * For each partition the member epoch at which it was assigned; fences commits of earlier
         * owners.
         */
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    /** Standby tasks that the member must revoke. */
    standbyTasksPendingRevocation: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
        /**
         * For each partition the member epoch at which it was assigned; fences commits of earlier
         * owners.
         */
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    /** Warm-up tasks that the member must revoke. */
    warmupTasksPendingRevocation: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
        /**
         * For each partition the member epoch at which it was assigned; fences commits of earlier
         * owners.
         */
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupCurrentMemberAssignmentValue = MessageOf<
  typeof StreamsGroupCurrentMemberAssignmentValue
>

/**
 * A member of a streams group (KIP-1071). Key of the record. Version 0, type 19.
 */
export const StreamsGroupMemberMetadataKey = {
  apiKey: 19,
  name: 'StreamsGroupMemberMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupMemberMetadataKey = MessageOf<typeof StreamsGroupMemberMetadataKey>

/**
 * A member of a streams group (KIP-1071). Value of the record. Version 0, type 19, flexible from 0.
 */
export const StreamsGroupMemberMetadataValue = {
  apiKey: 19,
  name: 'StreamsGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Name of a static member (KIP-345), or null. */
    instanceId: { type: 'string', versions: '0+', nullable: '0+' },
    /** Rack of the client, or null. */
    rackId: { type: 'string', versions: '0+', nullable: '0+' },
    /** Client id of the member's requests. */
    clientId: { type: 'string', versions: '0+' },
    /** Host of the client, as the broker saw it. */
    clientHost: { type: 'string', versions: '0+' },
    /** Maximum time that a rebalance waits for the member. */
    rebalanceTimeoutMs: { type: 'int32', versions: '0+', default: -1 },
    /** Version of the application's topology. */
    topologyEpoch: { type: 'int32', versions: '0+' },
    /** Id of the process, which may have several members. */
    processId: { type: 'string', versions: '0+' },
    /** Address of the instance for interactive queries, or null. */
    userEndpoint: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Host name or address. */
        host: { type: 'string', versions: '0+' },
        /** Port. */
        port: { type: 'uint16', versions: '0+' },
      },
    },
    /** Tags for rack-aware placement of standby tasks. */
    clientTags: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the tag. */
        key: { type: 'string', versions: '0+' },
        /** Value of the tag. */
        value: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupMemberMetadataValue = MessageOf<typeof StreamsGroupMemberMetadataValue>

/**
 * A streams group and its epoch (KIP-1071). Key of the record. Version 0, type 17.
 */
export const StreamsGroupMetadataKey = {
  apiKey: 17,
  name: 'StreamsGroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupMetadataKey = MessageOf<typeof StreamsGroupMetadataKey>

/**
 * A streams group and its epoch (KIP-1071). Value of the record. Version 0, type 17, flexible from
 * 0.
 */
export const StreamsGroupMetadataValue = {
  apiKey: 17,
  name: 'StreamsGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Epoch of the group. */
    epoch: { type: 'int32', versions: '0+' },
    /** Hash of the topics that the group reads; a change triggers a new assignment. */
    metadataHash: { type: 'int64', versions: '0+' },
    /** Topology epoch whose topics were found to exist. */
    validatedTopologyEpoch: { type: 'int32', versions: '0+', tag: 0, tagged: '0+', default: -1 },
    /** Settings used for the last assignment. */
    lastAssignmentConfigs: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      tag: 1,
      tagged: '0+',
      fields: {
        /** Key of the setting. */
        key: { type: 'string', versions: '0+' },
        /** Value of the setting. */
        value: { type: 'string', versions: '0+' },
      },
    },
    /** Topology epoch of the description that the plug-in has; -1 none, -2 uncertain. */
    storedDescriptionTopologyEpoch: {
      type: 'int32',
      versions: '0+',
      tag: 2,
      tagged: '0+',
      default: -1,
    },
    /** Topology epoch whose description the plug-in permanently rejected. */
    failedDescriptionTopologyEpoch: {
      type: 'int32',
      versions: '0+',
      tag: 3,
      tagged: '0+',
      default: -1,
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupMetadataValue = MessageOf<typeof StreamsGroupMetadataValue>

/**
 * Target assignment of a member of a streams group (KIP-1071). Key of the record. Version 0, type
 * 21.
 */
export const StreamsGroupTargetAssignmentMemberKey = {
  apiKey: 21,
  name: 'StreamsGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupTargetAssignmentMemberKey = MessageOf<
  typeof StreamsGroupTargetAssignmentMemberKey
>

/**
 * Target assignment of a member of a streams group (KIP-1071). Value of the record. Version 0, type
 * 21, flexible from 0.
 */
export const StreamsGroupTargetAssignmentMemberValue = {
  apiKey: 21,
  name: 'StreamsGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Active tasks of the member. */
    activeTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Standby tasks: the member keeps their state up to date without processing. */
    standbyTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Warm-up tasks: the member restores their state before it takes them over. */
    warmupTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupTargetAssignmentMemberValue = MessageOf<
  typeof StreamsGroupTargetAssignmentMemberValue
>

/**
 * Epoch of a streams group's target assignment (KIP-1071). Key of the record. Version 0, type 20.
 */
export const StreamsGroupTargetAssignmentMetadataKey = {
  apiKey: 20,
  name: 'StreamsGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupTargetAssignmentMetadataKey = MessageOf<
  typeof StreamsGroupTargetAssignmentMetadataKey
>

/**
 * Epoch of a streams group's target assignment (KIP-1071). Value of the record. Version 0, type 20,
 * flexible from 0.
 */
export const StreamsGroupTargetAssignmentMetadataValue = {
  apiKey: 20,
  name: 'StreamsGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Group epoch that the target assignment belongs to. */
    assignmentEpoch: { type: 'int32', versions: '0+' },
    /** When the assignment was computed, milliseconds since 1970. */
    assignmentTimestamp: {
      type: 'int64',
      versions: '0+',
      tag: 0,
      tagged: '0+',
      default: 0n,
      ignorable: true,
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupTargetAssignmentMetadataValue = MessageOf<
  typeof StreamsGroupTargetAssignmentMetadataValue
>

/**
 * Topology of a streams group (KIP-1071). Key of the record. Version 0, type 23.
 */
export const StreamsGroupTopologyKey = {
  apiKey: 23,
  name: 'StreamsGroupTopologyKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupTopologyKey = MessageOf<typeof StreamsGroupTopologyKey>

/**
 * Topology of a streams group (KIP-1071). Value of the record. Version 0, type 23, flexible from 0.
 */
export const StreamsGroupTopologyValue = {
  apiKey: 23,
  name: 'StreamsGroupTopologyValue',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Version of the application's topology. */
    epoch: { type: 'int32', versions: '0+' },
    /** Parts of the topology that are not connected to each other. */
    subtopologies: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Topics that are read. */
        sourceTopics: { type: '[]string', versions: '0+' },
        /** Patterns of the topics that the subtopology reads. */
        sourceTopicRegex: { type: '[]string', versions: '0+' },
        /** Changelog topics of the subtopology's stores. */
        stateChangelogTopics: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the topic. */
            name: { type: 'string', versions: '0+' },
            /** Partitions of the topic. */
            partitions: { type: 'int32', versions: '0+' },
            /** Number of replicas of each partition. */
            replicationFactor: { type: 'int16', versions: '0+' },
            /** Configuration of the topic. */
            topicConfigs: {
              type: '[]',
              versions: '0+',
              fields: {
                /** Key of the setting. */
                key: { type: 'string', versions: '0+' },
                /** Value of the setting. */
                value: { type: 'string', versions: '0+' },
              },
            },
          },
        },
        /** Repartition topics that the subtopology writes. */
        repartitionSinkTopics: { type: '[]string', versions: '0+' },
        /** Repartition topics that the subtopology reads. */
        repartitionSourceTopics: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the topic. */
            name: { type: 'string', versions: '0+' },
            /** Partitions of the topic. */
            partitions: { type: 'int32', versions: '0+' },
            /** Number of replicas of each partition. */
            replicationFactor: { type: 'int16', versions: '0+' },
            /** Configuration of the topic. */
            topicConfigs: {
              type: '[]',
              versions: '0+',
              fields: {
                /** Key of the setting. */
                key: { type: 'string', versions: '0+' },
                /** Value of the setting. */
                value: { type: 'string', versions: '0+' },
              },
            },
          },
        },
        /** Sets of source topics that must have the same number of partitions. */
        copartitionGroups: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Topics that are read. */
            sourceTopics: { type: '[]int16', versions: '0+' },
            /** Patterns of the topics that the subtopology reads. */
            sourceTopicRegex: { type: '[]int16', versions: '0+' },
            /** Repartition topics that the subtopology reads. */
            repartitionSourceTopics: { type: '[]int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupTopologyValue = MessageOf<typeof StreamsGroupTopologyValue>
