// SPDX-License-Identifier: Apache-2.0
import { isSameJson } from './json.ts'
import type { AvroType, Field, Properties } from './model.ts'

/**
 * Whether two types are the same definition. As in Java, documentation, aliases and the default of
 * an enum do not count; properties do.
 */
export function isSameType(a: AvroType, b: AvroType): boolean {
  return new Comparison().isSame(a, b)
}

class Comparison {
  /** Pairs of records that were compared or are being compared: the graph may have cycles. */
  readonly #seen = new Map<AvroType, Set<AvroType>>()

  isSame(a: AvroType, b: AvroType): boolean {
    if (a === b) return true
    if (a.kind === 'union') {
      return b.kind === 'union' && this.#areSame(a.branches, b.branches)
    }
    if (a.kind !== b.kind || !hasSameProperties(a.properties, b.properties)) return false
    switch (a.kind) {
      case 'array':
        return b.kind === 'array' && this.isSame(a.items, b.items)
      case 'map':
        return b.kind === 'map' && this.isSame(a.values, b.values)
      case 'fixed':
        return b.kind === 'fixed' && a.fullName === b.fullName && a.size === b.size
      case 'enum':
        return (
          b.kind === 'enum' &&
          a.fullName === b.fullName &&
          a.symbols.length === b.symbols.length &&
          a.symbols.every((symbol, i) => symbol === b.symbols[i])
        )
      case 'record': {
        if (b.kind !== 'record' || a.fullName !== b.fullName) return false
        if (a.fields.length !== b.fields.length) return false
        const partners = this.#seen.get(a) ?? new Set()
        if (partners.has(b)) return true
        this.#seen.set(a, partners.add(b))
        return a.fields.every((field, i) => this.#isSameField(field, b.fields[i]))
      }
      default:
        return true
    }
  }

  #areSame(a: readonly AvroType[], b: readonly AvroType[]): boolean {
    return (
      a.length === b.length &&
      a.every((type, i) => {
        const other = b[i]
        return other !== undefined && this.isSame(type, other)
      })
    )
  }

  #isSameField(a: Field, b: Field | undefined): boolean {
    return (
      b !== undefined &&
      a.name === b.name &&
      a.order === b.order &&
      hasSameDefault(a, b) &&
      hasSameProperties(a.properties, b.properties) &&
      this.isSame(a.type, b.type)
    )
  }
}

function hasSameDefault(a: Field, b: Field): boolean {
  if (a.default === undefined || b.default === undefined) return a.default === b.default
  return isSameJson(a.default, b.default)
}

function hasSameProperties(a: Properties, b: Properties): boolean {
  return isSameJson(a, b)
}
