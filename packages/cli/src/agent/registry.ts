// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { nearestSpelling } from '@millrace/base'
import { UsageError } from '../usage-error.ts'

interface RunningAgent {
  readonly name: string
  readonly pid: number
  readonly address: string
}

/** Directory with one file per agent of this user, from which `status` and `tap` find agents. */
function directory(): string {
  return join(tmpdir(), `millrace-agents-${userInfo().uid}`)
}

/**
 * Registers an agent on this machine; the returned function removes it. An agent without metrics is
 * not registered.
 */
export function registerAgent(name: string, address: string | undefined): () => void {
  if (address === undefined) return () => {}
  const path = join(directory(), `${process.pid}.json`)
  try {
    mkdirSync(directory(), { recursive: true, mode: 0o700 })
    writeFileSync(path, JSON.stringify({ name, pid: process.pid, address }))
  } catch {
    // `--at` finds the agent nevertheless.
  }
  return () => rmSync(path, { force: true })
}

/** Agents that run on this machine. */
export function runningAgents(): RunningAgent[] {
  let files: string[]
  try {
    files = readdirSync(directory())
  } catch {
    return []
  }
  return files.flatMap((file) => {
    const path = join(directory(), file)
    try {
      const agent = JSON.parse(readFileSync(path, 'utf8')) as RunningAgent
      process.kill(agent.pid, 0)
      return [agent]
    } catch (error) {
      // A killed agent leaves its file behind.
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') rmSync(path, { force: true })
      return []
    }
  })
}

/** Metrics address of an agent by name. */
export function agentAt(name: string): string {
  const all = runningAgents()
  const found = all.find((each) => each.name === name)
  if (found !== undefined) return found.address
  const names = all.map((each) => each.name)
  const nearest = nearestSpelling(name, names)
  const hint =
    nearest !== undefined
      ? `; did you mean ${nearest}?`
      : `; running: ${names.join(', ') || 'none'}`
  throw new UsageError(`no agent ${name} runs on this machine${hint}`)
}
