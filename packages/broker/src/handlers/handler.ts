// SPDX-License-Identifier: Apache-2.0
import type { ByteReader, ByteWriter } from '@millrace/base'
import { codecOf, type MessageInput, type MessageOf, type MessageSchema } from '@millrace/protocol'
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

/** A supported API. */
export interface Handler {
  readonly request: MessageSchema
  readonly response: MessageSchema
  /** Whether the next request of the connection may start while this one waits for the disk. */
  readonly isPipelined: boolean
  /** Decodes a request whose header was read, without handling it. */
  decode(body: ByteReader, version: number): DecodedRequest
}

/** A request that is to be handled. */
export type DecodedRequest = (context: RequestContext) => Reply | Promise<Reply>

/**
 * Writes the body of a reply, with the time for which the client must not send further requests, in
 * milliseconds. Undefined if no reply is sent (`acks=0`).
 */
export type Reply = ((writer: ByteWriter, throttleTimeMs: number) => void) | undefined

type HandlerReply<S extends MessageSchema> = MessageInput<S> | undefined

/** Response that belongs to a request: `EndTxnResponse` to `EndTxnRequest`. */
interface ResponseTo<Q extends MessageSchema> extends MessageSchema {
  readonly name: Q['name'] extends `${infer A}Request` ? `${A}Response` : never
}

/** Binds the schemas of an API to the function that handles it. */
export function defineHandler<Q extends MessageSchema, S extends ResponseTo<Q>>(
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
    decode(body, version) {
      const message = codecOf(request, version).decode(body)
      const replyOf = (reply: HandlerReply<S>): Reply => {
        if (reply === undefined) return undefined
        return (writer, throttleTimeMs) => {
          const sent = throttleTimeMs === 0 ? reply : { ...reply, throttleTimeMs }
          codecOf(response, version).encode(writer, sent)
        }
      }
      return (context) => {
        const reply = handle(message, context)
        return reply instanceof Promise ? reply.then(replyOf) : replyOf(reply)
      }
    },
  }
}
