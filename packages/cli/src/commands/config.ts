// SPDX-License-Identifier: Apache-2.0
import type { ConfigResource, ConfigResourceType } from '@millrace/client'
import { connectionOptions, openAdmin, pairs } from '../client/connection.ts'
import { printRows, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import type { ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

const types: readonly ConfigResourceType[] = [
  'topic',
  'broker',
  'broker-logger',
  'client-metrics',
  'group',
]

function resourceOf(parsed: ParsedOptions): ConfigResource {
  const [given, name = ''] = parsed.positionals
  const type = types.find((each) => each === given)
  if (type === undefined) {
    throw new UsageError(`invalid TYPE ${given}: expected ${types.join(', ')}`)
  }
  return { type, name }
}

const describe: Command = {
  name: 'describe',
  summary: 'shows a configuration, with the source of each value',
  positionals: ['TYPE', '[NAME]'],
  options: {
    ...connectionOptions,
    all: { short: 'a', help: 'includes defaults' },
    key: { value: 'KEY', multiple: true, help: 'only this key; may be repeated' },
    documentation: { help: "includes the broker's documentation of each key" },
  },
  details: `TYPE is ${types.join(', ')}; NAME is a topic, a node id … Without NAME, the cluster-wide default of brokers.

Examples:
millrace config describe topic orders
millrace config describe broker 1 --all`,
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const resource = resourceOf(parsed)
    const keys = parsed.values('key')
    const described = await admin.describeConfigs(
      [{ ...resource, ...(keys.length > 0 ? { keys } : {}) }],
      { includeDocumentation: parsed.has('documentation') },
    )
    const entries = described.get(`${resource.type}/${resource.name}`) ?? []
    const shown = entries
      .filter(({ isDefault, source }) => {
        const isOwn = !isDefault && source !== 'STATIC_BROKER_CONFIG'
        return (
          parsed.has('all') ||
          keys.length > 0 ||
          isOwn ||
          (resource.type === 'broker' && !isDefault)
        )
      })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    if (shown.length === 0 && !parsed.has('json')) {
      process.stdout.write('all values are defaults; --all shows them\n')
      return 0
    }
    printRows(
      shown.map(({ name, value, source, isReadOnly, isSensitive, documentation }) => ({
        name,
        value: isSensitive ? '(secret)' : value,
        source,
        readOnly: isReadOnly ? 'yes' : '',
        ...(parsed.has('documentation') ? { documentation } : {}),
      })),
      { json: parsed.has('json') },
    )
    return 0
  },
}

const alter: Command = {
  name: 'alter',
  summary: 'changes a configuration',
  positionals: ['TYPE', '[NAME]'],
  options: {
    ...connectionOptions,
    put: { value: 'KEY=VALUE', short: 'p', multiple: true, help: 'sets a value; may be repeated' },
    append: { value: 'KEY=VALUE', multiple: true, help: 'appends to a list; may be repeated' },
    subtract: { value: 'KEY=VALUE', multiple: true, help: 'removes from a list; may be repeated' },
    delete: { value: 'KEY', multiple: true, help: 'resets to the default; may be repeated' },
    'dry-run': { help: 'validates the values without changing anything' },
  },
  details: `TYPE is ${types.join(', ')}; NAME is a topic, a node id … Without NAME, the cluster-wide default of brokers.

Examples:
millrace config alter topic orders --put retention.ms=86400000 --delete cleanup.policy
millrace config alter broker --put message.max.bytes=2000000`,
  async run(parsed) {
    const resource = resourceOf(parsed)
    const changes = [
      ...pairs(parsed, 'put').map(([name, value]) => ({ name, value, operation: 'set' as const })),
      ...pairs(parsed, 'append').map(([name, value]) => ({
        name,
        value,
        operation: 'append' as const,
      })),
      ...pairs(parsed, 'subtract').map(([name, value]) => ({
        name,
        value,
        operation: 'subtract' as const,
      })),
      ...parsed
        .values('delete')
        .map((name) => ({ name, value: null, operation: 'delete' as const })),
    ]
    if (changes.length === 0) {
      throw new UsageError('nothing to alter: use --put, --append, --subtract or --delete')
    }
    await using admin = openAdmin(parsed)
    const validateOnly = parsed.has('dry-run')
    await admin.incrementalAlterConfigs([{ ...resource, changes }], { validateOnly })
    const what = `${resource.type} ${resource.name || '(default)'}`
    report(
      validateOnly ? `the changes to ${what} are valid` : `changed ${what}`,
      { ...resource, changes: changes.map(withoutSecret), changed: !validateOnly },
      { json: parsed.has('json') },
    )
    return 0
  },
}

/** Names of values that are not repeated in the output. */
const SECRET = /password|secret|jaas|token|keystore\.key$/i

function withoutSecret<C extends { readonly name: string; readonly value: string | null }>(
  change: C,
): C {
  if (change.value === null || !SECRET.test(change.name)) return change
  return { ...change, value: '(secret)' }
}

/** `millrace config …` */
export const config: Command = {
  name: 'config',
  summary: 'shows and changes configurations of topics, brokers and groups',
  subcommands: [describe, alter],
}
