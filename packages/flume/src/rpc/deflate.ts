// SPDX-License-Identifier: Apache-2.0
import { constants, createDeflate, createInflate } from 'node:zlib'
import { type Connection, guard } from '@millrace/base'

/**
 * A connection with both directions compressed by zlib, as by Netty's codec: every write is
 * flushed.
 */
export function deflated(connection: Connection, level: number): Connection {
  const deflate = createDeflate({ level, flush: constants.Z_SYNC_FLUSH })
  const inflate = createInflate({ flush: constants.Z_SYNC_FLUSH })
  let failure: Error | undefined
  let isPaused = false
  const fail = (error: Error): void => {
    failure ??= error
    connection.destroy()
  }
  const outer: Connection = {
    remoteAddress: connection.remoteAddress,
    remotePort: connection.remotePort,
    localAddress: connection.localAddress,
    localPort: connection.localPort,
    peerName: connection.peerName,
    get unsentBytes() {
      return deflate.writableLength + connection.unsentBytes
    },
    onData() {},
    onEnd: () => outer.end(),
    onClose() {},
    onDrain() {},
    write(buffers) {
      let isReady = true
      for (const buffer of buffers) isReady = deflate.write(buffer)
      return isReady
    },
    pause() {
      isPaused = true
      inflate.pause()
      connection.pause()
    },
    resume() {
      isPaused = false
      inflate.resume()
      if (!inflate.writableNeedDrain) connection.resume()
    },
    end() {
      deflate.end(() => connection.end())
    },
    destroy: () => connection.destroy(),
  }
  deflate.on('data', (chunk: Buffer) => connection.write([chunk]))
  deflate.on('drain', () => guard(() => outer.onDrain(), fail))
  deflate.on('error', fail)
  inflate.on('data', (chunk: Buffer) => guard(() => outer.onData(chunk), fail))
  inflate.on('error', (error) =>
    fail(new Error(`what came is not compressed with zlib (${error.message})`)),
  )
  // A small chunk may inflate to a large one, so the socket is paused until that was processed.
  inflate.on('drain', () => {
    if (!isPaused) connection.resume()
  })
  connection.onData = (chunk) => {
    if (!inflate.write(chunk)) connection.pause()
  }
  connection.onEnd = () => outer.onEnd()
  connection.onDrain = () => outer.onDrain()
  connection.onClose = (error) => {
    // Bytes in the inflater are passed on first.
    const done = (): void => outer.onClose(failure ?? error)
    if (inflate.destroyed) done()
    else inflate.end(() => done())
    deflate.close()
  }
  return outer
}
