// SPDX-License-Identifier: Apache-2.0
// Apache Kafka 4.4.0 and millrace side by side, interleaved in one run: `npm run bench`. See
// bench/README.md.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import {
  buildBatch,
  CreateTopicsRequest,
  CreateTopicsResponse,
  ProduceRequest,
  ProduceResponse,
} from '@millrace/protocol'
import { freePort, WireClient } from '@millrace/testkit'
import {
  execute,
  java,
  libraries,
  type Peer,
  preparePeers,
  startKafka,
  startMillrace,
} from '../interop/peers.ts'
import { median, residentMb, wrapped } from './measure.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 3)

interface Side {
  readonly name: 'kafka' | 'millrace'
  start(): Promise<Peer & { readonly pid: number }>
}

/** Processes of a peer; the last one is the broker itself. */
async function pidListening(address: string): Promise<number> {
  const port = address.slice(address.lastIndexOf(':') + 1)
  const { stdout } = await execute('sh', ['-c', `ss -ltnpH "sport = :${port}"`])
  return Number(/pid=(\d+)/.exec(stdout)?.[1] ?? 0)
}

const sides: readonly Side[] = [
  {
    name: 'kafka',
    start: async () => withPid(await startKafka({ initialRebalanceDelayMs: 3000 })),
  },
  { name: 'millrace', start: async () => withPid(await startMillrace({ isBuilt: true })) },
]

async function withPid(peer: Peer): Promise<Peer & { readonly pid: number }> {
  return Object.assign(peer, { pid: await pidListening(peer.address) })
}

const results = new Map<string, { kafka: number[]; millrace: number[] }>()

function note(metric: string, side: Side['name'], value: number): void {
  const entry = results.get(metric) ?? { kafka: [], millrace: [] }
  entry[side].push(value)
  results.set(metric, entry)
  process.stderr.write(`  ${side.padEnd(8)} ${metric}: ${value.toFixed(2)}\n`)
}

async function tool(name: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await java(
    'kafka-tools-4.3.1',
    [`org.apache.kafka.tools.${name}`, ...args],
    { timeoutMs: 300_000 },
  )
  if (code !== 0) throw new Error(`${name} failed: ${stderr}`)
  return stdout
}

async function createTopic(address: string, topic: string): Promise<void> {
  await tool(
    'TopicCommand',
    '--bootstrap-server',
    address,
    '--create',
    '--topic',
    topic,
    '--partitions',
    '3',
  )
}

const sizes = [
  { recordSize: 100, count: 3_000_000 },
  { recordSize: 1000, count: 400_000 },
]

async function throughput(side: Side['name'], address: string, round: number): Promise<void> {
  for (const { recordSize, count } of sizes) {
    const topic = `perf-${recordSize}-${round}`
    await createTopic(address, topic)
    const produced = await tool(
      'ProducerPerformance',
      '--topic',
      topic,
      '--num-records',
      `${count}`,
      '--record-size',
      `${recordSize}`,
      '--throughput',
      '-1',
      '--producer-props',
      `bootstrap.servers=${address}`,
      'acks=all',
      'linger.ms=5',
      'batch.size=65536',
    )
    const rate = /, ([\d.]+) records\/sec/.exec(produced.trim().split('\n').at(-1) ?? '')?.[1]
    note(`produce ${recordSize} B, records/s`, side, Number(rate))
    const consumed = await tool(
      'ConsumerPerformance',
      '--bootstrap-server',
      address,
      '--topic',
      topic,
      '--num-records',
      `${count}`,
    )
    const columns = consumed.trim().split('\n').at(-1)?.split(', ') ?? []
    note(`consume ${recordSize} B, records/s`, side, Number(columns.at(-1)))
  }
}

/** Records at a steady 10,000/s; latency from the call of `send` to the record in the consumer. */
async function latency(side: Side['name'], address: string, round: number): Promise<void> {
  const topic = `latency-${round}`
  await createTopic(address, topic)
  const { stdout, stderr, code } = await java(
    'kafka-4.4.0',
    ['EndToEndLatency', address, topic, '10000', '60000'],
    { timeoutMs: 120_000 },
  )
  if (code !== 0) throw new Error(stderr)
  const [p50, p99] = stdout.trim().split(' ').map(Number)
  note('end-to-end p50 at 10,000/s, ms', side, p50 ?? Number.NaN)
  note('end-to-end p99 at 10,000/s, ms', side, p99 ?? Number.NaN)
}

async function firstRecord(side: Side['name'], address: string, round: number): Promise<void> {
  const { stdout, stderr, code } = await java(
    'kafka-4.4.0',
    ['FirstRecord', address, `first-${round}`],
    { timeoutMs: 60_000 },
  )
  if (code !== 0) throw new Error(stderr)
  note('first record of a new classic group, ms', side, Number(stdout.trim()))
}

/**
 * Time from the start of the process to the first acknowledged produce. The directory is formatted
 * in advance.
 */
async function startUp(side: Side['name'], directory: string): Promise<void> {
  const port = await freePort()
  const controllerPort = await freePort()
  const began = performance.now()
  const child =
    side === 'kafka'
      ? spawn(
          'java',
          [
            '-Xmx1G',
            '-cp',
            libraries('kafka-4.4.0'),
            'kafka.Kafka',
            kafkaConfig(directory, port, controllerPort),
          ],
          { stdio: 'ignore' },
        )
      : spawn(
          process.execPath,
          [
            join(import.meta.dirname, '../packages/cli/dist/main.js'),
            'start',
            '--data',
            directory,
            '--listen',
            `127.0.0.1:${port}`,
          ],
          { stdio: 'ignore' },
        )
  const exited = new Promise((resolve) => child.on('exit', resolve))
  try {
    for (;;) {
      try {
        const client = await WireClient.connect(`127.0.0.1:${port}`)
        const records = buildBatch([
          { timestamp: BigInt(Date.now()), key: null, value: Buffer.from('first') },
        ])
        const reply = await client.request(
          ProduceRequest,
          ProduceResponse,
          {
            acks: -1,
            timeoutMs: 1000,
            topicData: [{ name: 'startup', partitionData: [{ index: 0, records }] }],
          },
          9,
        )
        client.close()
        if (reply.responses[0]?.partitionResponses[0]?.errorCode === 0) break
      } catch {
        // Not ready yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    note('start-up to first acknowledged produce, ms', side, performance.now() - began)
  } finally {
    child.kill('SIGTERM')
    await exited
  }
}

function kafkaConfig(directory: string, port: number, controllerPort: number): string {
  const path = join(mkdtempSync(join(tmpdir(), 'bench-')), 'server.properties')
  writeFileSync(
    path,
    [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'controller.listener.names=CONTROLLER',
      `log.dirs=${directory}`,
      'offsets.topic.replication.factor=1',
    ].join('\n'),
  )
  return path
}

async function manyTopics(): Promise<void> {
  const peer = await startMillrace({ isBuilt: true })
  const client = await WireClient.connect(peer.address)
  for (let i = 0; i < 10; i++) {
    await client.request(CreateTopicsRequest, CreateTopicsResponse, {
      topics: Array.from({ length: 100 }, (_, j) => ({
        name: `many-${i}-${j}`,
        numPartitions: 10,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      })),
    })
  }
  client.close()
  await peer.stop()
  const began = performance.now()
  const again = await startMillrace({ directory: peer.directory, isBuilt: true })
  note('start with 1,000 topics x 10 partitions, ms', 'millrace', performance.now() - began)
  await again.stop()
  rmSync(peer.directory, { recursive: true, force: true })
}

await preparePeers()
// Users run the built package, so that is measured.
const build = await execute('npm', ['run', '-s', 'build'])
if (build.code !== 0) throw new Error(build.stdout)

const directories = new Map<Side['name'], string>()
for (const side of sides) {
  const peer = await side.start()
  await createTopic(peer.address, 'startup')
  await peer.stop()
  directories.set(side.name, peer.directory)
}
for (let round = 0; round < rounds; round++) {
  process.stderr.write(`round ${round + 1} of ${rounds}\n`)
  for (const side of sides) await startUp(side.name, directories.get(side.name) as string)
  for (const side of sides) {
    const peer = await side.start()
    await new Promise((resolve) => setTimeout(resolve, 2000))
    note('resident memory idle, MB', side.name, residentMb(peer.pid))
    await firstRecord(side.name, peer.address, round)
    await throughput(side.name, peer.address, round)
    await latency(side.name, peer.address, round)
    note('resident memory after the run, MB', side.name, residentMb(peer.pid))
    await peer.stop()
    rmSync(peer.directory, { recursive: true, force: true })
  }
}
await manyTopics()

const commit = (await execute('git', ['rev-parse', '--short', 'HEAD'])).stdout.trim()
const javaVersion = (await execute('java', ['-version'])).stderr.split('\n')[0]
const lines = [
  `# Apache Kafka 4.4.0 and millrace ${commit}, ${new Date().toISOString().slice(0, 10)}`,
  '',
  `${cpus().length} cores (${cpus()[0]?.model}), ${Math.round(totalmem() / 2 ** 30)} GiB; Node ${process.version}; ${javaVersion}; ${rounds} interleaved rounds, medians, [lowest to highest].`,
  'Tools: Kafka 4.3.1 `ProducerPerformance` (acks=all, linger.ms=5, batch.size=65536, 3 partitions) and `ConsumerPerformance`; `EndToEndLatency` and `FirstRecord` in bench/java.',
  '',
  '| measure | Kafka 4.4.0 | millrace | ratio |',
  '| --- | --- | --- | --- |',
]
const show = (values: readonly number[]): string =>
  values.length === 0
    ? '-'
    : `${median(values).toFixed(values.some((value) => value < 100) ? 2 : 0)} [${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}]`
for (const [metric, { kafka, millrace }] of results) {
  lines.push(
    `| ${metric} | ${show(kafka)} | ${show(millrace)} | ${kafka.length === 0 ? '-' : (median(millrace) / median(kafka)).toFixed(2)} |`,
  )
}
process.stdout.write(`${wrapped(lines.join('\n'))}\n`)
process.exit(0)
