// SPDX-License-Identifier: Apache-2.0
import type { ConfigDefinitions } from './config-definition.ts'
import { autoOffsetReset } from './config-forms.ts'

/** Every configuration key of a consumer, share or streams group. */
export const groupConfigDefinitions = {
  'consumer.assignment.interval.ms': { type: 'int', default: '1000', min: 0 },
  'consumer.assignor.offload.enable': { type: 'boolean', default: 'true', internal: true },
  'consumer.heartbeat.interval.ms': { type: 'int', default: '5000', min: 1 },
  'consumer.session.timeout.ms': { type: 'int', default: '45000', min: 1 },
  'errors.deadletterqueue.copy.record.enable': { type: 'boolean', default: 'false' },
  'errors.deadletterqueue.topic.name': { type: 'string', default: '' },
  'share.assignment.interval.ms': { type: 'int', default: '1000', min: 0 },
  'share.assignor.offload.enable': { type: 'boolean', default: 'true', internal: true },
  'share.auto.offset.reset': { type: 'string', default: 'latest', form: autoOffsetReset },
  'share.delivery.count.limit': { type: 'int', default: '5', min: 2 },
  'share.heartbeat.interval.ms': { type: 'int', default: '5000', min: 1 },
  'share.isolation.level': {
    type: 'string',
    default: 'read_uncommitted',
    oneOf: ['read_committed', 'read_uncommitted'],
  },
  'share.partition.max.record.locks': { type: 'int', default: '2000', min: 100 },
  'share.record.lock.duration.ms': { type: 'int', default: '30000', min: 1000 },
  'share.renew.acknowledge.enable': { type: 'boolean', default: 'true' },
  'share.session.timeout.ms': { type: 'int', default: '45000', min: 1 },
  'streams.acceptable.recovery.lag': { type: 'long', default: '10000', min: 0, internal: true },
  'streams.assignment.interval.ms': { type: 'int', default: '1000', min: 0 },
  'streams.assignor.name': { type: 'string', default: 'sticky' },
  'streams.assignor.offload.enable': { type: 'boolean', default: 'true', internal: true },
  'streams.heartbeat.interval.ms': { type: 'int', default: '5000', min: 1 },
  'streams.initial.rebalance.delay.ms': { type: 'int', default: '3000', min: 0 },
  'streams.num.standby.replicas': { type: 'int', default: '0', min: 0 },
  'streams.num.warmup.replicas': { type: 'int', default: '2', min: 0, internal: true },
  'streams.rack.aware.assignment.tags': { type: 'list', default: '' },
  'streams.session.timeout.ms': { type: 'int', default: '45000', min: 1 },
  'streams.task.offset.interval.ms': { type: 'int', default: '60000', min: 1, internal: true },
} as const satisfies ConfigDefinitions
