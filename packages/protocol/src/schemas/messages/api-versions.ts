// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Lists the APIs and versions that the broker supports. API key 18, versions 0 to 5, flexible from
 * 3.
 * - Version 3: name and version of the client (KIP-511).
 * - Version 4: features whose lowest level is 0.
 * - Version 5: expected cluster and node (KIP-1242).
 */
export const ApiVersionsRequest = {
  apiKey: 18,
  name: 'ApiVersionsRequest',
  versions: '0-5',
  flexible: '3+',
  fields: {
    /** Name of the client library. */
    clientSoftwareName: { type: 'string', versions: '3+', ignorable: true },
    /** Version of the client library. */
    clientSoftwareVersion: { type: 'string', versions: '3+', ignorable: true },
    /** Id of the cluster, or null. */
    clusterId: { type: 'string', versions: '5+', nullable: '5+', default: null, ignorable: true },
    /** Id of the node. */
    nodeId: { type: 'int32', versions: '5+', default: -1, ignorable: true },
  },
} as const satisfies MessageSchema
export type ApiVersionsRequest = MessageOf<typeof ApiVersionsRequest>

/**
 * Response of ApiVersions, versions 0 to 5, flexible from 3.
 * - Version 1: throttle time.
 * - Version 2: sent before throttling (KIP-219).
 * - Version 3: features; the header never has tagged fields, so that any client can read it
 *   (KIP-511, KIP-584).
 * - Version 4: features whose lowest level is 0.
 * - Version 5: REBOOTSTRAP_REQUIRED (KIP-1242).
 */
export const ApiVersionsResponse = {
  apiKey: 18,
  name: 'ApiVersionsResponse',
  versions: '0-5',
  flexible: '3+',
  fields: {
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** APIs that this listener supports, with their versions. */
    apiKeys: {
      type: '[]',
      versions: '0+',
      fields: {
        /** API key. */
        apiKey: { type: 'int16', versions: '0+' },
        /** Lowest version, inclusive. */
        minVersion: { type: 'int16', versions: '0+' },
        /** Highest version, inclusive. */
        maxVersion: { type: 'int16', versions: '0+' },
      },
    },
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    /** Features and the levels that the broker supports. */
    supportedFeatures: {
      type: '[]',
      versions: '3+',
      tag: 0,
      tagged: '3+',
      ignorable: true,
      fields: {
        /** Name of the feature. */
        name: { type: 'string', versions: '3+' },
        /** Lowest version, inclusive. */
        minVersion: { type: 'int16', versions: '3+' },
        /** Highest version, inclusive. */
        maxVersion: { type: 'int16', versions: '3+' },
      },
    },
    /** Offset of the metadata that the features are from; -1 if unknown. */
    finalizedFeaturesEpoch: {
      type: 'int64',
      versions: '3+',
      tag: 1,
      tagged: '3+',
      default: -1n,
      ignorable: true,
    },
    /** Features of the cluster and their levels. */
    finalizedFeatures: {
      type: '[]',
      versions: '3+',
      tag: 2,
      tagged: '3+',
      ignorable: true,
      fields: {
        /** Name of the feature. */
        name: { type: 'string', versions: '3+' },
        /** Level of the feature. */
        maxVersionLevel: { type: 'int16', versions: '3+' },
        /** Lowest level of the feature that is in use. */
        minVersionLevel: { type: 'int16', versions: '3+' },
      },
    },
    /** Whether the node was ready to migrate from ZooKeeper; unused since 4.0. */
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
