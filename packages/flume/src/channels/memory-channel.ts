// SPDX-License-Identifier: Apache-2.0

import { totalmem } from 'node:os'
import { elementAt } from '@millrace/base'
import type { BatchOrigin } from '../batch-origin.ts'
import type {
  Channel,
  PutOptions,
  PutTransaction,
  TakeOptions,
  TakeTransaction,
} from '../channel.ts'
import { type ComponentContext, defineChannel } from '../component.ts'
import { integer, optionalInteger, type ValuesOf } from '../config/keys.ts'
import { ChannelFullError } from '../errors.ts'
import type { Event } from '../event.ts'
import { WaitingRoom } from '../waiting.ts'
import { checkCapacities, requireFit } from './capacities.ts'
import { EventQueue } from './event-queue.ts'
import { ReceivedPositions } from './received-positions.ts'

export interface MemoryChannelOptions {
  readonly capacity: number
  readonly transactionCapacity: number
  /** Time that a put waits for free capacity, seconds. */
  readonly keepAlive: number
  /** Largest number of bytes of all bodies. */
  readonly byteCapacity: number
}

/** Default byte capacity: a fifth of the machine's memory, at most 1 GiB. */
const DEFAULT_BYTE_CAPACITY = Math.min(Math.floor(totalmem() / 5), 2 ** 30)

/** A queue in memory: fast, and lost with the process. */
export class MemoryChannel implements Channel {
  readonly id: string
  readonly isDurable = false
  readonly failedCommits = 0
  readonly #name: string
  #options: MemoryChannelOptions
  readonly #context: ComponentContext
  readonly #queue = new EventQueue()
  readonly #received: ReceivedPositions
  readonly #arrivals: WaitingRoom
  readonly #departures: WaitingRoom
  /** Number of events, with those in open transactions. */
  #size = 0
  #bytes = 0
  #nextPosition = 0
  /** All lower positions were delivered. */
  #floor = 0
  readonly #open = new Set<number>()

  constructor(options: MemoryChannelOptions, context: ComponentContext) {
    this.#options = options
    this.#context = context
    this.#name = context.name
    this.id = context.world.random.bytes(12).toString('hex')
    this.#arrivals = new WaitingRoom(context.world.clock)
    this.#departures = new WaitingRoom(context.world.clock)
    this.#received = new ReceivedPositions()
  }

  get size(): number {
    return this.#size
  }
  get capacity(): number {
    return this.#options.capacity
  }
  get transactionCapacity(): number {
    return this.#options.transactionCapacity
  }

  receivedUpTo(originId: string): number | undefined {
    return this.#received.floorOf(originId)
  }

  reconfigure(values: Readonly<Record<string, unknown>>): boolean {
    const config = values as unknown as MemoryChannelConfig
    this.#options = { ...config, byteCapacity: byteCapacityOf(config) }
    this.#departures.wake()
    return true
  }

  async put(given: readonly Event[], { origin }: PutOptions = {}): Promise<PutTransaction> {
    const { counters } = this.#context
    const { capacity, transactionCapacity, byteCapacity, keepAlive } = this.#options
    counters.add('EventPutAttemptCount', given.length)
    const { events, settle } = await this.#received.admit(given, origin)
    const count = events.length
    let bytes = 0
    for (const event of events) bytes += event.body.length
    try {
      requireFit(this.#name, count, transactionCapacity)
      const { clock } = this.#context.world
      const deadline = clock.monotonic() + keepAlive * 1000
      // A batch above the byte capacity is accepted when the channel is empty.
      while (
        this.#size + count > capacity ||
        (this.#bytes + bytes > byteCapacity && this.#size > 0)
      ) {
        if (!(await this.#departures.wait(deadline - clock.monotonic()))) {
          throw new ChannelFullError(
            `channel ${this.#name} is full (${this.#size} of ${capacity} events, ${this.#bytes} bytes); no room within ${keepAlive} s`,
          )
        }
      }
    } catch (error) {
      settle(false)
      throw error
    }
    this.#size += count
    this.#bytes += bytes
    let isOpen = true
    return {
      commit: async () => {
        if (!isOpen) return
        isOpen = false
        this.#queue.push({ first: this.#nextPosition, events })
        this.#nextPosition += count
        settle(true)
        counters.add('EventPutSuccessCount', count)
        this.#arrivals.wake()
      },
      rollback: async () => {
        if (!isOpen) return
        isOpen = false
        this.#release(count, bytes)
        settle(false)
      },
    }
  }

  async take(
    maxEvents: number,
    { waitMs, signal }: TakeOptions,
  ): Promise<TakeTransaction | undefined> {
    const { counters, world } = this.#context
    const deadline = world.clock.monotonic() + waitMs
    while (this.#queue.count === 0) {
      if (!(await this.#arrivals.wait(deadline - world.clock.monotonic(), signal))) return undefined
    }
    const taken = this.#queue.take(Math.min(maxEvents, this.#options.transactionCapacity))
    const { events, positions } = taken
    counters.add('EventTakeAttemptCount', events.length)
    const first = elementAt(positions, 0)
    this.#open.add(first)
    let isOpen = true
    return {
      events,
      origin: this.#originOf(positions),
      commit: async () => {
        if (!isOpen) return
        isOpen = false
        this.#open.delete(first)
        let bytes = 0
        for (const event of events) bytes += event.body.length
        this.#release(events.length, bytes)
        counters.add('EventTakeSuccessCount', events.length)
      },
      rollback: async () => {
        if (!isOpen) return
        isOpen = false
        this.#open.delete(first)
        this.#queue.giveBack(taken)
        this.#arrivals.wake()
      },
    }
  }

  #originOf(positions: readonly number[]): BatchOrigin {
    // The oldest event in an open transaction; returned events are not older.
    this.#floor = Math.max(this.#floor, Math.min(...this.#open))
    return { id: this.id, floor: this.#floor, positions }
  }

  #release(count: number, bytes: number): void {
    this.#size -= count
    this.#bytes -= bytes
    this.#departures.wake()
  }
}

/** Flume uses the default for larger numbers. */
const JAVA_INT = 2 ** 31 - 1

const keys = {
  capacity: integer(100, { min: 1, max: JAVA_INT, elseDefault: 'always' }),
  transactionCapacity: integer(100, { min: 1, max: JAVA_INT, elseDefault: 'always' }),
  keepAlive: integer(3, { key: 'keep-alive', min: 0, isFloor: true, elseDefault: 'always' }),
  byteCapacityBufferPercentage: integer(20, { min: 0, max: 100, elseDefault: 'always' }),
  byteCapacity: optionalInteger({ min: 0, isFloor: true, elseDefault: 'always' }),
}

type MemoryChannelConfig = ValuesOf<typeof keys>

export const memoryChannel = defineChannel({
  type: 'memory',
  aliases: ['org.apache.flume.channel.MemoryChannel'],
  about: 'a queue in memory, lost with the process',
  keys,
  check: checkCapacities,
  create: (config, context) =>
    new MemoryChannel({ ...config, byteCapacity: byteCapacityOf(config) }, context),
})

/** Flume reserves a percentage of the bytes for headers; 0 means no limit. */
export function byteCapacityOf(config: {
  readonly byteCapacity: number | undefined
  readonly byteCapacityBufferPercentage: number
}): number {
  if (config.byteCapacity === 0) return Number.POSITIVE_INFINITY
  const all = config.byteCapacity ?? DEFAULT_BYTE_CAPACITY
  return Math.floor(all * (1 - config.byteCapacityBufferPercentage / 100))
}
