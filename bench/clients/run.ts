// SPDX-License-Identifier: Apache-2.0
// Runs every Node client in turn with the same tasks against one Apache Kafka 4.4.0:
// `npm run bench:clients`. See bench/README.md.
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@millrace/client'
import { execute, java, preparePeers, startKafka } from '../../interop/peers.ts'
import { median, wrapped } from '../measure.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 3)
const clients = ['millrace', 'kafkats', 'kafka-ts', 'platformatic', 'kafkajs']
const shown: Readonly<Record<string, string>> = {
  millrace: 'millrace',
  'millrace-iterator': 'millrace, for await',
  kafkats: '@kafkats/client 0.12.0',
  'kafka-ts': 'kafka-ts 1.5.0',
  platformatic: '@platformatic/kafka 2.12.1',
  kafkajs: 'kafkajs 2.2.4',
  java: 'Java ConsumerPerformance 4.3.1',
}

interface Task {
  readonly name: string
  readonly task: string
  readonly count: number
  readonly size: number
  /** Value of the worker's result to show, and whether higher is better. */
  readonly metrics: readonly {
    readonly key: string
    readonly unit: string
    readonly isRate: boolean
  }[]
  readonly clients: readonly string[]
}

const rate = { key: 'rate', unit: 'records/s', isRate: true }
const memory = { key: 'peakMb', unit: 'peak resident MB', isRate: false }
const each = [...clients, 'millrace-iterator']
const consumed = 1_000_000
const tasks: readonly Task[] = [
  {
    name: 'consume 100 B in batches',
    task: 'consume-batch',
    count: consumed,
    size: 100,
    metrics: [rate, memory],
    clients,
  },
  {
    name: 'consume 1 KB in batches',
    task: 'consume-batch',
    count: consumed,
    size: 1000,
    metrics: [rate, memory],
    clients,
  },
  {
    name: 'consume 100 B one at a time',
    task: 'consume-each',
    count: consumed,
    size: 100,
    metrics: [rate],
    clients: each,
  },
  {
    name: 'consume 1 KB one at a time',
    task: 'consume-each',
    count: consumed,
    size: 1000,
    metrics: [rate],
    clients: each,
  },
  {
    name: 'produce 100 B, 10 x 100 in flight',
    task: 'produce-10x100',
    count: 500_000,
    size: 100,
    metrics: [rate, memory],
    clients,
  },
  {
    name: 'produce 1 KB, 10 x 100 in flight',
    task: 'produce-10x100',
    count: 200_000,
    size: 1000,
    metrics: [rate, memory],
    clients,
  },
  {
    name: 'produce 100 B, 100 at a time, awaited',
    task: 'produce-awaited-100',
    count: 200_000,
    size: 100,
    metrics: [rate],
    clients,
  },
  {
    name: 'produce 1 KB, 100 at a time, awaited',
    task: 'produce-awaited-100',
    count: 100_000,
    size: 1000,
    metrics: [rate],
    clients,
  },
  {
    name: '100 concurrent single sends, 100 B',
    task: 'produce-100-singles',
    count: 50_000,
    size: 100,
    metrics: [rate],
    clients,
  },
  {
    name: 'awaited single sends, 100 B',
    task: 'produce-awaited-1',
    count: 10_000,
    size: 100,
    metrics: [
      { key: 'p50', unit: 'p50 ms', isRate: false },
      { key: 'p99', unit: 'p99 ms', isRate: false },
    ],
    clients,
  },
  {
    name: 'import',
    task: 'import',
    count: 0,
    size: 0,
    metrics: [{ key: 'importMs', unit: 'ms', isRate: false }],
    clients,
  },
]

const results = new Map<string, Map<string, number[]>>()

function note(metric: string, client: string, value: number): void {
  const entry = results.get(metric) ?? new Map<string, number[]>()
  results.set(metric, entry)
  entry.set(client, [...(entry.get(client) ?? []), value])
  process.stderr.write(`  ${client.padEnd(18)} ${metric}: ${value.toFixed(2)}\n`)
}

async function tool(name: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await java(
    'kafka-tools-4.3.1',
    [`org.apache.kafka.tools.${name}`, ...args],
    {
      timeoutMs: 300_000,
    },
  )
  if (code !== 0) throw new Error(`${name} failed: ${stderr}`)
  return stdout
}

async function fill(address: string, topic: string, size: number): Promise<void> {
  await tool(
    'ProducerPerformance',
    ...[
      '--topic',
      topic,
      '--num-records',
      `${consumed}`,
      '--record-size',
      `${size}`,
      '--throughput',
      '-1',
    ],
    ...['--producer-props', `bootstrap.servers=${address}`, 'acks=all'],
  )
}

async function measureJava(address: string, size: number): Promise<void> {
  const columns = (
    await tool(
      'ConsumerPerformance',
      ...[
        '--bootstrap-server',
        address,
        '--topic',
        `consume-${size}`,
        '--num-records',
        `${consumed}`,
      ],
    )
  )
    .trim()
    .split('\n')
    .at(-1)
    ?.split(', ')
  note(
    `consume ${size === 100 ? '100 B' : '1 KB'} in batches, records/s`,
    'java',
    Number(columns?.at(-1)),
  )
}

await preparePeers()
const build = await execute('npm', ['run', '-s', 'build'])
if (build.code !== 0) throw new Error(build.stdout + build.stderr)
const kafka = await startKafka()
const { address } = kafka
{
  await using admin = new Admin({ bootstrapServers: address })
  await admin.createTopics(
    ['consume-100', 'consume-1000'].map((name) => ({
      name,
      numPartitions: 3,
      replicationFactor: 1,
    })),
  )
}
for (const size of [100, 1000]) await fill(address, `consume-${size}`, size)

const worker = join(import.meta.dirname, 'worker.ts')
for (let round = 0; round < rounds; round++) {
  process.stderr.write(`round ${round + 1} of ${rounds}\n`)
  for (const size of [100, 1000]) await measureJava(address, size)
  for (const { name, task, count, size, metrics, clients: list } of tasks) {
    // The order of the clients alternates, so that none always runs first.
    for (const client of round % 2 === 0 ? list : list.toReversed()) {
      const topic = task.startsWith('consume') ? `consume-${size}` : `produce-${round}-${size}`
      if (task.startsWith('produce')) {
        await using admin = new Admin({ bootstrapServers: address })
        const exists = (await admin.listTopics()).some((each_) => each_.name === topic)
        if (!exists)
          await admin.createTopics([{ name: topic, numPartitions: 3, replicationFactor: 1 }])
      }
      const args = [worker, client, task, address, topic, `${count}`, `${size}`]
      const { stdout, stderr, code } = await execute(process.execPath, args, { timeoutMs: 180_000 })
      if (code !== 0) {
        process.stderr.write(`  ${client} failed at ${name}: ${stderr.slice(0, 500)}\n`)
        continue
      }
      const values = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, number>
      for (const { key, unit } of metrics)
        note(`${name}, ${unit}`, client, values[key] ?? Number.NaN)
    }
  }
  await using admin = new Admin({ bootstrapServers: address })
  await admin.deleteTopics([`produce-${round}-100`, `produce-${round}-1000`])
}
await kafka.stop()

const commit = (await execute('git', ['rev-parse', '--short', 'HEAD'])).stdout.trim()
const lines = [
  `# Node clients and millrace ${commit}, ${new Date().toISOString().slice(0, 10)}`,
  '',
  `${cpus().length} cores (${cpus()[0]?.model}), ${Math.round(totalmem() / 2 ** 30)} GiB; Node ${process.version}; one Apache Kafka 4.4.0, 3 partitions; ${rounds} rounds, clients in turn, each in a separate process; medians, [lowest to highest].`,
  'The ratio is millrace to the best of the others: above 1 is better for rates, below 1 for times and memory.',
  '',
]
for (const [metric, entry] of results) {
  const isRate = metric.endsWith('records/s')
  const others = [...entry].filter(
    ([client]) => !client.startsWith('millrace') && client !== 'java',
  )
  const best = others
    .map(([, values]) => median(values))
    .sort((a, b) => (isRate ? b - a : a - b))[0]
  lines.push(
    `## ${metric}`,
    '',
    '| client | median | spread | ratio to the best other |',
    '| --- | --- | --- | --- |',
  )
  const digits = isRate ? 0 : 2
  for (const [client, values] of [...entry].sort(
    (a, b) => (median(b[1]) - median(a[1])) * (isRate ? 1 : -1),
  )) {
    const spread = `[${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}]`
    const ratio =
      client.startsWith('millrace') && best !== undefined ? (median(values) / best).toFixed(2) : ''
    lines.push(
      `| ${shown[client] ?? client} | ${median(values).toFixed(digits)} | ${spread} | ${ratio} |`,
    )
  }
  lines.push('')
}
process.stdout.write(`${wrapped(lines.join('\n'))}\n`)
process.exit(0)
