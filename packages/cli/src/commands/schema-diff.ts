// SPDX-License-Identifier: Apache-2.0
import {
  compareSchemas,
  type SchemaComparison,
  type SchemaDifference,
} from '@millrace/schema-registry'
import { type RegisteredSchema, resolveReferences } from '@millrace/schema-registry/serdes'
import { toJson } from '../client/output.ts'
import type { Command } from '../command.ts'
import { settingsOf } from '../schema/local-compatibility.ts'
import { openRegistry, registryOptions } from '../schema/registry-connection.ts'
import { versionOf } from '../schema/schema-file.ts'
import { UsageError } from '../usage-error.ts'

/** `millrace schema diff`. */
export const diff: Command = {
  name: 'diff',
  summary: 'shows the differences of two versions, with their compatibility',
  positionals: ['SUBJECT', 'VERSION1', 'VERSION2'],
  options: {
    ...registryOptions,
    with: { value: 'SUBJECT', help: 'VERSION2 is one of this subject' },
  },
  details: `Each difference has its verdict: backward is whether the second schema reads data of the first, forward
the other direction.

  +  added   -  removed   ~  changed

Example:
  millrace schema diff orders-value 1 latest`,
  async run(parsed) {
    using client = openRegistry(parsed)
    const [subject, first, second] = parsed.positionals as [string, string, string]
    const load = async (
      name: string,
      version: number | 'latest',
    ): Promise<{
      readonly schema: RegisteredSchema
      readonly source: Parameters<typeof compareSchemas>[1]
    }> => {
      const schema = await client.version(name, version, { isDeleted: true })
      const { references } = schema
      const resolved = await resolveReferences(client, references)
      return { schema, source: { schema: schema.schema, references, resolved } }
    }
    const [old, next] = await Promise.all([
      load(subject, versionOf('VERSION1', first)),
      load(parsed.value('with') ?? subject, versionOf('VERSION2', second)),
    ])
    const { schemaType } = next.schema
    if (old.schema.schemaType !== schemaType) {
      throw new UsageError(
        `${first} is ${old.schema.schemaType} and ${second} is ${schemaType}: they cannot be compared`,
      )
    }
    const config = await client.config(subject, { defaultToGlobal: true })
    const comparison = compareSchemas(schemaType, old.source, next.source, {
      policy: settingsOf(config).policy,
    })
    if (parsed.has('json')) process.stdout.write(`${toJson(comparison)}\n`)
    else print(comparison, { first, second })
    return 0
  },
}

const signs = { added: '+', removed: '-', changed: '~' } as const

function print(
  comparison: SchemaComparison,
  { first, second }: { readonly first: string; readonly second: string },
): void {
  const { differences, backward, forward } = comparison
  const lines = differences.flatMap(differenceLines)
  const shown = new Set(differences.flatMap((each) => [...each.backward, ...each.forward]))
  const others = [...backward, ...forward].filter((reason) => !shown.has(reason))
  const rest = others.map(({ path, errorType, remedy }) => `  ${path}  ${errorType}: ${remedy}`)
  const verdict = (reasons: readonly unknown[], reader: string, writer: string): string =>
    `version ${reader} ${reasons.length === 0 ? 'reads' : 'cannot read'} data of version ${writer}`
  const summary = [
    `backward  ${mark(backward).padEnd(3)}  ${verdict(backward, second, first)}`,
    `forward   ${mark(forward).padEnd(3)}  ${verdict(forward, first, second)}`,
  ]
  const changes = lines.length === 0 && rest.length === 0 ? ['no differences'] : [...lines, ...rest]
  process.stdout.write(`${[...changes, '', ...summary].join('\n')}\n`)
}

function differenceLines(difference: SchemaDifference): string[] {
  const { path, change, attributes, backward, forward } = difference
  const value = (text: string | undefined): string => (text === undefined ? 'none' : text || "''")
  const details = attributes
    .filter(({ old, new: next }) => (old ?? next) !== '')
    .map(({ name, old, new: next }) => {
      if (change === 'changed') return `${name}: ${value(old)} → ${value(next)}`
      return name === 'type' ? value(next ?? old) : `${name} ${value(next ?? old)}`
    })
  const verdict = `backward ${mark(backward)}  forward ${mark(forward)}`
  return [
    `${signs[change]} ${path}${details.length === 0 ? '' : `  ${details.join(', ')}`}`,
    `    ${verdict}`,
    ...backward.map((each) => `    backward: ${each.errorType}. ${each.remedy}`),
    ...forward.map((each) => `    forward: ${each.errorType}. ${each.remedy}`),
  ]
}

function mark(reasons: readonly unknown[]): string {
  return reasons.length === 0 ? 'yes' : 'no'
}
