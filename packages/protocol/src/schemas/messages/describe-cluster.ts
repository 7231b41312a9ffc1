// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes the nodes of a cluster (KIP-700). API key 60, versions 0 to 2, flexible from 0.
 * - Version 1: brokers or controllers (KIP-919).
 * - Version 2: fenced brokers (KIP-1073).
 */
export const DescribeClusterRequest = {
  apiKey: 60,
  name: 'DescribeClusterRequest',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Whether to return the operations that the client is authorized for on the cluster. */
    includeClusterAuthorizedOperations: { type: 'bool', versions: '0+' },
    /** 1 describes brokers, 2 controllers. */
    endpointType: { type: 'int8', versions: '1+', default: 1 },
    /** Whether fenced brokers are listed, too. */
    includeFencedBrokers: { type: 'bool', versions: '2+' },
  },
} as const satisfies MessageSchema
export type DescribeClusterRequest = MessageOf<typeof DescribeClusterRequest>

/**
 * Response of DescribeCluster, versions 0 to 2, flexible from 0.
 * - Version 1: type of the nodes (KIP-919).
 * - Version 2: whether a broker is fenced (KIP-1073).
 */
export const DescribeClusterResponse = {
  apiKey: 60,
  name: 'DescribeClusterResponse',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** 1 describes brokers, 2 controllers. */
    endpointType: { type: 'int8', versions: '1+', default: 1 },
    /** Id of the cluster, or null. */
    clusterId: { type: 'string', versions: '0+' },
    /** Id of a broker that accepts controller requests; -1 if unknown. */
    controllerId: { type: 'int32', versions: '0+', default: -1 },
    /** Brokers of the cluster. */
    brokers: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the broker. */
        brokerId: { type: 'int32', versions: '0+' },
        /** Host name or address. */
        host: { type: 'string', versions: '0+' },
        /** Port. */
        port: { type: 'int32', versions: '0+' },
        /** Rack of the node, or null. */
        rack: { type: 'string', versions: '0+', nullable: '0+', default: null },
        /** Whether the broker is fenced. */
        isFenced: { type: 'bool', versions: '2+' },
      },
    },
    /**
     * Bit n is set if the client is authorized for the ACL operation with code n on the cluster;
     * -2147483648 if not requested.
     */
    clusterAuthorizedOperations: { type: 'int32', versions: '0+', default: -2147483648 },
  },
} as const satisfies MessageSchema
export type DescribeClusterResponse = MessageOf<typeof DescribeClusterResponse>
