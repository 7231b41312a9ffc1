// SPDX-License-Identifier: Apache-2.0

import { RegistryError } from '../client/registry-error.ts'
import type { RegisteredSchema, SchemaRegistryClient } from '../client/schema-registry-client.ts'
import { type ResolvedReference, type SchemaReference, schemaLimits } from '../schema/schema.ts'
import type { LoadedSchema } from './serde-format.ts'
import type { IncludedSchema } from './serde-options.ts'

/** Loads the schemas that a schema uses, each once. Rejects with `RegistryError`. */
export async function withReferences(
  client: SchemaRegistryClient,
  registered: RegisteredSchema,
): Promise<LoadedSchema> {
  return { registered, resolved: await resolveGiven(client, registered.references) }
}

/**
 * Texts of given references and of all that they use, each after those. Included schemas need no
 * registry. Rejects with `RegistryError`.
 */
export async function resolveGiven(
  client: SchemaRegistryClient,
  references: readonly (SchemaReference | IncludedSchema)[],
): Promise<readonly ResolvedReference[]> {
  const resolved: ResolvedReference[] = []
  const seen = new Set<string>()
  const visit = async (
    level: readonly (SchemaReference | IncludedSchema)[],
    depth: number,
  ): Promise<void> => {
    for (const each of level) {
      const { name, subject = name } = each
      if (seen.has(name)) continue
      seen.add(name)
      if (seen.size > schemaLimits.references || depth > schemaLimits.nesting) {
        throw new RegistryError(
          `the references reach more than ${schemaLimits.references} schemas or ${schemaLimits.nesting} levels`,
          { status: 200 },
        )
      }
      const used = 'schema' in each ? each : await load(client, each)
      await visit(used.references ?? [], depth + 1)
      const version = 'version' in each ? each.version : -1
      resolved.push({ name, subject, version, schema: used.schema })
    }
  }
  await visit(references, 0)
  return resolved
}

function load(
  client: SchemaRegistryClient,
  { subject, version }: SchemaReference,
): Promise<RegisteredSchema> {
  return client.version(subject, version < 0 ? 'latest' : version, { isDeleted: true })
}

/** Registers included schemas, those that they use first. Returns references to them. */
export async function registerIncluded(
  client: SchemaRegistryClient,
  references: readonly (SchemaReference | IncludedSchema)[],
  options: {
    readonly schemaType: RegisteredSchema['schemaType']
    readonly normalize: boolean
    readonly autoRegister: boolean
  },
): Promise<readonly SchemaReference[]> {
  const { schemaType, normalize, autoRegister } = options
  const found: SchemaReference[] = []
  for (const each of references) {
    if (!('schema' in each)) {
      found.push(each)
      continue
    }
    const { name, subject = name, schema } = each
    const used = await registerIncluded(client, each.references ?? [], options)
    const input = { schema, schemaType, references: used }
    const registered = autoRegister
      ? await client.register(subject, input, { normalize })
      : await client.lookup(subject, input, { normalize })
    // Registries before 8.0 answer a registration without its version.
    const version =
      registered.version ?? (await client.lookup(subject, input, { normalize })).version
    if (version === undefined) {
      throw new RegistryError(`the registry named no version of ${subject}`, { status: 200 })
    }
    found.push({ name, subject, version })
  }
  return found
}
