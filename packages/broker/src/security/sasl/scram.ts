// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto'
import { type Random, type ScramCredential, ScramServer, scramSalt } from '@millrace/base'
import { OTHER_ID } from './plain.ts'
import { invalidCredentials, type SaslIdentity, type SaslMechanism } from './sasl-mechanism.ts'

/** SCRAM mechanisms of Kafka. */
export type ScramMechanismName = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** A stored credential and the identity that it proves. */
export interface ScramLogin {
  readonly credential: ScramCredential
  readonly identity: SaslIdentity
}

/** Finds credentials; undefined for an unknown user or token. */
export interface ScramCredentials {
  /** Credential of a user. */
  ofUser(mechanism: ScramMechanismName, name: string): ScramLogin | undefined
  /** Credential of a delegation token (KIP-48). */
  ofToken(
    mechanism: ScramMechanismName,
    tokenId: string,
  ): ScramLogin | undefined | Promise<ScramLogin | undefined>
}

/**
 * SCRAM (RFC 5802, RFC 7677). An unknown user gets a challenge, too, and fails at the second step
 * as with a wrong password, so that names cannot be probed; Kafka refuses it at the first.
 */
export function scramMechanism(
  mechanism: ScramMechanismName,
  options: { readonly credentials: ScramCredentials; readonly random: Random },
): SaslMechanism {
  const { credentials, random } = options
  const digest = mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512'
  const failed = invalidCredentials(mechanism)
  const fakes = new FakeCredentials(random)
  return {
    begin() {
      const server = new ScramServer(digest, random.bytes(20).toString('base64url'))
      let identity: SaslIdentity | undefined
      let isStarted = false
      const challenge = (name: string, found: ScramLogin | undefined) => {
        identity = found?.identity
        const credential = found?.credential ?? fakes.of(name, digest === 'sha256' ? 32 : 64)
        return { kind: 'continue' as const, reply: Buffer.from(server.challenge(credential)) }
      }
      return {
        evaluate(token) {
          if (isStarted) {
            const reply = server.finish(token.toString('utf8'))
            if (reply === undefined || identity === undefined) return failed
            return { kind: 'success', reply: Buffer.from(reply), ...identity }
          }
          isStarted = true
          let name: string
          try {
            name = server.begin(token.toString('utf8'))
          } catch {
            return failed
          }
          const { authorizationId } = server
          if (authorizationId !== '' && authorizationId !== name) {
            return { kind: 'failure', message: OTHER_ID }
          }
          if (server.extensions.get('tokenauth') !== 'true') {
            return challenge(name, credentials.ofUser(mechanism, name))
          }
          const found = credentials.ofToken(mechanism, name)
          return found instanceof Promise
            ? found.then((login) => challenge(name, login))
            : challenge(name, found)
        },
      }
    },
  }
}

const FAKE_ITERATIONS = 4096

/** Challenges for users that do not exist: always the same for a name. */
class FakeCredentials {
  readonly #secret: Buffer
  readonly #unknowable: Buffer

  constructor(random: Random) {
    this.#secret = random.bytes(32)
    this.#unknowable = random.bytes(64)
  }

  of(name: string, keySize: number): ScramCredential {
    const hash = createHmac('sha256', this.#secret).update(name).digest()
    const key = this.#unknowable.subarray(0, keySize)
    return {
      salt: scramSalt(hash),
      iterations: FAKE_ITERATIONS,
      storedKey: key,
      serverKey: key,
    }
  }
}
