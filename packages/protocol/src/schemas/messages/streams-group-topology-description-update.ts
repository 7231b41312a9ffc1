// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** StreamsGroupTopologyDescriptionUpdate (key 93), versions 0, flexible from 0. */
export const StreamsGroupTopologyDescriptionUpdateRequest = {
  apiKey: 93,
  name: 'StreamsGroupTopologyDescriptionUpdateRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    memberId: { type: 'string', versions: '0+' },
    topologyEpoch: { type: 'int32', versions: '0+' },
    topologyDescription: {
      type: 'struct',
      versions: '0+',
      fields: {
        subtopologies: {
          type: '[]',
          versions: '0+',
          fields: {
            subtopologyId: { type: 'string', versions: '0+' },
            nodes: {
              type: '[]',
              versions: '0+',
              fields: {
                name: { type: 'string', versions: '0+' },
                nodeType: { type: 'int8', versions: '0+' },
                sourceTopics: { type: '[]string', versions: '0+' },
                sinkTopic: { type: 'string', versions: '0+', nullable: '0+', default: null },
                stores: { type: '[]string', versions: '0+' },
                successors: { type: '[]string', versions: '0+' },
              },
            },
          },
        },
        globalStores: {
          type: '[]',
          versions: '0+',
          fields: {
            source: {
              type: 'struct',
              versions: '0+',
              fields: {
                name: { type: 'string', versions: '0+' },
                nodeType: { type: 'int8', versions: '0+' },
                sourceTopics: { type: '[]string', versions: '0+' },
                sinkTopic: { type: 'string', versions: '0+', nullable: '0+', default: null },
                stores: { type: '[]string', versions: '0+' },
                successors: { type: '[]string', versions: '0+' },
              },
            },
            processor: {
              type: 'struct',
              versions: '0+',
              fields: {
                name: { type: 'string', versions: '0+' },
                nodeType: { type: 'int8', versions: '0+' },
                sourceTopics: { type: '[]string', versions: '0+' },
                sinkTopic: { type: 'string', versions: '0+', nullable: '0+', default: null },
                stores: { type: '[]string', versions: '0+' },
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

export const StreamsGroupTopologyDescriptionUpdateResponse = {
  apiKey: 93,
  name: 'StreamsGroupTopologyDescriptionUpdateResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
  },
} as const satisfies MessageSchema
export type StreamsGroupTopologyDescriptionUpdateResponse = MessageOf<
  typeof StreamsGroupTopologyDescriptionUpdateResponse
>
