// SPDX-License-Identifier: Apache-2.0
import type { Logger, World } from '@millrace/base'
import type { Channel, TakeTransaction } from './channel.ts'
import type { ChannelProcessor } from './channel-processor.ts'
import type { CheckProblem, Keys, ValuesOf } from './config/keys.ts'
import type { Event } from './event.ts'
import type { Counters } from './operation/counters.ts'

/** Context of every component. */
export interface ComponentContext {
  /** Name of the agent. */
  readonly agent: string
  /** Name of the component in the configuration. */
  readonly name: string
  /** Clock, randomness, disk and network. */
  readonly world: World
  /** Logger of the component. */
  readonly logger: Logger
  /** Counters of the component, under Flume's names. */
  readonly counters: Counters
  /** Base directory of relative paths. */
  readonly directory: string
  /** Flume's `--conf` directory, which may contain Hadoop's core-site.xml. */
  readonly confDirectory?: string | undefined
}

/** Creates events, or receives them from outside of the agent. */
export interface Source {
  /** Resolves when the source listens, or has opened its input. */
  start(): Promise<void>
  /** Stops reading, and waits for puts in progress. */
  stop(): Promise<void>
  /** Addresses that it listens on, if any. */
  readonly addresses?: readonly string[]
}

/** Context of a source. */
export interface SourceContext extends ComponentContext {
  /** Puts events into the channels of the source. */
  readonly channels: ChannelProcessor
}

/**
 * Outcome of a batch. `ready` and `backoff`: delivered; after `backoff` the next batch waits.
 * `rollback` and `rollback-and-backoff`: returned to the channel, to be retried at once or after a
 * pause.
 */
export type SinkOutcome = 'ready' | 'backoff' | 'rollback' | 'rollback-and-backoff'

/** A batch that a sink delivers. */
export interface SinkBatch extends TakeTransaction {
  /** Whether a batch that was taken before this one is still in flight. Default false. */
  readonly isFollowUp?: boolean
}

/** Delivers events out of the agent. */
export interface Sink {
  /** Largest number of events in one batch. */
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
   * Delivers a batch. It is removed from the channel if this resolves with nothing, `ready` or
   * `backoff`. If it rejects, the batch returns to the channel and is retried after a pause.
   */
  process(batch: SinkBatch): Promise<SinkOutcome> | Promise<void>
  /** Completes the batches in flight without waiting for more events: the agent stops. */
  flush?(): Promise<void>
}

/** Inspects, changes or drops the events of a source. */
export interface Interceptor {
  /** Called before the first event. */
  start?(): Promise<void>
  /** Called after the last event. */
  stop?(): Promise<void>
  /** Returns the events to keep. It may change them in place. */
  intercept(events: Event[]): Event[] | Promise<Event[]>
}

/** Selects the channels of each event. */
export interface ChannelSelector {
  /** Whether all events go to the same channels, so that a batch need not be split. */
  readonly isUniform: boolean
  /** Channels that must store the event. */
  required(event: Event | undefined): readonly Channel[]
  /** Channels that may fail to store the event. */
  optional(event: Event | undefined): readonly Channel[]
}

/** Context of a channel selector. */
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

/** Selects the sink of a group that delivers a batch. */
export interface SinkProcessor {
  /** Number of batches that may be in flight now; read before each take. Default 1. */
  readonly maxInFlight?: number
  /** Delivers a batch through one of the sinks; rejects if none could. */
  process(batch: SinkBatch): Promise<SinkOutcome> | Promise<void>
}

/** Context of a sink processor. */
export interface SinkProcessorContext extends ComponentContext {
  /** Sinks of the group. */
  readonly sinks: readonly GroupedSink[]
}

/** A kind of component: its type, its keys, and how it is created. */
export interface Definition<
  C extends ComponentContext,
  T,
  K extends Keys = Keys,
  N extends string = string,
> {
  /** Short name; case is ignored. */
  readonly type: N
  /** Flume's class name and other names. */
  readonly aliases?: readonly string[]
  /** Description in `millrace agent components`. */
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
