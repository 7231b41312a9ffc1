// SPDX-License-Identifier: Apache-2.0
import {
  type Logger,
  LogLevel,
  nodeWorld,
  resolveReferences,
  systemErrorCode,
} from '@millrace/base'
import { Broker, releases } from '@millrace/broker'
import type { ClientOptions } from '@millrace/client'
import type { JmsProvider } from '@millrace/jms-provider'
import { clusterClient } from '../client/connection.ts'
import { interrupted } from '../client/interrupted.ts'
import { readServerProperties } from '../client/server-properties.ts'
import { loggerFor, logLevelOf } from '../client/stderr-logger.ts'
import type { Command } from '../command.ts'
import type { Options, ParsedOptions } from '../options.ts'
import { portHolder } from '../port-holder.ts'
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
  bootstrap: {
    value: 'HOST:PORT',
    short: 'b',
    help: 'serves JMS over this Kafka cluster, instead of an embedded broker',
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

const details = `Ctrl-C or SIGTERM ends it, keeping everything.

When clients can connect, and not before, a line is printed on stdout for scripts to wait for:

  millrace ready kafka=127.0.0.1:9092 amqp=127.0.0.1:5672

Examples:
  millrace start
  millrace start --bootstrap kafka-1:9092,kafka-2:9092 --amqp 0.0.0.0:5672 --set amqp.users=alice:secret
  millrace start --config server.properties --add-scram 'SCRAM-SHA-256=[name=admin,password=secret]'
  millrace start --ephemeral --listen 127.0.0.1:0
  millrace start --config server.properties --set num.partitions=3`

/** `millrace start`: runs the broker and the JMS provider as a server. */
export const start: Command = {
  name: 'start',
  summary: 'starts a Kafka-compatible broker and a JMS provider in the foreground',
  options,
  details,
  async run(parsed) {
    const logLevel = logLevelOf(parsed)
    const bootstrap = parsed.value('bootstrap')
    // The broker resolves its references itself: what a secret contains is resolved only once.
    const given = settingsOf(parsed)
    const settings = resolveReferences(given)
    const logger = loggerFor(parsed)
    const began = nodeWorld.clock.monotonic()
    const broker =
      bootstrap === undefined ? await startBroker(given, { parsed, logger, logLevel }) : undefined
    const amqp = amqpSettings(settings, parsed)
    const provider = await startProvider(amqp, { broker, parsed, settings, logger }).catch(
      async (error: unknown) => {
        // The default port may be in use by another program; a requested port must be free.
        if (broker !== undefined && isTaken(error) && !amqp.has('amqp.listener')) {
          process.stderr.write(
            `millrace: ${inUseMessage('AMQP', DEFAULT_AMQP)}; started without AMQP\n`,
          )
          return undefined
        }
        await broker?.close()
        throw explainAmqp(error, amqp)
      },
    )
    // Before the ready line is printed: a program that waits for it may send a signal at once.
    const interrupt = interrupted()
    announce({ broker, provider, bootstrap, settings, tookMs: nodeWorld.clock.monotonic() - began })
    await interrupt
    try {
      await provider?.close()
    } finally {
      await broker?.close()
    }
    return 0
  },
}

function startBroker(
  settings: ReadonlyMap<string, string>,
  {
    parsed,
    logger,
    logLevel,
  }: { readonly parsed: ParsedOptions; readonly logger: Logger; readonly logLevel: LogLevel },
): Promise<Broker> {
  const releaseVersion = parsed.value('release-version')
  const own = new Map([...settings].filter(([key]) => !key.startsWith('amqp.')))
  return Broker.start({
    config: own,
    logger,
    logLevel,
    scramUsers: parsed.values('add-scram'),
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

/** JMS settings, with `--amqp` over them. If the broker uses any free port, so does JMS. */
function amqpSettings(
  settings: ReadonlyMap<string, string>,
  parsed: ParsedOptions,
): Map<string, string> {
  const amqp = new Map([...settings].filter(([key]) => key.startsWith('amqp.')))
  const listen = parsed.value('amqp')
  if (listen !== undefined) amqp.set('amqp.listener', listen)
  // A provider with its own broker need not wait for the session of its previous run to expire.
  if (!amqp.has('amqp.provider.id') && !parsed.has('bootstrap')) {
    amqp.set('amqp.provider.id', 'embedded')
  }
  const isAnyPort = /:0(,|$)/.test(settings.get('listeners') ?? '')
  if (!amqp.has('amqp.listener') && isAnyPort) amqp.set('amqp.listener', '127.0.0.1:0')
  return amqp
}

async function startProvider(
  config: ReadonlyMap<string, string>,
  {
    broker,
    parsed,
    settings,
    logger,
  }: {
    readonly broker: Broker | undefined
    readonly parsed: ParsedOptions
    readonly settings: ReadonlyMap<string, string>
    readonly logger: Logger
  },
): Promise<JmsProvider | undefined> {
  if (config.get('amqp.listener') === 'none') return undefined
  // Loaded only if needed: a broker without it starts faster.
  const { ClusterSecurity, JmsProvider } = await import('@millrace/jms-provider')
  if (broker !== undefined) {
    const { security } = broker
    return JmsProvider.start({
      client: insideClient(broker),
      config,
      logger,
      startsOnFirstUse: true,
      security,
    })
  }
  const client = clusterClient(parsed)
  const security = await ClusterSecurity.open(client, {
    clock: nodeWorld.clock,
    logger,
    settings: {
      superUsers: (settings.get('super.users') ?? '').split(';').filter((name) => name !== ''),
      allowEveryoneIfNoAclFound: settings.get('allow.everyone.if.no.acl.found') === 'true',
    },
  })
  return JmsProvider.start({ client, config, logger, security })
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

const DEFAULT_AMQP = '127.0.0.1:5672'

function isTaken(error: unknown): boolean {
  return systemErrorCode(error) === 'EADDRINUSE'
}

/** `cannot listen for AMQP on HOST:PORT: the address is in use by …`. */
function inUseMessage(what: string, listener: string): string {
  const port = Number(/:(\d+)(?:[/,]|$)/.exec(listener)?.[1])
  const holder = portHolder(port)
  const by = holder === undefined ? '' : ` by ${holder}`
  return `cannot listen for ${what} on ${listener}: the address is in use${by}`
}

function explainAmqp(error: unknown, config: ReadonlyMap<string, string>): unknown {
  const listener = config.get('amqp.listener') ?? DEFAULT_AMQP
  const other = 'choose another with --amqp HOST:PORT, or --amqp none'
  if (isTaken(error)) return new UsageError(`${inUseMessage('AMQP', listener)}; ${other}`)
  const code = systemErrorCode(error)
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    return new UsageError(`cannot listen for AMQP on ${listener} (${code}); ${other}`)
  }
  return error
}

/** The file, then `--set`, then the dedicated options. */
function settingsOf(parsed: ParsedOptions): Map<string, string> {
  const file = parsed.value('config')
  const settings = file === undefined ? new Map<string, string>() : readServerProperties(file)
  // As in Kafka, a file without listeners listens on all interfaces.
  if (file !== undefined && !settings.has('listeners'))
    settings.set('listeners', 'PLAINTEXT://:9092')
  for (const pair of parsed.values('set')) {
    const at = pair.indexOf('=')
    if (at <= 0) throw new UsageError(`invalid --set ${pair}: expected KEY=VALUE`)
    settings.set(pair.slice(0, at).trim(), pair.slice(at + 1))
  }
  const auditLog = parsed.value('audit-log')
  if (auditLog !== undefined) settings.set('audit.log.file', auditLog)
  if (parsed.has('insecure')) settings.set('allow.insecure.listeners', 'true')
  const listen = parsed.value('listen')
  if (listen !== undefined) settings.set('listeners', listenersWith(settings, listen))
  if (!settings.has('listeners')) settings.set('listeners', 'PLAINTEXT://127.0.0.1:9092')
  const data = parsed.value('data')
  if (parsed.has('ephemeral')) {
    if (data !== undefined) throw new UsageError('--ephemeral and --data exclude each other')
    settings.delete('log.dirs')
    settings.delete('log.dir')
    settings.delete('metadata.log.dir')
    return settings
  }
  if (data !== undefined) {
    settings.delete('log.dir')
    settings.set('log.dirs', data)
  }
  if (!settings.has('log.dirs') && !settings.has('log.dir'))
    settings.set('log.dirs', './millrace-data')
  return settings
}

/** Replaces the listeners for clients, and keeps those of a controller. */
function listenersWith(settings: ReadonlyMap<string, string>, listen: string): string {
  const match = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(listen)
  if (match === null) {
    throw new UsageError(
      `invalid --listen ${listen}: expected HOST:PORT, with an IPv6 host in brackets`,
    )
  }
  const controllers = new Set(
    (settings.get('controller.listener.names') ?? 'CONTROLLER')
      .split(',')
      .map((name) => name.trim()),
  )
  const kept = (settings.get('listeners') ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => controllers.has(text.slice(0, text.indexOf(':'))))
  return [`PLAINTEXT://${listen}`, ...kept].join(',')
}

function announce({
  broker,
  provider,
  bootstrap,
  settings,
  tookMs,
}: {
  readonly broker: Broker | undefined
  readonly provider: JmsProvider | undefined
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
  process.stdout.write(`${lines.join('\n')}\nmillrace ready kafka=${kafka} amqp=${amqp}\n`)
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
