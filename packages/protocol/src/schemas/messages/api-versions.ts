// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ApiVersions (key 18), versions 0-5, flexible from 3. */
export const ApiVersionsRequest = {
  apiKey: 18,
  name: 'ApiVersionsRequest',
  versions: '0-5',
  flexible: '3+',
  fields: {
    clientSoftwareName: { type: 'string', versions: '3+', ignorable: true },
    clientSoftwareVersion: { type: 'string', versions: '3+', ignorable: true },
    clusterId: { type: 'string', versions: '5+', nullable: '5+', default: null, ignorable: true },
    nodeId: { type: 'int32', versions: '5+', default: -1, ignorable: true },
  },
} as const satisfies MessageSchema
export type ApiVersionsRequest = MessageOf<typeof ApiVersionsRequest>

export const ApiVersionsResponse = {
  apiKey: 18,
  name: 'ApiVersionsResponse',
  versions: '0-5',
  flexible: '3+',
  fields: {
    errorCode: { type: 'int16', versions: '0+' },
    apiKeys: {
      type: '[]',
      versions: '0+',
      fields: {
        apiKey: { type: 'int16', versions: '0+' },
        minVersion: { type: 'int16', versions: '0+' },
        maxVersion: { type: 'int16', versions: '0+' },
      },
    },
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    supportedFeatures: {
      type: '[]',
      versions: '3+',
      tag: 0,
      tagged: '3+',
      ignorable: true,
      fields: {
        name: { type: 'string', versions: '3+' },
        minVersion: { type: 'int16', versions: '3+' },
        maxVersion: { type: 'int16', versions: '3+' },
      },
    },
    finalizedFeaturesEpoch: {
      type: 'int64',
      versions: '3+',
      tag: 1,
      tagged: '3+',
      default: -1n,
      ignorable: true,
    },
    finalizedFeatures: {
      type: '[]',
      versions: '3+',
      tag: 2,
      tagged: '3+',
      ignorable: true,
      fields: {
        name: { type: 'string', versions: '3+' },
        maxVersionLevel: { type: 'int16', versions: '3+' },
        minVersionLevel: { type: 'int16', versions: '3+' },
      },
    },
    zkMigrationReady: {
      type: 'bool',
      versions: '3+',
      tag: 3,
      tagged: '3+',
      default: false,
      ignorable: true,
    },
  },
} as const satisfies MessageSchema
export type ApiVersionsResponse = MessageOf<typeof ApiVersionsResponse>
