// SPDX-License-Identifier: Apache-2.0
import type { Expression, ObjectProperty } from 'oxc-parser'
import { type Finding, lineOf, type Rule } from './finding.ts'
import type { ProjectFile } from './project-files.ts'

/** Every message schema documents the changes of its versions, and every field its meaning. */
export const schemaDocumentation: Rule = {
  name: 'schema-documentation',
  check: (files) =>
    files
      .filter(({ path }) => /^packages\/protocol\/src\/schemas\/(messages|records)\//.test(path))
      .flatMap(checkFile),
}

function checkFile(file: ProjectFile): Finding[] {
  return file.syntax().program.body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration') return []
    const { declaration } = statement
    if (declaration?.type !== 'VariableDeclaration') return []
    const [{ id, init } = {}] = declaration.declarations
    const name = id?.type === 'Identifier' ? id.name : 'a schema'
    const fields = init === null || init === undefined ? [] : fieldsOf(init)
    const own = undocumented(file, statement.start, name)
    return [...own, ...fields.flatMap((field) => checkField(file, field, name))]
  })
}

function checkField(file: ProjectFile, field: ObjectProperty, owner: string): Finding[] {
  const name = field.key.type === 'Identifier' ? `${owner}.${field.key.name}` : owner
  const nested = fieldsOf(field.value)
  return [
    ...undocumented(file, field.start, name),
    ...nested.flatMap((each) => checkField(file, each, name)),
  ]
}

/** The properties of `fields` in a schema or in the schema of a field. */
function fieldsOf(expression: Expression): ObjectProperty[] {
  switch (expression.type) {
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
      return fieldsOf(expression.expression)
    case 'ObjectExpression': {
      const fields = properties(expression.properties).find(
        ({ key }) => key.type === 'Identifier' && key.name === 'fields',
      )
      return fields?.value.type === 'ObjectExpression' ? properties(fields.value.properties) : []
    }
    default:
      return []
  }
}

function properties(all: readonly { readonly type: string }[]): ObjectProperty[] {
  return all.filter((each): each is ObjectProperty => each.type === 'Property')
}

function undocumented(file: ProjectFile, start: number, name: string): Finding[] {
  const isDocumented = file
    .syntax()
    .comments.some(
      ({ value, end }) =>
        value.startsWith('*') && end <= start && file.text.slice(end, start).trim() === '',
    )
  if (isDocumented) return []
  return [{ file: file.path, line: lineOf(file.text, start), text: `${name} has no doc comment` }]
}
