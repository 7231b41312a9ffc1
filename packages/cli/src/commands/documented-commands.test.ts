// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Command } from '../command.ts'
import { parseOptions } from '../options.ts'
import { commands } from './index.ts'

const root = join(import.meta.dirname, '../../../..')

/** Command lines of a text: indented lines that call `millrace`, with continued lines. */
function commandLines(text: string): string[] {
  const lines = text
    .replaceAll(/\\\n\s*/g, '')
    .matchAll(/^ {2,}(?:.* \| )?(?:npx )?millrace (.*)$/gm)
  return [...lines].map(([, line = '']) => line).filter((line) => !line.startsWith('ready '))
}

/** Words of a shell command, up to a pipe, a redirection or an explanation after several spaces. */
function wordsOf(line: string): string[] {
  const [call = ''] = line.split(/ (?:[|<>#]|&&)|; | {2,}/)
  const words = call.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)
  return [...words].map(([word]) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'))
}

/** Throws for an unknown command or option, and for missing or extra arguments. */
async function check(words: readonly string[], named: Command = commands): Promise<void> {
  const command = (await named.load?.()) ?? named
  const [first = ''] = words
  const subcommand = command.subcommands?.find(({ name }) => name === first)
  if (subcommand !== undefined) return check(words.slice(1), subcommand)
  assert.ok(command.run !== undefined, `unknown command ${first} of ${command.name}`)
  if (words.includes('--help')) return
  parseOptions(words, command.options ?? {}, command.positionals).check()
}

async function allCommands(named: Command): Promise<Command[]> {
  const command = (await named.load?.()) ?? named
  const nested = await Promise.all((command.subcommands ?? []).map(allCommands))
  return [command, ...nested.flat()]
}

describe('command lines in the documentation', () => {
  const pages = globSync(
    ['README.md', 'SECURITY.md', 'docs/**/*.md', 'packages/*/README.md', 'deploy/*'],
    { cwd: root },
  )
  for (const page of pages) {
    for (const line of commandLines(readFileSync(join(root, page), 'utf8'))) {
      it(`are valid in ${page}: ${line}`, () => check(wordsOf(line)))
    }
  }

  it('are valid in the help of every command', async () => {
    for (const { name, details = '' } of await allCommands(commands)) {
      for (const line of commandLines(details)) {
        await assert.doesNotReject(check(wordsOf(line)), `${name}: ${line}`)
      }
    }
  })

  it('are rejected if a command, an option or an argument is wrong', async () => {
    for (const line of [
      'topik list',
      'topic list --bootstap x',
      'topic create',
      'topic list a b',
    ]) {
      await assert.rejects(check(wordsOf(line)), line)
    }
  })
})
