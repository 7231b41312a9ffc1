// SPDX-License-Identifier: Apache-2.0
import { type Random, ScramClient, type ScramDigest } from '@millrace/base'
import { AmqpError, Condition } from '../amqp-error.ts'
import type { SaslLayer, SaslStep } from '../connection.ts'
import type { SaslFrame } from '../definitions/performatives.ts'

/** Supported mechanisms, strongest first. */
export const mechanisms = [
  'SCRAM-SHA-512',
  'SCRAM-SHA-256',
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

/** The client's side of the SASL layer (part 5, section 5.3). */
export function saslClient(credentials: SaslCredentials, random: Random): SaslLayer {
  let scram: ScramClient | undefined
  let isVerified = false
  function chosen(offered: readonly string[]): SaslMechanism | undefined {
    const hasPassword = credentials.username !== undefined
    const usable = (name: SaslMechanism): boolean => {
      if (name === 'ANONYMOUS') return !hasPassword
      return name === 'EXTERNAL' ? credentials.mechanisms !== undefined : hasPassword
    }
    const wanted = credentials.mechanisms ?? mechanisms.filter(usable)
    return wanted.find((name) => offered.includes(name))
  }
  function initial(mechanism: SaslMechanism): Buffer {
    const { username = '', password = '' } = credentials
    switch (mechanism) {
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
          const initialResponse = initial(mechanism)
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
