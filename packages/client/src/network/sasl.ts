// SPDX-License-Identifier: Apache-2.0
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { type Clock, MillraceError, type Random } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  ProtocolError,
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from '@millrace/protocol'
import { InvalidOptionError } from '../options.ts'

const deriveKey = promisify(pbkdf2)

/** How to prove who we are. */
export type SaslOptions =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: string
    }
  | {
      readonly mechanism: 'OAUTHBEARER'
      /** Called for each connection and again before a session ends (KIP-368). */
      readonly token: () => OAuthToken | Promise<OAuthToken>
    }

export interface OAuthToken {
  /** The bearer token, as RFC 6750 has it. */
  readonly value: string
  /** Further key-value pairs of the first message (KIP-342). */
  readonly extensions?: Readonly<Record<string, string>>
}

export const saslMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const

interface Conversation {
  readonly host: string
  readonly clock: Clock
  readonly random: Random
  request<Q extends MessageSchema, S extends MessageSchema>(
    request: Q,
    response: S,
    message: MessageInput<Q>,
  ): Promise<MessageOf<S>>
}

/** Runs the mechanism; resolves with how long the session lasts, milliseconds, 0 for without end. */
export async function authenticate(sasl: SaslOptions, with_: Conversation): Promise<number> {
  if (!saslMechanisms.includes(sasl.mechanism)) {
    throw new InvalidOptionError('sasl.mechanism', sasl.mechanism, saslMechanisms.join(', '))
  }
  const handshake = await with_.request(SaslHandshakeRequest, SaslHandshakeResponse, {
    mechanism: sasl.mechanism,
  })
  if (handshake.errorCode !== ErrorCode.NONE) {
    const code = errorName(handshake.errorCode)
    throw new ProtocolError(
      code,
      `${with_.host} does not take SASL ${sasl.mechanism}, only ${handshake.mechanisms.join(', ') || 'none'}`,
    )
  }
  switch (sasl.mechanism) {
    case 'PLAIN':
      return (await exchange(with_, `\0${sasl.username}\0${sasl.password}`)).lifetimeMs
    case 'OAUTHBEARER':
      return bearer(with_, await sasl.token())
    default:
      return scram(with_, sasl)
  }
}

async function exchange(
  with_: Conversation,
  text: string,
): Promise<{ readonly reply: string; readonly lifetimeMs: number }> {
  const response = await with_.request(SaslAuthenticateRequest, SaslAuthenticateResponse, {
    authBytes: Buffer.from(text),
  })
  if (response.errorCode !== ErrorCode.NONE) {
    const code = errorName(response.errorCode)
    throw new ProtocolError(
      code,
      `${with_.host} refused the credentials: ${response.errorMessage ?? code}`,
    )
  }
  return {
    reply: response.authBytes.toString('utf8'),
    lifetimeMs: Number(response.sessionLifetimeMs),
  }
}

/** RFC 7628. A refusal arrives as JSON, to be acknowledged with a single 0x01 before the broker says no. */
async function bearer(with_: Conversation, token: OAuthToken): Promise<number> {
  const extensions = Object.entries(token.extensions ?? {})
    .map(([key, value]) => `${key}=${value}\u0001`)
    .join('')
  const { reply, lifetimeMs } = await exchange(
    with_,
    `n,,\u0001auth=Bearer ${token.value}\u0001${extensions}\u0001`,
  )
  if (reply !== '') {
    await exchange(with_, '\u0001')
    throw new ProtocolError(
      'SASL_AUTHENTICATION_FAILED',
      `${with_.host} refused the bearer token: ${reply}`,
    )
  }
  return lifetimeMs
}

/** RFC 5802 with Kafka's SHA-256 and SHA-512; the server has to prove that it knows the password too. */
async function scram(
  with_: Conversation,
  sasl: Extract<SaslOptions, { readonly username: string }>,
): Promise<number> {
  const digest = sasl.mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512'
  const size = digest === 'sha256' ? 32 : 64
  const nonce = with_.random.bytes(24).toString('base64url')
  const name = sasl.username.replaceAll('=', '=3D').replaceAll(',', '=2C')
  const clientFirst = `n=${name},r=${nonce}`
  const serverFirst = (await exchange(with_, `n,,${clientFirst}`)).reply
  const { r: serverNonce, s: salt, i: iterations } = attributes(serverFirst)
  const rounds = Number(iterations)
  if (serverNonce === undefined || salt === undefined || !serverNonce.startsWith(nonce)) {
    throw new MillraceError('MILLRACE_SASL', `${with_.host} sent a malformed SCRAM challenge`)
  }
  if (!(rounds >= 4096)) {
    throw new MillraceError(
      'MILLRACE_SASL',
      `${with_.host} asks for ${iterations} SCRAM iterations; at least 4096 are required`,
    )
  }
  const hmac = (key: Buffer, text: string): Buffer => createHmac(digest, key).update(text).digest()
  const salted = await deriveKey(
    sasl.password.normalize('NFKC'),
    Buffer.from(salt, 'base64'),
    rounds,
    size,
    digest,
  )
  const clientKey = hmac(salted, 'Client Key')
  const storedKey = createHash(digest).update(clientKey).digest()
  const clientFinal = `c=${Buffer.from('n,,').toString('base64')},r=${serverNonce}`
  const signed = `${clientFirst},${serverFirst},${clientFinal}`
  const signature = hmac(storedKey, signed)
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] as number)))
  const last = await exchange(with_, `${clientFinal},p=${proof.toString('base64')}`)
  const expected = hmac(hmac(salted, 'Server Key'), signed)
  const verifier = Buffer.from(attributes(last.reply).v ?? '', 'base64')
  if (verifier.length !== expected.length || !timingSafeEqual(verifier, expected)) {
    throw new MillraceError(
      'MILLRACE_SASL',
      `${with_.host} could not prove that it knows the password`,
    )
  }
  return last.lifetimeMs
}

function attributes(text: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(text.split(',').map((part) => [part[0] ?? '', part.slice(2)]))
}
