// SPDX-License-Identifier: Apache-2.0
import type protobuf from 'protobufjs/light.js'
import {
  type ComparisonOptions,
  type Incompatibility,
  InvalidSchemaError,
  type ParsedSchema,
  type SchemaFormat,
  type SchemaReference,
  type SchemaSource,
  schemaLimits,
} from '../schema/schema.ts'
import { builtIn } from './built-in.ts'
import { compareFiles } from './comparison.ts'
import { describeDifference } from './differences.ts'
import { parseDescriptor } from './from-descriptor.ts'
import { messageIndexesOf, messageNameAt, messageNames } from './message-index.ts'
import type { Place, ProtoFile } from './model.ts'
import { Names } from './names.ts'
import { parseProto } from './parser.ts'
import { printProto } from './printer.ts'
import { findProblems } from './problems.ts'
import { type ReflectionOptions, reflectMessage } from './reflection.ts'
import { serializedDescriptor } from './to-descriptor.ts'

/** A Protobuf schema: one `.proto` file with the files that it imports. */
export interface ProtobufSchema extends ParsedSchema {
  /** Always `PROTOBUF`. */
  readonly type: 'PROTOBUF'
  /** Full names of all messages of the file, outer ones before those within them. */
  readonly messageNames: readonly string[]
  /** Message indexes of a message of the file; undefined for other names. */
  messageIndexes(fullName: string): readonly number[] | undefined
  /** Full name of the message at `indexes`; undefined if there is none. */
  messageName(indexes: readonly number[]): string | undefined
  /**
   * Type with which records of the message are encoded and decoded: also for messages of imported
   * files. The same object for the same arguments. Throws `InvalidSchemaError` for an unknown name
   * and for declarations that contradict each other.
   */
  messageType(fullName: string, options?: ReflectionOptions): protobuf.Type
}

/** Protobuf: `.proto` texts of proto2 and proto3, and base64 of a `FileDescriptorProto`. */
export const protobufFormat = {
  type: 'PROTOBUF',
  parse: (source: SchemaSource): ProtobufSchema => parseSchema(source),
} as const satisfies SchemaFormat

function parseSchema(source: SchemaSource): ProtobufSchema {
  if (source.resolved.length > schemaLimits.references) {
    throw new InvalidSchemaError(
      `the schema reaches ${source.resolved.length} schemas through references; at most ` +
        `${schemaLimits.references} are allowed`,
    )
  }
  const file = parseFile(source.schema)
  const dependencies = new Map<string, ProtoFile>()
  for (const { name, schema } of source.resolved) {
    if (dependencies.has(name)) continue
    try {
      dependencies.set(name, parseFile(schema))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new InvalidSchemaError(`import "${name}": ${reason}`, error)
    }
  }
  return new Schema(file, dependencies, source.references)
}

function parseFile(text: string): ProtoFile {
  if (text.length > schemaLimits.length) {
    throw new InvalidSchemaError(
      `the schema has ${text.length} characters; at most ${schemaLimits.length} are allowed`,
    )
  }
  try {
    return parseProto(text)
  } catch (error) {
    const file = isBase64(text) ? descriptorFile(text) : undefined
    if (file !== undefined) return file
    throw error
  }
}

function isBase64(text: string): boolean {
  return text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
}

function descriptorFile(text: string): ProtoFile | undefined {
  let file: ProtoFile
  try {
    file = parseDescriptor(Buffer.from(text, 'base64'))
  } catch (error) {
    if (error instanceof InvalidSchemaError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new InvalidSchemaError(
      `the schema is neither a .proto text nor base64 of a FileDescriptorProto: ${reason}`,
      error,
    )
  }
  return file
}

class Schema implements ProtobufSchema {
  readonly type = 'PROTOBUF'
  readonly references: readonly SchemaReference[]
  readonly canonical: string
  readonly name: string | undefined
  readonly #file: ProtoFile
  readonly #dependencies: ReadonlyMap<string, ProtoFile>
  readonly #names: Names
  readonly #types = new Map<string, protobuf.Type>()
  readonly #normalized: string

  constructor(
    file: ProtoFile,
    dependencies: ReadonlyMap<string, ProtoFile>,
    references: readonly SchemaReference[],
  ) {
    this.references = references
    this.#file = file
    this.#dependencies = dependencies
    this.#names = new Names({ file, dependencies, references }, builtIn())
    this.canonical = printProto(file)
    this.#normalized = printProto(file, { normalize: this.#names, unresolved: unresolvedType })
    this.name = firstName(effectiveFile(file, dependencies))
  }

  normalized(): string {
    return this.#normalized
  }

  problems(): readonly string[] {
    return findProblems(this.#file, this.#dependencies, this.#names)
  }

  format(format: string): string {
    switch (format.toLowerCase()) {
      case 'serialized':
        return Buffer.from(this.#serialized()).toString('base64')
      case 'ignore_extensions':
        return printProto(this.#file, { ignoreExtensions: true })
      default:
        return this.canonical
    }
  }

  incompatibilities(
    writer: ParsedSchema,
    options: ComparisonOptions = {},
  ): readonly Incompatibility[] {
    if (!(writer instanceof Schema)) {
      return [
        {
          errorType: 'SCHEMA_TYPE_CHANGED',
          path: '#/',
          message: 'Incompatible because of different schema type',
          rule: 'All schemas of a subject must be of one format.',
          remedy: 'Register the schema under another subject.',
        },
      ]
    }
    const [reader, written] =
      (options.newer ?? 'reader') === 'reader' ? ['new', 'old'] : ['old', 'new']
    const before = { file: writer.#file, names: writer.#names }
    const after = { file: this.#file, names: this.#names }
    return compareFiles(before, after, options.effort).map((difference) =>
      describeDifference(difference, reader ?? 'new', written ?? 'old'),
    )
  }

  get messageNames(): readonly string[] {
    return messageNames(effectiveFile(this.#file, this.#dependencies))
  }

  messageIndexes(fullName: string): readonly number[] | undefined {
    return messageIndexesOf(effectiveFile(this.#file, this.#dependencies), fullName)
  }

  messageName(indexes: readonly number[]): string | undefined {
    return messageNameAt(effectiveFile(this.#file, this.#dependencies), indexes)
  }

  messageType(fullName: string, options: ReflectionOptions = {}): protobuf.Type {
    const key = `${options.keepCase === true} ${fullName}`
    const known = this.#types.get(key)
    if (known !== undefined) return known
    if (this.#names.type(fullName)?.declaration.kind !== 'message') {
      throw new InvalidSchemaError(
        `the schema has no message ${fullName}; it has ${this.messageNames.join(', ') || 'none'}`,
      )
    }
    const files = [this.#file, ...this.#dependencies.values()]
    const type = reflectMessage(this.#names, files, fullName, options)
    this.#types.set(key, type)
    return type
  }

  #serialized(): Uint8Array {
    const known = (path: string) => this.#dependencies.has(path) || builtIn().has(path)
    return serializedDescriptor(this.#file, this.#names, known)
  }
}

function unresolvedType(name: string, { line, column }: Place): never {
  throw new InvalidSchemaError(
    `line ${line}, column ${column}: the type ${name} is not declared in this file, in its ` +
      'references, or in a built-in file',
  )
}

/** A file that only imports one other file publicly stands for that file. */
function effectiveFile(file: ProtoFile, dependencies: ReadonlyMap<string, ProtoFile>): ProtoFile {
  const [path, second] = file.publicImports
  const isEmpty =
    file.types.length + file.imports.length + file.services.length + file.extends.length === 0
  if (!isEmpty || path === undefined || second !== undefined) return file
  const imported = dependencies.get(path) ?? builtIn().get(path)
  return imported === undefined || imported.types.length === 0 ? file : imported
}

function firstName(file: ProtoFile): string | undefined {
  const first = file.types.find((type) => type.kind === 'message') ?? file.types[0]
  if (first === undefined) return undefined
  return file.package === undefined || file.package === ''
    ? first.name
    : `${file.package}.${first.name}`
}
