// SPDX-License-Identifier: Apache-2.0
import { tmpdir } from 'node:os'
import type { FileSystem, OpenFile, Random } from '@millrace/base'

/**
 * Size at which a new temporary file is started, in bytes. A file is deleted when none of its
 * blocks is needed, so a long transaction retains only its own files.
 */
const FILE_BYTES = 32 * 1024 * 1024

interface SpillFile {
  readonly file: OpenFile
  size: number
  /** Number of blocks that are still needed. */
  blocks: number
}

/** A block in a temporary file. */
export interface SpilledBlock {
  readonly file: SpillFile
  readonly position: number
  readonly length: number
}

/**
 * Blocks in temporary files: the data of transactions beyond their memory limit. Nothing persists
 * across restarts of the process. Writes go to the page cache, as in the broker's log, and throw
 * Node's system errors.
 */
export class SpillStore {
  readonly #fileSystem: FileSystem
  readonly #random: Random
  readonly #directory: string
  readonly #files = new Set<SpillFile>()
  #current: SpillFile | undefined
  /** Size of the blocks that are still needed, in bytes. */
  bytes = 0

  constructor(options: {
    readonly fileSystem: FileSystem
    readonly random: Random
    /** Directory of the files; empty for the system's temporary directory. */
    readonly directory: string
  }) {
    this.#fileSystem = options.fileSystem
    this.#random = options.random
    this.#directory = options.directory === '' ? tmpdir() : options.directory
  }

  get directory(): string {
    return this.#directory
  }

  write(bytes: Uint8Array): SpilledBlock {
    const file = this.#fileFor()
    const position = file.size
    file.file.write([bytes], position)
    file.size += bytes.length
    file.blocks++
    this.bytes += bytes.length
    return { file, position, length: bytes.length }
  }

  #fileFor(): SpillFile {
    if (this.#current !== undefined && this.#current.size < FILE_BYTES) return this.#current
    const name = `millrace-jms-${this.#random.bytes(8).toString('hex')}.spill`
    const path = `${this.#directory}/${name}`
    const file = { file: this.#fileSystem.open(path, { create: true }), size: 0, blocks: 0 }
    this.#files.add(file)
    const before = this.#current
    this.#current = file
    if (before?.blocks === 0) this.#drop(before)
    return file
  }

  read({ file, position, length }: SpilledBlock): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length)
    const count = file.file.read(bytes, 0, length, position)
    if (count < length) throw new Error(`${file.file.path} ends before ${position + length}`)
    return bytes
  }

  free({ file, length }: SpilledBlock): void {
    file.blocks--
    this.bytes -= length
    if (file.blocks === 0) this.#drop(file)
  }

  #drop(file: SpillFile): void {
    if (this.#current === file) this.#current = undefined
    if (!this.#files.delete(file)) return
    file.file.close()
    this.#fileSystem.remove(file.file.path)
  }

  close(): void {
    for (const file of [...this.#files]) this.#drop(file)
  }
}
