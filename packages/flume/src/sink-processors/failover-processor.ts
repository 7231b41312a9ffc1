// SPDX-License-Identifier: Apache-2.0
import {
  defineSinkProcessor,
  type GroupedSink,
  type SinkBatch,
  type SinkOutcome,
  type SinkProcessor,
  type SinkProcessorContext,
} from '../component.ts'
import { integer, prefixed } from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'

/** When a sink that failed may be tried again. */
interface Penalty {
  failures: number
  untilMs: number
}

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

  /**
   * A batch fails over to another sink only if none before it is in flight: that keeps the order.
   */
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
      `all sinks of the group failed (${this.#ranked.map(({ name }) => name).join(', ')})${last === undefined ? '' : `; the last error: ${reasonOf(last)}`}`,
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
    const penalty = this.#failed.get(sink) ?? { failures: 0, untilMs: 0 }
    const now = this.#context.world.clock.monotonic()
    // Batches that fail together count as one failure.
    if (penalty.untilMs > now) return
    penalty.failures++
    const ms = Math.min(this.#maxPenaltyMs, 1000 * 2 ** Math.min(penalty.failures, 20))
    penalty.untilMs = now + ms
    this.#failed.set(sink, penalty)
    this.#context.logger.warn('a sink failed; failing over to another one', {
      sink: sink.name,
      reason: reasonOf(error),
      retryInMs: ms,
    })
  }
}

export const failoverProcessor = defineSinkProcessor({
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
