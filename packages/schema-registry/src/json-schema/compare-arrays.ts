// SPDX-License-Identifier: Apache-2.0
import { type CompareParts, compareUnevaluated, isCompatiblePart } from './compare-objects.ts'
import { compareLimit } from './compare-values.ts'
import type { Scope } from './comparison.ts'
import type { ArraySchema, Schema } from './model.ts'

/** Compares items, content model and limits. `contains` itself does not count. */
export function compareArrays(
  scope: Scope,
  original: ArraySchema,
  update: ArraySchema,
  compare: CompareParts,
): void {
  compare(scope.at('items'), original.all, update.all)
  compareTuples(scope, original, update, compare)
  compareAdditional(scope.at('additionalItems'), original, update, compare)
  compareUnevaluated(
    scope.at('unevaluatedItems'),
    { prefix: 'UNEVALUATED_ITEMS', original: original.unevaluated, update: update.unevaluated },
    compare,
  )
  compareLimit(scope, 'maxItems', original.maxItems, update.maxItems)
  compareLimit(scope, 'minItems', original.minItems, update.minItems)
  if (original.isUnique !== update.isUnique) {
    scope.at('uniqueItems').add(original.isUnique ? 'UNIQUE_ITEMS_REMOVED' : 'UNIQUE_ITEMS_ADDED')
  }
  compareLimit(scope, 'maxContains', original.maxContains, update.maxContains)
  compareLimit(scope, 'minContains', original.minContains, update.minContains)
}

function compareTuples(
  scope: Scope,
  original: ArraySchema,
  update: ArraySchema,
  compare: CompareParts,
): void {
  const length = Math.max(original.tuple.length, update.tuple.length)
  scope.run.count(length)
  for (let index = 0; index < length; index += 1) {
    const place = scope.at(`items/${index}`)
    const from = original.tuple[index]
    const to = update.tuple[index]
    if (from !== undefined && to !== undefined) compare(place, from, to)
    else if (from !== undefined) compareRemoved(place, from, update, compare)
    else if (to !== undefined) compareAdded(place, to, original, compare)
  }
}

function compareRemoved(
  scope: Scope,
  item: Schema,
  update: ArraySchema,
  compare: CompareParts,
): void {
  if (isOpen(update)) {
    scope.add('ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL')
    return
  }
  const covering = coveringSchema(update)
  if (covering !== undefined) {
    const isCovered = isCompatiblePart(scope, item, covering, compare)
    scope.add(
      isCovered
        ? 'ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL'
        : 'ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
    )
    return
  }
  scope.add(
    item.kind === 'false'
      ? 'ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL'
      : 'ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL',
  )
}

function compareAdded(
  scope: Scope,
  item: Schema,
  original: ArraySchema,
  compare: CompareParts,
): void {
  if (isOpen(original)) {
    scope.add(
      item.kind === 'empty'
        ? 'ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL'
        : 'ITEM_ADDED_TO_OPEN_CONTENT_MODEL',
    )
    return
  }
  const covering = coveringSchema(original)
  if (covering === undefined) {
    scope.add('ITEM_ADDED_TO_CLOSED_CONTENT_MODEL')
    return
  }
  const isCovered = isCompatiblePart(scope, covering, item, compare)
  scope.add(
    isCovered
      ? 'ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL'
      : 'ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
  )
}

/** Whether any item is permitted after those of the tuple. */
function isOpen({ permitsAdditional, additional, unevaluated }: ArraySchema): boolean {
  if (!permitsAdditional || additional !== undefined) return false
  return unevaluated === undefined || unevaluated.kind === 'empty'
}

/** The schema of items after those of the tuple. */
function coveringSchema(schema: ArraySchema): Schema | undefined {
  if (schema.additional !== undefined) return schema.additional
  const { unevaluated } = schema
  if (!schema.permitsAdditional || unevaluated === undefined) return undefined
  return unevaluated.kind === 'false' || unevaluated.kind === 'empty' ? undefined : unevaluated
}

function compareAdditional(
  scope: Scope,
  original: ArraySchema,
  update: ArraySchema,
  compare: CompareParts,
): void {
  if (original.permitsAdditional !== update.permitsAdditional) {
    scope.add(original.permitsAdditional ? 'ADDITIONAL_ITEMS_REMOVED' : 'ADDITIONAL_ITEMS_ADDED')
  } else if (original.additional === undefined && update.additional !== undefined) {
    scope.add('ADDITIONAL_ITEMS_NARROWED')
  } else if (original.additional !== undefined && update.additional === undefined) {
    scope.add('ADDITIONAL_ITEMS_EXTENDED')
  } else {
    compare(scope, original.additional, update.additional)
  }
}
