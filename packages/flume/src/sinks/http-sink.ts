// SPDX-License-Identifier: Apache-2.0
import type { TakeTransaction } from '../channel.ts'
import { type ComponentContext, defineSink, type Sink, type SinkOutcome } from '../component.ts'
import { boolean, integer, prefixed, requiredParsed, text, type ValuesOf } from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'

/** Reads an http or https URL. */
export function parseHttpUrl(given: string): string {
  const url = URL.parse(given.trim())
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Error('a URL with http:// or https://')
  return url.href
}

const keys = {
  endpoint: requiredParsed(parseHttpUrl),
  connectTimeout: integer(5000, { min: 1 }),
  requestTimeout: integer(5000, { min: 1 }),
  contentTypeHeader: text('text/plain'),
  acceptHeader: text('text/plain'),
  defaultBackoff: boolean(true),
  defaultRollback: boolean(true),
  defaultIncrementMetrics: boolean(false),
  backoff: prefixed('backoff.'),
  rollback: prefixed('rollback.'),
  incrementMetrics: prefixed('incrementMetrics.'),
}

type Config = ValuesOf<typeof keys>

/**
 * Sends each event as a POST request; the status code or its class (2XX) determines the outcome.
 */
class HttpSink implements Sink {
  // One event per transaction, as each has its own response.
  readonly batchSize = 1
  readonly #config: Config
  readonly #context: ComponentContext

  constructor(config: Config, context: ComponentContext) {
    this.#config = config
    this.#context = context
  }

  async process({ events }: TakeTransaction): Promise<SinkOutcome> {
    const [event] = events
    // As in Flume, an empty event is not sent.
    if (event === undefined || event.body.length === 0) return 'ready'
    const status = await this.#post(event.body)
    const { defaultBackoff, defaultRollback, defaultIncrementMetrics } = this.#config
    const rollsBack = override(this.#config.rollback, status, defaultRollback)
    const backsOff = override(this.#config.backoff, status, defaultBackoff)
    if (override(this.#config.incrementMetrics, status, defaultIncrementMetrics)) {
      this.#context.counters.add('HttpIncrementedCount')
    }
    if (!rollsBack) return backsOff ? 'backoff' : 'ready'
    this.#context.logger.warn('the server refused an event; retrying', {
      sink: this.#context.name,
      status,
    })
    return backsOff ? 'rollback-and-backoff' : 'rollback'
  }

  async #post(body: Buffer): Promise<number> {
    const { endpoint, contentTypeHeader, acceptHeader, connectTimeout, requestTimeout } =
      this.#config
    try {
      const response = await fetch(endpoint, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { 'content-type': contentTypeHeader, accept: acceptHeader },
        signal: AbortSignal.timeout(connectTimeout + requestTimeout),
      })
      await response.arrayBuffer()
      return response.status
    } catch (error) {
      const cause = (error as Error).cause
      throw new DeliveryError(`${endpoint}: ${reasonOf(cause ?? error)}`, error)
    }
  }
}

function override(
  overrides: ReadonlyMap<string, string>,
  status: number,
  fallback: boolean,
): boolean {
  const code = String(status)
  const found = overrides.get(code) ?? overrides.get(`${code[0]}XX`)
  return found === undefined ? fallback : found.trim().toLowerCase() === 'true'
}

export const httpSink = defineSink({
  type: 'http',
  aliases: ['org.apache.flume.sink.http.HttpSink'],
  about: 'events by HTTP POST, one each',
  keys,
  check(config) {
    return (['backoff', 'rollback', 'incrementMetrics'] as const).flatMap((name) =>
      [...config[name]].flatMap(([code, value]) => {
        const key = `${name}.${code}`
        if (!/^[1-5](\d\d|XX)$/.test(code)) {
          return [
            {
              key,
              message: 'is for no status; expected a code such as 404, or a class such as 4XX',
              effect: 'none',
            },
          ]
        }
        if (/^(true|false)$/i.test(value.trim())) return []
        const message = `is ${JSON.stringify(value)}; expected true or false; it is read as false`
        return [{ key, message, effect: 'none' }]
      }),
    )
  },
  create: (config, context) => new HttpSink(config, context),
})
