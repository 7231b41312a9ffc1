// SPDX-License-Identifier: Apache-2.0
import { EffortExceededError } from '../schema/schema.ts'
import { type AvroType, aliasNames, type Field, isNamed, type RecordType } from './model.ts'
import { printSchema } from './printer.ts'

/** Name of a rule of Avro's `SchemaCompatibility`. */
export type ErrorType =
  | 'NAME_MISMATCH'
  | 'FIXED_SIZE_MISMATCH'
  | 'MISSING_ENUM_SYMBOLS'
  | 'READER_FIELD_MISSING_DEFAULT_VALUE'
  | 'TYPE_MISMATCH'
  | 'MISSING_UNION_BRANCH'

/** A place where the reader's schema cannot read data of the writer's. */
export interface Finding {
  readonly errorType: ErrorType
  /** JSON pointer as Java prints it: `/` is the schema itself. */
  readonly path: string
  /** Java's message, for example `reader type: STRING not compatible with writer type: INT`. */
  readonly detail: string
  readonly reader: AvroType
  readonly writer: AvroType
}

/** The comparison ended without a verdict: the schemas are ambiguous or too large. */
export class ComparisonError extends Error {}

/**
 * Work of one comparison, in fields, symbols and aliases that are visited. It takes about a second.
 * Without a limit, each reader's type is compared with each writer's type in the worst case.
 */
const MAX_STEPS = 1_000_000
/** Steps of a pair of types, for what is remembered of it. */
const STEPS_OF_PAIR = 4
/** Findings that are returned. Java lists a type's findings again at each of its uses. */
const MAX_FINDINGS = 1000
/** Characters of all paths and details together. */
const MAX_LENGTH = 1_000_000
/**
 * Branches of readers' unions that are compared one after another, as in Java, which finds the same
 * places first; after that, only branches whose names match.
 */
const MAX_PROBES = 10_000

/**
 * Finds what the reader's schema cannot read of data of the writer's schema, by the rules of Avro
 * 1.12 for Java. Returns nothing if it reads all. Throws `ComparisonError` if a field of the reader
 * matches several fields of the writer, or if the comparison would take too long; with an `effort`
 * below 1, which is a part of its limit, `EffortExceededError` instead.
 */
export function findIncompatibilities(reader: AvroType, writer: AvroType, effort = 1): Finding[] {
  return flatten(new Checker(effort).check(reader, writer))
}

/** Path from the root of a comparison, last step first. */
interface Place {
  readonly parent: Place | undefined
  readonly token: string
}

interface Leaf {
  readonly errorType: ErrorType
  readonly place: Place
  readonly detail: () => string
  readonly reader: AvroType
  readonly writer: AvroType
}

/** Findings of a pair: its own and, as they are, the results of pairs within. Empty: compatible. */
type Result = readonly (Leaf | Result)[]

interface Pair {
  readonly reader: AvroType
  readonly writer: AvroType
  readonly place: Place
}

/** Compares one pair. It yields the pairs that it needs, and receives their results. */
type Evaluation = Generator<Pair, Result, Result>

const root: Place = { parent: undefined, token: '' }
const compatible: Result = []

class Checker {
  /** Results by reader and writer. A pair in progress counts as compatible: recursion ends. */
  readonly #results = new Map<AvroType, Map<AvroType, Result>>()
  readonly #branchesByName = new Map<AvroType, Map<string, AvroType[]>>()
  readonly #effort: number
  #steps = 0
  #probes = 0

  constructor(effort: number) {
    this.#effort = effort
  }

  /** Runs evaluations on an explicit stack: pairs of recursive schemas nest deeply. */
  check(reader: AvroType, writer: AvroType): Result {
    const stack = [this.#start({ reader, writer, place: root })]
    let result: Result = compatible
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.evaluation.next(result)
      if (next.done === true) {
        result = next.value
        this.#remember(top.pair, result)
        stack.pop()
        continue
      }
      const known = this.#results.get(next.value.reader)?.get(next.value.writer)
      if (known === undefined) stack.push(this.#start(next.value))
      else result = known
    }
    return result
  }

  #start(pair: Pair): { readonly pair: Pair; readonly evaluation: Evaluation } {
    this.#count(STEPS_OF_PAIR)
    this.#remember(pair, compatible)
    return { pair, evaluation: this.#compare(pair) }
  }

  #remember({ reader, writer }: Pair, result: Result): void {
    const results = this.#results.get(reader) ?? new Map<AvroType, Result>()
    this.#results.set(reader, results.set(writer, result))
  }

  #count(steps: number): void {
    this.#steps += steps
    if (this.#effort < 1 && this.#steps > MAX_STEPS * this.#effort) throw new EffortExceededError()
    if (this.#steps > MAX_STEPS) {
      throw new ComparisonError(`the comparison takes more than ${MAX_STEPS} steps`)
    }
  }

  *#compare(pair: Pair): Evaluation {
    const { reader, writer, place } = pair
    if (reader.kind === 'union' && writer.kind === 'union') return yield* this.#unions(pair)
    if (writer.kind === 'union') {
      const results: Result[] = []
      for (const [i, branch] of writer.branches.entries()) {
        results.push(yield { reader, writer: branch, place: within(place, String(i)) })
      }
      return merged(results)
    }
    if (reader.kind === 'union') return yield* this.#unionReader(pair)
    if (reader.kind === 'array' && writer.kind === 'array') {
      return yield { reader: reader.items, writer: writer.items, place: within(place, 'items') }
    }
    if (reader.kind === 'map' && writer.kind === 'map') {
      return yield { reader: reader.values, writer: writer.values, place: within(place, 'values') }
    }
    if (isNamed(reader) && isNamed(writer) && reader.kind === writer.kind) {
      if (reader.name !== writer.name) this.#count(reader.aliases.length)
      return merged([nameResult(pair), yield* this.#namedParts(pair)])
    }
    if (reader.kind === writer.kind || isPromoted(writer, reader)) return compatible
    return [typeMismatch(pair)]
  }

  *#namedParts(pair: Pair): Evaluation {
    const { reader, writer, place } = pair
    if (reader.kind === 'record' && writer.kind === 'record') {
      return yield* this.#records(reader, writer, place)
    }
    if (reader.kind === 'fixed' && writer.kind === 'fixed' && reader.size !== writer.size) {
      const detail = `expected: ${writer.size}, found: ${reader.size}`
      return [leaf('FIXED_SIZE_MISMATCH', pair, within(place, 'size'), detail)]
    }
    if (reader.kind === 'enum' && writer.kind === 'enum' && reader.default === undefined) {
      this.#count(reader.symbols.length + writer.symbols.length)
      const known = new Set(reader.symbols)
      const missing = writer.symbols.filter((symbol) => !known.has(symbol))
      if (missing.length === 0) return compatible
      const detail = (): string => `[${missing.sort().join(', ')}]`
      return [leaf('MISSING_ENUM_SYMBOLS', pair, within(place, 'symbols'), detail)]
    }
    return compatible
  }

  *#records(reader: RecordType, writer: RecordType, place: Place): Evaluation {
    this.#count(reader.fields.length + writer.fields.length)
    const writerFields = new Map(writer.fields.map((field) => [field.name, field]))
    const results: Result[] = []
    const fieldsPlace = within(place, 'fields')
    for (const field of reader.fields) {
      const fieldPlace = within(fieldsPlace, String(field.index))
      const writerField = this.#writerField(field, writerFields, writer)
      if (writerField !== undefined) {
        results.push(
          yield {
            reader: field.type,
            writer: writerField.type,
            place: within(fieldPlace, 'type'),
          },
        )
      } else if (field.default === undefined) {
        results.push(yield* this.#missingField(field, reader, writer, fieldPlace))
      }
    }
    return merged(results)
  }

  /** An enum with a default does not replace the default of its field. */
  *#missingField(field: Field, reader: RecordType, writer: RecordType, place: Place): Evaluation {
    if (field.type.kind === 'enum' && field.type.default !== undefined) {
      return yield { reader: field.type, writer, place: within(place, 'type') }
    }
    return [leaf('READER_FIELD_MISSING_DEFAULT_VALUE', { reader, writer }, place, field.name)]
  }

  #writerField(
    field: Field,
    writerFields: ReadonlyMap<string, Field>,
    writer: RecordType,
  ): Field | undefined {
    const matches: Field[] = []
    this.#count(field.aliases.length)
    for (const name of [field.name, ...field.aliases]) {
      const match = writerFields.get(name)
      if (match !== undefined) matches.push(match)
    }
    if (matches.length > 1) {
      throw new ComparisonError(
        `Reader record field ${field.name} type:${field.type.kind.toUpperCase()} ` +
          `pos:${field.index} matches multiple fields in writer record schema ${textOf(writer)}`,
      )
    }
    return matches[0]
  }

  *#unions(pair: Pair): Evaluation {
    const { reader, writer, place } = pair
    if (writer.kind !== 'union') return compatible
    const leaves: Leaf[] = []
    for (const [i, branch] of writer.branches.entries()) {
      const result = yield { reader, writer: branch, place: root }
      if (result.length > 0) {
        const detail = `reader union lacking writer type: ${branch.kind.toUpperCase()}`
        leaves.push(leaf('MISSING_UNION_BRANCH', pair, within(place, String(i)), detail))
      }
    }
    return leaves
  }

  *#unionReader(pair: Pair): Evaluation {
    const { reader, writer, place } = pair
    for (const branch of this.#candidates(reader, writer)) {
      const result = yield { reader: branch, writer, place: root }
      if (result.length === 0) return compatible
    }
    const detail = `reader union lacking writer type: ${writer.kind.toUpperCase()}`
    return [leaf('MISSING_UNION_BRANCH', pair, place, detail)]
  }

  /** Branches that can be compatible with a type. */
  #candidates(reader: AvroType, writer: AvroType): readonly AvroType[] {
    if (reader.kind !== 'union') return []
    const { branches } = reader
    this.#probes += branches.length
    if (this.#probes <= MAX_PROBES) return branches
    let byName = this.#branchesByName.get(reader)
    if (byName === undefined) {
      byName = new Map()
      for (const branch of branches) {
        for (const name of readableNames(branch)) {
          const sameName = byName.get(name)
          if (sameName === undefined) byName.set(name, [branch])
          else sameName.push(branch)
        }
      }
      this.#branchesByName.set(reader, byName)
    }
    if (!isNamed(writer)) return byName.get('') ?? []
    const names = new Set([writer.name, `=${writer.fullName}`])
    return [...names].flatMap((name) => byName.get(name) ?? [])
  }
}

/** Keys under which a branch is found: its name and, after `=`, its aliases; '' without a name. */
function readableNames(branch: AvroType): string[] {
  if (!isNamed(branch)) return ['']
  return [branch.name, ...aliasNames(branch).map((alias) => `=${alias}`)]
}

/** Namespaces do not count, except in aliases. */
function nameResult(pair: Pair): Result {
  const { reader, writer, place } = pair
  if (!isNamed(reader) || !isNamed(writer)) return compatible
  if (reader.name === writer.name) return compatible
  if (aliasNames(reader).includes(writer.fullName)) return compatible
  const detail = `expected: ${writer.fullName}`
  return [leaf('NAME_MISMATCH', pair, within(place, 'name'), detail)]
}

const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

function isPromoted(writer: AvroType, reader: AvroType): boolean {
  return promotions[writer.kind]?.includes(reader.kind) ?? false
}

function typeMismatch(pair: Pair): Leaf {
  const readerKind = pair.reader.kind.toUpperCase()
  const writerKind = pair.writer.kind.toUpperCase()
  const detail = `reader type: ${readerKind} not compatible with writer type: ${writerKind}`
  return leaf('TYPE_MISMATCH', pair, pair.place, detail)
}

function leaf(
  errorType: ErrorType,
  { reader, writer }: Pick<Pair, 'reader' | 'writer'>,
  place: Place,
  detail: string | (() => string),
): Leaf {
  return {
    errorType,
    place,
    detail: typeof detail === 'string' ? () => detail : detail,
    reader,
    writer,
  }
}

function within(parent: Place, token: string): Place {
  return { parent, token }
}

function merged(results: readonly Result[]): Result {
  const incompatible = results.filter((result) => result.length > 0)
  return incompatible.length === 1 ? (incompatible[0] ?? compatible) : incompatible
}

/** Findings in Java's order, within the limits. */
function flatten(result: Result): Finding[] {
  const findings: Finding[] = []
  const stack = [result.values()]
  let length = 0
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.next()
    if (next.done === true) {
      stack.pop()
    } else if (isResult(next.value)) {
      stack.push(next.value.values())
    } else {
      const { errorType, place, detail, reader, writer } = next.value
      const path = pathOf(place)
      const text = detail()
      length += path.length + text.length
      findings.push({ errorType, path, detail: text, reader, writer })
      if (findings.length === MAX_FINDINGS || length > MAX_LENGTH) return findings
    }
  }
  return findings
}

function isResult(entry: Leaf | Result): entry is Result {
  return Array.isArray(entry)
}

function pathOf(place: Place): string {
  const tokens: string[] = []
  for (let at: Place | undefined = place; at?.parent !== undefined; at = at.parent) {
    tokens.push(at.token)
  }
  return `/${tokens.reverse().join('/')}`
}

function textOf(type: RecordType): string {
  try {
    return printSchema(type)
  } catch {
    return type.fullName
  }
}
