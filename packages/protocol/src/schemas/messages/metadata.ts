// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes brokers, topics and partition leaders; may create topics. API key 3, versions 0 to 13,
 * flexible from 9.
 * - Version 1: null means all topics, an empty list for none.
 * - Version 4: whether topics may be created.
 * - Version 8: whether authorized operations are returned (KIP-430).
 * - Version 10: topics by id (KIP-516).
 * - Version 11: without authorized operations of the cluster, which DescribeCluster has (KIP-700).
 * - Version 12: a topic may have an id and no name.
 */
export const MetadataRequest = {
  apiKey: 3,
  name: 'MetadataRequest',
  versions: '0-13',
  flexible: '9+',
  fields: {
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      nullable: '1+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '10+', ignorable: true },
        /** Name of the topic. */
        name: { type: 'string', versions: '0+', nullable: '10+' },
      },
    },
    /** Whether topics that do not exist may be created, if the broker is configured to. */
    allowAutoTopicCreation: { type: 'bool', versions: '4+', default: true },
    /** Whether to return the operations that the client is authorized for on the cluster. */
    includeClusterAuthorizedOperations: { type: 'bool', versions: '8-10' },
    /** Whether to return the operations that the client is authorized for on each topic. */
    includeTopicAuthorizedOperations: { type: 'bool', versions: '8+' },
  },
} as const satisfies MessageSchema
export type MetadataRequest = MessageOf<typeof MetadataRequest>

/**
 * Response of Metadata, versions 0 to 13, flexible from 9.
 * - Version 1: racks, controller and internal topics.
 * - Version 2: cluster id.
 * - Version 3: throttle time.
 * - Version 5: offline replicas.
 * - Version 6: sent before throttling (KIP-219).
 * - Version 7: leader epoch.
 * - Version 8: authorized operations (KIP-430).
 * - Version 10: topic ids (KIP-516).
 * - Version 11: without authorized operations of the cluster (KIP-700).
 * - Version 12: topics by id.
 * - Version 13: top-level error (KIP-1102).
 */
export const MetadataResponse = {
  apiKey: 3,
  name: 'MetadataResponse',
  versions: '0-13',
  flexible: '9+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '3+', ignorable: true },
    /** Brokers of the cluster. */
    brokers: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the node. */
        nodeId: { type: 'int32', versions: '0+' },
        /** Host name or address. */
        host: { type: 'string', versions: '0+' },
        /** Port. */
        port: { type: 'int32', versions: '0+' },
        /** Rack of the node, or null. */
        rack: { type: 'string', versions: '1+', nullable: '1+', default: null, ignorable: true },
      },
    },
    /** Id of the cluster, or null. */
    clusterId: { type: 'string', versions: '2+', nullable: '2+', default: null, ignorable: true },
    /** Id of a broker that accepts controller requests; -1 if unknown. */
    controllerId: { type: 'int32', versions: '1+', default: -1, ignorable: true },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Kafka's error code for the topic, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Name of the topic. */
        name: { type: 'string', versions: '0+', nullable: '12+' },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '10+', ignorable: true },
        /** Whether the topic is internal. */
        isInternal: { type: 'bool', versions: '1+', default: false, ignorable: true },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Id of the leader; -1 if there is none or it is unknown. */
            leaderId: { type: 'int32', versions: '0+' },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '7+', default: -1, ignorable: true },
            /** Ids of the brokers with a replica. */
            replicaNodes: { type: '[]int32', versions: '0+' },
            /** Ids of the replicas in sync. */
            isrNodes: { type: '[]int32', versions: '0+' },
            /** Ids of the replicas that are not online. */
            offlineReplicas: { type: '[]int32', versions: '5+', ignorable: true },
          },
        },
        /**
         * Bit n is set if the client is authorized for the ACL operation with code n on the topic;
         * -2147483648 if not requested.
         */
        topicAuthorizedOperations: { type: 'int32', versions: '8+', default: -2147483648 },
      },
    },
    /**
     * Bit n is set if the client is authorized for the ACL operation with code n on the cluster;
     * -2147483648 if not requested.
     */
    clusterAuthorizedOperations: { type: 'int32', versions: '8-10', default: -2147483648 },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '13+', ignorable: true },
  },
} as const satisfies MessageSchema
export type MetadataResponse = MessageOf<typeof MetadataResponse>
