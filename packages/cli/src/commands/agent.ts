// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import type { TlsOptions } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import {
  elementAt,
  isReadableByOthers,
  type Logger,
  nodeWorld,
  readCredentials,
  systemErrorCode,
} from '@millrace/base'
import {
  Agent,
  builtIn,
  type ConfigText,
  ConfigurationError,
  type Keys,
  loadAgents,
  OperationServer,
  type OperationServerOptions,
} from '@millrace/flume'
import { checkConfiguration, logProblems, showProblems } from '../agent/config-problems.ts'
import { fileSource, readConfigTexts, systemProperties, uriSource } from '../agent/config-texts.ts'
import { ConfigWatcher } from '../agent/config-watcher.ts'
import { agentAt, registerAgent, runningAgents } from '../agent/registry.ts'
import { showStatus } from '../agent/status.ts'
import { followTap } from '../agent/tap.ts'
import { interrupted } from '../client/interrupted.ts'
import { loggerFor } from '../client/stderr-logger.ts'
import type { Command } from '../command.ts'
import type { Options, ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

const addressOption = {
  at: {
    value: 'HOST:PORT',
    help: "address of the agent's metrics, with https:// for TLS (default: all agents on this machine)",
  },
  'token-file': { value: 'FILE', help: "bearer token for --metrics-tokens of the agent's command" },
  user: { value: 'NAME', help: "user of --metrics-users of the agent's command" },
  'password-file': { value: 'FILE', help: 'file with the password of --user' },
  name: { value: 'NAME', short: 'n', help: 'selects one of several agents' },
} satisfies Options

const status: Command = {
  name: 'status',
  summary: 'shows the components of running agents, and their event rates',
  options: {
    ...addressOption,
    watch: { short: 'w', help: 'refreshes every second' },
    json: { help: 'prints JSON' },
  },
  async run(parsed) {
    await showStatus(await targets(parsed), parsed)
    return 0
  },
}

const tap: Command = {
  name: 'tap',
  summary: 'prints the events that pass a source or a sink',
  positionals: ['COMPONENT'],
  options: {
    ...addressOption,
    count: { value: 'NUMBER', short: 'c', help: 'exits after this many events' },
    lineage: { short: 'l', help: 'shows the agents that each event has passed' },
    json: { help: 'prints JSON, one event per line' },
  },
  details: `Example:
  millrace agent tap r1 --lineage`,
  async run(parsed) {
    const [target] = await targets(parsed)
    await followTap(target as string, elementAt(parsed.positionals, 0), parsed)
    return 0
  },
}

const components: Command = {
  name: 'components',
  summary: 'lists all components, or the keys of one',
  positionals: ['[TYPE]'],
  async run(parsed) {
    const [wanted] = parsed.positionals
    const lines: string[] = []
    for (const [role, definitions] of Object.entries(builtIn)) {
      for (const { type, about, keys } of definitions) {
        if (wanted === undefined) lines.push(`${role.padEnd(17)} ${type.padEnd(20)} ${about}`)
        else if (type.toLowerCase() === wanted.toLowerCase()) {
          lines.push(`${role} ${type}: ${about}`, ...describeKeys(keys), '')
        }
      }
    }
    if (lines.length === 0) {
      throw new UsageError(`unknown component ${wanted}; \`millrace agent components\` lists all`)
    }
    process.stdout.write(`${lines.join('\n')}\n`)
    return 0
  },
}

function describeKeys(keys: Keys): string[] {
  return Object.entries(keys).map(([name, key]) => {
    if (key.kind === 'prefix') return `  ${key.prefix}*`
    const spelled = (key.key ?? name).padEnd(32)
    if (key.kind === 'unsupported') return `  ${spelled} not supported: ${key.reason}`
    if (key.kind === 'ignored') return `  ${spelled} has no effect: ${key.reason}`
    if (key.isRequired) return `  ${spelled} required`
    const fallback = shownDefault(key.fallback)
    return `  ${spelled} ${fallback === '' ? '' : `default ${fallback}`}`.trimEnd()
  })
}

/** Formats a default as it would be written in a file. */
function shownDefault(fallback: unknown): string {
  if (fallback === undefined || fallback === null) return ''
  if (Array.isArray(fallback)) return fallback.join(' ')
  // Component types and character sets, as listed in the help.
  if (typeof fallback === 'object' && 'type' in fallback) return String(fallback.type)
  if (typeof fallback === 'object' && 'name' in fallback) return String(fallback.name)
  return String(fallback)
}

/** Addresses of the selected agents. */
async function targets(parsed: ParsedOptions): Promise<string[]> {
  const at = parsed.value('at')
  if (at !== undefined) return [at]
  const name = parsed.value('name')
  if (name !== undefined) return [agentAt(name)]
  const all = runningAgents()
  if (all.length === 0) {
    throw new UsageError(
      'no agent runs on this machine; `millrace agent -n NAME -f FILE` starts one',
    )
  }
  return all.map(({ address }) => address)
}

/** `millrace agent`: runs Flume's configuration files. */
export const agent: Command = {
  name: 'agent',
  summary: 'runs an agent from Flume configuration files; status, tap, components',
  options: {
    name: { value: 'NAME', short: 'n', help: 'agent to run, among those in the file' },
    'conf-file': {
      value: 'FILE',
      short: 'f',
      multiple: true,
      help: 'Flume .properties file; later files override earlier ones',
    },
    'conf-uri': {
      value: 'URI',
      short: 'u',
      multiple: true,
      help: 'like -f, from a file:, http: or https: URI; overrides files',
    },
    'conf-user': { value: 'NAME', help: 'user name for HTTP servers of --conf-uri' },
    'conf-password': { value: 'PASSWORD', help: 'its password' },
    'poll-interval': {
      value: 'SECONDS',
      short: 'i',
      help: 'polling interval of HTTP servers of --conf-uri, in seconds (default 30)',
    },
    check: {
      help: 'validates the configuration without running it; exit status 1 if it has errors',
    },
    strict: { help: 'rejects a configuration with warnings, too' },
    define: {
      value: 'NAME=VALUE',
      short: 'D',
      multiple: true,
      help: 'sets sys:NAME for the file; also flume.monitoring.port and the like',
    },
    conf: {
      value: 'DIR',
      short: 'c',
      help: "Flume's configuration directory; only Hadoop's core-site.xml is read from it",
    },
    'no-reload-conf': { help: 'does not reload the file when it changes' },
    metrics: {
      value: 'HOST:PORT',
      help: 'address of metrics and taps (default 127.0.0.1:41414, or a free port); none disables them',
    },
    'metrics-tls': {
      value: 'FILE',
      help: 'PEM file with key and certificates: metrics and taps are served over https',
    },
    'metrics-client-ca': {
      value: 'FILE',
      help: 'PEM file with the authorities of client certificates, which are then required as well',
    },
    'metrics-users': {
      value: 'FILE',
      help: 'users of metrics and taps, name=password a line (basic authentication)',
    },
    'metrics-tokens': { value: 'FILE', help: 'bearer tokens of metrics and taps, one a line' },
    insecure: { help: 'allows metrics and taps that others reach without authentication' },
    'drain-timeout': {
      value: 'SECONDS',
      help: 'how long sinks may drain memory channels at shutdown, in seconds (default 10)',
    },
    'log-level': { value: 'LEVEL', help: 'debug, info, warn, error or silent (default info)' },
  },
  subcommands: [status, tap, components],
  details: `Relative paths in the file are relative to the working directory. As in Flume, unknown keys are ignored with a warning, and an
invalid component is omitted with an error. The file is reloaded when it changes: only changed components are restarted, and a file
with new errors is not applied. Ctrl-C or SIGTERM stops the agent; the exit status is 1 if events in memory were lost.

Examples:
millrace agent -n a1 -f agent.conf
millrace agent -n a1 -f agent.conf --check
millrace agent status --watch`,
  run: runAgent,
}

/** Supported Flume system properties; the root logger level is set with `--log-level`. */
const HEEDED = ['flume.monitoring.type', 'flume.monitoring.port', 'flume.root.logger']

const DEFAULT_POLL_SECONDS = 30

/**
 * Heap growth over live data before a garbage collection. V8's default is several times as much,
 * which makes an agent at its limit a fifth faster and a third larger.
 */
const HEAP_GROWTH_PERCENT = 100

async function runAgent(parsed: ParsedOptions): Promise<number> {
  const places = [
    ...parsed.values('conf-file').map(fileSource),
    ...parsed
      .values('conf-uri')
      .map((uri) => uriSource(uri, parsed.value('conf-user'), parsed.value('conf-password'))),
  ]
  const where = places.map((place) => place.where).join(', ')
  const name = parsed.value('name')
  const isCheck = parsed.has('check')
  if (places.length === 0) {
    throw new UsageError('missing -f FILE or -u URI: the configuration of the agent')
  }
  if (name === undefined && !isCheck) throw new UsageError('missing -n NAME: the agent to run')
  const system = systemProperties(parsed.values('define'))
  const pollMs =
    (parsed.number('poll-interval', { min: 1, isFractional: true }) ?? DEFAULT_POLL_SECONDS) * 1000
  const strict = parsed.has('strict')
  const options = { agent: name, system, strict }
  const load = (texts: readonly ConfigText[]) => loadAgents(texts, options)
  const began = nodeWorld.clock.monotonic()
  try {
    const texts = await readConfigTexts(places)
    if (isCheck) return await checkConfiguration(where, texts, options)
    const plans = await load(texts)
    setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`)
    const [plan] = plans
    const logger = loggerFor(parsed)
    logProblems(logger, plan?.problems ?? [], plan?.leftOut ?? [])
    for (const key of system.keys()) {
      if (/^flume\./.test(key) && !HEEDED.includes(key)) {
        logger.warn('a Flume property is not supported and has no effect', { property: key })
      }
    }
    const drainSeconds = parsed.number('drain-timeout', { isFractional: true })
    const running = new Agent(plan as NonNullable<typeof plan>, {
      logger,
      confDirectory: parsed.value('conf'),
      ...(drainSeconds === undefined ? {} : { drainTimeoutMs: drainSeconds * 1000 }),
    })
    await running.start()
    const server = await startServer(running, parsed, system, logger)
    const unregister = registerAgent(running.name, server?.address)
    const interrupt = interrupted()
    announce(running, {
      server,
      scheme: parsed.has('metrics-tls') ? 'https' : 'http',
      tookMs: nodeWorld.clock.monotonic() - began,
    })
    const watcher = parsed.has('no-reload-conf')
      ? undefined
      : new ConfigWatcher({
          places,
          texts,
          agent: running,
          load: async (changed) => (await load(changed))[0],
          logger,
          pollMs,
        })
    await interrupt
    watcher?.stop()
    await running.stop()
    await server?.stop()
    unregister()
    return running.lostEvents === 0 ? 0 : 1
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    showProblems(error.problems)
    return 1
  }
}

/** TLS and credentials of the metrics server. */
function securityOf(parsed: ParsedOptions): OperationServerOptions {
  const [tls, ca] = [parsed.value('metrics-tls'), parsed.value('metrics-client-ca')]
  if (ca !== undefined && tls === undefined) {
    throw new UsageError('--metrics-client-ca needs --metrics-tls')
  }
  const users = parsed.value('metrics-users')
  for (const path of [tls, users, parsed.value('metrics-tokens')]) {
    if (path === undefined || !isReadableByOthers(path)) continue
    process.stderr.write(
      `millrace: ${path} contains secrets and is readable by others; chmod 600 ${path}\n`,
    )
  }
  return {
    isInsecure: parsed.has('insecure'),
    credentials: readCredentials({ users, tokens: parsed.value('metrics-tokens') }),
    ...(tls === undefined ? {} : { tls: tlsOf(tls, ca) }),
  }
}

function tlsOf(file: string, caFile: string | undefined): TlsOptions {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      throw new UsageError(`cannot read ${path}: ${systemErrorCode(error) ?? error}`)
    }
  }
  const pem = read(file)
  return {
    key: pem,
    cert: pem,
    ...(caFile === undefined
      ? {}
      : { ca: read(caFile), requestCert: true, rejectUnauthorized: true }),
  }
}

/** The default is Flume's port, if it is free; another agent may use it. */
async function startServer(
  running: Agent,
  parsed: ParsedOptions,
  system: ReadonlyMap<string, string>,
  logger: Logger,
): Promise<OperationServer | undefined> {
  const flumePort = system.get('flume.monitoring.port')
  const given =
    parsed.value('metrics') ?? (flumePort === undefined ? undefined : `127.0.0.1:${flumePort}`)
  if (given === 'none') return undefined
  const security = { ...securityOf(parsed), logger }
  if (given !== undefined) {
    const match = /^(?:(.*):)?(\d{1,5})$/.exec(given)
    if (match === null)
      throw new UsageError(`invalid --metrics ${given}: expected HOST:PORT or none`)
    const server = new OperationServer(running, {
      ...security,
      host: (match[1] || '127.0.0.1').replace(/^\[(.*)\]$/, '$1'),
      port: Number(match[2]),
    })
    await server.start()
    return server
  }
  const server = new OperationServer(running, security)
  try {
    await server.start()
    return server
  } catch {
    const other = new OperationServer(running, { ...security, port: 0 })
    await other.start()
    return other
  }
}

function announce(
  running: Agent,
  options: {
    readonly server: OperationServer | undefined
    readonly scheme: 'http' | 'https'
    readonly tookMs: number
  },
): void {
  const { server, scheme, tookMs } = options
  const { plan } = running
  const sources = plan.sources.map(({ name, config }) => {
    const at = running.addressesOf(name).join(', ')
    return `  ${name} (${config.type}${at === '' ? '' : ` at ${at}`}) → ${config.channels.join(', ')}`
  })
  const sinks = plan.sinkGroups.map((group) => {
    const members = group.sinks.map(({ name, config }) => `${name} (${config.type})`).join(', ')
    return `  ${group.channel} → ${members}`
  })
  const ready = plan.sources
    .flatMap(({ name }) => running.addressesOf(name).map((address) => ` ${name}=${address}`))
    .join('')
  const lines = [
    '',
    `  agent ${running.name} is up (${Math.round(tookMs)} ms)`,
    '',
    ...sources,
    ...sinks,
    ...(server === undefined ? [] : [`  metrics at ${scheme}://${server.address}/metrics`]),
    '',
    '  Ctrl-C stops it.',
    '',
  ]
  const metrics = server === undefined ? '' : ` metrics=${server.address}`
  process.stdout.write(
    `${lines.join('\n')}\nmillrace ready agent=${running.name}${metrics}${ready}\n`,
  )
}
