// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
const READ_SIZE = 256 * 1024
const MAX_READ_SIZE = 64 * 1024 * 1024
/** The first bytes of a file distinguish it from a later one with the same inode. */
const FINGERPRINT_SIZE = 256

/** Lines of a file, and the byte at which each begins. */
export interface Lines {
  readonly lines: readonly Buffer[]
  readonly positions: readonly number[]
  /** Start of the next line. */
  readonly end: number
}

/** A file that is read as it grows, also after it is renamed. */
export class TailFile {
  readonly inode: number
  readonly device: number
  readonly #birthMs: number
  path: string
  /** The channels have all lines before this position. */
  position: number
  /** Number of times that the file was rewritten in place: its positions then have other lines. */
  generation: number
  /** Size and checksum of the first bytes that were read. */
  fingerprint: { readonly size: number; readonly crc: number } | undefined
  lastChangeMs: number
  #descriptor: number | undefined
  #wanted = READ_SIZE

  constructor(options: {
    readonly path: string
    readonly inode: number
    readonly device: number
    readonly birthMs: number
    readonly position: number
    readonly generation: number
    readonly fingerprint: { readonly size: number; readonly crc: number } | undefined
    readonly nowMs: number
  }) {
    this.path = options.path
    this.inode = options.inode
    this.device = options.device
    this.#birthMs = Math.floor(options.birthMs)
    this.position = options.position
    this.generation = options.generation
    this.fingerprint = options.fingerprint
    this.lastChangeMs = options.nowMs
  }

  /** Unique among all files of this host, also past ones. */
  get originId(): string {
    return `file:${this.device}:${this.inode}:${this.#birthMs}:${this.generation}`
  }

  get isOpen(): boolean {
    return this.#descriptor !== undefined
  }

  /**
   * Opens the file unless it is open; throws `ENOENT` if it was removed. Detects a rewritten file.
   */
  open(): void {
    if (this.#descriptor !== undefined) return
    this.#descriptor = openSync(this.path, 'r')
    this.checkIdentity()
  }

  get size(): number {
    return this.#descriptor === undefined ? 0 : fstatSync(this.#descriptor).size
  }

  /**
   * Starts from the beginning if the file is shorter than what was read, or its first bytes differ.
   */
  checkIdentity(): void {
    const isShorter = this.size < this.position
    if (!isShorter && !this.#beginsOtherwise()) return
    this.position = 0
    this.generation++
    this.fingerprint = undefined
  }

  #beginsOtherwise(): boolean {
    if (this.fingerprint === undefined || this.fingerprint.size === 0) return false
    return crc32(this.#read(0, this.fingerprint.size)) !== this.fingerprint.crc
  }

  /** Updates the checksum of the first bytes until there are enough of them. */
  noteFingerprint(): void {
    const size = Math.min(this.position, FINGERPRINT_SIZE)
    if (this.#descriptor === undefined || this.fingerprint?.size === size) return
    this.fingerprint = { size, crc: crc32(this.#read(0, size)) }
  }

  /** Complete lines from `from`; with `takesRest` also an incomplete last line. */
  readLines(from: number, max: number, takesRest: boolean): Lines {
    const data = this.#read(from, this.#wanted)
    const lines: Buffer[] = []
    const positions: number[] = []
    let at = 0
    while (lines.length < max) {
      const newline = data.indexOf(NEWLINE, at)
      if (newline < 0) break
      const end = newline > at && data[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline
      lines.push(data.subarray(at, end))
      positions.push(from + at)
      at = newline + 1
    }
    if (lines.length === 0 && data.length === this.#wanted && this.#wanted < MAX_READ_SIZE) {
      // A line is longer than the buffer.
      this.#wanted = Math.min(this.#wanted * 2, MAX_READ_SIZE)
      return this.readLines(from, max, takesRest)
    }
    const isRestTaken =
      (takesRest && lines.length < max && data.length < this.#wanted) ||
      (lines.length === 0 && data.length >= MAX_READ_SIZE)
    if (isRestTaken && at < data.length) {
      lines.push(data.subarray(at))
      positions.push(from + at)
      at = data.length
    }
    if (lines.length > 0) this.#wanted = READ_SIZE
    return { lines, positions, end: from + at }
  }

  #read(position: number, size: number): Buffer {
    if (this.#descriptor === undefined) return Buffer.alloc(0)
    const available = Math.max(0, Math.min(size, this.size - position))
    const buffer = Buffer.allocUnsafeSlow(available)
    let count = 0
    while (count < available) {
      const read = readSync(this.#descriptor, buffer, count, available - count, position + count)
      if (read === 0) break
      count += read
    }
    return buffer.subarray(0, count)
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}
