// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import { type AgentPlan, planAgent } from './config/plan.ts'
import { type ConfigText, type ReadOptions, readAgents } from './config/read-agents.ts'
import { ConfigurationError } from './errors.ts'

/** Options of loading agents. */
export interface LoadOptions extends Partial<ReadOptions> {
  /** The agent to load; by default all that the texts have. */
  readonly agent?: string | undefined
}

/**
 * Reads agents from Flume's configuration. Throws `ConfigurationError` with everything that is wrong, a line each, with file, line, key
 * and nearest spelling; nothing is started.
 */
export async function loadAgents(
  texts: readonly ConfigText[],
  options: LoadOptions = {},
): Promise<AgentPlan[]> {
  const problems: string[] = []
  const environment = options.environment ?? process.env
  const directory = options.directory ?? process.cwd()
  const where = texts.map((text) => text.where).join(', ')
  const byAgent: {
    readonly name: string
    readonly problems: string[]
    readonly plan: () => Promise<AgentPlan>
  }[] = []
  for (const agent of readAgents(texts, { ...options, environment, directory }, problems)) {
    byAgent.push({ name: agent.name, problems, plan: () => planAgent(agent, problems) })
  }
  const wanted = options.agent
  const found = wanted === undefined ? byAgent : byAgent.filter(({ name }) => name === wanted)
  if (found.length === 0) {
    const names = byAgent.map(({ name }) => name)
    const nearest = wanted === undefined ? undefined : nearestSpelling(wanted, names)
    const hint =
      nearest !== undefined
        ? `; did you mean ${nearest}?`
        : names.length > 0
          ? `; there is ${names.join(', ')}`
          : '; an agent has lines such as a1.sources = r1'
    problems.unshift(
      `${where}: there is no agent${wanted === undefined ? '' : ` ${wanted}`}${hint}`,
    )
  }
  const plans: AgentPlan[] = []
  for (const { plan } of found) plans.push(await plan())
  // What is wrong with another agent of the file is not this one's concern.
  const own =
    wanted === undefined || found.length === 0
      ? problems
      : problems.filter((line) => new RegExp(`^[^ ]*: ${literally(wanted)}\\.`).test(line))
  if (own.length > 0) throw new ConfigurationError(own)
  return plans
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
