// SPDX-License-Identifier: Apache-2.0
import { RegistryError, type SchemaRegistryClient } from '@millrace/schema-registry/serdes'
import { pairs } from '../client/connection.ts'
import { printRows, report, toJson } from '../client/output.ts'
import type { Command } from '../command.ts'
import { concurrently } from '../schema/concurrently.ts'
import { openRegistry, registryOptions } from '../schema/registry-connection.ts'
import { UsageError } from '../usage-error.ts'

const GLOBAL = '(global)'

/** `millrace schema config`. */
export const config: Command = {
  name: 'config',
  summary: 'shows and changes the compatibility of subjects',
  positionals: ['[SUBJECT]'],
  options: {
    ...registryOptions,
    all: { help: 'lists the settings of all subjects that have some' },
    set: {
      value: 'KEY=VALUE',
      multiple: true,
      help: 'compatibility=FULL, normalize=true, alias=NAME, compatibilityPolicy=LENIENT and so on; an empty value removes the key; may be repeated',
    },
    level: { value: 'LEVEL', help: 'the same as --set compatibility=LEVEL' },
    delete: { help: 'removes all settings, so that the global ones apply' },
  },
  details: `Without SUBJECT the global settings. Levels: NONE, BACKWARD, FORWARD, FULL, BACKWARD_TRANSITIVE,
FORWARD_TRANSITIVE, FULL_TRANSITIVE. Without an option the settings in effect are shown.

Examples:
  millrace schema config orders-value --level FULL
  millrace schema config --all`,
  async run(parsed) {
    using client = openRegistry(parsed)
    const json = { json: parsed.has('json') }
    const [subject] = parsed.positionals
    if (parsed.has('all')) {
      printRows(await ownConfigs(client), json)
      return 0
    }
    const name = subject ?? GLOBAL
    if (parsed.has('delete')) {
      await client.deleteConfig(subject)
      report(`removed the settings of ${name}`, { subject, removed: true }, json)
      return 0
    }
    const level = parsed.value('level')
    const changes = Object.fromEntries([
      ...pairs(parsed, 'set').map(([key, value]) => [key, settingOf(value)] as const),
      ...(level === undefined ? [] : [['compatibility', level.toUpperCase()] as const]),
    ])
    if (Object.keys(changes).length > 0) {
      await client.setConfig(changes, subject)
      report(`changed the settings of ${name}`, { subject, changes }, json)
      return 0
    }
    const found = await client.config(
      subject,
      subject === undefined ? {} : { defaultToGlobal: true },
    )
    printRows(settingRows(found), json)
    return 0
  },
}

/** `true`, numbers and objects as JSON, other values as text; nothing removes a key. */
function settingOf(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function settingRows(config: Readonly<Record<string, unknown>>): { key: string; value: unknown }[] {
  return Object.entries(config).map(([key, value]) => ({
    key: key === 'compatibilityLevel' ? 'compatibility' : key,
    value: typeof value === 'object' && value !== null ? toJson(value) : value,
  }))
}

async function ownConfigs(
  client: SchemaRegistryClient,
): Promise<{ subject: string; compatibility: unknown; others: unknown }[]> {
  const names = [undefined, ...(await client.subjects())]
  const found = await concurrently(names, (subject) => unlessAbsent(() => client.config(subject)))
  return found.flatMap((settings, i) => {
    if (settings === undefined) return []
    const { compatibilityLevel, ...others } = settings
    return [
      {
        subject: names[i] ?? GLOBAL,
        compatibility: compatibilityLevel,
        others: Object.keys(others).length === 0 ? '' : others,
      },
    ]
  })
}

async function unlessAbsent<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load()
  } catch (error) {
    if (error instanceof RegistryError && error.isNotFound) return undefined
    throw error
  }
}

const modes = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT', 'FORWARD']

/** `millrace schema mode`. */
export const mode: Command = {
  name: 'mode',
  summary: 'shows and changes the mode of subjects: read-only, import',
  positionals: ['[SUBJECT]'],
  options: {
    ...registryOptions,
    set: { value: 'MODE', help: modes.join(', ') },
    force: { short: 'f', help: 'changes to IMPORT although there are schemas' },
    delete: { help: 'removes the mode, so that the global one applies' },
  },
  details: `Without SUBJECT the global mode.

Examples:
  millrace schema mode --set READONLY
  millrace schema mode orders-value --set IMPORT`,
  async run(parsed) {
    using client = openRegistry(parsed)
    const json = { json: parsed.has('json') }
    const [subject] = parsed.positionals
    const name = subject ?? GLOBAL
    if (parsed.has('delete')) {
      const end = subject === undefined ? '' : `/${encodeURIComponent(subject)}`
      await client.request('DELETE', `/mode${end}`)
      report(`removed the mode of ${name}`, { subject, removed: true }, json)
      return 0
    }
    const wanted = parsed.value('set')?.toUpperCase()
    if (wanted !== undefined) {
      if (!modes.includes(wanted)) {
        throw new UsageError(`invalid --set ${wanted}: expected ${modes.join(', ')}`)
      }
      await client.setMode(wanted, subject, { isForced: parsed.has('force') })
      report(`${name} is now ${wanted}`, { subject, mode: wanted }, json)
      return 0
    }
    const current = await client.mode(
      subject,
      subject === undefined ? {} : { defaultToGlobal: true },
    )
    report(current, { subject, mode: current }, json)
    return 0
  },
}
