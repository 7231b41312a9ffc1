// SPDX-License-Identifier: Apache-2.0
import type { Serde } from './serde.ts'

/** A topic whose keys and values have types. */
export interface Topic<K, V, Name extends string = string> {
  /** Name of the topic. */
  readonly name: Name
  /** Serde of its keys. */
  readonly key: Serde<K>
  /** Serde of its values. */
  readonly value: Serde<V>
}

/**
 * Binds a topic's name to the types of its keys and values: `topic('orders', { key: string(),
 * value: json<Order>() })`.
 */
export function topic<K, V, const Name extends string>(
  name: Name,
  serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
): Topic<K, V, Name> {
  return { name, ...serdes }
}
