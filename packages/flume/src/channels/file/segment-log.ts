// SPDX-License-Identifier: Apache-2.0
import {
  elementAt,
  type FileSystem,
  guard,
  makeDirectoryDurably,
  type OpenFile,
  systemErrorCode,
} from '@millrace/base'
import { ChannelError } from '../../errors.ts'
import type { FrameWriter } from './frames.ts'
import { checksumSeed, FRAME_HEADER_SIZE, frameAt } from './frames.ts'
import type { LogPosition } from './log-position.ts'

interface Segment {
  readonly number: number
  readonly path: string
  readonly file: OpenFile
  readonly seed: number
  /** Bytes of frames; a reused file may be longer. */
  size: number
}

/** One frame to be appended. */
export interface Append {
  /** Writes the frame; called when its position is known. */
  write(writer: FrameWriter): void
  /** Called when the frame is durable, in the order of the log and before promises resolve. */
  onDurable?(at: LogPosition, end: LogPosition): void
  /** Called instead if the frame could not be written. */
  onFailed?(): void
  /** Whether it may use the disk space that is kept free, as frames that remove events do. */
  readonly usesReserve?: boolean
  /** Whether it may be written although an append before it failed. Default false. */
  readonly isIndependent?: boolean
}

interface WaitingAppend {
  readonly append: Append
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  start: number
  end: number
  segment: number
}

export interface SegmentLogOptions {
  readonly fileSystem: FileSystem
  /** Directories of the segments, used in turn. */
  readonly directories: readonly string[]
  /** Size at which the next segment is started. */
  readonly segmentSize: number
  /** Free bytes below which puts are refused. */
  readonly minimumRequiredSpace: number
  /**
   * Whether an append resolves after a sync; otherwise the operating system decides when to write.
   */
  readonly syncs: boolean
  readonly writer: FrameWriter
}

const READ_SIZE = 1024 * 1024
/** Size of one write, about. */
const GROUP_SIZE = 4 * 1024 * 1024
const MAX_GROUP = 10_000
/** Size from which a write in a thread pays off. */
const ASYNC_SIZE = 64 * 1024
/** Files kept for reuse: overwriting is several times faster than extending a file. */
const MAX_SPARES = 2
const NAME = /^millrace-(\d{10})\.wal$/

/**
 * Files of frames, appended at the end and removed at the beginning. Appends that wait share one
 * write and one sync. The file of a removed segment is reused for the next one.
 */
export class SegmentLog {
  readonly #options: SegmentLogOptions
  /** In order; those before `#firstLive` are spare. */
  #segments: Segment[] = []
  #firstLive = 0
  /** Number of the last segment that was there when the log was opened. */
  #lastOfEarlierRun = 0
  #waiting: WaitingAppend[] = []
  #isWriting = false
  #isDirty = false
  #failure: Error | undefined
  /** Number of times that appends failed or were refused. */
  failedWrites = 0
  #idle: (() => void)[] = []

  constructor(options: SegmentLogOptions) {
    this.#options = options
  }

  /** Opens the segments and syncs the last one; reads no frames. */
  open(): void {
    const { fileSystem, directories } = this.#options
    for (const directory of directories) {
      makeDirectoryDurably(fileSystem, directory)
      for (const { name } of fileSystem.list(directory)) {
        const number = NAME.exec(name)?.[1]
        if (number === undefined) continue
        const path = `${directory}/${name}`
        this.#segments.push(opened(fileSystem, Number(number), path))
      }
    }
    this.#segments.sort((a, b) => a.number - b.number)
    this.#lastOfEarlierRun = this.#segments.at(-1)?.number ?? 0
    // A killed process may have left unsynced frames. Once they are replayed, they must survive a
    // power cut.
    this.sync()
  }

  /** Position of the next frame. */
  get end(): LogPosition {
    const last = this.#segments.at(-1)
    return last === undefined
      ? { segment: 1, offset: 0 }
      : { segment: last.number, offset: last.size }
  }

  get start(): LogPosition {
    return { segment: this.#segments[0]?.number ?? 1, offset: 0 }
  }

  /** Resolves when the frame is durable. Appends that wait share one write and one sync. */
  append(append: Append): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ append, resolve, reject, start: 0, end: 0, segment: 0 })
      if (this.#isWriting) return
      guard(
        () => this.#writeAll(),
        (error) => refuse(this.#waiting.splice(0), error),
      )
    })
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    try {
      // Further appends of this turn of the event loop join the group.
      await Promise.resolve()
      while (this.#waiting.length > 0) await this.#writeGroup(this.#takeGroup())
    } finally {
      this.#isWriting = false
      for (const resolve of this.#idle.splice(0)) resolve()
    }
  }

  async #writeGroup(group: WaitingAppend[]): Promise<void> {
    try {
      await this.#write(group)
      if (this.#options.syncs) await this.#sync()
      for (const { append, segment, start, end } of group) {
        append.onDurable?.({ segment, offset: start }, { segment, offset: end })
      }
      for (const { resolve } of group) resolve()
    } catch (error) {
      this.#failure = asChannelError(error)
      this.failedWrites++
      this.#takeBack(group)
      refuse([...group, ...this.#takeDependents()], this.#failure)
    }
  }

  /** Appends that wait behind a failed one: they would overtake its retry. */
  #takeDependents(): WaitingAppend[] {
    const isDependent = ({ append }: WaitingAppend): boolean => append.isIndependent !== true
    const dependents = this.#waiting.filter(isDependent)
    this.#waiting = this.#waiting.filter((each) => !isDependent(each))
    return dependents
  }

  /** The appends of the next write. If disk space is short, only those that may use the reserve. */
  #takeGroup(): WaitingAppend[] {
    const shortage = this.#shortage()
    if (shortage === undefined) return this.#waiting.splice(0, MAX_GROUP)
    const group = this.#waiting.filter(({ append }) => append.usesReserve === true)
    const refused = this.#waiting.filter(({ append }) => append.usesReserve !== true)
    this.#waiting = []
    if (refused.length > 0) this.failedWrites++
    refuse(refused, shortage)
    return group
  }

  /** Writes a group; appends above the group size return to the head of the queue. */
  async #write(group: WaitingAppend[]): Promise<void> {
    if (group.length === 0) return
    if (this.#failure !== undefined) this.#repair()
    const segment = this.#current()
    const { writer } = this.#options
    writer.begin(segment.seed)
    let count = 0
    for (const each of group) {
      if (writer.size > GROUP_SIZE) break
      each.segment = segment.number
      each.start = segment.size + writer.size
      each.append.write(writer)
      each.end = segment.size + writer.size
      count++
    }
    this.#waiting.unshift(...group.splice(count))
    const bytes = writer.written()
    // A failed write may leave a part: the next write overwrites it, or the next start truncates
    // it.
    if (bytes.length < ASYNC_SIZE) segment.file.write([bytes], segment.size)
    else await segment.file.writeAsync(bytes, segment.size)
    segment.size += bytes.length
    this.#isDirty = true
  }

  /** Truncates refused frames; otherwise the next start would replay them. */
  #takeBack(group: readonly WaitingAppend[]): void {
    const [first] = group
    const segment = this.#segments.find(({ number }) => number === first?.segment)
    if (first === undefined || segment === undefined) return
    segment.size = first.start
    this.#isDirty = true
    try {
      segment.file.truncate(segment.size)
      segment.file.sync()
    } catch {
      // The next write retries it first.
    }
  }

  /**
   * After a failed write or sync: continues in a new segment, since the state of the last bytes is
   * unknown.
   */
  #repair(): void {
    const last = this.#segments.at(-1)
    if (last !== undefined) last.file.truncate(last.size)
    this.#roll()
    this.#failure = undefined
  }

  /**
   * The segment of the next write. Frames are not written after those of an earlier run: if these
   * are damaged, readers skip the rest of their segment.
   */
  #current(): Segment {
    const last = this.#segments.at(-1)
    const isUsable =
      last !== undefined &&
      last.size < this.#options.segmentSize &&
      (last.size === 0 || last.number > this.#lastOfEarlierRun)
    return isUsable ? last : this.#roll()
  }

  /** The reason why puts are refused now, or undefined. */
  #shortage(): ChannelError | undefined {
    const { fileSystem, minimumRequiredSpace } = this.#options
    if (minimumRequiredSpace <= 0) return undefined
    const directory = this.#directoryOf(this.end.segment)
    try {
      let { usableBytes } = fileSystem.space(directory)
      if (usableBytes >= BigInt(minimumRequiredSpace)) return undefined
      this.#removeSpares(0)
      usableBytes = fileSystem.space(directory).usableBytes
      if (usableBytes >= BigInt(minimumRequiredSpace)) return undefined
      return new ChannelError(
        `only ${usableBytes} bytes are free at ${directory}; minimumRequiredSpace is ${minimumRequiredSpace}`,
      )
    } catch (error) {
      return asChannelError(error)
    }
  }

  #directoryOf(number: number): string {
    const { directories } = this.#options
    return elementAt(directories, number % directories.length)
  }

  #roll(): Segment {
    const last = this.#segments.at(-1)
    if (last !== undefined) this.#finish(last)
    const segment = this.#begin((last?.number ?? 0) + 1)
    this.#segments.push(segment)
    return segment
  }

  /** A segment must be durable before the next one. */
  #finish(last: Segment): void {
    if (last.file.size() > last.size) {
      last.file.truncate(last.size)
      this.#isDirty = true
    }
    if (this.#isDirty) last.file.sync()
    this.#isDirty = false
  }

  #begin(number: number): Segment {
    const { fileSystem } = this.#options
    // Always the oldest, so that the rest is a complete suffix of the log.
    const spare = this.#spareCount === 0 ? undefined : this.#segments.shift()
    const directory =
      spare === undefined
        ? this.#directoryOf(number)
        : spare.path.slice(0, spare.path.lastIndexOf('/'))
    const path = `${directory}/millrace-${String(number).padStart(10, '0')}.wal`
    if (spare === undefined) fileSystem.open(path, { create: true }).close()
    else {
      spare.file.close()
      fileSystem.rename(spare.path, path)
    }
    fileSystem.syncDirectory(directory)
    return { ...opened(fileSystem, number, path), size: 0 }
  }

  async #sync(): Promise<void> {
    const last = this.#segments.at(-1)
    if (last === undefined || !this.#isDirty) return
    this.#isDirty = false
    await last.file.syncAsync()
  }

  /** Syncs all written frames, synchronously. */
  sync(): void {
    this.#segments.at(-1)?.file.sync()
  }

  /** Waits for all appends and syncs them. */
  async flush(): Promise<void> {
    if (this.#isWriting) await new Promise<void>((resolve) => this.#idle.push(resolve))
    await this.#sync()
  }

  /**
   * Reads intact frames from a position, about a megabyte of them, within one segment. `next` is
   * the position to continue from, undefined at the end of the log.
   */
  read(from: LogPosition): {
    readonly frames: readonly {
      readonly kind: number
      readonly payload: Buffer
      readonly at: LogPosition
      readonly end: LogPosition
    }[]
    readonly next: LogPosition | undefined
    readonly isDamaged: boolean
  } {
    const index = this.#segments.findIndex(({ number }) => number >= from.segment)
    const segment = this.#segments[index]
    if (segment === undefined) return { frames: [], next: undefined, isDamaged: false }
    const start = segment.number === from.segment ? from.offset : 0
    const following = this.#segments[index + 1]
    const nextSegment =
      following === undefined ? undefined : { segment: following.number, offset: 0 }
    if (start >= segment.size) return { frames: [], next: nextSegment, isDamaged: false }
    const buffer = this.#readAt(segment, start)
    const frames = []
    let offset = 0
    for (;;) {
      const frame = frameAt(buffer, offset, segment.seed)
      if (frame === undefined) break
      frames.push({
        kind: frame.kind,
        payload: frame.payload,
        at: { segment: segment.number, offset: start + offset },
        end: { segment: segment.number, offset: start + frame.end },
      })
      offset = frame.end
    }
    const end = start + offset
    if (frames.length === 0) return { frames, next: nextSegment, isDamaged: true }
    return {
      frames,
      next: end < segment.size ? { segment: segment.number, offset: end } : nextSegment,
      isDamaged: false,
    }
  }

  /** About a megabyte, or one larger frame. */
  #readAt(segment: Segment, start: number): Buffer {
    const left = segment.size - start
    let size = Math.min(READ_SIZE, left)
    const header = Buffer.alloc(Math.min(FRAME_HEADER_SIZE, left))
    segment.file.read(header, 0, header.length, start)
    if (header.length >= 4) {
      size = Math.min(Math.max(size, header.readUInt32BE(0) + FRAME_HEADER_SIZE), left)
    }
    const buffer = Buffer.allocUnsafeSlow(size)
    const count = segment.file.read(buffer, 0, size, start)
    return buffer.subarray(0, count)
  }

  /** Truncates the log after the last intact frame. */
  truncate(end: LogPosition): void {
    for (const segment of this.#segments.filter(({ number }) => number > end.segment)) {
      segment.file.close()
      this.#options.fileSystem.remove(segment.path)
    }
    this.#segments = this.#segments.filter(({ number }) => number <= end.segment)
    const last = this.#segments.at(-1)
    if (last === undefined || last.number !== end.segment || last.size === end.offset) return
    last.file.truncate(end.offset)
    last.file.sync()
    last.size = end.offset
  }

  /** Removes the segments before a number; the one being written stays. */
  removeBefore(segment: number): void {
    this.#firstLive = Math.max(this.#firstLive, segment)
    this.#removeSpares(MAX_SPARES)
  }

  get #spareCount(): number {
    const count = this.#segments.findIndex(({ number }) => number >= this.#firstLive)
    return count < 0 ? Math.max(0, this.#segments.length - 1) : count
  }

  #removeSpares(keep: number): void {
    for (let count = this.#spareCount; count > keep; count--) {
      const spare = this.#segments.shift() as Segment
      spare.file.close()
      this.#options.fileSystem.remove(spare.path)
    }
  }

  /** Releases disk space beyond the frames. */
  trim(): void {
    this.#removeSpares(0)
    const last = this.#segments.at(-1)
    if (last !== undefined) this.#finish(last)
  }

  close(): void {
    for (const { file } of this.#segments) file.close()
    this.#segments = []
  }
}

function opened(fileSystem: FileSystem, number: number, path: string): Segment {
  const file = fileSystem.open(path)
  return { number, path, file, seed: checksumSeed(number), size: file.size() }
}

function asChannelError(error: unknown): ChannelError {
  if (error instanceof ChannelError) return error
  const code = systemErrorCode(error)
  const what = code === 'ENOSPC' ? 'the disk is full' : (error as Error).message
  return new ChannelError(`cannot write to the channel's log: ${what}`, error)
}

/** Rejects appends. A callback that throws does not keep the others waiting. */
function refuse(appends: readonly WaitingAppend[], error: Error): void {
  for (const { append, reject } of appends) {
    guard(() => append.onFailed?.(), reject)
    reject(error)
  }
}
