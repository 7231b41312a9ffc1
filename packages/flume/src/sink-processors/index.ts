// SPDX-License-Identifier: Apache-2.0
import {
  defineSinkProcessor,
  type GroupedSink,
  type SinkBatch,
  type SinkOutcome,
  type SinkProcessor,
  type SinkProcessorContext,
} from '../component.ts'
import { boolean, choice, integer, prefixed } from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'

const single = defineSinkProcessor({
  type: 'default',
  aliases: ['org.apache.flume.sink.DefaultSinkProcessor'],
  about: 'one sink',
  keys: {},
  create(_config, { sinks }) {
    const [only] = sinks
    if (only === undefined || sinks.length > 1) {
      throw new DeliveryError('the default processor takes one sink; use failover or load_balance')
    }
    return only
  },
})

/** A sink that failed, and when it may be tried again. */
interface Penalty {
  readonly sink: GroupedSink
  failures: number
  untilMs: number
}

const failover = defineSinkProcessor({
  type: 'failover',
  aliases: ['org.apache.flume.sink.FailoverSinkProcessor'],
  about: 'the sink with the highest priority that works',
  keys: {
    priorities: prefixed('priority.'),
    maxPenalty: integer(30_000, {
      key: 'maxpenalty',
      min: 0,
      isFloor: true,
      elseDefault: 'always',
    }),
  },
  check(config) {
    return [...config.priorities]
      .filter(([, value]) => !/^[+-]?\d+$/.test(value.trim()))
      .map(([sink, value]) => ({
        key: `priority.${sink}`,
        message: `is ${JSON.stringify(value)}; expected a whole number; the sink comes after those with a priority`,
        effect: 'none' as const,
      }))
  },
  create(config, context) {
    return new Failover(config.priorities, config.maxPenalty, context)
  },
})

class Failover implements SinkProcessor {
  readonly #context: SinkProcessorContext
  readonly #maxPenaltyMs: number
  /** Highest priority first. */
  readonly #ranked: readonly GroupedSink[]
  readonly #failed = new Map<GroupedSink, Penalty>()
  /** Sink of the last batch. */
  #active: GroupedSink | undefined
  /** Whether no batch has failed since the last one that was not a follow-up. */
  #isIntact = false

  constructor(
    priorities: ReadonlyMap<string, string>,
    maxPenaltyMs: number,
    context: SinkProcessorContext,
  ) {
    this.#context = context
    this.#maxPenaltyMs = maxPenaltyMs
    let unranked = 0
    const ranks = new Map(
      context.sinks.map((sink) => {
        const given = priorities.get(sink.name)
        // As in Flume: without a priority, each is below the one before.
        return [sink, /^[+-]?\d+$/.test(given?.trim() ?? '') ? Number(given) : --unranked]
      }),
    )
    this.#ranked = [...context.sinks].sort(
      (a, b) => (ranks.get(b) as number) - (ranks.get(a) as number),
    )
  }

  /** One while another sink is due: the batches in flight are delivered before it takes over. */
  get maxInFlight(): number {
    const [best] = this.#usable()
    return best === this.#active && this.#isIntact ? (best?.maxInFlight ?? 1) : 1
  }

  #usable(): GroupedSink[] {
    const now = this.#context.world.clock.monotonic()
    return this.#ranked.filter((sink) => (this.#failed.get(sink)?.untilMs ?? now) <= now)
  }

  /** A batch fails over to another sink only if none before it is in flight: that keeps the order. */
  async process(batch: SinkBatch): Promise<SinkOutcome> {
    if (batch.isFollowUp === true) {
      if (this.#active === undefined || !this.#isIntact) {
        throw new DeliveryError('an earlier batch was not delivered')
      }
      return this.#attempt(this.#active, batch)
    }
    this.#isIntact = true
    let last: unknown
    for (const sink of this.#usable()) {
      this.#active = sink
      try {
        return await this.#attempt(sink, batch)
      } catch (error) {
        last = error
      }
    }
    throw new DeliveryError(
      `all sinks of the group fail (${this.#ranked.map(({ name }) => name).join(', ')})${last === undefined ? '' : `; the last said: ${reasonOf(last)}`}`,
      last,
    )
  }

  async #attempt(sink: GroupedSink, batch: SinkBatch): Promise<SinkOutcome> {
    try {
      const outcome = (await sink.process(batch)) ?? 'ready'
      this.#failed.delete(sink)
      return outcome
    } catch (error) {
      this.#isIntact = false
      this.#punish(sink, error)
      throw error
    }
  }

  #punish(sink: GroupedSink, error: unknown): void {
    const penalty = this.#failed.get(sink) ?? { sink, failures: 0, untilMs: 0 }
    const now = this.#context.world.clock.monotonic()
    // Batches that fail together count as one failure.
    if (penalty.untilMs > now) return
    penalty.failures++
    const ms = Math.min(this.#maxPenaltyMs, 1000 * 2 ** Math.min(penalty.failures, 20))
    penalty.untilMs = now + ms
    this.#failed.set(sink, penalty)
    this.#context.logger.warn('a sink failed; another takes over', {
      sink: sink.name,
      reason: reasonOf(error),
      againInMs: ms,
    })
  }
}

const loadBalance = defineSinkProcessor({
  type: 'load_balance',
  aliases: ['org.apache.flume.sink.LoadBalancingSinkProcessor'],
  about: 'the sinks in turn or at random; those that fail are passed over',
  keys: {
    selector: choice(['round_robin', 'random'], 'round_robin'),
    backoff: boolean(false),
    maxTimeOut: integer(30_000, { key: 'selector.maxTimeOut', min: 0, isFloor: true }),
  },
  create(config, context) {
    return new LoadBalance(config, context)
  },
})

/** How long a failure is held against a sink after it may be tried again. */
const MEMORY_MS = 2000

class LoadBalance implements SinkProcessor {
  readonly #config: {
    readonly selector: 'round_robin' | 'random'
    readonly backoff: boolean
    readonly maxTimeOut: number
  }
  readonly #context: SinkProcessorContext
  readonly #failed = new Map<GroupedSink, Penalty>()
  #turn = 0

  constructor(
    config: {
      readonly selector: 'round_robin' | 'random'
      readonly backoff: boolean
      readonly maxTimeOut: number
    },
    context: SinkProcessorContext,
  ) {
    this.#config = config
    this.#context = context
  }

  async process(batch: SinkBatch): Promise<SinkOutcome> {
    let last: unknown
    for (const sink of this.#order()) {
      try {
        const outcome = (await sink.process(batch)) ?? 'ready'
        this.#failed.delete(sink)
        return outcome
      } catch (error) {
        last = error
        this.#punish(sink)
        this.#context.logger.warn('a sink failed; the next one is tried', {
          sink: sink.name,
          reason: reasonOf(error),
        })
      }
    }
    throw new DeliveryError(
      `no sink of the group takes events (${this.#context.sinks.map(({ name }) => name).join(', ')})${last === undefined ? '' : `; the last said: ${reasonOf(last)}`}`,
      last,
    )
  }

  #order(): GroupedSink[] {
    const { clock, random } = this.#context.world
    const now = clock.monotonic()
    const usable = this.#context.sinks.filter((sink) => {
      const penalty = this.#failed.get(sink)
      return !this.#config.backoff || penalty === undefined || penalty.untilMs <= now
    })
    if (this.#config.selector === 'round_robin') {
      const start = this.#turn++ % Math.max(usable.length, 1)
      return [...usable.slice(start), ...usable.slice(0, start)]
    }
    for (let i = usable.length - 1; i > 0; i--) {
      const j = random.integer(i + 1)
      const swapped = usable[i] as GroupedSink
      usable[i] = usable[j] as GroupedSink
      usable[j] = swapped
    }
    return usable
  }

  #punish(sink: GroupedSink): void {
    const now = this.#context.world.clock.monotonic()
    const penalty = this.#failed.get(sink) ?? { sink, failures: 0, untilMs: 0 }
    penalty.failures = now - penalty.untilMs > MEMORY_MS ? 1 : penalty.failures + 1
    penalty.untilMs =
      now + Math.min(this.#config.maxTimeOut, 1000 * 2 ** Math.min(penalty.failures, 16))
    this.#failed.set(sink, penalty)
  }
}

export const sinkProcessors = [single, failover, loadBalance] as const
