// SPDX-License-Identifier: Apache-2.0
import {
  attempt,
  type ClientNetwork,
  connectionPair,
  guardedClock,
  type Logger,
  MillraceError,
  nodeWorld,
  noTls,
  resolveReferences,
  silentLogger,
  type World,
} from '@millrace/base'
import type { ProtocolError } from '@millrace/protocol'
import type { BrokerServices } from './broker-services.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { ConfigError } from './config/config-definition.ts'
import { DynamicBrokerConfig } from './config/dynamic-broker-config.ts'
import { checkExposure, readableKeys } from './config/exposure.ts'
import { oauthConfigOf } from './config/oauth-config.ts'
import { openCoordinators } from './coordinators.ts'
import { FetchSessions } from './handlers/fetch-sessions.ts'
import { handlers } from './handlers/index.ts'
import { LogManager } from './log/log-manager.ts'
import { storageError } from './log/storage-error.ts'
import {
  type FormattedDirectories,
  formatDirectories,
  formattedDirectories,
} from './metadata/format.ts'
import type { NewMetadataRecord } from './metadata/metadata-record.ts'
import { MetadataStore } from './metadata/metadata-store.ts'
import { NEWEST_RELEASE, partitionRecordVersion, releaseOf } from './metadata/metadata-version.ts'
import {
  parseScramUser,
  type ScramUser,
  scramUserRecords,
  splitScramUsers,
} from './metadata/security/scram-users.ts'
import { createTopic, type NewTopic } from './metadata/topic-operations.ts'
import { newUuid } from './metadata/uuid.ts'
import { votersRecord } from './metadata/voters.ts'
import { Listeners } from './network/listeners.ts'
import { ProducerIds } from './producer-ids.ts'
import { Quotas } from './quota/quotas.ts'
import { RecordSchemas } from './record-schemas/record-schemas.ts'
import type { SchemaLookup } from './record-schemas/schema-lookup.ts'
import { AuditFile } from './security/audit-file.ts'
import { type AuditLog, auditLogs, loggedAudit } from './security/audit-log.ts'
import type { PrincipalBuilder } from './security/authentication.ts'
import { Authorization } from './security/authorization.ts'
import { BrokerSecurity } from './security/broker-security.ts'
import { INTERNAL, principalText } from './security/client-session.ts'
import { oauthMechanism } from './security/sasl/oauthbearer.ts'
import type { PlainAuthenticator } from './security/sasl/plain.ts'
import { storedCredentials } from './security/sasl/stored-credentials.ts'
import { TokenExpiry } from './security/tokens/token-expiry.ts'
import { memoryFileSystem } from './storage/memory-file-system.ts'
import { Topics } from './topics.ts'

/** Options of `Broker.start`. */
export interface BrokerOptions {
  /** Keys of Kafka's `server.properties`, as text. */
  readonly config?: Readonly<Record<string, string>> | ReadonlyMap<string, string>
  /**
   * `host:port` to listen on in place of `listeners`; port 0 picks a free one. Default
   * `127.0.0.1:0`.
   */
  readonly listen?: string
  /** Data directory; replaces `log.dirs`. If neither is set, all data is kept in memory. */
  readonly dataDirectory?: string
  /**
   * Oldest Kafka release that must be able to open a directory formatted now: `4.1` to `4.4`.
   * Default: the newest.
   */
  readonly releaseVersion?: string
  /** Receives log lines. Default: none. */
  readonly logger?: Logger
  /** Root logger, as DescribeConfigs returns it for resource type BROKER_LOGGER. */
  readonly logLevel?: string
  /**
   * SCRAM users of a new data directory, as `kafka-storage format --add-scram` takes them:
   * `SCRAM-SHA-256=[name=admin,password=secret]`. A directory that exists keeps its users.
   */
  readonly scramUsers?: readonly string[]
  /** Clock, randomness, disk and network. Default: the real ones. */
  readonly world?: World
  /**
   * Called when the broker stops by itself, because its last log directory or that of the metadata
   * has failed. It serves nothing from then on; `close` has nothing left to do.
   */
  readonly onFailure?: (error: Error) => void
  /**
   * Decides on logins with SASL PLAIN, in place of the users of `plain.sasl.jaas.config`. A promise
   * that rejects, or a function that throws, refuses the client; the error is logged.
   */
  readonly authenticate?: PlainAuthenticator
  /**
   * Returns the principal of a client that has proved its identity. Default: the name of the SASL
   * user, or the subject of the certificate by `ssl.principal.mapping.rules`. If it throws, the
   * client is refused.
   */
  readonly principalBuilder?: PrincipalBuilder
  /**
   * The registry of `confluent.schema.registry.url`, for topics with
   * `confluent.{key,value}.schema.validation`; the key is `embedded` if it is not set. Default:
   * none, so that topics cannot require schemas.
   */
  readonly schemaLookup?: SchemaLookup
}

/** A Kafka-compatible broker in this process. Close it, or bind it with `await using`. */
export class Broker implements AsyncDisposable {
  readonly #services: BrokerServices
  readonly #listeners: Listeners
  readonly #warnings: readonly string[]
  readonly #tokenExpiry: TokenExpiry
  #closing: Promise<void> | undefined

  private constructor(services: BrokerServices, listeners: Listeners) {
    this.#services = services
    this.#listeners = listeners
    this.#warnings = services.config.warnings
    const { config, metadata, logger, world } = services
    this.#tokenExpiry = new TokenExpiry({ config, metadata, logger, clock: world.clock })
    this.#tokenExpiry.start()
  }

  /**
   * Opens the data directory, formats it if it is new, and resolves when clients can connect.
   * Rejects with a `ConfigError` for an invalid value, `MILLRACE_DIRECTORY_LOCKED` if another
   * process uses the directory, `KAFKA_STORAGE_ERROR` if the disk fails, and Node's `EADDRINUSE`.
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const { settings, isInMemory } = settingsOf(options)
    const config = new BrokerConfig(settings)
    checkExposure(config)
    const logger = options.logger ?? silentLogger
    const outside = options.world ?? nodeWorld
    const world: World = {
      clock: guardedClock(outside.clock, logger),
      random: outside.random,
      network: outside.network,
      fileSystem: isInMemory ? memoryFileSystem() : outside.fileSystem,
    }
    for (const warning of config.warnings) logger.warn(warning)
    for (const warning of readableKeys(config)) logger.warn(warning)
    const guard = new FailureGuard(logger, options.onFailure)
    const context = { world, logger, durable: !isInMemory, onFailure: guard.fail }
    const logs = openLogs(config, context)
    let metadata: MetadataStore | undefined
    let listeners: Listeners | undefined
    try {
      const sound = logs.directories.filter(({ failure }) => failure === undefined)
      const paths = sound.map(({ path }) => path)
      const directories = formatDirectories(world, config, paths)
      metadata = await openMetadata(config, { ...context, directories, options })
      warnOfUsers(metadata, { config, options, logger })
      await claimPartitions(metadata, { logs, nodeId: config.nodeId })
      const services = assemble(config, { world, logger, metadata, logs, directories, options })
      guard.check()
      listeners = new Listeners(services)
      services.transactions.start()
      await listeners.open(config.listeners)
      logs.start()
      const broker = new Broker(services, listeners)
      guard.watch(broker)
      return broker
    } catch (error) {
      await listeners?.close()
      metadata?.abandon()
      logs.abandon()
      // Of the network, whose errors name themselves, only once the disk has done its part.
      throw listeners === undefined
        ? storageError(`open ${config.logDirectories.join(', ')}`, error)
        : error
    }
  }

  /**
   * Formats the data directories without serving them, as `kafka-storage format`, and returns the
   * id of the cluster. Rejects with `MILLRACE_ALREADY_FORMATTED` if a directory has been formatted,
   * and as `start` does.
   */
  static async format(
    options: Pick<
      BrokerOptions,
      'config' | 'dataDirectory' | 'releaseVersion' | 'scramUsers' | 'logger' | 'world'
    > & {
      /** Id of the cluster, 22 characters of base64. Default: a random one. */
      readonly clusterId?: string
    },
  ): Promise<{ readonly clusterId: string; readonly directories: readonly string[] }> {
    const { settings, isInMemory } = settingsOf(options)
    if (isInMemory) throw new ConfigError('log.dirs', 'Missing configuration log.dirs')
    const config = new BrokerConfig(settings)
    const logger = options.logger ?? silentLogger
    const world = options.world ?? nodeWorld
    const [formatted] = formattedDirectories(world, config)
    if (formatted !== undefined) {
      throw new MillraceError(
        'MILLRACE_ALREADY_FORMATTED',
        `data directory ${formatted} is already formatted; its users, topics and ids stay as they are`,
      )
    }
    let failure: Error | undefined
    const onFailure = (error: Error): void => {
      failure ??= error
    }
    const context = { world, logger, durable: true, onFailure }
    const logs = openLogs(config, context)
    try {
      const directories = formatDirectories(world, config, config.logDirectories, options)
      const metadata = await openMetadata(config, { ...context, directories, options })
      await metadata.close()
      await logs.close()
      if (failure !== undefined) throw failure
      return { clusterId: directories.clusterId, directories: config.logDirectories }
    } catch (error) {
      logs.abandon()
      throw storageError('format the data directory', error)
    }
  }

  /** `host:port` of the first listener for clients. */
  get address(): string {
    const [first] = this.addresses
    return first as string
  }

  /** `host:port` of every listener for clients. */
  get addresses(): string[] {
    return this.#listeners.bound
      .filter((listener) => !listener.isController)
      .map(({ host, boundPort }) => {
        const shown = host === '' || host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
        return `${shown.includes(':') ? `[${shown}]` : shown}:${boundPort}`
      })
  }

  /** Users and permissions of this broker, for other servers in its process. */
  get security(): BrokerSecurity {
    const { config, authorization, authentication } = this.#services
    return new BrokerSecurity({ ...authentication.sasl, config, authorization })
  }

  /** In-process connections to this broker, to pass as a client's `network`. */
  get network(): ClientNetwork {
    return {
      connect: async ({ port, tls }) => {
        if (tls !== undefined) throw noTls()
        const listener = this.#listeners.bound.find(({ boundPort }) => boundPort === port)
        if (listener === undefined || this.#closing !== undefined) {
          const message = `ECONNREFUSED: no listener of this broker has port ${port}`
          throw Object.assign(new Error(message), { code: 'ECONNREFUSED' })
        }
        const [client, server] = connectionPair(port)
        this.#listeners.acceptInternal(server, listener)
        return client
      },
    }
  }

  /** Id of the cluster. */
  get clusterId(): string {
    return this.#services.clusterId
  }

  /** Id of the node. */
  get nodeId(): number {
    return this.#services.nodeId
  }

  /** Names of all topics, including Kafka's internal topics. */
  get topicNames(): string[] {
    return [...this.#services.topics.all.keys()]
  }

  /** Warnings about the configuration: ignored and unknown keys. */
  get warnings(): readonly string[] {
    return this.#warnings
  }

  /** Runs the retention check now instead of on schedule. */
  enforceRetention(): Promise<void> {
    return this.#services.logs.enforceRetention()
  }

  /** Runs the log cleaner now instead of on schedule. */
  compact(): Promise<void> {
    return this.#services.logs.clean()
  }

  /** Stops serving requests, syncs all data and releases the data directory. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #closeCoordinators(): void {
    const { transactions, groups, sharePartitions, shareStates } = this.#services
    this.#tokenExpiry.close()
    sharePartitions.close()
    transactions.close()
    groups.close()
    shareStates.close()
  }

  async #close(): Promise<void> {
    await this.#listeners.close()
    this.#closeCoordinators()
    this.#services.authorization?.audit.close?.()
    const { metadata, logs } = this.#services
    const outcomes = await Promise.allSettled([metadata.close(), logs.close()])
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** Stops at once and leaves the data directory as a process crash would. For recovery tests. */
  async abandon(): Promise<void> {
    this.#closing ??= (async () => {
      this.#closeCoordinators()
      this.#services.metadata.abandon()
      this.#services.logs.abandon()
      await this.#listeners.close()
      // Requests that still run are checked and logged until the listeners are closed.
      this.#services.authorization?.audit.close?.()
    })()
    await this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Stops the broker when its disk has failed, also while it starts. */
class FailureGuard {
  readonly #logger: Logger
  readonly #onFailure: ((error: Error) => void) | undefined
  #failure: ProtocolError | undefined
  #broker: Broker | undefined

  constructor(logger: Logger, onFailure: ((error: Error) => void) | undefined) {
    this.#logger = logger
    this.#onFailure = onFailure
  }

  readonly fail = (error: ProtocolError): void => {
    if (this.#failure !== undefined) return
    this.#failure = error
    if (this.#broker !== undefined) this.#stop(this.#broker, error)
  }

  /** Throws the failure, if there is one. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  watch(broker: Broker): void {
    this.#broker = broker
    if (this.#failure !== undefined) this.#stop(broker, this.#failure)
  }

  #stop(broker: Broker, error: ProtocolError): void {
    this.#logger.error('the broker stops, because its log directory has failed')
    attempt(this.#logger, 'stopping', () => broker.abandon())
    this.#onFailure?.(error)
  }
}

const REGISTRY_KEY = 'confluent.schema.registry.url'

function settingsOf(options: BrokerOptions): {
  readonly settings: ReadonlyMap<string, string>
  readonly isInMemory: boolean
} {
  const given = options.config ?? {}
  const settings = resolveReferences(
    given instanceof Map
      ? (given as ReadonlyMap<string, string>)
      : new Map(Object.entries(given as Readonly<Record<string, string>>)),
  )
  if (options.listen !== undefined) settings.set('listeners', listenerText(options.listen))
  else if (!settings.has('listeners')) settings.set('listeners', 'PLAINTEXT://127.0.0.1:0')
  if (options.dataDirectory !== undefined) settings.set('log.dirs', options.dataDirectory)
  const isInMemory = !settings.has('log.dirs') && !settings.has('log.dir')
  if (isInMemory) settings.set('log.dirs', '/memory')
  const registry = settings.get(REGISTRY_KEY) ?? ''
  if (options.schemaLookup !== undefined && registry === '') settings.set(REGISTRY_KEY, 'embedded')
  if (options.schemaLookup === undefined && registry !== '') {
    throw new ConfigError(REGISTRY_KEY, `${REGISTRY_KEY} ${registry} needs the option schemaLookup`)
  }
  return { settings, isInMemory }
}

/** Converts `host:port` to Kafka's `listeners` syntax. */
function listenerText(listen: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(listen)
  if (match === null) {
    throw new MillraceError(
      'MILLRACE_INVALID_ADDRESS',
      `cannot listen on ${listen}: expected host:port, with an IPv6 host in brackets`,
    )
  }
  const host = match[1] === undefined ? (match[2] ?? '') : `[${match[1]}]`
  return `PLAINTEXT://${host}:${match[3]}`
}

function openLogs(
  config: BrokerConfig,
  context: {
    readonly world: World
    readonly logger: Logger
    readonly durable: boolean
    readonly onFailure: (error: ProtocolError) => void
  },
): LogManager {
  return new LogManager({
    ...context,
    directories: config.logDirectories,
    metadataDirectory: config.metadataDirectory,
    retentionCheckIntervalMs: config.number('log.retention.check.interval.ms'),
    checkpointIntervalMs: config.number('log.flush.offset.checkpoint.interval.ms'),
    cleanerEnabled: config.boolean('log.cleaner.enable'),
    producerIdExpirationCheckIntervalMs: config.number('producer.id.expiration.check.interval.ms'),
    // Dynamic values are looked up each time they are used.
    cleanerBackoffMs: () => config.number('log.cleaner.backoff.ms'),
    cleanerMemoryBytes: () => config.number('log.cleaner.dedupe.buffer.size'),
    producerIdExpirationMs: () => config.number('producer.id.expiration.ms'),
    cordonedDirectories: () => config.list('cordoned.log.dirs'),
  })
}

async function openMetadata(
  config: BrokerConfig,
  context: {
    readonly world: World
    readonly logger: Logger
    readonly directories: FormattedDirectories
    readonly options: BrokerOptions
    readonly durable: boolean
    readonly onFailure: (error: ProtocolError) => void
  },
): Promise<MetadataStore> {
  const { world, logger, directories, options, durable, onFailure } = context
  const release = releaseOf(options.releaseVersion ?? NEWEST_RELEASE)
  const features = Object.entries({
    'metadata.version': release.metadataVersion,
    ...release.features,
  })
  const records: NewMetadataRecord[] = [
    ...features.map(
      ([name, featureLevel]): NewMetadataRecord => ({
        kind: 'FeatureLevelRecord',
        version: 0,
        data: { name, featureLevel },
      }),
    ),
    // While eligible leader replicas are enabled, Kafka stores the cluster-wide minimum here.
    {
      kind: 'ConfigRecord',
      version: 0,
      data: {
        resourceType: 4,
        resourceName: '',
        name: 'min.insync.replicas',
        value: config.string('min.insync.replicas'),
      },
    },
  ]
  const controller = config.listeners.find((listener) => listener.isController)
  const users = scramUsersOf(config, options)
  if (directories.mayFormat) records.push(...(await scramUserRecords(users, world.random)))
  return MetadataStore.open({
    world,
    logger,
    directory: config.metadataDirectory,
    nodeId: config.nodeId,
    durable,
    onFailure,
    snapshotBytes: config.number('metadata.log.max.record.bytes.between.snapshots'),
    format: directories.mayFormat
      ? {
          records,
          voters: votersRecord({
            nodeId: config.nodeId,
            directoryId: directories.metadataDirectoryId,
            listenerName: controller?.listenerName ?? 'CONTROLLER',
            host: controller?.advertised?.host ?? (controller?.host || 'localhost'),
            port: controller?.advertised?.port ?? controller?.port ?? 9093,
          }),
        }
      : undefined,
  })
}

/** The SCRAM users of a new directory, of the options and of the configuration. */
function scramUsersOf(config: BrokerConfig, options: BrokerOptions): ScramUser[] {
  const texts = splitScramUsers(config.get('bootstrap.scram.users') ?? '')
  return [...(options.scramUsers ?? []), ...texts].map(parseScramUser)
}

function warnOfUsers(
  metadata: MetadataStore,
  context: {
    readonly config: BrokerConfig
    readonly options: BrokerOptions
    readonly logger: Logger
  },
): void {
  if (metadata.wasFormatted) return
  const { config, options, logger } = context
  const missing = scramUsersOf(config, options).filter(
    ({ name }) => !metadata.image.scramCredentials().some((each) => each.name === name),
  )
  for (const { name } of missing) {
    logger.warn(
      `SCRAM user ${name} was not added: only a new data directory gets users; use millrace user set`,
    )
  }
}

/**
 * Opens the partitions on disk and becomes leader of those without one, as after a clean shutdown
 * of Kafka. After an unclean shutdown every leader epoch is increased, because records that a
 * consumer has read may be lost (KIP-320).
 */
async function claimPartitions(
  metadata: MetadataStore,
  context: { readonly logs: LogManager; readonly nodeId: number },
): Promise<void> {
  const { logs, nodeId } = context
  logs.scan((topic, partition) => {
    const known = metadata.image.topics.get(topic)
    return known?.partitions[partition] === undefined ? undefined : known.id
  })
  await metadata.propose((image) => {
    const records: NewMetadataRecord[] = []
    const version = partitionRecordVersion(image.metadataVersion)
    for (const topic of image.topics.values()) {
      for (const partition of topic.partitions) {
        if (!partition.replicas.includes(nodeId)) {
          throw new MillraceError(
            'MILLRACE_NOT_A_REPLICA',
            `the data directory belongs to a cluster of several nodes: ${topic.name}-${partition.index} is on nodes ${partition.replicas.join(', ')}, not on node ${nodeId}`,
          )
        }
        if (partition.leader === nodeId && logs.wasClean) continue
        records.push({
          kind: 'PartitionChangeRecord',
          version,
          data: { partitionId: partition.index, topicId: topic.id, leader: nodeId, isr: [nodeId] },
        })
      }
    }
    return { records, reply: undefined }
  })
}

function assemble(
  config: BrokerConfig,
  context: {
    readonly world: World
    readonly logger: Logger
    readonly metadata: MetadataStore
    readonly logs: LogManager
    readonly directories: FormattedDirectories
    readonly options: BrokerOptions
  },
): BrokerServices {
  const { world, logger, metadata, logs, directories, options } = context
  const { nodeId } = config
  const dynamicConfig = new DynamicBrokerConfig(metadata.image, config, logger)
  const topics = new Topics({ image: metadata.image, logs, config: dynamicConfig })
  const authorization = openAuthorization(config, context)
  const quotas = openQuotas(config, metadata)
  // Topic configurations fall back to broker values, so apply broker values first.
  metadata.onChange((records) => dynamicConfig.follow(records))
  metadata.onPrepare((records) => topics.prepare(records))
  metadata.onChange((records) => topics.follow(records))
  metadata.onChange((records) => authorization?.follow(records))
  metadata.onChange((records) => quotas.follow(records))
  const topicDefaults = {
    nodeId,
    directoryId: directories.metadataDirectoryId,
    numPartitions: config.number('num.partitions'),
    replicationFactor: config.number('default.replication.factor'),
    get isCordoned() {
      return config.isCordoned
    },
  }
  const makeTopic = async (topic: NewTopic): Promise<void> => {
    await metadata.propose((image) => {
      const { records } = createTopic(image, topic, {
        defaults: topicDefaults,
        topicId: newUuid(world.random),
        layers: topics.brokerLayers,
      })
      return { records, reply: undefined }
    })
  }
  const producerIds = new ProducerIds(metadata, nodeId)
  const coordinators = openCoordinators({
    world,
    logger,
    config,
    topics,
    metadata,
    authorization,
    producerIds,
    createTopic: makeTopic,
  })
  return {
    world,
    logger,
    logLevel: (options.logLevel ?? 'info').toUpperCase(),
    config,
    clusterId: directories.clusterId,
    nodeId,
    rack: config.get('broker.rack'),
    handlers,
    quotas,
    authorization,
    metadata,
    topics,
    logs,
    ...coordinators,
    producerIds,
    recordSchemas:
      options.schemaLookup === undefined
        ? undefined
        : new RecordSchemas(options.schemaLookup, { clock: world.clock, logger }),
    fetchSessions: new FetchSessions({
      random: world.random,
      maxSessions: config.number('max.incremental.fetch.session.cache.slots'),
    }),
    topicDefaults,
    authentication: {
      principalBuilder: options.principalBuilder,
      certificateFiles: (options.world ?? nodeWorld).fileSystem,
      sasl: {
        config,
        random: world.random,
        credentials: storedCredentials(metadata.image, {
          clock: world.clock,
          random: world.random,
          tokenSecret: () => config.get('delegation.token.secret.key') || undefined,
        }),
        authenticate: options.authenticate,
        oauth: (listenerName) =>
          oauthMechanism({
            settings: oauthConfigOf(config, listenerName),
            clock: world.clock,
            files: (options.world ?? nodeWorld).fileSystem,
            logger,
          }),
      },
    },
    newUuid: () => newUuid(world.random),
    newMemberId: () => memberUuid(world),
    createTopic: makeTopic,
  }
}

function openQuotas(config: BrokerConfig, { image }: MetadataStore): Quotas {
  return new Quotas({
    image,
    windows: {
      count: config.number('quota.window.num'),
      sampleMs: config.number('quota.window.size.seconds') * 1000,
    },
    controllerWindows: {
      count: config.number('controller.quota.window.num'),
      sampleMs: config.number('controller.quota.window.size.seconds') * 1000,
    },
  })
}

function openAuthorization(
  config: BrokerConfig,
  context: {
    readonly world: World
    readonly logger: Logger
    readonly metadata: MetadataStore
    readonly options: BrokerOptions
  },
): Authorization | undefined {
  const { authorizer } = config
  if (authorizer === undefined) return undefined
  const logsAllowed = context.options.logLevel === 'debug'
  const logs: AuditLog[] = [loggedAudit(context.logger, { logsAllowed })]
  const path = config.get('audit.log.file')
  if (path !== null && path !== '') {
    const { world, logger, options } = context
    const { fileSystem } = options.world ?? nodeWorld
    const allowed = config.boolean('audit.log.allowed')
    logs.push(new AuditFile({ path, fileSystem, clock: world.clock, logger, logsAllowed: allowed }))
  }
  return new Authorization({
    ...authorizer,
    superUsers: new Set([...authorizer.superUsers, principalText(INTERNAL)]),
    image: context.metadata.image,
    audit: auditLogs(logs),
  })
}

function memberUuid(world: World): string {
  const hex = world.random.bytes(16).toString('hex')
  return [8, 4, 4, 4, 12]
    .reduce<{ at: number; parts: string[] }>(
      ({ at, parts }, size) => ({ at: at + size, parts: [...parts, hex.slice(at, at + size)] }),
      { at: 0, parts: [] },
    )
    .parts.join('-')
}
