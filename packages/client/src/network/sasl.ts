// SPDX-License-Identifier: Apache-2.0
import { type Clock, MillraceError, type Random, ScramClient } from '@millrace/base'
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

/** Mechanism and credentials of SASL. */
export type SaslOptions =
  | {
      /** SASL mechanism. */
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      /** Name of the user. */
      readonly username: string
      /** Password of the user. */
      readonly password: string
      /**
       * Whether `username` is the id of a delegation token, and `password` its HMAC in base64
       * (KIP-48). Only for SCRAM. Default false.
       */
      readonly tokenAuth?: boolean
    }
  | {
      /** SASL mechanism. */
      readonly mechanism: 'OAUTHBEARER'
      /**
       * Returns a token; called for each connection and again before a session expires (KIP-368).
       */
      readonly token: () => OAuthToken | Promise<OAuthToken>
    }

/** A token for SASL OAUTHBEARER. */
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

/** Runs the mechanism; resolves with the lifetime of the session, milliseconds, 0 for no limit. */
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
      `${with_.host} does not accept SASL ${sasl.mechanism}, only ${handshake.mechanisms.join(', ') || 'none'}`,
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
      `${with_.host} rejected the credentials: ${response.errorMessage ?? code}`,
    )
  }
  return {
    reply: response.authBytes.toString('utf8'),
    lifetimeMs: Number(response.sessionLifetimeMs),
  }
}

/**
 * RFC 7628. An error is sent as JSON and acknowledged with a single 0x01; then the broker refuses.
 */
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
      `${with_.host} rejected the bearer token: ${reply}`,
    )
  }
  return lifetimeMs
}

/**
 * RFC 5802 with Kafka's SHA-256 and SHA-512; the server must prove that it knows the password, too.
 */
async function scram(
  with_: Conversation,
  sasl: Extract<SaslOptions, { readonly username: string }>,
): Promise<number> {
  const conversation = new ScramClient({
    digest: sasl.mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512',
    username: sasl.username,
    password: sasl.password,
    nonce: with_.random.bytes(24).toString('base64url'),
    ...(sasl.tokenAuth === true ? { extensions: { tokenauth: 'true' } } : {}),
  })
  try {
    const challenge = await exchange(with_, conversation.first)
    const last = await exchange(with_, await conversation.answer(challenge.reply))
    conversation.verify(last.reply)
    return last.lifetimeMs
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'MILLRACE_SASL') throw error
    throw new MillraceError('MILLRACE_SASL', `${with_.host}: ${error.message}`)
  }
}
