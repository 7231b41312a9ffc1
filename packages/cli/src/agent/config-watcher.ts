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
import { type ConfigPlace, readConfigTexts } from './config-texts.ts'

/** Editors write a file in several steps. */
const SETTLE_MS = 100
/** Where the system does not tell. */
const LOOK_MS = 2000

/**
 * Has an agent follow its configuration. One with mistakes is told about and changes nothing; the
 * next good one is taken.
 */
export class ConfigWatcher {
  readonly #places: readonly ConfigPlace[]
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
    readonly places: readonly ConfigPlace[]
    /** What the agent runs on. */
    readonly texts: readonly ConfigText[]
    readonly agent: Agent
    readonly load: (texts: readonly ConfigText[]) => Promise<AgentPlan | undefined>
    readonly logger: Logger
    /** How often pages of servers are asked for. */
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
        const watcher = watch(directory, { persistent: false }, () => this.#lookSoon())
        watcher.on('error', () => watcher.close())
        this.#watchers.push(watcher)
      } catch {
        // The interval finds it.
      }
    }
    const lookMs = files.length === this.#places.length ? LOOK_MS : options.pollMs
    this.#interval = setInterval(() => this.#lookSoon(), lookMs).unref()
  }

  #lookSoon(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => {
      this.#working = this.#working.then(() => this.#look())
    }, SETTLE_MS).unref()
  }

  async #look(): Promise<void> {
    try {
      const texts = await readConfigTexts(this.#places)
      this.#isUnreadable = false
      const contents = contentsOf(texts)
      // A file that is empty for a moment is being written.
      if (contents === this.#seen || texts.some(({ text }) => text === '')) return
      this.#seen = contents
      await this.#reload(texts)
    } catch (error) {
      // A file that is gone for a moment is being replaced; a server that does not answer may be
      // back.
      if (!this.#isUnreadable) {
        this.#logger.warn('the configuration cannot be read; the agent goes on as before', {
          reason: (error as Error).message,
        })
      }
      this.#isUnreadable = true
    }
  }

  async #reload(texts: readonly ConfigText[]): Promise<void> {
    try {
      const plan = await this.#load(texts)
      if (plan === undefined) return
      const found = newProblems(plan.problems, this.#agent.plan.problems)
      // A component that an edit breaks keeps running as it is.
      if (found.some(({ effect }) => effect !== 'none')) throw new ConfigurationError(found)
      logProblems(this.#logger, found, plan.leftOut)
      const { started, stopped, kept } = await this.#agent.reload(plan)
      this.#logger.info('the configuration was taken', {
        started: started.join(', ') || 'nothing',
        stopped: stopped.join(', ') || 'nothing',
        kept: kept.length,
      })
    } catch (error) {
      const lines =
        error instanceof ConfigurationError
          ? error.problems.map(problemText)
          : [(error as Error).message]
      this.#logger.error('the changed configuration is NOT taken; the agent goes on as before')
      for (const line of lines) this.#logger.error(`  ${line}`)
    }
  }

  stop(): void {
    clearInterval(this.#interval)
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers) watcher.close()
  }
}

/** Problems that the running configuration does not have, wherever they stand. */
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
