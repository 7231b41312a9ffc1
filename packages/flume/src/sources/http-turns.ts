// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '@millrace/base'
import { type WorkTurn, type WorkTurns, workTurnsOf } from '../work-turns.ts'

/** Pipelined requests of a connection that may wait before its socket is no longer read. */
const MAX_WAITING = 2

/** Serves a request. A rejection must not occur: nothing is left to answer it. */
type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void

/**
 * Serves the requests of each connection one by one: the next one starts when the reply has left
 * the process, so a client that does not take its replies gets no further request started. Node's
 * server itself starts all pipelined requests at once.
 */
export function inTurn(clock: Clock, serve: Serve): RequestListener {
  const turns = workTurnsOf(clock)
  const queues = new WeakMap<Socket, RequestQueue>()
  return (request, response) => {
    let queue = queues.get(request.socket)
    if (queue === undefined) {
      queue = new RequestQueue(request.socket, turns, serve)
      queues.set(request.socket, queue)
    }
    queue.add(request, response)
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

class RequestQueue {
  readonly #socket: Socket
  readonly #serve: Serve
  readonly #turn: WorkTurn
  #waiting: Exchange[] = []
  #isServing = false

  constructor(socket: Socket, turns: WorkTurns, serve: Serve) {
    this.#socket = socket
    this.#serve = serve
    this.#turn = turns.taker()
    // Node resumes the socket whenever a body is read. The body of a request in front of others has
    // arrived already.
    socket.on('resume', () => this.#hold())
    socket.once('close', () => {
      this.#waiting = []
    })
  }

  add(request: IncomingMessage, response: ServerResponse): void {
    this.#waiting.push({ request, response })
    this.#hold()
    if (!this.#isServing) void this.#work()
  }

  #hold(): void {
    if (this.#waiting.length > MAX_WAITING) this.#socket.pause()
  }

  async #work(): Promise<void> {
    this.#isServing = true
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { request, response } = next
      const turn = this.#turn.next()
      if (turn !== undefined) await turn
      if (this.#socket.destroyed) break
      const left = leaving(response)
      await this.#serve(request, response)
      await left
      if (this.#waiting.length === MAX_WAITING) this.#socket.resume()
    }
    this.#isServing = false
  }
}

/** Resolves when the reply has left the process, or the connection is closed. */
function leaving(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('finish', resolve)
    response.once('close', resolve)
  })
}
