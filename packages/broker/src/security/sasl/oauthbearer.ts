// SPDX-License-Identifier: Apache-2.0
// SASL OAUTHBEARER (RFC 7628): tokens that an issuer has signed. Signatures are checked by `jose`,
// which is loaded on the first login.
import { fileURLToPath } from 'node:url'
import { bearerToken, type Clock, type FileSystem, type Logger } from '@millrace/base'
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from 'jose'
import type { OAuthConfig } from '../../config/oauth-config.ts'
import { invalidCredentials, type SaslMechanism, type SaslOutcome } from './sasl-mechanism.ts'

const NAME = 'OAUTHBEARER'
/** Only signatures by the issuer: `none` and shared secrets are never accepted. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
]
const FETCH_TIMEOUT_MS = 10_000
const MAX_KEYS_BYTES = 1024 * 1024
/** A token with an unknown key id makes the keys be loaded again, at most this often. */
const MIN_RELOAD_MS = 1000

interface OAuthContext {
  readonly settings: OAuthConfig
  readonly clock: Clock
  readonly files: FileSystem
  readonly logger: Logger
}

/** SASL OAUTHBEARER for one listener. */
export function oauthMechanism(context: OAuthContext): SaslMechanism {
  const keys = new KeySet(context)
  return {
    begin() {
      let refusal: string | undefined
      return {
        async evaluate(token) {
          // The client acknowledges the refusal with a single byte.
          if (refusal !== undefined) return { kind: 'failure', message: refusal }
          const compact = bearerToken(token.toString('utf8'))
          if (compact === undefined) return invalidCredentials(NAME)
          const outcome = await verify(compact, keys, context)
          if (outcome !== undefined) return outcome
          refusal = '{"status":"invalid_token"}'
          return { kind: 'continue', reply: Buffer.from(refusal) }
        },
      }
    },
  }
}

/** Undefined for a token that is not accepted; why is for the log, not for the client. */
async function verify(
  compact: string,
  keys: KeySet,
  { settings, clock, logger }: OAuthContext,
): Promise<SaslOutcome | undefined> {
  try {
    const { jwtVerify } = await import('jose')
    const { audience, issuer, clockSkewSeconds } = settings
    const { payload } = await jwtVerify(compact, keys.key, {
      algorithms: ALGORITHMS,
      currentDate: new Date(clock.now()),
      clockTolerance: clockSkewSeconds,
      requiredClaims: ['exp', 'iat', settings.subjectClaim],
      ...(audience.length === 0 ? {} : { audience: [...audience] }),
      ...(issuer === undefined ? {} : { issuer }),
    })
    const name = payload[settings.subjectClaim]
    if (typeof name !== 'string' || name.trim() === '')
      throw new Error('the subject is not a string')
    return {
      kind: 'success',
      reply: Buffer.alloc(0),
      name,
      ...lifetimeOf(payload),
      claims: payload,
    }
  } catch (error) {
    logger.info('refused an OAuth token', { reason: (error as Error).message })
    return undefined
  }
}

function lifetimeOf({ exp }: JWTPayload): { readonly expiresAtMs?: number } {
  return exp === undefined ? {} : { expiresAtMs: exp * 1000 }
}

/** The issuer's keys, loaded when they are needed, again at intervals and for unknown key ids. */
class KeySet {
  readonly #context: OAuthContext
  #set: JWTVerifyGetKey | undefined
  #loadedMs = Number.NEGATIVE_INFINITY
  #triedMs = Number.NEGATIVE_INFINITY
  #failures = 0
  #loading: Promise<void> | undefined

  constructor(context: OAuthContext) {
    this.#context = context
  }

  /** Finds the key that signed a token. */
  readonly key: JWTVerifyGetKey = async (header, token) => {
    const { settings, clock } = this.#context
    if (this.#set === undefined) await this.#load()
    else if (clock.monotonic() - this.#loadedMs >= settings.refreshMs) this.#refresh()
    const find = async () => {
      if (this.#set === undefined) throw new Error('the keys of the issuer could not be loaded')
      return this.#set(header, token)
    }
    try {
      return await find()
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'ERR_JWKS_NO_MATCHING_KEY') throw error
      // The issuer may have changed its keys.
      await this.#load()
      return find()
    }
  }

  /** Loads the keys again; in the meantime, logins use those that are known. */
  #refresh(): void {
    const { logger } = this.#context
    this.#load().catch((error: unknown) => logger.error('cannot load keys', { error }))
  }

  #load(): Promise<void> {
    const { settings, clock } = this.#context
    const { retryMs, retryMaxMs } = settings
    const waitMs =
      this.#failures === 0
        ? MIN_RELOAD_MS
        : Math.min(retryMaxMs, retryMs * 2 ** Math.min(this.#failures - 1, 20))
    if (this.#loading !== undefined) return this.#loading
    if (clock.monotonic() - this.#triedMs < waitMs) return Promise.resolve()
    this.#triedMs = clock.monotonic()
    this.#loading = this.#read().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #read(): Promise<void> {
    const { clock, logger, settings } = this.#context
    try {
      const { createLocalJWKSet } = await import('jose')
      this.#set = createLocalJWKSet(JSON.parse(await this.#text()) as JSONWebKeySet)
      this.#loadedMs = clock.monotonic()
      this.#failures = 0
    } catch (error) {
      this.#failures++
      // What the address answered is not repeated (CVE-2025-27817).
      const reason = error instanceof SyntaxError ? 'not JSON' : (error as Error).message
      const { protocol, host, pathname } = settings.jwksUrl
      const url = `${protocol}//${host}${pathname}`
      logger.error('cannot load the keys of the OAuth issuer', { url, reason })
    }
  }

  async #text(): Promise<string> {
    const { settings, files, clock } = this.#context
    const { jwksUrl } = settings
    if (jwksUrl.protocol === 'file:') return String(files.readFile(fileURLToPath(jwksUrl)))
    const abort = new AbortController()
    const timer = clock.setTimer(FETCH_TIMEOUT_MS, () =>
      abort.abort(new Error(`no complete answer within ${FETCH_TIMEOUT_MS} ms`)),
    )
    try {
      return await this.#download(jwksUrl, abort.signal)
    } finally {
      timer.cancel()
      abort.abort()
    }
  }

  async #download(url: URL, signal: AbortSignal): Promise<string> {
    // A redirection could lead anywhere.
    const response = await fetch(url, { redirect: 'error', signal })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response.body ?? []) {
      size += chunk.length
      if (size > MAX_KEYS_BYTES) throw new Error(`more than ${MAX_KEYS_BYTES} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }
}
