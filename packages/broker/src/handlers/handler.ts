// SPDX-License-Identifier: Apache-2.0
import type { MessageInput, MessageOf, MessageSchema } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import type { ListenerConfig } from '../config/listeners.ts'
import type { RequestThrottle } from '../quota/request-throttle.ts'
import type { Access } from '../security/access.ts'
import type { ClientSession } from '../security/client-session.ts'

/** Request metadata: client, API version, listener. */
export interface RequestContext {
  readonly broker: BrokerServices
  readonly version: number
  readonly clientId: string
  /** `/address`, as Kafka shows it. */
  readonly clientHost: string
  /** Identity of the client; the authorizer decides by it. */
  readonly session: ClientSession
  /** What the client may do. */
  readonly access: Access
  /** What the request uses of the client's quotas. */
  readonly throttle: RequestThrottle
  readonly listener: ListenerConfig
  /** Where this client reaches us: the advertised address, or the one it used. */
  readonly endpoint: { readonly host: string; readonly port: number }
  /** Aborted when the connection closes: a long poll need not go on. */
  readonly signal: AbortSignal
  readonly replySpace: ReplySpace
}

/** Memory for replies, of which all connections together have a limited amount. */
export interface ReplySpace {
  /** Bytes that this reply may have, where its size can be chosen. */
  allowance(): number
  /** Counts bytes as used from now on, before they are written. */
  reserve(bytes: number): void
}

/** An API the broker answers. Undefined as a reply means that none is sent (`acks=0`). */
export interface Handler {
  readonly request: MessageSchema
  readonly response: MessageSchema
  /** Whether the next request of the connection may start while this one waits for the disk. */
  readonly isPipelined: boolean
  handle(
    request: MessageOf<MessageSchema>,
    context: RequestContext,
  ): HandlerReply<MessageSchema> | Promise<HandlerReply<MessageSchema>>
}

type HandlerReply<S extends MessageSchema> = MessageInput<S> | undefined

export function defineHandler<Q extends MessageSchema, S extends MessageSchema>(
  request: Q,
  response: S,
  handle: (
    request: MessageOf<Q>,
    context: RequestContext,
  ) => HandlerReply<S> | Promise<HandlerReply<S>>,
  options: { readonly isPipelined?: boolean } = {},
): Handler {
  return {
    request,
    response,
    isPipelined: options.isPipelined ?? false,
    handle: handle as unknown as Handler['handle'],
  }
}
