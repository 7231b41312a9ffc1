// SPDX-License-Identifier: Apache-2.0
import { javaHashOrder } from '../schema/java-hash-order.ts'
import { EffortExceededError } from '../schema/schema.ts'
import type { Difference, DifferenceType } from './differences.ts'
import {
  type Field,
  type FieldLabel,
  type Message,
  mapTypes,
  type ProtoFile,
  scalarTypes,
  type TypeDeclaration,
} from './model.ts'
import { type NamedType, type Names, packageScope, type Scope } from './names.ts'

/** A file and the names that it can use. */
export interface Comparable {
  /** The file. */
  readonly file: ProtoFile
  /** Names of the file and of all that it refers to. */
  readonly names: Names
}

/** Differences after which a comparison ends: a hostile schema could repeat one without end. */
const maxDifferences = 1000

/** Fields up to which messages of other files are compared at every use, then once per pair. */
const maxRepeatedFields = 100_000

/** Messages and fields that an effort below 1 is a part of. */
const maxWork = 400_000

/** Depth of messages of other files within each other; deeper ones are compared at the end. */
const maxDepth = 100

/**
 * What keeps a reader from reading data of `writer`, in the order in which Confluent's registry
 * reports it. Fields are matched by number, messages by name. Throws `EffortExceededError` for an
 * `effort` below 1 that is not enough.
 */
export function compareFiles(
  writer: Comparable,
  reader: Comparable,
  effort = 1,
): readonly Difference[] {
  const comparison = new Comparison(writer.names, reader.names, effort)
  return comparison.files(writer.file, reader.file)
}

/** Place of a comparison. */
interface Position {
  /** Parts of the path in reports. */
  readonly path: readonly string[]
  /** Enclosing messages: the part of the path by which names are found. */
  readonly messages: readonly string[]
  /** Package on the side of the writer. */
  readonly writerPackage: Scope
  /** Package on the side of the reader. */
  readonly readerPackage: Scope
}

type ScalarKind = 'number' | 'signed' | 'text' | 'fixed32' | 'fixed64' | 'float' | 'double'

const scalarKinds: Readonly<Record<string, ScalarKind>> = {
  int32: 'number',
  int64: 'number',
  uint32: 'number',
  uint64: 'number',
  bool: 'number',
  sint32: 'signed',
  sint64: 'signed',
  string: 'text',
  bytes: 'text',
  fixed32: 'fixed32',
  sfixed32: 'fixed32',
  fixed64: 'fixed64',
  sfixed64: 'fixed64',
  float: 'float',
  double: 'double',
}

class Comparison {
  readonly #writerNames: Names
  readonly #readerNames: Names
  /** Messages whose fields are being compared: a recursive one is compared once. */
  readonly #open = new Set<Message>()
  readonly #compared = new Map<Message, Map<Message, readonly Difference[]>>()
  /** Messages of other files that lie too deep, to be compared at the end. */
  readonly #deferred: (() => readonly Difference[])[] = []
  readonly #effort: number
  #fieldCount = 0
  #work = 0
  #depth = 0

  constructor(writerNames: Names, readerNames: Names, effort: number) {
    this.#effort = effort
    this.#writerNames = writerNames
    this.#readerNames = readerNames
  }

  files(writer: ProtoFile, reader: ProtoFile): readonly Difference[] {
    const position: Position = {
      path: [],
      messages: [],
      writerPackage: packageScope(writer.package),
      readerPackage: packageScope(reader.package),
    }
    const found: Difference[] = []
    if (writer.package !== reader.package) report(found, 'PACKAGE_CHANGED', position.path)
    this.#types(writer.types, reader.types, position, found)
    for (
      let compare = this.#deferred.pop();
      compare !== undefined;
      compare = this.#deferred.pop()
    ) {
      found.push(...compare())
      if (found.length >= maxDifferences) break
    }
    return found.slice(0, maxDifferences)
  }

  #types(
    writer: readonly TypeDeclaration[],
    reader: readonly TypeDeclaration[],
    position: Position,
    found: Difference[],
  ): void {
    const writerMessages = messagesByName(writer)
    const readerMessages = messagesByName(reader)
    for (const name of namesInOrder(writerMessages, readerMessages)) {
      const writerMessage = writerMessages.get(name)
      const readerMessage = readerMessages.get(name)
      if (writerMessage === undefined) continue
      const inside = within(position, name)
      if (readerMessage !== undefined) {
        this.#messages(writerMessage, readerMessage, inside, found)
        continue
      }
      const type = this.#writerType(name, inside)
      if (type !== undefined && type.mapType === undefined) {
        report(found, 'MESSAGE_REMOVED', inside.path)
      }
    }
  }

  #messages(writer: Message, reader: Message, position: Position, found: Difference[]): void {
    this.#work += 1 + writer.fields.length + reader.fields.length
    if (this.#effort < 1 && this.#work > maxWork * this.#effort) throw new EffortExceededError()
    if (!this.#open.has(writer)) {
      this.#open.add(writer)
      this.#fields(writer, reader, position, found)
      this.#types(writer.types, reader.types, position, found)
      this.#open.delete(writer)
    } else {
      this.#types(writer.types, reader.types, position, found)
    }
  }

  #fields(writer: Message, reader: Message, position: Position, found: Difference[]): void {
    const before = fieldsByNumber(writer)
    const after = fieldsByNumber(reader)
    this.#oneofs(before, reader, position, found)
    const removedOneofs = completelyRemoved(writer, reader, after)
    const numbers = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b)
    for (const number of numbers) {
      const old = before.get(number)
      const current = after.get(number)
      if (current === undefined) {
        if (old !== undefined) reportRemoved(found, number, old, removedOneofs, position)
      } else if (old === undefined) {
        if (current.oneof === undefined && current.field.label === 'required') {
          report(found, 'REQUIRED_FIELD_ADDED', [...position.path, String(number)])
        }
      } else {
        const place = current.oneof === undefined ? [] : [current.oneof]
        const path = [...position.path, ...place, String(number)]
        this.#field(old.field, current.field, { ...position, path }, found)
      }
    }
  }

  /** Fields that could be set together must not exclude each other now. */
  #oneofs(
    before: ReadonlyMap<number, Member>,
    reader: Message,
    position: Position,
    found: Difference[],
  ): void {
    for (const oneof of reader.oneofs) {
      const groups = new Set<string>()
      let single = 0
      for (const { number } of oneof.fields) {
        const member = before.get(number)
        if (member === undefined) continue
        if (member.oneof !== undefined) {
          groups.add(`oneof ${member.oneof}`)
        } else {
          groups.add(`field ${number}`)
          single++
        }
      }
      if (groups.size > 1) {
        const type = single > 1 ? 'MULTIPLE_FIELDS_MOVED_TO_ONEOF' : 'FIELD_MOVED_TO_EXISTING_ONEOF'
        report(found, type, [...position.path, oneof.name])
      }
    }
  }

  #field(writer: Field, reader: Field, position: Position, found: Difference[]): void {
    this.#fieldTypes(
      { label: writer.label, type: writer.type },
      { label: reader.label, type: reader.type },
      position,
      found,
    )
  }

  #fieldTypes(writer: LabelledType, reader: LabelledType, at: Position, found: Difference[]): void {
    const writerNamed = this.#writerType(writer.type, at)
    const readerNamed = this.#readerType(reader.type, at)
    const writerType = writerNamed?.mapType ?? writer.type
    const readerType = readerNamed?.mapType ?? reader.type
    const writerMap = mapTypes(writerType)
    const readerMap = mapTypes(readerType)
    const writerScalar = scalarKind(writerType, this.#writerType(writerType, at))
    const readerScalar = scalarKind(readerType, this.#readerType(readerType, at))
    if (writerMap !== undefined && readerMap !== undefined) {
      for (const part of ['key', 'value'] as const) {
        this.#fieldTypes(
          { label: undefined, type: writerMap[part] },
          { label: undefined, type: readerMap[part] },
          at,
          found,
        )
      }
    } else if (writerScalar !== undefined && readerScalar !== undefined) {
      if (writerScalar !== readerScalar) {
        report(found, 'FIELD_SCALAR_KIND_CHANGED', at.path)
      } else if (
        writer.label !== undefined &&
        reader.label !== undefined &&
        writer.label !== reader.label &&
        writerScalar !== 'text'
      ) {
        report(found, 'FIELD_NUMERIC_LABEL_CHANGED', at.path)
      }
    } else if (
      (writerMap === undefined) !== (readerMap === undefined) ||
      (writerScalar === undefined) !== (readerScalar === undefined)
    ) {
      report(found, 'FIELD_KIND_CHANGED', at.path)
    } else {
      this.#messageTypes(writerType, readerType, at, found)
    }
  }

  #messageTypes(writer: string, reader: string, at: Position, found: Difference[]): void {
    const writerFound = this.#writerType(writer, at)
    const readerFound = this.#readerType(reader, at)
    if (writerFound === undefined || readerFound === undefined) {
      if (writer !== reader) report(found, 'FIELD_NAMED_TYPE_CHANGED', at.path)
      return
    }
    const localName = withinPackage(writerFound)
    if (localName !== withinPackage(readerFound)) {
      report(found, 'FIELD_NAMED_TYPE_CHANGED', at.path)
      return
    }
    const before = writerFound.origin
    const after = readerFound.origin
    // Types of one file are compared as a part of the file.
    const sameFile =
      before !== undefined &&
      after !== undefined &&
      before.subject === after.subject &&
      before.version === after.version
    if (sameFile) return
    if (writerFound.declaration.kind === 'enum' || readerFound.declaration.kind === 'enum') return
    const differences = this.#otherFile(
      writerFound.declaration,
      readerFound.declaration,
      {
        path: localName.split('.'),
        messages: localName.split('.'),
        writerPackage: packageScope(writerFound.package),
        readerPackage: packageScope(readerFound.package),
      },
      found.length,
    )
    for (const difference of differences) {
      if (found.length < maxDifferences) found.push(difference)
    }
    if (differences.length > 0) report(found, 'FIELD_NAMED_TYPE_CHANGED', at.path)
  }

  #otherFile(
    writer: Message,
    reader: Message,
    position: Position,
    reported: number,
  ): readonly Difference[] {
    const known = this.#compared.get(writer)?.get(reader)
    this.#fieldCount += writer.fields.length + reader.fields.length
    const repeat = this.#fieldCount < maxRepeatedFields && reported < maxDifferences
    if (!repeat && known !== undefined) return known
    if (!repeat && this.#open.has(writer)) return []
    if (this.#depth >= maxDepth) {
      this.#deferred.push(
        () => this.#compared.get(writer)?.get(reader) ?? this.#compare(writer, reader, position),
      )
      return []
    }
    return this.#compare(writer, reader, position)
  }

  #compare(writer: Message, reader: Message, position: Position): readonly Difference[] {
    const found: Difference[] = []
    this.#depth++
    this.#messages(writer, reader, position, found)
    this.#depth--
    const results = this.#compared.get(writer) ?? new Map<Message, readonly Difference[]>()
    this.#compared.set(writer, results)
    results.set(reader, found)
    return found
  }

  #writerType(name: string, at: Position): NamedType | undefined {
    return this.#writerNames.resolveType(name, [...at.writerPackage, ...at.messages])
  }

  #readerType(name: string, at: Position): NamedType | undefined {
    return this.#readerNames.resolveType(name, [...at.readerPackage, ...at.messages])
  }
}

interface LabelledType {
  readonly label: FieldLabel | undefined
  readonly type: string
}

/** The order of a set to which the names of both maps were added. */
function namesInOrder(
  writer: ReadonlyMap<string, Message>,
  reader: ReadonlyMap<string, Message>,
): readonly string[] {
  const names = [...javaHashOrder(writer.keys()), ...javaHashOrder(reader.keys())]
  return javaHashOrder(names, writer.size)
}

/** A field, and the oneof that it is in. */
interface Member {
  readonly field: Field
  readonly oneof: string | undefined
}

function messagesByName(types: readonly TypeDeclaration[]): Map<string, Message> {
  const messages = new Map<string, Message>()
  for (const type of types) {
    if (type.kind === 'message') messages.set(type.name, type)
  }
  return messages
}

function fieldsByNumber(message: Message): Map<number, Member> {
  const members = new Map<number, Member>()
  for (const field of message.fields) members.set(field.number, { field, oneof: undefined })
  for (const oneof of message.oneofs) {
    for (const field of oneof.fields) members.set(field.number, { field, oneof: oneof.name })
  }
  return members
}

/** Oneofs that are gone with all their fields: readers see them as empty, which is allowed. */
function completelyRemoved(
  writer: Message,
  reader: Message,
  after: ReadonlyMap<number, Member>,
): ReadonlySet<string> {
  const kept = new Set(reader.oneofs.map((oneof) => oneof.name))
  const removed = writer.oneofs.filter(
    (oneof) => !kept.has(oneof.name) && !oneof.fields.some((field) => after.has(field.number)),
  )
  return new Set(removed.map((oneof) => oneof.name))
}

function reportRemoved(
  found: Difference[],
  number: number,
  { field, oneof }: Member,
  removedOneofs: ReadonlySet<string>,
  position: Position,
): void {
  if (oneof !== undefined) {
    if (!removedOneofs.has(oneof)) {
      report(found, 'ONEOF_FIELD_REMOVED', [...position.path, oneof, String(number)])
    }
  } else if (field.label === 'required') {
    report(found, 'REQUIRED_FIELD_REMOVED', [...position.path, String(number)])
  }
}

function report(found: Difference[], type: DifferenceType, path: readonly string[]): void {
  if (found.length < maxDifferences) found.push({ type, path: `#/${path.join('/')}` })
}

function within(position: Position, name: string): Position {
  return {
    ...position,
    path: [...position.path, name],
    messages: [...position.messages, name],
  }
}

function scalarKind(type: string, named: NamedType | undefined): ScalarKind | undefined {
  if (named?.declaration.kind === 'enum') return 'number'
  return scalarTypes.has(type) ? scalarKinds[type] : undefined
}

function withinPackage({ fullName, package: packageName }: NamedType): string {
  const prefix = `${packageName}.`
  return fullName.startsWith(prefix) ? fullName.slice(prefix.length) : fullName
}
