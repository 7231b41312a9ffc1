// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type WorkTurn, type WorkTurns, workTurnsOf } from './work-turns.ts'
import type { Clock } from './world.ts'

/** Pipelined requests of a connection that may wait before its socket is no longer read. */
const MAX_WAITING = 2

/** Answers a request. */
export type ServeRequest = (
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<void> | void

/**
 * Serves the requests of each connection one by one: the next one starts when the reply has left
 * the process, so a client that does not take its replies gets no further request started. Node's
 * server itself starts all pipelined requests at once. A request whose handler fails is answered
 * with 500, or its connection is closed if a reply was begun; `onError` receives the error.
 */
export function inTurn(
  clock: Clock,
  serve: ServeRequest,
  onError: (error: unknown) => void,
): RequestListener {
  const turns = workTurnsOf(clock)
  const queues = new WeakMap<Socket, RequestQueue>()
  return (request, response) => {
    let queue = queues.get(request.socket)
    if (queue === undefined) {
      queue = new RequestQueue(request.socket, turns, { serve, onError })
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
  readonly #serve: ServeRequest
  readonly #onError: (error: unknown) => void
  readonly #turn: WorkTurn
  #waiting: Exchange[] = []
  #isServing = false

  constructor(
    socket: Socket,
    turns: WorkTurns,
    handlers: { readonly serve: ServeRequest; readonly onError: (error: unknown) => void },
  ) {
    this.#socket = socket
    this.#serve = handlers.serve
    this.#onError = handlers.onError
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
    if (!this.#isServing) this.#work().catch((error: unknown) => this.#abandon(error))
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
      await this.#answer(request, response)
      await left
      if (this.#waiting.length === MAX_WAITING) this.#socket.resume()
    }
    this.#isServing = false
  }

  /** Never rejects, so that a request ends at most its own connection. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#serve(request, response)
    } catch (error) {
      if (response.headersSent) {
        this.#abandon(error)
        return
      }
      this.#onError(error)
      response.writeHead(500, { 'content-type': 'text/plain', connection: 'close' })
      response.end('internal error\n')
      request.resume()
    }
  }

  #abandon(error: unknown): void {
    this.#waiting = []
    this.#socket.destroy()
    this.#onError(error)
  }
}

/** Resolves when the reply has left the process, or the connection is closed. */
function leaving(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('finish', resolve)
    response.once('close', resolve)
  })
}
