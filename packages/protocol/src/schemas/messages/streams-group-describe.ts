// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** StreamsGroupDescribe (key 89), versions 0-1, flexible from 0. */
export const StreamsGroupDescribeRequest = {
  apiKey: 89,
  name: 'StreamsGroupDescribeRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    groupIds: { type: '[]string', versions: '0+' },
    includeAuthorizedOperations: { type: 'bool', versions: '0+' },
    includeTopologyDescription: { type: 'bool', versions: '1+', default: false },
  },
} as const satisfies MessageSchema
export type StreamsGroupDescribeRequest = MessageOf<typeof StreamsGroupDescribeRequest>

export const StreamsGroupDescribeResponse = {
  apiKey: 89,
  name: 'StreamsGroupDescribeResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
        groupId: { type: 'string', versions: '0+' },
        groupState: { type: 'string', versions: '0+' },
        groupEpoch: { type: 'int32', versions: '0+' },
        assignmentEpoch: { type: 'int32', versions: '0+' },
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
              nullable: '0+',
              default: null,
              fields: {
                subtopologyId: { type: 'string', versions: '0+' },
                sourceTopics: { type: '[]string', versions: '0+' },
                repartitionSinkTopics: { type: '[]string', versions: '0+' },
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
              },
            },
          },
        },
        members: {
          type: '[]',
          versions: '0+',
          fields: {
            memberId: { type: 'string', versions: '0+' },
            memberEpoch: { type: 'int32', versions: '0+' },
            instanceId: { type: 'string', versions: '0+', nullable: '0+', default: null },
            rackId: { type: 'string', versions: '0+', nullable: '0+', default: null },
            clientId: { type: 'string', versions: '0+' },
            clientHost: { type: 'string', versions: '0+' },
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
            taskOffsets: {
              type: '[]',
              versions: '0+',
              fields: {
                subtopologyId: { type: 'string', versions: '0+' },
                partition: { type: 'int32', versions: '0+' },
                offset: { type: 'int64', versions: '0+' },
              },
            },
            taskEndOffsets: {
              type: '[]',
              versions: '0+',
              fields: {
                subtopologyId: { type: 'string', versions: '0+' },
                partition: { type: 'int32', versions: '0+' },
                offset: { type: 'int64', versions: '0+' },
              },
            },
            assignment: {
              type: 'struct',
              versions: '0+',
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
            },
            targetAssignment: {
              type: 'struct',
              versions: '0+',
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
            },
            isClassic: { type: 'bool', versions: '0+' },
          },
        },
        authorizedOperations: { type: 'int32', versions: '0+', default: -2147483648 },
        topologyDescription: {
          type: 'struct',
          versions: '1+',
          nullable: '1+',
          default: null,
          fields: {
            subtopologies: {
              type: '[]',
              versions: '1+',
              fields: {
                subtopologyId: { type: 'string', versions: '1+' },
                nodes: {
                  type: '[]',
                  versions: '1+',
                  fields: {
                    name: { type: 'string', versions: '1+' },
                    nodeType: { type: 'int8', versions: '1+' },
                    sourceTopics: { type: '[]string', versions: '1+' },
                    sinkTopic: { type: 'string', versions: '1+', nullable: '1+', default: null },
                    stores: { type: '[]string', versions: '1+' },
                    successors: { type: '[]string', versions: '1+' },
                  },
                },
              },
            },
            globalStores: {
              type: '[]',
              versions: '1+',
              fields: {
                source: {
                  type: 'struct',
                  versions: '1+',
                  fields: {
                    name: { type: 'string', versions: '1+' },
                    nodeType: { type: 'int8', versions: '1+' },
                    sourceTopics: { type: '[]string', versions: '1+' },
                    sinkTopic: { type: 'string', versions: '1+', nullable: '1+', default: null },
                    stores: { type: '[]string', versions: '1+' },
                    successors: { type: '[]string', versions: '1+' },
                  },
                },
                processor: {
                  type: 'struct',
                  versions: '1+',
                  fields: {
                    name: { type: 'string', versions: '1+' },
                    nodeType: { type: 'int8', versions: '1+' },
                    sourceTopics: { type: '[]string', versions: '1+' },
                    sinkTopic: { type: 'string', versions: '1+', nullable: '1+', default: null },
                    stores: { type: '[]string', versions: '1+' },
                    successors: { type: '[]string', versions: '1+' },
                  },
                },
              },
            },
          },
        },
        topologyDescriptionStatus: { type: 'int8', versions: '1+', default: 0 },
        assignorName: {
          type: 'string',
          versions: '1+',
          nullable: '1+',
          default: null,
          ignorable: true,
        },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupDescribeResponse = MessageOf<typeof StreamsGroupDescribeResponse>
