// SPDX-License-Identifier: Apache-2.0
import { builtIn } from './built-in.ts'
import {
  type Enum,
  type Extend,
  type Field,
  type Group,
  type Message,
  mapTypes,
  maxFieldNumber,
  type NumberRange,
  type Option,
  type Place,
  type ProtoFile,
  type Reserved,
  scalarTypes,
  type TypeDeclaration,
} from './model.ts'
import { type Names, packageScope, type Scope } from './names.ts'

const identifier = /^[A-Za-z_]\w*$/

/** Numbers that protobuf keeps for its implementations. */
const implementationNumbers = { first: 19_000, last: 19_999 }

/**
 * What protobuf compilers reject and the parser accepts: imports without a file, numbers and names
 * that occur twice or are not allowed. Empty for a valid file.
 */
export function findProblems(
  file: ProtoFile,
  dependencies: ReadonlyMap<string, ProtoFile>,
  names: Names,
): readonly string[] {
  const find = (path: string) => dependencies.get(path) ?? builtIn().get(path)
  const finder = new ProblemFinder(file, names, visibleFiles(file, find))
  finder.imports(file, find)
  if (file.package !== undefined && !file.package.split('.').every((part) => isName(part))) {
    finder.problems.push(`package ${file.package} is not a valid name`)
  }
  const scope = packageScope(file.package)
  finder.types(file.types, scope)
  finder.extensions('file', file.extends, scope)
  for (const service of file.services) {
    const where = `service ${service.name}`
    finder.unique(where, 'method', service.methods)
    for (const { requestType, responseType, place } of service.methods) {
      finder.visible(where, requestType, scope, place)
      finder.visible(where, responseType, scope, place)
    }
  }
  return finder.problems
}

interface Declared {
  readonly name: string
  readonly place?: Place
}

class ProblemFinder {
  readonly problems: string[] = []
  readonly #syntax: 'proto2' | 'proto3'
  readonly #names: Names
  readonly #visible: ReadonlySet<ProtoFile>

  constructor(file: ProtoFile, names: Names, visible: ReadonlySet<ProtoFile>) {
    this.#syntax = file.syntax ?? 'proto2'
    this.#names = names
    this.#visible = visible
  }

  /** The type that `name` stands for must be in a file that this one imports. */
  visible(where: string, name: string, scope: Scope, place: Place): void {
    const type = this.#names.resolveType(name, scope)
    if (type !== undefined && !this.#visible.has(type.file)) {
      this.#add(where, `the file that declares ${type.fullName} is not imported`, place)
    }
  }

  extensions(where: string, blocks: readonly Extend[], scope: Scope): void {
    for (const { name, fields, place } of blocks) {
      this.visible(where, name, scope, place)
      const extended = this.#names.resolveType(name, scope)?.declaration
      if (extended === undefined) continue
      const ranges = new ReservedValues(
        extended.kind === 'message' ? extended.extensions.map(({ values }) => values) : [],
      )
      for (const field of fields) {
        this.#field(where, field, scope)
        if (!ranges.has(field.number)) {
          const problem = `${name} does not declare ${field.number} as an extension number`
          this.#add(where, problem, field.place)
        }
      }
    }
  }

  imports(file: ProtoFile, find: (path: string) => ProtoFile | undefined): void {
    const reached = new Set<string>()
    const pending = importsOf(file)
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      if (reached.has(path)) continue
      reached.add(path)
      const imported = find(path)
      if (imported === undefined) {
        this.problems.push(`import "${path}" is neither a reference nor a built-in file`)
      } else {
        for (const next of importsOf(imported)) pending.push(next)
      }
    }
    const cycle = findCycle([...reached], (path) => {
      const imported = find(path)
      return imported === undefined ? [] : importsOf(imported)
    })
    if (cycle !== undefined) this.problems.push(`import cycle: ${cycle.join(' → ')}`)
  }

  types(types: readonly TypeDeclaration[], scope: Scope): void {
    // Constants are names of the scope around their enum.
    const enums = types.filter((type) => type.kind === 'enum')
    this.unique(
      scope.length === 0 ? 'file' : scope.join('.'),
      'constant',
      enums.flatMap((type) => type.constants),
    )
    for (const type of types) {
      const name = [...scope, type.name].join('.')
      if (!isName(type.name)) this.problems.push(`${type.kind} ${name} is not a valid name`)
      if (type.kind === 'enum') this.#enum(type, name)
      else this.#message(type, name, [...scope, type.name])
    }
  }

  unique(where: string, what: string, declared: readonly Declared[]): void {
    const seen = new Set<string>()
    for (const { name, place } of declared) {
      if (!isName(name)) this.#add(where, `${what} ${name} is not a valid name`, place)
      if (seen.has(name)) this.#add(where, `${what} ${name} is declared twice`, place)
      seen.add(name)
    }
  }

  #message(message: Message, name: string, scope: Scope): void {
    const where = `message ${name}`
    const groups = [...message.groups, ...message.oneofs.flatMap((oneof) => oneof.groups)]
    const fields = [...message.fields, ...message.oneofs.flatMap((oneof) => oneof.fields)]
    const { types, oneofs } = message
    this.unique(where, 'declaration', [...fields, ...oneofs, ...types, ...groups])
    for (const oneof of oneofs) {
      if (oneof.fields.length + oneof.groups.length === 0) {
        this.problems.push(`${where}: oneof ${oneof.name} has no fields`)
      }
    }
    this.#numbers(where, fields, groups, message)
    for (const field of fields) this.#field(where, field, scope)
    if (this.#syntax === 'proto3') {
      if (groups.length > 0) this.problems.push(`${where}: proto3 has no groups`)
      if (message.extensions.length > 0) {
        this.problems.push(`${where}: proto3 has no extension ranges`)
      }
    }
    this.extensions(where, message.extends, scope)
    this.types(types, scope)
  }

  #numbers(
    where: string,
    fields: readonly Field[],
    groups: readonly Group[],
    message: Message,
  ): void {
    const reserved = new ReservedValues(message.reserved)
    const byNumber = new Map<number, string>()
    for (const member of [...fields, ...groups]) {
      const { name, number } = member
      const place = 'place' in member ? member.place : undefined
      const first = byNumber.get(number)
      if (first !== undefined) {
        this.#add(where, `${name} and ${first} have the number ${number}`, place)
      }
      byNumber.set(number, name)
      if (number < 1 || number > maxFieldNumber) {
        this.#add(where, `number ${number} of ${name} is not in 1 to ${maxFieldNumber}`, place)
      } else if (number >= implementationNumbers.first && number <= implementationNumbers.last) {
        this.#add(where, `number ${number} of ${name} is kept for protobuf itself`, place)
      }
      if (reserved.has(number)) {
        this.#add(where, `${name} has the reserved number ${number}`, place)
      }
      if (reserved.has(name)) {
        this.#add(where, `${name} is a reserved name`, place)
      }
    }
  }

  #field(where: string, field: Field, scope: Scope): void {
    for (const name of Object.values(mapTypes(field.type) ?? { type: field.type })) {
      if (!scalarTypes.has(name)) this.visible(where, name, scope, field.place)
    }
    if (field.defaultValue === undefined) return
    if (this.#syntax === 'proto3') {
      this.#add(
        where,
        `${field.name} has a default value, which proto3 does not allow`,
        field.place,
      )
      return
    }
    const type = this.#names.resolveType(field.type, scope)?.declaration
    if (type?.kind === 'enum') {
      if (!type.constants.some(({ name }) => name === field.defaultValue)) {
        this.#add(where, `${field.name}: ${type.name} has no ${field.defaultValue}`, field.place)
      }
    } else if (type !== undefined || field.label === 'repeated') {
      this.#add(where, `${field.name} cannot have a default value`, field.place)
    }
  }

  #enum(declared: Enum, name: string): void {
    const where = `enum ${name}`
    const [first] = declared.constants
    if (first === undefined) {
      this.problems.push(`${where} has no constants`)
    } else if (this.#syntax === 'proto3' && first.number !== 0) {
      this.#add(where, `the first constant ${first.name} must be 0 in proto3`, first.place)
    }
    const reserved = new ReservedValues(declared.reserved)
    const byNumber = new Map<number, string>()
    for (const { name: constant, number, place } of declared.constants) {
      const other = byNumber.get(number)
      if (other !== undefined && !isTrue(declared.options, 'allow_alias')) {
        this.#add(where, `${constant} and ${other} have the number ${number}`, place)
      }
      byNumber.set(number, constant)
      if (reserved.has(number) || reserved.has(constant)) {
        this.#add(where, `${constant} is reserved`, place)
      }
    }
  }

  #add(where: string, problem: string, place: Place | undefined): void {
    const prefix = place === undefined ? '' : `line ${place.line}, column ${place.column}: `
    this.problems.push(`${prefix}${where}: ${problem}`)
  }
}

function isName(text: string): boolean {
  return identifier.test(text)
}

/** Names and numbers of `reserved` or `extensions` statements. */
class ReservedValues {
  readonly #names = new Set<string>()
  /** Ranges by start; the end is the largest so far. */
  readonly #ranges: NumberRange[] = []

  constructor(statements: readonly Reserved[]) {
    const ranges: NumberRange[] = []
    for (const value of statements.flat()) {
      if (typeof value === 'string') this.#names.add(value)
      else ranges.push(typeof value === 'number' ? { start: value, end: value } : value)
    }
    let end = Number.NEGATIVE_INFINITY
    for (const range of ranges.sort((a, b) => a.start - b.start)) {
      end = Math.max(end, range.end)
      this.#ranges.push({ start: range.start, end })
    }
  }

  has(value: string | number): boolean {
    if (typeof value === 'string') return this.#names.has(value)
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ranges[middle]?.start ?? 0) <= value) low = middle + 1
      else high = middle
    }
    return (this.#ranges[low - 1]?.end ?? Number.NEGATIVE_INFINITY) >= value
  }
}

function isTrue(options: readonly Option[], name: string): boolean {
  return options.some((option) => option.name === name && option.value === 'true')
}

function importsOf(file: ProtoFile): string[] {
  return [...file.imports, ...file.publicImports]
}

/** The file, the files that it imports, and those that these import publicly. */
function visibleFiles(
  file: ProtoFile,
  find: (path: string) => ProtoFile | undefined,
): ReadonlySet<ProtoFile> {
  const visible = new Set([file])
  const pending = importsOf(file)
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const imported = find(path)
    if (imported === undefined || visible.has(imported)) continue
    visible.add(imported)
    for (const next of imported.publicImports) pending.push(next)
  }
  return visible
}

/** Paths of a cycle, the first one again at the end; undefined without one. */
function findCycle(
  paths: readonly string[],
  importsOf: (path: string) => readonly string[],
): readonly string[] | undefined {
  const done = new Set<string>()
  for (const start of paths) {
    const stack: { readonly path: string; readonly left: string[] }[] = []
    const enter = (path: string) => stack.push({ path, left: [...importsOf(path)] })
    if (!done.has(start)) enter(start)
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.left.pop()
      if (next === undefined) {
        done.add(top.path)
        stack.pop()
        continue
      }
      const index = stack.findIndex(({ path }) => path === next)
      if (index !== -1) return [...stack.slice(index).map(({ path }) => path), next]
      if (!done.has(next)) enter(next)
    }
  }
  return undefined
}
