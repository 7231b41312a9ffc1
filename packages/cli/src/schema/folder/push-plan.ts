// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util'
import { InvalidSchemaError, type ResolvedReference } from '@millrace/schema-registry'
import {
  type RegisteredSchema,
  RegistryError,
  resolveReferences,
  type SchemaInput,
  type SchemaReference,
  type SchemaRegistryClient,
} from '@millrace/schema-registry/serdes'
import { compatibilityOf } from '../compatibility.ts'
import type { Reason } from '../compatibility-report.ts'
import { concurrently } from '../concurrently.ts'
import { type CompleteSchema, localReasons, settingsOf } from '../local-compatibility.ts'
import { dependencyOrder } from './dependency-order.ts'
import { compactJson } from './json-text.ts'
import { SchemaFolderError } from './manifest.ts'
import { ownConfig } from './pull.ts'
import type { FolderSchema, SchemaFolder } from './schema-folder.ts'

/** What a push does with a schema of the folder. */
export interface PushStep {
  /** The schema. */
  readonly schema: FolderSchema
  /** What is to be registered. */
  readonly change: 'new subject' | 'new version' | 'unchanged' | 'incompatible' | 'invalid'
  /** Settings to set before; undefined for none. */
  readonly config: Readonly<Record<string, unknown>> | undefined
  /** Version in the registry; undefined before it is registered. */
  readonly version: number | undefined
  /** Reasons why it is incompatible or invalid. */
  readonly reasons: readonly Reason[]
}

/** Compares a folder with a registry: steps in the order in which they must be taken. */
export async function planPush(
  client: SchemaRegistryClient,
  folder: SchemaFolder,
): Promise<readonly PushStep[]> {
  const schemas = dependencyOrder(folder.schemas())
  const latest = new Map(
    await concurrently(
      schemas,
      async ({ subject }) => [subject, await latestOf(client, subject)] as const,
    ),
  )
  const plan = new PushPlan(client, latest)
  for (const schema of schemas) await plan.add(schema)
  return plan.steps
}

async function latestOf(
  client: SchemaRegistryClient,
  subject: string,
): Promise<RegisteredSchema | undefined> {
  try {
    return await client.version(subject)
  } catch (error) {
    if (error instanceof RegistryError && error.isNotFound) return undefined
    throw error
  }
}

class PushPlan {
  readonly steps: PushStep[] = []
  readonly #client: SchemaRegistryClient
  readonly #latest: ReadonlyMap<string, RegisteredSchema | undefined>
  readonly #bySubject = new Map<string, PushStep>()
  /** Texts of what the schemas of the folder use, by subject. */
  readonly #resolved = new Map<string, readonly ResolvedReference[]>()

  constructor(
    client: SchemaRegistryClient,
    latest: ReadonlyMap<string, RegisteredSchema | undefined>,
  ) {
    this.#client = client
    this.#latest = latest
  }

  async add(schema: FolderSchema): Promise<void> {
    const step = await this.#step(schema)
    this.steps.push(step)
    this.#bySubject.set(schema.subject, step)
  }

  async #step(schema: FolderSchema): Promise<PushStep> {
    const { subject } = schema
    const resolved = await this.#resolve(schema)
    this.#resolved.set(subject, resolved)
    const config = await this.#configChange(schema)
    const latest = this.#latest.get(subject)
    const references = this.#references(schema)
    const common = { schema, config, version: undefined, reasons: [] }
    if (references !== undefined) {
      const same = await this.#registered(schema, references)
      if (same !== undefined) return { ...common, change: 'unchanged', version: same.version }
    }
    try {
      const reasons = await this.#reasons(schema, { references, resolved, config })
      if (reasons.length > 0) return { ...common, change: 'incompatible', reasons }
    } catch (error) {
      const isInvalid =
        error instanceof InvalidSchemaError ||
        (error instanceof RegistryError && error.status === 422)
      if (!isInvalid) throw error
      const rule = { path: '', errorType: 'INVALID_SCHEMA', rule: (error as Error).message }
      return { ...common, change: 'invalid', reasons: [rule] }
    }
    return { ...common, change: latest === undefined ? 'new subject' : 'new version' }
  }

  /** References with numbers; undefined if one of them is not registered yet. */
  #references({ references = [] }: FolderSchema): readonly SchemaReference[] | undefined {
    const found: SchemaReference[] = []
    for (const { name, subject, version } of references) {
      const inFolder = version === 'latest' ? this.#bySubject.get(subject) : undefined
      if (inFolder !== undefined && inFolder.version === undefined) return undefined
      const number = version === 'latest' ? (inFolder?.version ?? -1) : version
      found.push({ name, subject, version: number })
    }
    return found
  }

  /** Texts that a schema reaches: those of the folder, else those of the registry. */
  async #resolve(schema: FolderSchema): Promise<readonly ResolvedReference[]> {
    const resolved = new Map<string, ResolvedReference>()
    for (const { name, subject, version } of schema.references ?? []) {
      const inFolder = version === 'latest' ? this.#bySubject.get(subject) : undefined
      if (inFolder === undefined) {
        const number = version === 'latest' ? -1 : version
        const used = await this.#fromRegistry(schema, { name, subject, version: number })
        for (const each of used) resolved.set(each.name, each)
      } else {
        for (const each of this.#resolved.get(subject) ?? []) resolved.set(each.name, each)
        resolved.set(name, { name, subject, version: -1, schema: inFolder.schema.schema })
      }
    }
    return [...resolved.values()]
  }

  async #fromRegistry(
    { file }: FolderSchema,
    reference: SchemaReference,
  ): Promise<readonly ResolvedReference[]> {
    try {
      return await resolveReferences(this.#client, [reference])
    } catch (error) {
      if (!(error instanceof RegistryError) || !error.isNotFound) throw error
      const { subject, version } = reference
      const which = version < 0 ? subject : `${subject} version ${version}`
      throw new SchemaFolderError(`${file} uses ${which}, which is neither here nor registered`)
    }
  }

  /** Settings of the manifest that differ from those of the registry. */
  async #configChange({
    subject,
    config,
  }: FolderSchema): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (config === undefined) return undefined
    const current = (await ownConfig(this.#client, subject)) ?? {}
    const changes = Object.entries(config).filter(
      ([key, value]) => JSON.stringify(current[key]) !== JSON.stringify(value),
    )
    return changes.length === 0 ? undefined : Object.fromEntries(changes)
  }

  /** The version of a schema that is registered already. */
  async #registered(
    schema: FolderSchema,
    references: readonly SchemaReference[],
  ): Promise<RegisteredSchema | undefined> {
    const { subject } = schema
    const latest = this.#latest.get(subject)
    if (latest === undefined) return undefined
    if (isSame(schema, references, latest)) return latest
    try {
      return await this.#client.lookup(subject, inputOf(schema, references))
    } catch (error) {
      const isDifferent =
        error instanceof RegistryError && (error.isNotFound || error.status === 422)
      if (isDifferent) return undefined
      throw error
    }
  }

  async #reasons(
    schema: FolderSchema,
    {
      references,
      resolved,
      config,
    }: {
      readonly references: readonly SchemaReference[] | undefined
      readonly resolved: readonly ResolvedReference[]
      readonly config: Readonly<Record<string, unknown>> | undefined
    },
  ): Promise<readonly Reason[]> {
    const { subject, type, schema: text } = schema
    // What the registry does not know yet is decided here by the same rules.
    if (references === undefined || config !== undefined) {
      const complete: CompleteSchema = {
        type,
        schema: text,
        references: references ?? [],
        resolved,
      }
      const current = await this.#client.config(subject, { defaultToGlobal: true })
      const settings = settingsOf({ ...withLevel(current), ...config })
      return localReasons(this.#client, subject, { schema: complete, settings })
    }
    const input = inputOf(schema, references)
    const question = { input, normalize: false, version: 'all' } as const
    const { isCompatible, reasons } = await compatibilityOf(this.#client, subject, question)
    if (isCompatible) return []
    const unknown = { path: '', errorType: 'INCOMPATIBLE', rule: 'the registry states no reason' }
    return reasons.length === 0 ? [unknown] : reasons
  }
}

/** A registry returns the level under another name than it accepts. */
function withLevel(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { compatibilityLevel, ...others } = config
  return { compatibility: compatibilityLevel, ...others }
}

/** What is sent for a schema of the folder. */
export function inputOf(
  { schema, type, metadata, ruleSet }: FolderSchema,
  references: readonly SchemaReference[],
): SchemaInput {
  return {
    schema,
    schemaType: type,
    references,
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
  }
}

/** Whether a file has the registered schema: spaces in JSON do not count. */
function isSame(
  schema: FolderSchema,
  references: readonly SchemaReference[],
  latest: RegisteredSchema,
): boolean {
  const { type, metadata, ruleSet } = schema
  const textOf = (text: string): string => (type === 'PROTOBUF' ? text.trim() : compactJson(text))
  return (
    type === latest.schemaType &&
    textOf(schema.schema) === textOf(latest.schema) &&
    isDeepStrictEqual(references, latest.references) &&
    (metadata === undefined || isDeepStrictEqual(metadata, latest.metadata)) &&
    (ruleSet === undefined || isDeepStrictEqual(ruleSet, latest.ruleSet))
  )
}
