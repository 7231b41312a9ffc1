// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigResourceType, MetadataImage } from './metadata-image.ts'
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type NewMetadataRecord,
} from './metadata-record.ts'

const idOf = (name: string): string => name.padEnd(21, 'x').concat('A')
const UUID = idOf('acl')

const newTopic = (name: string): NewMetadataRecord => ({
  kind: 'TopicRecord',
  version: 0,
  data: { name, topicId: idOf(name) },
})
const partition = (name: string, partitionId: number, leaderEpoch = 0): NewMetadataRecord => ({
  kind: 'PartitionRecord',
  version: 1,
  data: {
    partitionId,
    topicId: idOf(name),
    replicas: [1],
    isr: [1],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderEpoch,
    partitionEpoch: 0,
    directories: [idOf('dir')],
  },
})
const change = (name: string, data: object): NewMetadataRecord => ({
  kind: 'PartitionChangeRecord',
  version: 1,
  data: { partitionId: 0, topicId: idOf(name), ...data },
})
const config = (resourceType: number, resourceName: string, name: string, value: string | null) =>
  ({
    kind: 'ConfigRecord',
    version: 0,
    data: { resourceType, resourceName, name, value },
  }) as const
const feature = (name: string, featureLevel: number) =>
  ({ kind: 'FeatureLevelRecord', version: 0, data: { name, featureLevel } }) as const
const mark = (kind: 'BeginTransactionRecord' | 'EndTransactionRecord' | 'AbortTransactionRecord') =>
  ({ kind, version: 0, data: {} }) as NewMetadataRecord
const quota = (key: string, value: number, remove = false): NewMetadataRecord => ({
  kind: 'ClientQuotaRecord',
  version: 0,
  data: { entity: [{ entityType: 'user', entityName: 'u' }], key, value, remove },
})
const scram = (name: string): NewMetadataRecord => ({
  kind: 'UserScramCredentialRecord',
  version: 0,
  data: {
    name,
    mechanism: 1,
    salt: Buffer.from('s'),
    storedKey: Buffer.from('k'),
    serverKey: Buffer.from('v'),
    iterations: 4096,
  },
})
const acl: NewMetadataRecord = {
  kind: 'AccessControlEntryRecord',
  version: 0,
  data: {
    id: UUID,
    resourceType: 2,
    resourceName: 'a',
    patternType: 3,
    principal: 'User:u',
    host: '*',
    operation: 3,
    permissionType: 3,
  },
}

/** Records go through their bytes, as in the log. */
function imageOf(...records: readonly NewMetadataRecord[]): MetadataImage {
  const image = new MetadataImage()
  for (const record of records) image.apply(decodeMetadataRecord(encodeMetadataRecord(record)))
  return image
}

describe('replaying metadata: partitions', () => {
  const base = [newTopic('a'), partition('a', 0, 5)]
  const cells: readonly (readonly [string, object, object])[] = [
    ['a new leader raises both epochs', { leader: 2 }, { leader: 2, leaderEpoch: 6 }],
    ['so does a leader that stays', { leader: 1 }, { leader: 1, leaderEpoch: 6 }],
    ['and one that is gone', { leader: -1 }, { leader: -1, leaderEpoch: 6 }],
    ['a change of the ISR keeps the leader', { isr: [1, 2] }, { isr: [1, 2], leaderEpoch: 5 }],
    ['replicas', { replicas: [1, 2] }, { replicas: [1, 2], isr: [1], leaderEpoch: 5 }],
    ['directories', { directories: [idOf('x')] }, { directories: [idOf('x')], leaderEpoch: 5 }],
  ]
  for (const [what, data, expected] of cells) {
    it(what, () => {
      const image = imageOf(...base, change('a', data))
      const changed = image.topics.get('a')?.partitions[0]
      for (const [key, value] of Object.entries({ ...expected, partitionEpoch: 1 })) {
        assert.deepEqual(changed?.[key as keyof typeof changed], value, key)
      }
    })
  }

  it('of a topic that is gone are ignored', () => {
    const removed = { kind: 'RemoveTopicRecord', version: 0, data: { topicId: idOf('a') } } as const
    const image = imageOf(...base, removed, change('a', { leader: 2 }), partition('a', 1))
    assert.equal(image.topics.size, 0)
    assert.equal(image.topicById(idOf('a')), undefined)
  })

  it('are found by name and by id', () => {
    const image = imageOf(...base, newTopic('b'))
    assert.equal(image.topicById(idOf('b'))?.name, 'b')
    assert.equal(image.topics.get('a')?.id, idOf('a'))
    assert.equal(image.topicById(idOf('c')), undefined)
  })
})

describe('replaying metadata: configurations', () => {
  const { topic, broker } = ConfigResourceType

  it('are set, replaced and removed by key', () => {
    const image = imageOf(
      config(topic, 'a', 'x', '1'),
      config(topic, 'a', 'y', '2'),
      config(topic, 'a', 'x', '3'),
      config(topic, 'a', 'y', null),
    )
    assert.deepEqual([...image.configs(topic, 'a')], [['x', '3']])
  })

  it('without keys left are no resource', () => {
    const image = imageOf(config(broker, '1', 'x', '1'), config(broker, '1', 'x', null))
    assert.deepEqual(image.configuredResources(broker), [])
    assert.equal(image.configs(broker, '1').size, 0)
  })

  it('are of a type and a name', () => {
    const image = imageOf(config(topic, '1', 'x', 't'), config(broker, '1', 'x', 'b'))
    assert.equal(image.configs(topic, '1').get('x'), 't')
    assert.equal(image.configs(broker, '1').get('x'), 'b')
  })

  it('of a topic go with it: another of the name begins without them', () => {
    const removed = { kind: 'RemoveTopicRecord', version: 0, data: { topicId: idOf('a') } } as const
    const image = imageOf(newTopic('a'), config(topic, 'a', 'x', '1'), removed, newTopic('a'))
    assert.equal(image.configs(topic, 'a').size, 0)
  })
})

describe('replaying metadata: transactions (KIP-868)', () => {
  const begin = mark('BeginTransactionRecord')

  it('take effect at their end', () => {
    assert.equal(imageOf(begin, newTopic('a')).topics.size, 0)
    const image = imageOf(begin, newTopic('a'), partition('a', 0), mark('EndTransactionRecord'))
    assert.equal(image.topics.get('a')?.partitions.length, 1)
  })

  it('that are aborted have none, and later records do', () => {
    const image = imageOf(begin, newTopic('a'), mark('AbortTransactionRecord'), newTopic('b'))
    assert.deepEqual([...image.topics.keys()], ['b'])
  })
})

describe('replaying metadata: other records', () => {
  it('of features set and remove levels', () => {
    const image = imageOf(feature('metadata.version', 25), feature('x', 2), feature('x', 0))
    assert.equal(image.metadataVersion, 25)
    assert.equal(image.features.has('x'), false)
  })

  it('of producer ids keep the next one', () => {
    const ids = (nextProducerId: bigint) =>
      ({
        kind: 'ProducerIdsRecord',
        version: 0,
        data: { brokerId: 1, brokerEpoch: 0n, nextProducerId },
      }) as const
    assert.equal(imageOf(ids(1000n), ids(2000n)).nextProducerId, 2000n)
  })

  it('of quotas are by entity and key', () => {
    const image = imageOf(quota('a', 1), quota('b', 2), quota('a', 3), quota('b', 0, true))
    assert.deepEqual(
      image.quotas().map(({ quotas }) => [...quotas]),
      [[['a', 3]]],
    )
  })

  it('of credentials are by user and mechanism', () => {
    const removed: NewMetadataRecord = {
      kind: 'RemoveUserScramCredentialRecord',
      version: 0,
      data: { name: 'u', mechanism: 1 },
    }
    const image = imageOf(scram('u'), scram('v'), removed)
    assert.deepEqual(
      image.scramCredentials().map(({ name }) => name),
      ['v'],
    )
    assert.equal(image.scramCredential(1, 'v')?.iterations, 4096)
    assert.equal(image.scramCredential(2, 'v'), undefined)
  })

  it('of ACLs are by id', () => {
    const removed: NewMetadataRecord = {
      kind: 'RemoveAccessControlEntryRecord',
      version: 0,
      data: { id: UUID },
    }
    assert.equal(imageOf(acl).acls().length, 1)
    assert.equal(imageOf(acl, removed).acls().length, 0)
  })
})

describe('a snapshot of the metadata', () => {
  it('replays to the same snapshot', () => {
    const { topic, group } = ConfigResourceType
    const image = imageOf(
      feature('x', 1),
      feature('metadata.version', 25),
      newTopic('a'),
      partition('a', 0),
      partition('a', 1),
      change('a', { leader: 2, isr: [2] }),
      config(topic, 'a', 'retention.ms', '5'),
      config(group, 'name:with:colons', 'share.auto.offset.reset', 'earliest'),
      acl,
      scram('u'),
      quota('a', 1.5),
      {
        kind: 'ProducerIdsRecord',
        version: 0,
        data: { brokerId: 1, brokerEpoch: 0n, nextProducerId: 1000n },
      },
    )
    const snapshot = [...image.snapshot()]
    const again = [...imageOf(...snapshot).snapshot()]
    assert.deepEqual(again.map(encodeMetadataRecord), snapshot.map(encodeMetadataRecord))
    assert.equal(snapshot.length, 11)
  })

  it('begins with metadata.version, which decides how the rest is read', () => {
    const [first] = imageOf(feature('a', 1), feature('metadata.version', 25)).snapshot()
    assert.equal(first?.kind === 'FeatureLevelRecord' && first.data.name, 'metadata.version')
  })
})

describe('a metadata record', () => {
  it('of a later version of Kafka is an error, not a guess', () => {
    const unknown = Buffer.from([1, 0xff, 0x01, 0])
    assert.throws(() => decodeMetadataRecord(unknown), { code: 'MILLRACE_UNKNOWN_METADATA' })
    const frame = Buffer.from(encodeMetadataRecord(newTopic('a')))
    frame[0] = 2
    assert.throws(() => decodeMetadataRecord(frame), { code: 'MILLRACE_UNKNOWN_METADATA' })
  })
})
