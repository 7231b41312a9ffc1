// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { MetadataImage } from './metadata-image.ts'
import type { NewMetadataRecord } from './metadata-record.ts'
import { supportedFeatures } from './metadata-version.ts'

const UpgradeType = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const

export interface FeatureUpdate {
  readonly feature: string
  readonly maxVersionLevel: number
  readonly upgradeType: number
}

/** Record that sets a feature's level (KIP-584). Throws `INVALID_UPDATE_VERSION`. */
export function updateFeature(
  image: MetadataImage,
  { feature, maxVersionLevel: level, upgradeType }: FeatureUpdate,
  kraftVersion: number,
): NewMetadataRecord[] {
  const invalid = (why: string): ProtocolError =>
    new ProtocolError(
      'INVALID_UPDATE_VERSION',
      `Invalid update version ${level} for feature ${feature}. ${why}`,
    )
  if (!Object.values(UpgradeType).includes(upgradeType as 1)) {
    throw invalid('The controller does not support the given upgrade type.')
  }
  const current = feature === 'kraft.version' ? kraftVersion : (image.features.get(feature) ?? 0)
  if (level < 0) throw invalid('A feature version cannot be less than 0.')
  const supported = supportedFeatures.get(feature)
  if (supported === undefined) throw invalid('Local controller does not support this feature.')
  if (level < supported.min || level > supported.max) {
    throw invalid(`Local controller only supports versions ${supported.min}-${supported.max}`)
  }
  if (level < current && upgradeType === UpgradeType.upgrade) {
    throw invalid(
      "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    )
  }
  if (level > current && upgradeType !== UpgradeType.upgrade) {
    throw invalid("Can't downgrade to a newer version.")
  }
  if (level === current) return []
  if (feature === 'kraft.version')
    throw invalid('The voters of a single node cannot change after formatting.')
  if (feature === 'metadata.version' && level < current) {
    throw invalid('Unsupported metadata.version downgrade: records of this version may be in use.')
  }
  return [{ kind: 'FeatureLevelRecord', version: 0, data: { name: feature, featureLevel: level } }]
}
