// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Changes the levels of features (KIP-584). API key 57, versions 0 to 2, flexible from 0.
 * - Version 1: validation only, type of change (KIP-778).
 * - Version 2: same as version 1.
 */
export const UpdateFeaturesRequest = {
  apiKey: 57,
  name: 'UpdateFeaturesRequest',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '0+', default: 60000 },
    /** Features whose level changes. */
    featureUpdates: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the feature. */
        feature: { type: 'string', versions: '0+' },
        /** New level of the feature; below 1 deletes it. */
        maxVersionLevel: { type: 'int16', versions: '0+' },
        /** Replaced by `upgradeType` in version 1. */
        allowDowngrade: { type: 'bool', versions: '0' },
        /** 1 upgrades only, 2 downgrades without loss, 3 downgrades with loss. */
        upgradeType: { type: 'int8', versions: '1+', default: 1 },
      },
    },
    /** Whether to validate the request without executing it. */
    validateOnly: { type: 'bool', versions: '1+', default: false },
  },
} as const satisfies MessageSchema
export type UpdateFeaturesRequest = MessageOf<typeof UpdateFeaturesRequest>

/**
 * Response of UpdateFeatures, versions 0 to 2, flexible from 0.
 * - Version 2: without results per feature.
 */
export const UpdateFeaturesResponse = {
  apiKey: 57,
  name: 'UpdateFeaturesResponse',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
    /** Results, in the order of the request. */
    results: {
      type: '[]',
      versions: '0-1',
      ignorable: true,
      fields: {
        /** Name of the feature. */
        feature: { type: 'string', versions: '0+' },
        /** Kafka's error code, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type UpdateFeaturesResponse = MessageOf<typeof UpdateFeaturesResponse>
