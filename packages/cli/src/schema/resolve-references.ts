// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { type ResolvedReference, schemaLimits } from '@millrace/schema-registry'
import type {
  RegisteredSchema,
  SchemaReference,
  SchemaRegistryClient,
} from '@millrace/schema-registry/serdes'

/**
 * Loads the schemas that references reach, each after those that it uses. Names of subjects are
 * those of the registry; a missing one is an error of the registry.
 */
export async function resolveReferences(
  client: SchemaRegistryClient,
  references: readonly SchemaReference[],
): Promise<readonly ResolvedReference[]> {
  const resolved = new Map<string, ResolvedReference>()
  const visited = new Set<string>()
  const visit = async (used: readonly SchemaReference[], depth: number): Promise<void> => {
    for (const { name, subject, version } of used) {
      if (visited.has(name)) continue
      visited.add(name)
      if (visited.size > schemaLimits.references || depth > schemaLimits.nesting) {
        throw new MillraceError(
          'MILLRACE_INVALID_SCHEMA',
          `the references reach more than ${schemaLimits.references} schemas or ${schemaLimits.nesting} levels`,
        )
      }
      const wanted = version < 0 ? 'latest' : version
      const found: RegisteredSchema = await client.version(subject, wanted, { isDeleted: true })
      await visit(found.references, depth + 1)
      resolved.set(name, { name, subject, version, schema: found.schema })
    }
  }
  await visit(references, 0)
  return [...resolved.values()]
}
