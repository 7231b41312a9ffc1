// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import { ConfigurationError } from './config/configuration-error.ts'
import type { ConfigProblem } from './config/problem.ts'
import { type ConfigText, type ReadOptions, readAgents } from './config/read-agents.ts'
import { type AgentPlan, planAgent } from './plan/plan-agent.ts'

/** Options of loading agents. */
export interface LoadOptions extends Partial<ReadOptions> {
  /** Name of the agent to load. Default: all agents of the texts. */
  readonly agent?: string | undefined
  /** Whether to throw for every problem, also for those that Flume ignores. Default false. */
  readonly strict?: boolean | undefined
}

/** An agent of a configuration and all its problems. */
export interface CheckedAgent {
  /** Name of the agent. */
  readonly name: string
  /** All its problems, in the order in which they were found. */
  readonly problems: readonly ConfigProblem[]
  /** Undefined if nothing of the agent can run. */
  readonly plan: AgentPlan | undefined
}

/**
 * Checks the agents of Flume's configuration; nothing is started. Throws `ConfigurationError` if
 * the requested agent, or any agent, is missing.
 */
export async function checkAgents(
  texts: readonly ConfigText[],
  options: LoadOptions = {},
): Promise<CheckedAgent[]> {
  const environment = options.environment ?? process.env
  const directory = options.directory ?? process.cwd()
  const all = readAgents(texts, { ...options, environment, directory })
  const wanted = options.agent
  const found = wanted === undefined ? all : all.filter(({ config }) => config.name === wanted)
  if (found.length === 0) {
    const names = all.map(({ config }) => config.name)
    throw new ConfigurationError([noSuchAgent(texts, wanted, names)])
  }
  const checked: CheckedAgent[] = []
  for (const { config, reporter } of found) {
    const plan = await planAgent(config, reporter)
    checked.push({ name: config.name, problems: reporter.problems, plan })
  }
  return checked
}

/**
 * Reads agents from Flume's configuration as Flume does: an invalid component is left out, and what
 * Flume ignores is a warning. Both are in the plan's `problems`. Throws `ConfigurationError` if an
 * agent cannot run at all, or with `strict` if it has any problem.
 */
export async function loadAgents(
  texts: readonly ConfigText[],
  options: LoadOptions = {},
): Promise<AgentPlan[]> {
  const plans: AgentPlan[] = []
  const problems: ConfigProblem[] = []
  for (const checked of await checkAgents(texts, options)) {
    const { plan } = checked
    const isRefused = plan === undefined || (options.strict === true && checked.problems.length > 0)
    if (isRefused) problems.push(...checked.problems)
    else plans.push(plan)
  }
  if (problems.length > 0) throw new ConfigurationError(problems)
  return plans
}

function noSuchAgent(
  texts: readonly ConfigText[],
  wanted: string | undefined,
  names: readonly string[],
): ConfigProblem {
  const nearest = wanted === undefined ? undefined : nearestSpelling(wanted, names)
  const hint =
    nearest !== undefined
      ? `; did you mean ${nearest}?`
      : names.length > 0
        ? `; there is ${names.join(', ')}`
        : '; an agent has lines such as a1.sources = r1'
  return {
    agent: wanted ?? '',
    key: '',
    message: `there is no agent${wanted === undefined ? '' : ` ${wanted}`}${hint}`,
    where: texts.map(({ where }) => where).join(', '),
    line: undefined,
    effect: 'agent',
    component: undefined,
  }
}
