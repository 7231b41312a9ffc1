// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import { type ConfigDefinition, type ConfigDefinitions, invalidValue } from './config-definition.ts'
import { clientMatch } from './config-forms.ts'
import { numberOf, validateValue } from './config-value.ts'
import { unknownConfig } from './unknown-config.ts'

/** Every configuration key of a client metrics subscription (KIP-714). */
export const clientMetricsConfigDefinitions = {
  'interval.ms': { type: 'int', default: '300000' },
  match: { type: 'list', default: '' },
  metrics: { type: 'list', default: '' },
} as const satisfies ConfigDefinitions

const definitions: Readonly<Record<string, ConfigDefinition>> = clientMetricsConfigDefinitions

const MIN_INTERVAL_MS = 100
const MAX_INTERVAL_MS = 3_600_000

/**
 * Throws `ConfigError` unless the values are a valid subscription. As in Kafka, an unknown key and
 * an interval out of range return `INVALID_REQUEST` instead.
 */
export function checkClientMetricsConfig(values: ReadonlyMap<string, string>): void {
  for (const name of values.keys()) {
    if (definitions[name] !== undefined) continue
    const { message } = unknownConfig('client metrics', name, Object.keys(definitions))
    throw new ProtocolError('INVALID_REQUEST', message)
  }
  for (const [name, value] of values) {
    const definition = definitions[name]
    if (definition !== undefined) validateValue(name, value, definition)
  }
  const interval = values.get('interval.ms')
  const intervalMs = numberOf(interval ?? String(MIN_INTERVAL_MS))
  if (intervalMs < MIN_INTERVAL_MS || intervalMs > MAX_INTERVAL_MS) {
    const expected = `from ${MIN_INTERVAL_MS} to ${MAX_INTERVAL_MS}`
    const { message } = invalidValue('interval.ms', interval ?? '', expected)
    throw new ProtocolError('INVALID_REQUEST', message)
  }
  const match = values.get('match')
  if (match !== undefined && !clientMatch.matches(match)) {
    throw invalidValue('match', match, clientMatch.expected)
  }
}
