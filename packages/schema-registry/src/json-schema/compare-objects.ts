// SPDX-License-Identifier: Apache-2.0

import { javaHashOrder } from '../schema/java-hash-order.ts'
import { compareLimit } from './compare-values.ts'
import type { Scope } from './comparison.ts'
import type { ObjectSchema, Schema } from './model.ts'

/** Compares two parts, either of which may be missing. */
export type CompareParts = (
  scope: Scope,
  original: Schema | undefined,
  update: Schema | undefined,
) => void

/** Compares properties, dependencies, content model and limits. */
export function compareObjects(
  scope: Scope,
  original: ObjectSchema,
  update: ObjectSchema,
  compare: CompareParts,
): void {
  scope.run.count(original.properties.size + update.properties.size)
  compareRequired(scope.at('required'), original, update)
  for (const name of keysOf(original.properties, update.properties)) {
    compareProperty(scope.at('properties').at(name), { name, original, update, compare })
  }
  compareDependencies(scope.at('dependencies'), original, update, compare)
  compareAdditional(scope.at('additionalProperties'), original, update, compare)
  compareUnevaluated(
    scope.at('unevaluatedProperties'),
    {
      prefix: 'UNEVALUATED_PROPERTIES',
      original: original.unevaluated,
      update: update.unevaluated,
    },
    compare,
  )
  compareLimit(scope, 'maxProperties', original.maxProperties, update.maxProperties)
  compareLimit(scope, 'minProperties', original.minProperties, update.minProperties)
}

/** Keys of both, in the order of a Java set created from the first. */
function keysOf(
  original: ReadonlyMap<string, unknown>,
  update: ReadonlyMap<string, unknown>,
): readonly string[] {
  return javaHashOrder([...original.keys(), ...update.keys()], original.size)
}

function compareRequired(scope: Scope, original: ObjectSchema, update: ObjectSchema): void {
  for (const name of javaHashOrder(original.properties.keys())) {
    const property = update.properties.get(name)
    if (property === undefined) continue
    const was = original.required.has(name)
    const is = update.required.has(name)
    if (was === is) continue
    scope
      .at(name)
      .add(
        was
          ? 'REQUIRED_ATTRIBUTE_REMOVED'
          : property.hasDefault
            ? 'REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED'
            : 'REQUIRED_ATTRIBUTE_ADDED',
      )
  }
}

interface PropertyComparison {
  readonly name: string
  readonly original: ObjectSchema
  readonly update: ObjectSchema
  readonly compare: CompareParts
}

function compareProperty(scope: Scope, comparison: PropertyComparison): void {
  const { name, original, update, compare } = comparison
  const from = original.properties.get(name)
  const to = update.properties.get(name)
  if (from !== undefined && to !== undefined) compare(scope, from, to)
  else if (from !== undefined) compareRemoved(scope, from, comparison)
  else if (to !== undefined) compareAdded(scope, to, comparison)
}

function compareRemoved(
  scope: Scope,
  property: Schema,
  { name, update, compare }: PropertyComparison,
): void {
  if (isOpen(update)) {
    scope.add('PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL')
    return
  }
  const covering = coveringSchema(scope, update, name)
  if (covering !== undefined) {
    const isCovered = isCompatiblePart(scope, property, covering, compare)
    scope.add(
      isCovered
        ? 'PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL'
        : 'PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
    )
    return
  }
  scope.add(
    property.kind === 'false'
      ? 'PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL'
      : 'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL',
  )
}

function compareAdded(
  scope: Scope,
  property: Schema,
  { name, original, update, compare }: PropertyComparison,
): void {
  const isRequired = update.required.has(name)
  const withDefault = property.hasDefault ? '_WITH_DEFAULT' : ''
  const kind = isRequired ? `REQUIRED_PROPERTY${withDefault}` : 'OPTIONAL_PROPERTY'
  if (isOpen(original)) {
    scope.add(
      property.kind === 'empty'
        ? 'PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL'
        : `${kind}_ADDED_TO_OPEN_CONTENT_MODEL`,
    )
    return
  }
  const covering = coveringSchema(scope, original, name)
  if (covering !== undefined) {
    const isCovered = isCompatiblePart(scope, covering, property, compare)
    scope.add(
      isCovered
        ? 'PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL'
        : 'PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
    )
  }
  scope.add(`${kind}_ADDED_TO_UNOPEN_CONTENT_MODEL`)
}

/** Compares two schemas; their differences count in any case. */
export function isCompatiblePart(
  scope: Scope,
  original: Schema,
  update: Schema,
  compare: CompareParts,
): boolean {
  const attempt = scope.apart()
  compare(attempt, original, update)
  scope.addAll(attempt.differences)
  return attempt.isCompatible
}

/** Whether any property is permitted. */
function isOpen(schema: ObjectSchema): boolean {
  return (
    schema.permitsAdditional &&
    schema.additional === undefined &&
    schema.patterns.size === 0 &&
    (schema.unevaluated === undefined || schema.unevaluated.kind === 'empty')
  )
}

/** The schema of properties that are not listed, for a property of this name. */
function coveringSchema(scope: Scope, schema: ObjectSchema, name: string): Schema | undefined {
  for (const [pattern, covering] of schema.patterns) {
    if (scope.run.matches(pattern, name)) return covering
  }
  if (schema.additional !== undefined) return schema.additional
  const { unevaluated } = schema
  if (!schema.permitsAdditional || unevaluated === undefined) return undefined
  return unevaluated.kind === 'false' || unevaluated.kind === 'empty' ? undefined : unevaluated
}

function compareDependencies(
  scope: Scope,
  original: ObjectSchema,
  update: ObjectSchema,
  compare: CompareParts,
): void {
  for (const name of keysOf(original.propertyDependencies, update.propertyDependencies)) {
    const from = original.propertyDependencies.get(name)
    const to = update.propertyDependencies.get(name)
    const place = scope.at(name)
    if (to === undefined) place.add('DEPENDENCY_ARRAY_REMOVED')
    else if (from === undefined) place.add('DEPENDENCY_ARRAY_ADDED')
    else if (from.isSubsetOf(to)) {
      if (to.size > from.size) place.add('DEPENDENCY_ARRAY_EXTENDED')
    } else if (to.isSubsetOf(from)) place.add('DEPENDENCY_ARRAY_NARROWED')
    else place.add('DEPENDENCY_ARRAY_CHANGED')
  }
  for (const name of keysOf(original.schemaDependencies, update.schemaDependencies)) {
    const from = original.schemaDependencies.get(name)
    const to = update.schemaDependencies.get(name)
    if (to === undefined) scope.at(name).add('DEPENDENCY_SCHEMA_REMOVED')
    else if (from === undefined) scope.at(name).add('DEPENDENCY_SCHEMA_ADDED')
    else compare(scope.at(name), from, to)
  }
}

function compareAdditional(
  scope: Scope,
  original: ObjectSchema,
  update: ObjectSchema,
  compare: CompareParts,
): void {
  if (original.permitsAdditional !== update.permitsAdditional) {
    scope.add(
      update.permitsAdditional ? 'ADDITIONAL_PROPERTIES_ADDED' : 'ADDITIONAL_PROPERTIES_REMOVED',
    )
  } else if (original.additional === undefined && update.additional !== undefined) {
    scope.add('ADDITIONAL_PROPERTIES_NARROWED')
  } else if (original.additional !== undefined && update.additional === undefined) {
    scope.add('ADDITIONAL_PROPERTIES_EXTENDED')
  } else {
    compare(scope, original.additional, update.additional)
  }
}

/** Compares `unevaluatedProperties` or `unevaluatedItems`. */
export function compareUnevaluated(
  scope: Scope,
  schemas: {
    readonly prefix: string
    readonly original: Schema | undefined
    readonly update: Schema | undefined
  },
  compare: CompareParts,
): void {
  const { prefix, original, update } = schemas
  if (original === undefined && update === undefined) return
  // Without the keyword everything is permitted, as with the empty schema; but the empty schema
  // is not the same as its absence.
  const from = original?.kind ?? 'absent'
  const to = update?.kind ?? 'absent'
  if (from === 'absent') scope.add(`${prefix}_${to === 'false' ? 'REMOVED' : 'NARROWED'}`)
  else if (to === 'absent') scope.add(`${prefix}_${from === 'false' ? 'ADDED' : 'EXTENDED'}`)
  else if (from === 'false' && to !== 'false') scope.add(`${prefix}_ADDED`)
  else if (from !== 'false' && to === 'false') scope.add(`${prefix}_REMOVED`)
  else if (from === 'empty' && to !== 'empty') scope.add(`${prefix}_NARROWED`)
  else if (from !== 'empty' && to === 'empty') scope.add(`${prefix}_EXTENDED`)
  else compare(scope, original, update)
}
