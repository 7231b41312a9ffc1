// SPDX-License-Identifier: Apache-2.0
import type { SchemaInput, SchemaRegistryClient } from '@millrace/schema-registry/serdes'
import { type Reason, reasonsOfMessages } from './compatibility-report.ts'

/** A registry's verdict about a schema, with the reasons against it. */
export interface Verdict {
  /** Whether it may be registered. */
  readonly isCompatible: boolean
  /** Reasons against it; none if it is compatible. */
  readonly reasons: readonly Reason[]
  /** Messages of the registry in Confluent's form. */
  readonly messages: readonly string[]
}

/** What is asked: a schema, beside one version or those that the subject's level requires. */
export interface CompatibilityQuestion {
  /** The schema. */
  readonly input: SchemaInput
  /** Whether normal forms are compared. */
  readonly normalize: boolean
  /** Version of the subject. `all`: those that its level requires. */
  readonly version: number | 'latest' | 'all'
}

/** Asks a registry whether a schema may be registered, and why not. */
export async function compatibilityOf(
  client: SchemaRegistryClient,
  subject: string,
  question: CompatibilityQuestion,
): Promise<Verdict> {
  const { input, normalize, version } = question
  const { isCompatible, messages, why } = await client.checkCompatibility(subject, input, {
    version,
    normalize,
  })
  if (isCompatible) return { isCompatible, reasons: [], messages }
  if (why !== undefined && why.length > 0) return { isCompatible, reasons: why, messages }
  const reasons = why === undefined ? await ownReasons(client, subject, question) : []
  return {
    isCompatible,
    reasons: reasons.length > 0 ? reasons : reasonsOfMessages(messages),
    messages,
  }
}

/**
 * Reasons by our own rules, for registries that do not explain themselves; none if our rules find
 * the schema compatible or invalid, since then the registry has others.
 */
async function ownReasons(
  client: SchemaRegistryClient,
  subject: string,
  { input, version }: CompatibilityQuestion,
): Promise<readonly Reason[]> {
  const [{ localReasons, settingsOf }, { resolveReferences }, { InvalidSchemaError }] =
    await Promise.all([
      import('./local-compatibility.ts'),
      import('@millrace/schema-registry/serdes'),
      import('@millrace/schema-registry'),
    ])
  const { schema, schemaType: type = 'AVRO', references = [] } = input
  try {
    const resolved = await resolveReferences(client, references)
    const settings = settingsOf(await client.config(subject, { defaultToGlobal: true }))
    const complete = { type, schema, references, resolved }
    return await localReasons(client, subject, { schema: complete, settings, version })
  } catch (error) {
    if (error instanceof InvalidSchemaError) return []
    throw error
  }
}
