// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { defineSource, type Source, type SourceContext } from '../component.ts'
import {
  boolean,
  ignored,
  integer,
  optionalText,
  requiredText,
  splitWords,
  type ValuesOf,
} from '../config/keys.ts'
import { Event } from '../event.ts'
import { sleep } from '../waiting.ts'
import { LineCutter } from './line-cutter.ts'
import { putPatiently } from './patient-put.ts'

const keys = {
  command: requiredText(),
  shell: optionalText(),
  restart: boolean(false),
  restartThrottle: integer(10_000, { min: 0, isFloor: true }),
  logStdErr: boolean(false),
  batchSize: integer(20, { min: 1 }),
  batchTimeout: ignored('lines are put as soon as they come'),
  charset: ignored('bytes are unchanged'),
}

/** What a command writes, line by line. The command waits while the channel is full. */
class ExecSource implements Source {
  readonly #config: ValuesOf<typeof keys>
  readonly #context: SourceContext
  readonly #stopping = new AbortController()
  #child: ChildProcessByStdio<null, Readable, Readable> | undefined
  #running: Promise<void> | undefined

  constructor(config: ValuesOf<typeof keys>, context: SourceContext) {
    this.#config = config
    this.#context = context
  }

  async start(): Promise<void> {
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    const { restart, restartThrottle, command } = this.#config
    const { logger, name, world } = this.#context
    const { signal } = this.#stopping
    do {
      const outcome = await this.#runOnce()
      if (signal.aborted) break
      logger.info(`the command ended${restart ? ' and is started again' : ''}`, {
        source: name,
        command,
        outcome,
      })
      if (restart) await sleep(world.clock, restartThrottle, signal)
    } while (restart && !signal.aborted)
  }

  async #runOnce(): Promise<string> {
    const { command, shell } = this.#config
    const [program = '', ...args] =
      shell === undefined ? splitWords(command) : [...splitWords(shell), command]
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    const failed = once(child, 'error').then(([error]) => String(error))
    const ended = once(child, 'close').then(([code, signal]) => `exit ${code ?? signal}`)
    failed.catch(() => {})
    this.#readErrors(child.stderr)
    const cutter = new LineCutter({ cutsAtCarriageReturn: true })
    try {
      for await (const chunk of child.stdout) await this.#put(cutter.push(chunk as Buffer))
      await this.#put(cutter.end())
    } catch {
      // The pipe broke; how the command ended says why.
    }
    return Promise.race([failed, ended])
  }

  #readErrors(stream: Readable): void {
    const { logger, name } = this.#context
    const cutter = new LineCutter({ cutsAtCarriageReturn: true })
    stream.on('data', (chunk: Buffer) => {
      if (!this.#config.logStdErr) return
      for (const line of cutter.push(chunk)) logger.info(line.toString(), { source: name })
    })
    stream.on('error', () => {})
  }

  async #put(lines: readonly Buffer[]): Promise<void> {
    const size = this.#context.channels.batchSizeWithin(this.#config.batchSize)
    for (let at = 0; at < lines.length; at += size) {
      const events = lines.slice(at, at + size).map((line) => new Event(line))
      if (!(await putPatiently(this.#context, events, this.#stopping.signal))) return
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#child?.kill()
    await this.#running
  }
}

export const execSource = defineSource({
  type: 'exec',
  aliases: ['org.apache.flume.source.ExecSource'],
  about: 'each line that a command writes is an event',
  keys,
  create: (config, context) => new ExecSource(config, context),
})
