// SPDX-License-Identifier: Apache-2.0
// The server's side of Kafka's SASL conversation (KIP-43, KIP-152, KIP-368) without I/O: a request
// or the result of a token comes in, and what to do comes out, with the next state.
import { ApiKey, ErrorCode } from '@millrace/protocol'
import { type Principal, principalText } from '../client-session.ts'

/** Where a connection is in its conversation. */
export type SaslState =
  /** Nothing but ApiVersions and SaslHandshake is accepted. */
  | { readonly kind: 'start' }
  /** ApiVersions was answered; only SaslHandshake is accepted. */
  | { readonly kind: 'handshake' }
  /** A mechanism was chosen, and its tokens are expected. */
  | {
      readonly kind: 'tokens'
      readonly mechanism: string
      /** Tokens come as frames of their own, without a request header (SaslHandshake v0). */
      readonly isBare: boolean
      /** Set while a client authenticates again. */
      readonly previous: Login | undefined
    }
  /** Authenticated. */
  | { readonly kind: 'done'; readonly login: Login }
  /** Nothing is accepted. */
  | { readonly kind: 'closed' }

/** A completed authentication. */
export interface Login {
  readonly principal: Principal
  readonly mechanism: string
  /** When the session ends, by the monotonic clock; undefined for never. */
  readonly endsAtMs: number | undefined
  /** When the last authentication of this connection began, by the monotonic clock. */
  readonly beganAtMs: number
}

/** The parts of a request that decide. */
export interface SaslRequest {
  readonly apiKey: number
  readonly apiVersion: number
  /** Mechanism in a SaslHandshake. */
  readonly mechanism?: string | undefined
}

/** What to do with a request. */
export type SaslAction =
  /** Handle it like any request. */
  | { readonly kind: 'serve' }
  /** Answer a SaslHandshake. */
  | { readonly kind: 'answerHandshake'; readonly errorCode: number; readonly closes: boolean }
  /** Answer ApiVersions with an error and close. */
  | { readonly kind: 'refuseVersions'; readonly errorCode: number }
  /** Pass the token to the mechanism. */
  | { readonly kind: 'evaluate' }
  /** Close without an answer; `isDelayed` as after a failed authentication. */
  | { readonly kind: 'close'; readonly why: string; readonly isDelayed: boolean }

/** The next state and what to do. */
export interface SaslStep {
  readonly state: SaslState
  readonly action: SaslAction
}

const CLOSED: SaslState = { kind: 'closed' }
/** A client that authenticates more often gets ILLEGAL_SASL_STATE from the handler. */
const MIN_REAUTH_INTERVAL_MS = 1000

/** Decides on a request. Not for bare tokens, which are no requests. */
export function onRequest(
  state: SaslState,
  request: SaslRequest,
  settings: { readonly mechanisms: readonly string[]; readonly nowMs: number },
): SaslStep {
  switch (state.kind) {
    case 'start':
      if (request.apiKey === ApiKey.ApiVersions) {
        return { state: { kind: 'handshake' }, action: { kind: 'serve' } }
      }
      return handshake(state, request, settings, undefined)
    case 'handshake':
      return handshake(state, request, settings, undefined)
    case 'tokens':
      return token(state, request)
    case 'done':
      return authenticated(state, request, settings)
    default:
      return close('the connection is closed')
  }
}

function close(why: string, isDelayed = false): SaslStep {
  return { state: CLOSED, action: { kind: 'close', why, isDelayed } }
}

function handshake(
  state: SaslState,
  { apiKey, apiVersion, mechanism }: SaslRequest,
  { mechanisms }: { readonly mechanisms: readonly string[] },
  previous: Login | undefined,
): SaslStep {
  if (apiKey !== ApiKey.SaslHandshake || mechanism === undefined) {
    const what = state.kind === 'start' ? 'ApiVersions or SaslHandshake' : 'SaslHandshake'
    return close(`API key ${apiKey} came before authentication, where ${what} was expected`)
  }
  if (!mechanisms.includes(mechanism)) {
    const errorCode = ErrorCode.UNSUPPORTED_SASL_MECHANISM
    return { state: CLOSED, action: { kind: 'answerHandshake', errorCode, closes: true } }
  }
  return {
    state: { kind: 'tokens', mechanism, isBare: apiVersion === 0, previous },
    action: { kind: 'answerHandshake', errorCode: ErrorCode.NONE, closes: false },
  }
}

function token(
  state: Extract<SaslState, { readonly kind: 'tokens' }>,
  { apiKey }: SaslRequest,
): SaslStep {
  const errorCode = ErrorCode.ILLEGAL_SASL_STATE
  switch (apiKey) {
    case ApiKey.SaslAuthenticate:
      return onToken(state)
    case ApiKey.SaslHandshake:
      return { state: CLOSED, action: { kind: 'answerHandshake', errorCode, closes: true } }
    case ApiKey.ApiVersions:
      return { state: CLOSED, action: { kind: 'refuseVersions', errorCode } }
    default:
      return close(`API key ${apiKey} came during authentication`, true)
  }
}

/** Decides on a token, bare or in a SaslAuthenticate. */
export function onToken(state: Extract<SaslState, { readonly kind: 'tokens' }>): SaslStep {
  const { mechanism, previous } = state
  if (previous !== undefined && previous.mechanism !== mechanism) {
    const why = `the SASL mechanism changed from ${previous.mechanism} to ${mechanism}`
    return close(`${why} during re-authentication`, true)
  }
  return { state, action: { kind: 'evaluate' } }
}

function authenticated(
  state: Extract<SaslState, { readonly kind: 'done' }>,
  request: SaslRequest,
  settings: { readonly mechanisms: readonly string[]; readonly nowMs: number },
): SaslStep {
  const { endsAtMs, beganAtMs } = state.login
  if (request.apiKey === ApiKey.SaslHandshake && endsAtMs !== undefined) {
    if (settings.nowMs - beganAtMs >= MIN_REAUTH_INTERVAL_MS) {
      return handshake(state, request, settings, state.login)
    }
  }
  if (endsAtMs !== undefined && settings.nowMs >= endsAtMs) {
    return close('its session has expired')
  }
  return { state, action: { kind: 'serve' } }
}

/** What a success means for the connection, before it is answered. */
export type LoginOutcome =
  | { readonly kind: 'accepted'; readonly state: SaslState; readonly lifetimeMs: number }
  | { readonly kind: 'refused'; readonly state: SaslState; readonly message: string }

/** Decides on a client whose mechanism has succeeded. */
export function onSuccess(
  state: Extract<SaslState, { readonly kind: 'tokens' }>,
  success: {
    readonly principal: Principal
    /** How long the credentials are valid, milliseconds; undefined for no limit. */
    readonly credentialMs: number | undefined
    /** `connections.max.reauth.ms`; 0 for no limit. */
    readonly maxReauthMs: number
    /** When this authentication began, by the monotonic clock. */
    readonly beganAtMs: number
    readonly nowMs: number
  },
): LoginOutcome {
  const { principal, credentialMs, maxReauthMs, beganAtMs, nowMs } = success
  const { previous, mechanism } = state
  if (previous !== undefined && !isSame(previous.principal, principal)) {
    const text = (each: Principal): string => principalText(each).replace(':', '.')
    const message = `Cannot change principals during re-authentication from ${text(previous.principal)}: ${text(principal)}`
    return { kind: 'refused', state: CLOSED, message }
  }
  const limits = [
    ...(credentialMs === undefined ? [] : [Math.max(0, credentialMs)]),
    ...(maxReauthMs > 0 ? [maxReauthMs] : []),
  ]
  const lifetimeMs = limits.length === 0 ? undefined : Math.min(...limits)
  const login: Login = {
    principal,
    mechanism,
    endsAtMs: lifetimeMs === undefined ? undefined : nowMs + lifetimeMs,
    // As in Kafka only a second authentication has to keep its distance, to another one.
    beganAtMs: previous === undefined ? Number.NEGATIVE_INFINITY : beganAtMs,
  }
  return { kind: 'accepted', state: { kind: 'done', login }, lifetimeMs: lifetimeMs ?? 0 }
}

function isSame(a: Principal, b: Principal): boolean {
  return a.type === b.type && a.name === b.name
}
