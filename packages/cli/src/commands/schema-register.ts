// SPDX-License-Identifier: Apache-2.0
import {
  RegistryError,
  type SchemaInput,
  type SchemaRegistryClient,
} from '@millrace/schema-registry/serdes'
import { report, toJson } from '../client/output.ts'
import type { Command } from '../command.ts'
import { compatibilityOf } from '../schema/compatibility.ts'
import { IncompatibleSchemaError, reasonLines } from '../schema/compatibility-report.ts'
import { openRegistry, registryOptions } from '../schema/registry-connection.ts'
import { readSchemaFile, schemaFileOptions, versionOf } from '../schema/schema-file.ts'

/** `millrace schema register`. */
export const register: Command = {
  name: 'register',
  summary: 'registers the schema in a file under a subject',
  positionals: ['SUBJECT', 'FILE'],
  options: { ...registryOptions, ...schemaFileOptions },
  details: `FILE - is stdin. A schema that is registered already keeps its version and id.

Examples:
  millrace schema register orders-value order.avsc
  millrace schema register orders-value order.json --reference customer.json=customers-value:3`,
  async run(parsed) {
    using client = openRegistry(parsed)
    const [subject, file] = parsed.positionals as [string, string]
    const input = readSchemaFile(file, parsed)
    const normalize = parsed.has('normalize')
    const { id, guid, version } = await registerOrExplain(client, subject, { input, normalize })
    // Registries before 8.0 return only the id.
    const known = version ?? (await client.lookup(subject, input, { normalize })).version
    report(
      `registered ${subject} version ${known}, id ${id}`,
      { subject, version: known, id, guid },
      { json: parsed.has('json') },
    )
    return 0
  },
}

/** Registers a schema; an incompatible one is reported with its reasons. */
async function registerOrExplain(
  client: SchemaRegistryClient,
  subject: string,
  { input, normalize }: { readonly input: SchemaInput; readonly normalize: boolean },
): ReturnType<SchemaRegistryClient['register']> {
  try {
    return await client.register(subject, input, { normalize })
  } catch (error) {
    if (!(error instanceof RegistryError) || error.status !== 409) throw error
    const verdict = await compatibilityOf(client, subject, { input, normalize, version: 'all' })
    if (verdict.isCompatible || verdict.reasons.length === 0) throw error
    throw new IncompatibleSchemaError(subject, verdict.reasons)
  }
}

/** `millrace schema check`. */
export const check: Command = {
  name: 'check',
  summary: 'checks whether the schema in a file is compatible with a subject',
  positionals: ['SUBJECT', 'FILE'],
  options: {
    ...registryOptions,
    ...schemaFileOptions,
    version: {
      value: 'VERSION',
      help: 'checks against this version only, or latest (default: what the level of the subject requires)',
    },
  },
  details: `Nothing is registered. Exit status is 1 if the schema is incompatible; for each reason its place, the rule
and a remedy are printed.

Example:
  millrace schema check orders-value order.avsc`,
  async run(parsed) {
    using client = openRegistry(parsed)
    const [subject, file] = parsed.positionals as [string, string]
    const wanted = parsed.value('version')
    const verdict = await compatibilityOf(client, subject, {
      input: readSchemaFile(file, parsed),
      normalize: parsed.has('normalize'),
      version: wanted === undefined ? 'all' : versionOf('--version', wanted),
    })
    const { isCompatible, reasons, messages } = verdict
    if (parsed.has('json')) {
      process.stdout.write(`${toJson({ subject, isCompatible, reasons, messages })}\n`)
    } else {
      const lines = isCompatible
        ? [`compatible with ${subject}`]
        : [`incompatible with ${subject}`, ...reasonLines(reasons)]
      process.stdout.write(`${lines.join('\n')}\n`)
    }
    return isCompatible ? 0 : 1
  },
}
