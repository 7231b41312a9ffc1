// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads'
import type { Clock, Logger, Timer } from '@millrace/base'
import { errors } from '../registry/registry-error.ts'
import type { EvaluationOutcome, EvaluationTask } from './evaluation-task.ts'

/** Settings of a thread. */
export interface EvaluationThreadOptions {
  /** Time. */
  readonly clock: Clock
  /** Receives warnings. */
  readonly logger: Logger
  /** Module of the thread. */
  readonly module: URL
  /** Limits. Default: `evaluationLimits`. */
  readonly limits?: Partial<typeof evaluationLimits>
}

/** Limits of the work in another thread. */
export const evaluationLimits = {
  /** Time of one task, in milliseconds. */
  taskMs: 15_000,
  /** Tasks that wait. */
  waiting: 64,
  /** Characters of the schemas of all tasks that wait. */
  waitingLength: 64_000_000,
  /** Time without a task after which the thread ends, in milliseconds. */
  idleMs: 5000,
  /** Heap of the thread, in MiB. */
  heapMiB: 512,
}

interface Waiting {
  readonly task: EvaluationTask
  readonly length: number
  readonly resolve: (outcome: EvaluationOutcome) => void
  readonly reject: (error: Error) => void
}

const ENTRY = '@millrace/schema-registry/evaluation-worker'

/**
 * Evaluates schemas in another thread, one task at a time: a large schema takes seconds, in which
 * this thread serves others. It is started with the first task, ends when there are none, and is
 * ended by force if a task takes too much time or memory.
 */
export class EvaluationThread {
  readonly #options: EvaluationThreadOptions
  readonly #limits: typeof evaluationLimits
  readonly #waiting: Waiting[] = []
  #waitingLength = 0
  #worker: Worker | undefined
  #current: Waiting | undefined
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: EvaluationThreadOptions) {
    this.#options = options
    this.#limits = { ...evaluationLimits, ...options.limits }
  }

  /** The module of this package; undefined if it was bundled into another program. */
  static module(): URL | undefined {
    try {
      return new URL(import.meta.resolve(ENTRY))
    } catch {
      return undefined
    }
  }

  /** Whether the thread is running. */
  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  /**
   * Evaluates a task whose schemas have `length` characters. Rejects with 429 if too many wait, and
   * with 42201 if it takes too much time or memory.
   */
  evaluate(task: EvaluationTask, length: number): Promise<EvaluationOutcome> {
    const { waiting, waitingLength } = this.#limits
    if (this.#isClosed) return Promise.reject(errors.store('the registry is closed'))
    const isFull =
      this.#waiting.length >= waiting ||
      (this.#waiting.length > 0 && this.#waitingLength + length > waitingLength)
    if (isFull) return Promise.reject(errors.tooManyRequests())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, length, resolve, reject })
      this.#waitingLength += length
      this.#next()
    })
  }

  #next(): void {
    if (this.#current !== undefined || this.#isClosed) return
    const next = this.#waiting.shift()
    this.#timer?.cancel()
    const { clock } = this.#options
    const { idleMs, taskMs } = this.#limits
    if (next === undefined) {
      this.#worker?.unref()
      this.#timer = clock.setTimer(idleMs, () => this.#end())
      return
    }
    this.#waitingLength -= next.length
    this.#current = next
    try {
      this.#worker ??= this.#start()
      this.#worker.ref()
      this.#worker.postMessage(next.task)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#timer = clock.setTimer(
      taskMs,
      () => this.#fail(errors.invalidSchema(`the evaluation takes more than ${taskMs} ms`)),
      { keepsAlive: true },
    )
  }

  #start(): Worker {
    const { heapMiB } = this.#limits
    const worker = new Worker(this.#options.module, {
      name: 'schema evaluation',
      resourceLimits: { maxOldGenerationSizeMb: heapMiB },
      // What a thread prints is not for the output of this process.
      stdout: true,
      stderr: true,
    })
    worker.on('message', (outcome: EvaluationOutcome) => {
      if (worker !== this.#worker) return
      const current = this.#current
      this.#current = undefined
      current?.resolve(outcome)
      this.#next()
    })
    const ended = (error: unknown): void => {
      if (worker === this.#worker) this.#fail(error)
    }
    worker.on('error', ended)
    worker.on('messageerror', ended)
    worker.on('exit', (code) => ended(new Error(`the thread ended with code ${code}`)))
    return worker
  }

  /** Ends the thread, and the task that it works on; the next task starts another one. */
  #fail(error: unknown): void {
    const current = this.#current
    this.#current = undefined
    this.#end()
    if (current === undefined) return
    const { logger } = this.#options
    logger.warn('the evaluation of a schema failed', { error })
    const isMemory = (error as { readonly code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY'
    const reason = isMemory
      ? errors.invalidSchema('the evaluation takes too much memory', error)
      : error
    current.reject(reason instanceof Error ? reason : new Error(String(reason)))
    this.#next()
  }

  #end(): void {
    this.#timer?.cancel()
    const worker = this.#worker
    this.#worker = undefined
    worker?.terminate().catch((error: unknown) => {
      this.#options.logger.warn('ending a thread failed', { error })
    })
  }

  /** Ends the thread. Tasks are rejected. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const rejected = [...(this.#current === undefined ? [] : [this.#current]), ...this.#waiting]
    this.#current = undefined
    this.#waiting.length = 0
    this.#timer?.cancel()
    const worker = this.#worker
    this.#worker = undefined
    for (const { reject } of rejected) reject(errors.store('the registry is closed'))
    await worker?.terminate()
  }
}
