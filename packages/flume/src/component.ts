// SPDX-License-Identifier: Apache-2.0
import type { Logger, World } from '@millrace/base'
import type { Channel, TakeTransaction } from './channel.ts'
import type { ChannelProcessor } from './channel-processor.ts'
import type { CheckProblem, Keys, ValuesOf } from './config/keys.ts'
import type { Event } from './event.ts'
import type { Counters } from './operation/counters.ts'

/** What every component is given. */
export interface ComponentContext {
  /** Name of the agent. */
  readonly agent: string
  /** Its name in the configuration. */
  readonly name: string
  /** Clock, randomness, disk and network. */
  readonly world: World
  /** Logger of the component. */
  readonly logger: Logger
  /** Counters of the component, under Flume's names. */
  readonly counters: Counters
  /** Relative paths of files start here. */
  readonly directory: string
  /** Flume's directory of settings (`--conf`), which may have Hadoop's core-site.xml. */
  readonly confDirectory?: string | undefined
}

/** Where events arise. */
export interface Source {
  /** Resolves when it listens, or has found what it reads. */
  start(): Promise<void>
  /** Takes nothing new, and waits for what it has begun to put. */
  stop(): Promise<void>
  /** Where it listens, for one that does. */
  readonly addresses?: readonly string[]
}

/** What a source gets. */
export interface SourceContext extends ComponentContext {
  /** Puts events into the channels of the source. */
  readonly channels: ChannelProcessor
}

/**
 * What a sink did with a batch. `ready` and `backoff` are done with it; after `backoff` the next one waits. `rollback` puts it back, to
 * be tried again at once or after a while.
 */
export type SinkOutcome = 'ready' | 'backoff' | 'rollback' | 'rollback-and-backoff'

/** A batch that a sink delivers. */
export interface SinkBatch extends TakeTransaction {
  /** Whether a batch that was taken before this one is still in flight. Default false. */
  readonly isFollowUp?: boolean
}

/** Where events leave the agent. */
export interface Sink {
  /** Most events of one batch. */
  readonly batchSize: number
  /**
   * Number of batches that may be in flight now; read before each take. Default 1. A sink with more
   * than one must keep their order: after one has failed, the follow-ups in flight must fail, too.
   */
  readonly maxInFlight?: number
  /** Called before the first batch. */
  start?(): Promise<void>
  /** Called after the last batch. */
  stop?(): Promise<void>
  /**
   * Delivers a batch, which leaves the channel when this resolves with nothing, `ready` or `backoff`. When it rejects the batch goes
   * back to the channel and is tried again later.
   */
  process(batch: SinkBatch): Promise<SinkOutcome> | Promise<void>
  /** Delivers what it holds back, so that the batches under way come to an end: the agent stops. */
  flush?(): Promise<void>
}

/** Looks at events on their way from a source, changes them, drops some. */
export interface Interceptor {
  /** Called before the first event. */
  start?(): Promise<void>
  /** Called after the last event. */
  stop?(): Promise<void>
  /** Returns the events to go on with: those it got, less what it drops. It may change them in place. */
  intercept(events: Event[]): Event[] | Promise<Event[]>
}

/** Which channels an event goes to. */
export interface ChannelSelector {
  /** For every event alike: lets whole batches be handed over. */
  readonly isUniform: boolean
  /** Channels that must take it. */
  required(event: Event | undefined): readonly Channel[]
  /** Channels that may fail to. */
  optional(event: Event | undefined): readonly Channel[]
}

/** What a channel selector gets. */
export interface ChannelSelectorContext extends ComponentContext {
  /** Channels of the source, by name. */
  readonly channels: ReadonlyMap<string, Channel>
}

/** One of the sinks of a group. */
export interface GroupedSink {
  /** Name of the sink. */
  readonly name: string
  /** Number of batches that may be in flight now. Default 1. */
  readonly maxInFlight?: number
  /** Delivers a batch; rejects if the events must stay in the channel. */
  process(batch: SinkBatch): Promise<SinkOutcome> | Promise<void>
}

/** Which of a group's sinks gets a batch. */
export interface SinkProcessor {
  /** Number of batches that may be in flight now; read before each take. Default 1. */
  readonly maxInFlight?: number
  /** Delivers a batch through one of the sinks; rejects if none could. */
  process(batch: SinkBatch): Promise<SinkOutcome> | Promise<void>
}

/** What a sink processor gets. */
export interface SinkProcessorContext extends ComponentContext {
  /** Sinks of the group. */
  readonly sinks: readonly GroupedSink[]
}

/** A kind of component: its name in `type`, the keys it knows, and how one is made. */
export interface Definition<
  C extends ComponentContext,
  T,
  K extends Keys = Keys,
  N extends string = string,
> {
  /** The short name; upper and lower case are the same. */
  readonly type: N
  /** Flume's class, and other names it goes by. */
  readonly aliases?: readonly string[]
  /** What `millrace agent components` says of it. */
  readonly about: string
  /** Keys that the component reads. */
  readonly keys: K
  /** Problems between keys that are valid by themselves. */
  check?(config: ValuesOf<K>): readonly CheckProblem[]
  /** Creates the component from its configuration. */
  create(config: ValuesOf<K>, context: C): T
}

/** Defines a kind of source: its type, keys and how it is created. */
export function defineSource<K extends Keys, const N extends string>(
  definition: Definition<SourceContext, Source, K, N>,
): Definition<SourceContext, Source, K, N> {
  return definition
}

/** Defines a kind of channel: its type, keys and how it is created. */
export function defineChannel<K extends Keys, const N extends string>(
  definition: Definition<ComponentContext, Channel, K, N>,
): Definition<ComponentContext, Channel, K, N> {
  return definition
}

/** Defines a kind of sink: its type, keys and how it is created. */
export function defineSink<K extends Keys, const N extends string>(
  definition: Definition<ComponentContext, Sink, K, N>,
): Definition<ComponentContext, Sink, K, N> {
  return definition
}

/** Defines a kind of interceptor: its type, keys and how it is created. */
export function defineInterceptor<K extends Keys, const N extends string>(
  definition: Definition<ComponentContext, Interceptor, K, N>,
): Definition<ComponentContext, Interceptor, K, N> {
  return definition
}

/** Defines a kind of channel selector: its type, keys and how it is created. */
export function defineChannelSelector<K extends Keys, const N extends string>(
  definition: Definition<ChannelSelectorContext, ChannelSelector, K, N>,
): Definition<ChannelSelectorContext, ChannelSelector, K, N> {
  return definition
}

/** Defines a kind of sink processor: its type, keys and how it is created. */
export function defineSinkProcessor<K extends Keys, const N extends string>(
  definition: Definition<SinkProcessorContext, SinkProcessor, K, N>,
): Definition<SinkProcessorContext, SinkProcessor, K, N> {
  return definition
}
