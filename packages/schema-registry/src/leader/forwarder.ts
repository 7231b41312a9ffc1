// SPDX-License-Identifier: Apache-2.0
import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import type { ConnectionOptions } from 'node:tls'
import type { Clock } from '@millrace/base'
import type { ForwardedReply, ForwardedRequest } from '../http/leadership.ts'
import { errors } from '../registry/registry-error.ts'

/** Options of `Forwarder`. */
export interface ForwarderOptions {
  /** Time limit of connecting, milliseconds. */
  readonly connectTimeoutMs: number
  /** Time limit of the whole reply, milliseconds. */
  readonly readTimeoutMs: number
  /** Longest reply, bytes. */
  readonly maxReplyBytes: number
  /** Options of `tls.connect` for `https:` addresses. */
  readonly tls?: () => ConnectionOptions
  /** Time. */
  readonly clock: Clock
}

interface Client {
  readonly agent: Agent
  readonly request: typeof import('node:http').request
}

/** Passes requests to another registry. Node's HTTP client is loaded with the first one. */
export class Forwarder {
  readonly #options: ForwarderOptions
  readonly #clients = new Map<string, Client>()

  /**
   * Creates the forwarder. Each request has its own connection: one that was kept open could be
   * closed by the other side just when a write is sent.
   */
  constructor(options: ForwarderOptions) {
    this.#options = options
  }

  /**
   * Sends a request to the registry at `url`, which does not forward it again. Rejects with 50003
   * if there is no complete reply.
   */
  async forward(url: string, request: ForwardedRequest): Promise<ForwardedReply> {
    try {
      return await this.#send(url, request)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw errors.forwarding(`the request could not be forwarded to ${url}: ${reason}`, error)
    }
  }

  async #send(
    url: string,
    { method, target, headers, body }: ForwardedRequest,
  ): Promise<ForwardedReply> {
    const address = new URL(url)
    const { agent, request } = await this.#client(address.protocol)
    const { promise, resolve, reject } = Promise.withResolvers<ForwardedReply>()
    const outgoing = request(
      {
        method,
        host: address.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: address.port,
        path: pathOf(target),
        agent,
        headers: {
          ...headers,
          'x-forward': 'false',
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
        },
        ...(address.protocol === 'https:' ? this.#options.tls?.() : {}),
      },
      (response) => {
        replyOf(response, this.#options.maxReplyBytes).then(resolve, reject)
      },
    )
    outgoing.on('error', reject)
    const stop = this.#limit(outgoing, reject)
    outgoing.end(body)
    try {
      return await promise
    } finally {
      stop()
    }
  }

  /** Ends a request that exceeds a time limit. Returns what cancels the limits. */
  #limit(outgoing: ClientRequest, reject: (error: Error) => void): () => void {
    const { clock, connectTimeoutMs, readTimeoutMs } = this.#options
    const limit = (ms: number, what: string): { cancel(): void } =>
      clock.setTimer(
        ms,
        () => {
          const error = new Error(`${what} within ${ms} ms`)
          reject(error)
          outgoing.destroy(error)
        },
        { keepsAlive: true },
      )
    const connecting = limit(connectTimeoutMs, 'no connection')
    const reading = limit(connectTimeoutMs + readTimeoutMs, 'no reply')
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) connecting.cancel()
      else socket.once('connect', () => connecting.cancel())
    })
    return () => {
      connecting.cancel()
      reading.cancel()
    }
  }

  async #client(protocol: string): Promise<Client> {
    const known = this.#clients.get(protocol)
    if (known !== undefined) return known
    const { Agent, request } = await (protocol === 'https:'
      ? import('node:https')
      : import('node:http'))
    const client = this.#clients.get(protocol) ?? {
      agent: new Agent({ keepAlive: false, maxSockets: 16 }),
      request,
    }
    this.#clients.set(protocol, client)
    return client
  }

  /** Closes the connections. */
  close(): void {
    for (const { agent } of this.#clients.values()) agent.destroy()
    this.#clients.clear()
  }
}

/** Path and parameters: clients of a proxy send the whole URL. */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]+/i, '').replace(/#.*$/s, '')
  return path.startsWith('/') ? path : `/${path}`
}

async function replyOf(response: IncomingMessage, maxBytes: number): Promise<ForwardedReply> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) {
      response.destroy()
      throw new Error(`the reply has more than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  if (!response.complete) throw new Error('the reply is incomplete')
  return {
    status: response.statusCode ?? 500,
    contentType: response.headers['content-type'],
    body: Buffer.concat(chunks),
  }
}
