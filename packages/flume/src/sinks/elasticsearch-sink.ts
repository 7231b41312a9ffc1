// SPDX-License-Identifier: Apache-2.0
import type { TakeTransaction } from '../channel.ts'
import { type ComponentContext, defineSink, type Sink } from '../component.ts'
import {
  choice,
  integer,
  optionalText,
  requiredParsed,
  text,
  type ValuesOf,
} from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import { BucketPath, bucketPath } from './bucketing/bucket-path.ts'
import { parseHttpUrl } from './http-sink.ts'

const keys = {
  /** One or more hosts, separated by commas; if one does not answer, the next is tried. */
  hosts: requiredParsed(
    (value) =>
      value
        .split(',')
        .map((host) => parseHttpUrl(host.includes('://') ? host : `http://${host.trim()}`)),
    { alsoKnownAs: ['hostNames'] },
  ),
  index: bucketPath('flume-%Y-%m-%d', { alsoKnownAs: ['indexName'] }),
  batchSize: integer(100, { min: 1 }),
  /** `event` sends {@timestamp, headers, body}; `json` sends the body, which must be an object. */
  document: choice(['event', 'json'], 'event'),
  /** `create` is required for data streams; an existing document is then unchanged. */
  operation: choice(['index', 'create'], 'index'),
  idHeader: optionalText(),
  pipeline: optionalText(),
  username: optionalText(),
  password: optionalText(),
  apiKey: optionalText(),
  timeZone: text('UTC'),
  requestTimeout: integer(30_000, { min: 1 }),
}

type Config = ValuesOf<typeof keys>

const TOO_MANY_REQUESTS = 429
const CONFLICT = 409

interface BulkItem {
  readonly status: number
  readonly error?: { readonly type?: string; readonly reason?: string }
}

/**
 * Sends documents by the bulk API of Elasticsearch and OpenSearch. The id of an event is its
 * position in the channel, so that a batch that is sent twice is stored once. A document that the
 * server refuses for good is logged and dropped.
 */
class ElasticsearchSink implements Sink {
  readonly batchSize: number
  readonly #config: Config
  readonly #context: ComponentContext
  readonly #index: BucketPath
  #host = 0

  constructor(config: Config, context: ComponentContext) {
    this.#config = config
    this.#context = context
    this.batchSize = config.batchSize
    const { clock } = context.world
    this.#index = new BucketPath(config.index, {
      timeZone: config.timeZone,
      usesLocalTime: false,
      now: () => clock.now(),
    })
  }

  async process({ events, origin }: TakeTransaction): Promise<void> {
    const { idHeader, operation } = this.#config
    const now = this.#context.world.clock.now()
    const lines: string[] = []
    events.forEach((event, index) => {
      const own = idHeader === undefined ? undefined : event.headers[idHeader]
      const id = own ?? `${origin.id}-${origin.positions[index]}`
      const headers =
        event.headers.timestamp === undefined
          ? { timestamp: String(now), ...event.headers }
          : event.headers
      const target = { _index: this.#index.resolve(headers).toLowerCase(), _id: id }
      lines.push(JSON.stringify({ [operation]: target }))
      lines.push(this.#document(event, now))
    })
    const items = await this.#send(`${lines.join('\n')}\n`)
    this.#check(items)
  }

  #document({ headers, body }: Event, now: number): string {
    const text = body.toString()
    // A line break would end the document.
    if (this.#config.document === 'json') return text.replaceAll(/[\r\n]+/g, ' ')
    const ms = Number(headers.timestamp ?? now)
    return JSON.stringify({
      '@timestamp': new Date(Number.isNaN(ms) ? now : ms).toISOString(),
      headers: { ...headers },
      body: text,
    })
  }

  async #send(body: string): Promise<readonly BulkItem[]> {
    const { hosts, pipeline, requestTimeout } = this.#config
    const host = hosts[this.#host % hosts.length] as string
    const path = pipeline === undefined ? '_bulk' : `_bulk?pipeline=${encodeURIComponent(pipeline)}`
    try {
      const response = await fetch(new URL(path, host), {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-ndjson', ...this.#authorization() },
        signal: AbortSignal.timeout(requestTimeout),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`status ${response.status}: ${text.slice(0, 300)}`)
      const { items } = JSON.parse(text) as {
        readonly items: readonly Readonly<Record<string, BulkItem>>[]
      }
      return items.map((item) => item[this.#config.operation] as BulkItem)
    } catch (error) {
      this.#host++
      const cause = (error as Error).cause
      throw new DeliveryError(`${host}: ${reasonOf(cause ?? error)}`, error)
    }
  }

  #authorization(): Readonly<Record<string, string>> {
    const { apiKey, username, password } = this.#config
    if (apiKey !== undefined) return { authorization: `ApiKey ${apiKey}` }
    if (username === undefined) return {}
    const basic = Buffer.from(`${username}:${password ?? ''}`).toString('base64')
    return { authorization: `Basic ${basic}` }
  }

  #check(items: readonly BulkItem[]): void {
    const busy = items.find(({ status }) => status === TOO_MANY_REQUESTS || status >= 500)
    if (busy !== undefined) {
      throw new DeliveryError(
        `a document was refused for now (${busy.status}): ${busy.error?.reason ?? ''}`,
      )
    }
    for (const { status, error } of items) {
      const isThere = status === CONFLICT && this.#config.operation === 'create'
      if (status < 400 || isThere) continue
      this.#context.counters.add('EventWriteFail')
      this.#context.logger.error('a document cannot be indexed and is dropped', {
        sink: this.#context.name,
        status,
        type: error?.type,
        reason: error?.reason,
      })
    }
  }
}

export const elasticsearchSink = defineSink({
  type: 'elasticsearch',
  aliases: ['opensearch', 'org.apache.flume.sink.elasticsearch.ElasticSearchSink'],
  about: 'documents in Elasticsearch or OpenSearch',
  keys,
  create: (config, context) => new ElasticsearchSink(config, context),
})
