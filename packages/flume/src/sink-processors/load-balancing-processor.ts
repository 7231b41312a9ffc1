// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import {
  defineSinkProcessor,
  type GroupedSink,
  type SinkBatch,
  type SinkOutcome,
  type SinkProcessor,
  type SinkProcessorContext,
} from '../component.ts'
import { boolean, choice, integer, type ValuesOf } from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'

const keys = {
  selector: choice(['round_robin', 'random'], 'round_robin'),
  backoff: boolean(false),
  maxTimeOut: integer(30_000, { key: 'selector.maxTimeOut', min: 0, isFloor: true }),
}

type Config = ValuesOf<typeof keys>

/** When a sink that failed may be tried again. */
interface Penalty {
  failures: number
  untilMs: number
}

/** Time after the end of a penalty within which another failure doubles it. */
const MEMORY_MS = 2000

class LoadBalance implements SinkProcessor {
  readonly #config: Config
  readonly #context: SinkProcessorContext
  readonly #failed = new Map<GroupedSink, Penalty>()
  #turn = 0

  constructor(config: Config, context: SinkProcessorContext) {
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
        this.#context.logger.warn('a sink failed; trying the next one', {
          sink: sink.name,
          reason: reasonOf(error),
        })
      }
    }
    throw new DeliveryError(
      `all sinks of the group failed (${this.#context.sinks.map(({ name }) => name).join(', ')})${last === undefined ? '' : `; the last error: ${reasonOf(last)}`}`,
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
      const swapped = elementAt(usable, i)
      usable[i] = elementAt(usable, j)
      usable[j] = swapped
    }
    return usable
  }

  #punish(sink: GroupedSink): void {
    const now = this.#context.world.clock.monotonic()
    const penalty = this.#failed.get(sink) ?? { failures: 0, untilMs: 0 }
    penalty.failures = now - penalty.untilMs > MEMORY_MS ? 1 : penalty.failures + 1
    penalty.untilMs =
      now + Math.min(this.#config.maxTimeOut, 1000 * 2 ** Math.min(penalty.failures, 16))
    this.#failed.set(sink, penalty)
  }
}

export const loadBalancingProcessor = defineSinkProcessor({
  type: 'load_balance',
  aliases: ['org.apache.flume.sink.LoadBalancingSinkProcessor'],
  about: 'the sinks in turn or at random; those that fail are passed over',
  keys,
  create(config, context) {
    return new LoadBalance(config, context)
  },
})
