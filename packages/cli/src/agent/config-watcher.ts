// SPDX-License-Identifier: Apache-2.0
import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger } from '@millrace/base'
import { type Agent, type AgentPlan, ConfigurationError } from '@millrace/flume'

/** Editors write a file in several steps. */
const SETTLE_MS = 100
/** Where the system does not tell. */
const LOOK_MS = 2000

/** Has an agent follow its files. A file with mistakes is told about and changes nothing; the next good one is taken. */
export class ConfigWatcher {
  readonly #files: readonly string[]
  readonly #agent: Agent
  readonly #load: () => Promise<AgentPlan | undefined>
  readonly #logger: Logger
  readonly #watchers: FSWatcher[] = []
  readonly #interval: NodeJS.Timeout
  #seen: string
  #settling: NodeJS.Timeout | undefined
  #working: Promise<void> = Promise.resolve()

  constructor(
    files: readonly string[],
    agent: Agent,
    load: () => Promise<AgentPlan | undefined>,
    logger: Logger,
  ) {
    this.#files = files
    this.#agent = agent
    this.#load = load
    this.#logger = logger
    this.#seen = this.#contents()
    for (const directory of new Set(files.map((file) => dirname(file)))) {
      try {
        const watcher = watch(directory, { persistent: false }, () => this.#lookSoon())
        watcher.on('error', () => watcher.close())
        this.#watchers.push(watcher)
      } catch {
        // The interval finds it.
      }
    }
    this.#interval = setInterval(() => this.#lookSoon(), LOOK_MS).unref()
  }

  #contents(): string {
    return this.#files
      .map((file) => {
        try {
          return readFileSync(file, 'utf8')
        } catch {
          return ''
        }
      })
      .join('\0')
  }

  #lookSoon(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => this.#look(), SETTLE_MS).unref()
  }

  #look(): void {
    const contents = this.#contents()
    // A file that is gone for a moment is being replaced.
    if (contents === this.#seen || contents.split('\0').includes('')) return
    this.#seen = contents
    this.#working = this.#working.then(() => this.#reload())
  }

  async #reload(): Promise<void> {
    try {
      const plan = await this.#load()
      if (plan === undefined) return
      const { started, stopped, kept } = await this.#agent.reload(plan)
      this.#logger.info('the configuration was taken', {
        started: started.join(', ') || 'nothing',
        stopped: stopped.join(', ') || 'nothing',
        kept: kept.length,
      })
    } catch (error) {
      const lines =
        error instanceof ConfigurationError ? error.problems : [(error as Error).message]
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
