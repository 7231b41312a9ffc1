// SPDX-License-Identifier: Apache-2.0
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { listenError } from '@millrace/base'
import type { SourceContext } from '../component.ts'
import { reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import { putEach } from './line-batches.ts'

/**
 * Events that wait for their channel; what comes on top is dropped and counted, as a datagram's
 * sender cannot be slowed down.
 */
const MAX_WAITING = 10_000

/**
 * A UDP socket whose datagrams become events, together as many as have come while the last were
 * put.
 */
export class DatagramServer {
  readonly #host: string
  readonly #port: number
  readonly #context: SourceContext
  readonly #toEvent: (datagram: Buffer, from: RemoteInfo) => Event
  #socket: Socket | undefined
  #waiting: Event[] = []
  #working: Promise<void> | undefined

  constructor(
    options: {
      readonly host: string
      readonly port: number
      readonly toEvent: (datagram: Buffer, from: RemoteInfo) => Event
    },
    context: SourceContext,
  ) {
    this.#host = options.host
    this.#port = options.port
    this.#toEvent = options.toEvent
    this.#context = context
  }

  get address(): string {
    return `${this.#host}:${this.#socket?.address().port ?? this.#port}`
  }

  start(): Promise<void> {
    const socket = createSocket({
      type: isIPv6(this.#host) ? 'udp6' : 'udp4',
      recvBufferSize: 4 << 20,
    })
    this.#socket = socket
    return new Promise((resolve, reject) => {
      socket.once('error', (error) => reject(listenError(this.#host, this.#port, error)))
      socket.bind(this.#port, this.#host, () => {
        socket.removeAllListeners('error')
        socket.on('error', (error) => {
          this.#context.logger.warn('datagram socket', {
            source: this.#context.name,
            error: error.message,
          })
        })
        socket.on('message', (datagram, from) => this.#receive(datagram, from))
        resolve()
      })
    })
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#context.counters.add('EventReadFail')
      return
    }
    this.#waiting.push(this.#toEvent(datagram, from))
    this.#working ??= this.#work()
  }

  async #work(): Promise<void> {
    // Datagrams that come in one turn of the loop go together.
    await this.#context.world.clock.yield()
    while (this.#waiting.length > 0) {
      const events = this.#waiting
      this.#waiting = []
      await putEach(this.#context.channels, events, (_event, error) => {
        if (error === undefined) return
        this.#context.logger.warn('a datagram was dropped', {
          source: this.#context.name,
          reason: reasonOf(error),
        })
      })
    }
    this.#working = undefined
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined) await new Promise<void>((resolve) => socket.close(() => resolve()))
    await this.#working
  }
}
