// SPDX-License-Identifier: Apache-2.0
import type { SchemaRegistryClient } from '@millrace/schema-registry/serdes'
import { RegistryError } from '@millrace/schema-registry/serdes'
import { report } from '../client/output.ts'
import type { Command } from '../command.ts'
import { openRegistry, registryOptions } from '../schema/registry-connection.ts'
import { versionOf } from '../schema/schema-file.ts'
import { UsageError } from '../usage-error.ts'

/** `millrace schema delete`. */
export const remove: Command = {
  name: 'delete',
  summary: 'deletes subjects or one version of a subject',
  positionals: ['SUBJECT...'],
  options: {
    ...registryOptions,
    version: { value: 'VERSION', help: 'only this version of the subject, or latest' },
    permanent: {
      help: 'removes soft-deleted versions for good: records with their ids can no longer be read',
    },
    force: {
      short: 'f',
      help: 'with --permanent: includes versions that are not soft-deleted yet',
    },
  },
  details: `A deleted version is kept for consumers that look up its id, until --permanent removes it;
millrace schema undelete restores it.

Examples:
  millrace schema delete orders-value --version 3
  millrace schema delete orders-value --permanent`,
  async run(parsed) {
    using client = openRegistry(parsed)
    const wanted = parsed.value('version')
    const version = wanted === undefined ? undefined : versionOf('--version', wanted)
    const isPermanent = parsed.has('permanent')
    if (parsed.has('force') && !isPermanent) throw new UsageError('--force needs --permanent')
    if (version !== undefined && parsed.positionals.length > 1) {
      throw new UsageError('--version needs a single SUBJECT')
    }
    for (const subject of parsed.positionals) {
      if (parsed.has('force')) await softDelete(client, subject, version)
      const versions =
        version === undefined
          ? await client.deleteSubject(subject, { isPermanent })
          : [await client.deleteVersion(subject, version, { isPermanent })]
      const what = `${subject} version${versions.length === 1 ? '' : 's'} ${versions.join(', ')}`
      report(
        isPermanent ? `permanently deleted ${what}` : `deleted ${what}`,
        { subject, versions, deleted: true, permanent: isPermanent },
        { json: parsed.has('json') },
      )
    }
    return 0
  },
}

/** Deletes softly; what is deleted already stays so. */
async function softDelete(
  client: SchemaRegistryClient,
  subject: string,
  version: number | 'latest' | undefined,
): Promise<void> {
  try {
    if (version === undefined) await client.deleteSubject(subject)
    else await client.deleteVersion(subject, version)
  } catch (error) {
    // Soft-deleted before: the permanent deletion reports a subject that does not exist.
    const isDone = error instanceof RegistryError && /^40(4|9)0[1-9]$/.test(String(error.errorCode))
    if (!isDone) throw error
  }
}

/** `millrace schema undelete`. */
export const undelete: Command = {
  name: 'undelete',
  summary: 'restores soft-deleted versions of a subject',
  positionals: ['SUBJECT'],
  options: {
    ...registryOptions,
    version: { value: 'VERSION', help: 'only this version, or latest (default: all)' },
  },
  details: `Needs a registry of millrace.

Example:
  millrace schema undelete orders-value`,
  async run(parsed) {
    using client = openRegistry(parsed)
    const [subject] = parsed.positionals as [string]
    const wanted = parsed.value('version')
    const version = wanted === undefined ? undefined : versionOf('--version', wanted)
    const versions = await client.undelete(subject, version)
    report(
      `restored ${subject} version${versions.length === 1 ? '' : 's'} ${versions.join(', ')}`,
      { subject, versions, restored: true },
      { json: parsed.has('json') },
    )
    return 0
  },
}
