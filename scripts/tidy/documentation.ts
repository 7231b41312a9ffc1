// SPDX-License-Identifier: Apache-2.0
import { dirname, join, normalize } from 'node:path/posix'
import type { Directive, Node, Statement } from 'oxc-parser'
import { publishedWorkspaces } from '../packages.ts'
import { type Finding, lineOf, type Rule } from './finding.ts'
import type { ProjectFile } from './project-files.ts'

/** A public name, or a member of one, and whether a doc comment precedes it. */
interface PublicName {
  readonly file: ProjectFile
  readonly offset: number
  readonly name: string
  readonly isDocumented: boolean
}

/** Every public name and every public member of it has a doc comment. */
export const documentation: Rule = {
  name: 'documentation',
  check: (files) =>
    publicNames(files).flatMap(({ names }) =>
      names
        .filter(({ isDocumented }) => !isDocumented)
        .map(
          ({ file, offset, name }): Finding => ({
            file: file.path,
            line: lineOf(file.text, offset),
            text: `${name} has no doc comment`,
          }),
        ),
    ),
}

/** Documented and all public names, per package. */
export function documentationCoverage(
  files: readonly ProjectFile[],
): readonly { readonly folder: string; readonly documented: number; readonly total: number }[] {
  return publicNames(files).map(({ folder, names }) => ({
    folder,
    documented: names.filter(({ isDocumented }) => isDocumented).length,
    total: names.length,
  }))
}

function publicNames(
  files: readonly ProjectFile[],
): readonly { readonly folder: string; readonly names: readonly PublicName[] }[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  return publishedWorkspaces().map(({ folder, manifest }) => {
    const entries = Object.values(manifest.exports ?? {}).filter((each) => typeof each === 'object')
    const seen = new Set<string>()
    const names = entries.flatMap((entry) => {
      const path = join('packages', folder, entry['millrace-src'])
      return exportedNames(path).flatMap((name) => resolveName(path, name, seen))
    })
    return { folder, names }
  })

  function exportedNames(path: string): string[] {
    const entries = byPath.get(path)?.syntax().module.staticExports ?? []
    return entries.flatMap((each) =>
      each.entries.flatMap(({ exportName }) => (exportName.name === null ? [] : [exportName.name])),
    )
  }

  /** Follows re-exports within the package to the declaration of a name. */
  function resolveName(path: string, name: string, seen: Set<string>): PublicName[] {
    const file = byPath.get(path)
    if (file === undefined || seen.has(`${path} ${name}`)) return []
    seen.add(`${path} ${name}`)
    for (const { entries } of file.syntax().module.staticExports) {
      for (const { exportName, importName, moduleRequest } of entries) {
        if (exportName.name !== name || !moduleRequest?.value.startsWith('.')) continue
        const target = normalize(join(dirname(path), moduleRequest.value))
        return resolveName(target, importName.name ?? name, seen)
      }
    }
    return declarationsOf(file, name)
  }
}

function declarationsOf(file: ProjectFile, name: string): PublicName[] {
  const { program } = file.syntax()
  const found: PublicName[] = []
  const isImplemented = { overloads: 0 }
  for (const statement of program.body) {
    const declaration = declarationIn(statement)
    if (declaration === undefined || !names(declaration).includes(name)) continue
    // The signatures of an overloaded function are public, its implementation is not.
    if (declaration.type === 'TSDeclareFunction') isImplemented.overloads++
    else if (declaration.type === 'FunctionDeclaration' && isImplemented.overloads > 0) continue
    found.push(publicName(file, statement, name))
    found.push(...membersOf(file, declaration, name))
  }
  return found
}

function declarationIn(statement: Statement | Directive): Node | undefined {
  if (statement.type === 'ExportNamedDeclaration') return statement.declaration ?? undefined
  return /Declaration$|^TSDeclareFunction$/.test(statement.type) ? statement : undefined
}

function names(declaration: Node): string[] {
  if (declaration.type === 'VariableDeclaration') {
    return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
  }
  if ('id' in declaration && declaration.id?.type === 'Identifier') return [declaration.id.name]
  return []
}

function membersOf(file: ProjectFile, declaration: Node, owner: string): PublicName[] {
  switch (declaration.type) {
    case 'ClassDeclaration':
      return classMembers(file, declaration.body.body, owner)
    case 'TSInterfaceDeclaration':
      return typeMembers(file, declaration.body.body, owner)
    case 'TSTypeAliasDeclaration':
      return literalMembers(file, declaration.typeAnnotation, owner)
    default:
      return []
  }
}

function literalMembers(file: ProjectFile, type: Node, owner: string): PublicName[] {
  if (type.type === 'TSTypeLiteral') {
    // A variant on one line is documented as a whole.
    const isOneLine = !file.text.slice(type.start, type.end).includes('\n')
    return isOneLine ? [] : typeMembers(file, type.members, owner)
  }
  if (type.type === 'TSUnionType' || type.type === 'TSIntersectionType') {
    return type.types.flatMap((each) => literalMembers(file, each, owner))
  }
  return []
}

function typeMembers(file: ProjectFile, members: readonly Node[], owner: string): PublicName[] {
  return members.flatMap((member) => {
    if (member.type !== 'TSPropertySignature' && member.type !== 'TSMethodSignature') return []
    const name = member.key.type === 'Identifier' ? member.key.name : undefined
    // `kind` and similar members discriminate the variants of a union; the variant is documented.
    if (name === undefined || name === 'kind') return []
    return [publicName(file, member, `${owner}.${name}`)]
  })
}

function classMembers(file: ProjectFile, members: readonly Node[], owner: string): PublicName[] {
  let overloaded: string | undefined
  return members.flatMap((member) => {
    const isMember =
      member.type === 'MethodDefinition' ||
      member.type === 'PropertyDefinition' ||
      member.type === 'TSAbstractMethodDefinition' ||
      member.type === 'TSAbstractPropertyDefinition'
    if (!isMember || member.key.type !== 'Identifier') return []
    const { name } = member.key
    if (member.accessibility === 'private' || member.override || isSetter(member)) return []
    if (name === 'constructor' && noParameters(member)) return []
    const isSignature =
      member.type === 'MethodDefinition' && member.value.type === 'TSEmptyBodyFunctionExpression'
    const isImplementation = overloaded === name && !isSignature
    overloaded = isSignature ? name : undefined
    return isImplementation ? [] : [publicName(file, member, `${owner}.${name}`)]
  })
}

function noParameters(member: Node): boolean {
  return member.type === 'MethodDefinition' && member.value.params.length === 0
}

function publicName(file: ProjectFile, node: Node, name: string): PublicName {
  return { file, offset: node.start, name, isDocumented: hasDocComment(file, node) }
}

/** Whether only white space and a lint suppression are between a comment and its name. */
function isBlank(text: string): boolean {
  return text.replace(/^\s*\/\/ biome-ignore.*$/m, '').trim() === ''
}

function hasDocComment(file: ProjectFile, node: Node): boolean {
  return file
    .syntax()
    .comments.some(
      ({ type, value, end }) =>
        type === 'Block' &&
        value.startsWith('*') &&
        end <= node.start &&
        isBlank(file.text.slice(end, node.start)),
    )
}

/** A setter; its getter has the doc comment. */
function isSetter(member: Node): boolean {
  return member.type === 'MethodDefinition' && member.kind === 'set'
}
