// SPDX-License-Identifier: Apache-2.0

import { SchemaFolderError } from './manifest.ts'
import type { FolderSchema } from './schema-folder.ts'

/**
 * The schemas of a folder, each after those that it uses. Throws `SchemaFolderError` for schemas
 * that use each other.
 */
export function dependencyOrder(schemas: readonly FolderSchema[]): readonly FolderSchema[] {
  const bySubject = new Map(schemas.map((each) => [each.subject, each]))
  const ordered: FolderSchema[] = []
  const state = new Map<string, 'open' | 'done'>()
  const visit = (schema: FolderSchema, path: readonly string[]): void => {
    const { subject, references = [] } = schema
    if (state.get(subject) === 'done') return
    if (state.get(subject) === 'open') {
      const cycle = [...path.slice(path.indexOf(subject)), subject].join(' uses ')
      throw new SchemaFolderError(`the references of the folder have no end: ${cycle}`)
    }
    state.set(subject, 'open')
    for (const { subject: used, version } of references) {
      const inFolder = version === 'latest' ? bySubject.get(used) : undefined
      if (inFolder !== undefined) visit(inFolder, [...path, subject])
    }
    state.set(subject, 'done')
    ordered.push(schema)
  }
  for (const schema of schemas) visit(schema, [])
  return ordered
}
