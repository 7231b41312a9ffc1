// SPDX-License-Identifier: Apache-2.0
import type {
  ComparisonOptions,
  Incompatibility,
  SchemaSource,
  SchemaType,
} from '../schema/schema.ts'
import { schemaFormats } from '../schema-formats.ts'
import { avroOutline } from './avro-outline.ts'
import { jsonSchemaOutline } from './json-schema-outline.ts'
import type { SchemaElement, SchemaOutline } from './outline.ts'
import { protobufOutline } from './protobuf-outline.ts'

/** A property of an element in two schemas; undefined where it is absent. */
export interface AttributeDifference {
  /** Name, for example `type` or `default`. */
  readonly name: string
  /** Value in the old schema. */
  readonly old: string | undefined
  /** Value in the new schema. */
  readonly new: string | undefined
}

/** An element that two schemas do not have in common. */
export interface SchemaDifference {
  /** Path of the element, for people. */
  readonly path: string
  /** What happened to it. */
  readonly change: 'added' | 'removed' | 'changed'
  /** Properties that differ; all of an element that was added or removed. */
  readonly attributes: readonly AttributeDifference[]
  /** Why the new schema cannot read data of the old one; empty if this change is no reason. */
  readonly backward: readonly Incompatibility[]
  /** Why the old schema cannot read data of the new one. */
  readonly forward: readonly Incompatibility[]
}

/** The differences of two schemas, with the verdicts of their format's rules. */
export interface SchemaComparison {
  /** Differences by element. */
  readonly differences: readonly SchemaDifference[]
  /** Reasons against reading old data with the new schema. */
  readonly backward: readonly Incompatibility[]
  /** Reasons against reading new data with the old schema. */
  readonly forward: readonly Incompatibility[]
}

const outlines: Readonly<Record<SchemaType, (source: SchemaSource) => SchemaOutline>> = {
  AVRO: avroOutline,
  JSON: jsonSchemaOutline,
  PROTOBUF: protobufOutline,
}

/**
 * Compares two schemas of one format. Each reason of the compatibility rules is listed with the
 * difference at its place; every reason is in `backward` or `forward` of the result. Throws
 * `InvalidSchemaError`.
 */
export function compareSchemas(
  type: SchemaType,
  old: SchemaSource,
  next: SchemaSource,
  options: Pick<ComparisonOptions, 'policy'> = {},
): SchemaComparison {
  const [before, after] = [schemaFormats[type].parse(old), schemaFormats[type].parse(next)]
  const backward = after.incompatibilities(before, { ...options, newer: 'reader' })
  const forward = before.incompatibilities(after, { ...options, newer: 'writer' })
  // The canonical text of Protobuf is a .proto file, also for a descriptor.
  const outline = outlines[type]
  const oldElements = outline({ ...old, schema: before.canonical })
  const newElements = outline({ ...next, schema: after.canonical })
  const differences = differencesOf(oldElements, newElements)
  return {
    differences: differences.map(({ elements, ...difference }) => ({
      ...difference,
      backward: reasonsAt(backward, elements, differences),
      forward: reasonsAt(forward, elements, differences),
    })),
    backward,
    forward,
  }
}

interface Found extends Pick<SchemaDifference, 'path' | 'change' | 'attributes'> {
  readonly elements: readonly SchemaElement[]
}

function differencesOf(old: SchemaOutline, next: SchemaOutline): readonly Found[] {
  const found: Found[] = []
  for (const [key, element] of next) {
    const before = old.get(key)
    const attributes = attributesOf(before, element)
    if (before !== undefined && attributes.length === 0) continue
    const change = before === undefined ? 'added' : 'changed'
    const elements = before === undefined ? [element] : [before, element]
    const path = before === undefined || before.path === element.path ? element.path : before.path
    found.push({ path, change, attributes, elements })
  }
  for (const [key, element] of old) {
    if (next.has(key)) continue
    const attributes = attributesOf(element, undefined)
    found.push({ path: element.path, change: 'removed', attributes, elements: [element] })
  }
  return withoutContents(found)
}

/** What is within an element that was added or removed as a whole is not listed. */
function withoutContents(found: readonly Found[]): readonly Found[] {
  const whole = found.filter(({ change }) => change !== 'changed')
  return found.filter(
    ({ path, change }) =>
      !whole.some(
        (outer) =>
          outer.change === change &&
          path.length > outer.path.length &&
          path.startsWith(outer.path) &&
          /^[.[{<]/.test(path.slice(outer.path.length)),
      ),
  )
}

function attributesOf(
  old: SchemaElement | undefined,
  next: SchemaElement | undefined,
): readonly AttributeDifference[] {
  const names = new Set([...(old?.attributes.keys() ?? []), ...(next?.attributes.keys() ?? [])])
  return [...names].flatMap((name) => {
    const [before, after] = [old?.attributes.get(name), next?.attributes.get(name)]
    return before === after ? [] : [{ name, old: before, new: after }]
  })
}

/** Reasons whose nearest difference is this one. */
function reasonsAt(
  reasons: readonly Incompatibility[],
  elements: readonly SchemaElement[],
  all: readonly Found[],
): readonly Incompatibility[] {
  return reasons.filter(({ path }) => {
    const own = closeness(path, elements)
    if (own === 0) return false
    return all.every((other) => closeness(path, other.elements) <= own)
  })
}

/**
 * Length of the longest place that is the path or above it. A place below it counts less than any
 * of them: a reason may name the union or record whose content changed. 0: neither.
 */
function closeness(path: string, elements: readonly SchemaElement[]): number {
  const place = path
    .replace('#/required/', '#/properties/')
    .replace(/\/required\//g, '/properties/')
  const lengths = elements
    .flatMap(({ places }) => places)
    .map((each) => {
      const isRoot = each === '/' || each === '#/'
      if (isRoot || place === each || place.startsWith(`${each}/`)) return each.length
      const outer = place.endsWith('/') ? place : `${place}/`
      return each.startsWith(outer) ? 0.5 : 0
    })
  return Math.max(0, ...lengths)
}
