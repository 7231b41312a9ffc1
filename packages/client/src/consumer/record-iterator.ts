// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { type ConsumerCore, LOOK_EVERY } from './consumer-core.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { Cursor, PartitionState, Position } from './partition-state.ts'

const WAIT_MS = 60_000

/** Records of one partition that are returned one by one, with a cursor. */
export class Chunk implements Cursor {
  readonly state: PartitionState
  readonly records: readonly ConsumerRecord<unknown, unknown>[]
  readonly #end: Position | undefined
  readonly #start: Position | undefined
  readonly #seekCount: number
  /** Index of the next record. */
  index = 0

  constructor(state: PartitionState, records: readonly ConsumerRecord<unknown, unknown>[]) {
    this.state = state
    this.records = records
    this.#start = state.position
    this.#end = state.takenTo
    this.#seekCount = state.seekCount
    state.follow(this)
  }

  /** The partition was revoked or moved, so the rest of the chunk is discarded. */
  get isStale(): boolean {
    return this.state.isRevoked || this.state.seekCount !== this.#seekCount
  }

  #after(index: number): Position | undefined {
    if (index >= this.records.length) return this.#end
    const before = this.records[index - 1]
    if (before === undefined) return this.#start
    return { offset: before.offset + 1n, leaderEpoch: before.leaderEpoch }
  }

  delivered(): Position | undefined {
    return this.#after(this.index)
  }

  /** Asking for the next record means that the last one was handled. */
  handled(): Position | undefined {
    return this.#after(Math.max(0, this.index - 1))
  }

  finish(): void {
    this.state.consumedTo(this.#end)
  }
}

/** `for await` over a consumer. */
export class RecordIterator<R> implements AsyncIterator<R, undefined>, AsyncDisposable {
  readonly #core: ConsumerCore
  readonly #onEnd: () => void
  #chunk: Chunk | undefined
  #isEnded = false
  #isBusy = false

  constructor(core: ConsumerCore, onEnd: () => void) {
    this.#core = core
    this.#onEnd = onEnd
  }

  next(): Promise<IteratorResult<R, undefined>> {
    const chunk = this.#chunk
    if (chunk !== undefined && chunk.index < chunk.records.length && !chunk.isStale) {
      if (!chunk.state.isPaused) {
        this.#core.progress()
        if (chunk.index % LOOK_EVERY === 0 && this.#core.isBreathDue())
          return this.#nextAfterBreath()
        return Promise.resolve({ done: false, value: chunk.records[chunk.index++] as R })
      }
    }
    return this.#nextChunk()
  }

  /** A loop body that never waits would keep heartbeats from being sent. */
  async #nextAfterBreath(): Promise<IteratorResult<R, undefined>> {
    await this.#core.breathe()
    return this.next()
  }

  async #nextChunk(): Promise<IteratorResult<R, undefined>> {
    if (this.#isBusy) {
      throw new MillraceError(
        'MILLRACE_CONCURRENT_READ',
        'next was called before the last call was answered',
      )
    }
    this.#isBusy = true
    try {
      this.#leaveChunk()
      await this.#core.breathe()
      // All records that were returned are handled, so the group may change now.
      await this.#core.turn(0)
      for (;;) {
        if (this.#isEnded || this.#core.isClosed) return this.#end()
        for (const state of this.#core.states()) {
          if (state.isPaused || !state.isReady) continue
          const records = this.#core.take(state, Number.POSITIVE_INFINITY)
          if (records.length === 0) {
            state.consumedAll()
            continue
          }
          this.#chunk = new Chunk(state, records)
          this.#chunk.index = 1
          return { done: false, value: records[0] as R }
        }
        await this.#core.turn(WAIT_MS)
      }
    } catch (error) {
      if (this.#core.isClosed) return this.#end()
      this.#end()
      throw error
    } finally {
      this.#isBusy = false
    }
  }

  /** Records how far the chunk was read; the rest is read again. */
  #leaveChunk(): void {
    const chunk = this.#chunk
    this.#chunk = undefined
    if (chunk === undefined || chunk.isStale) return
    if (chunk.index >= chunk.records.length) chunk.finish()
    else {
      const position = chunk.delivered()
      if (position !== undefined) chunk.state.seek(position)
    }
  }

  #end(): IteratorResult<R, undefined> {
    if (!this.#isEnded) {
      this.#isEnded = true
      this.#onEnd()
    }
    return { done: true, value: undefined }
  }

  /**
   * `break`: the record in progress stays uncommitted unless `commit` is called, as it is unknown
   * whether it was handled.
   */
  async return(): Promise<IteratorResult<R, undefined>> {
    const chunk = this.#chunk
    this.#chunk = undefined
    if (chunk !== undefined && !chunk.isStale) {
      const position = chunk.delivered()
      const handled = chunk.handled()
      if (position !== undefined) {
        chunk.state.seek(position)
        chunk.state.follow({ delivered: () => position, handled: () => handled })
      }
    }
    return this.#end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
