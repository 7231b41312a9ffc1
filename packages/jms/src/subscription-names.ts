// SPDX-License-Identifier: Apache-2.0

/**
 * Link names of subscription consumers, in the format of Qpid JMS, so that all clients attach to
 * the same subscription: `name|kind` and the number of the consumer.
 */
export class SubscriptionNames {
  readonly #users = new Map<string, Set<string>>()

  /**
   * Reserves a link name for a consumer. An unshared subscription has only one consumer at a time.
   */
  reserve(
    subscription: string,
    kind: {
      readonly isShared: boolean
      readonly isDurable: boolean
      readonly hasClientId: boolean
    },
  ): string {
    if (!kind.isShared) return subscription
    const suffix = kind.isDurable
      ? kind.hasClientId
        ? ''
        : 'global'
      : kind.hasClientId
        ? 'volatile'
        : 'global-volatile'
    const group = `${subscription}|${suffix}`
    const taken = this.#users.get(group) ?? new Set()
    this.#users.set(group, taken)
    for (let count = 1; ; count++) {
      const name = nameOf(subscription, suffix, { count, isDurable: kind.isDurable })
      if (taken.has(name)) continue
      taken.add(name)
      return name
    }
  }

  release(name: string): void {
    for (const taken of this.#users.values()) taken.delete(name)
  }
}

function nameOf(
  subscription: string,
  suffix: string,
  { count, isDurable }: { readonly count: number; readonly isDurable: boolean },
): string {
  // The first link of a durable subscription has no number; all links of a volatile one have.
  const number = isDurable && count === 1 ? '' : String(count)
  const tail = `${suffix}${number}`
  return tail === '' ? subscription : `${subscription}|${tail}`
}
