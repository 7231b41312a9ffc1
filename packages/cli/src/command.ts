// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import { type Options, optionHelp, type ParsedOptions, parseOptions } from './options.ts'
import { UsageError } from './usage-error.ts'

/** A command of `millrace`, or a group of them. */
export interface Command {
  readonly name: string
  /** Description, one line in the list of commands. */
  readonly summary: string
  /** Positional arguments, as shown in the help: `TOPIC`, `[FILE...]`. */
  readonly positionals?: readonly string[]
  readonly options?: Options
  /** Additional help text, shown after the options. */
  readonly details?: string
  readonly subcommands?: readonly Command[]
  /** Loads the command's implementation when it is called. */
  load?(): Promise<Command>
  /** Runs the command; resolves with the exit status. */
  run?(parsed: ParsedOptions): Promise<number>
}

const helpOption = { help: { short: 'h', help: 'shows this help' } } satisfies Options

/** Runs the command that the arguments name; prints help if requested. */
export async function dispatch(
  named: Command,
  args: readonly string[],
  path: readonly string[] = [],
): Promise<number> {
  const command = (await named.load?.()) ?? named
  const names = [...path, command.name]
  const [first = ''] = args
  const isSubcommand = command.subcommands?.some(({ name }) => name === first) === true
  if (command.subcommands !== undefined && (command.run === undefined || isSubcommand)) {
    const [name, ...rest] = args
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      process.stdout.write(`${groupHelp(command, names)}\n`)
      return name === undefined ? 2 : 0
    }
    return dispatch(find(command.subcommands, name, names), rest, names)
  }
  const options = { ...command.options, ...helpOption }
  const parsed = parseOptions(args, options, command.positionals)
  if (parsed.has('help')) {
    process.stdout.write(`${commandHelp(command, names)}\n`)
    return 0
  }
  parsed.check()
  return (await command.run?.(parsed)) ?? 0
}

function find(commands: readonly Command[], name: string, path: readonly string[]): Command {
  const found = commands.find((each) => each.name === name)
  if (found !== undefined) return found
  const known = commands.map((each) => each.name)
  const nearest = nearestSpelling(name, known)
  const hint =
    nearest === undefined ? `; commands are ${known.join(', ')}` : `; did you mean ${nearest}?`
  throw new UsageError(`unknown command ${[...path.slice(1), name].join(' ')}${hint}`)
}

function groupHelp(command: Command, names: readonly string[]): string {
  return [
    command.summary,
    '',
    `Usage: ${names.join(' ')} COMMAND [OPTIONS]`,
    '',
    'Commands:',
    ...commandList(command),
    ...(command.details === undefined ? [] : ['', command.details]),
    '',
    `\`${names.join(' ')} COMMAND --help\` lists the options of a command.`,
  ].join('\n')
}

function commandList({ subcommands = [] }: Command): string[] {
  const width = Math.max(...subcommands.map(({ name }) => name.length))
  return subcommands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
}

function commandHelp(command: Command, names: readonly string[]): string {
  const positionals = (command.positionals ?? []).map((name) => ` ${name}`).join('')
  return [
    `${(command.summary[0] ?? '').toUpperCase()}${command.summary.slice(1)}.`,
    '',
    `Usage: ${names.join(' ')}${positionals} [OPTIONS]`,
    '',
    optionHelp({ ...command.options, ...helpOption }),
    ...(command.subcommands === undefined ? [] : ['', 'Commands:', ...commandList(command)]),
    ...(command.details === undefined ? [] : ['', command.details]),
  ].join('\n')
}
