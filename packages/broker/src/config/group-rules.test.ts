// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MetadataImage } from '../metadata/metadata-image.ts'
import { BrokerConfig } from './broker-config.ts'
import { checkGroupConfig } from './group-rules.ts'
import { groupSettings } from './group-settings.ts'

type Settings = Readonly<Record<string, string>>
const broker = (file: Settings = {}): BrokerConfig =>
  new BrokerConfig(new Map(Object.entries(file)))
const check = (values: Settings, file: Settings = {}): void =>
  checkGroupConfig(new Map(Object.entries(values)), broker(file))

const refused: readonly [values: Settings, message: RegExp][] = [
  [
    { 'consumer.sesion.timeout.ms': '1' },
    /Unknown group config name: .* did you mean consumer\.session\.timeout\.ms\?/,
  ],
  [{ 'share.auto.offset.reset': 'bogus' }, /expected earliest, latest or by_duration/],
  [
    { 'consumer.session.timeout.ms': '44999' },
    /expected at least 45000, the broker's group\.consumer\.min\.session\.timeout\.ms/,
  ],
  [{ 'consumer.session.timeout.ms': '60001' }, /expected at most 60000/],
  [{ 'share.delivery.count.limit': '11' }, /expected at most 10/],
  [{ 'share.isolation.level': 'none' }, /expected one of read_committed, read_uncommitted/],
  [{ 'streams.num.standby.replicas': '3' }, /expected at most 2/],
  [{ 'streams.assignor.name': 'range' }, /expected one of sticky/],
  [{ 'streams.rack.aware.assignment.tags': 'zone,zone' }, /without repetitions/],
  [{ 'errors.deadletterqueue.topic.name': '__orders' }, /does not start with __/],
]

describe('a group configuration', () => {
  for (const [values, message] of refused) {
    it(`rejects ${JSON.stringify(values)}`, () => assert.throws(() => check(values), message))
  }

  it("must be within the broker's limits", () => {
    const file = { 'group.consumer.max.session.timeout.ms': '90000' }
    check({ 'consumer.session.timeout.ms': '90000' }, file)
    assert.throws(() => check({ 'consumer.session.timeout.ms': '90001' }, file), /at most 90000/)
  })

  it('must have a session longer than the heartbeat interval', () => {
    const file = {
      'group.share.max.heartbeat.interval.ms': '50000',
      'group.share.max.session.timeout.ms': '90000',
    }
    const values = { 'share.heartbeat.interval.ms': '45000' }
    assert.throws(
      () => check(values, file),
      /less than 45000, the value of share\.session\.timeout\.ms/,
    )
    check({ ...values, 'share.session.timeout.ms': '45001' }, file)
  })

  it('is clamped to limits that changed later', () => {
    const image = new MetadataImage()
    image.apply({
      kind: 'ConfigRecord',
      version: 0,
      data: {
        resourceType: 32,
        resourceName: 'g',
        name: 'consumer.session.timeout.ms',
        value: '60000',
      },
    })
    const settings = groupSettings(
      image,
      broker({ 'group.consumer.max.session.timeout.ms': '50000' }),
    )
    assert.equal(settings.number('g', 'consumer.session.timeout.ms'), 50_000)
    assert.equal(settings.number('other', 'consumer.session.timeout.ms'), 45_000)
    const slow = groupSettings(
      image,
      broker({ 'group.consumer.min.assignment.interval.ms': '700' }),
    )
    assert.equal(slow.number('g', 'consumer.assignment.interval.ms'), 700)
  })
})
