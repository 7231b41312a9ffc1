// SPDX-License-Identifier: Apache-2.0
import { printRows, toJson } from '../client/output.ts'
import type { Command } from '../command.ts'
import { reasonLines } from '../schema/compatibility-report.ts'
import { pull as pullSchemas } from '../schema/folder/pull.ts'
import { push as pushSchemas } from '../schema/folder/push.ts'
import { type PushStep, planPush } from '../schema/folder/push-plan.ts'
import { SchemaFolder } from '../schema/folder/schema-folder.ts'
import { openRegistry, registryOptions } from '../schema/registry-connection.ts'

/** `millrace schema pull`. */
export const pull: Command = {
  name: 'pull',
  summary: 'writes the latest schemas of a registry to a folder',
  positionals: ['DIR'],
  options: {
    ...registryOptions,
    prefix: { value: 'TEXT', help: 'only subjects that start with this text' },
    prune: { help: 'removes files of subjects that are no longer in the registry' },
  },
  details: `One file per subject, named after it, and registry.json with references, settings, metadata and rules.
A second pull changes nothing. JSON is indented; everything else is what the registry has.

Example:
  millrace schema pull schemas --prune`,
  async run(parsed) {
    using client = openRegistry(parsed)
    const [directory] = parsed.positionals as [string]
    const changes = await pullSchemas(client, new SchemaFolder(directory), {
      prefix: parsed.value('prefix'),
      isPruning: parsed.has('prune'),
    })
    printRows(
      changes.map(({ subject, version, file, change }) => ({ subject, version, file, change })),
      { json: parsed.has('json') },
    )
    return 0
  },
}

/** `millrace schema push`. */
export const push: Command = {
  name: 'push',
  summary: 'registers the schemas of a folder that the registry lacks',
  positionals: ['DIR'],
  options: {
    ...registryOptions,
    'dry-run': { help: 'shows what would change; exit status is 1 if a schema is incompatible' },
  },
  details: `Everything is checked first: if one schema is incompatible or invalid, nothing is changed. Schemas are
registered after those that they use. A file without an entry in registry.json has its subject in its name.

Examples:
  millrace schema push schemas --dry-run
  millrace schema push schemas`,
  async run(parsed) {
    using client = openRegistry(parsed)
    const [directory] = parsed.positionals as [string]
    const json = parsed.has('json')
    const plan = await planPush(client, new SchemaFolder(directory))
    const refused = plan.filter(({ reasons }) => reasons.length > 0)
    const isFinal = parsed.has('dry-run') || refused.length > 0
    print(isFinal ? plan : await pushSchemas(client, plan), json)
    if (!json) {
      for (const { schema, change, reasons } of refused) {
        const lines = [`${schema.file} is ${change}:`, ...reasonLines(reasons)]
        process.stdout.write(`\n${lines.join('\n')}\n`)
      }
    }
    if (refused.length > 0 && !parsed.has('dry-run')) {
      process.stderr.write('millrace: nothing was changed\n')
    }
    return refused.length > 0 ? 1 : 0
  },
}

function print(steps: readonly PushStep[], json: boolean): void {
  if (json) {
    for (const { schema, change, config, version, reasons } of steps) {
      const { subject, file } = schema
      process.stdout.write(`${toJson({ subject, file, change, version, config, reasons })}\n`)
    }
    return
  }
  printRows(
    steps.map(({ schema, change, config, version }) => ({
      subject: schema.subject,
      file: schema.file,
      change,
      version,
      settings: config === undefined ? '' : Object.keys(config).join(', '),
    })),
    { json },
  )
}
