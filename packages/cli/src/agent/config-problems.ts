// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '@millrace/base'
import {
  type CheckedAgent,
  type ConfigProblem,
  type ConfigText,
  checkAgents,
  type LoadOptions,
  problemText,
} from '@millrace/flume'

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}

function described(problem: ConfigProblem): string {
  const { effect, component } = problem
  if (effect !== 'component') return problemText(problem)
  return `${problemText(problem)} (${component} is omitted)`
}

/** Writes all problems to stderr: errors, then warnings. */
export function showProblems(problems: readonly ConfigProblem[]): void {
  const errors = problems.filter(({ effect }) => effect !== 'none')
  const warnings = problems.filter(({ effect }) => effect === 'none')
  for (const [list, word] of [
    [errors, 'problem'],
    [warnings, 'warning'],
  ] as const) {
    if (list.length === 0) continue
    const count = list.length === 1 ? `a ${word}` : counted(list.length, word)
    const lines = list.map((each) => `  ${described(each)}\n`).join('')
    process.stderr.write(`millrace: the configuration has ${count}\n${lines}`)
  }
}

/** Logs ignored keys and omitted components of a running agent. */
export function logProblems(
  logger: Logger,
  problems: readonly ConfigProblem[],
  leftOut: readonly string[],
): void {
  for (const problem of problems) {
    if (problem.effect === 'none') logger.warn(described(problem))
    else logger.error(described(problem))
  }
  const invalid = problems.some(({ effect }) => effect !== 'none')
  if (invalid)
    logger.error('the agent runs without some components', { components: leftOut.join(', ') })
}

/**
 * Implements `--check`: exit status 1 if a component would be omitted or an agent would not start.
 */
export async function checkConfiguration(
  where: string,
  texts: readonly ConfigText[],
  options: LoadOptions,
): Promise<number> {
  const checked = await checkAgents(texts, options)
  showProblems(checked.flatMap(({ problems }) => problems))
  for (const agent of checked) {
    const summary = summaryOf(agent)
    if (summary !== undefined) process.stdout.write(`${where}: ${summary}\n`)
  }
  const isRefused = checked.some(({ problems }) =>
    problems.some(({ effect }) => effect !== 'none' || options.strict === true),
  )
  return isRefused ? 1 : 0
}

function summaryOf({ name, plan, problems }: CheckedAgent): string | undefined {
  if (plan === undefined || problems.some(({ effect }) => effect !== 'none')) return undefined
  const { sources, channels, sinkGroups } = plan
  const sinks = sinkGroups.reduce((sum, group) => sum + group.sinks.length, 0)
  const warnings = problems.length === 0 ? '' : `, ${counted(problems.length, 'warning')}`
  return `agent ${name} is valid: ${sources.length} sources, ${channels.length} channels, ${sinks} sinks${warnings}`
}
