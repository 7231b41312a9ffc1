// SPDX-License-Identifier: Apache-2.0
import { elementAt, type Logger, type World } from '@millrace/base'
import { type BatchOrigin, originOf } from './batch-origin.ts'
import type { Channel, PutTransaction } from './channel.ts'
import type { ChannelSelector, Interceptor } from './component.ts'
import { reasonOf } from './errors.ts'
import type { Event, Hop, Lineage } from './event.ts'
import type { Counters } from './operation/counters.ts'
import type { Taps } from './operation/taps.ts'

interface Options {
  readonly agent: string
  readonly source: string
  readonly host: string
  readonly world: World
  readonly logger: Logger
  readonly counters: Counters
  readonly taps: Taps
  readonly interceptors: readonly Interceptor[]
  readonly selector: ChannelSelector
  /** All channels of the source. */
  readonly channels: readonly Channel[]
}

/** Options of `ChannelProcessor.process`. */
export interface ProcessOptions {
  /** Origin of the batch, by which duplicates are recognized. */
  readonly origin?: BatchOrigin | undefined
  /** Whether the event was sent alone; selects the counter. */
  readonly isSingle?: boolean
  /** Lets batches of one sender overlap in their order. */
  readonly pipeline?: Pipeline
  /**
   * Called when the next batch of the pipeline may begin: it will be stored after this one, and not
   * if this one fails. Not called if the channels cannot ensure that before this one is stored.
   */
  readonly onOrdered?: () => void
}

/**
 * The batches of one sender, such as a connection. It is of no further use when one has failed: the
 * sender begins again with a new one.
 */
export class Pipeline {
  readonly #failedCommits = new Map<Channel, number | undefined>()

  /** The value of the channel's `failedCommits` when the pipeline first used it. */
  failedCommitsOf(channel: Channel): number | undefined {
    if (!this.#failedCommits.has(channel)) this.#failedCommits.set(channel, channel.failedCommits)
    return this.#failedCommits.get(channel)
  }
}

/** The part of a batch that goes to one channel. */
interface Share {
  readonly channel: Channel
  readonly events: readonly Event[]
  readonly origin: BatchOrigin | undefined
}

/**
 * Puts the batches of a source into its channels: runs interceptors and the selector, then an
 * atomic put into all required channels.
 */
export class ChannelProcessor {
  readonly #options: Options

  /** Created by the agent for each source. */
  constructor(options: Options) {
    this.#options = options
  }

  /** Largest number of events that fits into one transaction of every channel. */
  get maxBatchSize(): number {
    return Math.min(...this.#options.channels.map(({ transactionCapacity }) => transactionCapacity))
  }

  /** The configured batch size, limited to `maxBatchSize`. */
  batchSizeWithin(wanted: number): number {
    return Math.max(1, Math.min(wanted, this.maxBatchSize))
  }

  /** The highest position below which one of the channels has received all events of an origin. */
  receivedUpTo(originId: string): number | undefined {
    const known = this.#options.channels.flatMap(
      (channel) => channel.receivedUpTo?.(originId) ?? [],
    )
    return known.length === 0 ? undefined : Math.max(...known)
  }

  /**
   * Resolves when every required channel has stored the events. Rejects with `ChannelFullError` or
   * `ChannelError` if one cannot; then none has stored them, and the batch may be retried.
   */
  async process(given: readonly Event[], options: ProcessOptions = {}): Promise<void> {
    const { counters } = this.#options
    counters.add('EventReceivedCount', given.length)
    counters.add(options.isSingle === true ? 'AppendReceivedCount' : 'AppendBatchReceivedCount')
    const { events, origin } = await this.#intercept(given, options.origin)
    if (events.length > 0) {
      this.#leaveTrace(events)
      this.#options.taps.pass(this.#options.source, events)
      try {
        await this.#put(events, origin, options)
      } catch (error) {
        counters.add('ChannelWriteFail')
        throw error
      }
    }
    counters.add('EventAcceptedCount', given.length)
    counters.add(options.isSingle === true ? 'AppendAcceptedCount' : 'AppendBatchAcceptedCount')
  }

  async #intercept(
    given: readonly Event[],
    origin: BatchOrigin | undefined,
  ): Promise<{ readonly events: readonly Event[]; readonly origin: BatchOrigin | undefined }> {
    const { interceptors } = this.#options
    if (interceptors.length === 0) return { events: given, origin }
    let events = [...given]
    for (const interceptor of interceptors) {
      const left = interceptor.intercept(events)
      events = left instanceof Promise ? await left : left
    }
    if (origin === undefined || events.length === given.length) return { events, origin }
    const indexes = new Map(given.map((event, index) => [event, index]))
    const kept = events.map((event) => indexes.get(event))
    // Events that an interceptor created have no position in the origin.
    if (kept.some((index) => index === undefined)) return { events, origin: undefined }
    return { events, origin: originOf(origin, kept as number[]) }
  }

  /**
   * Adds this source to the lineage of each event. Events with the same lineage share one object.
   */
  #leaveTrace(events: readonly Event[]): void {
    const { agent, source, host, world } = this.#options
    const hop: Hop = { agent, source, host, atMs: world.clock.now() }
    let last: Lineage = { hop, previous: undefined }
    for (const event of events) {
      // A retried event has this hop already.
      const before = event.lineage?.hop
      if (before?.source === source && before.agent === agent && before.host === host) continue
      if (event.lineage !== last.previous) last = { hop, previous: event.lineage }
      event.lineage = last
    }
  }

  async #put(
    events: readonly Event[],
    origin: BatchOrigin | undefined,
    options: ProcessOptions,
  ): Promise<void> {
    const { selector } = this.#options
    if (selector.isUniform) {
      const share = (channel: Channel): Share => ({ channel, events, origin })
      const optional = selector.optional(undefined).map(share)
      await this.#putAll(selector.required(undefined).map(share), {
        ...options,
        hasOptional: optional.length > 0,
      })
      await this.#putOptional(optional)
      return
    }
    const required = shares(events, origin, (event) => selector.required(event))
    const optional = shares(events, origin, (event) => selector.optional(event))
    await this.#putAll(required, { ...options, hasOptional: optional.length > 0 })
    await this.#putOptional(optional)
  }

  async #putAll(
    shares: readonly Share[],
    {
      pipeline,
      onOrdered,
      hasOptional,
    }: ProcessOptions & { /** Optional channels follow. */ readonly hasOptional: boolean },
  ): Promise<void> {
    const begin = ({ channel, events, origin }: Share): Promise<PutTransaction> =>
      channel.put(events, { origin, failedCommits: pipeline?.failedCommitsOf(channel) })
    /** Commits the put that decides about the batch. */
    const commit = (put: PutTransaction): Promise<void> => {
      const committed = put.commit()
      const isOrdered =
        !hasOptional && shares.every(({ channel }) => channel.failedCommits !== undefined)
      if (isOrdered) onOrdered?.()
      return committed
    }
    const [only] = shares
    if (only !== undefined && shares.length === 1) {
      await commit(await begin(only))
      return
    }
    const open: { readonly share: Share; readonly put: PutTransaction }[] = []
    try {
      for (const share of shares) {
        open.push({ share, put: await begin(share) })
      }
      const durable = open.filter(({ put }) => put.prepare !== undefined)
      const [coordinator] = durable
      if (coordinator !== undefined && durable.length > 1) {
        const fanOut = {
          id: this.#options.world.random.bytes(12).toString('hex'),
          coordinatorId: coordinator.share.channel.id,
        }
        await Promise.all(durable.map(({ put }) => put.prepare?.(fanOut)))
      }
      // The first durable channel is the coordinator; puts into memory cannot fail after it.
      if (coordinator !== undefined) await commit(coordinator.put)
      const decided = coordinator === undefined ? open : open.filter((each) => each !== coordinator)
      if (coordinator === undefined) {
        for (const { put } of decided) await put.commit()
      } else {
        await this.#commitDecided(decided.map(({ put }) => put))
      }
    } catch (error) {
      await Promise.all(open.map(({ put }) => put.rollback()))
      throw error
    }
  }

  /**
   * Point of no return: the batch counts. A channel that fails to log that learns it from the
   * coordinator at the next start.
   */
  async #commitDecided(puts: readonly PutTransaction[]): Promise<void> {
    const outcomes = await Promise.allSettled(puts.map((put) => put.commit()))
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        this.#options.logger.error('a channel could not log the commit of a put', {
          source: this.#options.source,
          error: outcome.reason,
        })
      }
    }
  }

  async #putOptional(shares: readonly Share[]): Promise<void> {
    for (const { channel, events, origin } of shares) {
      try {
        const put = await channel.put(events, { origin })
        await put.commit()
      } catch (error) {
        this.#options.logger.warn('an optional channel did not store events', {
          source: this.#options.source,
          events: events.length,
          reason: reasonOf(error),
        })
      }
    }
  }
}

function shares(
  events: readonly Event[],
  origin: BatchOrigin | undefined,
  channelsOf: (event: Event) => readonly Channel[],
): Share[] {
  const indexes = new Map<Channel, number[]>()
  events.forEach((event, index) => {
    for (const channel of channelsOf(event)) {
      const list = indexes.get(channel)
      if (list === undefined) indexes.set(channel, [index])
      else list.push(index)
    }
  })
  return [...indexes].map(([channel, list]) => ({
    channel,
    events: list.length === events.length ? events : list.map((index) => elementAt(events, index)),
    origin: origin === undefined ? undefined : originOf(origin, list),
  }))
}
