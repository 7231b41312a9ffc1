// SPDX-License-Identifier: Apache-2.0
import { createConnection, type Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { seededRandom } from '@millrace/testkit'

/** A port, and the traffic of an honest client on it. */
export interface Target {
  readonly port: number
  /** Bytes sent by honest clients, by connection, in their original chunks. */
  readonly conversations: readonly (readonly Buffer[])[]
  /** Beginnings of messages that announce an excessive size. */
  readonly hugeLengths: readonly Buffer[]
}

/** A misbehaviour. Resolves when it is complete; connections may still be open. */
export type Misbehaviour = (target: Target, sockets: Sockets) => Promise<void>

/** The connections of a hostile client. */
export class Sockets {
  readonly #open = new Set<Socket>()

  /** Connects; `reads` is whether replies are read from the socket. */
  async connect(port: number, { reads = true } = {}): Promise<Socket> {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.on('error', () => {})
    if (reads) socket.resume()
    this.#open.add(socket)
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve)
      socket.once('close', () => resolve())
    })
    return socket
  }

  closeAll(): void {
    for (const socket of this.#open) socket.destroy()
    this.#open.clear()
  }
}

/** Number of positions of a conversation to test; FRAMES=all tests all. */
const PLACES = process.env.FRAMES === 'all' ? Number.POSITIVE_INFINITY : 8

/** Positions to stop at, spread over `count` chunks, including the last. */
function places(count: number): number[] {
  const step = Math.max(1, Math.floor(count / PLACES))
  const all = Array.from({ length: Math.ceil(count / step) }, (_, i) =>
    Math.min(count, (i + 1) * step),
  )
  return [...new Set([...all, count])]
}

/** Sends the first chunks of a conversation one by one, as if waiting for replies. */
async function talk(socket: Socket, chunks: readonly Buffer[]): Promise<void> {
  for (const chunk of chunks) {
    if (socket.destroyed) return
    socket.write(chunk)
    await sleep(2)
  }
}

async function diesAtFrames(
  { port, conversations }: Target,
  sockets: Sockets,
  die: (socket: Socket) => void,
): Promise<void> {
  for (const chunks of conversations) {
    await Promise.all(
      places(chunks.length).map(async (count) => {
        const socket = await sockets.connect(port)
        await talk(socket, chunks.slice(0, count))
        // Part of the next chunk, as if the process was killed while writing.
        const next = chunks[count]
        if (next !== undefined) socket.write(next.subarray(0, next.length >> 1))
        await sleep(5)
        die(socket)
      }),
    )
  }
}

/** All misbehaviours, by name. */
export const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
  'crashes at a frame (FIN)': (target, sockets) =>
    diesAtFrames(target, sockets, (socket) => socket.destroy()),

  'crashes at a frame (RST)': (target, sockets) =>
    diesAtFrames(target, sockets, (socket) => socket.resetAndDestroy()),

  'closes its side': async ({ port, conversations }, sockets) => {
    await Promise.all(
      conversations.flatMap((chunks) =>
        places(chunks.length).map(async (count) => {
          const socket = await sockets.connect(port)
          socket.end(Buffer.concat(chunks.slice(0, count)))
        }),
      ),
    )
    await sleep(300)
  },

  'never reads': async ({ port, conversations }, sockets) => {
    for (const chunks of conversations) {
      const socket = await sockets.connect(port, { reads: false })
      socket.pause()
      const whole = Buffer.concat([...chunks])
      // The honest client runs in the same process: a few large writes do not delay it.
      const block = Buffer.concat(Array(Math.ceil(65_536 / whole.length)).fill(whole))
      // Up to 8 MiB of requests without reading a reply.
      for (let sent = 0; sent < 8 * 1024 * 1024 && !socket.destroyed; sent += block.length) {
        if (!socket.write(block) && socket.writableLength > 1024 * 1024) break
        await turn()
      }
    }
    await sleep(1000)
  },

  'pipelines everything': async ({ port, conversations }, sockets) => {
    await Promise.all(
      conversations.map(async (chunks) => {
        const socket = await sockets.connect(port)
        for (let i = 0; i < 50 && !socket.destroyed; i++) socket.write(Buffer.concat([...chunks]))
      }),
    )
    await sleep(500)
  },

  'sends byte by byte': async ({ port, conversations }, sockets) => {
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const socket = await sockets.connect(port)
        const bytes = Buffer.concat([...(conversations[i % conversations.length] ?? [])])
        for (let at = 0; at < Math.min(bytes.length, 30) && !socket.destroyed; at++) {
          socket.write(bytes.subarray(at, at + 1))
          await sleep(20)
        }
      }),
    )
  },

  'announces huge lengths': async ({ port, conversations, hugeLengths }, sockets) => {
    const [first] = conversations[0] ?? []
    await Promise.all(
      hugeLengths.flatMap((huge) =>
        Array.from({ length: 40 }, async (_, i) => {
          const socket = await sockets.connect(port)
          // At the start, or after a valid start.
          if (i % 2 === 1 && first !== undefined) {
            socket.write(first)
            await sleep(50)
          }
          socket.write(huge)
        }),
      ),
    )
    await sleep(500)
  },

  'sends garbage after a valid start': async ({ port, conversations }, sockets) => {
    const random = seededRandom(Number(process.env.SEED ?? 1))
    await Promise.all(
      conversations.flatMap((chunks) =>
        places(chunks.length).map(async (count) => {
          const socket = await sockets.connect(port)
          await talk(socket, chunks.slice(0, count))
          socket.write(random.bytes(10_000))
          await sleep(100)
        }),
      ),
    )
  },

  'corrupts bytes of a conversation': async ({ port, conversations }, sockets) => {
    const random = seededRandom(Number(process.env.SEED ?? 1))
    await Promise.all(
      conversations.flatMap((chunks) =>
        Array.from({ length: 20 }, async () => {
          const socket = await sockets.connect(port)
          const bytes = Buffer.concat([...chunks])
          for (let i = 0; i < 3; i++) bytes[random.integer(bytes.length)] = random.integer(256)
          socket.write(bytes)
          await sleep(200)
        }),
      ),
    )
  },
}
