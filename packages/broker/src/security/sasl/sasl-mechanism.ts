// SPDX-License-Identifier: Apache-2.0

/** The server's side of one SASL mechanism. */
export interface SaslMechanism {
  /** Starts one authentication. */
  begin(client: SaslClient): SaslExchange
}

/** What is known about the client before it authenticates. */
export interface SaslClient {
  /** IP address. */
  readonly host: string
  /** Upper-case name of the listener. */
  readonly listenerName: string
}

/** One authentication in progress. */
export interface SaslExchange {
  /** Processes the next token of the client. */
  evaluate(token: Buffer): SaslOutcome | Promise<SaslOutcome>
}

/** Result of one token. */
export type SaslOutcome =
  | { readonly kind: 'continue'; readonly reply: Buffer }
  | ({ readonly kind: 'success'; readonly reply: Buffer } & SaslIdentity)
  | {
      readonly kind: 'failure'
      /** For the client: must not reveal more than the client knows. */
      readonly message: string
    }

/** Identity of an authenticated client. */
export interface SaslIdentity {
  /** Name of the user. */
  readonly name: string
  /** When the credentials expire, milliseconds since 1970; undefined for never. */
  readonly expiresAtMs?: number
  /** Whether the credentials are a delegation token. */
  readonly isToken?: boolean
  /** Claims of an OAuth token, for a principal builder. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** Kafka's message for failures that must be indistinguishable. */
export function invalidCredentials(mechanism: string): SaslOutcome {
  return {
    kind: 'failure',
    message: `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`,
  }
}
