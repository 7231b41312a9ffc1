// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { libraries, type Output, peersDirectory, stopping } from './peers.ts'

/** Kafka's tools by their names as commands. */
const classes = {
  'kafka-acls': 'org.apache.kafka.tools.AclCommand',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-delegation-tokens': 'org.apache.kafka.tools.DelegationTokenCommand',
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
} as const
export type ToolName = keyof typeof classes

/** Kafka's command-line tools in one virtual machine: starting one for each takes over a second. */
export interface ToolSession extends AsyncDisposable {
  /** Runs a tool until it ends; one at a time. */
  run(tool: ToolName, args: readonly string[]): Promise<Output>
}

export function startTools(): ToolSession {
  const child = spawn('java', [
    '-Xmx256m',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=off',
    '-cp',
    `${join(peersDirectory, 'tools-classes')}:${libraries('kafka-tools-4.3.1')}`,
    'ToolRunner',
  ])
  let errors = ''
  child.stderr.on('data', (data) => {
    errors += data
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const stop = stopping(child)
  return {
    async run(tool, args) {
      child.stdin.write(`${JSON.stringify([classes[tool], ...args])}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`the tools ended: ${errors.slice(-2000)}`)
      return JSON.parse(value) as Output
    },
    [Symbol.asyncDispose]: stop,
  }
}
