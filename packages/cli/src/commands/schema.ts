// SPDX-License-Identifier: Apache-2.0
import type { RegisteredSchema, SchemaRegistryClient } from '@millrace/schema-registry/serdes'
import { printRows, toJson } from '../client/output.ts'
import type { Command } from '../command.ts'
import { concurrently } from '../schema/concurrently.ts'
import { openRegistry, registryOptions } from '../schema/registry-connection.ts'
import { versionOf } from '../schema/schema-file.ts'

const list: Command = {
  name: 'list',
  summary: 'lists subjects with their latest versions',
  positionals: ['[PREFIX]'],
  options: {
    ...registryOptions,
    deleted: { help: 'includes soft-deleted subjects and versions' },
  },
  async run(parsed) {
    using client = openRegistry(parsed)
    const [prefix] = parsed.positionals
    const isDeleted = parsed.has('deleted')
    const alive = new Set(await client.subjects(prefix === undefined ? {} : { prefix }))
    const subjects = isDeleted
      ? await client.subjects({ isDeleted, ...(prefix === undefined ? {} : { prefix }) })
      : [...alive]
    const rows = await concurrently(subjects, async (subject) => {
      const versions = await client.versions(subject, { isDeleted })
      const latest = await client.version(subject, versions.at(-1) ?? 'latest', { isDeleted })
      return {
        subject,
        type: latest.schemaType,
        versions: versions.length,
        latest: latest.version,
        id: latest.id,
        ...(isDeleted ? { deleted: alive.has(subject) ? '' : 'yes' } : {}),
      }
    })
    printRows(rows, { json: parsed.has('json') })
    return 0
  },
}

const describe: Command = {
  name: 'describe',
  summary: 'shows a subject: its versions, settings and a schema',
  positionals: ['SUBJECT', '[VERSION]'],
  options: {
    ...registryOptions,
    deleted: { help: 'includes soft-deleted versions' },
    schema: { help: 'prints only the text of the schema' },
  },
  async run(parsed) {
    using client = openRegistry(parsed)
    const [subject, wanted = 'latest'] = parsed.positionals as [string, string?]
    const isDeleted = parsed.has('deleted')
    const version = versionOf('VERSION', wanted)
    const schema = await client.version(subject, version, { isDeleted })
    if (parsed.has('schema')) {
      process.stdout.write(`${parsed.has('json') ? toJson(schema.schema) : schema.schema}\n`)
      return 0
    }
    const [versions, level, mode, usedBy] = await Promise.all([
      client.versions(subject, { isDeleted }),
      compatibilityLevel(client, subject),
      client.mode(subject, { defaultToGlobal: true }),
      referencedBy(client, subject, schema),
    ])
    if (parsed.has('json')) {
      const { id, guid, schemaType, references, metadata, ruleSet } = schema
      const fields = { subject, version: schema.version, versions, id, guid, schemaType }
      const settings = { compatibility: level, mode, references, referencedBy: usedBy }
      process.stdout.write(
        `${toJson({ ...fields, ...settings, metadata, ruleSet, schema: schema.schema })}\n`,
      )
      return 0
    }
    const lines: (readonly [string, string])[] = [
      ['subject', subject],
      ['version', `${schema.version} of ${versions.join(', ')}`],
      ['id', `${schema.id}${schema.guid === undefined ? '' : `  guid ${schema.guid}`}`],
      ['type', schema.schemaType],
      ['compatibility', level],
      ['mode', mode],
      ...schema.references.map(
        (each) => ['uses', `${each.name} = ${each.subject}:${each.version}`] as const,
      ),
      ...(usedBy.length === 0 ? [] : [['used by', `schemas ${usedBy.join(', ')}`] as const]),
      ...(schema.metadata === undefined ? [] : [['metadata', toJson(schema.metadata)] as const]),
      ...(schema.ruleSet === undefined ? [] : [['rules', toJson(schema.ruleSet)] as const]),
    ]
    const text = lines.map(([name, value]) => `${name.padEnd(15)}${value}`)
    process.stdout.write(`${text.join('\n')}\n\n${readable(schema)}\n`)
    return 0
  },
}

/** The level in effect: of the subject, of its context, or the global one. */
async function compatibilityLevel(client: SchemaRegistryClient, subject: string): Promise<string> {
  const config = await client.config(subject, { defaultToGlobal: true })
  return String(config.compatibilityLevel ?? config.compatibility ?? '')
}

async function referencedBy(
  client: SchemaRegistryClient,
  subject: string,
  { version }: RegisteredSchema,
): Promise<readonly number[]> {
  const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}/referencedby`
  const found = await client.request('GET', path)
  return Array.isArray(found) ? found.map(Number) : []
}

/** JSON is indented; Protobuf is stored as text for people. */
function readable({ schema, schemaType }: RegisteredSchema): string {
  if (schemaType === 'PROTOBUF') return schema.trimEnd()
  try {
    return JSON.stringify(JSON.parse(schema), null, 2)
  } catch {
    return schema
  }
}

/** `millrace schema …` */
export const schema: Command = {
  name: 'schema',
  summary: 'lists, registers, compares and deletes schemas of a registry',
  details: `The registry is --registry URL, else $MILLRACE_REGISTRY, else http://127.0.0.1:8081: of millrace, Confluent,
Karapace or Apicurio (https://HOST/apis/ccompat/v7).

Examples:
  millrace schema register orders-value order.avsc
  millrace schema check orders-value order.avsc
  millrace schema diff orders-value 1 2
  millrace schema push schemas --dry-run`,
  subcommands: [
    list,
    describe,
    {
      name: 'register',
      summary: 'registers the schema in a file under a subject',
      load: async () => (await import('./schema-register.ts')).register,
    },
    {
      name: 'check',
      summary: 'checks whether the schema in a file is compatible with a subject',
      load: async () => (await import('./schema-register.ts')).check,
    },
    {
      name: 'diff',
      summary: 'shows the differences of two versions, with their compatibility',
      load: async () => (await import('./schema-diff.ts')).diff,
    },
    {
      name: 'pull',
      summary: 'writes the latest schemas of a registry to a folder',
      load: async () => (await import('./schema-folder.ts')).pull,
    },
    {
      name: 'push',
      summary: 'registers the schemas of a folder that the registry lacks',
      load: async () => (await import('./schema-folder.ts')).push,
    },
    {
      name: 'types',
      summary: 'writes TypeScript types of the schemas of subjects',
      load: async () => (await import('./schema-types.ts')).types,
    },
    {
      name: 'delete',
      summary: 'deletes subjects or one version of a subject',
      load: async () => (await import('./schema-delete.ts')).remove,
    },
    {
      name: 'undelete',
      summary: 'restores soft-deleted versions of a subject',
      load: async () => (await import('./schema-delete.ts')).undelete,
    },
    {
      name: 'config',
      summary: 'shows and changes the compatibility of subjects',
      load: async () => (await import('./schema-settings.ts')).config,
    },
    {
      name: 'mode',
      summary: 'shows and changes the mode of subjects: read-only, import',
      load: async () => (await import('./schema-settings.ts')).mode,
    },
  ],
}
