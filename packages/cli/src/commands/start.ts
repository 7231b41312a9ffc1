// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { createLogger, LogLevel, nodeWorld, parseProperties, systemErrorCode } from '@millrace/base'
import { Broker, releases } from '@millrace/broker'
import type { Command } from '../command.ts'
import type { Options, ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

const options = {
  config: { value: 'FILE', short: 'c', help: "Kafka's server.properties, KRaft keys included" },
  set: {
    value: 'KEY=VALUE',
    short: 's',
    multiple: true,
    help: 'sets one configuration key, over the file; may be repeated',
  },
  data: {
    value: 'DIR',
    short: 'd',
    help: 'data directory, over log.dirs (default ./millrace-data)',
  },
  listen: {
    value: 'HOST:PORT',
    short: 'l',
    help: 'address to listen on, over listeners; port 0 picks a free one (default 127.0.0.1:9092)',
  },
  ephemeral: { help: 'keeps everything in memory and forgets it at the end' },
  'release-version': {
    value: 'VERSION',
    help: `Kafka release that must be able to open a new data directory: ${Object.keys(releases).join(', ')} (default 4.4)`,
  },
  'log-level': {
    value: 'LEVEL',
    help: `how much is logged to stderr: ${Object.keys(LogLevel).join(', ')} (default info)`,
  },
} satisfies Options

const details = `Ctrl-C or SIGTERM ends it, keeping everything.

When clients can connect, and not before, a line is printed on stdout for scripts to wait for:

  millrace ready kafka=127.0.0.1:9092

Examples:
  millrace start
  millrace start --ephemeral --listen 127.0.0.1:0
  millrace start --config server.properties --set num.partitions=3`

/** `millrace start`: the broker as a server. */
export const start: Command = {
  name: 'start',
  summary: 'starts a Kafka-compatible broker in the foreground',
  options,
  details,
  async run(parsed) {
    const logLevel = logLevelOf(parsed)
    const settings = settingsOf(parsed)
    const logger = createLogger({
      level: logLevel,
      now: () => nodeWorld.clock.now(),
      write: (line) => void process.stderr.write(`${line}\n`),
    })
    const releaseVersion = parsed.value('release-version')
    const began = nodeWorld.clock.monotonic()
    const broker = await Broker.start({
      config: settings,
      logger,
      logLevel,
      ...(releaseVersion === undefined ? {} : { releaseVersion }),
    }).catch((error: unknown) => {
      throw explain(error, settings)
    })
    // Before anybody is told: who waits for the line may send a signal at once.
    const interrupt = interrupted()
    announce(broker, settings, nodeWorld.clock.monotonic() - began)
    await interrupt
    await broker.close()
    return 0
  },
}

function logLevelOf(parsed: ParsedOptions): LogLevel {
  const level = parsed.value('log-level') ?? 'info'
  if (!(level in LogLevel)) {
    throw new UsageError(
      `invalid --log-level ${level}: allowed is ${Object.keys(LogLevel).join(', ')}`,
    )
  }
  return level as LogLevel
}

/** The file, then `--set`, then the options of their own. */
function settingsOf(parsed: ParsedOptions): Map<string, string> {
  const file = parsed.value('config')
  const settings = file === undefined ? new Map<string, string>() : readConfig(file)
  // A file without listeners means what it means to Kafka: every interface.
  if (file !== undefined && !settings.has('listeners'))
    settings.set('listeners', 'PLAINTEXT://:9092')
  if (file !== undefined) rejectZooKeeper(settings)
  for (const pair of parsed.values('set')) {
    const at = pair.indexOf('=')
    if (at <= 0) throw new UsageError(`invalid --set ${pair}: allowed is KEY=VALUE`)
    settings.set(pair.slice(0, at).trim(), pair.slice(at + 1))
  }
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

function readConfig(path: string): Map<string, string> {
  try {
    return parseProperties(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`cannot read --config ${path}: ${systemErrorCode(error) ?? error}`)
  }
}

function rejectZooKeeper(settings: ReadonlyMap<string, string>): void {
  if (!settings.has('zookeeper.connect')) return
  throw new UsageError(
    'zookeeper.connect is set: ZooKeeper is gone since Kafka 4.0; use a KRaft file with process.roles and node.id',
  )
}

/** Replaces the listeners for clients, and leaves a controller's alone. */
function listenersWith(settings: ReadonlyMap<string, string>, listen: string): string {
  const match = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(listen)
  if (match === null) {
    throw new UsageError(
      `invalid --listen ${listen}: allowed is HOST:PORT, with an IPv6 host in brackets`,
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

function announce(broker: Broker, settings: ReadonlyMap<string, string>, tookMs: number): void {
  const directory = settings.get('log.dirs') ?? settings.get('log.dir')
  const data = directory ?? 'in memory, forgotten at the end'
  const topics = broker.topicNames.filter((name) => !name.startsWith('__')).length
  const lines = [
    '',
    `  millrace is up (${Math.round(tookMs)} ms)`,
    '',
    `  Kafka     ${broker.addresses.join(', ')}`,
    `  Data      ${data}${topics > 0 ? ` (${topics} ${topics === 1 ? 'topic' : 'topics'})` : ''}`,
    `  Cluster   ${broker.clusterId}, node ${broker.nodeId}`,
    '',
    '  Try next',
    `    echo hello | millrace produce greetings --bootstrap ${broker.address}`,
    `    millrace consume greetings --bootstrap ${broker.address} --from beginning`,
    '',
    '  Ctrl-C stops it.',
    '',
  ]
  process.stdout.write(`${lines.join('\n')}\nmillrace ready kafka=${broker.address}\n`)
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    // A pending promise does not keep Node running, and neither do listeners for signals.
    const keepAlive = setInterval(() => {}, 2 ** 30)
    let count = 0
    const onSignal = (signal: NodeJS.Signals): void => {
      count++
      if (count > 1) process.exit(signal === 'SIGINT' ? 130 : 143)
      clearInterval(keepAlive)
      process.stderr.write('millrace: stopping; once more to stop at once\n')
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}

/** Says what to do about the two errors that everybody meets. */
function explain(error: unknown, settings: ReadonlyMap<string, string>): unknown {
  const code = systemErrorCode(error)
  if (code === 'EADDRINUSE') {
    return new UsageError(
      `cannot listen on ${settings.get('listeners')}: the address is in use; choose another with --listen HOST:PORT`,
    )
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    return new UsageError(`cannot start: ${(error as Error).message}`)
  }
  return error
}
