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
 * How often, and after how long, a message whose handler failed is handled again before it is given back to the provider. Other messages
 * of the same session wait meanwhile, so that the order is kept.
 */
export interface RetryOptions {
  /** Attempts in all, the first one included. Default 3. */
  readonly maxAttempts?: number
  /** Wait before the second attempt, milliseconds. Default 1000. */
  readonly backoffMs?: number
  /** Factor by which the wait grows with each attempt. Default 2. */
  readonly multiplier?: number
  /** Longest wait, milliseconds. Default 30,000. */
  readonly maxBackoffMs?: number
}

/** When a message counts as consumed. */
export type ListenerAcknowledge = 'auto' | 'client' | 'transacted' | 'dups-ok'

/** Options of `jmsListener`. */
export interface ListenerOptions {
  /**
   * Where messages come from. With a `ConnectionFactory` the listener has a connection of its own, which is replaced when it is lost
   * unless the factory's options say `reconnect: false`. With a `Connection` it uses that one and starts it; it does not close it, and
   * a lost one is replaced only if it was made with `reconnect`.
   */
  readonly connection: ConnectionFactory | Connection
  /** Sessions that handle messages at the same time. Default 1, which keeps their order. */
  readonly concurrency?: number
  /**
   * When a message counts as consumed:
   * - `auto` (default): when the handler has succeeded. One whose handler failed is delivered again.
   * - `transacted`: with the commit of what the handler sent through `context.session`, all or nothing. What a failed attempt sent is
   *   undone.
   * - `client`: when the handler calls `message.acknowledge()`.
   * - `dups-ok`: as `auto`; the provider may deliver duplicates.
   */
  readonly acknowledge?: ListenerAcknowledge
  /** Attempts of the listener itself. Default: one attempt, then the provider delivers the message again. */
  readonly retry?: RetryOptions
  /** Only messages that it matches, in the syntax of Jakarta Messaging 3.1, section 3.8. Default: all. */
  readonly selector?: string
  /** Name of a subscription of a topic. Without `durable` it must be shared. */
  readonly subscription?: string
  /** The subscription lives on while no consumer has it. Needs `subscription`, and unless it is `shared` a client id. Default false. */
  readonly durable?: boolean
  /** Consumers of several connections share the subscription. Needs `subscription`. Default: true unless `durable`. */
  readonly shared?: boolean
  /** Closes the listener when it is aborted. */
  readonly signal?: AbortSignal
  /** Called with each failure: of a handler, a reply, a commit, a consumer. `message` is undefined where it concerns none. */
  readonly onError?: (error: unknown, message: Message | undefined) => void
  /** Called when the connection is lost and is being replaced. */
  readonly onInterrupted?: (error: JMSException) => void
  /** Called when messages flow again after `onInterrupted`. */
  readonly onRestored?: () => void
}

/** What a handler gets beside the message. */
export interface ListenerContext<M extends Message = Message> {
  /** The message. */
  readonly message: M
  /** The session that the message came through: with `transacted`, what is sent through it is part of the transaction. */
  readonly session: Session
  /** 1 for the first attempt of the listener; what the provider counts is the property `JMSXDeliveryCount`. */
  readonly attempt: number
  /**
   * Aborted when the outcome of the handler no longer counts: the connection that the message came over was lost, so that it is
   * delivered again; or when the listener is closing. A handler that fails after that is not counted as a failed delivery.
   */
  readonly signal: AbortSignal
}

/** Handles a message. What it returns, other than undefined, is sent to the message's `JMSReplyTo` if there is one. */
export type ListenerHandler<M extends Message = Message> = (
  message: M,
  context: ListenerContext<M>,
) => unknown

/** Handles the body of a message. */
export type BodyHandler<T> = (body: T, context: ListenerContext) => unknown

/** Options of closing a listener. */
export interface ListenerCloseOptions {
  /** How long handlers that run may take to finish, milliseconds. Default 30,000. */
  readonly timeoutMs?: number
}

/** A running listener. */
export interface JmsListener extends AsyncDisposable {
  /** `interrupted` while a lost connection is being replaced. */
  readonly state: 'running' | 'interrupted' | 'closed'
  /**
   * Settles when the listener has ended: resolves after `close`, or when its connection was closed; rejects with `JMSException` when the
   * connection is lost for good. A rejection that nobody awaits does not end the process.
   */
  readonly closed: Promise<void>
  /**
   * Stops taking messages, aborts the signal of handlers, ends waits between attempts, and lets handlers finish. After `timeoutMs` it
   * closes without waiting for them, and their messages are delivered again. Called in a handler it does not wait for that handler.
   * Idempotent.
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

/** Options of a listener that reads and writes bodies of a type. */
export interface TypedListenerOptions<T> extends ListenerOptions {
  /** Reads the body for the handler: `json<Order>()`. A message it cannot read is given back without further attempts. */
  readonly body: BodyCodec<T>
  /** Writes what the handler returns. Default: as `JMSProducer.send` does. */
  readonly reply?: BodyEncoder
}

/**
 * Handles the messages of a destination, as Spring's `@JmsListener` does, until it is closed; lost connections are replaced. A name is
 * that of a queue, or of a topic when there is a `subscription`.
 *
 * A handler that throws is called again as `retry` says; then the message goes back to the provider, which delivers it again until it is
 * a dead letter. A value that it returns is sent to the message's `JMSReplyTo`; a reply that cannot be delivered is reported to
 * `onError`, and the message counts as handled.
 *
 * Resolves when messages can arrive. Rejects with `JMSException` when the provider cannot be reached or refuses, and with
 * `InvalidOptionException` for an option that is unknown or not allowed.
 */
export function jmsListener<T>(
  destination: Destination | string,
  handler: BodyHandler<T>,
  options: TypedListenerOptions<T>,
): Promise<JmsListener>
/** Consumes a destination with a handler, reconnecting by itself; resolves when it is consuming. */
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
    // Cast: the codec, or the caller's type argument, says what the handler takes.
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

/** The destination, when the options suit it. */
function destinationFor(given: Destination | string, options: ListenerOptions): Destination {
  const { subscription, durable, shared, concurrency = 1 } = options
  for (const key of ['durable', 'shared'] as const) {
    if (options[key] !== true || subscription !== undefined) continue
    throw new InvalidOptionException(
      `jmsListener: ${key} needs subscription: the name of the subscription`,
    )
  }
  if (subscription !== undefined && durable !== true && shared === false) {
    throw new InvalidOptionException(
      `jmsListener: subscription ${show(subscription)} must be durable or shared: a subscription that is neither has no name`,
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
      `jmsListener: concurrency ${concurrency} on the topic ${destination} needs shared: without it each session gets every message`,
    )
  }
  return destination
}
