// SPDX-License-Identifier: Apache-2.0
import type { SchemaReference } from '../schema/schema.ts'
import type { Extend, Field, Option, ProtoFile, TypeDeclaration } from './model.ts'

/** Subject and version by which a file was found: equal ones need no comparison. */
export type FileOrigin = Pick<SchemaReference, 'subject' | 'version'>

/** A message or enum with the file that declares it. */
export interface NamedType {
  /** Full name without a leading dot. */
  readonly fullName: string
  /** The file that declares it. */
  readonly file: ProtoFile
  /** Package of its file, `''` for none. */
  readonly package: string
  /** The declaration. */
  readonly declaration: TypeDeclaration
  /** Where the file came from; undefined if the schema does not refer to it itself. */
  readonly origin: FileOrigin | undefined
  /** Type `map<key, value>` if it is the message of a map's entries. */
  readonly mapType: string | undefined
}

/** A field declared by an `extend` block. */
export interface NamedExtension {
  /** Full name without a leading dot. */
  readonly fullName: string
  /** The declaration. */
  readonly field: Field
}

/** A scope: the package and the enclosing messages of a place. */
export type Scope = readonly string[]

/** A file with what it can refer to. */
export interface LinkedFile {
  /** The schema's own file. */
  readonly file: ProtoFile
  /** Files by import path, without those that are built in. */
  readonly dependencies: ReadonlyMap<string, ProtoFile>
  /** References of the schema itself. */
  readonly references: readonly SchemaReference[]
}

const ownOrigin: FileOrigin = { subject: '', version: -1 }

/** All types and extensions that a schema can name, and the rule by which names are found. */
export class Names {
  readonly #types = new Map<string, NamedType>()
  readonly #extensions = new Map<string, NamedExtension>()

  /** Collects the names of `linked` and of all `builtIn` files that it does not replace. */
  constructor(linked: LinkedFile, builtIn: Iterable<readonly [string, ProtoFile]>) {
    const origins = new Map(linked.references.map((reference) => [reference.name, reference]))
    for (const [path, file] of builtIn) {
      if (!linked.dependencies.has(path)) this.#addFile(file, origins.get(path))
    }
    for (const [path, file] of linked.dependencies) this.#addFile(file, origins.get(path))
    this.#addFile(linked.file, ownOrigin)
  }

  /** The type of a full name, with or without a leading dot. */
  type(fullName: string): NamedType | undefined {
    return this.#types.get(withoutDot(fullName))
  }

  /** The extension of a full name, with or without a leading dot. */
  extension(fullName: string): NamedExtension | undefined {
    return this.#extensions.get(withoutDot(fullName))
  }

  /** The type that `name` stands for within `scope`: the innermost one that declares it. */
  resolveType(name: string, scope: Scope): NamedType | undefined {
    return resolve(this.#types, name, scope)
  }

  /** The extension that `name` stands for within `scope`. */
  resolveExtension(name: string, scope: Scope): NamedExtension | undefined {
    return resolve(this.#extensions, name, scope)
  }

  #addFile(file: ProtoFile, origin: FileOrigin | undefined): void {
    const packageName = file.package ?? ''
    const prefix = packageName === '' ? '' : `${packageName}.`
    this.#addExtends(file.extends, prefix)
    this.#addTypes(file.types, prefix, { file, package: packageName, origin })
  }

  #addTypes(
    types: readonly TypeDeclaration[],
    prefix: string,
    from: Pick<NamedType, 'file' | 'package' | 'origin'>,
  ): void {
    for (const declaration of types) {
      const fullName = prefix + declaration.name
      const mapType = mapEntryType(declaration)
      this.#types.set(fullName, { fullName, declaration, mapType, ...from })
      if (declaration.kind === 'enum') continue
      this.#addExtends(declaration.extends, `${fullName}.`)
      this.#addTypes(declaration.types, `${fullName}.`, from)
    }
  }

  #addExtends(blocks: readonly Extend[], prefix: string): void {
    for (const block of blocks) {
      for (const field of block.fields) {
        const fullName = prefix + field.name
        this.#extensions.set(fullName, { fullName, field })
      }
    }
  }
}

function resolve<T>(entries: ReadonlyMap<string, T>, name: string, scope: Scope): T | undefined {
  if (name.startsWith('.')) return entries.get(name.slice(1))
  for (let length = scope.length; length >= 0; length--) {
    const found = entries.get([...scope.slice(0, length), name].join('.'))
    if (found !== undefined) return found
  }
  return undefined
}

/** The scope of the top level of a file. */
export function packageScope(packageName: string | undefined): Scope {
  return packageName === undefined || packageName === '' ? [] : packageName.split('.')
}

/** Name without a leading dot. */
export function withoutDot(name: string): string {
  return name.startsWith('.') ? name.slice(1) : name
}

/** `map<key, value>` for a message with the option `map_entry`. */
function mapEntryType(declaration: TypeDeclaration): string | undefined {
  if (declaration.kind === 'enum' || !isMapEntry(declaration.options)) return undefined
  const key = declaration.fields.find((field) => field.name === 'key')
  const value = declaration.fields.find((field) => field.name === 'value')
  if (key === undefined || value === undefined) return undefined
  return `map<${key.type}, ${value.type}>`
}

/** Whether the options of a message say that it holds the entries of a map. */
export function isMapEntry(options: readonly Option[]): boolean {
  const last = options.findLast((option) => withoutDot(option.name) === 'map_entry')
  return typeof last?.value === 'string' && last.value.toLowerCase() === 'true'
}
