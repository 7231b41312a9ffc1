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
  return { isCompatible, reasons: why?.length ? why : reasonsOfMessages(messages), messages }
}
