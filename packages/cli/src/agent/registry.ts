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

/** One file an agent, of this user, so that `status` and `tap` find them. */
function directory(): string {
  return join(tmpdir(), `millrace-agents-${userInfo().uid}`)
}

/**
 * Makes an agent known on this machine; the result ends that. Without metrics there is nothing to
 * be found.
 */
export function registerAgent(name: string, address: string | undefined): () => void {
  if (address === undefined) return () => {}
  const path = join(directory(), `${process.pid}.json`)
  try {
    mkdirSync(directory(), { recursive: true, mode: 0o700 })
    writeFileSync(path, JSON.stringify({ name, pid: process.pid, address }))
  } catch {
    // `--at` finds it all the same.
  }
  return () => rmSync(path, { force: true })
}

/** The agents that run on this machine. */
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
      // One that was killed leaves its file.
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') rmSync(path, { force: true })
      return []
    }
  })
}

/** Where the agent of a name tells of itself. */
export function agentAt(name: string): string {
  const all = runningAgents()
  const found = all.find((each) => each.name === name)
  if (found !== undefined) return found.address
  const names = all.map((each) => each.name)
  const nearest = nearestSpelling(name, names)
  const hint =
    nearest !== undefined
      ? `; did you mean ${nearest}?`
      : `; there is ${names.join(', ') || 'none'}`
  throw new UsageError(`no agent ${name} runs here${hint}`)
}
