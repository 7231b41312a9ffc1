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
  /** `/address`, in Kafka's format. */
  readonly clientHost: string
  /** Identity of the client, for the authorizer. */
  readonly session: ClientSession
  /** Permissions of the client. */
  readonly access: Access
  /** What the request uses of the client's quotas. */
  readonly throttle: RequestThrottle
  readonly listener: ListenerConfig
  /** Address for the client: the advertised one, or the one it connected to. */
  readonly endpoint: { readonly host: string; readonly port: number }
  /** Aborted when the connection closes, which ends long polls. */
  readonly signal: AbortSignal
  readonly replySpace: ReplySpace
}

/** Memory for replies, limited for all connections together. */
export interface ReplySpace {
  /** Maximum size of this reply, if its size can be chosen. */
  allowance(): number
  /** Counts bytes as used from now on, before they are written. */
  reserve(bytes: number): void
}

/** A supported API. An undefined reply means that none is sent (`acks=0`). */
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
