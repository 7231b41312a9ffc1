// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import { BrokerConfig } from '../config/broker-config.ts'
import { DynamicBrokerConfig } from '../config/dynamic-broker-config.ts'
import { type ConfigContext, ConfigOperation, changeConfigs } from './config-operations.ts'
import { ConfigResourceType, MetadataImage } from './metadata-image.ts'
import type { MetadataRecord } from './metadata-record.ts'

const { topic, broker, group, clientMetrics } = ConfigResourceType

function contextWith(...records: readonly MetadataRecord[]): ConfigContext {
  const image = new MetadataImage()
  const data = { name: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }
  image.apply({ kind: 'TopicRecord', version: 0, data })
  for (const record of records) image.apply(record)
  const config = new BrokerConfig(new Map())
  const dynamic = new DynamicBrokerConfig(image, config, silentLogger)
  return { image, config, layers: dynamic.layers }
}

function stored(
  resourceType: number,
  resourceName: string,
  name: string,
  value: string,
): MetadataRecord {
  return { kind: 'ConfigRecord', version: 0, data: { resourceType, resourceName, name, value } }
}

type Change = readonly [operation: keyof typeof ConfigOperation, key: string, value: string | null]

/** `NONE`, or the error code. */
function outcome(
  context: ConfigContext,
  type: number,
  name: string,
  changes: readonly Change[],
): string {
  try {
    const given = changes.map(([operation, key, value]) => ({
      name: key,
      operation: ConfigOperation[operation],
      value,
    }))
    changeConfigs(context, { type, name }, given)
    return 'NONE'
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
}

const table: readonly [type: number, name: string, Change, code: string][] = [
  // The resource.
  [topic, 'orders', ['set', 'retention.ms', '5'], 'NONE'],
  [topic, 'missing', ['set', 'retention.ms', '5'], 'UNKNOWN_TOPIC_OR_PARTITION'],
  [topic, 'missing', ['set', 'retention.ms', 'x'], 'INVALID_CONFIG'],
  [topic, 'a b', ['set', 'retention.ms', '5'], 'INVALID_TOPIC_EXCEPTION'],
  [topic, '', ['set', 'retention.ms', '5'], 'INVALID_REQUEST'],
  [broker, '2', ['set', 'log.retention.ms', '5'], 'INVALID_REQUEST'],
  [group, '', ['set', 'consumer.session.timeout.ms', '50000'], 'INVALID_REQUEST'],
  [clientMetrics, '', ['set', 'interval.ms', '100'], 'INVALID_REQUEST'],
  [77, 'x', ['set', 'key', '1'], 'INVALID_REQUEST'],
  // The key: brokers keep unknown keys, for plugins.
  [topic, 'orders', ['set', 'no.such.key', '1'], 'INVALID_CONFIG'],
  [group, 'g', ['set', 'no.such.key', '1'], 'INVALID_CONFIG'],
  [clientMetrics, 'm', ['set', 'no.such.key', '1'], 'INVALID_REQUEST'],
  [broker, '1', ['set', 'no.such.key', '1'], 'NONE'],
  // The value: brokers return another code.
  [topic, 'orders', ['set', 'retention.ms', '-2'], 'INVALID_CONFIG'],
  [group, 'g', ['set', 'share.auto.offset.reset', 'bogus'], 'INVALID_CONFIG'],
  [broker, '1', ['set', 'log.retention.ms', 'x'], 'INVALID_REQUEST'],
  [broker, '', ['set', 'node.id', '2'], 'INVALID_REQUEST'],
  [clientMetrics, 'm', ['set', 'interval.ms', 'x'], 'INVALID_CONFIG'],
  [clientMetrics, 'm', ['set', 'interval.ms', '99'], 'INVALID_REQUEST'],
  [clientMetrics, 'm', ['set', 'match', 'client_id=['], 'INVALID_CONFIG'],
  [topic, 'orders', ['set', 'remote.storage.enable', 'true'], 'INVALID_CONFIG'],
  [topic, 'orders', ['set', 'leader.replication.throttled.replicas', 'x'], 'INVALID_CONFIG'],
  // The operation.
  [topic, 'orders', ['set', 'retention.ms', null], 'INVALID_REQUEST'],
  [topic, 'orders', ['delete', 'retention.ms', null], 'NONE'],
  [topic, 'orders', ['append', 'cleanup.policy', 'compact'], 'NONE'],
  [topic, 'orders', ['append', 'cleanup.policy', 'burn'], 'INVALID_CONFIG'],
  [topic, 'orders', ['append', 'retention.ms', '5'], 'INVALID_CONFIG'],
  [broker, '1', ['append', 'log.retention.ms', '5'], 'INVALID_CONFIG'],
  [clientMetrics, 'm', ['append', 'metrics', 'a'], 'INVALID_CONFIG'],
]

describe('a configuration change', () => {
  for (const [type, name, change, code] of table) {
    it(`${type}:${name} ${change.join(' ')} → ${code}`, () => {
      assert.equal(outcome(contextWith(), type, name, [change]), code)
    })
  }

  it('is rejected if keys that are set together contradict each other', () => {
    const lags: readonly Change[] = [
      ['set', 'min.compaction.lag.ms', '10'],
      ['set', 'max.compaction.lag.ms', '9'],
    ]
    assert.equal(outcome(contextWith(), topic, 'orders', lags), 'INVALID_CONFIG')
    const twice: readonly Change[] = [
      ['set', 'retention.ms', '1'],
      ['set', 'retention.ms', '2'],
    ]
    assert.equal(outcome(contextWith(), topic, 'orders', twice), 'INVALID_REQUEST')
  })

  it('uses broker values for keys that the topic does not set', () => {
    const context = contextWith(stored(broker, '', 'log.cleaner.max.compaction.lag.ms', '9'))
    const change: Change = ['set', 'min.compaction.lag.ms', '10']
    assert.equal(outcome(context, topic, 'orders', [change]), 'INVALID_CONFIG')
  })

  it('appends to and subtracts from the current value, or the default', () => {
    const policy = (context: ConfigContext, change: Change): unknown => {
      const [operation, name, value] = change
      const changes = [{ name, operation: ConfigOperation[operation], value }]
      const [record] = changeConfigs(context, { type: topic, name: 'orders' }, changes)
      return record?.kind === 'ConfigRecord' ? record.data.value : undefined
    }
    assert.equal(policy(contextWith(), ['append', 'cleanup.policy', 'compact']), 'delete,compact')
    assert.equal(policy(contextWith(), ['subtract', 'cleanup.policy', 'delete']), '')
    const compacted = contextWith(stored(topic, 'orders', 'cleanup.policy', 'compact,delete'))
    assert.equal(policy(compacted, ['subtract', 'cleanup.policy', 'delete']), 'compact')
    assert.equal(policy(compacted, ['append', 'cleanup.policy', 'delete']), undefined)
  })

  it('of a broker ignores stored values that are invalid', () => {
    const context = contextWith(
      stored(broker, '1', 'log.retention.ms', '0'),
      stored(broker, '1', 'max.connections', '7'),
    )
    assert.deepEqual([...context.layers.dynamic], [['max.connections', '7']])
    assert.equal(outcome(context, broker, '1', [['set', 'max.connections', '8']]), 'NONE')
  })

  it('of min.insync.replicas is cluster-wide while eligible leader replicas are enabled', () => {
    const data = { name: 'eligible.leader.replicas.version', featureLevel: 1 }
    const context = contextWith({ kind: 'FeatureLevelRecord', version: 0, data })
    const set: Change = ['set', 'min.insync.replicas', '1']
    assert.equal(outcome(context, broker, '', [set]), 'NONE')
    assert.equal(outcome(context, broker, '1', [set]), 'INVALID_CONFIG')
    const remove: Change = ['delete', 'min.insync.replicas', null]
    assert.equal(outcome(context, broker, '', [remove]), 'INVALID_CONFIG')
  })
})
