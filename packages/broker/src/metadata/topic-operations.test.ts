// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import { BrokerConfig } from '../config/broker-config.ts'
import { DynamicBrokerConfig } from '../config/dynamic-broker-config.ts'
import { MetadataImage } from './metadata-image.ts'
import { decodeMetadataRecord, encodeMetadataRecord } from './metadata-record.ts'
import {
  addPartitions,
  createTopic,
  type NewTopic,
  type TopicDefaults,
} from './topic-operations.ts'

const TOPIC_ID = 'topic'.padEnd(21, 'x').concat('A')
const DIRECTORY_ID = 'directory'.padEnd(21, 'x').concat('A')

const defaults: TopicDefaults = {
  nodeId: 1,
  directoryId: DIRECTORY_ID,
  numPartitions: 3,
  replicationFactor: 1,
  isCordoned: false,
}

const topic: NewTopic = {
  name: 'orders',
  numPartitions: -1,
  replicationFactor: -1,
  assignments: [],
  configs: [],
}

const on = (...lists: readonly (readonly number[])[]) =>
  lists.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))

class Bench {
  readonly image = new MetadataImage()
  readonly defaults: TopicDefaults

  constructor(changes: Partial<TopicDefaults> = {}, metadataVersion = 25) {
    this.defaults = { ...defaults, ...changes }
    this.image.apply({
      kind: 'FeatureLevelRecord',
      version: 0,
      data: { name: 'metadata.version', featureLevel: metadataVersion },
    })
  }

  /** Kinds of the records with their numbers, or the error. */
  #outcome(run: () => readonly Parameters<typeof encodeMetadataRecord>[0][]): string {
    try {
      const records = run()
      for (const record of records) {
        this.image.apply(decodeMetadataRecord(encodeMetadataRecord(record)))
      }
      return [...Map.groupBy(records, ({ kind }) => kind.replace('Record', ''))]
        .map(([kind, list]) => `${list.length} ${kind}`)
        .join(', ')
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error))
      return `${error.code}: ${error.message}`
    }
  }

  create(changes: Partial<NewTopic> = {}): string {
    const dynamic = new DynamicBrokerConfig(this.image, new BrokerConfig(new Map()), silentLogger)
    return this.#outcome(
      () =>
        createTopic(
          this.image,
          { ...topic, ...changes },
          { defaults: this.defaults, topicId: TOPIC_ID, layers: dynamic.layers },
        ).records,
    )
  }

  add(count: number, assignments: readonly (readonly number[])[] | null = null, name = 'orders') {
    return this.#outcome(() =>
      addPartitions(
        this.image,
        { name, count, assignments: assignments && on(...assignments) },
        this.defaults,
      ),
    )
  }
}

describe('the creation of a topic', () => {
  const valid: readonly (readonly [Partial<NewTopic>, string])[] = [
    [{}, '1 Topic, 3 Partition'],
    [{ numPartitions: 5 }, '1 Topic, 5 Partition'],
    [{ numPartitions: 10_000 }, '1 Topic, 10000 Partition'],
    [{ replicationFactor: 1 }, '1 Topic, 3 Partition'],
    [{ assignments: on([1], [1]) }, '1 Topic, 2 Partition'],
    [{ assignments: on([1], [1]).reverse() }, '1 Topic, 2 Partition'],
    [
      {
        configs: [
          { name: 'retention.ms', value: '5' },
          { name: 'cleanup.policy', value: 'compact' },
        ],
      },
      '1 Topic, 2 Config, 3 Partition',
    ],
  ]
  for (const [changes, records] of valid) {
    it(`${JSON.stringify(changes).slice(0, 60)} → ${records}`, () => {
      assert.equal(new Bench().create(changes), records)
    })
  }

  const invalid: readonly (readonly [Partial<NewTopic>, RegExp])[] = [
    [{ name: '' }, /^INVALID_TOPIC_EXCEPTION/],
    [{ name: '..' }, /^INVALID_TOPIC_EXCEPTION/],
    [{ name: 'a b' }, /^INVALID_TOPIC_EXCEPTION/],
    [{ name: 'x'.repeat(250) }, /^INVALID_TOPIC_EXCEPTION/],
    [{ name: '__cluster_metadata' }, /^INVALID_REQUEST: Creation of internal topic/],
    [{ numPartitions: 0 }, /^INVALID_PARTITIONS/],
    [{ numPartitions: -2 }, /^INVALID_PARTITIONS/],
    [{ numPartitions: 10_001 }, /^POLICY_VIOLATION: .* 10001, at most 10000/],
    [{ replicationFactor: 0 }, /^INVALID_REPLICATION_FACTOR/],
    [{ replicationFactor: 2 }, /^INVALID_REPLICATION_FACTOR: .*only 1 broker/],
    [{ assignments: on([1]), numPartitions: 1 }, /^INVALID_REQUEST: A manual partition assignment/],
    [{ assignments: on([1]), replicationFactor: 1 }, /^INVALID_REQUEST/],
    [
      { assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      /^INVALID_REPLICA_ASSIGNMENT: .*0-based/,
    ],
    [{ assignments: on([1], []) }, /^INVALID_REPLICA_ASSIGNMENT: .*partition 1 .*empty/],
    [{ assignments: on([1, 1]) }, /^INVALID_REPLICA_ASSIGNMENT: .*more than once/],
    [{ assignments: on([2]) }, /^INVALID_REPLICA_ASSIGNMENT: .*broker 2, but no such/],
    [{ configs: [{ name: 'retention.ms', value: null }] }, /^INVALID_CONFIG: Null value/],
    [{ configs: [{ name: 'retention.ms', value: 'x' }] }, /^INVALID_CONFIG/],
    [{ configs: [{ name: 'no.such.key', value: '1' }] }, /^INVALID_CONFIG/],
  ]
  for (const [changes, message] of invalid) {
    it(`${JSON.stringify(changes).slice(0, 70)} → ${message}`, () => {
      const bench = new Bench()
      assert.match(bench.create(changes), message)
      assert.equal(bench.image.topics.size, 0)
    })
  }

  it('is refused for a name that exists, and for one with the same metric name', () => {
    const bench = new Bench()
    bench.create({ name: 'a.b' })
    assert.match(bench.create({ name: 'a.b' }), /^TOPIC_ALREADY_EXISTS: Topic 'a.b' already exists/)
    assert.match(bench.create({ name: 'a_b' }), /^INVALID_TOPIC_EXCEPTION: .*collides.* a\.b/)
    assert.match(bench.create({ name: 'a-b' }), /^1 Topic/)
  })

  it('is refused while all log directories are cordoned', () => {
    const bench = new Bench({ isCordoned: true })
    assert.match(bench.create(), /^INVALID_REPLICATION_FACTOR: .*cordoned/)
    assert.match(bench.create({ assignments: on([1]) }), /^INVALID_REPLICA_ASSIGNMENT: .*cordoned/)
  })

  it('uses the defaults of the broker', () => {
    assert.match(new Bench({ numPartitions: 1 }).create(), /1 Partition/)
    assert.match(new Bench({ replicationFactor: 3 }).create(), /^INVALID_REPLICATION_FACTOR/)
  })

  it('places each partition on this node, with the log directory if the metadata has it', () => {
    for (const [metadataVersion, directories] of [
      [25, [DIRECTORY_ID]],
      [7, []],
    ] as const) {
      const bench = new Bench({}, metadataVersion)
      bench.create({ numPartitions: 1 })
      const [partition] = bench.image.topics.get('orders')?.partitions ?? []
      assert.deepEqual(
        [partition?.leader, partition?.leaderEpoch, partition?.replicas, partition?.isr],
        [1, 0, [1], [1]],
      )
      assert.deepEqual(partition?.directories, directories)
    }
  })
})

describe('new partitions of a topic', () => {
  const cells: readonly (readonly [number, readonly (readonly number[])[] | null, RegExp])[] = [
    [4, null, /^1 Partition$/],
    [6, null, /^3 Partition$/],
    [4, [[1]], /^1 Partition$/],
    [5, [[1], [1]], /^2 Partition$/],
    [3, null, /^INVALID_PARTITIONS: Topic already has 3 partition/],
    [2, null, /^INVALID_PARTITIONS: .*currently has 3 .* 2 would not be an increase/],
    [10_003, null, /^10000 Partition$/],
    [10_004, null, /^POLICY_VIOLATION: .* 10001, at most/],
    [5, [[1]], /^INVALID_REPLICA_ASSIGNMENT: Attempted to add 2 .* only 1 assignment/],
    [4, [[2]], /^INVALID_REPLICA_ASSIGNMENT: .*broker 2/],
    [4, [[]], /^INVALID_REPLICA_ASSIGNMENT: .*partition 3 .*empty/],
  ]
  for (const [count, assignments, outcome] of cells) {
    it(`3 → ${count} with ${JSON.stringify(assignments)}: ${outcome}`, () => {
      const bench = new Bench()
      bench.create()
      assert.match(bench.add(count, assignments), outcome)
      const isValid = /^\d/.test(outcome.source.slice(1))
      const { length } = bench.image.topics.get('orders')?.partitions ?? []
      assert.equal(length, isValid ? count : 3)
    })
  }

  it('are refused for a topic that does not exist, and while cordoned', () => {
    assert.match(new Bench().add(4), /^UNKNOWN_TOPIC_OR_PARTITION/)
    const bench = new Bench()
    bench.create()
    assert.match(new Bench({ isCordoned: true }).add(4), /^UNKNOWN_TOPIC_OR_PARTITION/)
    Object.assign(bench.defaults, { isCordoned: true })
    assert.match(bench.add(4), /^INVALID_REPLICATION_FACTOR/)
  })
})
