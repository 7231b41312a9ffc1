// SPDX-License-Identifier: Apache-2.0
import { type ConsumerCore, LOOK_EVERY } from './consumer-core.ts'
import type { PartitionState } from './partition-state.ts'
import { Chunk } from './record-iterator.ts'

const WAIT_MS = 60_000

/** Records of one assigned partition. Ends when the partition is revoked or the consumer closes. */
export class PartitionStream<R> implements AsyncIterableIterator<R, undefined> {
  /** Topic. */
  readonly topic: string
  /** Partition. */
  readonly partition: number
  readonly #core: ConsumerCore
  /** Fetched records, and the position. */
  readonly state: PartitionState
  #chunk: Chunk | undefined
  #waiting: (() => void) | undefined
  /** When the record in progress was returned; undefined if there is none. */
  heldSinceMs: number | undefined
  #released: (() => void)[] = []
  #isEnded = false
  #error: Error | undefined

  /** Created by `Consumer.partitions`. */
  constructor(core: ConsumerCore, state: PartitionState) {
    this.#core = core
    this.state = state
    this.topic = state.topic
    this.partition = state.partition
  }

  /** The next record; done if the partition was revoked or the consumer closed. */
  async next(): Promise<IteratorResult<R, undefined>> {
    this.#release()
    for (;;) {
      if (this.#error !== undefined) throw this.#error
      if (this.#isEnded || this.state.isRevoked || this.#core.isClosed) return this.#end()
      if (this.#chunk?.isStale === true) this.#chunk = undefined
      const chunk = this.#chunk
      if (chunk !== undefined && chunk.index < chunk.records.length && !this.state.isPaused) {
        if (chunk.index % LOOK_EVERY === 0) await this.#core.breathe()
        if (chunk.isStale) continue
        this.heldSinceMs = this.#core.now()
        return { done: false, value: chunk.records[chunk.index++] as R }
      }
      if (chunk !== undefined && chunk.index >= chunk.records.length) {
        chunk.finish()
        this.#chunk = undefined
      }
      if (this.#chunk === undefined && this.state.isReady && !this.state.isPaused) {
        const records = this.#core.take(this.state, Number.POSITIVE_INFINITY)
        if (records.length === 0) this.state.consumedAll()
        else this.#chunk = new Chunk(this.state, records)
        this.#core.wake()
        await this.#core.breathe()
        continue
      }
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  /** The state may have changed. */
  wake(error?: Error): void {
    this.#error ??= error
    this.#waiting?.()
    this.#waiting = undefined
  }

  #release(): void {
    this.heldSinceMs = undefined
    for (const resolve of this.#released.splice(0)) resolve()
  }

  /** Resolves when the last returned record is no longer in progress. */
  released(): Promise<void> {
    if (this.heldSinceMs === undefined) return Promise.resolve()
    return new Promise((resolve) => this.#released.push(resolve))
  }

  #end(): IteratorResult<R, undefined> {
    this.#isEnded = true
    return { done: true, value: undefined }
  }

  /** `break`: this iterable stops reading the partition. */
  async return(): Promise<IteratorResult<R, undefined>> {
    this.#release()
    this.state.isPaused = true
    return this.#end()
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/**
 * Streams of all partitions, as they are assigned. Drives the consumer until the iteration ends.
 */
export class PartitionStreams<R> implements AsyncIterator<PartitionStream<R>, undefined> {
  readonly #core: ConsumerCore
  readonly #onEnd: () => void
  readonly #streams = new Map<PartitionState, PartitionStream<R>>()
  readonly #added: PartitionStream<R>[] = []
  #waiting: (() => void) | undefined
  #error: Error | undefined
  #isEnded = false
  #driving: Promise<void> | undefined

  constructor(core: ConsumerCore, onEnd: () => void) {
    this.#core = core
    this.#onEnd = onEnd
    core.attach({
      settle: async (states) => {
        await Promise.all(states.map((state) => this.#streams.get(state)?.released()))
      },
      progressMs: () => {
        const held = [...this.#streams.values()].flatMap(({ heldSinceMs }) => heldSinceMs ?? [])
        return Math.min(core.now(), ...held)
      },
    })
  }

  async next(): Promise<IteratorResult<PartitionStream<R>, undefined>> {
    this.#driving ??= this.#drive()
    for (;;) {
      const stream = this.#added.shift()
      if (stream !== undefined) return { done: false, value: stream }
      if (this.#error !== undefined) throw this.#error
      if (this.#isEnded) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  async #drive(): Promise<void> {
    try {
      while (!this.#isEnded && !this.#core.isClosed) {
        for (const state of this.#core.states()) {
          if (this.#streams.has(state)) continue
          const stream = new PartitionStream<R>(this.#core, state)
          this.#streams.set(state, stream)
          this.#added.push(stream)
        }
        for (const [state, stream] of this.#streams) {
          stream.wake()
          if (state.isRevoked) this.#streams.delete(state)
        }
        if (this.#added.length > 0) this.#wake()
        await this.#core.turn(WAIT_MS)
      }
    } catch (error) {
      if (!this.#core.isClosed) this.#error = error as Error
    } finally {
      this.#isEnded = true
      for (const stream of this.#streams.values()) stream.wake(this.#error)
      this.#onEnd()
      this.#wake()
    }
  }

  #wake(): void {
    this.#waiting?.()
    this.#waiting = undefined
  }

  async return(): Promise<IteratorResult<PartitionStream<R>, undefined>> {
    this.#isEnded = true
    this.#core.wake()
    await this.#driving
    return { done: true, value: undefined }
  }
}
