// SPDX-License-Identifier: Apache-2.0
// millrace agents and Apache Flume 1.11 in turn, with the same configuration files:
// `npm run build && npm run bench:flume`.
import { execFileSync, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@millrace/testkit'
import { preparePeers, startFlume as startFlumePeer } from '../interop/peers.ts'
import { median, residentMb } from './measure.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10)
const WARM_UP_SECONDS = 5
const only = process.argv.slice(2)

type Side = 'flume' | 'millrace'

const values = new Map<string, Map<Side, number[]>>()

function note(metric: string, side: Side, value: number): void {
  const sides = values.get(metric) ?? new Map<Side, number[]>()
  values.set(metric, sides)
  sides.set(side, [...(sides.get(side) ?? []), value])
  process.stderr.write(`${metric}, ${side}: ${value.toFixed(1)}\n`)
}

/** A running agent that reports the progress of its sinks. */
interface Running {
  readonly pid: number
  /** Milliseconds from the start of the process until it is ready. */
  readonly readyMs: number
  /** Events taken by a null sink. */
  delivered(): Promise<number>
  kill(): Promise<void>
}

async function startFlume(name: string, file: string): Promise<Running> {
  const began = performance.now()
  const { pid, log } = await startFlumePeer(name, file, ['-Xms1g', '-Xmx1g'])
  return {
    pid,
    readyMs: performance.now() - began,
    // The null sink logs each time it has taken this many events.
    delivered: async () => {
      const lines = log()
        .slice(-2000)
        .matchAll(/successful processed (\d+) events/g)
      return Number([...lines].at(-1)?.[1] ?? 0)
    },
    kill: () => killed(pid),
  }
}

async function startMillrace(name: string, file: string): Promise<Running> {
  const began = performance.now()
  const metrics = await freePort()
  const main = join(import.meta.dirname, '../packages/cli/dist/main.js')
  const child = spawn(
    process.execPath,
    [
      main,
      'agent',
      '-n',
      name,
      '-f',
      file,
      '--metrics',
      `127.0.0.1:${metrics}`,
      '--log-level',
      'error',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (data) => String(data).includes('millrace ready') && resolve())
    child.on('exit', () => reject(new Error('the agent exited')))
  })
  return {
    pid: child.pid as number,
    readyMs: performance.now() - began,
    async delivered() {
      const response = await fetch(`http://127.0.0.1:${metrics}/metrics`)
      const all = (await response.json()) as Record<string, Record<string, string>>
      return Object.entries(all)
        .filter(([key]) => key.startsWith('SINK.'))
        .reduce((sum, [, counters]) => sum + Number(counters.EventDrainSuccessCount), 0)
    },
    async kill() {
      child.removeAllListeners('exit')
      await killed(child.pid as number)
    },
  }
}

async function killed(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  const isThere = (): boolean => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  while (isThere()) await sleep(20)
}

const starters = { flume: startFlume, millrace: startMillrace }

interface Scenario {
  readonly name: string
  readonly goal: string
  /**
   * Agents in the order of their start, the last hop first; DIR and P1 are placeholders for
   * directory and port.
   */
  readonly agents: readonly string[]
  /** Feeds the first hop until stopped. */
  feed?(port: number, directory: string, signal: AbortSignal): Promise<void>
  /** Progress is measured by file sizes instead of the sink: bytes per event in the files. */
  readonly fileBytes?: number
}

const nullSink = `
a.sinks.k.type = null
a.sinks.k.batchSize = 1000
a.sinks.k.logEveryNEvents = 1000
a.sinks.k.channel = c
`
const names = 'a.sources = s\na.channels = c\na.sinks = k\na.sources.s.channels = c\n'
const stress = (batch: number): string =>
  `a.sources.s.type = org.apache.flume.source.StressSource\na.sources.s.size = 1024\na.sources.s.batchSize = ${batch}\n`
const file =
  'a.channels.c.type = file\na.channels.c.dataDirs = DIR/data\na.channels.c.checkpointDir = DIR/checkpoint\na.channels.c.transactionCapacity = 10000\na.channels.c.minimumRequiredSpace = 1048576\n'
const memory =
  'a.channels.c.type = memory\na.channels.c.capacity = 100000\na.channels.c.transactionCapacity = 10000\n'
const avroOut =
  'a.sinks.k.type = avro\na.sinks.k.hostname = 127.0.0.1\na.sinks.k.port = P1\na.sinks.k.batch-size = 1000\na.sinks.k.channel = c\n'
const avroIn = 'a.sources.s.type = avro\na.sources.s.bind = 127.0.0.1\na.sources.s.port = P1\n'

const scenarios: readonly Scenario[] = [
  {
    name: 'memory channel, 1000 a batch, to null',
    goal: '0.5',
    agents: [`${names}a.sources.s.type = seq\na.sources.s.batchSize = 1000\n${memory}${nullSink}`],
  },
  {
    name: 'file channel, 1 KiB, 1000 a batch',
    goal: '5',
    agents: [`${names}${stress(1000)}${file}${nullSink}`],
  },
  {
    name: 'file channel, 1 KiB, 1 a batch',
    goal: '3',
    agents: [`${names}${stress(1)}${file}${nullSink}`],
  },
  {
    name: 'two agents, memory channels, 1 KiB, 1000 a batch',
    goal: '1',
    agents: [`${names}${avroIn}${memory}${nullSink}`, `${names}${stress(1000)}${memory}${avroOut}`],
  },
  {
    name: 'two agents, file channels, 1 KiB, 1000 a batch',
    goal: '10',
    agents: [`${names}${avroIn}${file}${nullSink}`, `${names}${stress(1000)}${file}${avroOut}`],
  },
  {
    name: 'syslog over TCP, 460 B, to memory and null',
    goal: '5',
    agents: [
      `${names}a.sources.s.type = syslogtcp\na.sources.s.host = 127.0.0.1\na.sources.s.port = P1\n${memory}${nullSink}`,
    ],
    feed: feedSyslog,
  },
  {
    name: 'taildir, 200 B, file channel, file roll',
    goal: '4',
    agents: [
      `${names}a.sources.s.type = TAILDIR\na.sources.s.filegroups = g\na.sources.s.filegroups.g = DIR/log/.*\na.sources.s.positionFile = DIR/positions.json\na.sources.s.batchSize = 1000\n${file}a.sinks.k.type = file_roll\na.sinks.k.sink.directory = DIR/out\na.sinks.k.sink.batchSize = 1000\na.sinks.k.sink.rollInterval = 0\na.sinks.k.channel = c\n`,
    ],
    fileBytes: 200,
    feed: feedFile,
  },
]

async function feedSyslog(port: number, _directory: string, signal: AbortSignal): Promise<void> {
  const head = '<34>1 2026-01-01T00:00:00.000Z myhost app 123 ID47 - '
  const line = `${head}${'x'.repeat(459 - head.length)}\n`
  const block = Buffer.from(line.repeat(150))
  const socket: Socket = connect({ host: '127.0.0.1', port })
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.on('error', () => {})
  while (!signal.aborted) {
    if (!socket.write(block)) await new Promise((resolve) => socket.once('drain', resolve))
  }
  socket.destroy()
}

/** Writes the log before the agent starts, so that the writer does not affect the measurement. */
async function feedFile(_port: number, directory: string): Promise<void> {
  mkdirSync(join(directory, 'log'), { recursive: true })
  mkdirSync(join(directory, 'out'), { recursive: true })
  const out = createWriteStream(join(directory, 'log/app.log'))
  const block = `${'y'.repeat(199)}\n`.repeat(10_000)
  for (let i = 0; i < 1500; i++) {
    if (!out.write(block)) await new Promise((resolve) => out.once('drain', resolve))
  }
  await new Promise((resolve) => out.end(resolve))
}

function bytesIn(directory: string): number {
  const out = join(directory, 'out')
  return Number(execFileSync('du', ['-sb', out], { encoding: 'utf8' }).split('\t')[0])
}

async function measure(scenario: Scenario, side: Side): Promise<void> {
  const directory = mkdtempSync(join(process.env.BENCH_DIRECTORY ?? tmpdir(), `bench-${side}-`))
  const port = await freePort()
  const stopping = new AbortController()
  const running: Running[] = []
  try {
    const isFile = scenario.fileBytes !== undefined
    if (isFile) await scenario.feed?.(port, directory, stopping.signal)
    for (const [index, text] of scenario.agents.entries()) {
      const own = join(directory, `agent-${index}`)
      mkdirSync(own, { recursive: true })
      const path = join(own, 'agent.conf')
      const place = isFile ? directory : own
      writeFileSync(path, text.replaceAll('DIR/', `${place}/`).replaceAll('P1', String(port)))
      running.push(await starters[side]('a', path))
      if (side === 'flume') await sleep(1000)
    }
    if (!isFile) void scenario.feed?.(port, directory, stopping.signal)
    const [last] = running as [Running]
    const read = isFile
      ? async () => bytesIn(directory) / (scenario.fileBytes as number)
      : () => last.delivered()
    await sleep(WARM_UP_SECONDS * 1000)
    const [before, began] = [await read(), performance.now()]
    await sleep(SECONDS * 1000)
    const perSecond = ((await read()) - before) / ((performance.now() - began) / 1000)
    note(`${scenario.name}, events/s (goal ${scenario.goal})`, side, perSecond)
    note(
      `${scenario.name}, memory MB (goal 0.25)`,
      side,
      Math.max(...running.map(({ pid }) => residentMb(pid))),
    )
    note('start-up, ms (goal 0.2)', side, Math.min(...running.map(({ readyMs }) => readyMs)))
  } finally {
    stopping.abort()
    for (const each of running) await each.kill()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Recovery after kill -9 with 900,000 events of about 50 bytes in the channel. */
async function measureRecovery(side: Side): Promise<void> {
  const directory = mkdtempSync(join(process.env.BENCH_DIRECTORY ?? tmpdir(), `bench-${side}-`))
  const channel = `${file.replaceAll('DIR/', `${directory}/`)}`
  const fill = join(directory, 'fill.conf')
  writeFileSync(
    fill,
    `a.sources = s\na.channels = c\na.sources.s.channels = c\na.sources.s.type = org.apache.flume.source.StressSource\na.sources.s.size = 50\na.sources.s.batchSize = 1000\na.sources.s.maxTotalEvents = 900000\n${channel}`,
  )
  const port = await freePort()
  const serve = join(directory, 'serve.conf')
  writeFileSync(
    serve,
    `${names}a.sources.s.type = netcat\na.sources.s.bind = 127.0.0.1\na.sources.s.port = ${port}\n${channel}${nullSink}`,
  )
  const first = await starters[side]('a', fill)
  await sleep(side === 'flume' ? 75_000 : 15_000)
  await first.kill()
  const began = performance.now()
  const second = await starters[side]('a', serve)
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    if (isOpen) break
    await sleep(20)
  }
  note(
    'recovery after kill -9 with 900,000 events, ms (goal 2000)',
    side,
    performance.now() - began,
  )
  await sleep(5000)
  process.stderr.write(`  of them delivered within five seconds: ${await second.delivered()}\n`)
  await second.kill()
  rmSync(directory, { recursive: true, force: true })
}

await preparePeers()
for (let round = 0; round < ROUNDS; round++) {
  for (const scenario of scenarios) {
    if (only.length > 0 && !only.some((word) => scenario.name.includes(word))) continue
    for (const side of ['flume', 'millrace'] as const) await measure(scenario, side)
  }
  if (only.length === 0 || only.includes('recovery')) {
    for (const side of ['flume', 'millrace'] as const) await measureRecovery(side)
  }
}
process.stdout.write(
  `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, rounds: ${ROUNDS}\n\n`,
)
process.stdout.write(
  '| measure | Flume 1.11 | millrace | ratio | spread |\n| --- | --- | --- | --- | --- |\n',
)
for (const [metric, sides] of values) {
  const [flume, millrace] = [sides.get('flume') ?? [], sides.get('millrace') ?? []]
  const show = (list: readonly number[]): string => Math.round(median(list)).toLocaleString('en-US')
  const spread = `${Math.round(Math.min(...millrace)).toLocaleString('en-US')} to ${Math.round(Math.max(...millrace)).toLocaleString('en-US')}`
  process.stdout.write(
    `| ${metric} | ${show(flume)} | ${show(millrace)} | ${(median(millrace) / median(flume)).toFixed(2)} | ${spread} |\n`,
  )
}
