// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import module from 'node:module'
import { MillraceError, nearestSpelling } from '@millrace/base'
import { type Command, UsageError } from './command.ts'
import { start } from './commands/start.ts'

// Compiled code, and sources with their types stripped, are kept for the next start.
module.enableCompileCache()

const commands: readonly Command[] = [start]

function help(): string {
  const width = Math.max(...commands.map((command) => command.name.length))
  return [
    'millrace: a Kafka-compatible broker in one command',
    '',
    'Usage: millrace COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    '`millrace COMMAND --help` lists the options of a command.',
  ].join('\n')
}

function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  return String((manifest as { readonly version: unknown }).version)
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(`${help()}\n`)
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version()}\n`)
    return 0
  }
  const command = commands.find((candidate) => candidate.name === name)
  if (command === undefined) {
    const nearest = nearestSpelling(
      name,
      commands.map((candidate) => candidate.name),
    )
    throw new UsageError(
      `unknown command ${name}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    )
  }
  return command.run(rest)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const isOurs = error instanceof MillraceError || error instanceof UsageError
  process.stderr.write(`millrace: ${isOurs ? error.message : String((error as Error).stack)}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
