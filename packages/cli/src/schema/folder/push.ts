// SPDX-License-Identifier: Apache-2.0
import type { SchemaReference, SchemaRegistryClient } from '@millrace/schema-registry/serdes'
import { inputOf, type PushStep } from './push-plan.ts'
import type { FolderSchema } from './schema-folder.ts'

/** Takes the steps of a plan; returns them with the versions that they have now. */
export async function push(
  client: SchemaRegistryClient,
  steps: readonly PushStep[],
): Promise<readonly PushStep[]> {
  const versions = new Map<string, number>()
  const taken: PushStep[] = []
  for (const step of steps) {
    const { schema, change, config } = step
    const { subject } = schema
    if (config !== undefined) await client.setConfig(config, subject)
    const version = change === 'unchanged' ? step.version : await register(client, schema, versions)
    if (version !== undefined) versions.set(subject, version)
    taken.push({ ...step, version })
  }
  return taken
}

async function register(
  client: SchemaRegistryClient,
  schema: FolderSchema,
  versions: ReadonlyMap<string, number>,
): Promise<number | undefined> {
  const references = (schema.references ?? []).map(
    ({ name, subject, version }): SchemaReference => {
      const number = version === 'latest' ? (versions.get(subject) ?? -1) : version
      return { name, subject, version: number }
    },
  )
  const input = inputOf(schema, references)
  const { version } = await client.register(schema.subject, input)
  // Registries before 8.0 return only the id.
  return version ?? (await client.lookup(schema.subject, input)).version
}
