// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Sends the description of a streams topology (KIP-1331). API key 93, version 0, flexible from 0.
 */
export const StreamsGroupTopologyDescriptionUpdateRequest = {
  apiKey: 93,
  name: 'StreamsGroupTopologyDescriptionUpdateRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0+' },
    /** Version of the application's topology. */
    topologyEpoch: { type: 'int32', versions: '0+' },
    /** The whole topology; null if it was not requested or is not available. */
    topologyDescription: {
      type: 'struct',
      versions: '0+',
      fields: {
        /** Parts of the topology that are not connected to each other. */
        subtopologies: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Id of the subtopology. */
            subtopologyId: { type: 'string', versions: '0+' },
            /** Nodes of the subtopology. */
            nodes: {
              type: '[]',
              versions: '0+',
              fields: {
                /** Name of the node. */
                name: { type: 'string', versions: '0+' },
                /** 1 source, 2 processor, 3 sink. */
                nodeType: { type: 'int8', versions: '0+' },
                /** Topics that are read. */
                sourceTopics: { type: '[]string', versions: '0+' },
                /** Topic that a sink writes; null if it is chosen per record. */
                sinkTopic: { type: 'string', versions: '0+', nullable: '0+', default: null },
                /** State stores of the node. */
                stores: { type: '[]string', versions: '0+' },
                /** Successors of the node. */
                successors: { type: '[]string', versions: '0+' },
              },
            },
          },
        },
        /** Global stores, which are complete in each instance. */
        globalStores: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Source node that reads the topic of the store. */
            source: {
              type: 'struct',
              versions: '0+',
              fields: {
                /** Name of the node. */
                name: { type: 'string', versions: '0+' },
                /** 1 source, 2 processor, 3 sink. */
                nodeType: { type: 'int8', versions: '0+' },
                /** Topics that are read. */
                sourceTopics: { type: '[]string', versions: '0+' },
                /** Topic that a sink writes; null if it is chosen per record. */
                sinkTopic: { type: 'string', versions: '0+', nullable: '0+', default: null },
                /** State stores of the node. */
                stores: { type: '[]string', versions: '0+' },
                /** Successors of the node. */
                successors: { type: '[]string', versions: '0+' },
              },
            },
            /** Node that fills the store. */
            processor: {
              type: 'struct',
              versions: '0+',
              fields: {
                /** Name of the node. */
                name: { type: 'string', versions: '0+' },
                /** 1 source, 2 processor, 3 sink. */
                nodeType: { type: 'int8', versions: '0+' },
                /** Topics that are read. */
                sourceTopics: { type: '[]string', versions: '0+' },
                /** Topic that a sink writes; null if it is chosen per record. */
                sinkTopic: { type: 'string', versions: '0+', nullable: '0+', default: null },
                /** State stores of the node. */
                stores: { type: '[]string', versions: '0+' },
                /** Successors of the node. */
                successors: { type: '[]string', versions: '0+' },
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type StreamsGroupTopologyDescriptionUpdateRequest = MessageOf<
  typeof StreamsGroupTopologyDescriptionUpdateRequest
>

/**
 * Response of StreamsGroupTopologyDescriptionUpdate, version 0, flexible from 0.
 */
export const StreamsGroupTopologyDescriptionUpdateResponse = {
  apiKey: 93,
  name: 'StreamsGroupTopologyDescriptionUpdateResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
  },
} as const satisfies MessageSchema
export type StreamsGroupTopologyDescriptionUpdateResponse = MessageOf<
  typeof StreamsGroupTopologyDescriptionUpdateResponse
>
