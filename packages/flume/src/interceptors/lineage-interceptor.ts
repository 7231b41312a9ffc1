// SPDX-License-Identifier: Apache-2.0
import { defineInterceptor } from '../component.ts'
import { choice, text } from '../config/keys.ts'
import { type Hop, hopsOf } from '../event.ts'

const formats: Readonly<Record<'text' | 'json', (hops: readonly Hop[]) => string>> = {
  json: JSON.stringify,
  text: (hops) =>
    hops.map(({ agent, source, host, atMs }) => `${agent}.${source}@${host} ${atMs}`).join(' > '),
}

export const lineageInterceptor = defineInterceptor({
  type: 'lineage',
  about: 'the agents that an event has passed, as a header',
  keys: { headerName: text('lineage'), format: choice(['text', 'json'], 'text') },
  create: ({ headerName, format }) => ({
    intercept(events) {
      for (const { headers, lineage } of events) {
        const hops = hopsOf(lineage)
        if (hops.length > 0) headers[headerName] = formats[format](hops)
      }
      return events
    },
  }),
})
