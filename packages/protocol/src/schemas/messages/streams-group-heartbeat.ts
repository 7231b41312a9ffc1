// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Joins, keeps and leaves a streams group (KIP-1071). API key 88, versions 0 to 1, flexible from 0.
 * - Version 1: same as version 0 (KIP-1331).
 */
export const StreamsGroupHeartbeatRequest = {
  apiKey: 88,
  name: 'StreamsGroupHeartbeatRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0+' },
    /** Epoch of the member; 0 joins, -1 leaves, -2 leaves for a while as a static member. */
    memberEpoch: { type: 'int32', versions: '0+' },
    /** Version of the endpoint information that the member has, or is sent. */
    endpointInformationEpoch: { type: 'int32', versions: '0+' },
    /** Name of a static member (KIP-345), or null. */
    instanceId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Rack of the client, or null. */
    rackId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Maximum time that a rebalance waits for the member. */
    rebalanceTimeoutMs: { type: 'int32', versions: '0+', default: -1 },
    /** Topology of the application; null if unchanged or unknown. */
    topology: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      default: null,
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
    },
    /** Active tasks that the member owns; null if unchanged since the last heartbeat. */
    activeTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Standby tasks that the member owns; null if unchanged since the last heartbeat. */
    standbyTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Warm-up tasks that the member owns; null if unchanged since the last heartbeat. */
    warmupTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Id of the process, which may have several members. */
    processId: { type: 'string', versions: '0+', nullable: '0+', default: null },
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
      nullable: '0+',
      default: null,
      fields: {
        /** Name of the tag. */
        key: { type: 'string', versions: '0+' },
        /** Value of the tag. */
        value: { type: 'string', versions: '0+' },
      },
    },
    /** Changelog offsets of tasks that are being restored. */
    taskOffsets: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Index of the partition. */
        partition: { type: 'int32', versions: '0+' },
        /** Sum of the changelogs' offsets. */
        offset: { type: 'int64', versions: '0+' },
      },
    },
    /** End offsets of the changelogs of tasks that are being restored. */
    taskEndOffsets: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Index of the partition. */
        partition: { type: 'int32', versions: '0+' },
        /** Sum of the changelogs' offsets. */
        offset: { type: 'int64', versions: '0+' },
      },
    },
    /** Whether all instances of the application should shut down. */
    shutdownApplication: { type: 'bool', versions: '0+', default: false },
  },
} as const satisfies MessageSchema
export type StreamsGroupHeartbeatRequest = MessageOf<typeof StreamsGroupHeartbeatRequest>

/**
 * Response of StreamsGroupHeartbeat, versions 0 to 1, flexible from 0.
 * - Version 1: whether the topology's description is wanted, status MISSING_CLIENT_TAGS (KIP-1331).
 */
export const StreamsGroupHeartbeatResponse = {
  apiKey: 88,
  name: 'StreamsGroupHeartbeatResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0+' },
    /** Epoch of the member; commits and heartbeats with another one are fenced. */
    memberEpoch: { type: 'int32', versions: '0+' },
    /** Time after which the member sends its next heartbeat. */
    heartbeatIntervalMs: { type: 'int32', versions: '0+' },
    /** Deprecated form of `acceptableRecoveryLag`. */
    acceptableRecoveryLagLegacy: { type: 'int32', versions: '0' },
    /** Time between two reports of changelog offsets. */
    taskOffsetIntervalMs: { type: 'int32', versions: '0+' },
    /** Lag in offsets up to which a restored task counts as caught up. */
    acceptableRecoveryLag: { type: 'int64', versions: '1+', default: -1n, ignorable: true },
    /** Conditions reported to the member. */
    status: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        /** Number of the condition. */
        statusCode: { type: 'int8', versions: '0+' },
        /** Text for the condition. */
        statusDetail: { type: 'string', versions: '0+' },
      },
    },
    /** Active tasks assigned to the member; null if unchanged. */
    activeTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Standby tasks assigned to the member; null if unchanged. */
    standbyTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Warm-up tasks assigned to the member; null if unchanged. */
    warmupTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Id of the subtopology. */
        subtopologyId: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Whether the broker wants the description of the topology. */
    topologyDescriptionRequired: { type: 'bool', versions: '1+', default: false },
    /** Version of the endpoint information that the member has, or is sent. */
    endpointInformationEpoch: { type: 'int32', versions: '0+' },
    /** Partitions of each member that has an endpoint for interactive queries. */
    partitionsByUserEndpoint: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Address of the instance for interactive queries, or null. */
        userEndpoint: {
          type: 'struct',
          versions: '0+',
          fields: {
            /** Host name or address. */
            host: { type: 'string', versions: '0+' },
            /** Port. */
            port: { type: 'uint16', versions: '0+' },
          },
        },
        /** Source partitions of the active tasks of the member at this endpoint. */
        activePartitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the topic. */
            topic: { type: 'string', versions: '0+' },
            /** Partitions of the topic. */
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
        /** Source partitions of the standby tasks of the member at this endpoint. */
        standbyPartitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the topic. */
            topic: { type: 'string', versions: '0+' },
            /** Partitions of the topic. */
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupHeartbeatResponse = MessageOf<typeof StreamsGroupHeartbeatResponse>
