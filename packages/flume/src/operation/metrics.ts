// SPDX-License-Identifier: Apache-2.0
import type { Counters } from './counters.ts'

/** Flume's JSON: `{"CHANNEL.c1": {"ChannelSize": "0", …}, …}`; all values are strings. */
export function flumeMetrics(all: readonly Counters[]): Record<string, Record<string, string>> {
  return Object.fromEntries(
    all.map((counters) => [
      `${counters.kind}.${counters.name}`,
      Object.fromEntries([...counters.read()].map(([name, value]) => [name, String(value)])),
    ]),
  )
}

/** Gauges; all others are counters. */
const GAUGES = new Set([
  'ChannelSize',
  'ChannelCapacity',
  'ChannelFillPercentage',
  'OpenConnectionCount',
  'StartTime',
  'StopTime',
])

/** The same in Prometheus's text format: `flume_channel_size{agent="a1",component="c1"} 0`. */
export function prometheusMetrics(agent: string, all: readonly Counters[]): string {
  const families = new Map<string, { readonly type: string; readonly lines: string[] }>()
  for (const counters of all) {
    for (const [name, value] of counters.read()) {
      const number =
        typeof value === 'number' ? value : value === 'true' ? 1 : value === 'false' ? 0 : undefined
      if (number === undefined) continue
      const isGauge = GAUGES.has(name) || typeof value !== 'number'
      const kind = counters.kind.toLowerCase()
      const base = snakeCase(name).replace(new RegExp(`^${kind}_`), '')
      const family = `flume_${kind}_${isGauge ? base : `${base.replace(/_count$/, '')}_total`}`
      const known = families.get(family) ?? { type: isGauge ? 'gauge' : 'counter', lines: [] }
      known.lines.push(
        `${family}{agent="${label(agent)}",component="${label(counters.name)}"} ${number}`,
      )
      families.set(family, known)
    }
  }
  return [...families]
    .map(([name, { type, lines }]) => `# TYPE ${name} ${type}\n${lines.join('\n')}\n`)
    .join('')
}

function snakeCase(name: string): string {
  return name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toLowerCase()
}

function label(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
