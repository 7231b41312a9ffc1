// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http'
import { MillraceError } from '@millrace/base'
import { InvalidOptionError } from '../options.ts'
import type { OAuthToken } from './sasl.ts'
import type { TlsOptions } from './tls.ts'

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
  /** Time-out of a request to the endpoint, milliseconds. Default 10,000. */
  readonly timeoutMs?: number
}

const MAX_ANSWER_BYTES = 1024 * 1024
/** Part of its lifetime after which a token is replaced (`sasl.login.refresh.window.factor`). */
const REFRESH_AFTER = 0.8

/**
 * Tokens by the client credentials grant of OAuth (RFC 6749, section 4.4), for `token` of the SASL
 * options. A token is used for 80 % of its lifetime. The function rejects with
 * `MILLRACE_OAUTH_TOKEN` if the endpoint returns none; no message has the secret, a token or what
 * the endpoint answered.
 */
export function clientCredentials(options: ClientCredentialsOptions): () => Promise<OAuthToken> {
  const url = endpointOf(options.tokenUrl)
  let current: { readonly token: OAuthToken; readonly usableUntil: number } | undefined
  let pending: Promise<OAuthToken> | undefined
  const load = async (): Promise<OAuthToken> => {
    const began = performance.now()
    const { value, lifetimeMs } = readAnswer(await post(url, options), url)
    const { extensions } = options
    const token = { value, ...(extensions === undefined ? {} : { extensions }) }
    current = { token, usableUntil: began + lifetimeMs * REFRESH_AFTER }
    return token
  }
  return () => {
    if (current !== undefined && performance.now() < current.usableUntil) {
      return Promise.resolve(current.token)
    }
    pending ??= load().finally(() => {
      pending = undefined
    })
    return pending
  }
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
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === undefined || scope === '' ? {} : { scope }),
  }).toString()
  // RFC 6749, section 2.3.1: both parts are encoded as in a form.
  const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
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
  outgoing.end(form)
  return promise.catch((error: unknown) => {
    throw failure(url, error instanceof Error ? error.message : String(error), true)
  })
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
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
