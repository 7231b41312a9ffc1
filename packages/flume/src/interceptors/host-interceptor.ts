// SPDX-License-Identifier: Apache-2.0
import { lookup, lookupService } from 'node:dns/promises'
import { hostname } from 'node:os'
import { type ComponentContext, defineInterceptor, type Interceptor } from '../component.ts'
import { boolean, text, type ValuesOf } from '../config/keys.ts'
import type { Event } from '../event.ts'

const keys = {
  preserveExisting: boolean(false),
  useIP: boolean(true),
  hostHeader: text('host'),
}

class HostInterceptor implements Interceptor {
  readonly #config: ValuesOf<typeof keys>
  readonly #context: ComponentContext
  #host: string | undefined

  constructor(config: ValuesOf<typeof keys>, context: ComponentContext) {
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
      this.#context.logger.warn('cannot look up the address of this host; the header is not set', {
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

export const hostInterceptor = defineInterceptor({
  type: 'host',
  aliases: ['org.apache.flume.interceptor.HostInterceptor$Builder'],
  about: "this machine's address or name, as a header",
  keys,
  create(config, context) {
    return new HostInterceptor(config, context)
  },
})
