// SPDX-License-Identifier: Apache-2.0
// Tails a log into a topic, over a rotation: `millrace agent -n tail -f agent.conf`, here inside a
// program.
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '@millrace/broker'
import { Consumer } from '@millrace/client'
import { Agent, loadAgents } from '@millrace/flume'

const logs = mkdtempSync(join(tmpdir(), 'logs-'))
await using broker = await Broker.start()

const file = join(import.meta.dirname, 'agent.conf')
const [plan] = await loadAgents([{ where: file, text: readFileSync(file, 'utf8') }], {
  agent: 'tail',
  environment: { LOGS: logs, BOOTSTRAP: broker.address },
})
await using agent = new Agent(plan as NonNullable<typeof plan>)
writeFileSync(join(logs, 'app.log'), 'one\ntwo\n')
await agent.start()

await using consumer = new Consumer({
  bootstrapServers: broker.address,
  groupId: 'readers',
  topics: ['app-log'],
  autoOffsetReset: 'earliest',
})
const lines: string[] = []
for await (const { value } of consumer) {
  lines.push(String(value))
  if (lines.length === 2) {
    // Rotates as logrotate does; the new name matches the pattern, too.
    renameSync(join(logs, 'app.log'), join(logs, 'app.1.log'))
    appendFileSync(join(logs, 'app.1.log'), 'three\n')
    writeFileSync(join(logs, 'app.log'), 'four\n')
  }
  if (lines.length === 4) break
}
console.log(lines.sort().join(' '))
process.on('exit', () => rmSync(logs, { recursive: true }))
