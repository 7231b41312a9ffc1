// SPDX-License-Identifier: Apache-2.0
import type { FileSystem, OpenFile, Random } from '@millrace/base'

/** Thrown by every call after the power failure. */
export class PowerCutError extends Error {
  override readonly name = 'PowerCutError'
}

/** One call to the disk. */
export interface DiskOperation {
  readonly kind:
    | 'open'
    | 'create'
    | 'read'
    | 'write'
    | 'size'
    | 'truncate'
    | 'sync'
    | 'stat'
    | 'list'
    | 'makeDirectory'
    | 'rename'
    | 'remove'
    | 'syncDirectory'
  readonly path: string
}

/**
 * How a call fails: with this error and without an effect; `short`, a partial write with ENOSPC;
 * `late`, with EIO after it was complete. As in Linux, a failed sync loses the data that it should
 * have made durable: a later successful one does not restore it.
 */
export type DiskFault = 'EIO' | 'ENOSPC' | 'short' | 'late'

interface PendingWrite {
  readonly position: number
  readonly data: Buffer
}
type PendingChange = PendingWrite | { readonly truncateTo: number }

/** Contents of a file: the durable state, and changes since the last sync. */
interface Inode {
  durable: Buffer
  current: Buffer
  pending: PendingChange[]
}

function apply(contents: Buffer, change: PendingChange): Buffer {
  if ('truncateTo' in change) {
    if (change.truncateTo <= contents.length) return contents.subarray(0, change.truncateTo)
    return Buffer.concat([contents, Buffer.alloc(change.truncateTo - contents.length)])
  }
  const { position, data } = change
  const end = Math.max(contents.length, position + data.length)
  const next = Buffer.alloc(end)
  contents.copy(next)
  data.copy(next, position)
  return next
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

/**
 * An in-memory disk with realistic power failures. Unsynced changes may be lost, torn or reordered;
 * new names are durable only once their directory is synced. It can lose power at the n-th change,
 * be full, and fail any single call.
 */
export class SimulatedDisk implements FileSystem {
  /** Number of changes so far, which determines the time of a power failure. */
  operations = 0
  /** Operation at which the power fails. */
  cutAt = Number.POSITIVE_INFINITY
  /** Called when the power fails, before any caller gets an error. */
  onCut: () => void = () => {}
  /** Capacity for all files together, bytes; a write beyond it is short and fails with ENOSPC. */
  capacityBytes = Number.POSITIVE_INFINITY
  /** Makes the following syncs fail with EIO. */
  failSyncs = false
  /** Called before each call to the disk; returns how the call fails. */
  faultOf: (operation: DiskOperation) => DiskFault | undefined = () => undefined
  /** Duration of a sync; by default until the next turn of the event loop. */
  syncTime: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve))
  #isOff = false
  #files = new Map<string, Inode>()
  #durableFiles = new Map<string, Inode>()
  #directories = new Set<string>(['/'])
  #durableDirectories = new Set<string>(['/'])

  /**
   * State of the disk after a power failure: each unsynced change was applied, half applied, or
   * lost.
   */
  afterPowerCut(random: Random): SimulatedDisk {
    const disk = new SimulatedDisk()
    for (const path of this.#durableDirectories) {
      if (this.#isReachable(path)) disk.#directories.add(path)
    }
    disk.#durableDirectories = new Set(disk.#directories)
    const survivors = new Map<Inode, Inode>()
    for (const [path, inode] of this.#durableFiles) {
      if (!disk.#directories.has(parentOf(path))) continue
      const survivor = survivors.get(inode) ?? surviving(inode, random)
      survivors.set(inode, survivor)
      disk.#files.set(path, survivor)
    }
    disk.#durableFiles = new Map(disk.#files)
    return disk
  }

  /** State of the disk after the process was killed: everything that was written. */
  afterKill(): SimulatedDisk {
    const disk = new SimulatedDisk()
    disk.#directories = new Set(this.#directories)
    disk.#durableDirectories = new Set(this.#durableDirectories)
    const copies = new Map<Inode, Inode>()
    const copy = (inode: Inode): Inode => {
      const known = copies.get(inode) ?? { ...inode, pending: [...inode.pending] }
      copies.set(inode, known)
      return known
    }
    for (const [path, inode] of this.#files) disk.#files.set(path, copy(inode))
    for (const [path, inode] of this.#durableFiles) disk.#durableFiles.set(path, copy(inode))
    return disk
  }

  #isReachable(path: string): boolean {
    for (let at = path; at !== '/'; at = parentOf(at)) {
      if (!this.#durableDirectories.has(at)) return false
    }
    return true
  }

  /** Throws when the call is to fail without an effect; returns how it is to fail otherwise. */
  #fault(kind: DiskOperation['kind'], path: string): DiskFault | undefined {
    if (this.#isOff) throw new PowerCutError('power failure')
    const fault = this.faultOf({ kind, path })
    if (fault === 'EIO' || fault === 'ENOSPC') throw systemError(fault, path)
    return fault
  }

  #finish(fault: DiskFault | undefined, path: string): void {
    if (fault !== undefined) throw systemError('EIO', path)
  }

  #change(): void {
    if (this.#isOff) throw new PowerCutError('power failure')
    this.operations++
    if (this.operations >= this.cutAt) {
      this.#isOff = true
      this.onCut()
      throw new PowerCutError(`power failure at operation ${this.operations}`)
    }
  }

  /** Bytes in use by all files together. */
  get usedBytes(): number {
    let sum = 0
    for (const inode of this.#files.values()) sum += inode.current.length
    return sum
  }

  #inode(path: string): Inode {
    const inode = this.#files.get(path)
    if (inode === undefined) throw systemError('ENOENT', path)
    return inode
  }

  open(path: string, options?: { readonly create?: boolean }): OpenFile {
    const isNew = !this.#files.has(path) && options?.create === true
    const fault = this.#fault(isNew ? 'create' : 'open', path)
    if (isNew) {
      this.#change()
      if (!this.#directories.has(parentOf(path))) throw systemError('ENOENT', path)
      this.#files.set(path, { durable: Buffer.alloc(0), current: Buffer.alloc(0), pending: [] })
    }
    const inode = this.#inode(path)
    this.#finish(fault, path)
    return {
      path,
      read: (target, targetOffset, length, position) => {
        this.#finish(this.#fault('read', path), path)
        const part = inode.current.subarray(position, position + length)
        target.set(part, targetOffset)
        return part.length
      },
      write: (buffers, position) => this.#write(inode, Buffer.concat(buffers), position, path),
      writeAsync: async (bytes, position) => {
        await this.syncTime()
        this.#write(inode, Buffer.from(bytes), position, path)
      },
      size: () => {
        this.#finish(this.#fault('size', path), path)
        return inode.current.length
      },
      isAtPath: () => {
        this.#finish(this.#fault('stat', path), path)
        return this.#files.get(path) === inode
      },
      truncate: (size) => {
        const truncateFault = this.#fault('truncate', path)
        this.#change()
        this.#apply(inode, { truncateTo: size })
        this.#finish(truncateFault, path)
      },
      sync: () => this.#sync(inode, path),
      syncAsync: async () => {
        // Data written while the sync runs is not part of it.
        const pending = inode.pending.length
        await this.syncTime()
        this.#sync(inode, path, pending)
      },
      close: () => {},
    }
  }

  #write(inode: Inode, data: Buffer, position: number, path: string): void {
    const fault = this.#fault('write', path)
    this.#change()
    if (fault === 'short') {
      const half = Buffer.from(data.subarray(0, data.length >> 1))
      if (half.length > 0) this.#apply(inode, { position, data: half })
      throw systemError('ENOSPC', path)
    }
    const grows = Math.max(0, position + data.length - inode.current.length)
    const free = this.capacityBytes - this.usedBytes
    if (grows > free) {
      const fits = Math.max(0, data.length - (grows - free))
      if (fits > 0) this.#apply(inode, { position, data: Buffer.from(data.subarray(0, fits)) })
      throw systemError('ENOSPC', path)
    }
    this.#apply(inode, { position, data })
    this.#finish(fault, path)
  }

  #apply(inode: Inode, change: PendingChange): void {
    inode.current = apply(inode.current, change)
    inode.pending.push(change)
  }

  #sync(inode: Inode, path: string, count = inode.pending.length): void {
    let fault: DiskFault | undefined
    try {
      fault = this.#fault('sync', path)
    } catch (error) {
      if (!this.#isOff) inode.pending.splice(0, count)
      throw error
    }
    this.#change()
    if (this.failSyncs) throw systemError('EIO', 'sync')
    const synced = inode.pending.splice(0, count)
    inode.durable = synced.reduce(apply, inode.durable)
    this.#finish(fault, path)
  }

  readFile(path: string): Buffer {
    this.#finish(this.#fault('read', path), path)
    return Buffer.from(this.#inode(path).current)
  }

  writeFile(path: string, data: Uint8Array | string): void {
    const file = this.open(path, { create: true })
    file.truncate(0)
    file.write([Buffer.from(data as string)], 0)
  }

  fileSize(path: string): number | undefined {
    this.#finish(this.#fault('stat', path), path)
    return this.#files.get(path)?.current.length
  }

  isDirectory(path: string): boolean {
    this.#finish(this.#fault('stat', path), path)
    return this.#directories.has(path)
  }

  list(path: string): { readonly name: string; readonly isDirectory: boolean }[] {
    this.#finish(this.#fault('list', path), path)
    if (!this.#directories.has(path)) throw systemError('ENOENT', path)
    const entries: { readonly name: string; readonly isDirectory: boolean }[] = []
    for (const name of this.#files.keys()) {
      if (parentOf(name) === path)
        entries.push({ name: name.slice(path.length + 1), isDirectory: false })
    }
    for (const name of this.#directories) {
      if (name !== '/' && parentOf(name) === path) {
        entries.push({ name: name.slice(path.length + 1), isDirectory: true })
      }
    }
    return entries
  }

  makeDirectory(path: string): void {
    const fault = this.#fault('makeDirectory', path)
    for (let at = path; at !== '/' && !this.#directories.has(at); at = parentOf(at)) {
      this.#change()
      this.#directories.add(at)
    }
    this.#finish(fault, path)
  }

  rename(from: string, to: string): void {
    const fault = this.#fault('rename', from)
    this.#change()
    this.#move(from, to)
    this.#finish(fault, from)
  }

  #move(from: string, to: string): void {
    const inode = this.#files.get(from)
    if (inode !== undefined) {
      this.#files.delete(from)
      this.#files.set(to, inode)
      return
    }
    if (!this.#directories.has(from)) throw systemError('ENOENT', from)
    moveTree(this.#files, this.#directories, from, to)
    // The contents move with the directory entry; a name that was not durable becomes durable by
    // the sync of the parent directory.
    moveTree(this.#durableFiles, this.#durableDirectories, from, to)
  }

  remove(path: string): void {
    const fault = this.#fault('remove', path)
    this.#change()
    this.#removeTree(path)
    this.#finish(fault, path)
  }

  #removeTree(path: string): void {
    this.#files.delete(path)
    if (!this.#directories.delete(path)) return
    for (const name of [...this.#files.keys()]) {
      if (name.startsWith(`${path}/`)) this.#files.delete(name)
    }
    for (const name of [...this.#directories]) {
      if (name.startsWith(`${path}/`)) this.#directories.delete(name)
    }
  }

  syncDirectory(path: string): void {
    const fault = this.#fault('syncDirectory', path)
    this.#change()
    this.#syncNames(path)
    this.#finish(fault, path)
  }

  #syncNames(path: string): void {
    for (const name of [...this.#durableFiles.keys()]) {
      if (parentOf(name) === path && !this.#files.has(name)) this.#durableFiles.delete(name)
    }
    for (const [name, inode] of this.#files) {
      if (parentOf(name) === path) this.#durableFiles.set(name, inode)
    }
    for (const name of [...this.#durableDirectories]) {
      if (parentOf(name) === path && name !== '/' && !this.#directories.has(name)) {
        this.#durableDirectories.delete(name)
      }
    }
    for (const name of this.#directories) {
      if (name !== '/' && parentOf(name) === path) this.#durableDirectories.add(name)
    }
  }

  lock(): { release(): void } {
    return { release() {} }
  }

  space(): { readonly totalBytes: bigint; readonly usableBytes: bigint } {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) {
      return { totalBytes: 1n << 40n, usableBytes: 1n << 39n }
    }
    const usable = Math.max(0, this.capacityBytes - this.usedBytes)
    return { totalBytes: BigInt(this.capacityBytes), usableBytes: BigInt(usable) }
  }
}

function moveTree(
  files: Map<string, Inode>,
  directories: Set<string>,
  from: string,
  to: string,
): void {
  const isInside = (path: string): boolean => path === from || path.startsWith(`${from}/`)
  for (const path of [...directories].filter(isInside)) {
    directories.delete(path)
    directories.add(to + path.slice(from.length))
  }
  for (const [path, inode] of [...files]) {
    if (!isInside(path)) continue
    files.delete(path)
    files.set(to + path.slice(from.length), inode)
  }
}

function surviving(inode: Inode, random: Random): Inode {
  let contents = inode.durable
  for (const change of inode.pending) {
    const fate = random.integer(3)
    if (fate === 0) continue
    if (fate === 1 && 'data' in change) {
      const size = random.integer(change.data.length + 1)
      contents = apply(contents, { position: change.position, data: change.data.subarray(0, size) })
    } else contents = apply(contents, change)
  }
  return { durable: contents, current: contents, pending: [] }
}
