// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* Records of `__consumer_offsets`. `apiKey` is the record type that opens a key. */

export const ConsumerGroupCurrentMemberAssignmentKey = {
  apiKey: 8,
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupCurrentMemberAssignmentKey = MessageOf<
  typeof ConsumerGroupCurrentMemberAssignmentKey
>

export const ConsumerGroupCurrentMemberAssignmentValue = {
  apiKey: 8,
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: {
    memberEpoch: { type: 'int32', versions: '0+' },
    previousMemberEpoch: { type: 'int32', versions: '0+' },
    state: { type: 'int8', versions: '0+' },
    assignedPartitions: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    partitionsPendingRevocation: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupCurrentMemberAssignmentValue = MessageOf<
  typeof ConsumerGroupCurrentMemberAssignmentValue
>

export const ConsumerGroupMemberMetadataKey = {
  apiKey: 5,
  name: 'ConsumerGroupMemberMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupMemberMetadataKey = MessageOf<typeof ConsumerGroupMemberMetadataKey>

export const ConsumerGroupMemberMetadataValue = {
  apiKey: 5,
  name: 'ConsumerGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    instanceId: { type: 'string', versions: '0+', nullable: '0+' },
    rackId: { type: 'string', versions: '0+', nullable: '0+' },
    clientId: { type: 'string', versions: '0+' },
    clientHost: { type: 'string', versions: '0+' },
    subscribedTopicNames: { type: '[]string', versions: '0+' },
    subscribedTopicRegex: { type: 'string', versions: '0+', nullable: '0+' },
    rebalanceTimeoutMs: { type: 'int32', versions: '0+', default: -1 },
    serverAssignor: { type: 'string', versions: '0+', nullable: '0+' },
    classicMemberMetadata: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      tag: 0,
      tagged: '0+',
      fields: {
        sessionTimeoutMs: { type: 'int32', versions: '0+' },
        supportedProtocols: {
          type: '[]',
          versions: '0+',
          fields: {
            name: { type: 'string', versions: '0+' },
            metadata: { type: 'bytes', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupMemberMetadataValue = MessageOf<typeof ConsumerGroupMemberMetadataValue>

export const ConsumerGroupMetadataKey = {
  apiKey: 3,
  name: 'ConsumerGroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupMetadataKey = MessageOf<typeof ConsumerGroupMetadataKey>

export const ConsumerGroupMetadataValue = {
  apiKey: 3,
  name: 'ConsumerGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: { type: 'int32', versions: '0+' },
    metadataHash: { type: 'int64', versions: '0+', tag: 0, tagged: '0+', default: 0n },
  },
} as const satisfies MessageSchema
export type ConsumerGroupMetadataValue = MessageOf<typeof ConsumerGroupMetadataValue>

export const ConsumerGroupPartitionMetadataKey = {
  apiKey: 4,
  name: 'ConsumerGroupPartitionMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupPartitionMetadataKey = MessageOf<typeof ConsumerGroupPartitionMetadataKey>

export const ConsumerGroupPartitionMetadataValue = {
  apiKey: 4,
  name: 'ConsumerGroupPartitionMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        topicName: { type: 'string', versions: '0+' },
        numPartitions: { type: 'int32', versions: '0+' },
        partitionMetadata: {
          type: '[]',
          versions: '0+',
          fields: {
            partition: { type: 'int32', versions: '0+' },
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

export const ConsumerGroupRegularExpressionKey = {
  apiKey: 16,
  name: 'ConsumerGroupRegularExpressionKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    regularExpression: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupRegularExpressionKey = MessageOf<typeof ConsumerGroupRegularExpressionKey>

export const ConsumerGroupRegularExpressionValue = {
  apiKey: 16,
  name: 'ConsumerGroupRegularExpressionValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topics: { type: '[]string', versions: '0+' },
    version: { type: 'int64', versions: '0+' },
    timestamp: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupRegularExpressionValue = MessageOf<
  typeof ConsumerGroupRegularExpressionValue
>

export const ConsumerGroupTargetAssignmentMemberKey = {
  apiKey: 7,
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupTargetAssignmentMemberKey = MessageOf<
  typeof ConsumerGroupTargetAssignmentMemberKey
>

export const ConsumerGroupTargetAssignmentMemberValue = {
  apiKey: 7,
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topicPartitions: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupTargetAssignmentMemberValue = MessageOf<
  typeof ConsumerGroupTargetAssignmentMemberValue
>

export const ConsumerGroupTargetAssignmentMetadataKey = {
  apiKey: 6,
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupTargetAssignmentMetadataKey = MessageOf<
  typeof ConsumerGroupTargetAssignmentMetadataKey
>

export const ConsumerGroupTargetAssignmentMetadataValue = {
  apiKey: 6,
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    assignmentEpoch: { type: 'int32', versions: '0+' },
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

export const GroupMetadataKey = {
  apiKey: 2,
  name: 'GroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    group: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type GroupMetadataKey = MessageOf<typeof GroupMetadataKey>

export const GroupMetadataValue = {
  apiKey: 2,
  name: 'GroupMetadataValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    protocolType: { type: 'string', versions: '0+' },
    generation: { type: 'int32', versions: '0+' },
    protocol: { type: 'string', versions: '0+', nullable: '0+' },
    leader: { type: 'string', versions: '0+', nullable: '0+' },
    currentStateTimestamp: { type: 'int64', versions: '2+', default: -1n, ignorable: true },
    members: {
      type: '[]',
      versions: '0+',
      fields: {
        memberId: { type: 'string', versions: '0+' },
        groupInstanceId: {
          type: 'string',
          versions: '3+',
          nullable: '3+',
          default: null,
          ignorable: true,
        },
        clientId: { type: 'string', versions: '0+' },
        clientHost: { type: 'string', versions: '0+' },
        rebalanceTimeout: { type: 'int32', versions: '1+', default: -1, ignorable: true },
        sessionTimeout: { type: 'int32', versions: '0+' },
        subscription: { type: 'bytes', versions: '0+' },
        assignment: { type: 'bytes', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type GroupMetadataValue = MessageOf<typeof GroupMetadataValue>

export const LegacyOffsetCommitKey = {
  apiKey: 0,
  name: 'LegacyOffsetCommitKey',
  versions: '0',
  flexible: 'none',
  fields: {
    group: { type: 'string', versions: '0' },
    topic: { type: 'string', versions: '0' },
    partition: { type: 'int32', versions: '0' },
  },
} as const satisfies MessageSchema
export type LegacyOffsetCommitKey = MessageOf<typeof LegacyOffsetCommitKey>

export const LegacyOffsetCommitValue = {
  apiKey: 0,
  name: 'LegacyOffsetCommitValue',
  versions: '0',
  flexible: 'none',
  fields: {
    offset: { type: 'int64', versions: '0' },
    metadata: { type: 'string', versions: '0' },
    commitTimestamp: { type: 'int64', versions: '0' },
  },
} as const satisfies MessageSchema
export type LegacyOffsetCommitValue = MessageOf<typeof LegacyOffsetCommitValue>

export const OffsetCommitKey = {
  apiKey: 1,
  name: 'OffsetCommitKey',
  versions: '0',
  flexible: 'none',
  fields: {
    group: { type: 'string', versions: '0' },
    topic: { type: 'string', versions: '0' },
    partition: { type: 'int32', versions: '0' },
  },
} as const satisfies MessageSchema
export type OffsetCommitKey = MessageOf<typeof OffsetCommitKey>

export const OffsetCommitValue = {
  apiKey: 1,
  name: 'OffsetCommitValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    offset: { type: 'int64', versions: '0+' },
    leaderEpoch: { type: 'int32', versions: '3+', default: -1, ignorable: true },
    metadata: { type: 'string', versions: '0+' },
    commitTimestamp: { type: 'int64', versions: '0+' },
    expireTimestamp: { type: 'int64', versions: '1', default: -1n, ignorable: true },
    topicId: { type: 'uuid', versions: '4+', tag: 0, tagged: '4+', ignorable: true },
  },
} as const satisfies MessageSchema
export type OffsetCommitValue = MessageOf<typeof OffsetCommitValue>

export const ShareGroupCurrentMemberAssignmentKey = {
  apiKey: 14,
  name: 'ShareGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupCurrentMemberAssignmentKey = MessageOf<
  typeof ShareGroupCurrentMemberAssignmentKey
>

export const ShareGroupCurrentMemberAssignmentValue = {
  apiKey: 14,
  name: 'ShareGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: {
    memberEpoch: { type: 'int32', versions: '0+' },
    previousMemberEpoch: { type: 'int32', versions: '0+' },
    state: { type: 'int8', versions: '0+' },
    assignedPartitions: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareGroupCurrentMemberAssignmentValue = MessageOf<
  typeof ShareGroupCurrentMemberAssignmentValue
>

export const ShareGroupMemberMetadataKey = {
  apiKey: 10,
  name: 'ShareGroupMemberMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupMemberMetadataKey = MessageOf<typeof ShareGroupMemberMetadataKey>

export const ShareGroupMemberMetadataValue = {
  apiKey: 10,
  name: 'ShareGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    rackId: { type: 'string', versions: '0+', nullable: '0+' },
    clientId: { type: 'string', versions: '0+' },
    clientHost: { type: 'string', versions: '0+' },
    subscribedTopicNames: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ShareGroupMemberMetadataValue = MessageOf<typeof ShareGroupMemberMetadataValue>

export const ShareGroupMetadataKey = {
  apiKey: 11,
  name: 'ShareGroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupMetadataKey = MessageOf<typeof ShareGroupMetadataKey>

export const ShareGroupMetadataValue = {
  apiKey: 11,
  name: 'ShareGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: { type: 'int32', versions: '0+' },
    metadataHash: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ShareGroupMetadataValue = MessageOf<typeof ShareGroupMetadataValue>

export const ShareGroupStatePartitionMetadataKey = {
  apiKey: 15,
  name: 'ShareGroupStatePartitionMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupStatePartitionMetadataKey = MessageOf<
  typeof ShareGroupStatePartitionMetadataKey
>

export const ShareGroupStatePartitionMetadataValue = {
  apiKey: 15,
  name: 'ShareGroupStatePartitionMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    initializingTopics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        topicName: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    initializedTopics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        topicName: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    deletingTopics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        topicName: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareGroupStatePartitionMetadataValue = MessageOf<
  typeof ShareGroupStatePartitionMetadataValue
>

export const ShareGroupTargetAssignmentMemberKey = {
  apiKey: 13,
  name: 'ShareGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupTargetAssignmentMemberKey = MessageOf<
  typeof ShareGroupTargetAssignmentMemberKey
>

export const ShareGroupTargetAssignmentMemberValue = {
  apiKey: 13,
  name: 'ShareGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topicPartitions: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareGroupTargetAssignmentMemberValue = MessageOf<
  typeof ShareGroupTargetAssignmentMemberValue
>

export const ShareGroupTargetAssignmentMetadataKey = {
  apiKey: 12,
  name: 'ShareGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type ShareGroupTargetAssignmentMetadataKey = MessageOf<
  typeof ShareGroupTargetAssignmentMetadataKey
>

export const ShareGroupTargetAssignmentMetadataValue = {
  apiKey: 12,
  name: 'ShareGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    assignmentEpoch: { type: 'int32', versions: '0+' },
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

export const StreamsGroupCurrentMemberAssignmentKey = {
  apiKey: 22,
  name: 'StreamsGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupCurrentMemberAssignmentKey = MessageOf<
  typeof StreamsGroupCurrentMemberAssignmentKey
>

export const StreamsGroupCurrentMemberAssignmentValue = {
  apiKey: 22,
  name: 'StreamsGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: {
    memberEpoch: { type: 'int32', versions: '0+' },
    previousMemberEpoch: { type: 'int32', versions: '0+' },
    state: { type: 'int8', versions: '0+' },
    activeTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    standbyTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    warmupTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    activeTasksPendingRevocation: {
      type: '[]',
      versions: '0+',
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    standbyTasksPendingRevocation: {
      type: '[]',
      versions: '0+',
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
    warmupTasksPendingRevocation: {
      type: '[]',
      versions: '0+',
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
        assignmentEpochs: { type: '[]int32', versions: '0+', nullable: '0+', tag: 0, tagged: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupCurrentMemberAssignmentValue = MessageOf<
  typeof StreamsGroupCurrentMemberAssignmentValue
>

export const StreamsGroupMemberMetadataKey = {
  apiKey: 19,
  name: 'StreamsGroupMemberMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupMemberMetadataKey = MessageOf<typeof StreamsGroupMemberMetadataKey>

export const StreamsGroupMemberMetadataValue = {
  apiKey: 19,
  name: 'StreamsGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    instanceId: { type: 'string', versions: '0+', nullable: '0+' },
    rackId: { type: 'string', versions: '0+', nullable: '0+' },
    clientId: { type: 'string', versions: '0+' },
    clientHost: { type: 'string', versions: '0+' },
    rebalanceTimeoutMs: { type: 'int32', versions: '0+', default: -1 },
    topologyEpoch: { type: 'int32', versions: '0+' },
    processId: { type: 'string', versions: '0+' },
    userEndpoint: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        host: { type: 'string', versions: '0+' },
        port: { type: 'uint16', versions: '0+' },
      },
    },
    clientTags: {
      type: '[]',
      versions: '0+',
      fields: {
        key: { type: 'string', versions: '0+' },
        value: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupMemberMetadataValue = MessageOf<typeof StreamsGroupMemberMetadataValue>

export const StreamsGroupMetadataKey = {
  apiKey: 17,
  name: 'StreamsGroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupMetadataKey = MessageOf<typeof StreamsGroupMetadataKey>

export const StreamsGroupMetadataValue = {
  apiKey: 17,
  name: 'StreamsGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: { type: 'int32', versions: '0+' },
    metadataHash: { type: 'int64', versions: '0+' },
    validatedTopologyEpoch: { type: 'int32', versions: '0+', tag: 0, tagged: '0+', default: -1 },
    lastAssignmentConfigs: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      tag: 1,
      tagged: '0+',
      fields: {
        key: { type: 'string', versions: '0+' },
        value: { type: 'string', versions: '0+' },
      },
    },
    storedDescriptionTopologyEpoch: {
      type: 'int32',
      versions: '0+',
      tag: 2,
      tagged: '0+',
      default: -1,
    },
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

export const StreamsGroupTargetAssignmentMemberKey = {
  apiKey: 21,
  name: 'StreamsGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
    memberId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupTargetAssignmentMemberKey = MessageOf<
  typeof StreamsGroupTargetAssignmentMemberKey
>

export const StreamsGroupTargetAssignmentMemberValue = {
  apiKey: 21,
  name: 'StreamsGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: {
    activeTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    standbyTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    warmupTasks: {
      type: '[]',
      versions: '0+',
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupTargetAssignmentMemberValue = MessageOf<
  typeof StreamsGroupTargetAssignmentMemberValue
>

export const StreamsGroupTargetAssignmentMetadataKey = {
  apiKey: 20,
  name: 'StreamsGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupTargetAssignmentMetadataKey = MessageOf<
  typeof StreamsGroupTargetAssignmentMetadataKey
>

export const StreamsGroupTargetAssignmentMetadataValue = {
  apiKey: 20,
  name: 'StreamsGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    assignmentEpoch: { type: 'int32', versions: '0+' },
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

export const StreamsGroupTopologyKey = {
  apiKey: 23,
  name: 'StreamsGroupTopologyKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type StreamsGroupTopologyKey = MessageOf<typeof StreamsGroupTopologyKey>

export const StreamsGroupTopologyValue = {
  apiKey: 23,
  name: 'StreamsGroupTopologyValue',
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: { type: 'int32', versions: '0+' },
    subtopologies: {
      type: '[]',
      versions: '0+',
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        sourceTopics: { type: '[]string', versions: '0+' },
        sourceTopicRegex: { type: '[]string', versions: '0+' },
        stateChangelogTopics: {
          type: '[]',
          versions: '0+',
          fields: {
            name: { type: 'string', versions: '0+' },
            partitions: { type: 'int32', versions: '0+' },
            replicationFactor: { type: 'int16', versions: '0+' },
            topicConfigs: {
              type: '[]',
              versions: '0+',
              fields: {
                key: { type: 'string', versions: '0+' },
                value: { type: 'string', versions: '0+' },
              },
            },
          },
        },
        repartitionSinkTopics: { type: '[]string', versions: '0+' },
        repartitionSourceTopics: {
          type: '[]',
          versions: '0+',
          fields: {
            name: { type: 'string', versions: '0+' },
            partitions: { type: 'int32', versions: '0+' },
            replicationFactor: { type: 'int16', versions: '0+' },
            topicConfigs: {
              type: '[]',
              versions: '0+',
              fields: {
                key: { type: 'string', versions: '0+' },
                value: { type: 'string', versions: '0+' },
              },
            },
          },
        },
        copartitionGroups: {
          type: '[]',
          versions: '0+',
          fields: {
            sourceTopics: { type: '[]int16', versions: '0+' },
            sourceTopicRegex: { type: '[]int16', versions: '0+' },
            repartitionSourceTopics: { type: '[]int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupTopologyValue = MessageOf<typeof StreamsGroupTopologyValue>
