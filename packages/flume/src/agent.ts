// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os'
import { guardedClock, type Logger, nodeWorld, silentLogger, type World } from '@millrace/base'
import { type Channel, isFanOutMember } from './channel.ts'
import { ChannelProcessor } from './channel-processor.ts'
import type { ComponentContext, GroupedSink, Interceptor, Sink, Source } from './component.ts'
import type { ComponentConfig } from './config/agent-config.ts'
import { fingerprint } from './config/fingerprint.ts'
import { ComponentError, reasonOf } from './errors.ts'
import { type ComponentKind, Counters } from './operation/counters.ts'
import { Taps } from './operation/taps.ts'
import type { Planned } from './plan/component-planner.ts'
import type { AgentPlan, PlannedSource } from './plan/plan-agent.ts'
import type { PlannedSink, PlannedSinkGroup } from './plan/plan-groups.ts'
import { SinkRunner } from './sink-runner.ts'
import { sleep } from './waiting.ts'

/** Options of an agent. */
export interface AgentOptions {
  /** Receives log lines. Default: none. */
  readonly logger?: Logger
  /** Clock, randomness, disk and network. Default: those of Node. */
  readonly world?: World
  /** Flume's `--conf` directory, which may contain Hadoop's core-site.xml. */
  readonly confDirectory?: string | undefined
  /** Time that `stop` gives sinks to empty channels in memory. Default 10,000 ms. */
  readonly drainTimeoutMs?: number
}

interface RunningChannel {
  readonly plan: Planned<ComponentContext, Channel>
  readonly channel: Channel
  readonly counters: Counters
}

interface RunningSource {
  readonly plan: PlannedSource
  readonly source: Source
  readonly interceptors: readonly Interceptor[]
  readonly counters: Counters
}

interface RunningGroup {
  readonly plan: PlannedSinkGroup
  readonly runner: SinkRunner
  readonly sinks: readonly { readonly sink: Sink; readonly counters: Counters }[]
}

const DRAIN_STEP_MS = 10
/** Time for batches in flight after the drain time-out, and then for sinks to stop. */
const DELIVERY_GRACE_MS = 2000

/** What a reload changed. */
export interface Changes {
  /** Components that were started. */
  readonly started: readonly string[]
  /** Components that were stopped. */
  readonly stopped: readonly string[]
  /** Components that kept running. */
  readonly kept: readonly string[]
}

/** Runs the sources, channels and sinks of a plan. */
export class Agent {
  readonly #world: World
  readonly #logger: Logger
  readonly #drainTimeoutMs: number
  readonly #confDirectory: string | undefined
  readonly #host = hostname()
  readonly #channels = new Map<string, RunningChannel>()
  readonly #sources = new Map<string, RunningSource>()
  readonly #groups = new Map<string, RunningGroup>()
  /** Observers of the events that pass sources and sinks. */
  readonly taps = new Taps()
  #plan: AgentPlan
  #isRunning = false
  #lostEvents = 0

  /** Creates an agent from a plan; `start` runs it. */
  constructor(plan: AgentPlan, options: AgentOptions = {}) {
    this.#plan = plan
    this.#logger = options.logger ?? silentLogger
    const world = options.world ?? nodeWorld
    this.#world = { ...world, clock: guardedClock(world.clock, this.#logger) }
    this.#confDirectory = options.confDirectory
    this.#drainTimeoutMs = options.drainTimeoutMs ?? 10_000
  }

  /** Name of the agent. */
  get name(): string {
    return this.#plan.name
  }
  /** Plan that the agent runs. */
  get plan(): AgentPlan {
    return this.#plan
  }
  /** Whether the agent was started and not stopped. */
  get isRunning(): boolean {
    return this.#isRunning
  }

  /**
   * Number of events that were lost because their channel in memory was stopped before delivery.
   */
  get lostEvents(): number {
    return this.#lostEvents
  }

  /** Counters of all components: channels, sources, sinks. */
  get counters(): readonly Counters[] {
    return [
      ...[...this.#channels.values()].map(({ counters }) => counters),
      ...[...this.#sources.values()].map(({ counters }) => counters),
      ...[...this.#groups.values()].flatMap(({ sinks }) => sinks.map(({ counters }) => counters)),
    ]
  }

  /** Addresses that a source listens on, with the actual port if port 0 was configured. */
  addressesOf(source: string): readonly string[] {
    return this.#sources.get(source)?.source.addresses ?? []
  }

  /** Channels by name. */
  get channels(): ReadonlyMap<string, Channel> {
    return new Map([...this.#channels].map(([name, { channel }]) => [name, channel]))
  }

  /**
   * Starts channels, then sinks, then sources. If one fails to start, all are stopped and its error
   * is thrown.
   */
  async start(): Promise<void> {
    if (this.#isRunning) return
    try {
      await this.#startMissing(this.#plan)
      this.#isRunning = true
    } catch (error) {
      await this.#stopAll({ drains: false })
      throw error
    }
  }

  /**
   * Stops the sources, waits until sinks have emptied the channels in memory, and stops the rest.
   */
  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#stopAll({ drains: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /**
   * Reconfigures the running agent; unchanged components keep running. If a new component fails to
   * start, the previous plan is restored and the error is thrown.
   */
  async reload(plan: AgentPlan): Promise<Changes> {
    const before = this.#plan
    const had = this.#names()
    const kept = this.#unchanged(plan)
    await this.#stopOthers(kept)
    try {
      this.#plan = plan
      await this.#startMissing(plan)
    } catch (error) {
      this.#plan = before
      await this.#stopOthers(kept)
      await this.#startMissing(before)
      throw error
    }
    return {
      started: this.#names().filter((name) => !kept.has(name)),
      stopped: had.filter((name) => !kept.has(name)),
      kept: [...kept],
    }
  }

  #names(): string[] {
    return [
      ...[...this.#channels.keys()].map((name) => `channel ${name}`),
      ...[...this.#groups.keys()].map((name) => `sink ${name}`),
      ...[...this.#sources.keys()].map((name) => `source ${name}`),
    ]
  }

  /**
   * Running components that the plan leaves unchanged. A channel of the same type adopts new
   * limits.
   */
  #unchanged(plan: AgentPlan): Set<string> {
    const kept = new Set<string>()
    for (const planned of plan.channels) {
      const running = this.#channels.get(planned.name)
      if (running === undefined) continue
      if (fingerprint(running.plan.config) !== fingerprint(planned.config)) {
        const takesOn =
          running.plan.definition === planned.definition &&
          running.channel.reconfigure?.(planned.values) === true
        if (!takesOn) continue
        this.#channels.set(planned.name, { ...running, plan: planned })
      }
      kept.add(`channel ${planned.name}`)
    }
    for (const group of plan.sinkGroups) {
      const running = this.#groups.get(group.name)
      if (running === undefined || !kept.has(`channel ${group.channel}`)) continue
      if (groupFingerprint(running.plan) === groupFingerprint(group)) kept.add(`sink ${group.name}`)
    }
    for (const source of plan.sources) {
      const running = this.#sources.get(source.name)
      if (running === undefined) continue
      if (!source.channels.every((name) => kept.has(`channel ${name}`))) continue
      if (!sameNames(running.plan.channels, source.channels)) continue
      if (fingerprint(running.plan.config) === fingerprint(source.config)) {
        kept.add(`source ${source.name}`)
      }
    }
    return kept
  }

  async #stopOthers(kept: ReadonlySet<string>): Promise<void> {
    const sources = [...this.#sources.keys()].filter((name) => !kept.has(`source ${name}`))
    await Promise.all(sources.map((name) => this.#stopSource(name)))
    const leaving = [...this.#channels].filter(([name]) => !kept.has(`channel ${name}`))
    await this.#drain(leaving.map(([, running]) => running))
    const groups = [...this.#groups.keys()].filter((name) => !kept.has(`sink ${name}`))
    await Promise.all(groups.map((name) => this.#stopGroup(name)))
    await Promise.all(leaving.map(([name]) => this.#stopChannel(name)))
  }

  async #startMissing(plan: AgentPlan): Promise<void> {
    for (const planned of plan.channels) {
      if (!this.#channels.has(planned.name)) await this.#startChannel(planned)
    }
    await this.#resolveFanOuts()
    for (const group of plan.sinkGroups) {
      if (!this.#groups.has(group.name)) await this.#startGroup(group)
    }
    for (const source of plan.sources) {
      if (!this.#sources.has(source.name)) await this.#startSource(source)
    }
  }

  #context(kind: ComponentKind, name: string): ComponentContext & { readonly counters: Counters } {
    const counters = new Counters(kind, name)
    counters.startTimeMs = this.#world.clock.now()
    return {
      agent: this.#plan.name,
      name,
      world: this.#world,
      logger: this.#logger,
      counters,
      directory: this.#plan.directory,
      confDirectory: this.#confDirectory,
    }
  }

  async #startChannel(plan: Planned<ComponentContext, Channel>): Promise<void> {
    const context = this.#context('CHANNEL', plan.name)
    const channel = this.#make('channels', plan, context)
    try {
      await channel.start?.()
    } catch (error) {
      throw this.#located('channels', plan.config, error)
    }
    const { counters } = context
    counters.gauge('ChannelSize', () => channel.size)
    counters.gauge('ChannelCapacity', () => channel.capacity)
    counters.gauge('ChannelFillPercentage', () => (100 * channel.size) / channel.capacity)
    this.#channels.set(plan.name, { plan, channel, counters })
  }

  /** Resolves puts into several channels that a crash interrupted, as their coordinator decided. */
  async #resolveFanOuts(): Promise<void> {
    const members = [...this.#channels.values()]
      .map(({ channel }) => channel)
      .filter(isFanOutMember)
    for (const member of members) {
      for (const { id, coordinatorId } of member.undecided) {
        const coordinator = members.find((each) => each.id === coordinatorId)
        const commits = coordinator?.hasDecided(id) ?? true
        this.#logger.info('resolved a put that a crash interrupted', {
          commits,
          ...(coordinator === undefined ? { reason: 'its coordinator is not configured' } : {}),
        })
        await member.resolve(id, commits)
      }
    }
  }

  async #startGroup(plan: PlannedSinkGroup): Promise<void> {
    const running = this.#channels.get(plan.channel) as RunningChannel
    const sinks: { readonly sink: Sink; readonly counters: Counters }[] = []
    const grouped: GroupedSink[] = []
    for (const planned of plan.sinks) {
      const context = this.#context('SINK', planned.name)
      const sink = this.#make('sinks', planned, context)
      sinks.push({ sink, counters: context.counters })
      grouped.push(this.#counted(planned.name, sink, context.counters))
    }
    try {
      for (const [index, { sink }] of sinks.entries()) {
        const { config } = plan.sinks[index] as PlannedSink
        await Promise.resolve(sink.start?.()).catch((error: unknown) => {
          throw this.#located('sinks', config, error)
        })
      }
    } catch (error) {
      await Promise.allSettled(sinks.map(({ sink }) => sink.stop?.()))
      throw error
    }
    const context = this.#context('SINK', plan.name)
    const processor = plan.processor.definition.create(plan.processor.values as never, {
      ...context,
      sinks: grouped,
    })
    const runner = new SinkRunner({
      name: plan.name,
      channel: running.channel,
      processor,
      batchSize: Math.min(...sinks.map(({ sink }) => sink.batchSize)),
      world: this.#world,
      logger: this.#logger,
    })
    runner.start()
    this.#groups.set(plan.name, { plan, runner, sinks })
  }

  /** A sink with counters and taps. */
  #counted(name: string, sink: Sink, counters: Counters): GroupedSink {
    const { taps } = this
    return {
      name,
      get maxInFlight() {
        return sink.maxInFlight ?? 1
      },
      async process(batch) {
        const count = batch.events.length
        counters.add('EventDrainAttemptCount', count)
        counters.add(count < sink.batchSize ? 'BatchUnderflowCount' : 'BatchCompleteCount')
        taps.pass(name, batch.events)
        try {
          const outcome = (await sink.process(batch)) ?? 'ready'
          if (outcome === 'rollback' || outcome === 'rollback-and-backoff') {
            counters.add('EventWriteFail')
          } else counters.add('EventDrainSuccessCount', count)
          return outcome
        } catch (error) {
          counters.add('EventWriteFail')
          throw error
        }
      },
    }
  }

  async #startSource(plan: PlannedSource): Promise<void> {
    const context = this.#context('SOURCE', plan.name)
    const channels = new Map(
      plan.channels.map((name) => [name, (this.#channels.get(name) as RunningChannel).channel]),
    )
    const interceptors = plan.interceptors.map(({ name, definition, values }) =>
      definition.create(values as never, { ...context, name: `${plan.name}.${name}` }),
    )
    for (const interceptor of interceptors) await interceptor.start?.()
    const selector = plan.selector.definition.create(plan.selector.values as never, {
      ...context,
      channels,
    })
    const processor = new ChannelProcessor({
      agent: this.#plan.name,
      source: plan.name,
      host: this.#host,
      world: this.#world,
      logger: this.#logger,
      counters: context.counters,
      taps: this.taps,
      interceptors,
      selector,
      channels: [...channels.values()],
    })
    const source = this.#make('sources', plan, { ...context, channels: processor })
    try {
      await source.start()
    } catch (error) {
      await source.stop().catch(() => {})
      await Promise.allSettled(interceptors.map((each) => each.stop?.()))
      throw this.#located('sources', plan.config, error)
    }
    this.#sources.set(plan.name, { plan, source, interceptors, counters: context.counters })
  }

  #make<C extends ComponentContext, T>(
    section: string,
    { definition, values, config }: Planned<C, T>,
    context: C,
  ): T {
    try {
      return definition.create(values as never, context)
    } catch (error) {
      throw this.#located(section, config, error)
    }
  }

  /** An error that names the place of the failed component in the configuration. */
  #located(section: string, { name, properties }: ComponentConfig, error: unknown): Error {
    const isListening = error instanceof Error && error.message.startsWith('cannot listen')
    const key = isListening
      ? (['port', 'ports'].find((each) => properties.has(each)) ?? 'port')
      : 'type'
    const place = properties.get(key) ?? properties.get('type')
    const file = place?.where ?? this.#plan.where
    const where = place?.line === undefined ? file : `${file}:${place.line}`
    const spelled = isListening ? `${section}.${name}.${key}` : `${section}.${name}`
    return new ComponentError(`${where}: ${this.#plan.name}.${spelled}: ${reasonOf(error)}`, error)
  }

  async #stopAll({ drains }: { readonly drains: boolean }): Promise<void> {
    await Promise.all([...this.#sources.keys()].map((name) => this.#stopSource(name)))
    const { clock } = this.#world
    const limitMs = drains ? this.#drainTimeoutMs + DELIVERY_GRACE_MS : DELIVERY_GRACE_MS
    const deadline = clock.monotonic() + limitMs
    if (drains) await this.#drain([...this.#channels.values()])
    await Promise.all([...this.#groups.keys()].map((name) => this.#stopGroup(name, deadline)))
    await Promise.all([...this.#channels.keys()].map((name) => this.#stopChannel(name)))
  }

  /** Waits until the channels in memory are empty, or the drain time-out has passed. */
  async #drain(channels: readonly RunningChannel[]): Promise<void> {
    const { clock } = this.#world
    const deadline = clock.monotonic() + this.#drainTimeoutMs
    const isDrained = ({ plan, channel }: RunningChannel): boolean =>
      channel.isDurable ||
      channel.size === 0 ||
      ![...this.#groups.values()].some((group) => group.plan.channel === plan.name)
    while (!channels.every(isDrained) && clock.monotonic() < deadline) {
      await sleep(clock, DRAIN_STEP_MS)
    }
  }

  async #stopSource(name: string): Promise<void> {
    const running = this.#sources.get(name)
    this.#sources.delete(name)
    if (running === undefined) return
    await this.#quietly(`source ${name}`, () => running.source.stop())
    for (const interceptor of running.interceptors) {
      await this.#quietly(`an interceptor of ${name}`, () => interceptor.stop?.())
    }
    running.counters.stopTimeMs = this.#world.clock.now()
  }

  /**
   * Waits for the batches in flight. At the deadline, by the monotonic clock, the sinks are stopped
   * although they deliver, so that their batches return to the channel.
   */
  async #stopGroup(name: string, deadline = Number.POSITIVE_INFINITY): Promise<void> {
    const running = this.#groups.get(name)
    this.#groups.delete(name)
    if (running === undefined) return
    const delivered = running.runner.stop(() =>
      Promise.allSettled(running.sinks.map(({ sink }) => sink.flush?.())),
    )
    const isDelivered = await this.#settlesBy(delivered, deadline)
    if (!isDelivered) {
      this.#logger.warn('a sink is stopped although it has not delivered its events in time', {
        sink: name,
      })
    }
    const stopped = Promise.all(
      running.sinks.map(({ sink }) => this.#quietly(`sink ${name}`, () => sink.stop?.())),
    )
    if (isDelivered) await stopped
    else {
      const everything = Promise.all([stopped, delivered])
      await this.#settlesBy(everything, this.#world.clock.monotonic() + DELIVERY_GRACE_MS)
    }
  }

  /** Whether the promise resolves before the deadline; its error is thrown. */
  async #settlesBy(promise: Promise<unknown>, deadline: number): Promise<boolean> {
    const { clock } = this.#world
    if (deadline === Number.POSITIVE_INFINITY) {
      await promise
      return true
    }
    const done = new AbortController()
    const late = sleep(clock, Math.max(0, deadline - clock.monotonic()), done.signal)
    try {
      return await Promise.race([promise.then(() => true), late.then(() => false)])
    } finally {
      done.abort()
    }
  }

  async #stopChannel(name: string): Promise<void> {
    const running = this.#channels.get(name)
    this.#channels.delete(name)
    if (running === undefined) return
    const { channel } = running
    const lost = channel.isDurable ? 0 : (channel.sizeInMemory ?? channel.size)
    if (lost > 0) {
      this.#lostEvents += lost
      this.#logger.error(
        'events are lost: the channel is in memory and its sinks could not deliver them',
        { channel: name, events: lost },
      )
    }
    await this.#quietly(`channel ${name}`, () => channel.stop?.())
  }

  /** Logs an error of a component that stops; the other components are stopped all the same. */
  async #quietly(what: string, work: () => Promise<void> | undefined): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#logger.error(`cannot stop ${what}`, { error: reasonOf(error) })
    }
  }
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name))
}

function groupFingerprint({ sinks, processor, channel, name }: PlannedSinkGroup): string {
  return JSON.stringify([
    name,
    channel,
    sinks.map(({ config }) => fingerprint(config)),
    fingerprint(processor.config),
  ])
}
