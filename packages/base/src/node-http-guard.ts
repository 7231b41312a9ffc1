// SPDX-License-Identifier: Apache-2.0
// Which requests an HTTP server answers: web pages and unknown clients get nothing.
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { TLSSocket } from 'node:tls'
import { MillraceError } from './errors.ts'
import { hostOfHeader, isLoopback } from './loopback.ts'
import { parsePropertyLines } from './properties-file.ts'

/** Credentials of the clients of an HTTP server. */
export interface HttpCredentials {
  /** Passwords by user name, for basic authentication. */
  readonly users?: ReadonlyMap<string, string>
  /** Bearer tokens. */
  readonly tokens?: readonly string[]
}

/** Why a request is refused. */
export interface HttpRefusal {
  /** Status of the reply. */
  readonly status: 401 | 403 | 421
  /** Headers of the reply, such as the challenge of a 401. */
  readonly headers: Readonly<Record<string, string>>
  /** Reason, in one line. */
  readonly text: string
}

/** Values of `Sec-Fetch-Site` of pages that are not of this server. */
const foreignSites: readonly unknown[] = ['cross-site', 'same-site']

type Request = Pick<IncomingMessage, 'headers' | 'socket'>

/** Checks the requests of one HTTP server. */
export class HttpGuard {
  readonly #isLocal: boolean
  readonly #passwords: ReadonlyMap<string, Buffer>
  readonly #tokens: readonly Buffer[]
  readonly #needsCertificate: boolean

  /** Creates the guard of one server. */
  constructor(options: {
    /** Host that the server listens on. */
    readonly host: string
    readonly credentials?: HttpCredentials
    /** Whether clients need a trusted certificate, in addition to credentials if there are any. */
    readonly needsCertificate?: boolean
  }) {
    const { host, credentials = {}, needsCertificate = false } = options
    this.#isLocal = isLoopback(host)
    this.#passwords = new Map(
      [...(credentials.users ?? [])].map(([name, password]) => [name, digest(password)]),
    )
    this.#tokens = (credentials.tokens ?? []).map(digest)
    this.#needsCertificate = needsCertificate
  }

  /** Whether clients must authenticate. */
  get isAuthenticated(): boolean {
    return this.#passwords.size > 0 || this.#tokens.length > 0 || this.#needsCertificate
  }

  /** Whether other machines may reach the server, and need not authenticate. */
  get isExposed(): boolean {
    return !this.#isLocal && !this.isAuthenticated
  }

  /** Undefined if the request may be answered. */
  refusal(request: Request): HttpRefusal | undefined {
    return this.#refusalOfPage(request) ?? this.#refusalOfClient(request)
  }

  /**
   * A web page can send requests through the browser of a user with access to the server: to
   * another host with an `Origin`, or, after DNS rebinding, to this machine under the page's own
   * name.
   */
  #refusalOfPage({ headers, socket }: Request): HttpRefusal | undefined {
    const { host, origin, referer } = headers
    const name = hostOfHeader(host ?? '')
    // A server on all addresses is reached through loopback, too.
    const isRebound =
      !isLoopback(name) &&
      (this.#isLocal || (isLoopback(socket.localAddress ?? '') && !isOwnName(name)))
    if (isRebound) {
      return { status: 421, headers: {}, text: `host ${name} is not this machine` }
    }
    const isForeign =
      (origin !== undefined && siteOf(origin) !== host) ||
      (referer !== undefined && siteOf(referer) !== host)
    if (isForeign || foreignSites.includes(headers['sec-fetch-site'])) {
      return { status: 403, headers: {}, text: 'requests of web pages are not answered' }
    }
    return undefined
  }

  #refusalOfClient({ headers, socket }: Request): HttpRefusal | undefined {
    if (!this.isAuthenticated) return undefined
    const isTrusted = !this.#needsCertificate || (socket as Partial<TLSSocket>).authorized === true
    const hasCredentials = this.#passwords.size > 0 || this.#tokens.length > 0
    const isKnown = !hasCredentials || this.#knows(headers.authorization ?? '')
    if (isTrusted && isKnown) return undefined
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

/** Whether a host is an address or this machine's name, which DNS rebinding cannot use. */
function isOwnName(host: string): boolean {
  return isIP(host) !== 0 || host.toLowerCase() === hostname().toLowerCase()
}

/** Host and port of the URL of a page; undefined if it has none. */
function siteOf(url: string): string | undefined {
  return /^https?:\/\/([^/?#]*)/i.exec(url)?.[1]
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
 * line. Throws `MILLRACE_INVALID_CONFIG` for a file that cannot be read or has none, and for a user
 * without a password.
 */
export function readCredentials(files: {
  readonly users?: string | undefined
  readonly tokens?: string | undefined
}): HttpCredentials {
  const users = files.users === undefined ? undefined : usersOf(files.users)
  const tokens =
    files.tokens === undefined
      ? undefined
      : read(files.tokens)
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '' && !line.startsWith('#'))
  if (users?.size === 0) throw invalid(`${files.users} has no user`)
  if (tokens?.length === 0) throw invalid(`${files.tokens} has no token`)
  return {
    ...(users === undefined ? {} : { users }),
    ...(tokens === undefined ? {} : { tokens }),
  }
}

function usersOf(file: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>()
  for (const { key: name, value: password, line } of parsePropertyLines(read(file))) {
    if (name === '' || password === '') {
      throw invalid(`${file}, line ${line}: expected user=password`)
    }
    users.set(name, password)
  }
  return users
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw invalid(`cannot read ${path}: ${error instanceof Error ? error.message : error}`, error)
  }
}

function invalid(message: string, cause?: unknown): MillraceError {
  return new MillraceError('MILLRACE_INVALID_CONFIG', message, { cause })
}
