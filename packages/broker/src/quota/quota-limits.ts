// SPDX-License-Identifier: Apache-2.0
import type { ClientQuotas } from '../metadata/security/client-quotas.ts'

/** Keys of quotas of users and clients. */
export type QuotaKey =
  | 'producer_byte_rate'
  | 'consumer_byte_rate'
  | 'request_percentage'
  | 'controller_mutation_rate'

/** A limit and its entity: clients with the same `entity` are measured together. */
export interface Limit {
  readonly entity: string
  readonly value: number
}

type Values = ReadonlyMap<string, number>

/** Part of the key of an entity that the quotas do not name: every user or client has its own. */
const DEFAULT = '\0default'
const ABSENT = '\0absent'

/**
 * The limits of clients, by the precedence of KIP-55: user and client id together, then the user,
 * then the client id; of each the name before the default.
 */
export class QuotaLimits {
  readonly #values = new Map<string, Values>()
  readonly #addresses = new Map<string, number>()
  readonly #keys = new Set<string>()

  constructor(quotas: Iterable<ClientQuotas>) {
    for (const { entity, quotas: values } of quotas) {
      const nameOf = (type: string): string => {
        const part = entity.find(({ entityType }) => entityType === type)
        return part === undefined ? ABSENT : (part.entityName ?? DEFAULT)
      }
      const address = nameOf('ip')
      const rate = values.get('connection_creation_rate')
      if (address !== ABSENT) {
        if (rate !== undefined) this.#addresses.set(address, rate)
        continue
      }
      this.#values.set(keyOf(nameOf('user'), nameOf('client-id')), values)
      for (const key of values.keys()) this.#keys.add(key)
    }
  }

  /** Whether any client has a limit of this kind. */
  has(key: QuotaKey): boolean {
    return this.#keys.has(key)
  }

  /** The limit of a client; undefined for none. */
  limitOf(key: QuotaKey, user: string, clientId: string): Limit | undefined {
    if (!this.#keys.has(key)) return undefined
    for (const [entityUser, entityClient, sharedBy] of [
      [user, clientId, keyOf(user, clientId)],
      [user, DEFAULT, keyOf(user, clientId)],
      [user, ABSENT, keyOf(user, ABSENT)],
      [DEFAULT, clientId, keyOf(user, clientId)],
      [DEFAULT, DEFAULT, keyOf(user, clientId)],
      [DEFAULT, ABSENT, keyOf(user, ABSENT)],
      [ABSENT, clientId, keyOf(ABSENT, clientId)],
      [ABSENT, DEFAULT, keyOf(ABSENT, clientId)],
    ] as const) {
      const value = this.#values.get(keyOf(entityUser, entityClient))?.get(key)
      if (value !== undefined) return { entity: sharedBy, value }
    }
    return undefined
  }

  /** Connections in a second that an address may open; undefined for no limit. */
  connectionRateOf(address: string): number | undefined {
    return this.#addresses.get(address) ?? this.#addresses.get(DEFAULT)
  }
}

function keyOf(user: string, clientId: string): string {
  return `${user.length}:${user}${clientId}`
}
