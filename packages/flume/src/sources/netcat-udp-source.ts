// SPDX-License-Identifier: Apache-2.0
import { defineSource } from '../component.ts'
import { optionalText, port, text } from '../config/keys.ts'
import { Event, newHeaders } from '../event.ts'
import { DatagramServer } from './datagram-server.ts'

export const netcatUdpSource = defineSource({
  type: 'netcatudp',
  aliases: ['org.apache.flume.source.NetcatUdpSource'],
  about: 'the first line of each UDP datagram is an event',
  keys: { bind: text('0.0.0.0'), port: port(), remoteAddressHeader: optionalText() },
  create({ bind, port, remoteAddressHeader }, context) {
    const server = new DatagramServer(
      {
        host: bind,
        port,
        toEvent(datagram, from) {
          const headers = newHeaders()
          // The format of Java's socket addresses.
          if (remoteAddressHeader !== undefined) {
            headers[remoteAddressHeader] = `/${from.address}:${from.port}`
          }
          const end = datagram.indexOf(0x0a)
          return new Event(end < 0 ? datagram : datagram.subarray(0, end), headers)
        },
      },
      context,
    )
    return {
      start: () => server.start(),
      stop: () => server.stop(),
      get addresses() {
        return [server.address]
      },
    }
  },
})
