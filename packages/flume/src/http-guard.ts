// SPDX-License-Identifier: Apache-2.0
// Which requests an HTTP server of an agent answers: web pages and unknown clients get nothing.
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { isLoopback, parseProperties } from '@millrace/base'
import { ChannelError, reasonOf } from './errors.ts'

/** Credentials of the clients of an HTTP server. */
export interface HttpCredentials {
  /** Passwords by user name, for basic authentication. */
  readonly users?: ReadonlyMap<string, string>
  /** Bearer tokens. */
  readonly tokens?: readonly string[]
}

/** Why a request is refused. */
export interface HttpRefusal {
  readonly status: 401 | 403 | 421
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

type Request = Pick<IncomingMessage, 'headers' | 'socket'>

/** Checks the requests of one HTTP server. */
export class HttpGuard {
  readonly #isLocal: boolean
  readonly #passwords: ReadonlyMap<string, Buffer>
  readonly #tokens: readonly Buffer[]
  readonly #needsCertificate: boolean

  constructor(options: {
    /** Host that the server listens on. */
    readonly host: string
    readonly credentials?: HttpCredentials
    /** Whether a client with a trusted certificate needs no other credentials. */
    readonly acceptsCertificates?: boolean
  }) {
    const { host, credentials = {}, acceptsCertificates = false } = options
    this.#isLocal = isLoopback(host)
    this.#passwords = new Map(
      [...(credentials.users ?? [])].map(([name, password]) => [name, digest(password)]),
    )
    this.#tokens = (credentials.tokens ?? []).map(digest)
    this.#needsCertificate = acceptsCertificates
  }

  /** Whether clients must authenticate. */
  get isAuthenticated(): boolean {
    return this.#passwords.size > 0 || this.#tokens.length > 0 || this.#needsCertificate
  }

  /** Undefined if the request may be answered. */
  refusal(request: Request): HttpRefusal | undefined {
    return this.#refusalOfPage(request.headers) ?? this.#refusalOfClient(request)
  }

  /**
   * A web page can send requests through the browser of a user with access to the server: to
   * another host with an `Origin`, or, after DNS rebinding, to this machine under the page's own
   * name.
   */
  #refusalOfPage(headers: Request['headers']): HttpRefusal | undefined {
    const { host, origin } = headers
    if (this.#isLocal && !isLoopback(hostOf(host))) {
      return { status: 421, headers: {}, text: `host ${hostOf(host)} is not this machine` }
    }
    const isForeign = origin !== undefined && origin.replace(/^https?:\/\//, '') !== host
    if (isForeign || headers['sec-fetch-site'] === 'cross-site') {
      return { status: 403, headers: {}, text: 'requests of web pages are not answered' }
    }
    return undefined
  }

  #refusalOfClient({ headers, socket }: Request): HttpRefusal | undefined {
    if (!this.isAuthenticated) return undefined
    if (this.#needsCertificate && (socket as Partial<TLSSocket>).authorized === true) {
      return undefined
    }
    if (this.#knows(headers.authorization ?? '')) return undefined
    const schemes = [
      ...(this.#passwords.size > 0 ? ['Basic realm="millrace", charset="UTF-8"'] : []),
      ...(this.#tokens.length > 0 ? ['Bearer realm="millrace"'] : []),
    ]
    return {
      status: 401,
      headers: schemes.length === 0 ? {} : { 'www-authenticate': schemes.join(', ') },
      text: 'authentication is required',
    }
  }

  #knows(authorization: string): boolean {
    const [, scheme = '', value = ''] = /^(basic|bearer) +(\S+) *$/i.exec(authorization) ?? []
    if (scheme.toLowerCase() === 'bearer') {
      const given = digest(value)
      // Every token is compared, so that the time reveals nothing.
      return this.#tokens.filter((token) => timingSafeEqual(token, given)).length > 0
    }
    const text = Buffer.from(value, 'base64').toString('utf8')
    const colon = text.indexOf(':')
    if (colon < 0) return false
    const expected = this.#passwords.get(text.slice(0, colon))
    const isSame = timingSafeEqual(digest(text.slice(colon + 1)), expected ?? digest(''))
    return expected !== undefined && isSame
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Host of a `Host` header, without port and brackets. */
function hostOf(header = ''): string {
  return header.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

/** Answers a request that is refused, and reads nothing more of it. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, text }: HttpRefusal,
): void {
  response.writeHead(status, { ...headers, 'content-type': 'text/plain', connection: 'close' })
  response.end(`${text}\n`)
  request.resume()
}

/**
 * Reads credentials: a properties file with a user and password a line, and a file with a token a
 * line. Throws `ChannelError` for a file that cannot be read or has none.
 */
export function readCredentials(files: {
  readonly users?: string | undefined
  readonly tokens?: string | undefined
}): HttpCredentials {
  const users = files.users === undefined ? undefined : parseProperties(read(files.users))
  const tokens =
    files.tokens === undefined
      ? undefined
      : read(files.tokens)
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '' && !line.startsWith('#'))
  if (users?.size === 0) throw new ChannelError(`${files.users} has no user`)
  if (tokens?.length === 0) throw new ChannelError(`${files.tokens} has no token`)
  return {
    ...(users === undefined ? {} : { users }),
    ...(tokens === undefined ? {} : { tokens }),
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ChannelError(`cannot read ${path}: ${reasonOf(error)}`, error)
  }
}
