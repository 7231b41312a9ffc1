// SPDX-License-Identifier: Apache-2.0
import { defineInterceptor } from '../component.ts'
import { boolean, text } from '../config/keys.ts'

export const staticInterceptor = defineInterceptor({
  type: 'static',
  aliases: ['org.apache.flume.interceptor.StaticInterceptor$Builder'],
  about: 'one header with one value',
  keys: { preserveExisting: boolean(true), key: text('key'), value: text('value') },
  create: ({ preserveExisting, key, value }) => ({
    intercept(events) {
      for (const { headers } of events) {
        if (!preserveExisting || headers[key] === undefined) headers[key] = value
      }
      return events
    },
  }),
})
