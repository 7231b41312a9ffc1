// SPDX-License-Identifier: Apache-2.0
// The JMS provider and ActiveMQ Artemis 2.44.0 in turn, with `artemis perf client` over Qpid JMS:
// `npm run bench:jms`.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Broker } from '@millrace/broker'
import { ConnectionFactory, type MessageConsumer, type TextMessage } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { execute, libraries, preparePeers, startArtemis, startMillrace } from '../interop/peers.ts'
import { median, residentMb, wrapped } from './measure.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10)
const WARM_UP_SECONDS = 5
const BACKLOG = Number(process.env.BENCH_BACKLOG ?? 1_000_000)
const IDLE_QUEUES = 1000

interface Server {
  readonly name: 'millrace' | 'artemis'
  readonly amqp: string
  readonly pid: number
  stop(): Promise<void>
}

const values = new Map<string, Map<string, number[]>>()

function note(metric: string, name: string, value: number): void {
  const sides = values.get(metric) ?? new Map<string, number[]>()
  values.set(metric, sides)
  sides.set(name, [...(sides.get(name) ?? []), value])
  process.stderr.write(`${metric}, ${name}: ${value.toFixed(1)}\n`)
}

function pidListening(address: string): number {
  const port = address.split(':').at(-1)
  const line = execFileSync('ss', ['-ltnpH', `sport = :${port}`], { encoding: 'utf8' })
  return Number(/pid=(\d+)/.exec(line)?.[1])
}

async function start(name: Server['name']): Promise<Server> {
  if (name === 'artemis') {
    const peer = await startArtemis()
    return { name, amqp: peer.address, pid: pidListening(peer.address), stop: peer.stop }
  }
  const directory = mkdtempSync(join(tmpdir(), 'bench-jms-'))
  const peer = await startMillrace({ directory, isBuilt: true })
  return { name, amqp: peer.amqp, pid: pidListening(peer.amqp), stop: peer.stop }
}

/** Runs the load generator; returns the figures of its summary. */
async function perf(amqp: string, destination: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await execute(
    'java',
    [
      '-Xmx512m',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
      '-cp',
      libraries('artemis-2.44.0'),
      'org.apache.activemq.artemis.cli.Artemis',
      'perf',
      'client',
      '--protocol',
      'AMQP',
      '--url',
      `amqp://${amqp}`,
      '--message-size',
      '1024',
      '--warmup',
      String(WARM_UP_SECONDS),
      '--duration',
      String(SECONDS),
      ...args,
      destination,
    ],
    { timeoutMs: (WARM_UP_SECONDS + SECONDS + 60) * 1000 },
  )
  const summary = stdout.slice(stdout.lastIndexOf('--- SUMMARY'))
  if (!summary.includes('total received')) throw new Error(`no summary: ${stderr.slice(-500)}`)
  return summary
}

const totalSeconds = WARM_UP_SECONDS + SECONDS

function received(summary: string): number {
  return Number(/total received:\s+(\d+)/.exec(summary)?.[1]) / totalSeconds
}

const loads: readonly (readonly [metric: string, destination: string, args: readonly string[]])[] =
  [
    [
      'persistent, 100 pending, messages/s',
      'queue://persistent',
      ['--persistent', '--max-pending', '100'],
    ],
    [
      'persistent, one at a time, messages/s',
      'queue://single',
      ['--persistent', '--max-pending', '1'],
    ],
    [
      'transactions of ten, messages/s',
      'queue://transacted',
      ['--persistent', '--tx', '--commit-interval', '10'],
    ],
    ['non-persistent, 100 pending, messages/s', 'queue://fleeting', ['--max-pending', '100']],
    [
      'topic with three consumers, received messages/s',
      'topic://news',
      ['--max-pending', '100', '--consumers', '3'],
    ],
  ]

async function round(server: Server, number: number): Promise<void> {
  note('resident memory idle, MB', server.name, residentMb(server.pid))
  for (const [metric, destination, args] of loads) {
    note(metric, server.name, received(await perf(server.amqp, `${destination}${number}`, args)))
  }
  const paced = await perf(server.amqp, `queue://paced${number}`, [
    '--persistent',
    '--rate',
    '1000',
  ])
  const transfer = /transfer time:.*?99\.00%:\s+([\d.]+) us/.exec(paced)?.[1]
  note('p99 at 1,000/s, ms', server.name, Number(transfer) / 1000)
  note('resident memory after load, MB', server.name, residentMb(server.pid))
}

async function idleQueues(server: Server): Promise<void> {
  const before = residentMb(server.pid)
  const connection = await new ConnectionFactory(`amqp://${server.amqp}`).createConnection()
  await connection.start()
  const session = await connection.createSession()
  const consumers: MessageConsumer[] = []
  for (let i = 0; i < IDLE_QUEUES; i++) {
    consumers.push(await session.createConsumer(session.createQueue(`idle.${i}`)))
  }
  await sleep(2000)
  note(
    'an idle queue with a consumer, KB',
    server.name,
    ((residentMb(server.pid) - before) * 1024) / IDLE_QUEUES,
  )
  await connection.close()
}

/**
 * A queue of a million messages: time until it is open after a restart, and until a selector has
 * found the message behind them.
 */
async function backlog(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-backlog-'))
  const open = async (): Promise<{ broker: Broker; provider: JmsProvider }> => {
    const broker = await Broker.start({ dataDirectory: directory })
    const provider = await JmsProvider.start({
      client: { bootstrapServers: broker.address, network: broker.network },
      config: { 'amqp.listener': '127.0.0.1:0', 'amqp.provider.id': 'bench' },
    })
    return { broker, provider }
  }
  {
    const { broker, provider } = await open()
    const connection = await new ConnectionFactory(`amqp://${provider.address}`).createConnection()
    const session = await connection.createSession()
    const producer = await session.createProducer(session.createQueue('backlog'))
    const text = 'x'.repeat(1024)
    for (let i = 0; i < BACKLOG; ) {
      const sends: Promise<void>[] = []
      for (let k = 0; k < 500 && i < BACKLOG; k++, i++) {
        const message = session.createTextMessage(text)
        message.setStringProperty('color', i === BACKLOG - 1 ? 'blue' : 'red')
        sends.push(producer.send(message))
      }
      await Promise.all(sends)
    }
    await connection.close()
    await provider.close()
    await broker.close()
  }
  const began = performance.now()
  const { broker, provider } = await open()
  const queue = await provider.engine?.destination('queue', 'backlog')
  while ((queue?.queue.depth ?? 0) < BACKLOG) await sleep(5)
  note('reopen a queue of a million messages, ms', 'millrace', performance.now() - began)
  const connection = await new ConnectionFactory(`amqp://${provider.address}`).createConnection()
  await connection.start()
  const session = await connection.createSession()
  const looking = performance.now()
  const consumer = await session.createConsumer(session.createQueue('backlog'), "color = 'blue'")
  const found = (await consumer.receive(60_000)) as TextMessage | null
  note(
    'a selector finds one behind a million, ms',
    'millrace',
    found === null ? Number.NaN : performance.now() - looking,
  )
  await consumer.close()
  const slow = await session.createConsumer(session.createQueue('backlog'))
  for (let i = 0; i < 1000; i++) await slow.receive(5000)
  note(
    'resident memory, slow consumer of a million (broker, provider and client), MB',
    'millrace',
    process.memoryUsage.rss() / 1024 / 1024,
  )
  await connection.close()
  await provider.close()
  await broker.close()
  rmSync(directory, { recursive: true, force: true })
}

function table(): string {
  const rows = [...values].map(([metric, sides]) => {
    const cell = (name: string): string => {
      const list = sides.get(name)
      if (list === undefined) return '-'
      const [low, high] = [Math.min(...list), Math.max(...list)]
      return `${median(list).toFixed(1)} [${low.toFixed(1)} to ${high.toFixed(1)}]`
    }
    const [ours, theirs] = [sides.get('millrace'), sides.get('artemis')]
    const ratio = ours && theirs ? (median(ours) / median(theirs)).toFixed(2) : '-'
    return `| ${metric} | ${cell('artemis')} | ${cell('millrace')} | ${ratio} |`
  })
  return [
    '| measure | Artemis 2.44.0 | millrace | ratio |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

await preparePeers()
for (let number = 0; number < ROUNDS; number++) {
  for (const name of number % 2 === 0
    ? (['artemis', 'millrace'] as const)
    : (['millrace', 'artemis'] as const)) {
    const began = performance.now()
    const server = await start(name)
    note('start-up until ready, ms', name, performance.now() - began)
    await sleep(1000)
    await round(server, number)
    if (number === 0) await idleQueues(server)
    await server.stop()
  }
}
await backlog()
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const today = new Date().toISOString().slice(0, 10)
const text = `# JMS: millrace and ActiveMQ Artemis 2.44.0, ${today}

Commit ${commit}, Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${ROUNDS} rounds, servers in turn, medians with their range.
\`npm run bench:jms\`: \`artemis perf client\` over Qpid JMS, 1 KiB, one producer, ${WARM_UP_SECONDS} s of warm-up and ${SECONDS} s counted together, client and server on the same machine.
Artemis: persistent, NIO journal with fsync, 1 GB heap. millrace: data directory, durable before the acknowledgement.

${table()}
`
writeFileSync(join(import.meta.dirname, 'results', `jms-${today}.md`), wrapped(text))
process.stdout.write(wrapped(text))
process.exit(0)
