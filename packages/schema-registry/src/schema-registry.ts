// SPDX-License-Identifier: Apache-2.0
import {
  attempt,
  type EarlyListener,
  guardedClock,
  type HttpCredentials,
  type Logger,
  nodeWorld,
  readCredentials,
  resolveReferences,
  silentLogger,
  type Timer,
  type World,
} from '@millrace/base'
import { Admin, type ClientOptions, fromJavaProperties } from '@millrace/client'
import { RegistryConfig, RegistryConfigError } from './config/registry-config.ts'
import { ServerTls } from './config/server-tls.ts'
import { EvaluationThread } from './evaluation/evaluation-thread.ts'
import { SchemaEvaluator } from './evaluation/schema-evaluator.ts'
import type { Api } from './http/api.ts'
import { RegistryServer } from './http/registry-server.ts'
import { Forwarder } from './leader/forwarder.ts'
import { GroupLeadership } from './leader/group-leadership.ts'
import { identityFor, type RegistryIdentity } from './leader/registry-identity.ts'
import type { SchemaFormat } from './schema/schema.ts'
import { schemaFormats } from './schema-formats.ts'
import { SchemaStore } from './store/schema-store.ts'
import { KafkaSchemaTopic } from './store/schema-topic.ts'

/** Options of `SchemaRegistry.start`. */
export interface SchemaRegistryOptions {
  /** Connection to the Kafka cluster. Settings of `config` with `kafkastore.` are added. */
  readonly client: ClientOptions
  /**
   * Settings with the names of Confluent's registry, as text, with references to config providers
   * (`config.providers`). Unknown ones are warned of.
   */
  readonly config?: Readonly<Record<string, string>> | ReadonlyMap<string, string>
  /** Receives warnings and errors. Default: none. */
  readonly logger?: Logger
  /** Formats of schemas. Default: Avro, JSON Schema and Protobuf. */
  readonly formats?: readonly SchemaFormat[]
  /** A socket that is open already, for the first of `listeners`. Default: they are opened. */
  readonly listener?: EarlyListener
  /** Version that `/v1/metadata/version` shows. Default: that of the package. */
  readonly releaseVersion?: string
  /** Clock and randomness. Default: those of Node. */
  readonly world?: Pick<World, 'clock' | 'random'>
}

/** Interval at which changed certificates are looked for. */
const TLS_CHECK_MS = 1000

/** Longest wait of a write for an election, milliseconds. */
const ELECTION_WAIT_MS = 15_000
/** Longest reply of the registry that writes, bytes. */
const MAX_REPLY_BYTES = 32 * 1024 * 1024

/**
 * A schema registry on a Kafka cluster, with Confluent's REST API and record format. It is a client
 * of the cluster: its schemas are in a compacted topic.
 */
export class SchemaRegistry implements AsyncDisposable {
  readonly #config: RegistryConfig
  readonly #logger: Logger
  readonly #client: ClientOptions
  readonly #world: Pick<World, 'clock' | 'random'>
  readonly #options: SchemaRegistryOptions
  readonly #servers: { readonly server: RegistryServer; readonly shown: (port: number) => string }[]
  #store: SchemaStore | undefined
  #leadership: GroupLeadership | undefined
  #thread: EvaluationThread | undefined
  #tls: ServerTls | undefined
  #tlsTimer: Timer | undefined
  #closing: Promise<void> | undefined

  private constructor(options: SchemaRegistryOptions) {
    this.#options = options
    this.#logger = options.logger ?? silentLogger
    const world = options.world ?? nodeWorld
    this.#world = { random: world.random, clock: guardedClock(world.clock, this.#logger) }
    const { config = {} } = options
    this.#config = new RegistryConfig(
      resolveReferences(
        config instanceof Map
          ? (config as ReadonlyMap<string, string>)
          : new Map(Object.entries(config as Readonly<Record<string, string>>)),
      ),
    )
    this.#servers = []
    this.#client = this.#clientOptions()
  }

  /**
   * Starts a registry. Resolves when clients can connect. Rejects with `RegistryConfigError` for an
   * invalid setting, with `MILLRACE_INVALID_TOPIC` for a topic that would lose schemas, with
   * `MILLRACE_LISTEN`, `MILLRACE_EXPOSED`, or with an error of the cluster.
   */
  static async start(options: SchemaRegistryOptions): Promise<SchemaRegistry> {
    const registry = new SchemaRegistry(options)
    try {
      await registry.#start()
      return registry
    } catch (error) {
      await registry.close()
      throw error
    }
  }

  #clientOptions(): ClientOptions {
    const { options, warnings } = fromJavaProperties('admin', this.#config.clientProperties)
    for (const warning of warnings) this.#logger.warn(`kafkastore: ${warning}`)
    return {
      clientId: 'millrace-schema-registry',
      ...(options as Partial<ClientOptions>),
      ...this.#options.client,
      world: this.#options.client.world ?? this.#world,
      logger: this.#logger,
    }
  }

  async #start(): Promise<void> {
    const config = this.#config
    config.logWarnings(this.#logger)
    const isSecure = config.listeners.some(({ scheme }) => scheme === 'https')
    if (isSecure) this.#tls = new ServerTls(config, this.#logger)
    const credentials = this.#credentials()
    const { clock } = this.#world
    const factor = config.number('kafkastore.topic.replication.factor')
    const timeoutMs = config.number('kafkastore.timeout.ms')
    const initTimeoutMs = config.number('kafkastore.init.timeout.ms')
    const topic = await KafkaSchemaTopic.open(this.#client, {
      topic: config.text('kafkastore.topic'),
      replicationFactor: factor > 0 ? factor : undefined,
      topicConfigs: config.topicConfigs,
      skipsValidation: config.boolean('kafkastore.topic.skip.validation'),
      timeoutMs,
      initTimeoutMs,
      clock,
      logger: this.#logger,
    })
    const store = new SchemaStore({
      topic,
      evaluator: this.#evaluator(),
      formats: this.#options.formats ?? Object.values(schemaFormats),
      defaults: {
        settings: { compatibilityLevel: config.level },
        mode: 'READWRITE',
        validateFields: config.boolean('schema.validate.fields'),
        validateNewSchemas: config.boolean('schema.validate.new.schemas'),
      },
      timeoutMs,
      initTimeoutMs,
      clock,
      logger: this.#logger,
      mayWrite: () => leadership.isLeader,
    })
    this.#store = store
    const leadership = this.#newLeadership(store, timeoutMs)
    this.#leadership = leadership
    const [kafkaClusterId] = await Promise.all([this.#clusterId(), store.load()])
    const api: Api = {
      store,
      identity: {
        kafkaClusterId,
        groupId: config.text('schema.registry.group.id'),
        version: this.#options.releaseVersion ?? '0.1.0',
      },
      allowsModeChanges: config.boolean('mode.mutability'),
    }
    for (const [i, { scheme, host, port }] of config.listeners.entries()) {
      const server = new RegistryServer({
        host,
        port,
        listener: i === 0 ? this.#options.listener : undefined,
        tls: scheme === 'https' ? this.#tls?.options : undefined,
        credentials,
        isInsecure: config.boolean('millrace.insecure'),
        maxBodyBytes: config.number('size.limit.filter.max.request.body.size'),
        api,
        leadership,
        clock,
        logger: this.#logger,
      })
      const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
      const name = local.includes(':') ? `[${local}]` : local
      this.#servers.push({ server, shown: (bound) => `${scheme}://${name}:${bound}` })
      await server.listen()
    }
    if (isSecure) this.#watchCertificates()
    leadership.start()
  }

  #newLeadership(store: SchemaStore, writeTimeoutMs: number): GroupLeadership {
    const config = this.#config
    const { clock } = this.#world
    const sessionTimeoutMs = config.number('kafkagroup.session.timeout.ms')
    const heartbeatIntervalMs = config.number('kafkagroup.heartbeat.interval.ms')
    return new GroupLeadership({
      client: this.#client,
      groupId: config.text('schema.registry.group.id'),
      identity: () => this.#identity(),
      sessionTimeoutMs,
      heartbeatIntervalMs,
      rebalanceTimeoutMs: config.number('kafkagroup.rebalance.timeout.ms'),
      // A longer time than is left between heartbeats would stop all writes.
      writeTimeoutMs: Math.min(writeTimeoutMs, (sessionTimeoutMs - heartbeatIntervalMs) / 2),
      electionWaitMs: ELECTION_WAIT_MS,
      forwarder: new Forwarder({
        connectTimeoutMs: config.number('leader.connect.timeout.ms'),
        readTimeoutMs: config.number('leader.read.timeout.ms'),
        maxReplyBytes: MAX_REPLY_BYTES,
        tls: () => {
          const { ca, cert, key } = this.#tls?.options ?? {}
          return {
            ...(ca === undefined ? {} : { ca }),
            ...(cert === undefined || key === undefined ? {} : { cert, key }),
          }
        },
        clock,
      }),
      onElected: () => store.mayHaveChanged(),
      clock,
      logger: this.#logger,
    })
  }

  /** How the other registries reach this one. */
  #identity(): RegistryIdentity {
    const config = this.#config
    const { listeners } = config
    const wanted = config.text('inter.instance.protocol')
    const at = Math.max(
      0,
      listeners.findIndex(({ scheme }) => scheme === wanted),
    )
    const { scheme = 'http', host = '' } = listeners[at] ?? {}
    return identityFor({
      scheme,
      host: config.text('host.name') || host,
      port: config.number('host.port') > 0 ? config.number('host.port') : this.#portOf(at),
      isEligible: config.boolean('leader.eligibility'),
    })
  }

  #portOf(listener: number): number {
    return this.#servers[listener]?.server.port ?? 0
  }

  /** Whether this registry writes; others pass their changes on to the one that does. */
  get isLeader(): boolean {
    return this.#leadership?.isLeader === true
  }

  /** URL of the registry that writes; undefined while it is unknown, or none is eligible. */
  get leaderUrl(): string | undefined {
    return this.#leadership?.leaderUrl
  }

  /** Evaluates large schemas in a thread, which has the formats of this package. */
  #evaluator(): SchemaEvaluator | undefined {
    if (this.#options.formats !== undefined) return undefined
    const module = EvaluationThread.module()
    if (module === undefined) {
      this.#logger.warn(
        'large schemas are evaluated in the main thread: the package was bundled without its thread',
      )
      return undefined
    }
    this.#thread = new EvaluationThread({
      module,
      clock: this.#world.clock,
      logger: this.#logger,
    })
    return new SchemaEvaluator(this.#thread)
  }

  #credentials(): HttpCredentials | undefined {
    const method = this.#config.text('authentication.method')
    if (method === 'NONE') return undefined
    const key =
      method === 'BASIC' ? ('authentication.users.file' as const) : 'authentication.tokens.file'
    const path = this.#config.text(key)
    if (path === '') {
      throw new RegistryConfigError(`${key} is missing: authentication.method=${method} needs it`)
    }
    return readCredentials(method === 'BASIC' ? { users: path } : { tokens: path })
  }

  async #clusterId(): Promise<string> {
    await using admin = new Admin(this.#client)
    return (await admin.describeCluster()).clusterId
  }

  /** Uses certificates that have changed for new connections. */
  #watchCertificates(): void {
    this.#tlsTimer = this.#world.clock.setTimer(TLS_CHECK_MS, () => {
      this.#watchCertificates()
      attempt(this.#logger, 'loading certificates', () => {
        const options = this.#tls?.refresh()
        if (options === undefined) return
        for (const { server } of this.#servers) server.replaceTls(options)
      })
    })
  }

  /** URL of the first listener. */
  get address(): string {
    return this.addresses[0] ?? ''
  }

  /** URLs of the listeners. */
  get addresses(): readonly string[] {
    return this.#servers.map(({ server, shown }) => shown(server.port))
  }

  /** Stops serving, and closes the connections to the cluster. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#tlsTimer?.cancel()
    const closing = await Promise.allSettled([...this.#servers.map(({ server }) => server.close())])
    closing.push(...(await Promise.allSettled([this.#leadership?.close()])))
    closing.push(...(await Promise.allSettled([this.#store?.close()])))
    closing.push(...(await Promise.allSettled([this.#store?.close(), this.#thread?.close()])))
    for (const each of closing) {
      if (each.status === 'rejected') {
        this.#logger.error('closing the schema registry failed', { error: each.reason })
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
