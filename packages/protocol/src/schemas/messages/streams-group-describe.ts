// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes streams groups (KIP-1071). API key 89, versions 0 to 1, flexible from 0.
 * - Version 1: whether the topology's description is returned (KIP-1331).
 */
export const StreamsGroupDescribeRequest = {
  apiKey: 89,
  name: 'StreamsGroupDescribeRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Ids of the groups to describe. */
    groupIds: { type: '[]string', versions: '0+' },
    /** Whether to return the operations that the client is authorized for. */
    includeAuthorizedOperations: { type: 'bool', versions: '0+' },
    /** Whether to return the whole description of the topology. */
    includeTopologyDescription: { type: 'bool', versions: '1+', default: false },
  },
} as const satisfies MessageSchema
export type StreamsGroupDescribeRequest = MessageOf<typeof StreamsGroupDescribeRequest>

/**
 * Response of StreamsGroupDescribe, versions 0 to 1, flexible from 0.
 * - Version 1: description of the topology and assignor (KIP-1331, KIP-1357).
 */
export const StreamsGroupDescribeResponse = {
  apiKey: 89,
  name: 'StreamsGroupDescribeResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** One entry per group. */
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Kafka's error code for the group, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
        /** Id of the group. */
        groupId: { type: 'string', versions: '0+' },
        /** State of the group, such as `Stable`. */
        groupState: { type: 'string', versions: '0+' },
        /** Epoch of the group; each change of members or metadata increments it. */
        groupEpoch: { type: 'int32', versions: '0+' },
        /** Group epoch that the target assignment belongs to. */
        assignmentEpoch: { type: 'int32', versions: '0+' },
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
              nullable: '0+',
              default: null,
              fields: {
                /** Id of the subtopology. */
                subtopologyId: { type: 'string', versions: '0+' },
                /** Topics that are read. */
                sourceTopics: { type: '[]string', versions: '0+' },
                /** Repartition topics that the subtopology writes. */
                repartitionSinkTopics: { type: '[]string', versions: '0+' },
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
              },
            },
          },
        },
        /** Members of the group. */
        members: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Id of the member. */
            memberId: { type: 'string', versions: '0+' },
            /** Epoch of the member; commits and heartbeats with another one are fenced. */
            memberEpoch: { type: 'int32', versions: '0+' },
            /** Name of a static member (KIP-345), or null. */
            instanceId: { type: 'string', versions: '0+', nullable: '0+', default: null },
            /** Rack of the client, or null. */
            rackId: { type: 'string', versions: '0+', nullable: '0+', default: null },
            /** Client id of the member's requests. */
            clientId: { type: 'string', versions: '0+' },
            /** Host of the client, as the broker saw it. */
            clientHost: { type: 'string', versions: '0+' },
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
            /** Changelog offsets of tasks that are being restored. */
            taskOffsets: {
              type: '[]',
              versions: '0+',
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
              fields: {
                /** Id of the subtopology. */
                subtopologyId: { type: 'string', versions: '0+' },
                /** Index of the partition. */
                partition: { type: 'int32', versions: '0+' },
                /** Sum of the changelogs' offsets. */
                offset: { type: 'int64', versions: '0+' },
              },
            },
            /** Partitions assigned to the member. */
            assignment: {
              type: 'struct',
              versions: '0+',
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
            },
            /** Assignment that the member is moving towards. */
            targetAssignment: {
              type: 'struct',
              versions: '0+',
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
            },
            /** Whether the member still uses the classic protocol. */
            isClassic: { type: 'bool', versions: '0+' },
          },
        },
        /**
         * Bit n is set if the client is authorized for the ACL operation with code n; -2147483648
         * if not requested.
         */
        authorizedOperations: { type: 'int32', versions: '0+', default: -2147483648 },
        /** The whole topology; null if it was not requested or is not available. */
        topologyDescription: {
          type: 'struct',
          versions: '1+',
          nullable: '1+',
          default: null,
          fields: {
            /** Parts of the topology that are not connected to each other. */
            subtopologies: {
              type: '[]',
              versions: '1+',
              fields: {
                /** Id of the subtopology. */
                subtopologyId: { type: 'string', versions: '1+' },
                /** Nodes of the subtopology. */
                nodes: {
                  type: '[]',
                  versions: '1+',
                  fields: {
                    /** Name of the node. */
                    name: { type: 'string', versions: '1+' },
                    /** 1 source, 2 processor, 3 sink. */
                    nodeType: { type: 'int8', versions: '1+' },
                    /** Topics that are read. */
                    sourceTopics: { type: '[]string', versions: '1+' },
                    /** Topic that a sink writes; null if it is chosen per record. */
                    sinkTopic: { type: 'string', versions: '1+', nullable: '1+', default: null },
                    /** State stores of the node. */
                    stores: { type: '[]string', versions: '1+' },
                    /** Successors of the node. */
                    successors: { type: '[]string', versions: '1+' },
                  },
                },
              },
            },
            /** Global stores, which are complete in each instance. */
            globalStores: {
              type: '[]',
              versions: '1+',
              fields: {
                /** Source node that reads the topic of the store. */
                source: {
                  type: 'struct',
                  versions: '1+',
                  fields: {
                    /** Name of the node. */
                    name: { type: 'string', versions: '1+' },
                    /** 1 source, 2 processor, 3 sink. */
                    nodeType: { type: 'int8', versions: '1+' },
                    /** Topics that are read. */
                    sourceTopics: { type: '[]string', versions: '1+' },
                    /** Topic that a sink writes; null if it is chosen per record. */
                    sinkTopic: { type: 'string', versions: '1+', nullable: '1+', default: null },
                    /** State stores of the node. */
                    stores: { type: '[]string', versions: '1+' },
                    /** Successors of the node. */
                    successors: { type: '[]string', versions: '1+' },
                  },
                },
                /** Node that fills the store. */
                processor: {
                  type: 'struct',
                  versions: '1+',
                  fields: {
                    /** Name of the node. */
                    name: { type: 'string', versions: '1+' },
                    /** 1 source, 2 processor, 3 sink. */
                    nodeType: { type: 'int8', versions: '1+' },
                    /** Topics that are read. */
                    sourceTopics: { type: '[]string', versions: '1+' },
                    /** Topic that a sink writes; null if it is chosen per record. */
                    sinkTopic: { type: 'string', versions: '1+', nullable: '1+', default: null },
                    /** State stores of the node. */
                    stores: { type: '[]string', versions: '1+' },
                    /** Successors of the node. */
                    successors: { type: '[]string', versions: '1+' },
                  },
                },
              },
            },
          },
        },
        /** Whether the description was requested and is available. */
        topologyDescriptionStatus: { type: 'int8', versions: '1+', default: 0 },
        /** Assignor that the next assignment will use. */
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
