// SPDX-License-Identifier: Apache-2.0
import {
  bearerToken,
  type Random,
  type ScramCredential,
  type ScramDigest,
  ScramServer,
  scramCredential,
} from '@millrace/base'
import { AmqpError } from '../amqp-error.ts'
import type { SaslLayer, SaslStep } from '../connection.ts'
import type { SaslFrame } from '../definitions/performatives.ts'
import { AUTHENTICATION_FAILED, type SaslMechanism } from './sasl-client.ts'

/** Authenticates the peers of a server. */
export interface Authenticator {
  /** Mechanisms to offer to this peer. */
  readonly mechanisms: readonly SaslMechanism[]
  /** Whether the password is correct for the user. */
  checkPassword(username: string, password: string): Promise<boolean>
  /** Stored SCRAM credential of a user; undefined for an unknown user. */
  scramCredential(username: string, digest: ScramDigest): Promise<ScramCredential | undefined>
  /** User of an OAuth token, for OAUTHBEARER and XOAUTH2; undefined if it is not accepted. */
  checkToken?(token: string): Promise<TokenUser | undefined>
  /** Name in the peer's certificate, for EXTERNAL. */
  readonly externalName?: string | undefined
}

/** User of an accepted OAuth token. */
export interface TokenUser {
  /** Name of the user. */
  readonly name: string
  /** When the token expires, milliseconds since 1970; undefined for never. */
  readonly expiresAtMs?: number
}

const OK = 0
const REFUSED = 1
const scramDigests: Readonly<Partial<Record<string, ScramDigest>>> = {
  'SCRAM-SHA-256': 'sha256',
  'SCRAM-SHA-512': 'sha512',
}

/**
 * The server's side of the SASL layer. `onAuthenticated` receives the user name, or undefined for
 * ANONYMOUS, before the outcome is sent to the peer, and when the credentials expire.
 */
export function saslServer(
  authenticator: Authenticator,
  random: Random,
  onAuthenticated: (username: string | undefined, expiresAtMs?: number) => void,
): SaslLayer {
  let scram: ScramServer | undefined
  let username = ''
  let isKnown = false
  let serverFinal: string | undefined
  let isTokenRefused = false
  let hasStarted = false

  function accepted(name: string | undefined, expiresAtMs?: number): SaslStep {
    onAuthenticated(name, expiresAtMs)
    return { kind: 'done', frame: { kind: 'saslOutcome', code: OK, additionalData: undefined } }
  }
  function refused(message: string): SaslStep {
    return {
      kind: 'failed',
      error: new AmqpError(AUTHENTICATION_FAILED, message),
      frame: { kind: 'saslOutcome', code: REFUSED },
    }
  }
  async function init(mechanism: string, response: Buffer): Promise<SaslStep> {
    if (!(authenticator.mechanisms as readonly string[]).includes(mechanism)) {
      return refused(`the peer chose ${mechanism}, which is not offered`)
    }
    switch (mechanism) {
      case 'ANONYMOUS':
        return accepted(undefined)
      case 'PLAIN': {
        const [, name = '', password = '', ...rest] = response.toString('utf8').split('\0')
        if (rest.length > 0 || !(await authenticator.checkPassword(name, password))) {
          return refused(`wrong user name or password for ${JSON.stringify(name)}`)
        }
        return accepted(name)
      }
      case 'EXTERNAL': {
        const { externalName } = authenticator
        if (externalName === undefined) return refused('EXTERNAL without a client certificate')
        return accepted(externalName)
      }
      case 'OAUTHBEARER':
        return bearer(bearerToken(response.toString('utf8')))
      case 'XOAUTH2':
        return xoauth2(response.toString('utf8'))
      default:
        return beginScram(scramDigests[mechanism] as ScramDigest, response)
    }
  }
  async function bearer(token: string | undefined): Promise<SaslStep> {
    const user = token === undefined ? undefined : await authenticator.checkToken?.(token)
    if (user !== undefined) return accepted(user.name, user.expiresAtMs)
    isTokenRefused = true
    return challengeOf('{"status":"invalid_token"}')
  }
  /** Qpid JMS prefers it to PLAIN for any password, so a password is accepted as with PLAIN. */
  async function xoauth2(message: string): Promise<SaslStep> {
    const [userField = '', authField = '', ...end] = message.split('\u0001')
    const name = /^user=(.*)$/s.exec(userField)?.[1]
    const secret = /^auth=Bearer (.*)$/is.exec(authField)?.[1]
    if (name === undefined || secret === undefined || end.join('|') !== '|') {
      return refused('a malformed message of XOAUTH2')
    }
    const user = await authenticator.checkToken?.(secret)
    if (user !== undefined) {
      if (name === '' || name === user.name) return accepted(user.name, user.expiresAtMs)
      return refused(`the token is not of the user ${JSON.stringify(name)}`)
    }
    const hasPasswords = authenticator.mechanisms.includes('PLAIN')
    if (hasPasswords && (await authenticator.checkPassword(name, secret))) return accepted(name)
    return refused(`wrong token or password for ${JSON.stringify(name)}`)
  }
  async function beginScram(digest: ScramDigest, response: Buffer): Promise<SaslStep> {
    scram = new ScramServer(digest, random.bytes(18).toString('base64url'))
    username = scram.begin(response.toString('utf8'))
    const credential = await authenticator.scramCredential(username, digest)
    isKnown = credential !== undefined
    // An unknown user is challenged like a known one, so that user names cannot be probed.
    const challenge = scram.challenge(credential ?? (await fakeCredential(digest, random)))
    return challengeOf(challenge)
  }
  return {
    async onFrame(frame: SaslFrame | undefined): Promise<SaslStep> {
      if (frame === undefined) {
        const { mechanisms } = authenticator
        return { kind: 'reply', frame: { kind: 'saslMechanisms', mechanisms } }
      }
      switch (frame.kind) {
        case 'saslInit':
          // One attempt for each connection, so that guesses cost a connection each.
          if (hasStarted) return refused('a second sasl-init on the connection')
          hasStarted = true
          return init(frame.mechanism, frame.initialResponse ?? Buffer.alloc(0))
        case 'saslResponse': {
          if (isTokenRefused) return refused('the OAuth token is not accepted')
          if (scram === undefined) return refused('SASL response without a challenge')
          if (serverFinal !== undefined) return accepted(username)
          serverFinal = scram.finish(frame.response.toString('utf8'))
          if (serverFinal === undefined || !isKnown) {
            return refused(`wrong user name or password for ${JSON.stringify(username)}`)
          }
          // Qpid JMS and Artemis send the proof as a challenge and expect an empty response.
          return challengeOf(serverFinal)
        }
        default:
          return refused(`unexpected ${frame.kind} from the client during SASL`)
      }
    },
  }
}

function challengeOf(text: string): SaslStep {
  return { kind: 'reply', frame: { kind: 'saslChallenge', challenge: Buffer.from(text) } }
}

function fakeCredential(digest: ScramDigest, random: Random): Promise<ScramCredential> {
  return scramCredential(digest, random.bytes(16).toString('hex'), {
    salt: random.bytes(16),
    iterations: 4096,
  })
}
