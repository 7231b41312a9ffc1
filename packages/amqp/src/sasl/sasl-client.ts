// SPDX-License-Identifier: Apache-2.0
import { type Random, ScramClient, type ScramDigest } from '@millrace/base'
import { AmqpError, Condition } from '../amqp-error.ts'
import type { SaslLayer, SaslStep } from '../connection.ts'
import type { SaslFrame } from '../definitions/performatives.ts'

/** Supported mechanisms, strongest first. */
export const mechanisms = [
  'SCRAM-SHA-512',
  'SCRAM-SHA-256',
  'OAUTHBEARER',
  'XOAUTH2',
  'PLAIN',
  'EXTERNAL',
  'ANONYMOUS',
] as const
/** SASL mechanisms that are supported. */
export type SaslMechanism = (typeof mechanisms)[number]

/** Credentials of a client. */
export interface SaslCredentials {
  /** User name. Without one, ANONYMOUS is used. */
  readonly username?: string | undefined
  /** Password of the user. */
  readonly password?: string | undefined
  /**
   * Returns an OAuth token, called for each connection: the user of the token logs in with
   * OAUTHBEARER or XOAUTH2, in place of `username` and `password`.
   */
  readonly token?: (() => string | Promise<string>) | undefined
  /**
   * Mechanisms to try, in this order, if the server offers them. Default: the strongest that the
   * credentials allow.
   */
  readonly mechanisms?: readonly SaslMechanism[] | undefined
}

const digests: Readonly<Partial<Record<string, ScramDigest>>> = {
  'SCRAM-SHA-512': 'sha512',
  'SCRAM-SHA-256': 'sha256',
}

/** Condition of the error for refused credentials; AMQP does not define one. */
export const AUTHENTICATION_FAILED = Condition.unauthorizedAccess

const outcomeTexts: Readonly<Record<number, string>> = {
  1: 'authentication failed',
  2: 'the server failed to check the credentials',
  3: 'permanent server error during authentication',
  4: 'temporary server error during authentication',
}

/** The OAuth token. With configured mechanisms, the password is used as one, as in Qpid JMS. */
async function tokenOf({ token, password }: SaslCredentials): Promise<string> {
  const value = token === undefined ? password : await token()
  if (value !== undefined && /^[\x21-\x7e]+$/.test(value)) return value
  throw new AmqpError(
    AUTHENTICATION_FAILED,
    'invalid OAuth token: expected non-empty text without spaces',
  )
}

/** The client's side of the SASL layer (part 5, section 5.3). */
export function saslClient(credentials: SaslCredentials, random: Random): SaslLayer {
  let scram: ScramClient | undefined
  let isVerified = false
  let chosenMechanism: SaslMechanism | undefined
  function chosen(offered: readonly string[]): SaslMechanism | undefined {
    const hasPassword = credentials.username !== undefined
    const usable = (name: SaslMechanism): boolean => {
      const isForTokens = name === 'OAUTHBEARER' || name === 'XOAUTH2'
      if (isForTokens || credentials.token !== undefined) {
        return isForTokens && credentials.token !== undefined
      }
      if (name === 'ANONYMOUS') return !hasPassword
      return name === 'EXTERNAL' ? credentials.mechanisms !== undefined : hasPassword
    }
    const wanted = credentials.mechanisms ?? mechanisms.filter(usable)
    return wanted.find((name) => offered.includes(name))
  }
  async function initial(mechanism: SaslMechanism): Promise<Buffer> {
    const { username = '', password = '' } = credentials
    switch (mechanism) {
      case 'OAUTHBEARER':
        return Buffer.from(`n,,\u0001auth=Bearer ${await tokenOf(credentials)}\u0001\u0001`)
      case 'XOAUTH2': {
        const token = await tokenOf(credentials)
        return Buffer.from(`user=${username}\u0001auth=Bearer ${token}\u0001\u0001`)
      }
      case 'PLAIN':
        return Buffer.from(`\0${username}\0${password}`)
      case 'EXTERNAL':
        return Buffer.from(username)
      case 'ANONYMOUS':
        return Buffer.from(username === '' ? 'anonymous' : username)
      default:
        scram = new ScramClient({
          digest: digests[mechanism] ?? 'sha256',
          username,
          password,
          nonce: random.bytes(24).toString('base64url'),
        })
        return Buffer.from(scram.first)
    }
  }
  async function challenged(challenge: Buffer): Promise<SaslStep> {
    // RFC 7628, section 3.2.3: the reason for a refusal, which a single byte acknowledges.
    if (chosenMechanism === 'OAUTHBEARER' || chosenMechanism === 'XOAUTH2') {
      return { kind: 'reply', frame: { kind: 'saslResponse', response: Buffer.of(1) } }
    }
    if (scram === undefined) return failed('unexpected SASL challenge for the mechanism')
    const text = challenge.toString('utf8')
    if (text.startsWith('v=')) {
      scram.verify(text)
      isVerified = true
      return { kind: 'reply', frame: { kind: 'saslResponse', response: Buffer.alloc(0) } }
    }
    const response = Buffer.from(await scram.answer(text))
    return { kind: 'reply', frame: { kind: 'saslResponse', response } }
  }
  return {
    async onFrame(frame: SaslFrame | undefined): Promise<SaslStep> {
      switch (frame?.kind) {
        case 'saslMechanisms': {
          const mechanism = chosen(frame.mechanisms)
          if (mechanism === undefined) {
            const offered = frame.mechanisms.join(', ') || 'none'
            const how =
              credentials.username === undefined
                ? 'without a user name'
                : 'for the given credentials'
            return failed(`no usable SASL mechanism ${how}; the server offers: ${offered}`)
          }
          const initialResponse = await initial(mechanism)
          chosenMechanism = mechanism
          return { kind: 'reply', frame: { kind: 'saslInit', mechanism, initialResponse } }
        }
        case 'saslChallenge':
          return challenged(frame.challenge)
        case 'saslOutcome': {
          if (frame.code !== 0) return failed(outcomeTexts[frame.code] ?? `outcome ${frame.code}`)
          const last = frame.additionalData?.toString('utf8')
          if (scram !== undefined && !isVerified) scram.verify(last ?? '')
          return { kind: 'done' }
        }
        default:
          return failed(`unexpected ${frame?.kind ?? 'empty frame'} from the server during SASL`)
      }
    },
  }
}

function failed(message: string): SaslStep {
  return { kind: 'failed', error: new AmqpError(AUTHENTICATION_FAILED, message) }
}
