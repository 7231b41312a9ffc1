// SPDX-License-Identifier: Apache-2.0
import { createServer, type Socket } from 'node:net'
import type { Connection, Network } from './network.ts'

function connectionOf(socket: Socket): Connection {
  let failure: Error | undefined
  const connection: Connection = {
    remoteAddress: socket.remoteAddress ?? '',
    remotePort: socket.remotePort ?? 0,
    localAddress: socket.localAddress ?? '',
    localPort: socket.localPort ?? 0,
    onData() {},
    onClose() {},
    onDrain() {},
    write(buffers) {
      if (socket.destroyed) return true
      if (buffers.length === 1) return socket.write(buffers[0] as Uint8Array)
      socket.cork()
      let ready = true
      for (const buffer of buffers) ready = socket.write(buffer)
      socket.uncork()
      return ready
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  }
  socket.setNoDelay(true)
  socket.on('data', (chunk: Buffer) => connection.onData(chunk))
  socket.on('drain', () => connection.onDrain())
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('end', () => socket.end())
  socket.on('close', () => connection.onClose(failure))
  return connection
}

/** TCP through `node:net`. */
export const nodeNetwork: Network = {
  listen({ host, port, backlog, onConnection, onError }) {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true }, (socket) =>
        onConnection(connectionOf(socket)),
      )
      server.once('error', reject)
      const address = host === '' ? {} : { host }
      server.listen({ ...address, port, ...(backlog === undefined ? {} : { backlog }) }, () => {
        server.off('error', reject)
        server.on('error', onError)
        const bound = server.address()
        resolve({
          port: typeof bound === 'object' && bound !== null ? bound.port : port,
          close: () => new Promise((done) => server.close(() => done())),
        })
      })
    })
  },
}
