// SPDX-License-Identifier: Apache-2.0
// Three chained agents with a failover sink group. Each would be a process:
// `millrace agent -n edge -f agents.conf`.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, loadAgents } from '@millrace/flume'

async function freePort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { readonly port: number }
  await new Promise((resolve) => server.close(resolve))
  return String(port)
}

const directory = mkdtempSync(join(tmpdir(), 'chain-'))
const file = join(import.meta.dirname, 'agents.conf')
const environment = { EDGE: await freePort(), MAIN: await freePort(), SPARE: await freePort() }
const plans = await loadAgents([{ where: file, text: readFileSync(file, 'utf8') }], {
  directory,
  environment,
})
const [edge, main, spare] = plans.map((plan) => new Agent(plan)) as [Agent, Agent, Agent]
for (const agent of [spare, main, edge]) await agent.start()

async function send(line: string): Promise<void> {
  const socket = connect(Number(environment.EDGE), '127.0.0.1')
  socket.write(`${line}\n`)
  await new Promise((resolve) => socket.once('data', resolve))
  socket.end()
}

function linesOf(agent: string): string {
  const names = readdirSync(join(directory, agent))
  return names
    .map((name) => readFileSync(join(directory, agent, name), 'utf8'))
    .join('')
    .trim()
}

async function arrived(agent: string, line: string): Promise<void> {
  while (!linesOf(agent).includes(line)) await sleep(10)
}

await send('to the main collector')
await arrived('main', 'to the main collector')
await main.stop()
await send('to the spare one')
await arrived('spare', 'to the spare one')
console.log(`main: ${linesOf('main')}\nspare: ${linesOf('spare')}`)
await edge.stop()
await spare.stop()
rmSync(directory, { recursive: true })
