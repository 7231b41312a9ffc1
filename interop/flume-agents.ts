// SPDX-License-Identifier: Apache-2.0
// Starts agents of Flume and millrace in separate directories, feeds them and reads their output.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@millrace/base'
import { Agent, loadAgents } from '@millrace/flume'
import { freePort } from '@millrace/testkit'
import { startFlume } from './peers.ts'

export const root = mkdtempSync(join(tmpdir(), 'flume-interop-'))
after(() => rmSync(root, { recursive: true, force: true }))

export type Which = 'flume' | 'millrace'

export interface Place {
  readonly which: Which
  readonly directory: string
  readonly port: number
}

let number = 0
export async function placeFor(which: Which): Promise<Place> {
  const directory = join(root, `${which}-${number++}`)
  mkdirSync(join(directory, 'out'), { recursive: true })
  return { which, directory, port: await freePort() }
}

export interface RunningAgent {
  stop(): Promise<void>
  /** Output so far. */
  log(): string
}

/** Agents started since the last test. */
const started: { readonly which: Which; readonly directory: string; log: () => string }[] = []

// Prints the log of an agent that fails a test.
afterEach((context) => {
  const agents = started.splice(0)
  const { passed, name } = context as TestContext
  if (passed) return
  for (const { which, directory, log } of agents) {
    process.stderr.write(`--- ${name}: log of ${which} in ${directory}\n${log().slice(-20_000)}\n`)
  }
})

/**
 * Starts an agent of either implementation. In the configuration, DIR and PORT stand for its own
 * directory and port.
 */
export async function run(place: Place, configuration: string): Promise<RunningAgent> {
  const agent = await start(place, configuration)
  started.push({ which: place.which, directory: place.directory, log: () => agent.log() })
  return agent
}

async function start(place: Place, configuration: string): Promise<RunningAgent> {
  const file = join(place.directory, 'agent.conf')
  const text = configuration
    .replaceAll('DIR/', `${place.directory}/`)
    .replaceAll('PORT', String(place.port))
  writeFileSync(file, text)
  if (place.which === 'flume') return startFlume('a1', file)
  const [plan] = await loadAgents([{ where: file, text }], { agent: 'a1' })
  let log = ''
  const logger = createLogger({
    level: 'debug',
    now: Date.now,
    write: (line) => {
      log += `${line}\n`
    },
  })
  const agent = new Agent(plan as NonNullable<typeof plan>, { logger })
  try {
    await agent.start()
  } catch (error) {
    throw new Error(`the agent did not start:\n${log}`, { cause: error })
  }
  return { stop: () => agent.stop(), log: () => log }
}

export function filesOf(directory: string): string[] {
  return readdirSync(directory)
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

export function outputOf({ directory }: Place): string {
  return filesOf(join(directory, 'out'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('')
    .replaceAll(directory, 'DIR')
    .replace(/^\{.*?\} /gm, sorted)
}

/**
 * Headers in an order: a HashMap has none. Flume keeps headers of the message before in one that it
 * cannot read.
 */
function sorted(text: string): string {
  const isInvalid = text.includes('flume.syslog.status=Invalid')
  const headers = text
    .slice(1, -2)
    .split(', ')
    .filter((header) => !isInvalid || !/^(priority|version)=/.test(header))
  return `{${headers.sort().join(', ')}} `
}

/** Maximum time until an agent writes output on a busy machine. */
const PATIENCE_MS = 120_000

/** Waits until output was written and has not changed for four seconds. */
export async function settled(read: () => string): Promise<string> {
  let last = ''
  let since = Date.now()
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const now = read()
    if (now !== last) {
      last = now
      since = Date.now()
    }
    if (now !== '' && Date.now() - since > 4000) return now
    if (Date.now() > deadline) throw new Error(`output after ${PATIENCE_MS} ms: ${last}`)
    await sleep(50)
  }
}

/** Waits for a number of lines, then half a second for further ones. */
export async function gathered(place: Place, count: number): Promise<string> {
  const deadline = Date.now() + PATIENCE_MS
  while (outputOf(place).split('\n').length <= count) {
    if (Date.now() > deadline) {
      throw new Error(
        `${place.which} wrote fewer than ${count} lines in ${PATIENCE_MS} ms: ${outputOf(place)}`,
      )
    }
    await sleep(20)
  }
  await sleep(500)
  return outputOf(place)
}

/** Sends parts over TCP and returns the reply. Retries until the port is open. */
export async function send(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const deadline = Date.now() + 20_000
  for (;;) {
    try {
      return await sendOnce(port, parts)
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(100)
    }
  }
}

function sendOnce(port: number, parts: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', reject)
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('close', () => resolve(answer))
    socket.on('connect', async () => {
      for (const part of parts) {
        socket.write(part)
        await sleep(300)
      }
      socket.end()
    })
  })
}

export const fileRoll = `
a1.sinks = k1
a1.sinks.k1.type = file_roll
a1.sinks.k1.channel = c1
a1.sinks.k1.sink.directory = DIR/out
a1.sinks.k1.sink.rollInterval = 0
a1.sinks.k1.sink.serializer = HEADER_AND_TEXT
a1.channels = c1
a1.channels.c1.type = memory
a1.channels.c1.capacity = 1000
a1.channels.c1.keep-alive = 1
a1.sources = r1
a1.sources.r1.channels = c1
`
export const netcat = `${fileRoll}
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = PORT
`

/** The same for a sink of another type. */
export const netcatOnly = (): string => netcat.replace(/a1\.sinks\.k1\.(type|sink)[^\n]*\n/g, '')
