// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * The process that listens on a TCP port, such as `redis-server (process 4711)`; undefined if
 * unknown: Linux only, and processes of other users only for root.
 */
export function portHolder(port: number): string | undefined {
  try {
    const inodes = new Set([...listening('tcp', port), ...listening('tcp6', port)])
    if (inodes.size === 0) return undefined
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    const id = processes.find((each) => holdsOneOf(each, inodes))
    if (id === undefined) return undefined
    return `${readFileSync(`/proc/${id}/comm`, 'utf8').trim()} (process ${id})`
  } catch {
    return undefined
  }
}

const LISTEN = '0A'

/** Inodes of the sockets that listen on a port. */
function listening(table: 'tcp' | 'tcp6', port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync(`/proc/net/${table}`, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => local.endsWith(suffix) && state === LISTEN)
    .map((fields) => fields[9] ?? '')
}

function holdsOneOf(id: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${id}/fd`).some((fd) => {
      const target = readlinkSync(`/proc/${id}/fd/${fd}`)
      return inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '')
    })
  } catch {
    // The process has exited, or belongs to another user.
    return false
  }
}
