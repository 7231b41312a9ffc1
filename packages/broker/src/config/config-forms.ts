// SPDX-License-Identifier: Apache-2.0
import type { ConfigForm } from './config-definition.ts'
import { listItems, parseInteger } from './config-value.ts'
import { parseDuration } from './duration.ts'

/** `partition:broker,…`, or `*` for all. */
export const throttledReplicas: ConfigForm = {
  expected: '* or a list of partition:broker, as 0:1,1:2',
  matches: (text) => text === '*' || listItems(text).every((item) => /^(\d+:\d+)?$/.test(item)),
}

/** `id@host:port,…` */
export const quorumVoters: ConfigForm = {
  expected: 'a list of id@host:port',
  matches: (text) => listItems(text).every((item) => /^-?\d+@[^@:]+:\d+$/.test(item)),
}

/** `host:port,…` */
export const bootstrapServers: ConfigForm = {
  expected: 'a list of host:port',
  matches: (text) => listItems(text).every((item) => /^[^:]+:\d+$/.test(item)),
}

/** Where a share group starts reading a partition (KIP-932, KIP-1106). */
export const autoOffsetReset: ConfigForm = {
  expected: 'earliest, latest or by_duration:PnDTnHnMn.nS',
  matches: (text) => {
    if (text === 'earliest' || text === 'latest') return true
    const [, duration] = /^by_duration:(.*)$/.exec(text) ?? []
    const ms = parseDuration(duration ?? '')
    return ms !== undefined && ms >= 0
  },
}

/**
 * Limits per host of `max.connections.per.ip.overrides`: `host:count,…`. The last colon separates,
 * so IPv6 addresses have no brackets. Undefined if the syntax is wrong.
 */
export function parseConnectionOverrides(text: string): Map<string, number> | undefined {
  const limits = new Map<string, number>()
  for (const item of text.split(',').map((part) => part.trim())) {
    if (item === '') continue
    const [, host = '', count = ''] = /^([-\w.:]*):([^:]*)$/.exec(item) ?? []
    const limit = parseInteger(count)
    if (limit === undefined || limit < -(2n ** 31n) || limit >= 2n ** 31n) return undefined
    limits.set(host, Number(limit))
  }
  return limits
}

const MATCH_KEYS = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]

/** Clients that a metrics subscription matches (KIP-714): `name=regular expression,…`. */
export const clientMatch: ConfigForm = {
  expected: `a list of name=pattern, where name is one of ${MATCH_KEYS.join(', ')}`,
  matches: (text) =>
    listItems(text).every((item) => {
      const [name = '', pattern = '', ...rest] = item.split('=').map((part) => part.trim())
      return MATCH_KEYS.includes(name) && pattern !== '' && rest.length === 0 && isPattern(pattern)
    }),
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}

const KAFKA_CLASS = 'org.apache.kafka.'

/** Name of a Java class. None can be loaded; those of Kafka that are named are built in. */
export function className(...builtIn: readonly string[]): ConfigForm {
  const expected =
    builtIn.length === 0
      ? 'no value: Java classes cannot be loaded'
      : `${builtIn.join(' or ')}: other Java classes cannot be loaded`
  return { expected, matches: (text) => builtIn.includes(text) }
}

/** Short names of built-in assignors, or the names of Kafka's classes. */
export function assignors(names: readonly string[]): ConfigForm {
  return {
    expected: `a list of ${names.join(', ')}`,
    matches: (text) => {
      const items = listItems(text)
      return items.length > 0 && items.every((item) => names.includes(shortAssignorName(item)))
    },
  }
}

/** `uniform` for `org.apache.kafka.coordinator.group.assignor.UniformAssignor`. */
export function shortAssignorName(name: string): string {
  if (!name.startsWith(KAFKA_CLASS)) return name
  const [, short = name] = /\.([A-Za-z]+)Assignor$/.exec(name) ?? []
  return short.toLowerCase()
}
