// SPDX-License-Identifier: Apache-2.0

/** A name for people as the name of a type: `orders-value` as `OrdersValue`. */
export function typeName(name: string): string {
  const words = name.split(/[^\p{L}\p{Nd}]+/u).filter((word) => word !== '')
  return words.map((word) => `${(word[0] ?? '').toUpperCase()}${word.slice(1)}`).join('') || 'Value'
}
