// SPDX-License-Identifier: Apache-2.0
import type { AvroType } from './model.ts'

/** A logical type whose attributes are valid. Invalid ones are ignored, as Avro requires. */
export type LogicalType =
  | { readonly name: Exclude<LogicalName, 'decimal'> }
  | { readonly name: 'decimal'; readonly precision: number; readonly scale: number }

const kindsByName = {
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'timestamp-nanos': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-nanos': ['long'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  date: ['int'],
  'big-decimal': ['bytes'],
  decimal: ['bytes', 'fixed'],
  uuid: ['string', 'fixed'],
  duration: ['fixed'],
} as const
type LogicalName = keyof typeof kindsByName

/** The logical type of a type; undefined if it has none, or none that is valid. */
export function logicalTypeOf(type: AvroType): LogicalType | undefined {
  if (type.kind === 'union') return undefined
  const name = type.properties.get('logicalType')
  if (typeof name !== 'string' || !isLogicalName(name)) return undefined
  const kinds: readonly string[] = kindsByName[name]
  if (!kinds.includes(type.kind)) return undefined
  if (name === 'decimal') return decimalOf(type)
  if (type.kind === 'fixed' && type.size !== (name === 'uuid' ? 16 : 12)) return undefined
  return { name }
}

function isLogicalName(name: string): name is LogicalName {
  return Object.hasOwn(kindsByName, name)
}

function decimalOf(type: Exclude<AvroType, { kind: 'union' }>): LogicalType | undefined {
  const precision = type.properties.get('precision')
  const scale = type.properties.has('scale') ? type.properties.get('scale') : 0n
  if (typeof precision !== 'bigint' || typeof scale !== 'bigint') return undefined
  const digits =
    type.kind === 'fixed'
      ? BigInt(Math.max(0, Math.floor(Math.log10(2) * (8 * type.size - 1))))
      : 2n ** 31n - 1n
  if (precision <= 0n || precision > digits || scale < 0n || scale > precision) return undefined
  return { name: 'decimal', precision: Number(precision), scale: Number(scale) }
}
