// SPDX-License-Identifier: Apache-2.0
import { constants, createDeflate, createInflate } from 'node:zlib'
import type { Connection } from '@millrace/base'

/** Both directions of a connection as zlib streams, as Netty's codec does it: every write is flushed. */
export function deflated(connection: Connection, level: number): Connection {
  const deflate = createDeflate({ level, flush: constants.Z_SYNC_FLUSH })
  const inflate = createInflate({ flush: constants.Z_SYNC_FLUSH })
  const outer: Connection = {
    remoteAddress: connection.remoteAddress,
    remotePort: connection.remotePort,
    localAddress: connection.localAddress,
    localPort: connection.localPort,
    peerName: connection.peerName,
    onData() {},
    onClose() {},
    onDrain() {},
    write(buffers) {
      let isReady = true
      for (const buffer of buffers) isReady = deflate.write(buffer)
      return isReady
    },
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    end: () => void deflate.end(() => connection.end()),
    destroy: () => connection.destroy(),
  }
  deflate.on('data', (chunk: Buffer) => connection.write([chunk]))
  deflate.on('drain', () => outer.onDrain())
  inflate.on('data', (chunk: Buffer) => outer.onData(chunk))
  let failure: Error | undefined
  inflate.on('error', (error) => {
    failure = new Error(`what came is not compressed with zlib (${error.message})`)
    connection.destroy()
  })
  deflate.on('error', () => connection.destroy())
  connection.onData = (chunk) => void inflate.write(chunk)
  connection.onClose = (error) => {
    // What is in the inflater has to come out first.
    const done = (): void => outer.onClose(failure ?? error)
    if (inflate.destroyed) done()
    else inflate.end(() => done())
    deflate.close()
  }
  connection.onDrain = () => outer.onDrain()
  return outer
}
