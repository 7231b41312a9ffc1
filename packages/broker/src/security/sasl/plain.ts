// SPDX-License-Identifier: Apache-2.0
import { createHash, timingSafeEqual } from 'node:crypto'
import type { SaslMechanism, SaslOutcome } from './sasl-mechanism.ts'

/** A login with SASL PLAIN, for `authenticate` in `BrokerOptions`. */
export interface PlainLogin {
  /** Name of the user. */
  readonly username: string
  /** Password that the client sent. */
  readonly password: string
  /** IP address of the client. */
  readonly host: string
  /** Upper-case name of the listener. */
  readonly listenerName: string
}

/** Decides on a login with SASL PLAIN. */
export type PlainAuthenticator = (login: PlainLogin) => boolean | Promise<boolean>

/** SASL PLAIN (RFC 4616) with Kafka's error texts. */
export function plainMechanism(isAllowed: PlainAuthenticator): SaslMechanism {
  return {
    begin: ({ host, listenerName }) => ({
      evaluate(token) {
        const login = parseToken(token)
        if (typeof login === 'string') return failure(login)
        const { authorizationId, username, password } = login
        const decide = (isValid: boolean): SaslOutcome => {
          if (!isValid) return failure('Authentication failed: Invalid username or password')
          if (authorizationId !== '' && authorizationId !== username) return failure(OTHER_ID)
          return { kind: 'success', reply: Buffer.alloc(0), name: username }
        }
        const verdict = isAllowed({ username, password, host, listenerName })
        return verdict instanceof Promise ? verdict.then(decide) : decide(verdict)
      },
    }),
  }
}

export const OTHER_ID =
  'Authentication failed: Client requested an authorization id that is different from username'

function failure(message: string): SaslOutcome {
  return { kind: 'failure', message }
}

interface PlainToken {
  readonly authorizationId: string
  readonly username: string
  readonly password: string
}

/** `authzid NUL authcid NUL passwd`; an error text for anything else. */
function parseToken(token: Buffer): PlainToken | string {
  // Kafka counts no further than four.
  const parts = token.toString('utf8').split('\0', 4)
  const [authorizationId = '', username = '', password = ''] = parts
  if (parts.length !== 3) {
    return `Invalid SASL/PLAIN response: expected 3 tokens, got ${parts.length}`
  }
  if (username === '') return 'Authentication failed: username not specified'
  if (password === '') return 'Authentication failed: password not specified'
  return { authorizationId, username, password }
}

/** Users and passwords of a JAAS configuration, compared in constant time. */
export function passwordTable(users: ReadonlyMap<string, string>): PlainAuthenticator {
  const digests = new Map([...users].map(([name, password]) => [name, digestOf(password)]))
  const unknown = digestOf('')
  return ({ username, password }) => {
    const expected = digests.get(username)
    const isEqual = timingSafeEqual(digestOf(password), expected ?? unknown)
    return isEqual && expected !== undefined
  }
}

function digestOf(password: string): Buffer {
  return createHash('sha256').update(password).digest()
}
