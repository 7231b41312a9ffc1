// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  ProtocolError,
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '@millrace/protocol'
import { updateFeature } from '../metadata/feature-operations.ts'
import { defineHandler } from './handler.ts'

/**
 * UpdateFeatures (key 57): levels of features, all of them or none (KIP-584). In v0 a flag allows
 * downgrades.
 */
export const updateFeatures = defineHandler(
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
  async (request, { broker, version, access }) => {
    const outcome = {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
    }
    const results = request.featureUpdates.map(({ feature }) => ({
      feature,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
    }))
    try {
      access.requireClusterByName()
      await broker.metadata.propose((image) => {
        const records = request.featureUpdates.flatMap(
          ({ feature, maxVersionLevel, allowDowngrade, upgradeType }) => {
            const type = version > 0 ? upgradeType : allowDowngrade ? 2 : 1
            return updateFeature(
              image,
              { feature, maxVersionLevel, upgradeType: type },
              broker.metadata.kraftVersion,
            )
          },
        )
        return { records: request.validateOnly ? [] : records, reply: undefined }
      })
      return { ...outcome, results }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return { ...outcome, errorCode: error.errorCode, errorMessage: error.message, results: [] }
    }
  },
)
