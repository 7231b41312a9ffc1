// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** UpdateFeatures (key 57), versions 0-2, flexible from 0. */
export const UpdateFeaturesRequest = {
  apiKey: 57,
  name: 'UpdateFeaturesRequest',
  versions: '0-2',
  flexible: '0+',
  fields: {
    timeoutMs: { type: 'int32', versions: '0+', default: 60000 },
    featureUpdates: {
      type: '[]',
      versions: '0+',
      fields: {
        feature: { type: 'string', versions: '0+' },
        maxVersionLevel: { type: 'int16', versions: '0+' },
        allowDowngrade: { type: 'bool', versions: '0' },
        upgradeType: { type: 'int8', versions: '1+', default: 1 },
      },
    },
    validateOnly: { type: 'bool', versions: '1+', default: false },
  },
} as const satisfies MessageSchema
export type UpdateFeaturesRequest = MessageOf<typeof UpdateFeaturesRequest>

export const UpdateFeaturesResponse = {
  apiKey: 57,
  name: 'UpdateFeaturesResponse',
  versions: '0-2',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
    results: {
      type: '[]',
      versions: '0-1',
      ignorable: true,
      fields: {
        feature: { type: 'string', versions: '0+' },
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type UpdateFeaturesResponse = MessageOf<typeof UpdateFeaturesResponse>
