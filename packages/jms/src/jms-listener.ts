// SPDX-License-Identifier: Apache-2.0
import { type BodyCodec, type BodyEncoder, bodyCodec } from './body-codec.ts'
import { Connection } from './connection.ts'
import { ConnectionFactory } from './connection-factory.ts'
import { type Destination, Queue, Topic } from './destination.ts'
import type { JMSException } from './exceptions.ts'
import { ListenerContainer } from './listener-container.ts'
import type { Message } from './message/message.ts'
import {
  callback,
  checkOptions,
  checkValue,
  flag,
  InvalidOptionException,
  nonEmptyText,
  number,
  type OptionRule,
  type OptionRules,
  object,
  oneOf,
  show,
  signal,
  text,
  whole,
} from './options.ts'
import type { Session } from './session.ts'

/**
 * Attempts to handle a message, and the delays between them, before it is returned to the provider.
 * Other messages of the same session wait, which keeps the order.
 */
export interface RetryOptions {
  /** Attempts in total, including the first. Default 3. */
  readonly maxAttempts?: number
  /** Delay before the second attempt, milliseconds. Default 1000. */
  readonly backoffMs?: number
  /** Factor by which the delay grows after each attempt. Default 2. */
  readonly multiplier?: number
  /** Longest delay, milliseconds. Default 30,000. */
  readonly maxBackoffMs?: number
}

/** When a message counts as consumed. */
export type ListenerAcknowledge = 'auto' | 'client' | 'transacted' | 'dups-ok'

/** Options of `jmsListener`. */
export interface ListenerOptions {
  /**
   * Source of the connection. With a `ConnectionFactory` the listener creates its own connection,
   * which reconnects after a loss unless the factory's options say `reconnect: false`. With a
   * `Connection` the listener starts it but does not close it; a lost connection is replaced only
   * if it was created with `reconnect`.
   */
  readonly connection: ConnectionFactory | Connection
  /** Sessions that handle messages concurrently. Default 1, which keeps the order of messages. */
  readonly concurrency?: number
  /**
   * When a message counts as consumed:
   * - `auto` (default): when the handler succeeds. If it fails, the message is delivered again.
   * - `transacted`: in one transaction with the messages that the handler sends through
   *   `context.session`. The sends of a failed attempt are rolled back.
   * - `client`: when the handler calls `message.acknowledge()`.
   * - `dups-ok`: as `auto`; the provider may deliver duplicates.
   */
  readonly acknowledge?: ListenerAcknowledge
  /**
   * Retries in the listener. Default: one attempt, then the provider delivers the message again.
   */
  readonly retry?: RetryOptions
  /** Selector, in the syntax of Jakarta Messaging 3.1, section 3.8. Default: all messages. */
  readonly selector?: string
  /** Name of a subscription of a topic. Without `durable` the subscription must be shared. */
  readonly subscription?: string
  /**
   * Whether the subscription remains while it has no consumer. Requires `subscription`, and a
   * client id unless it is `shared`. Default false.
   */
  readonly durable?: boolean
  /**
   * Whether consumers of several connections share the subscription. Requires `subscription`.
   * Default: true unless `durable`.
   */
  readonly shared?: boolean
  /** Closes the listener when aborted. */
  readonly signal?: AbortSignal
  /**
   * Called for each failure of a handler, reply, commit or consumer. `message` is undefined if the
   * failure concerns no message.
   */
  readonly onError?: (error: unknown, message: Message | undefined) => void
  /** Called when the connection is lost and is being replaced. */
  readonly onInterrupted?: (error: JMSException) => void
  /** Called when the connection is re-established after `onInterrupted`. */
  readonly onRestored?: () => void
}

/** Second argument of a handler. */
export interface ListenerContext<M extends Message = Message> {
  /** The message. */
  readonly message: M
  /**
   * Session that received the message. With `transacted`, messages sent through it are part of the
   * transaction.
   */
  readonly session: Session
  /**
   * Attempt number in the listener, from 1. The delivery count of the provider is the property
   * `JMSXDeliveryCount`.
   */
  readonly attempt: number
  /**
   * Aborted when the outcome of the handler has no effect any more: the connection was lost, so
   * the message is delivered again, or the listener is closing. A failure after that does not
   * count as a failed delivery.
   */
  readonly signal: AbortSignal
}

/**
 * Handles a message. A result other than undefined is sent to the message's `JMSReplyTo`, if set.
 */
export type ListenerHandler<M extends Message = Message> = (
  message: M,
  context: ListenerContext<M>,
) => unknown

/** Handles the body of a message. */
export type BodyHandler<T> = (body: T, context: ListenerContext) => unknown

/** Options of `close`. */
export interface ListenerCloseOptions {
  /** Time limit for running handlers to finish, milliseconds. Default 30,000. */
  readonly timeoutMs?: number
}

/** A running listener. */
export interface JmsListener extends AsyncDisposable {
  /** `interrupted` while a lost connection is being replaced. */
  readonly state: 'running' | 'interrupted' | 'closed'
  /**
   * Settles when the listener has ended: resolves after `close`, or after its connection was
   * closed; rejects with `JMSException` if the connection fails permanently. An unhandled rejection
   * does not end the process.
   */
  readonly closed: Promise<void>
  /**
   * Stops receiving messages, aborts the signal of handlers, ends waits between attempts, and waits
   * for running handlers. After `timeoutMs` it closes without waiting, and their messages are
   * delivered again. In a handler it resolves without waiting. Idempotent.
   */
  close(options?: ListenerCloseOptions): Promise<void>
}

const connectionRule: OptionRule = {
  expected: 'a ConnectionFactory or a Connection, such as new ConnectionFactory("amqp://…")',
  accepts: (value) => value instanceof ConnectionFactory || value instanceof Connection,
}

const rules: OptionRules<ListenerOptions> & {
  readonly body: OptionRule
  readonly reply: OptionRule
} = {
  connection: connectionRule,
  concurrency: whole(1),
  acknowledge: oneOf('auto', 'client', 'transacted', 'dups-ok'),
  retry: object('an object with maxAttempts, backoffMs, multiplier, maxBackoffMs'),
  selector: text,
  subscription: nonEmptyText,
  durable: flag,
  shared: flag,
  signal,
  onError: callback,
  onInterrupted: callback,
  onRestored: callback,
  body: bodyCodec,
  reply: bodyCodec,
}

const retryRules: OptionRules<RetryOptions> = {
  maxAttempts: whole(1),
  backoffMs: number(0),
  multiplier: number(1),
  maxBackoffMs: number(0),
}

const closeRules: OptionRules<ListenerCloseOptions> = { timeoutMs: number(0) }

/** Options of a listener with typed bodies. */
export interface TypedListenerOptions<T> extends ListenerOptions {
  /**
   * Decodes the body for the handler: `json<Order>()`. A message that cannot be decoded is returned
   * to the provider without further attempts.
   */
  readonly body: BodyCodec<T>
  /** Encodes the handler's result. Default: as `JMSProducer.send` does. */
  readonly reply?: BodyEncoder
}

/**
 * Handles the messages of a destination until it is closed, like Spring's `@JmsListener`; lost
 * connections are replaced. A string names a queue, or a topic if `subscription` is set.
 *
 * A handler that throws is called again according to `retry`; then the message is returned to the
 * provider, which delivers it again until it becomes a dead letter. A result is sent to the
 * message's `JMSReplyTo`; a reply that cannot be delivered is reported to `onError`, and the
 * message counts as handled.
 *
 * Resolves when messages can arrive. Rejects with `JMSException` if the provider cannot be reached
 * or refuses, and with `InvalidOptionException` if an option is unknown or invalid.
 */
export function jmsListener<T>(
  destination: Destination | string,
  handler: BodyHandler<T>,
  options: TypedListenerOptions<T>,
): Promise<JmsListener>
/**
 * Consumes from a destination with a handler and reconnects automatically; resolves when it is
 * consuming.
 */
export function jmsListener<M extends Message = Message>(
  destination: Destination | string,
  handler: ListenerHandler<M>,
  options: ListenerOptions,
): Promise<JmsListener>
export async function jmsListener(
  destination: Destination | string,
  handler: (value: never, context: ListenerContext<never>) => unknown,
  options: ListenerOptions & Partial<TypedListenerOptions<unknown>>,
): Promise<JmsListener> {
  checkOptions('jmsListener', options, rules)
  checkValue('jmsListener', 'connection', options.connection, connectionRule)
  if (options.retry !== undefined) checkOptions('jmsListener: retry', options.retry, retryRules)
  checkValue('jmsListener', 'handler', handler, callback)
  const from = destinationFor(destination, options)
  const container = new ListenerContainer(
    from,
    // Cast: the codec, or the caller's type argument, determines the type of the handler's
    // parameter.
    handler as (value: unknown, context: ListenerContext) => unknown,
    options,
  )
  await container.start()
  return {
    get state() {
      return container.state
    },
    closed: container.closed,
    async close(given: ListenerCloseOptions = {}) {
      checkOptions('close', given, closeRules)
      await container.close(given.timeoutMs)
    },
    [Symbol.asyncDispose]: () => container.close(),
  }
}

/** Returns the destination. Throws `InvalidOptionException` if the options do not fit it. */
function destinationFor(given: Destination | string, options: ListenerOptions): Destination {
  const { subscription, durable, shared, concurrency = 1 } = options
  for (const key of ['durable', 'shared'] as const) {
    if (options[key] !== true || subscription !== undefined) continue
    throw new InvalidOptionException(
      `jmsListener: ${key} requires subscription, the name of the subscription`,
    )
  }
  if (subscription !== undefined && durable !== true && shared === false) {
    throw new InvalidOptionException(
      `jmsListener: subscription ${show(subscription)} must be durable or shared: an unshared non-durable subscription has no name`,
    )
  }
  if (typeof given !== 'string' && !(given instanceof Queue || given instanceof Topic)) {
    throw new InvalidOptionException(
      `jmsListener: invalid destination ${show(given)}: expected a Queue, a Topic or a name`,
    )
  }
  const destination =
    typeof given !== 'string'
      ? given
      : subscription === undefined
        ? new Queue(given)
        : new Topic(given)
  if (subscription !== undefined && !(destination instanceof Topic)) {
    throw new InvalidOptionException(
      `jmsListener: subscription ${show(subscription)} of the queue ${destination}: only topics have subscriptions`,
    )
  }
  const isShared = subscription !== undefined && (shared ?? durable !== true)
  if (concurrency > 1 && destination instanceof Topic && !isShared) {
    throw new InvalidOptionException(
      `jmsListener: concurrency ${concurrency} on the topic ${destination} requires shared: otherwise each session receives every message`,
    )
  }
  return destination
}
