// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs'
import { systemErrorCode } from '@millrace/base'
import { typescriptTypes } from '@millrace/schema-registry'
import { resolveReferences } from '@millrace/schema-registry/serdes'
import { report, toJson } from '../client/output.ts'
import type { Command } from '../command.ts'
import { concurrently } from '../schema/concurrently.ts'
import { openRegistry, registryOptions } from '../schema/registry-connection.ts'
import { versionOf } from '../schema/schema-file.ts'
import { UsageError } from '../usage-error.ts'

/** `millrace schema types`. */
export const types: Command = {
  name: 'types',
  summary: 'writes TypeScript types of the schemas of subjects',
  positionals: ['SUBJECT...'],
  options: {
    ...registryOptions,
    version: { value: 'VERSION', help: 'version of a single subject (default latest)' },
    out: { value: 'FILE', short: 'o', help: 'writes this file (default stdout)' },
  },
  details: `The types are those of the values that avroSerde, jsonSchemaSerde and protobufSerde read and write: bigint for
64-bit integers, Date, Decimal, Buffer. Types that several schemas share appear once.

Examples:
  millrace schema types orders-value customers-value --out src/schemas.ts`,
  async run(parsed) {
    using client = openRegistry(parsed)
    const wanted = parsed.value('version')
    if (wanted !== undefined && parsed.positionals.length > 1) {
      throw new UsageError('--version needs a single SUBJECT')
    }
    const version = wanted === undefined ? 'latest' : versionOf('--version', wanted)
    const schemas = await concurrently(parsed.positionals, async (subject) => {
      const found = await client.version(subject, version)
      const resolved = await resolveReferences(client, found.references)
      return { name: subject, type: found.schemaType, schema: found.schema, resolved }
    })
    const source = typescriptTypes(schemas)
    const out = parsed.value('out')
    if (out === undefined) {
      process.stdout.write(parsed.has('json') ? `${toJson({ source })}\n` : source)
      return 0
    }
    write(out, source)
    const count = parsed.positionals.length
    report(
      `wrote the types of ${count} subject${count === 1 ? '' : 's'} to ${out}`,
      { subjects: parsed.positionals, file: out },
      { json: parsed.has('json') },
    )
    return 0
  },
}

function write(file: string, source: string): void {
  try {
    writeFileSync(file, source)
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${systemErrorCode(error) ?? error}`)
  }
}
