// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** StreamsGroupHeartbeat (key 88), versions 0-1, flexible from 0. */
export const StreamsGroupHeartbeatRequest = {
  apiKey: 88,
  name: 'StreamsGroupHeartbeatRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    memberId: { type: 'string', versions: '0+' },
    memberEpoch: { type: 'int32', versions: '0+' },
    endpointInformationEpoch: { type: 'int32', versions: '0+' },
    instanceId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    rackId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    rebalanceTimeoutMs: { type: 'int32', versions: '0+', default: -1 },
    topology: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      default: null,
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
    },
    activeTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    standbyTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    warmupTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    processId: { type: 'string', versions: '0+', nullable: '0+', default: null },
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
      nullable: '0+',
      default: null,
      fields: {
        key: { type: 'string', versions: '0+' },
        value: { type: 'string', versions: '0+' },
      },
    },
    taskOffsets: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partition: { type: 'int32', versions: '0+' },
        offset: { type: 'int64', versions: '0+' },
      },
    },
    taskEndOffsets: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partition: { type: 'int32', versions: '0+' },
        offset: { type: 'int64', versions: '0+' },
      },
    },
    shutdownApplication: { type: 'bool', versions: '0+', default: false },
  },
} as const satisfies MessageSchema
export type StreamsGroupHeartbeatRequest = MessageOf<typeof StreamsGroupHeartbeatRequest>

export const StreamsGroupHeartbeatResponse = {
  apiKey: 88,
  name: 'StreamsGroupHeartbeatResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
    memberId: { type: 'string', versions: '0+' },
    memberEpoch: { type: 'int32', versions: '0+' },
    heartbeatIntervalMs: { type: 'int32', versions: '0+' },
    acceptableRecoveryLagLegacy: { type: 'int32', versions: '0' },
    taskOffsetIntervalMs: { type: 'int32', versions: '0+' },
    acceptableRecoveryLag: { type: 'int64', versions: '1+', default: -1n, ignorable: true },
    status: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        statusCode: { type: 'int8', versions: '0+' },
        statusDetail: { type: 'string', versions: '0+' },
      },
    },
    activeTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    standbyTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    warmupTasks: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        subtopologyId: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    topologyDescriptionRequired: { type: 'bool', versions: '1+', default: false },
    endpointInformationEpoch: { type: 'int32', versions: '0+' },
    partitionsByUserEndpoint: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        userEndpoint: {
          type: 'struct',
          versions: '0+',
          fields: {
            host: { type: 'string', versions: '0+' },
            port: { type: 'uint16', versions: '0+' },
          },
        },
        activePartitions: {
          type: '[]',
          versions: '0+',
          fields: {
            topic: { type: 'string', versions: '0+' },
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
        standbyPartitions: {
          type: '[]',
          versions: '0+',
          fields: {
            topic: { type: 'string', versions: '0+' },
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupHeartbeatResponse = MessageOf<typeof StreamsGroupHeartbeatResponse>
