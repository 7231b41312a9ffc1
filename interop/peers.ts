// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, readyAddresses } from '@millrace/testkit'

const here = import.meta.dirname
export const peersDirectory = join(here, '.peers')
const run = promisify(execFile)

const javaPeers = [
  'kafka-4.4.0',
  'kafka-tools-4.3.1',
  'kafka-streams-4.3.1',
  'qpid-jms-1',
  'qpid-jms-2',
  'artemis-2.44.0',
  'spring-boot',
  'flume-1.11.0',
  'elasticsearch-7.17.28',
  'opensearch-2.19.3',
  'avro-1.12.1',
] as const
/** Jars of Apache Kafka, by purpose. */
type JavaPeer = (typeof javaPeers)[number]

const goPrograms = ['amqp', 'franz', 'groups', 'logins', 'sarama'] as const

/** Programs that the scenarios need, with their Debian packages. */
const tools: Readonly<Record<string, readonly [args: readonly string[], packages: string]>> = {
  java: [['-version'], 'openjdk-17-jdk-headless'],
  javac: [['-version'], 'openjdk-17-jdk-headless'],
  mvn: [['--version'], 'maven'],
  python3: [['-c', 'import venv, ensurepip'], 'python3-venv'],
  go: [['version'], 'golang (1.26 or newer)'],
  '/usr/bin/python3': [['-c', 'import proton'], 'python3-qpid-proton'],
  kcat: [['-V'], 'kcat'],
  mariadbd: [['--version'], 'mariadb-server'],
  pg_lsclusters: [['--help'], 'postgresql'],
}

/** Installs and compiles all peers; throws with a list of missing programs. */
export async function preparePeers(): Promise<void> {
  const missing: string[] = []
  for (const [name, [args, packages]] of Object.entries(tools)) {
    await run(name, args).catch(() => missing.push(`${name} (Debian: ${packages})`))
  }
  if (missing.length > 0) throw new Error(`missing programs: ${missing.join(', ')}`)
  mkdirSync(peersDirectory, { recursive: true })
  for (const name of javaPeers) {
    await once(name, [join(here, 'maven', name, 'pom.xml')], async (target) => {
      const pom = join(here, 'maven', name, 'pom.xml')
      await run('mvn', [
        '-q',
        '-B',
        '-f',
        pom,
        'dependency:copy-dependencies',
        `-DoutputDirectory=${target}`,
      ])
    })
  }
  await compileJava('classes', 'kafka-4.4.0', [...filesIn('java'), ...filesIn('../bench/java')])
  await compileJava('tools-classes', 'kafka-tools-4.3.1', filesIn('java-tools'))
  await compileJava('streams-classes', 'kafka-streams-4.3.1', filesIn('java-streams'))
  await compileJava('jms1-classes', 'qpid-jms-1', filesIn('java-jms1'))
  await compileJava('jms-classes', 'qpid-jms-2', filesIn('java-jms'))
  await compileJava('spring-classes', 'spring-boot', filesIn('java-spring'), ['-parameters'])
  await compileJava('artemis-classes', 'artemis-2.44.0', filesIn('java-artemis'))
  await compileJava('flume-classes', 'flume-1.11.0', filesIn('java-flume'))
  await compileJava('elasticsearch-classes', 'elasticsearch-7.17.28', filesIn('java-elasticsearch'))
  await compileJava('opensearch-classes', 'opensearch-2.19.3', filesIn('java-opensearch'))
  await compileJava('avro-classes', 'avro-1.12.1', filesIn('java-avro'))
  const apicurio = join(here, 'maven/apicurio-3.3.3/pom.xml')
  await once('apicurio-3.3.3', [apicurio], async (target) => {
    await run('mvn', [
      '-q',
      '-B',
      '-f',
      apicurio,
      'dependency:unpack-dependencies',
      `-DoutputDirectory=${target}`,
      // By default it writes beside the pom what it has unpacked, and skips that the next time.
      `-DmarkersDirectory=${join(target, '.markers')}`,
    ])
  })
  const packages = ['package.json', 'package-lock.json'].map((name) => join(here, 'npm', name))
  await once('npm', packages, async (target) => {
    for (const file of packages) cpSync(file, join(target, basename(file)))
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: target })
  })
  await once('venv', [join(here, 'python', 'requirements.txt')], async (target) => {
    await run('python3', ['-m', 'venv', target])
    await run(join(target, 'bin/pip'), [
      'install',
      '-q',
      '-r',
      join(here, 'python', 'requirements.txt'),
    ])
  })
  await once(
    'go',
    [join(here, 'go/go.sum'), ...goPrograms.map((name) => join(here, 'go', name, 'main.go'))],
    async (target) => {
      for (const program of goPrograms) {
        await run('go', ['build', '-o', join(target, program), `./${program}`], {
          cwd: join(here, 'go'),
        })
      }
    },
  )
}

async function compileJava(
  name: string,
  peer: JavaPeer,
  sources: readonly string[],
  flags: readonly string[] = [],
): Promise<void> {
  await once(name, sources, async (target) => {
    await run('javac', [
      ...flags,
      '-encoding',
      'UTF-8',
      '-cp',
      libraries(peer),
      '-d',
      target,
      ...sources,
    ])
  })
}

function filesIn(directory: string): string[] {
  return readdirSync(join(here, directory))
    .filter((name) => /\.(java|go|py)$/.test(name))
    .map((name) => join(here, directory, name))
}

/** Builds a peer unless it was built from the same inputs before. */
async function once(
  name: string,
  inputs: readonly string[],
  make: (target: string) => Promise<void>,
): Promise<void> {
  const hash = createHash('sha256')
  for (const input of inputs) hash.update(readFileSync(input))
  const stamp = hash.digest('hex')
  const target = join(peersDirectory, name)
  const stampFile = join(peersDirectory, `${name}.stamp`)
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  process.stderr.write(`interop: preparing ${name}\n`)
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  await make(target)
  writeFileSync(stampFile, stamp)
}

/** The class path of all jars of a peer. */
export function libraries(peer: JavaPeer): string {
  return join(peersDirectory, peer, '*')
}

export interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program until it exits, at most for `timeoutMs`. */
export async function execute(
  command: string,
  args: readonly string[],
  options: {
    readonly input?: string
    readonly timeoutMs?: number
    readonly env?: NodeJS.ProcessEnv
    /** User that runs it; by default the current one. */
    readonly user?: { readonly uid?: number; readonly gid?: number }
  } = {},
): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...options.env },
      ...options.user,
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 120_000)
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (data) => {
      stdout += data
    })
    child.stderr.on('data', (data) => {
      stderr += data
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code: code ?? -1, stdout, stderr })
    })
    // A program that reads no input may have exited already.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

/** Our classes that are compiled against a peer. */
const ownClasses: Readonly<Record<JavaPeer, string>> = {
  'kafka-4.4.0': 'classes',
  'kafka-tools-4.3.1': 'classes',
  'kafka-streams-4.3.1': 'streams-classes',
  'qpid-jms-1': 'jms1-classes',
  'qpid-jms-2': 'jms-classes',
  'artemis-2.44.0': 'artemis-classes',
  'spring-boot': 'spring-classes',
  'flume-1.11.0': 'flume-classes',
  'elasticsearch-7.17.28': 'elasticsearch-classes',
  'opensearch-2.19.3': 'opensearch-classes',
  'avro-1.12.1': 'avro-classes',
}

function classPathOf(peer: JavaPeer): string {
  const resources = peer === 'qpid-jms-1' ? `:${join(here, 'java-jms1/resources')}` : ''
  return `${join(peersDirectory, ownClasses[peer])}${resources}:${libraries(peer)}`
}

/** Starts ActiveMQ Artemis with AMQP on a free port. */
export function startArtemis(): Promise<Peer> {
  return startServer('artemis', 'artemis-2.44.0', 'ArtemisServer')
}

/** Starts one node of Elasticsearch or OpenSearch with HTTP on a free port. */
export function startSearch(name: 'elasticsearch' | 'opensearch'): Promise<Peer> {
  return name === 'elasticsearch'
    ? startServer(name, 'elasticsearch-7.17.28', 'ElasticsearchServer')
    : startServer(name, 'opensearch-2.19.3', 'OpenSearchServer')
}

/** Runs one of our classes that serves on a port and prints a line when it is ready. */
async function startServer(name: string, peer: JavaPeer, className: string): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), `${name}-`))
  const port = await freePort()
  const child = spawn('java', [
    '-Xmx1G',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    '-cp',
    classPathOf(peer),
    className,
    String(port),
    directory,
  ])
  await readyLine(child, /^server ready/m)
  const stop = stopping(child)
  return { name, address: `127.0.0.1:${port}`, directory, stop, [Symbol.asyncDispose]: stop }
}

/**
 * Resolves when a program reports that it is ready, with its output, which continues to grow;
 * rejects with its output if it exits before.
 */
export function readyLine(child: ChildProcess, line: RegExp): Promise<() => string> {
  let log = ''
  let isReady = false
  return new Promise((resolve, reject) => {
    const watch = (data: Buffer): void => {
      log += data
      if (isReady || !line.test(log)) return
      isReady = true
      resolve(() => log)
    }
    child.stdout?.on('data', watch)
    child.stderr?.on('data', watch)
    child.on('exit', () => reject(new Error(`it did not start:\n${log.slice(-4000)}`)))
  })
}

/** Runs one of our classes, or of the jars. */
export function java(
  peer: JavaPeer,
  args: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<Output> {
  return execute(
    'java',
    [
      '-Xmx256m',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
      '-cp',
      classPathOf(peer),
      ...args,
    ],
    options,
  )
}

/** A running broker, millrace or Apache Kafka. */
export interface Peer extends AsyncDisposable {
  readonly name: string
  readonly address: string
  readonly directory: string
  /** Stops it cleanly and waits until it has exited. */
  stop(): Promise<void>
}

/** Stops a process cleanly and waits until it has exited. */
export function stopping(child: ChildProcess): () => Promise<void> {
  const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  return async () => {
    if (child.exitCode === null) child.kill('SIGTERM')
    await gone
  }
}

/**
 * Starts Apache Kafka with a newly formatted directory. `static` puts its voter into the file
 * instead of the log.
 */
export async function startKafka(
  options: {
    readonly peer?: 'kafka-4.4.0' | 'kafka-tools-4.3.1'
    readonly directory?: string
    readonly quorum?: 'static' | 'dynamic'
    /** Kafka's default is 3000; scenarios use 0 to be fast. */
    readonly initialRebalanceDelayMs?: number
    /** Additional lines of server.properties. */
    readonly settings?: readonly string[]
    /** Loggers to silence: writing stack traces takes longer than the tests. */
    readonly silentLoggers?: readonly string[]
  } = {},
): Promise<Peer> {
  const peer = options.peer ?? 'kafka-4.4.0'
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'kafka-'))
  const [port, controllerPort] = [await freePort(), await freePort()]
  const file = writeSettings([
    'process.roles=broker,controller',
    'node.id=1',
    options.quorum === 'dynamic'
      ? `controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}`
      : `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names=CONTROLLER',
    `log.dirs=${directory}`,
    ...internalTopics(1),
    `group.initial.rebalance.delay.ms=${options.initialRebalanceDelayMs ?? 0}`,
    ...(options.settings ?? []),
  ])
  if (!existsSync(join(directory, 'meta.properties'))) {
    await formatKafka(
      peer,
      file,
      randomClusterId(),
      options.quorum === 'dynamic' ? ['--standalone'] : [],
    )
  }
  const silenced = (options.silentLoggers ?? []).map(
    (name) => `-Dorg.slf4j.simpleLogger.log.${name}=off`,
  )
  const child = await runKafka(peer, file, ['-Xmx1G', ...silenced])
  const stop = stopping(child)
  return { name: peer, address: `127.0.0.1:${port}`, directory, stop, [Symbol.asyncDispose]: stop }
}

export function internalTopics(replicas: number): string[] {
  return [
    `offsets.topic.replication.factor=${replicas}`,
    `transaction.state.log.replication.factor=${replicas}`,
    'transaction.state.log.min.isr=1',
    `share.coordinator.state.topic.replication.factor=${replicas}`,
    'share.coordinator.state.topic.min.isr=1',
  ]
}

export function writeSettings(lines: readonly string[]): string {
  const file = join(mkdtempSync(join(tmpdir(), 'kafka-config-')), 'server.properties')
  writeFileSync(file, lines.join('\n'))
  return file
}

type KafkaJars = 'kafka-4.4.0' | 'kafka-tools-4.3.1'

/** As with Kafka's tool: an id must not start with a dash, which would be parsed as an option. */
export function randomClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}

/** `extra`: additional arguments, such as initial SCRAM credentials. */
export async function formatKafka(
  peer: KafkaJars,
  file: string,
  clusterId: string,
  extra: readonly string[] = [],
): Promise<void> {
  const args = [
    '-cp',
    libraries(peer),
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    file,
  ]
  const { code, stderr } = await execute('java', [...args, ...extra])
  if (code !== 0) throw new Error(`formatting failed: ${stderr.slice(-2000)}`)
}

/** Runs a broker and resolves when it is ready. */
export async function runKafka(
  peer: KafkaJars,
  file: string,
  jvmOptions = ['-Xmx1G'],
): Promise<ChildProcess> {
  const child = spawn('java', [...jvmOptions, '-cp', libraries(peer), 'kafka.Kafka', file])
  let log = ''
  await new Promise<void>((resolve, reject) => {
    const watch = (data: Buffer): void => {
      log += data
      if (log.includes('Kafka Server started')) resolve()
      if (log.length > 1_000_000) log = log.slice(-4000)
    }
    child.stdout.on('data', watch)
    child.stderr.on('data', watch)
    child.on('exit', () => reject(new Error(`Kafka did not start:\n${log.slice(-4000)}`)))
  })
  return child
}

/** Three brokers, each of which can be killed and restarted. */
export interface KafkaCluster extends AsyncDisposable {
  /** `host:port` of all brokers, separated by commas. */
  readonly addresses: string
  /** Kills one broker, as a power failure would; ids are 1 to 3. */
  kill(id: number): Promise<void>
  start(id: number): Promise<void>
}

export async function startKafkaCluster(): Promise<KafkaCluster> {
  const peer = 'kafka-4.4.0'
  const ids = [1, 2, 3]
  const ports = await Promise.all(ids.map(freePort))
  const controllerPorts = await Promise.all(ids.map(freePort))
  const voters = ids.map((id, i) => `${id}@127.0.0.1:${controllerPorts[i]}`).join(',')
  const files = ids.map((id, i) =>
    writeSettings([
      'process.roles=broker,controller',
      `node.id=${id}`,
      `controller.quorum.voters=${voters}`,
      `listeners=PLAINTEXT://127.0.0.1:${ports[i]},CONTROLLER://127.0.0.1:${controllerPorts[i]}`,
      'controller.listener.names=CONTROLLER',
      `log.dirs=${mkdtempSync(join(tmpdir(), 'kafka-'))}`,
      ...internalTopics(3),
      'group.initial.rebalance.delay.ms=0',
      'min.insync.replicas=2',
      'default.replication.factor=3',
      `broker.rack=rack-${id}`,
      'replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'broker.session.timeout.ms=4000',
      'broker.heartbeat.interval.ms=500',
    ]),
  )
  const clusterId = randomClusterId()
  await Promise.all(files.map((file) => formatKafka(peer, file, clusterId)))
  const children = new Map<number, ChildProcess>()
  const start = async (id: number): Promise<void> => {
    children.set(id, await runKafka(peer, files[id - 1] as string, ['-Xmx400M']))
  }
  const kill = async (id: number): Promise<void> => {
    const child = children.get(id)
    if (child === undefined) return
    children.delete(id)
    const gone = new Promise((resolve) => child.on('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
  await Promise.all(ids.map(start))
  return {
    addresses: ports.map((port) => `127.0.0.1:${port}`).join(','),
    kill,
    start,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(ids.map(kill))
    },
  }
}

/** Starts millrace from the command line, as a user does. */
export async function startMillrace(
  options: {
    readonly directory?: string
    readonly args?: readonly string[]
    /** Whether to run `dist`, which `npm run build` creates, instead of the sources. */
    readonly isBuilt?: boolean
  } = {},
): Promise<Peer & { readonly amqp: string; readonly registry: string }> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'millrace-'))
  const child = spawn(process.execPath, [
    ...(options.isBuilt
      ? [join(here, '../packages/cli/dist/main.js')]
      : ['--conditions=millrace-src', join(here, '../packages/cli/src/main.ts')]),
    'start',
    '--data',
    directory,
    '--listen',
    '127.0.0.1:0',
    '--log-level',
    'warn',
    ...(options.args ?? []),
  ])
  const stop = stopping(child)
  const { kafka: address, amqp, registry } = await readyAddresses(child)
  return { name: 'millrace', address, amqp, registry, directory, stop, [Symbol.asyncDispose]: stop }
}

/** A copy of a data directory, as it would be moved to another machine. */
export function copyOf(directory: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'copy-'))
  cpSync(directory, copy, { recursive: true })
  rmSync(join(copy, '.lock'), { force: true })
  return copy
}

/** Runs an Apache Flume agent; resolves when its log reports that all components were started. */
export async function startFlume(
  name: string,
  file: string,
  heap: readonly string[] = ['-Xmx512m'],
): Promise<Peer & { readonly pid: number; log(): string }> {
  const directory = mkdtempSync(join(tmpdir(), 'flume-peer-'))
  const settings = join(directory, 'log4j2.properties')
  writeFileSync(
    settings,
    [
      'appender.out.type = Console',
      'appender.out.name = out',
      'appender.out.layout.type = PatternLayout',
      'appender.out.layout.pattern = %p %c{1} %m%n',
      'rootLogger.level = info',
      'rootLogger.appenderRef.out.ref = out',
    ].join('\n'),
  )
  const child = spawn('java', [
    ...heap,
    // Flume writes text in the machine's default character set.
    '-Dfile.encoding=UTF-8',
    `-Dlog4j.configurationFile=${settings}`,
    '-DpropertiesImplementation=org.apache.flume.node.EnvVarResolverProperties',
    '-cp',
    classPathOf('flume-1.11.0'),
    'org.apache.flume.node.Application',
    '--no-reload-conf',
    '-n',
    name,
    '-f',
    file,
  ])
  const sources = /\.sources\s*=/.test(readFileSync(file, 'utf8'))
  const log = await readyLine(
    child,
    sources ? /Starting Source [\s\S]*\n/ : /Starting Sink [\s\S]*\n/,
  )
  const stop = stopping(child)
  const pid = child.pid as number
  return { name: 'flume', address: '', directory, pid, log, stop, [Symbol.asyncDispose]: stop }
}
