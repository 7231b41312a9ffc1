// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net'
import { ProtocolError } from '@millrace/protocol'
import type { MetadataImage } from '../metadata-image.ts'
import type { NewMetadataRecord } from '../metadata-record.ts'

/** One component of a quota entity; a null name is the default of its type. */
export interface QuotaEntityPart {
  readonly entityType: string
  readonly entityName: string | null
}

export interface ClientQuotas {
  readonly entity: readonly QuotaEntityPart[]
  readonly quotas: ReadonlyMap<string, number>
}

export interface QuotaChange {
  readonly entity: readonly QuotaEntityPart[]
  readonly ops: readonly {
    readonly key: string
    readonly value: number
    readonly remove: boolean
  }[]
}

const entityTypes = ['user', 'client-id', 'ip'] as const

/** Quota keys of an entity, and whether their values are whole numbers. */
const clientKeys: ReadonlyMap<string, boolean> = new Map([
  ['producer_byte_rate', true],
  ['consumer_byte_rate', true],
  ['request_percentage', false],
  ['controller_mutation_rate', false],
])
const ipKeys: ReadonlyMap<string, boolean> = new Map([['connection_creation_rate', true]])
const MAX_INT = 2 ** 31 - 1

const invalid = (message: string): ProtocolError => new ProtocolError('INVALID_REQUEST', message)

/** A canonical name of an entity, independent of the order of its components. */
export function quotaEntityKey(entity: readonly QuotaEntityPart[]): string {
  return entity
    .map(({ entityType, entityName }) => JSON.stringify([entityType, entityName]))
    .sort()
    .join()
}

/** Records that change an entity's quotas. Throws `INVALID_REQUEST`. */
export function changeQuotas(
  image: MetadataImage,
  { entity, ops }: QuotaChange,
): NewMetadataRecord[] {
  const keys = keysFor(entity)
  const key = quotaEntityKey(entity)
  const current = image.quotas().find((each) => quotaEntityKey(each.entity) === key)?.quotas
  const seen = new Set<string>()
  return ops.flatMap((op): NewMetadataRecord[] => {
    if (seen.has(op.key)) throw invalid(`Duplicate quota key ${op.key}`)
    seen.add(op.key)
    const record = { kind: 'ClientQuotaRecord', version: 0 } as const
    if (op.remove) {
      if (current?.has(op.key) !== true) return []
      return [{ ...record, data: { entity, key: op.key, value: 0, remove: true } }]
    }
    checkValue(keys, op.key, op.value)
    if (current?.get(op.key) === op.value) return []
    return [{ ...record, data: { entity, key: op.key, value: op.value, remove: false } }]
  })
}

function keysFor(entity: readonly QuotaEntityPart[]): ReadonlyMap<string, boolean> {
  if (entity.length === 0) throw invalid('Invalid empty client quota entity')
  const types = new Set<string>()
  for (const { entityType, entityName } of entity) {
    if (types.has(entityType)) {
      throw invalid(`Invalid client quota entity, duplicate entity entry ${entityType}`)
    }
    types.add(entityType)
    if (!entityTypes.includes(entityType as (typeof entityTypes)[number])) {
      throw invalid(`Unhandled client quota entity type: ${entityType}`)
    }
    if (entityName === '') throw invalid(`Empty ${entityType} not supported`)
  }
  if (!types.has('ip')) return clientKeys
  if (types.size > 1) {
    throw invalid(
      'Invalid quota entity combination, IP entity should not be combined with User or ClientId',
    )
  }
  const [address] = entity
  const name = address?.entityName ?? null
  if (name !== null && isIP(name) === 0 && name !== 'localhost') {
    throw invalid(`${name} is not a valid IP or resolvable host.`)
  }
  return ipKeys
}

function checkValue(keys: ReadonlyMap<string, boolean>, key: string, value: number): void {
  const isWhole = keys.get(key)
  if (isWhole === undefined) throw invalid(`Invalid configuration key ${key}`)
  if (!(value > 0)) throw invalid(`Quota ${key} must be greater than 0`)
  if (!isWhole) return
  if (key === 'connection_creation_rate' && value > MAX_INT) {
    throw invalid(`Proposed value for ${key} is too large for an INT.`)
  }
  if (Math.abs(value % 1) > 1e-6) throw invalid(`${key} cannot be a fractional value.`)
}

const MatchType = { exact: 0, default: 1, specified: 2 } as const

export interface QuotaFilter {
  readonly components: readonly {
    readonly entityType: string
    readonly matchType: number
    readonly match: string | null
  }[]
  /** Whether entities may have only the components in the filter. */
  readonly strict: boolean
}

/** Quotas of entities that match a filter. Throws `INVALID_REQUEST` or `UNSUPPORTED_VERSION`. */
export function findQuotas(
  all: readonly ClientQuotas[],
  { components, strict }: QuotaFilter,
): ClientQuotas[] {
  const types = new Set<string>()
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') throw invalid('Invalid empty entity type.')
    if (types.has(entityType)) {
      throw invalid(`Entity type ${entityType} cannot appear more than once in the filter.`)
    }
    types.add(entityType)
    if (!entityTypes.includes(entityType as (typeof entityTypes)[number])) {
      throw new ProtocolError('UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`)
    }
    if (matchType > MatchType.specified) throw invalid(`Unknown match type ${matchType}`)
    if ((matchType === MatchType.exact) !== (match !== null)) {
      throw invalid(`Match type ${matchType} of ${entityType} does not go with match ${match}.`)
    }
  }
  if (types.has('ip') && types.size > 1) {
    throw invalid(
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
    )
  }
  return all.filter(({ entity }) => {
    if (strict && entity.length !== components.length) return false
    return components.every(({ entityType, matchType, match }) => {
      const part = entity.find((each) => each.entityType === entityType)
      return part !== undefined && (matchType === MatchType.specified || part.entityName === match)
    })
  })
}
