// SPDX-License-Identifier: Apache-2.0
import type { CompareParts } from './compare-objects.ts'
import type { Scope } from './comparison.ts'
import type { Difference } from './differences.ts'
import { maximumMatching } from './matching.ts'
import type { CombinedSchema, Schema } from './model.ts'

/**
 * Compares combinations. Branches have no order: each branch of the smaller side needs a
 * separate partner on the other side that it is compatible with.
 */
export function compareCombined(
  scope: Scope,
  original: CombinedSchema,
  update: CombinedSchema,
  compare: CompareParts,
): void {
  const change = criterionChange(original, update)
  if (change !== undefined) scope.add(change)
  if (change === 'COMBINED_TYPE_CHANGED') return
  const from = distinct(scope, original.subschemas)
  const to = distinct(scope, update.subschemas)
  if (from.length < to.length) {
    scope.add(update.criterion === 'allOf' ? 'PRODUCT_TYPE_EXTENDED' : 'SUM_TYPE_EXTENDED')
  } else if (from.length > to.length) {
    scope.add(original.criterion === 'allOf' ? 'PRODUCT_TYPE_NARROWED' : 'SUM_TYPE_NARROWED')
  }
  const compatible = new Map<number, Map<number, readonly Difference[]>>()
  for (const [index, branch] of from.entries()) {
    const partners = new Map<number, readonly Difference[]>()
    const place = scope.at(`${original.criterion}/${index}`)
    for (const [partner, other] of to.entries()) {
      const attempt = place.apart()
      compare(attempt, branch, other)
      if (attempt.isCompatible) partners.set(partner, attempt.differences)
    }
    compatible.set(index, partners)
  }
  const matching = maximumMatching(
    from.map((_, index) => [...(compatible.get(index)?.keys() ?? [])]),
    to.length,
  )
  for (const [index, partner] of matching) {
    scope.addAll(compatible.get(index)?.get(partner) ?? [])
  }
  if (matching.size < Math.min(from.length, to.length)) {
    scope.add('COMBINED_TYPE_SUBSCHEMAS_CHANGED')
  }
}

function criterionChange(original: CombinedSchema, update: CombinedSchema): string | undefined {
  if (original.criterion === update.criterion) return undefined
  const wasSingle = original.subschemas.length === 1
  const isSingle = update.subschemas.length === 1
  const isExtended =
    update.criterion === 'anyOf' ||
    (wasSingle && isSingle) ||
    (wasSingle && update.criterion === 'oneOf') ||
    (isSingle && original.criterion === 'allOf')
  return isExtended ? 'COMBINED_TYPE_EXTENDED' : 'COMBINED_TYPE_CHANGED'
}

/** The branches without those that are written twice. */
function distinct(scope: Scope, schemas: readonly Schema[]): readonly Schema[] {
  const known = new Map<string, Schema>()
  for (const schema of schemas) {
    const key = `${schema.part}:${scope.run.identities.of(schema.source)}`
    if (!known.has(key)) known.set(key, schema)
  }
  return [...known.values()]
}
