// SPDX-License-Identifier: Apache-2.0

import { lookup, lookupService } from 'node:dns/promises'
import { hostname } from 'node:os'
import { type ComponentContext, defineInterceptor, type Interceptor } from '../component.ts'
import { boolean, choice, text } from '../config/keys.ts'
import { type Event, hopsOf } from '../event.ts'
import { functionInterceptor } from './function-interceptor.ts'
import { regexExtractor } from './regex-extractor.ts'
import { regexFilter } from './regex-filter.ts'
import { removeHeader } from './remove-header.ts'
import { searchReplace } from './search-replace.ts'
import { thresholdInterceptor } from './threshold-interceptor.ts'

/** An interceptor that looks at one event at a time and drops none. */
function each(change: (event: Event) => void): Interceptor {
  return {
    intercept(events) {
      for (const event of events) change(event)
      return events
    },
  }
}

const timestamp = defineInterceptor({
  type: 'timestamp',
  aliases: ['org.apache.flume.interceptor.TimestampInterceptor$Builder'],
  about: 'the time in milliseconds, as a header',
  keys: {
    headerName: text('timestamp', { alsoKnownAs: ['header'] }),
    preserveExisting: boolean(false),
  },
  create({ headerName, preserveExisting }, { world }) {
    return {
      intercept(events) {
        const now = String(world.clock.now())
        for (const { headers } of events) {
          if (!preserveExisting || headers[headerName] === undefined) headers[headerName] = now
        }
        return events
      },
    }
  },
})

const host = defineInterceptor({
  type: 'host',
  aliases: ['org.apache.flume.interceptor.HostInterceptor$Builder'],
  about: "this machine's address or name, as a header",
  keys: { preserveExisting: boolean(false), useIP: boolean(true), hostHeader: text('host') },
  create(config, context) {
    return new HostInterceptor(config, context)
  },
})

class HostInterceptor implements Interceptor {
  readonly #config: {
    readonly preserveExisting: boolean
    readonly useIP: boolean
    readonly hostHeader: string
  }
  readonly #context: ComponentContext
  #host: string | undefined

  constructor(
    config: {
      readonly preserveExisting: boolean
      readonly useIP: boolean
      readonly hostHeader: string
    },
    context: ComponentContext,
  ) {
    this.#config = config
    this.#context = context
  }

  async start(): Promise<void> {
    try {
      const { address } = await lookup(hostname(), { family: 4 }).catch(() => lookup(hostname()))
      this.#host = this.#config.useIP
        ? address
        : await lookupService(address, 0).then(
            (found) => found.hostname,
            () => hostname(),
          )
    } catch {
      this.#context.logger.warn('cannot find the address of this machine; no header is set', {
        interceptor: this.#context.name,
      })
    }
  }

  intercept(events: Event[]): Event[] {
    const { hostHeader, preserveExisting } = this.#config
    if (this.#host === undefined) return events
    for (const { headers } of events) {
      if (!preserveExisting || headers[hostHeader] === undefined) headers[hostHeader] = this.#host
    }
    return events
  }
}

const fixed = defineInterceptor({
  type: 'static',
  aliases: ['org.apache.flume.interceptor.StaticInterceptor$Builder'],
  about: 'one header with one value',
  keys: { preserveExisting: boolean(true), key: text('key'), value: text('value') },
  create: ({ preserveExisting, key, value }) =>
    each(({ headers }) => {
      if (!preserveExisting || headers[key] === undefined) headers[key] = value
    }),
})

const uuid = defineInterceptor({
  type: 'uuid',
  aliases: ['org.apache.flume.sink.solr.morphline.UUIDInterceptor$Builder'],
  about: 'a header that no other event has',
  keys: { headerName: text('id'), preserveExisting: boolean(true), prefix: text('') },
  create: ({ headerName, preserveExisting, prefix }, { world }) =>
    each(({ headers }) => {
      if (preserveExisting && headers[headerName] !== undefined) return
      headers[headerName] = prefix + randomUuid(world.random.bytes(16))
    }),
})

/** RFC 9562, version 4. */
function randomUuid(bytes: Buffer): string {
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

const lineage = defineInterceptor({
  type: 'lineage',
  about: 'the agents that an event has crossed so far, as a header',
  keys: { headerName: text('lineage'), format: choice(['text', 'json'], 'text') },
  create: ({ headerName, format }) =>
    each((event) => {
      const hops = hopsOf(event.lineage)
      if (hops.length === 0) return
      event.headers[headerName] =
        format === 'json'
          ? JSON.stringify(hops)
          : hops
              .map(({ agent, source, host, atMs }) => `${agent}.${source}@${host} ${atMs}`)
              .join(' > ')
    }),
})

export const interceptors = [
  timestamp,
  host,
  fixed,
  removeHeader,
  uuid,
  searchReplace,
  regexFilter,
  regexExtractor,
  functionInterceptor,
  thresholdInterceptor,
  lineage,
] as const
