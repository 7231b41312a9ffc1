// SPDX-License-Identifier: Apache-2.0
import { MillraceError, nearestSpelling } from '@millrace/base'

export interface Release {
  /** Level of the feature `metadata.version`. */
  readonly metadataVersion: number
  /** Levels of the other features in a new directory of that release. */
  readonly features: Readonly<Record<string, number>>
}

const base = { 'group.version': 1, 'transaction.version': 2, 'eligible.leader.replicas.version': 1 }

/** Feature levels with which a directory is formatted so that Kafka of that release can open it. */
export const releases: Readonly<Record<string, Release>> = {
  '4.1': { metadataVersion: 27, features: base },
  '4.2': { metadataVersion: 29, features: { ...base, 'share.version': 1, 'streams.version': 1 } },
  '4.3': { metadataVersion: 30, features: { ...base, 'share.version': 1, 'streams.version': 1 } },
  '4.4': { metadataVersion: 33, features: { ...base, 'share.version': 2, 'streams.version': 1 } },
}
/** Newest Kafka release whose metadata version is known. */
export const NEWEST_RELEASE = '4.4'

/** Feature levels that this broker supports. */
export const supportedFeatures: ReadonlyMap<
  string,
  { readonly min: number; readonly max: number }
> = new Map([
  ['metadata.version', { min: 7, max: 33 }],
  ['kraft.version', { min: 0, max: 1 }],
  ['group.version', { min: 0, max: 1 }],
  ['transaction.version', { min: 0, max: 2 }],
  ['share.version', { min: 0, max: 2 }],
  ['streams.version', { min: 0, max: 1 }],
  ['eligible.leader.replicas.version', { min: 0, max: 1 }],
])

export function releaseOf(version: string): Release {
  const release = releases[version.split('.').slice(0, 2).join('.')]
  if (release === undefined) {
    const nearest = nearestSpelling(version, Object.keys(releases))
    throw new MillraceError(
      'MILLRACE_UNKNOWN_RELEASE',
      `release ${version} is not known: expected one of ${Object.keys(releases).join(', ')}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    )
  }
  return release
}

/** Version of PartitionRecord and PartitionChangeRecord at a level of `metadata.version`. */
export function partitionRecordVersion(metadataVersion: number): number {
  if (metadataVersion >= 23) return 2
  return metadataVersion >= 17 ? 1 : 0
}
