// SPDX-License-Identifier: Apache-2.0
import type {
  Channel,
  PutOptions,
  PutTransaction,
  TakeOptions,
  TakeTransaction,
} from '../channel.ts'
import { type ComponentContext, defineChannel } from '../component.ts'
import { ignored, integer, optionalInteger, type ValuesOf } from '../config/keys.ts'
import { ChannelError } from '../errors.ts'
import type { Event } from '../event.ts'
import { WaitingRoom } from '../waiting.ts'
import { checkFileChannel, createFileChannel, fileChannelKeys } from './file/file-channel-keys.ts'
import { byteCapacityOf, MemoryChannel } from './memory-channel.ts'

const keys = {
  ...fileChannelKeys,
  memoryCapacity: integer(10_000, { min: 0, elseDefault: 'always' }),
  overflowCapacity: integer(100_000_000, { min: 0, isFloor: true, elseDefault: 'always' }),
  overflowTimeout: integer(3, { min: 0, isFloor: true, elseDefault: 'always' }),
  overflowDeactivationThreshold: ignored('memory is used again when the overflow is empty'),
  byteCapacityBufferPercentage: integer(20, { min: 0, max: 100, elseDefault: 'always' }),
  byteCapacity: optionalInteger({ min: 0, isFloor: true, elseDefault: 'always' }),
  avgEventSize: ignored('events are weighed, not estimated'),
}

/**
 * Uses memory first. Events that do not fit go to a file channel, and so do all later ones until it
 * is empty, which keeps the order. Events in memory are lost with the process.
 */
class SpillableMemoryChannel implements Channel {
  /** Events in memory do not survive a crash. */
  readonly isDurable = false
  readonly #memory: MemoryChannel | undefined
  readonly #overflow: Channel | undefined
  readonly #arrivals: WaitingRoom
  readonly #context: ComponentContext
  readonly transactionCapacity: number
  readonly capacity: number

  constructor(config: ValuesOf<typeof keys>, context: ComponentContext) {
    this.#context = context
    this.#arrivals = new WaitingRoom(context.world.clock)
    this.transactionCapacity = config.transactionCapacity
    this.capacity = config.memoryCapacity + config.overflowCapacity
    if (config.memoryCapacity > 0) {
      this.#memory = new MemoryChannel(
        {
          capacity: config.memoryCapacity,
          transactionCapacity: config.transactionCapacity,
          // With an overflow, a put does not wait.
          keepAlive: config.overflowCapacity > 0 ? 0 : config.overflowTimeout,
          byteCapacity: byteCapacityOf(config),
        },
        context,
      )
    }
    if (config.overflowCapacity > 0) {
      this.#overflow = createFileChannel({ ...config, capacity: config.overflowCapacity }, context)
    }
  }

  get id(): string {
    return (this.#overflow ?? this.#memory)?.id ?? ''
  }
  get size(): number {
    return (this.#memory?.size ?? 0) + (this.#overflow?.size ?? 0)
  }
  get failedCommits(): number {
    return this.#overflow?.failedCommits ?? 0
  }
  get sizeInMemory(): number {
    return this.#memory?.size ?? 0
  }

  async start(): Promise<void> {
    await this.#overflow?.start?.()
  }

  async put(events: readonly Event[], options: PutOptions = {}): Promise<PutTransaction> {
    const { failedCommits } = options
    const memory = this.#memory
    const overflow = this.#overflow
    const fits =
      memory !== undefined &&
      memory.size + events.length <= memory.capacity &&
      (overflow === undefined || overflow.size === 0)
    const channel = (fits ? memory : (overflow ?? memory)) as Channel
    const put = await channel.put(events, { ...options, failedCommits: undefined })
    return {
      commit: async () => {
        if (failedCommits !== undefined && failedCommits !== this.failedCommits) {
          await put.rollback()
          throw new ChannelError(
            `channel ${this.#context.name} could not write an earlier batch of the same sender`,
          )
        }
        await put.commit()
        this.#arrivals.wake()
      },
      rollback: () => put.rollback(),
    }
  }

  async take(
    maxEvents: number,
    { waitMs, signal }: TakeOptions,
  ): Promise<TakeTransaction | undefined> {
    const { clock } = this.#context.world
    const deadline = clock.monotonic() + waitMs
    for (;;) {
      // Events in memory are older than those in the overflow.
      for (const channel of [this.#memory, this.#overflow]) {
        const taken = await channel?.take(maxEvents, { waitMs: 0 })
        if (taken === undefined) continue
        return {
          events: taken.events,
          origin: taken.origin,
          commit: () => taken.commit(),
          rollback: async () => {
            await taken.rollback()
            this.#arrivals.wake()
          },
        }
      }
      if (!(await this.#arrivals.wait(deadline - clock.monotonic(), signal))) return undefined
    }
  }

  async stop(): Promise<void> {
    await this.#overflow?.stop?.()
  }
}

export const spillableMemoryChannel = defineChannel({
  type: 'SPILLABLEMEMORY',
  aliases: ['org.apache.flume.channel.SpillableMemoryChannel'],
  about: 'memory, and a file channel for what does not fit',
  keys,
  check(config) {
    if (config.memoryCapacity + config.overflowCapacity === 0) {
      return [{ key: 'memoryCapacity', message: 'and overflowCapacity are both 0' }]
    }
    const capacity = Math.max(config.memoryCapacity, config.overflowCapacity)
    return checkFileChannel({ ...config, capacity })
  },
  create: (config, context) => new SpillableMemoryChannel(config, context),
})
