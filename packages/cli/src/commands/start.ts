// SPDX-License-Identifier: Apache-2.0
import {
  type Logger,
  LogLevel,
  nodeWorld,
  resolveReferences,
  systemErrorCode,
} from '@millrace/base'
import { Broker, releases, type SchemaLookup } from '@millrace/broker'
import type { ClientOptions } from '@millrace/client'
import type { JmsProvider } from '@millrace/jms-provider'
import { clusterClient } from '../client/connection.ts'
import { interrupted } from '../client/interrupted.ts'
import { loggerFor, logLevelOf } from '../client/stderr-logger.ts'
import type { Command } from '../command.ts'
import type { Options, ParsedOptions } from '../options.ts'
import { amqpSettings, startEmbeddedJms } from '../start/embedded-jms.ts'
import {
  type EmbeddedRegistry,
  embeddedRegistrySettings,
  hasEmbeddedRegistry,
  isRegistrySetting,
  startEmbeddedRegistry,
} from '../start/embedded-registry.ts'
import { embeddedSchemaLookup, isSchemaLookupSetting } from '../start/embedded-schema-lookup.ts'
import { inUseMessage } from '../start/listen-failures.ts'
import { startSettings } from '../start/start-settings.ts'
import { UsageError } from '../usage-error.ts'

const options = {
  config: { value: 'FILE', short: 'c', help: "Kafka's server.properties, including KRaft keys" },
  set: {
    value: 'KEY=VALUE',
    short: 's',
    multiple: true,
    help: 'sets one configuration key, overrides the file; may be repeated',
  },
  data: {
    value: 'DIR',
    short: 'd',
    help: 'data directory, overrides log.dirs (default ./millrace-data)',
  },
  listen: {
    value: 'HOST:PORT',
    short: 'l',
    help: 'address to listen on, overrides listeners; port 0 picks a free one (default 127.0.0.1:9092)',
  },
  amqp: {
    value: 'HOST:PORT',
    help: 'address for JMS programs, overrides amqp.listener; none disables JMS (default 127.0.0.1:5672)',
  },
  registry: {
    value: 'HOST:PORT',
    help: 'address of the schema registry, overrides registry.listener; none disables it (default 127.0.0.1:8081)',
  },
  bootstrap: {
    value: 'HOST:PORT',
    short: 'b',
    help: 'serves JMS and the schema registry over this Kafka cluster, instead of an embedded broker',
  },
  'command-config': {
    value: 'FILE',
    help: "with --bootstrap: a Java client's properties, as security (client.properties)",
  },
  'add-scram': {
    value: 'USER',
    multiple: true,
    help: "adds a SCRAM user to a new data directory: 'SCRAM-SHA-256=[name=admin,password=secret]'",
  },
  insecure: {
    help: 'allows listeners that others reach without authentication and authorizer',
  },
  'audit-log': {
    value: 'FILE',
    help: 'appends denied actions to this file, as JSON lines (audit.log.file)',
  },
  ephemeral: { help: 'keeps all data in memory and discards it at the end' },
  'release-version': {
    value: 'VERSION',
    help: `oldest Kafka release that must be able to open a new data directory: ${Object.keys(releases).join(', ')} (default 4.4)`,
  },
  'log-level': {
    value: 'LEVEL',
    help: `log level on stderr: ${Object.keys(LogLevel).join(', ')} (default info)`,
  },
} satisfies Options

const details = `Ctrl-C or SIGTERM ends it, keeping everything. The registry is loaded with its first client; its settings are
the keys of Confluent's schema-registry.properties with the prefix registry. in --config or --set.

When clients can connect, and not before, a line is printed on stdout for scripts to wait for:

  millrace ready kafka=127.0.0.1:9092 amqp=127.0.0.1:5672 registry=127.0.0.1:8081

Examples:
  millrace start
  millrace start --bootstrap kafka-1:9092,kafka-2:9092 --amqp 0.0.0.0:5672 --set amqp.users=alice:secret
  millrace start --config server.properties --add-scram 'SCRAM-SHA-256=[name=admin,password=secret]'
  millrace start --ephemeral --listen 127.0.0.1:0
  millrace start --config server.properties --set num.partitions=3`

/** `millrace start`: runs the broker, the JMS provider and the schema registry as a server. */
export const start: Command = {
  name: 'start',
  summary:
    'starts a Kafka-compatible broker, a JMS provider and a schema registry in the foreground',
  options,
  details,
  async run(parsed) {
    const logLevel = logLevelOf(parsed)
    const bootstrap = parsed.value('bootstrap')
    // The broker resolves its references itself: what a secret contains is resolved only once.
    const given = startSettings(parsed)
    const settings = resolveReferences(given)
    const logger = loggerFor(parsed)
    const began = nodeWorld.clock.monotonic()
    await using servers = new AsyncDisposableStack()
    const registrySettings = embeddedRegistrySettings(settings, parsed)
    let registry: EmbeddedRegistry | undefined
    const schemaLookup = embeddedSchemaLookup(
      settings,
      hasEmbeddedRegistry(registrySettings) ? () => registry?.address : undefined,
    )
    const context = { parsed, logger, logLevel, schemaLookup }
    const broker = bootstrap === undefined ? await startBroker(given, context) : undefined
    servers.defer(() => broker?.close())
    const client = broker === undefined ? clusterClient(parsed) : insideClient(broker)
    const config = amqpSettings(settings, parsed)
    const provider = await startEmbeddedJms({ config, broker, client, settings, logger })
    servers.defer(() => provider?.close())
    registry = await startEmbeddedRegistry({
      settings: registrySettings,
      client,
      isInsecure: settings.get('allow.insecure.listeners') === 'true',
      logger,
    })
    servers.defer(() => registry?.close())
    // Before the ready line is printed: a program that waits for it may send a signal at once.
    const interrupt = interrupted()
    const tookMs = nodeWorld.clock.monotonic() - began
    announce({ broker, provider, registry, bootstrap, settings, tookMs })
    await interrupt
    return 0
  },
}

function startBroker(
  settings: ReadonlyMap<string, string>,
  {
    parsed,
    logger,
    logLevel,
    schemaLookup,
  }: {
    readonly parsed: ParsedOptions
    readonly logger: Logger
    readonly logLevel: LogLevel
    readonly schemaLookup: SchemaLookup | undefined
  },
): Promise<Broker> {
  const releaseVersion = parsed.value('release-version')
  const own = new Map(
    [...settings].filter(
      ([key]) => !key.startsWith('amqp.') && !isRegistrySetting(key) && !isSchemaLookupSetting(key),
    ),
  )
  return Broker.start({
    config: own,
    logger,
    logLevel,
    scramUsers: parsed.values('add-scram'),
    ...(schemaLookup === undefined ? {} : { schemaLookup }),
    ...(releaseVersion === undefined ? {} : { releaseVersion }),
    onFailure: (error) => {
      // Nothing is left to be saved, and what else runs in this process needs the broker.
      process.stderr.write(`millrace: ${error.message}\n`)
      process.exit(1)
    },
  }).catch((error: unknown) => {
    throw explain(error, settings)
  })
}

/** Connects to the broker in process, whatever address the broker advertises. */
function insideClient(broker: Broker): ClientOptions {
  const port = Number(broker.address.split(':').at(-1))
  const { network } = broker
  return {
    bootstrapServers: broker.address,
    network: { connect: (options) => network.connect({ ...options, port }) },
  }
}

function announce({
  broker,
  provider,
  registry,
  bootstrap,
  settings,
  tookMs,
}: {
  readonly broker: Broker | undefined
  readonly provider: JmsProvider | undefined
  readonly registry: EmbeddedRegistry | undefined
  readonly bootstrap: string | undefined
  readonly settings: ReadonlyMap<string, string>
  readonly tookMs: number
}): void {
  const kafka = broker?.address ?? bootstrap
  const jms =
    provider === undefined
      ? []
      : [
          `  JMS       ${provider.addresses.map(amqpUrl).join(', ')}${bootstrap === undefined || provider.isOwner ? '' : ' (standby)'}`,
        ]
  const lines = [
    '',
    `  millrace is up (${Math.round(tookMs)} ms)`,
    '',
    ...(broker === undefined
      ? [`  Kafka     at ${bootstrap}`]
      : [`  Kafka     ${broker.addresses.join(', ')}`]),
    ...jms,
    ...(registry === undefined ? [] : [`  Registry  ${registry.address}`]),
    ...(broker === undefined ? [] : describeBroker(broker, settings)),
    '',
    '  Try next',
    `    echo hello | millrace produce greetings --bootstrap ${kafka}`,
    `    millrace consume greetings --bootstrap ${kafka} --from beginning`,
    '',
    '  Ctrl-C stops it.',
    '',
  ]
  const amqp = provider?.address || 'none'
  const schemas = registry?.address.replace(/^http:\/\//, '') || 'none'
  const ready = `millrace ready kafka=${kafka} amqp=${amqp} registry=${schemas}`
  process.stdout.write(`${lines.join('\n')}\n${ready}\n`)
}

function amqpUrl(address: string): string {
  return address.includes('://') ? address : `amqp://${address}`
}

function describeBroker(broker: Broker, settings: ReadonlyMap<string, string>): string[] {
  const directory = settings.get('log.dirs') ?? settings.get('log.dir')
  const data = directory ?? 'in memory, discarded at the end'
  const topics = broker.topicNames.filter((name) => !name.startsWith('__')).length
  return [
    `  Data      ${data}${topics > 0 ? ` (${topics} ${topics === 1 ? 'topic' : 'topics'})` : ''}`,
    `  Cluster   ${broker.clusterId}, node ${broker.nodeId}`,
  ]
}

/** Adds advice to the two most common errors. */
function explain(error: unknown, settings: ReadonlyMap<string, string>): unknown {
  const code = systemErrorCode(error)
  if (code === 'EADDRINUSE') {
    const listeners = settings.get('listeners') ?? ''
    return new UsageError(
      `${inUseMessage('Kafka', listeners)}; choose another with --listen HOST:PORT`,
    )
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    return new UsageError(`cannot start: ${(error as Error).message}`)
  }
  return error
}
