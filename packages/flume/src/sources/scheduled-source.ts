// SPDX-License-Identifier: Apache-2.0
import { exec } from 'node:child_process'
import { promisify } from 'node:util'
import type { Timer } from '@millrace/base'
import { Cron } from 'croner'
import { defineSource, type Source, type SourceContext } from '../component.ts'
import { integer, optionalText, parsed, text, type ValuesOf } from '../config/keys.ts'
import { reasonOf } from '../errors.ts'
import { Event, newHeaders } from '../event.ts'
import { putPatiently } from './patient-put.ts'

const run = promisify(exec)

const keys = {
  /** Minute, hour, day, month, day of the week; six fields start with seconds. */
  cron: parsed<string | undefined>((pattern) => {
    try {
      new Cron(pattern, { paused: true })
      return pattern
    } catch (error) {
      throw new Error(`a cron pattern such as */5 * * * *; ${reasonOf(error)}`)
    }
  }, undefined),
  /** Interval in milliseconds, instead of `cron`. */
  interval: integer(0, { min: 0 }),
  timeZone: text('UTC'),
  body: text(''),
  /** Command that is run each time; its output is the body. */
  command: optionalText(),
  maxOutput: integer(1_048_576, { min: 1 }),
}

/** Creates an event at scheduled times: a text, or the output of a command. */
class ScheduledSource implements Source {
  readonly #config: ValuesOf<typeof keys>
  readonly #context: SourceContext
  readonly #stopping = new AbortController()
  #timer: Timer | undefined
  #working: Promise<void> = Promise.resolve()

  constructor(config: ValuesOf<typeof keys>, context: SourceContext) {
    this.#config = config
    this.#context = context
  }

  async start(): Promise<void> {
    this.#schedule(this.#context.world.clock.now())
  }

  #schedule(fromMs: number): void {
    const { cron, interval, timeZone } = this.#config
    const { clock } = this.#context.world
    const due =
      cron === undefined
        ? fromMs + interval
        : new Cron(cron, { paused: true, timezone: timeZone }).nextRun(new Date(fromMs))?.getTime()
    if (due === undefined) return
    // A timer waits for 24 days at most; then it is set again.
    const waitMs = Math.min(Math.max(due - clock.now(), 0), 86_400_000)
    this.#timer = clock.setTimer(
      waitMs,
      () => {
        if (clock.now() < due) {
          this.#schedule(fromMs)
          return
        }
        this.#working = this.#working.then(() => this.#fire(due))
        this.#schedule(Math.max(due, clock.now() - (cron === undefined ? interval : 0)))
      },
      { keepsAlive: true },
    )
  }

  async #fire(dueMs: number): Promise<void> {
    const headers = newHeaders({ timestamp: String(dueMs) })
    try {
      const { command, body, maxOutput } = this.#config
      const output =
        command === undefined
          ? body
          : (await run(command, { maxBuffer: maxOutput, signal: this.#stopping.signal })).stdout
      await putPatiently(
        this.#context,
        [new Event(Buffer.from(output), headers)],
        this.#stopping.signal,
      )
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.#context.counters.add('EventReadFail')
      this.#context.logger.warn('the command failed', {
        source: this.#context.name,
        reason: reasonOf(error),
      })
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#timer?.cancel()
    await this.#working
  }
}

export const scheduledSource = defineSource({
  type: 'scheduled',
  about: 'an event at set times: a text, or what a command writes',
  keys,
  check({ cron, interval }) {
    if ((cron === undefined) !== (interval === 0)) return []
    return [{ key: 'cron', message: 'or interval has to be given, and not both' }]
  },
  create: (config, context) => new ScheduledSource(config, context),
})
