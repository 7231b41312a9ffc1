// SPDX-License-Identifier: Apache-2.0
import { createHash, timingSafeEqual } from 'node:crypto'
import {
  type Random,
  type ScramCredential,
  type ScramDigest,
  scramCredential,
  scramSalt,
} from '@millrace/base'
import { distinguishedName } from '@millrace/base/keystore'
import { AclOperation, ResourceType } from '@millrace/protocol'
import type { BrokerConfig } from '../config/broker-config.ts'
import { saslConfigOf } from '../config/sasl-config.ts'
import { PrincipalResolver } from './authentication.ts'
import type { Authorization } from './authorization.ts'
import { type ClientSession, clientSession } from './client-session.ts'
import { type PlainAuthenticator, passwordTable } from './sasl/plain.ts'
import type { SaslMechanism } from './sasl/sasl-mechanism.ts'
import type { ScramCredentials, ScramMechanismName } from './sasl/scram.ts'

const mechanisms: Readonly<Record<'sha256' | 'sha512', ScramMechanismName>> = {
  sha256: 'SCRAM-SHA-256',
  sha512: 'SCRAM-SHA-512',
}
/** Iterations of credentials that are derived from passwords of PLAIN. */
const PLAIN_ITERATIONS = 4096
/** Sessions of other servers that are kept; decisions are cached by session. */
const MAX_SESSIONS = 10_000

/**
 * Users and permissions of a broker, for other servers in its process: their clients are the same
 * users, with the same ACLs, as the clients of the broker.
 */
export class BrokerSecurity {
  readonly #config: BrokerConfig
  readonly #random: Random
  readonly #credentials: ScramCredentials
  readonly #hook: PlainAuthenticator | undefined
  readonly #oauth: (listenerName: string) => SaslMechanism
  /** By listener: one set of keys of the issuer for all logins. */
  readonly #bearers = new Map<string, SaslMechanism>()
  readonly #principals: PrincipalResolver
  readonly #sessions = new Map<string, ClientSession>()
  /** Whether a client may do something. Undefined without an authorizer. */
  readonly authorize:
    | ((
        client: { readonly principal: string; readonly host: string },
        action: {
          readonly operation: keyof typeof AclOperation
          readonly resourceType: keyof typeof ResourceType
          readonly resourceName: string
        },
      ) => boolean)
    | undefined

  /** Created by the broker. */
  constructor(options: {
    readonly config: BrokerConfig
    readonly random: Random
    readonly credentials: ScramCredentials
    readonly authenticate: PlainAuthenticator | undefined
    readonly authorization: Authorization | undefined
    readonly oauth: (listenerName: string) => SaslMechanism
  }) {
    this.#config = options.config
    this.#random = options.random
    this.#credentials = options.credentials
    this.#hook = options.authenticate
    this.#oauth = options.oauth
    this.#principals = new PrincipalResolver(options.config, undefined)
    const { authorization } = options
    if (authorization === undefined) return
    this.authorize = (client, { operation, resourceType, resourceName }) =>
      authorization.authorize(this.#sessionOf(client), {
        operation: AclOperation[operation],
        resourceType: ResourceType[resourceType],
        resourceName,
      }).isAllowed
  }

  /** Whether clients of the broker authenticate with SASL. */
  get requiresAuthentication(): boolean {
    return this.#saslListeners.length > 0 || this.#hook !== undefined
  }

  /**
   * Hash functions of the SCRAM mechanisms that every user can use. A client chooses the strongest
   * mechanism that it is offered, so there are none if the embedding program knows the passwords.
   */
  get scramDigests(): readonly ('sha256' | 'sha512')[] {
    if (this.#hook !== undefined) return []
    const enabled = new Set(this.#mechanisms.map(({ mechanism }) => mechanism))
    return (['sha512', 'sha256'] as const).filter((digest) => enabled.has(mechanisms[digest]))
  }

  get #saslListeners(): readonly string[] {
    return this.#config.listeners
      .filter(({ securityProtocol, isController }) => {
        return securityProtocol.startsWith('SASL_') && !isController
      })
      .map(({ listenerName }) => listenerName)
  }

  get #mechanisms() {
    return this.#saslListeners.flatMap((listener) => saslConfigOf(this.#config, listener))
  }

  /**
   * Whether the password is the user's: that of a user of PLAIN or of a SCRAM credential, or what
   * the embedding program decides.
   */
  async checkPassword(username: string, password: string, host: string): Promise<boolean> {
    if (this.#hook !== undefined) {
      const login = { username, password, host, listenerName: this.#saslListeners[0] ?? '' }
      if (await this.#hook(login)) return true
    }
    const login = { username, password, host, listenerName: '' }
    for (const users of this.#plainUsers) if (await passwordTable(users)(login)) return true
    for (const digest of this.scramDigests) {
      const stored = await this.scramCredential(username, digest)
      if (stored !== undefined && (await isPassword(digest, stored, password))) return true
    }
    return false
  }

  /**
   * The user's SCRAM credential, or one of the password of a user of PLAIN; undefined for an
   * unknown user.
   */
  async scramCredential(
    username: string,
    digest: ScramDigest,
  ): Promise<ScramCredential | undefined> {
    if (digest === 'sha1') return undefined
    const stored = this.#credentials.ofUser(mechanisms[digest], username)?.credential
    if (stored !== undefined) return stored
    for (const users of this.#plainUsers) {
      const password = users.get(username)
      if (password === undefined) continue
      const salt = scramSalt(this.#random.bytes(20))
      return scramCredential(digest, password, { salt, iterations: PLAIN_ITERATIONS })
    }
    return undefined
  }

  /** Whether the broker has OAUTHBEARER on one of its listeners. */
  get acceptsTokens(): boolean {
    return this.#mechanisms.some(({ mechanism }) => mechanism === 'OAUTHBEARER')
  }

  /** The user of an OAuth token, as the broker checks it; undefined if it is not accepted. */
  async checkToken(
    token: string,
    host: string,
  ): Promise<{ readonly name: string; readonly expiresAtMs?: number } | undefined> {
    // With a separator in it, a token could add fields to the message.
    if (!/^[\x21-\x7e]+$/.test(token)) return undefined
    const listenerName = this.#saslListeners.find((listener) =>
      saslConfigOf(this.#config, listener).some(({ mechanism }) => mechanism === 'OAUTHBEARER'),
    )
    if (listenerName === undefined) return undefined
    let bearer = this.#bearers.get(listenerName)
    if (bearer === undefined) {
      bearer = this.#oauth(listenerName)
      this.#bearers.set(listenerName, bearer)
    }
    const message = Buffer.from(`n,,\u0001auth=Bearer ${token}\u0001\u0001`)
    const outcome = await bearer.begin({ host, listenerName }).evaluate(message)
    if (outcome.kind !== 'success') return undefined
    const { name, expiresAtMs } = outcome
    return { name, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) }
  }

  /**
   * The user of a certificate by `ssl.principal.mapping.rules`. Throws `MILLRACE_NO_MATCHING_RULE`
   * if no rule maps its subject.
   */
  certificateName(certificate: Buffer): string {
    const listener = this.#config.listeners.find(
      ({ securityProtocol, isController }) => securityProtocol.endsWith('SSL') && !isController,
    )
    return this.#principals.principalOf({
      host: '',
      listenerName: listener?.listenerName ?? '',
      securityProtocol: 'SSL',
      tls: { certificate, distinguishedName: distinguishedName(certificate) },
    }).name
  }

  get #plainUsers(): readonly ReadonlyMap<string, string>[] {
    return this.#mechanisms.flatMap(({ users }) => users ?? [])
  }

  #sessionOf({ principal, host }: { readonly principal: string; readonly host: string }) {
    const key = `${host} ${principal}`
    let session = this.#sessions.get(key)
    if (session === undefined) {
      const colon = principal.indexOf(':')
      session = clientSession({
        identity: {
          type: principal.slice(0, colon),
          name: principal.slice(colon + 1),
          isTokenAuthenticated: false,
        },
        host,
        listenerName: '',
        securityProtocol: 'SASL_PLAINTEXT',
      })
      if (this.#sessions.size >= MAX_SESSIONS) this.#sessions.clear()
      this.#sessions.set(key, session)
    }
    return session
  }
}

async function isPassword(
  digest: 'sha256' | 'sha512',
  stored: ScramCredential,
  password: string,
): Promise<boolean> {
  const { salt, iterations } = stored
  const derived = await scramCredential(digest, password, { salt, iterations })
  const hash = (key: Buffer): Buffer => createHash('sha256').update(key).digest()
  return timingSafeEqual(hash(derived.storedKey), hash(stored.storedKey))
}
