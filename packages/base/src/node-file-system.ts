// SPDX-License-Identifier: Apache-2.0
import * as fs from 'node:fs'
import { systemErrorCode } from './errors.ts'
import type { FileSystem, OpenFile } from './file-system.ts'

function openFile(path: string, create: boolean): OpenFile {
  const flags = fs.constants.O_RDWR | (create ? fs.constants.O_CREAT : 0)
  const fd = fs.openSync(path, flags, 0o644)
  let closed = false
  return {
    path,
    read(target, targetOffset, length, position) {
      let done = 0
      while (done < length) {
        const count = fs.readSync(fd, target, targetOffset + done, length - done, position + done)
        if (count === 0) break
        done += count
      }
      return done
    },
    write(buffers, position) {
      let at = position
      let pending: readonly Uint8Array[] = buffers
      for (;;) {
        const size = pending.reduce((sum, buffer) => sum + buffer.length, 0)
        if (size === 0) return
        const [first] = pending
        const written =
          pending.length === 1 && first !== undefined
            ? fs.writeSync(fd, first, 0, first.length, at)
            : fs.writevSync(fd, pending, at)
        if (written === size) return
        at += written
        pending = withoutPrefix(pending, written)
      }
    },
    async writeAsync(bytes, position) {
      for (let done = 0; done < bytes.length; ) {
        done += await new Promise<number>((resolve, reject) =>
          fs.write(fd, bytes, done, bytes.length - done, position + done, (error, written) =>
            error ? reject(error) : resolve(written),
          ),
        )
      }
    },
    size: () => fs.fstatSync(fd).size,
    isAtPath() {
      const named = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
      const open = fs.fstatSync(fd, { bigint: true })
      return named?.ino === open.ino && named.dev === open.dev
    },
    truncate: (size) => fs.ftruncateSync(fd, size),
    sync: () => fs.fsyncSync(fd),
    syncAsync: () =>
      new Promise((resolve, reject) =>
        fs.fdatasync(fd, (error) => (error ? reject(error) : resolve())),
      ),
    close() {
      if (closed) return
      closed = true
      fs.closeSync(fd)
    },
  }
}

function withoutPrefix(buffers: readonly Uint8Array[], size: number): Uint8Array[] {
  const rest: Uint8Array[] = []
  let skip = size
  for (const buffer of buffers) {
    if (skip >= buffer.length) skip -= buffer.length
    else {
      rest.push(buffer.subarray(skip))
      skip = 0
    }
  }
  return rest
}

function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemErrorCode(error) === 'EPERM'
  }
}

/**
 * Start time of the process with this id, in kernel ticks since boot (Linux), or an empty string if
 * unknown. A process id alone is not enough: after a reboot, another process may have it.
 */
function processStart(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

/**
 * Whether any process holds a POSIX lock on the file, as Kafka does on its directories (Linux
 * only).
 */
function isLockedByKernel(path: string): boolean {
  try {
    const { ino } = fs.statSync(path)
    return fs.readFileSync('/proc/locks', 'latin1').includes(`:${ino} `)
  } catch {
    return false
  }
}

/** Locks held by this process: a second broker in the same process must be rejected too. */
const heldHere = new Set<string>()

export const nodeFileSystem: FileSystem = {
  open: (path, options) => openFile(path, options?.create ?? false),
  readFile: (path) => fs.readFileSync(path),
  writeFile: (path, data) => fs.writeFileSync(path, data),
  fileSize: (path) => fs.statSync(path, { throwIfNoEntry: false })?.size,
  isDirectory: (path) => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
  list: (path) =>
    fs
      .readdirSync(path, { withFileTypes: true })
      .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() })),
  makeDirectory(path) {
    fs.mkdirSync(path, { recursive: true })
  },
  rename: (from, to) => fs.renameSync(from, to),
  remove: (path) => fs.rmSync(path, { recursive: true, force: true }),
  syncDirectory(path) {
    // Windows cannot open a directory for syncing; there a rename is durable by itself.
    if (process.platform === 'win32') return
    const fd = fs.openSync(path, 'r')
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  },
  // Node has no file locks. The lock file names its owner; a lock whose owner no longer runs is
  // stale.
  lock(path) {
    const real =
      fs.realpathSync(path.slice(0, path.lastIndexOf('/')) || '/') +
      path.slice(path.lastIndexOf('/'))
    if (heldHere.has(real)) return undefined
    const mine = `${process.pid} ${processStart(process.pid)}\n`
    for (;;) {
      try {
        fs.writeFileSync(path, mine, { flag: 'wx' })
        break
      } catch (error) {
        if (systemErrorCode(error) !== 'EEXIST') throw error
      }
      if (isLockedByKernel(path)) return undefined
      const [pid, started] = fs.readFileSync(path, 'latin1').trim().split(' ')
      const owner = Number(pid)
      if (
        owner > 0 &&
        owner !== process.pid &&
        processIsAlive(owner) &&
        processStart(owner) === (started ?? '')
      ) {
        return undefined
      }
      fs.rmSync(path, { force: true })
    }
    heldHere.add(real)
    return {
      release() {
        heldHere.delete(real)
        fs.rmSync(path, { force: true })
      },
    }
  },
  space(path) {
    const stats = fs.statfsSync(path, { bigint: true })
    return { totalBytes: stats.blocks * stats.bsize, usableBytes: stats.bavail * stats.bsize }
  },
}
