// SPDX-License-Identifier: Apache-2.0
import { createServer, createConnection as openSocket, type Server, type Socket } from 'node:net'
import type { createServer as createTlsServer, TLSSocket, connect as tlsConnect } from 'node:tls'
import type { Connection, ConnectOptions, ListenOptions, Network } from './network.ts'

/** Bytes reach the connection in `onread` buffers, or, without them, in 'data' events. */
function connectionOf(socket: Socket, hasOwnBuffers = false): Connection {
  let failure: Error | undefined
  const connection: Connection = {
    remoteAddress: socket.remoteAddress ?? '',
    remotePort: socket.remotePort ?? 0,
    localAddress: socket.localAddress ?? '',
    localPort: socket.localPort ?? 0,
    peerName: peerNameOf(socket),
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
  if (!hasOwnBuffers) socket.on('data', (chunk: Buffer) => connection.onData(chunk))
  socket.on('drain', () => connection.onDrain())
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('end', () => socket.end())
  socket.on('close', () => connection.onClose(failure))
  return connection
}

function peerNameOf(socket: Socket): string | undefined {
  const secured = socket as Partial<TLSSocket>
  if (secured.authorized !== true) return undefined
  const { CN } = secured.getPeerCertificate?.().subject ?? {}
  return Array.isArray(CN) ? CN[0] : CN
}

async function connect(options: ConnectOptions): Promise<Connection> {
  const { host, port, tls, timeoutMs, nextBuffer } = options
  let connection: Connection | undefined
  const socket = await openFor(options, (chunk) => connection?.onData(chunk))
  return new Promise((resolve, reject) => {
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const message = `no connection to ${host}:${port} within ${timeoutMs} ms`
            socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }))
          }, timeoutMs)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      reject(error)
    }
    const failClosed = (): void => {
      fail(
        Object.assign(new Error(`${host}:${port} closed the connection`), { code: 'ECONNRESET' }),
      )
    }
    socket.once('error', fail)
    socket.once('close', failClosed)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      socket.off('close', failClosed)
      connection = connectionOf(socket, tls === undefined && nextBuffer !== undefined)
      resolve(connection)
    })
  })
}

async function openFor(
  { host, port, tls, nextBuffer }: ConnectOptions,
  onData: (chunk: Buffer) => void,
): Promise<Socket> {
  if (tls !== undefined) {
    // Loaded on first use: most connections are plain.
    const { connect: connectTls } = (await import('node:tls')) as { connect: typeof tlsConnect }
    const servername = tls.servername ?? (/^[\d.]+$|:/.test(host) ? '' : host)
    return connectTls({ ...tls, host, port, servername })
  }
  if (nextBuffer === undefined) return openSocket({ host, port })
  return openSocket({
    host,
    port,
    onread: {
      buffer: nextBuffer,
      callback(size, buffer) {
        onData((buffer as Buffer).subarray(0, size))
        return true
      },
    },
  })
}

/** TCP through `node:net`, TLS through `node:tls`. */
export const nodeNetwork: Network = {
  connect,
  async listen(options) {
    const { host, port, backlog, onError } = options
    const server = await serverFor(options)
    return new Promise((resolve, reject) => {
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

async function serverFor({ tls, onConnection }: ListenOptions): Promise<Server> {
  const accept = (socket: Socket): void => onConnection(connectionOf(socket))
  if (tls === undefined) return createServer({ allowHalfOpen: true }, accept)
  const { createServer: createTls } = (await import('node:tls')) as {
    createServer: typeof createTlsServer
  }
  const server = createTls(tls, accept)
  // A peer that fails its handshake is its own concern.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}
