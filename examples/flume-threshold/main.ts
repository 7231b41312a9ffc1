// SPDX-License-Identifier: Apache-2.0
// A trigger: no event passes until there were three failed logins of one user within a minute.
import { createSocket } from 'node:dgram'
import { type Event, type Sink, startAgent } from '@millrace/flume'

class Alarm implements Sink {
  readonly batchSize = 10
  static readonly rang = Promise.withResolvers<Event>()

  async process({ events }: { readonly events: readonly Event[] }): Promise<void> {
    const [event] = events
    if (event !== undefined) Alarm.rang.resolve(event)
  }
}

await using agent = await startAgent({
  name: 'alarm',
  sources: {
    syslog: {
      type: 'syslogudp',
      host: '127.0.0.1',
      port: 0,
      channels: ['memory'],
      interceptors: {
        failures: { type: 'regex_filter', regex: 'Failed password' },
        user: {
          type: 'regex_extractor',
          regex: 'for (\\w+)',
          serializers: ['user'],
          entries: { 'user.name': 'user' },
        },
        threshold: {
          type: 'threshold',
          count: 3,
          window: 60_000,
          keyHeader: 'user',
          header: 'why',
        },
      },
    },
  },
  channels: { memory: { type: 'memory' } },
  sinks: { alarm: { type: Alarm, channel: 'memory' } },
})

const socket = createSocket('udp4')
const port = Number(agent.addressesOf('syslog')[0]?.split(':')[1])
for (const user of ['alice', 'bob', 'alice', 'root', 'alice']) {
  socket.send(`<38>Nov 22 10:00:00 host sshd[7]: Failed password for ${user}`, port, '127.0.0.1')
}
const { headers } = await Alarm.rang.promise
console.log(`alarm for ${headers.user} (${headers.why})`)
socket.close()
