// SPDX-License-Identifier: Apache-2.0
// A chain of three agents, any of which is killed repeatedly while lines are written: no line is
// lost or duplicated.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startAgent } from '@millrace/flume'
import { effort, freePort, millraceArguments, seededRandom } from '@millrace/testkit'
import { until } from './until.ts'

const KILLS = Number(process.env.KILLS ?? effort(10, 50))

/** Process of one agent, restarted whenever it is killed. */
class AgentProcess {
  readonly #name: string
  readonly #file: string
  #child: ChildProcess | undefined

  constructor(name: string, file: string) {
    this.#name = name
    this.#file = file
  }

  async start(): Promise<void> {
    const args = millraceArguments(
      ...['agent', '-n', this.#name, '-f', this.#file],
      ...['--log-level', 'error', '--metrics', 'none'],
    )
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    })
    this.#child = child
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (data) => {
        output += data
        if (output.includes('millrace ready')) resolve()
      })
      child.on('close', () => reject(new Error(`agent ${this.#name} exited: ${output}`)))
    })
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return
    const closed = once(child, 'close')
    child.kill(signal)
    await closed
  }
}

it(`a chain of three agents, killed ${KILLS} times, loses and duplicates no line`, async () => {
  const root = mkdtempSync(join(tmpdir(), 'flume-kill-'))
  const random = seededRandom(7)
  const ports = [await freePort(), await freePort()]
  const file = join(root, 'agent.conf')
  const channel = (agent: string): string => `
${agent}.channels = c1
${agent}.channels.c1.type = file
${agent}.channels.c1.dataDirs = ${root}/${agent}/data
${agent}.channels.c1.checkpointDir = ${root}/${agent}/checkpoint
${agent}.channels.c1.minimumRequiredSpace = 0
${agent}.channels.c1.checkpointInterval = 500
`
  writeFileSync(
    file,
    `${channel('a1')}${channel('a2')}${channel('a3')}
a1.sources = r1
a1.sources.r1.type = TAILDIR
a1.sources.r1.channels = c1
a1.sources.r1.filegroups = g
a1.sources.r1.filegroups.g = ${root}/logs/app.log
a1.sources.r1.positionFile = ${root}/a1/positions.json
a1.sources.r1.writePosInterval = 200
a1.sinks = k1 k2
a1.sinks.k1.type = avro
a1.sinks.k1.channel = c1
a1.sinks.k1.hostname = 127.0.0.1
a1.sinks.k1.port = ${ports[0]}
a1.sinks.k2.type = avro
a1.sinks.k2.channel = c1
a1.sinks.k2.hostname = 127.0.0.1
a1.sinks.k2.port = ${ports[0]}
a2.sources = r1
a2.sources.r1.type = avro
a2.sources.r1.channels = c1
a2.sources.r1.bind = 127.0.0.1
a2.sources.r1.port = ${ports[0]}
a2.sinks = k1
a2.sinks.k1.type = avro
a2.sinks.k1.channel = c1
a2.sinks.k1.hostname = 127.0.0.1
a2.sinks.k1.port = ${ports[1]}
a3.sources = r1
a3.sources.r1.type = avro
a3.sources.r1.channels = c1
a3.sources.r1.bind = 127.0.0.1
a3.sources.r1.port = ${ports[1]}
`,
  )
  mkdirSync(join(root, 'logs'))
  const log = join(root, 'logs', 'app.log')
  const agents = ['a1', 'a2', 'a3'].map((name) => new AgentProcess(name, file))
  let count = 0
  let isWriting = true
  try {
    await Promise.all(agents.map((agent) => agent.start()))
    const writing = (async () => {
      while (isWriting) {
        // On a slow machine the kills take longer; the number of lines must not grow with that
        // time.
        if (count > KILLS * 1000) {
          await sleep(5)
          continue
        }
        const lines = Array.from({ length: 20 + random.integer(100) }, () => `line ${count++}\n`)
        appendFileSync(log, lines.join(''))
        await sleep(5)
      }
    })()
    for (let i = 0; i < KILLS; i++) {
      await sleep(random.integer(150))
      const victim = agents[random.integer(3)] as AgentProcess
      await victim.kill()
      await victim.start()
    }
    isWriting = false
    await writing
    // The third agent keeps its events until the end of the test.
    await sleep(1000)
    await agents[2]?.kill('SIGTERM')
    const out = join(root, 'out')
    await using last = await startAgent({
      name: 'a3',
      sources: {
        r1: { type: 'avro', bind: '127.0.0.1', port: ports[1] as number, channels: ['c1'] },
      },
      channels: {
        c1: {
          type: 'file',
          dataDirs: `${root}/a3/data`,
          checkpointDir: `${root}/a3/checkpoint`,
          minimumRequiredSpace: 0,
        },
      },
      sinks: {
        k1: { type: 'file_roll', directory: out, rollInterval: 0, batchSize: 1000, channel: 'c1' },
      },
    })
    const lines = (): string[] =>
      readdirSync(out).flatMap((name) =>
        readFileSync(join(out, name), 'utf8')
          .split('\n')
          .filter((line) => line !== ''),
      )
    await until(() => lines().length >= count, 60_000)
    await sleep(300)
    await last.stop()
    const seen = lines()
    assert.equal(new Set(seen).size, count, 'nothing is lost')
    assert.equal(seen.length, count, 'nothing is duplicated')
    assert.ok(count > KILLS * 20)
  } finally {
    isWriting = false
    await Promise.all(agents.map((agent) => agent.kill()))
    rmSync(root, { recursive: true, force: true })
  }
})
