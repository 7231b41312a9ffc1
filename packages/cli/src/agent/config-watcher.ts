// SPDX-License-Identifier: Apache-2.0
import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger } from '@millrace/base'
import {
  type Agent,
  type AgentPlan,
  type ConfigProblem,
  type ConfigText,
  ConfigurationError,
  problemText,
} from '@millrace/flume'
import { logProblems } from './config-problems.ts'
import { type ConfigSource, readConfigTexts } from './config-texts.ts'

/** Delay after a change, since editors write a file in several steps. */
const SETTLE_MS = 100
/** Polling interval for systems without file notifications. */
const LOOK_MS = 2000

/**
 * Watches the configuration of an agent and applies changes. A configuration with errors is
 * reported and not applied; the next valid one is.
 */
export class ConfigWatcher {
  readonly #places: readonly ConfigSource[]
  readonly #agent: Agent
  readonly #load: (texts: readonly ConfigText[]) => Promise<AgentPlan | undefined>
  readonly #logger: Logger
  readonly #watchers: FSWatcher[] = []
  readonly #interval: NodeJS.Timeout
  #seen: string
  #isUnreadable = false
  #settling: NodeJS.Timeout | undefined
  #working: Promise<void> = Promise.resolve()

  constructor(options: {
    readonly places: readonly ConfigSource[]
    /** The current configuration texts. */
    readonly texts: readonly ConfigText[]
    readonly agent: Agent
    readonly load: (texts: readonly ConfigText[]) => Promise<AgentPlan | undefined>
    readonly logger: Logger
    /** Polling interval of HTTP resources. */
    readonly pollMs: number
  }) {
    this.#places = options.places
    this.#agent = options.agent
    this.#load = options.load
    this.#logger = options.logger
    this.#seen = contentsOf(options.texts)
    const files = this.#places.flatMap(({ path }) => (path === undefined ? [] : [path]))
    for (const directory of new Set(files.map((file) => dirname(file)))) {
      try {
        const watcher = watch(directory, { persistent: false }, () => this.#pollSoon())
        watcher.on('error', () => watcher.close())
        this.#watchers.push(watcher)
      } catch {
        // The change is found by polling instead.
      }
    }
    const lookMs = files.length === this.#places.length ? LOOK_MS : options.pollMs
    this.#interval = setInterval(() => this.#pollSoon(), lookMs).unref()
  }

  #pollSoon(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => {
      this.#working = this.#working.then(() => this.#poll())
    }, SETTLE_MS).unref()
  }

  async #poll(): Promise<void> {
    try {
      const texts = await readConfigTexts(this.#places)
      this.#isUnreadable = false
      const contents = contentsOf(texts)
      // An empty file is one that is being written.
      if (contents === this.#seen || texts.some(({ text }) => text === '')) return
      this.#seen = contents
      await this.#reload(texts)
    } catch (error) {
      // A missing file is one that is being replaced; an unreachable server may return.
      if (!this.#isUnreadable) {
        this.#logger.warn(
          'cannot read the configuration; the agent continues with the current one',
          {
            reason: (error as Error).message,
          },
        )
      }
      this.#isUnreadable = true
    }
  }

  async #reload(texts: readonly ConfigText[]): Promise<void> {
    try {
      const plan = await this.#load(texts)
      if (plan === undefined) return
      const found = newProblems(plan.problems, this.#agent.plan.problems)
      // A component whose new configuration is invalid continues with its current one.
      if (found.some(({ effect }) => effect !== 'none')) throw new ConfigurationError(found)
      logProblems(this.#logger, found, plan.leftOut)
      const { started, stopped, kept } = await this.#agent.reload(plan)
      this.#logger.info('configuration applied', {
        started: started.join(', ') || 'nothing',
        stopped: stopped.join(', ') || 'nothing',
        kept: kept.length,
      })
    } catch (error) {
      const lines =
        error instanceof ConfigurationError
          ? error.problems.map(problemText)
          : [(error as Error).message]
      this.#logger.error(
        'the changed configuration is invalid and NOT applied; the agent continues with the current one',
      )
      for (const line of lines) this.#logger.error(`  ${line}`)
    }
  }

  stop(): void {
    clearInterval(this.#interval)
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers) watcher.close()
  }
}

/** Problems that the current configuration does not have, regardless of their line. */
function newProblems(
  problems: readonly ConfigProblem[],
  known: readonly ConfigProblem[],
): ConfigProblem[] {
  const identity = ({ key, message, effect }: ConfigProblem): string =>
    JSON.stringify([key, message, effect])
  const before = new Set(known.map(identity))
  return problems.filter((problem) => !before.has(identity(problem)))
}

function contentsOf(texts: readonly ConfigText[]): string {
  return texts.map(({ text }) => text).join('\0')
}
