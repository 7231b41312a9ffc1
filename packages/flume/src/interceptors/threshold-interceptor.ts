// SPDX-License-Identifier: Apache-2.0
import { type ComponentContext, defineInterceptor, type Interceptor } from '../component.ts'
import { decimal, integer, optionalText, parsed, type ValuesOf } from '../config/keys.ts'
import type { Event } from '../event.ts'
import { optionalPattern } from '../regex/pattern-keys.ts'

const keys = {
  /** Events within the window. */
  count: integer(0, { min: 0 }),
  /** Bytes of bodies within the window. */
  bytes: integer(0, { min: 0 }),
  /** Events a second, over the window. */
  rate: decimal(0, { min: 0 }),
  /** Least value of a header, or of the first group of `valuePattern`. */
  value: parsed<number | undefined>((text) => {
    const number = Number(text)
    if (text.trim() === '' || Number.isNaN(number)) throw new Error('a number')
    return number
  }, undefined),
  valueHeader: optionalText(),
  valuePattern: optionalPattern({ usesGroups: true }),
  /** Length of the window, milliseconds. */
  window: integer(60_000, { min: 1 }),
  /** Header whose values are counted separately. */
  keyHeader: optionalText(),
  /**
   * Time for which events pass after the threshold is reached. 0: only the event that reaches it.
   */
  hold: integer(0, { min: 0 }),
  /** Header that is set to the threshold that was reached. */
  header: optionalText(),
}

interface Count {
  /** Time and size of each event within the window, oldest first. */
  readonly times: number[]
  readonly sizes: number[]
  bytes: number
  openUntil: number
}

/** Number of values counted at a time; the oldest one is dropped. */
const MAX_KEYS = 10_000

/**
 * Drops events until a threshold is reached: a number of events, of bytes or a rate within a
 * window, or a value in the event. Then counting starts again from zero.
 */
class ThresholdInterceptor implements Interceptor {
  readonly #config: ValuesOf<typeof keys>
  readonly #context: ComponentContext
  readonly #counts = new Map<string, Count>()
  /** A retried event is not counted twice. */
  readonly #decided = new WeakMap<Event, boolean>()

  constructor(config: ValuesOf<typeof keys>, context: ComponentContext) {
    this.#config = config
    this.#context = context
  }

  intercept(events: Event[]): Event[] {
    const now = this.#context.world.clock.now()
    return events.filter((event) => {
      const passes = this.#decided.get(event) ?? this.#passes(event, now)
      this.#decided.set(event, passes)
      return passes
    })
  }

  #passes(event: Event, now: number): boolean {
    const { keyHeader, hold, header } = this.#config
    const count = this.#countOf(keyHeader === undefined ? '' : (event.headers[keyHeader] ?? ''))
    const reached = this.#reached(event, count, now)
    if (reached !== undefined) {
      count.openUntil = now + hold
      count.times.length = 0
      count.sizes.length = 0
      count.bytes = 0
      if (header !== undefined) event.headers[header] = reached
      return true
    }
    return now < count.openUntil
  }

  #countOf(key: string): Count {
    let count = this.#counts.get(key)
    if (count === undefined) {
      count = { times: [], sizes: [], bytes: 0, openUntil: Number.NEGATIVE_INFINITY }
      if (this.#counts.size >= MAX_KEYS) {
        const [oldest] = this.#counts.keys()
        if (oldest !== undefined) this.#counts.delete(oldest)
      }
      this.#counts.set(key, count)
    }
    return count
  }

  /** The threshold that the event reaches, as `count=100`; undefined if none. */
  #reached(event: Event, count: Count, now: number): string | undefined {
    const { value, window } = this.#config
    if (value !== undefined) {
      const own = this.#valueOf(event)
      if (own !== undefined && own >= value) return `value=${own}`
    }
    count.times.push(now)
    count.sizes.push(event.body.length)
    count.bytes += event.body.length
    while ((count.times[0] as number) <= now - window) {
      count.times.shift()
      count.bytes -= count.sizes.shift() as number
    }
    const { count: most, bytes, rate } = this.#config
    if (most > 0 && count.times.length >= most) return `count=${count.times.length}`
    if (bytes > 0 && count.bytes >= bytes) return `bytes=${count.bytes}`
    const perSecond = (count.times.length * 1000) / window
    if (rate > 0 && perSecond >= rate) return `rate=${perSecond}`
    return undefined
  }

  #valueOf({ headers, body }: Event): number | undefined {
    const { valueHeader, valuePattern } = this.#config
    let text = headers[valueHeader ?? 'value']
    if (valuePattern !== undefined) {
      const given = valueHeader === undefined ? body.toString() : (text ?? '')
      text = valuePattern.limited(given, (pattern) => pattern.find(given))?.value?.[1]
    }
    const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
    return Number.isNaN(number) ? undefined : number
  }
}

export const thresholdInterceptor = defineInterceptor({
  type: 'threshold',
  about: 'lets events through only when a count, size, rate or value is reached',
  keys,
  check({ count, bytes, rate, value }) {
    if (count > 0 || bytes > 0 || rate > 0 || value !== undefined) return []
    return [
      { key: 'count', message: 'is missing: one of count, bytes, rate, value has to be given' },
    ]
  },
  create: (config, context) => new ThresholdInterceptor(config, context),
})
