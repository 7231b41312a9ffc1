// SPDX-License-Identifier: Apache-2.0
import { defineInterceptor } from '../component.ts'
import { boolean, text } from '../config/keys.ts'

export const timestampInterceptor = defineInterceptor({
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
