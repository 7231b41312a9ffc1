// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { defineInterceptor } from '../component.ts'
import { boolean, text } from '../config/keys.ts'

/** RFC 9562, version 4. */
function randomUuid(bytes: Buffer): string {
  bytes[6] = (elementAt(bytes, 6) & 0x0f) | 0x40
  bytes[8] = (elementAt(bytes, 8) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export const uuidInterceptor = defineInterceptor({
  type: 'uuid',
  aliases: ['org.apache.flume.sink.solr.morphline.UUIDInterceptor$Builder'],
  about: 'a unique identifier, as a header',
  keys: { headerName: text('id'), preserveExisting: boolean(true), prefix: text('') },
  create: ({ headerName, preserveExisting, prefix }, { world }) => ({
    intercept(events) {
      for (const { headers } of events) {
        if (preserveExisting && headers[headerName] !== undefined) continue
        headers[headerName] = prefix + randomUuid(world.random.bytes(16))
      }
      return events
    },
  }),
})
