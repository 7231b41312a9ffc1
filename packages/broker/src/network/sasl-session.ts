// SPDX-License-Identifier: Apache-2.0
import {
  ByteReader,
  ByteWriter,
  type Clock,
  type Logger,
  MalformedInputError,
} from '@millrace/base'
import {
  type Api,
  ApiKey,
  ApiVersionsResponse,
  apis,
  codecOf,
  ErrorCode,
  inVersions,
  type MessageInput,
  type MessageSchema,
  type RequestHeader,
  readRequestHeader,
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
  skipHeaderTags,
} from '@millrace/protocol'
import type { Principal } from '../security/client-session.ts'
import type { SaslListener } from '../security/sasl/sasl-listener.ts'
import {
  onRequest,
  onSuccess,
  onToken,
  type SaslAction,
  type SaslState,
} from '../security/sasl/sasl-machine.ts'
import {
  invalidCredentials,
  type SaslClient,
  type SaslExchange,
  type SaslOutcome,
} from '../security/sasl/sasl-mechanism.ts'
import type { ReplyPiece } from './reply-output.ts'
import { framed, responseFrame } from './response-frame.ts'

/** How a frame is handled. */
export type SaslReply =
  /** A request to handle like any other. */
  | { readonly kind: 'serve' }
  | {
      readonly kind: 'reply'
      readonly pieces: readonly ReplyPiece[]
      /** Why the connection is closed after the reply; undefined if it stays. */
      readonly closes?: string
    }

/** A request that is answered here. */
interface Asked {
  readonly api: Api
  readonly header: RequestHeader
  /** Reader at the start of the body. */
  readonly body: ByteReader
}

/** The SASL conversation of one connection. */
export class SaslSession {
  readonly #listener: SaslListener
  readonly #client: SaslClient
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #signal: AbortSignal
  readonly #principalOf: PrincipalOf
  readonly #onLogin: (principal: Principal) => void
  #state: SaslState = { kind: 'start' }
  #exchange: SaslExchange | undefined
  #beganAtMs = 0

  constructor(options: {
    readonly listener: SaslListener
    readonly client: SaslClient
    readonly clock: Clock
    readonly logger: Logger
    /** Aborted when the connection closes. */
    readonly signal: AbortSignal
    readonly principalOf: PrincipalOf
    /** Called for every successful authentication, before it is answered. */
    readonly onLogin: (principal: Principal) => void
  }) {
    this.#listener = options.listener
    this.#client = options.client
    this.#clock = options.clock
    this.#logger = options.logger
    this.#signal = options.signal
    this.#principalOf = options.principalOf
    this.#onLogin = options.onLogin
  }

  /** Whether the client may send any request. */
  get isAuthenticated(): boolean {
    return this.#state.kind === 'done'
  }

  /** Processes the next frame. Throws `MalformedInputError` to close without an answer. */
  receive(frame: Buffer): SaslReply | Promise<SaslReply> {
    const state = this.#state
    if (state.kind === 'tokens' && state.isBare) {
      const { action } = this.#step(onToken(state))
      return this.#carryOut(action, undefined, frame)
    }
    const body = new ByteReader(frame)
    const header = readRequestHeader(body)
    const { apiKey, apiVersion } = header
    const api = apis.get(apiKey)
    if (api === undefined) throw new MalformedInputError(`API key ${apiKey} is not answered here`)
    if (!inVersions(api.request.versions, apiVersion)) {
      // The general response contains the supported versions; a second request is rejected.
      if (apiKey === ApiKey.ApiVersions && state.kind === 'start') return { kind: 'serve' }
      throw new MalformedInputError(`${api.name} has no version ${apiVersion}`)
    }
    const asked: Asked = { api, header, body }
    if (apiKey === ApiKey.SaslHandshake || apiKey === ApiKey.SaslAuthenticate) {
      skipHeaderTags(body, api, apiVersion)
    }
    // The body is not read here if the request is served by its handler.
    const mechanism =
      apiKey === ApiKey.SaslHandshake
        ? codecOf(SaslHandshakeRequest, apiVersion).decode(body).mechanism
        : undefined
    const { action } = this.#step(
      onRequest(
        state,
        { apiKey, apiVersion, mechanism },
        { mechanisms: this.#listener.mechanismNames, nowMs: this.#clock.monotonic() },
      ),
    )
    return this.#carryOut(action, asked, undefined)
  }

  #step<Step extends { readonly state: SaslState }>(step: Step): Step {
    if (step.state.kind === 'tokens' && this.#state !== step.state) {
      this.#exchange = this.#listener.mechanism(step.state.mechanism)?.mechanism.begin(this.#client)
      this.#beganAtMs = this.#clock.monotonic()
    }
    this.#state = step.state
    return step
  }

  #carryOut(
    action: SaslAction,
    asked: Asked | undefined,
    bareToken: Buffer | undefined,
  ): SaslReply | Promise<SaslReply> {
    switch (action.kind) {
      case 'serve':
        return { kind: 'serve' }
      case 'close': {
        const error = new MalformedInputError(action.why)
        if (!action.isDelayed) throw error
        return this.#delay().then(() => {
          throw error
        })
      }
      case 'answerHandshake': {
        const message = {
          errorCode: action.errorCode,
          mechanisms:
            action.errorCode === ErrorCode.ILLEGAL_SASL_STATE ? [] : this.#listener.mechanismNames,
        }
        const pieces = respond(asked, SaslHandshakeResponse, message)
        if (!action.closes) return { kind: 'reply', pieces }
        return this.#afterDelay(pieces, 'the SASL handshake failed')
      }
      case 'refuseVersions': {
        const message = { errorCode: action.errorCode, apiKeys: [] }
        const pieces = respond(asked, ApiVersionsResponse, message)
        return this.#afterDelay(pieces, 'ApiVersions came during authentication')
      }
      default:
        return this.#evaluate(asked, bareToken)
    }
  }

  #evaluate(asked: Asked | undefined, bareToken: Buffer | undefined) {
    const state = this.#state
    const exchange = this.#exchange
    if (state.kind !== 'tokens' || exchange === undefined) {
      throw new MalformedInputError('no SASL mechanism was chosen')
    }
    const token = bareToken ?? tokenOf(asked)
    const failed = (error: unknown): SaslOutcome => {
      this.#logger.error('an authentication failed', { client: this.#client.host, error })
      return invalidCredentials(state.mechanism)
    }
    let outcome: SaslOutcome | Promise<SaslOutcome>
    try {
      outcome = exchange.evaluate(token)
    } catch (error) {
      outcome = failed(error)
    }
    return outcome instanceof Promise
      ? outcome.catch(failed).then((settled) => this.#answer(state, settled, asked))
      : this.#answer(state, outcome, asked)
  }

  #answer(
    state: Extract<SaslState, { readonly kind: 'tokens' }>,
    outcome: SaslOutcome,
    asked: Asked | undefined,
  ): SaslReply | Promise<SaslReply> {
    if (outcome.kind === 'continue') {
      return { kind: 'reply', pieces: authenticated(asked, outcome.reply, 0) }
    }
    if (outcome.kind === 'failure') return this.#refuse(state, outcome.message, asked)
    const { mechanism } = state
    let principal: Principal
    try {
      const { name, isToken = false, claims } = outcome
      const sasl = { mechanism, name, isToken, ...(claims === undefined ? {} : { claims }) }
      principal = this.#principalOf(sasl)
    } catch (error) {
      this.#logger.error('the principal builder failed', { client: this.#client.host, error })
      return this.#refuse(state, 'Authentication failed', asked)
    }
    const { expiresAtMs } = outcome
    const result = onSuccess(state, {
      principal,
      credentialMs: expiresAtMs === undefined ? undefined : expiresAtMs - this.#clock.now(),
      maxReauthMs: this.#listener.mechanism(mechanism)?.maxReauthMs ?? 0,
      beganAtMs: this.#beganAtMs,
      nowMs: this.#clock.monotonic(),
    })
    if (result.kind === 'refused') return this.#refuse(state, result.message, asked)
    this.#state = result.state
    this.#exchange = undefined
    this.#onLogin(principal)
    const pieces = authenticated(asked, outcome.reply, result.lifetimeMs)
    return { kind: 'reply', pieces }
  }

  #refuse(
    { mechanism }: { readonly mechanism: string },
    errorMessage: string,
    asked: Asked | undefined,
  ): Promise<SaslReply> {
    this.#state = { kind: 'closed' }
    this.#exchange = undefined
    const why = `authentication with SASL ${mechanism} failed: ${errorMessage}`
    // A raw token has no response that could contain an error.
    if (asked === undefined) return this.#afterDelay([], why)
    const pieces = respond(asked, SaslAuthenticateResponse, {
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage,
      authBytes: Buffer.alloc(0),
    })
    return this.#afterDelay(pieces, why)
  }

  async #afterDelay(pieces: readonly ReplyPiece[], closes: string): Promise<SaslReply> {
    await this.#delay()
    return { kind: 'reply', pieces, closes }
  }

  /** Slows down password guessing (KIP-306). Ends early when the client has disconnected. */
  #delay(): Promise<void> {
    const delayMs = this.#listener.failureDelayMs
    if (delayMs <= 0 || this.#signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel()
        this.#signal.removeEventListener('abort', finish)
        resolve()
      }
      const timer = this.#clock.setTimer(delayMs, finish)
      this.#signal.addEventListener('abort', finish)
    })
  }
}

type PrincipalOf = (sasl: {
  readonly mechanism: string
  readonly name: string
  readonly isToken: boolean
  readonly claims?: Readonly<Record<string, unknown>>
}) => Principal

function tokenOf(asked: Asked | undefined): Buffer {
  if (asked === undefined) throw new MalformedInputError('a SASL token is missing')
  return codecOf(SaslAuthenticateRequest, asked.header.apiVersion).decode(asked.body).authBytes
}

function authenticated(
  asked: Asked | undefined,
  authBytes: Buffer,
  lifetimeMs: number,
): readonly ReplyPiece[] {
  if (asked === undefined) {
    const writer = new ByteWriter(authBytes.length)
    writer.bytes(authBytes)
    return framed(writer)
  }
  return respond(asked, SaslAuthenticateResponse, {
    errorCode: ErrorCode.NONE,
    // Empty, not null, as in Kafka.
    errorMessage: '',
    authBytes,
    sessionLifetimeMs: BigInt(Math.floor(lifetimeMs)),
  })
}

function respond<S extends MessageSchema>(
  asked: Asked | undefined,
  response: S,
  message: MessageInput<S>,
): readonly ReplyPiece[] {
  if (asked === undefined) return []
  const { api, header } = asked
  const { apiVersion: version, correlationId } = header
  const codec = codecOf(response, version)
  return responseFrame((writer) => codec.encode(writer, message), { api, version, correlationId })
}
