// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http'
import { MillraceError, systemErrorCode } from '@millrace/base'
import { InvalidOptionError } from '../options.ts'
import type { OAuthToken } from './sasl.ts'
import { checkTls, isTlsFailure, type TlsOptions } from './tls.ts'

/** Options of `clientCredentials`. */
export interface ClientCredentialsOptions {
  /** Token endpoint of the issuer: `https:`, or `http:` to this machine. */
  readonly tokenUrl: string
  /** Id of the client at the issuer. */
  readonly clientId: string
  /** Secret of the client at the issuer. */
  readonly clientSecret: string
  /** Scopes to request, separated by spaces. Default: none. */
  readonly scope?: string
  /** SASL extensions that are sent with the token (KIP-342). Default: none. */
  readonly extensions?: Readonly<Record<string, string>>
  /** Options of TLS to the endpoint, for example `ca`. Default: Node's. */
  readonly tls?: TlsOptions
  /** Time-out of a request to the endpoint, milliseconds, 1 to 2³¹−1. Default 10,000. */
  readonly timeoutMs?: number
  /**
   * Time-out of connecting to the endpoint, milliseconds, 1 to 2³¹−1. Default: that of the request.
   */
  readonly connectTimeoutMs?: number
  /**
   * Whether id and secret are encoded as in a form before they are sent, as RFC 6749 requires; some
   * issuers expect them unchanged (`sasl.oauthbearer.header.urlencode=false`). Default true.
   */
  readonly headerUrlencode?: boolean
}

const MAX_ANSWER_BYTES = 1024 * 1024
/** Part of its lifetime after which a token is replaced (`sasl.login.refresh.window.factor`). */
const REFRESH_AFTER = 0.8
/** After a failed renewal the valid token is used for this long, as in Kafka. */
const RENEWAL_RETRY_MS = 10_000
const MAX_TIMEOUT_MS = 0x7fffffff

interface CurrentToken {
  readonly token: OAuthToken
  /** Monotonic times. */
  readonly renewAt: number
  readonly expiresAt: number
}

/**
 * Tokens by the client credentials grant of OAuth (RFC 6749, section 4.4), for `token` of the SASL
 * options. A token is renewed after 80 % of its lifetime, and used until it expires if that fails.
 * Invalid options throw `MILLRACE_INVALID_OPTION`. The function rejects with
 * `MILLRACE_OAUTH_TOKEN` if the endpoint returns no token: `retriable` is false for rejected
 * credentials (status 400 to 499 except 408 and 429, 501 and 505), a rejected certificate and an
 * answer without a token. No message has the secret, a token or what the endpoint answered.
 */
export function clientCredentials(options: ClientCredentialsOptions): () => Promise<OAuthToken> {
  const url = endpointOf(options.tokenUrl)
  checkTimeout('timeoutMs', options.timeoutMs)
  checkTimeout('connectTimeoutMs', options.connectTimeoutMs)
  if (options.tls !== undefined) checkTls(options.tls)
  let current: CurrentToken | undefined
  let pending: Promise<OAuthToken> | undefined
  const load = async (): Promise<OAuthToken> => {
    const began = performance.now()
    const { value, lifetimeMs } = readAnswer(await post(url, options), url)
    const { extensions } = options
    const token = { value, ...(extensions === undefined ? {} : { extensions }) }
    const [renewAt, expiresAt] = [began + lifetimeMs * REFRESH_AFTER, began + lifetimeMs]
    current = { token, renewAt, expiresAt }
    return token
  }
  const renew = async (): Promise<OAuthToken> => {
    try {
      return await load()
    } catch (error) {
      const now = performance.now()
      if (current === undefined || now >= current.expiresAt) throw error
      current = { ...current, renewAt: Math.min(now + RENEWAL_RETRY_MS, current.expiresAt) }
      return current.token
    }
  }
  return () => {
    if (current !== undefined && performance.now() < current.renewAt) {
      return Promise.resolve(current.token)
    }
    pending ??= renew().finally(() => {
      pending = undefined
    })
    return pending
  }
}

function checkTimeout(name: string, value: number | undefined): void {
  if (value === undefined) return
  if (Number.isInteger(value) && value >= 1 && value <= MAX_TIMEOUT_MS) return
  throw new InvalidOptionError(name, value, `an integer from 1 to ${MAX_TIMEOUT_MS}`)
}

/** Whether only this machine is reached. */
function isLocal({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}

function endpointOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal(url))
  if (url === undefined || !isSafe || url.username !== '' || url.password !== '') {
    const shown = url === undefined ? text : `${url.protocol}//${url.host}${url.pathname}`
    throw new InvalidOptionError('tokenUrl', shown, 'an https: URL without a user')
  }
  return url
}

/** Sends the request. Redirections are not followed, and an answer has a limit of size. */
async function post(url: URL, options: ClientCredentialsOptions): Promise<string> {
  const { clientId, clientSecret, scope, timeoutMs = 10_000, tls } = options
  const { connectTimeoutMs = timeoutMs, headerUrlencode = true } = options
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === undefined || scope === '' ? {} : { scope }),
  }).toString()
  // RFC 6749, section 2.3.1: both parts are encoded as in a form.
  const encode = (text: string): string =>
    headerUrlencode ? new URLSearchParams({ '': text }).toString().slice(1) : text
  const basic = Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
  const outgoing = request(
    url,
    {
      method: 'POST',
      headers: {
        accept: 'application/json',
        authorization: `Basic ${basic}`,
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(form),
      },
      signal: AbortSignal.timeout(timeoutMs),
      ...(url.protocol === 'https:' ? tls : {}),
    },
    (response) => {
      bodyOf(response).then(resolve, reject)
    },
  )
  outgoing.on('error', reject)
  const connecting = setTimeout(() => {
    outgoing.destroy(new Error(`not connected within ${connectTimeoutMs} ms`))
  }, connectTimeoutMs)
  const connected = (): void => clearTimeout(connecting)
  outgoing.on('socket', (socket) => {
    // A connection may be used for several requests.
    if (socket.connecting) socket.once('connect', connected)
    else connected()
  })
  outgoing.end(form)
  try {
    return await promise
  } catch (error) {
    throw failure(url, reasonOf(error), !isFinal(error))
  } finally {
    connected()
  }
}

class StatusError extends Error {
  readonly status: number
  constructor(status: number) {
    super(`status ${status}`)
    this.status = status
  }
}

/** Whether the same request would fail again, as Kafka decides for statuses. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof StatusError)) return isTlsFailure(error)
  const { status } = error
  if (status === 408 || status === 429) return false
  return (status >= 400 && status <= 499) || status === 501 || status === 505
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = isTlsFailure(error) ? ` (${systemErrorCode(error)})` : ''
  return `${error.message}${code}`
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    if (response.statusCode !== 200) throw new StatusError(response.statusCode ?? 0)
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) throw new Error(`more than ${MAX_ANSWER_BYTES} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    response.destroy()
  }
}

function readAnswer(
  text: string,
  url: URL,
): { readonly value: string; readonly lifetimeMs: number } {
  let answer: { readonly access_token?: unknown; readonly expires_in?: unknown } | null
  try {
    answer = JSON.parse(text) as typeof answer
  } catch {
    throw failure(url, 'the answer is not JSON', false)
  }
  const value = answer?.access_token
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw failure(url, 'the answer has no access_token', false)
  }
  const seconds = Number(answer?.expires_in)
  return { value, lifetimeMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0 }
}

function failure(url: URL, reason: string, retriable: boolean): MillraceError {
  const where = `${url.protocol}//${url.host}${url.pathname}`
  return new MillraceError('MILLRACE_OAUTH_TOKEN', `no token from ${where}: ${reason}`, {
    retriable,
  })
}
