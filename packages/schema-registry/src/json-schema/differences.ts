// SPDX-License-Identifier: Apache-2.0
import type { CompatibilityPolicy, Incompatibility } from '../schema/schema.ts'

/** One change between two schemas. */
export interface Difference {
  /** Name of the rule, as Confluent's registry has it. */
  readonly type: string
  /** Place of the change, without the leading `#/`. */
  readonly path: string
}

const compatibleAlways: ReadonlySet<string> = new Set(
  `
  SCHEMA_REMOVED TYPE_EXTENDED
  MAX_LENGTH_INCREASED MAX_LENGTH_REMOVED MIN_LENGTH_DECREASED MIN_LENGTH_REMOVED PATTERN_REMOVED
  MAXIMUM_INCREASED MAXIMUM_REMOVED MINIMUM_DECREASED MINIMUM_REMOVED
  EXCLUSIVE_MAXIMUM_INCREASED EXCLUSIVE_MAXIMUM_REMOVED
  EXCLUSIVE_MINIMUM_DECREASED EXCLUSIVE_MINIMUM_REMOVED
  MULTIPLE_OF_REDUCED MULTIPLE_OF_REMOVED
  REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED REQUIRED_ATTRIBUTE_REMOVED
  DEPENDENCY_ARRAY_NARROWED DEPENDENCY_ARRAY_REMOVED DEPENDENCY_SCHEMA_REMOVED
  MAX_PROPERTIES_INCREASED MAX_PROPERTIES_REMOVED MIN_PROPERTIES_DECREASED MIN_PROPERTIES_REMOVED
  ADDITIONAL_PROPERTIES_ADDED ADDITIONAL_PROPERTIES_EXTENDED
  UNEVALUATED_PROPERTIES_ADDED UNEVALUATED_PROPERTIES_EXTENDED
  PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL
  REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL
  OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL
  PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL
  PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL
  PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL
  PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL
  MAX_ITEMS_INCREASED MAX_ITEMS_REMOVED MIN_ITEMS_DECREASED MIN_ITEMS_REMOVED
  MAX_CONTAINS_INCREASED MAX_CONTAINS_REMOVED MIN_CONTAINS_DECREASED MIN_CONTAINS_REMOVED
  UNIQUE_ITEMS_REMOVED ADDITIONAL_ITEMS_ADDED ADDITIONAL_ITEMS_EXTENDED
  UNEVALUATED_ITEMS_ADDED UNEVALUATED_ITEMS_EXTENDED
  ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL ITEM_ADDED_TO_CLOSED_CONTENT_MODEL
  ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL
  ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL
  ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL
  ENUM_ARRAY_EXTENDED COMBINED_TYPE_EXTENDED PRODUCT_TYPE_NARROWED SUM_TYPE_EXTENDED
  NOT_TYPE_NARROWED
  `
    .trim()
    .split(/\s+/),
)

const compatibleIfLenient: ReadonlySet<string> = new Set([
  'ADDITIONAL_PROPERTIES_NARROWED',
  'ADDITIONAL_PROPERTIES_REMOVED',
  'UNEVALUATED_PROPERTIES_NARROWED',
  'UNEVALUATED_PROPERTIES_REMOVED',
  'REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL',
  'OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL',
  'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL',
  'PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
  'PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
])

/** Whether data written before a change can be read after it. */
export function isCompatible(type: string, policy: CompatibilityPolicy): boolean {
  return compatibleAlways.has(type) || (policy === 'LENIENT' && compatibleIfLenient.has(type))
}

/** Name of our own rule: the comparison was given up. */
export const limitExceeded = 'COMPARISON_LIMIT_EXCEEDED'

interface Explanation {
  /** Confluent's text; `%s`: new or old, reader first. */
  readonly text: (path: string) => string
  readonly rule: string
  readonly remedy: string
}

const keywordAdded: Explanation = {
  text: (path) => `The keyword at path '${path}' in the %s schema is not present in the %s schema`,
  rule: 'A reader may not restrict what the writer leaves free.',
  remedy: 'Remove the keyword, or register under another subject.',
}
const valueIncreased: Explanation = {
  text: (path) =>
    `The value at path '${path}' in the %s schema is more than its value in the %s schema`,
  rule: "A reader's lower limit may not be above the writer's.",
  remedy: 'Keep the limit of the other schema, or lower it.',
}
const valueDecreased: Explanation = {
  text: (path) =>
    `The value at path '${path}' in the %s schema is less than its value in the %s schema`,
  rule: "A reader's upper limit may not be below the writer's.",
  remedy: 'Keep the limit of the other schema, or raise it.',
}
const valueChanged: Explanation = {
  text: (path) => `The value at path '${path}' is different between the %s and %s schema`,
  rule: 'A reader must accept every value that the writer accepts.',
  remedy: 'Keep the value of the other schema, or remove the keyword.',
}
const narrowed: Explanation = {
  text: (path) =>
    `An array or combined type at path '${path}' has fewer elements in the %s schema than ` +
    'the %s schema',
  rule: "A reader needs all the writer's values and branches.",
  remedy: 'Keep the values or branches of the other schema, and only add to them.',
}
const extended: Explanation = {
  text: (path) =>
    `An array or combined type at path '${path}' has more elements in the %s schema than ` +
    'the %s schema',
  rule: 'A reader may not set more conditions than the writer.',
  remedy: 'Remove the conditions that the other schema does not have.',
}
const typeChanged: Explanation = {
  text: (path) => `A type at path '${path}' is different between the %s schema and the %s schema`,
  rule: "A reader needs the writer's type, or one that contains it.",
  remedy:
    'Keep the type, widen it (integer to number, one type to a list or oneOf of types), or add ' +
    'a property with another name.',
}
const addedToOpen: Explanation = {
  text: (path) =>
    `The %s schema has an open content model and has a property or item at path '${path}' ` +
    'which is missing in the %s schema',
  rule:
    'An open content model (no additionalProperties) lets writers put anything into a property ' +
    'of this name, so that a reader may not give it a type.',
  remedy:
    'Use `additionalProperties: false` from the first version, or set ' +
    '`compatibilityPolicy: LENIENT` for the subject.',
}
const requiredAdded: Explanation = {
  text: (path) =>
    `The %s schema has an unopen content model and has a required property at path '${path}' ` +
    'which is missing in the %s schema',
  rule: 'A reader may not require a property that writers do not have.',
  remedy: 'Make the property optional, or give it a default value.',
}
const removedFromClosed: Explanation = {
  text: (path) =>
    'The %s has a closed content model and is missing a property or item present at path ' +
    `'${path}' in the %s schema`,
  rule: 'A closed content model (`additionalProperties: false`) refuses properties it lacks.',
  remedy:
    'Keep the property (it may become optional), or set `compatibilityPolicy: LENIENT` for the ' +
    'subject.',
}
const removedUncovered: Explanation = {
  text: (path) =>
    `A property or item is missing in the %s schema but present at path '${path}' in the %s ` +
    'schema and is not covered by its partially open content model',
  rule: 'The schema of additional properties must accept what a removed property accepted.',
  remedy:
    'Keep the property, widen the schema of additional or pattern properties, or set ' +
    '`compatibilityPolicy: LENIENT` for the subject.',
}
const addedUncovered: Explanation = {
  text: (path) =>
    `The %s schema has a property or item at path '${path}' which is missing in the %s schema ` +
    'and is not covered by its partially open content model',
  rule: 'A new property must accept what the schema of additional properties accepted before.',
  remedy:
    'Give the property the type of additional properties, or set `compatibilityPolicy: LENIENT` ' +
    'for the subject.',
}
const lenientPolicy = ' Or set `compatibilityPolicy: LENIENT` for the subject.'

const explanations: ReadonlyMap<string, Explanation> = new Map([
  ...explain(
    keywordAdded,
    'MAXIMUM_ADDED MINIMUM_ADDED EXCLUSIVE_MAXIMUM_ADDED EXCLUSIVE_MINIMUM_ADDED ' +
      'MULTIPLE_OF_ADDED MAX_LENGTH_ADDED MIN_LENGTH_ADDED PATTERN_ADDED MAX_PROPERTIES_ADDED ' +
      'MIN_PROPERTIES_ADDED DEPENDENCY_ARRAY_ADDED DEPENDENCY_SCHEMA_ADDED MAX_ITEMS_ADDED ' +
      'MIN_ITEMS_ADDED MAX_CONTAINS_ADDED MIN_CONTAINS_ADDED UNIQUE_ITEMS_ADDED ' +
      'ADDITIONAL_ITEMS_REMOVED UNEVALUATED_ITEMS_REMOVED',
  ),
  ...explain(
    {
      ...keywordAdded,
      rule: 'A reader may not require a property that is optional for writers.',
      remedy: 'Leave the property optional, or give it a default value.',
    },
    'REQUIRED_ATTRIBUTE_ADDED',
  ),
  ...explain(
    { ...keywordAdded, remedy: `Leave the content model open.${lenientPolicy}` },
    'ADDITIONAL_PROPERTIES_REMOVED UNEVALUATED_PROPERTIES_REMOVED',
  ),
  ...explain(
    valueIncreased,
    'MIN_LENGTH_INCREASED MINIMUM_INCREASED EXCLUSIVE_MINIMUM_INCREASED ' +
      'MIN_PROPERTIES_INCREASED MIN_ITEMS_INCREASED MIN_CONTAINS_INCREASED',
  ),
  ...explain(
    {
      ...valueIncreased,
      rule: "A reader's divisor must divide the writer's.",
      remedy: 'Keep the divisor of the other schema, or use one that divides it.',
    },
    'MULTIPLE_OF_EXPANDED',
  ),
  ...explain(
    valueDecreased,
    'MAX_LENGTH_DECREASED MAXIMUM_DECREASED MAX_ITEMS_DECREASED MAX_CONTAINS_DECREASED ' +
      'EXCLUSIVE_MAXIMUM_DECREASED MAX_PROPERTIES_DECREASED',
  ),
  ...explain(narrowed, 'ADDITIONAL_ITEMS_NARROWED ENUM_ARRAY_NARROWED SUM_TYPE_NARROWED'),
  ...explain(narrowed, 'UNEVALUATED_ITEMS_NARROWED'),
  ...explain(
    {
      ...narrowed,
      rule: 'A reader may not restrict properties that writers are free to add.',
      remedy: `Leave the content model open.${lenientPolicy}`,
    },
    'ADDITIONAL_PROPERTIES_NARROWED UNEVALUATED_PROPERTIES_NARROWED',
  ),
  ...explain(valueChanged, 'PATTERN_CHANGED MULTIPLE_OF_CHANGED DEPENDENCY_ARRAY_CHANGED'),
  ...explain(
    typeChanged,
    'TYPE_CHANGED TYPE_NARROWED COMBINED_TYPE_CHANGED COMBINED_TYPE_SUBSCHEMAS_CHANGED ' +
      'ENUM_ARRAY_CHANGED',
  ),
  ...explain(
    extended,
    'DEPENDENCY_ARRAY_EXTENDED PRODUCT_TYPE_EXTENDED SUM_TYPE_EXTENDED NOT_TYPE_EXTENDED',
  ),
  ...explain(addedToOpen, 'OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL'),
  ...explain(addedToOpen, 'REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL'),
  ...explain(
    {
      ...addedToOpen,
      rule: 'A reader may not require a property that writers do not have.',
      remedy:
        'Make the property optional or give it a default value, and use ' +
        '`additionalProperties: false` or `compatibilityPolicy: LENIENT`.',
    },
    'REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL',
  ),
  ...explain(
    {
      ...addedToOpen,
      rule: 'An open tuple lets writers put anything after its items.',
      remedy: 'Close the tuple (`additionalItems: false`) from the first version.',
    },
    'ITEM_ADDED_TO_OPEN_CONTENT_MODEL',
  ),
  ...explain(requiredAdded, 'REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL'),
  ...explain(
    removedFromClosed,
    'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL',
  ),
  ...explain(
    removedUncovered,
    'PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL ' +
      'ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
  ),
  ...explain(
    addedUncovered,
    'PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL ' +
      'ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
  ),
  ...explain(
    {
      text: () => '',
      rule: 'A reader may not describe what the writer leaves free.',
      remedy: 'Remove the schema at this place, or write `true`.',
    },
    'SCHEMA_ADDED',
  ),
  ...explain(
    {
      text: (path) => `The comparison of the %s and %s schema was given up at path '${path}'`,
      rule: 'Schemas are compared within bounds of depth and number of pairs.',
      remedy: 'Use fewer branches in oneOf, anyOf and allOf, and shorter chains of $ref.',
    },
    limitExceeded,
  ),
])

function explain(explanation: Explanation, types: string): readonly [string, Explanation][] {
  return types.split(' ').map((type) => [type, explanation])
}

/** Stands for the path while the words are put in. */
const pathMark = '\u0000'

/** The incompatibility that users see; `newer` says which of the two schemas is the new one. */
export function incompatibilityOf(
  difference: Difference,
  newer: 'reader' | 'writer',
): Incompatibility {
  const path = `#/${difference.path}`
  const { text, rule, remedy } = explanations.get(difference.type) ?? typeChanged
  const words = newer === 'reader' ? ['new', 'old'] : ['old', 'new']
  // The path comes last: it may contain `%s`.
  const description = text(pathMark)
    .replace('%s', words[0] ?? '')
    .replace('%s', words[1] ?? '')
    .replace(pathMark, () => path)
  return {
    errorType: difference.type,
    path,
    // The quotes that do not match are those of Confluent's registry.
    message: `{errorType:"${difference.type}", description:"${description}'}`,
    rule,
    remedy,
  }
}
