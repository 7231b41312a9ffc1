// SPDX-License-Identifier: Apache-2.0
// Validates the configuration of a group against the limits of the broker (KIP-848, KIP-932,
// KIP-1071).
import type { BrokerConfig, BrokerConfigKey } from './broker-config.ts'
import { checkTags } from './broker-rules.ts'
import { type ConfigDefinition, invalidValue } from './config-definition.ts'
import { shortAssignorName } from './config-forms.ts'
import { numberOf, validateValue } from './config-value.ts'
import { groupConfigDefinitions } from './group-config-definitions.ts'
import { unknownConfig } from './unknown-config.ts'

const definitions: Readonly<Record<string, ConfigDefinition>> = groupConfigDefinitions

/** The two broker keys that limit a group key. */
export interface GroupLimit {
  readonly min?: BrokerConfigKey
  readonly max?: BrokerConfigKey
}

function intervalLimits(kind: 'consumer' | 'share' | 'streams'): Record<string, GroupLimit> {
  const limit = (
    name: 'heartbeat.interval' | 'session.timeout' | 'assignment.interval',
  ): GroupLimit => ({
    min: `group.${kind}.min.${name}.ms`,
    max: `group.${kind}.max.${name}.ms`,
  })
  return {
    [`${kind}.heartbeat.interval.ms`]: limit('heartbeat.interval'),
    [`${kind}.session.timeout.ms`]: limit('session.timeout'),
    [`${kind}.assignment.interval.ms`]: limit('assignment.interval'),
  }
}

/** Broker limits by group key. */
export const groupLimits: Readonly<Record<string, GroupLimit>> = {
  ...intervalLimits('consumer'),
  ...intervalLimits('share'),
  ...intervalLimits('streams'),
  'share.delivery.count.limit': {
    min: 'group.share.min.delivery.count.limit',
    max: 'group.share.max.delivery.count.limit',
  },
  'share.partition.max.record.locks': {
    min: 'group.share.min.partition.max.record.locks',
    max: 'group.share.max.partition.max.record.locks',
  },
  'share.record.lock.duration.ms': {
    min: 'group.share.min.record.lock.duration.ms',
    max: 'group.share.max.record.lock.duration.ms',
  },
  'streams.num.standby.replicas': { max: 'group.streams.max.standby.replicas' },
  'streams.num.warmup.replicas': { max: 'group.streams.max.warmup.replicas' },
  'streams.task.offset.interval.ms': { min: 'group.streams.min.task.offset.interval.ms' },
}

/**
 * Throws `ConfigError` unless the values are a valid group configuration within the broker's
 * limits.
 */
export function checkGroupConfig(values: ReadonlyMap<string, string>, broker: BrokerConfig): void {
  for (const name of values.keys()) {
    if (definitions[name] === undefined)
      throw unknownConfig('group', name, Object.keys(definitions))
  }
  const tags = values.get('streams.rack.aware.assignment.tags')
  if (tags !== undefined) checkTags('streams.rack.aware.assignment.tags', tags)
  for (const [name, value] of values) {
    const definition = definitions[name]
    if (definition !== undefined) validateValue(name, value, definition)
    checkLimit(name, value, broker)
  }
  checkAssignor(values, broker)
  for (const kind of ['consumer', 'share', 'streams'] as const) checkSession(kind, values, broker)
  const deadLetters = values.get('errors.deadletterqueue.topic.name')?.trim()
  if (deadLetters?.startsWith('__')) {
    throw invalidValue(
      'errors.deadletterqueue.topic.name',
      deadLetters,
      'a name that does not start with __',
    )
  }
}

function checkLimit(name: string, value: string, broker: BrokerConfig): void {
  const { min, max } = groupLimits[name] ?? {}
  const number = numberOf(value)
  if (min !== undefined && number < broker.number(min)) {
    throw invalidValue(name, value, `at least ${broker.number(min)}, the broker's ${min}`)
  }
  if (max !== undefined && number > broker.number(max)) {
    throw invalidValue(name, value, `at most ${broker.number(max)}, the broker's ${max}`)
  }
}

function checkAssignor(values: ReadonlyMap<string, string>, broker: BrokerConfig): void {
  const name = values.get('streams.assignor.name')?.trim()
  if (name === undefined) return
  const known = broker.list('group.streams.assignors').map(shortAssignorName)
  if (!known.includes(name)) {
    throw invalidValue('streams.assignor.name', name, `one of ${known.join(', ')}`)
  }
}

/**
 * The session timeout must exceed the heartbeat interval; unset keys count with the broker's value.
 */
function checkSession(
  kind: 'consumer' | 'share' | 'streams',
  values: ReadonlyMap<string, string>,
  broker: BrokerConfig,
): void {
  const [session, heartbeat] = [
    `${kind}.session.timeout.ms`,
    `${kind}.heartbeat.interval.ms`,
  ] as const
  if (!values.has(session) && !values.has(heartbeat)) return
  const numberFor = (name: typeof session | typeof heartbeat): number => {
    const own = values.get(name)
    return own === undefined ? broker.number(`group.${name}`) : numberOf(own)
  }
  if (numberFor(session) > numberFor(heartbeat)) return
  const name = values.has(session) ? session : heartbeat
  throw name === session
    ? invalidValue(
        name,
        String(numberFor(name)),
        `more than ${numberFor(heartbeat)}, the value of ${heartbeat}`,
      )
    : invalidValue(
        name,
        String(numberFor(name)),
        `less than ${numberFor(session)}, the value of ${session}`,
      )
}
