// SPDX-License-Identifier: Apache-2.0
import type { Clock, FileSystem, Logger, World } from '@millrace/base'
import { readEpochCheckpoint, writeEpochCheckpoint } from './checkpoint-files.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { ProducerState } from './producer-state.ts'
import { Segment, segmentName } from './segment.ts'
import { systemMessage } from './storage-error.ts'

/** Suffixes of the files that can be rebuilt from a segment's `.log` file. */
export const INDEX_SUFFIXES = ['.index', '.timeindex', '.txnindex'] as const

/** The directory that a path is in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

/** A producer snapshot on disk. */
export interface SnapshotFile {
  /** The snapshot contains the batches below this offset. */
  readonly offset: bigint
  readonly path: string
}

/** The files in a partition's directory. */
export class LogFiles {
  /** `topic-partition`, for messages. */
  readonly name: string
  directory: string
  readonly fs: FileSystem
  readonly #clock: Clock
  readonly logger: Logger

  constructor(options: {
    readonly world: World
    readonly logger: Logger
    readonly name: string
    readonly directory: string
  }) {
    this.name = options.name
    this.directory = options.directory
    this.fs = options.world.fileSystem
    this.#clock = options.world.clock
    this.logger = options.logger
  }

  /** Names of all files. */
  list(): string[] {
    return this.fs.list(this.directory).map((entry) => entry.name)
  }

  /** Path of a file. */
  path(name: string): string {
    return `${this.directory}/${name}`
  }

  /** The segment of a base offset; its file is created by the first write. */
  openSegment(baseOffset: bigint): Segment {
    return new Segment({
      fs: this.fs,
      directory: this.directory,
      baseOffset,
      size: this.fs.fileSize(this.path(`${segmentName(baseOffset)}.log`)) ?? 0,
      createdMs: this.#clock.now(),
    })
  }

  /** The last stored leader epochs. */
  readEpochs(): LeaderEpochs {
    return new LeaderEpochs(readEpochCheckpoint(this.fs, this.path('leader-epoch-checkpoint')))
  }

  /** Stores leader epochs atomically and durably. */
  storeEpochs(epochs: LeaderEpochs): void {
    writeEpochCheckpoint(this.fs, this.path('leader-epoch-checkpoint'), epochs.entries)
  }

  /** Producer snapshots, the newest first. */
  snapshots(): SnapshotFile[] {
    return this.list()
      .filter((name) => /^\d{20}\.snapshot$/.test(name))
      .map((name) => ({ offset: BigInt(name.slice(0, 20)), path: this.path(name) }))
      .sort((a, b) => (a.offset < b.offset ? 1 : -1))
  }

  /** Stores the producer state at an offset durably. */
  storeSnapshot(producers: ProducerState, offset: bigint): void {
    const path = this.path(`${segmentName(offset)}.snapshot`)
    const file = this.fs.open(path, { create: true })
    let isWhole = false
    try {
      const data = producers.snapshot()
      file.write([data], 0)
      file.truncate(data.length)
      file.sync()
      isWhole = true
    } finally {
      file.close()
      // Without it, the next start replays from an older snapshot.
      if (!isWhole) this.tidy(() => this.fs.remove(path))
    }
  }

  /** Keeps the newest snapshot and those at a segment's start. */
  dropOldSnapshots(segments: readonly Segment[]): void {
    const starts = new Set(segments.map((segment) => segment.baseOffset))
    this.tidy(() => {
      const [, ...older] = this.snapshots()
      for (const { offset, path } of older) if (!starts.has(offset)) this.fs.remove(path)
    })
  }

  /** Removes snapshots that match; throws if one cannot be removed. */
  removeSnapshots(isRemoved: (offset: bigint) => boolean): void {
    for (const { offset, path } of this.snapshots()) if (isRemoved(offset)) this.fs.remove(path)
  }

  /**
   * Makes the directory, its metadata and the names in it durable; without them the records would
   * not be found.
   */
  syncNames(): void {
    const metadata = this.path('partition.metadata')
    if (this.fs.fileSize(metadata) !== undefined) {
      const file = this.fs.open(metadata)
      file.sync()
      file.close()
    }
    this.fs.syncDirectory(this.directory)
    this.fs.syncDirectory(parentOf(this.directory))
  }

  /** Removes files that do no harm if they stay: an error is only logged. */
  tidy(remove: () => void): void {
    try {
      remove()
    } catch (error) {
      this.logger.warn('could not remove a file', { log: this.name, error: systemMessage(error) })
    }
  }
}
