// SPDX-License-Identifier: Apache-2.0
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'

/** Words that may follow a command: its subcommands and options. */
interface CompletionEntry {
  readonly path: string
  readonly words: readonly string[]
}

async function entriesOf(named: Command, path: readonly string[] = []): Promise<CompletionEntry[]> {
  const command = (await named.load?.()) ?? named
  const own = {
    path: path.join(' '),
    words: [
      ...(command.subcommands ?? []).map(({ name }) => name),
      ...Object.keys(command.options ?? {}).map((name) => `--${name}`),
      ...(command.run === undefined ? [] : ['--help']),
    ],
  }
  const inner = await Promise.all(
    (command.subcommands ?? []).map((each) => entriesOf(each, [...path, each.name])),
  )
  return [own, ...inner.flat()]
}

function bash(entries: readonly CompletionEntry[]): string {
  const cases = entries.map(({ path, words }) => `    "${path}") words="${words.join(' ')}" ;;`)
  return `_millrace() {
  local path="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *)
      case "$path" in *" "*) ;; *) path="\${path:+$path }$word" ;; esac ;;
    esac
  done
  _millrace_words() { case "$1" in
${cases.join('\n')}
    *) words="" ;;
  esac; }
  _millrace_words "$path"
  if [ -z "$words" ]; then _millrace_words "\${path%% *}"; fi
  case "\${COMP_WORDS[COMP_CWORD]}" in
    -*|"") COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")) ;;
    *) COMPREPLY=($(compgen -W "$words" -f -- "\${COMP_WORDS[COMP_CWORD]}")) ;;
  esac
}
complete -o default -F _millrace millrace`
}

function zsh(entries: readonly CompletionEntry[]): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bash(entries)}`
}

function fish(entries: readonly CompletionEntry[]): string {
  const lines = entries.flatMap(({ path, words }) => {
    const names = path.split(' ').filter((name) => name !== '')
    const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ')
    const condition = names.length === 0 ? '__fish_use_subcommand' : seen
    return words.map((word) =>
      word.startsWith('--')
        ? `complete -c millrace -n '${condition}' -l ${word.slice(2)}`
        : `complete -c millrace -f -n '${condition}' -a ${word}`,
    )
  })
  return lines.join('\n')
}

const shells: Readonly<Record<string, (entries: readonly CompletionEntry[]) => string>> = {
  bash,
  zsh,
  fish,
}

/** `millrace completion`: prints a completion script for a shell. */
export function completionCommand(root: () => Command): Command {
  return {
    name: 'completion',
    summary: 'prints a shell script that completes commands and options',
    positionals: ['SHELL'],
    details: `SHELL is ${Object.keys(shells).join(', ')}.

Examples:
  source <(millrace completion bash)
  millrace completion fish > ~/.config/fish/completions/millrace.fish`,
    async run(parsed) {
      const [shell = ''] = parsed.positionals
      const script = Object.hasOwn(shells, shell) ? shells[shell] : undefined
      if (script === undefined) {
        throw new UsageError(`invalid SHELL ${shell}: expected ${Object.keys(shells).join(', ')}`)
      }
      process.stdout.write(`${script(await entriesOf(root()))}\n`)
      return 0
    },
  }
}
