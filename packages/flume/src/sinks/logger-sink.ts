// SPDX-License-Identifier: Apache-2.0
import { defineSink } from '../component.ts'
import { integer } from '../config/keys.ts'
import type { Event } from '../event.ts'
import { javaMapText } from '../serialization/java-map-text.ts'

export const loggerSink = defineSink({
  type: 'logger',
  aliases: ['org.apache.flume.sink.LoggerSink'],
  about: "writes headers and the beginning of the body to the agent's log",
  keys: { maxBytesToLog: integer(16, { min: 0, isFloor: true, elseDefault: 'always' }) },
  create({ maxBytesToLog }, { logger }) {
    return {
      batchSize: 100,
      async process({ events }) {
        for (const event of events) logger.info(`Event: ${dump(event, maxBytesToLog)}`)
      },
    }
  },
})

/** The text of Flume's EventHelper: 16 bytes per line, in hexadecimal and as characters. */
export function dump({ headers, body }: Event, maxBytes: number): string {
  const lines: string[] = []
  const end = Math.min(body.length, maxBytes)
  for (let at = 0; at < end; at += 16) {
    const bytes = body.subarray(at, Math.min(at + 16, end))
    const hex = [...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
    const text = [...bytes].map((byte) =>
      byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.',
    )
    const offset = at === 0 ? '' : at.toString(16).toUpperCase().padStart(8, '0')
    lines.push(`${offset} ${hex.join(' ').padEnd(47)} ${text.join('')}`)
  }
  return `{ headers:${javaMapText(headers)} body:${lines.join('\n')} }`
}
