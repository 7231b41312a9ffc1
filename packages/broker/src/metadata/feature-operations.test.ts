// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError } from '@millrace/protocol'
import { updateFeature } from './feature-operations.ts'
import { MetadataImage } from './metadata-image.ts'
import { partitionRecordVersion, releaseOf } from './metadata-version.ts'

const UPGRADE = 1
const SAFE = 2
const UNSAFE = 3

describe('an update of a feature (KIP-584)', () => {
  /** group.version is 1, share.version absent, metadata.version 30, kraft.version 1. */
  function update(feature: string, maxVersionLevel: number, upgradeType: number): string {
    const image = new MetadataImage()
    for (const [name, featureLevel] of [
      ['metadata.version', 30],
      ['group.version', 1],
    ] as const) {
      image.apply({ kind: 'FeatureLevelRecord', version: 0, data: { name, featureLevel } })
    }
    try {
      const records = updateFeature(image, { feature, maxVersionLevel, upgradeType }, 1)
      return records
        .map(({ data }) => {
          const { name, featureLevel } = data as { name: string; featureLevel: number }
          return `${name}=${featureLevel}`
        })
        .join()
    } catch (error) {
      assert.ok(error instanceof ProtocolError)
      assert.equal(error.code, 'INVALID_UPDATE_VERSION')
      return error.message.replace(/^.*? for feature \S+\. /, '')
    }
  }

  const cells: readonly (readonly [
    feature: string,
    level: number,
    type: number,
    outcome: string | RegExp,
  ])[] = [
    ['share.version', 1, UPGRADE, 'share.version=1'],
    ['share.version', 2, UPGRADE, 'share.version=2'],
    ['metadata.version', 33, UPGRADE, 'metadata.version=33'],
    ['group.version', 1, UPGRADE, ''],
    ['group.version', 1, SAFE, ''],
    ['group.version', 0, SAFE, 'group.version=0'],
    ['group.version', 0, UNSAFE, 'group.version=0'],
    ['group.version', 0, UPGRADE, /Can't downgrade the version of this feature without/],
    ['share.version', 1, SAFE, /Can't downgrade to a newer version/],
    ['share.version', 1, UNSAFE, /Can't downgrade to a newer version/],
    ['share.version', 3, UPGRADE, /only supports versions 0-2/],
    ['metadata.version', 6, UNSAFE, /only supports versions 7-33/],
    ['metadata.version', 29, SAFE, /Unsupported metadata.version downgrade/],
    ['metadata.version', 29, UNSAFE, /Unsupported metadata.version downgrade/],
    ['group.version', -1, UPGRADE, /cannot be less than 0/],
    ['no.such', 1, UPGRADE, /does not support this feature/],
    ['group.version', 0, 0, /does not support the given upgrade type/],
    ['group.version', 0, 4, /does not support the given upgrade type/],
    ['kraft.version', 1, UPGRADE, ''],
    ['kraft.version', 0, SAFE, /voters of a single node cannot change/],
  ]
  const types = ['?', 'upgrade', 'safe downgrade', 'unsafe downgrade']
  for (const [feature, level, type, outcome] of cells) {
    it(`${feature} to ${level}, ${types[type] ?? type}: ${outcome || 'unchanged'}`, () => {
      const got = update(feature, level, type)
      if (typeof outcome === 'string') assert.equal(got, outcome)
      else assert.match(got, outcome)
    })
  }
})

describe('a release of Kafka', () => {
  it('is known by its first two numbers; others are named with the nearest spelling', () => {
    assert.equal(releaseOf('4.4.0').metadataVersion, releaseOf('4.4').metadataVersion)
    assert.throws(() => releaseOf('4.5'), {
      code: 'MILLRACE_UNKNOWN_RELEASE',
      message: /release 4\.5 is not known: expected one of .*4\.4/,
    })
  })

  it('decides the version of partition records', () => {
    const cells = [
      [7, 0],
      [16, 0],
      [17, 1],
      [22, 1],
      [23, 2],
      [33, 2],
    ] as const
    for (const [metadataVersion, version] of cells) {
      assert.equal(partitionRecordVersion(metadataVersion), version, `${metadataVersion}`)
    }
  })
})
