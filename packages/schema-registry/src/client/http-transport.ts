// SPDX-License-Identifier: Apache-2.0
import type { Agent, IncomingMessage, RequestOptions } from 'node:http'
import type { ConnectionOptions } from 'node:tls'

/** A request to a registry. */
export interface RegistryRequest {
  /** Address of the request, without a user. */
  readonly url: URL
  /** Method of HTTP. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Headers of HTTP. */
  readonly headers: Readonly<Record<string, string>>
  /** Body; undefined for none. */
  readonly body: string | undefined
  /** Ends the request. */
  readonly signal: AbortSignal
}

/** A registry's answer. */
export interface RegistryReply {
  /** Status of HTTP. */
  readonly status: number
  /** Body as text. */
  readonly body: string
}

/** Carries requests to registries; tests and other networks replace it. */
export interface RegistryTransport {
  /** Sends a request. Rejects if there is no complete answer. */
  send(request: RegistryRequest): Promise<RegistryReply>
  /** Closes idle connections. */
  close(): void
}

/** A longer answer is no schema. */
const MAX_REPLY_BYTES = 32 * 1024 * 1024

/** The transport over sockets, which keeps connections open. */
export class HttpTransport implements RegistryTransport {
  readonly #tls: ConnectionOptions
  readonly #agents = new Map<string, Promise<Client>>()

  /** Creates the transport; `tls` are options of `tls.connect` for `https:` addresses. */
  constructor(tls: ConnectionOptions = {}) {
    this.#tls = tls
  }

  /** Sends a request. Redirections are not followed. */
  async send({ url, method, headers, body, signal }: RegistryRequest): Promise<RegistryReply> {
    const { agent, request } = await this.#client(url.protocol)
    const { promise, resolve, reject } = Promise.withResolvers<RegistryReply>()
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const options: RequestOptions = {
      method,
      agent,
      signal,
      headers: { ...headers, ...length },
      ...(url.protocol === 'https:' ? this.#tls : {}),
    }
    const outgoing = request(url, options, (response) => {
      replyOf(response).then(resolve, reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
    return promise
  }

  /** Closes idle connections. */
  close(): void {
    for (const client of this.#agents.values()) {
      client.then(
        ({ agent }) => agent.destroy(),
        () => {},
      )
    }
    this.#agents.clear()
  }

  #client(protocol: string): Promise<Client> {
    const known = this.#agents.get(protocol)
    if (known !== undefined) return known
    const client = clientOf(protocol)
    this.#agents.set(protocol, client)
    return client
  }
}

interface Client {
  readonly agent: Agent
  readonly request: typeof import('node:http').request
}

async function clientOf(protocol: string): Promise<Client> {
  // `node:https` is loaded only for programs that use it.
  const { Agent, request } = await (protocol === 'https:'
    ? import('node:https')
    : import('node:http'))
  return { agent: new Agent({ keepAlive: true, maxSockets: 16 }), request }
}

async function replyOf(response: IncomingMessage): Promise<RegistryReply> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_REPLY_BYTES) {
      response.destroy()
      throw new Error(`the answer has more than ${MAX_REPLY_BYTES} bytes`)
    }
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }
}
