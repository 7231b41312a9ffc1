// SPDX-License-Identifier: Apache-2.0
import { type Logger, MillraceError, type World } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import {
  readPartitionMetadata,
  restorePartitionMetadata,
  writeOffsetCheckpoint,
  writePartitionMetadata,
} from './checkpoint-files.ts'
import type { LogConfig } from './log-config.ts'
import { compareEnds, copyFile, endOfLog } from './log-copy.ts'
import {
  checkpointDirectory,
  type LogDirectory,
  markClean,
  offline,
  openLogDirectory,
} from './log-directory.ts'
import { LogMaintenance, type MaintenanceOptions, type PartitionHandle } from './log-maintenance.ts'
import {
  classifyDirectory,
  futureDirectory,
  partitionDirectory,
  retiredDirectory,
} from './partition-directory.ts'
import { PartitionLog } from './partition-log.ts'
import { type Segment, segmentName } from './segment.ts'
import { storageError, systemMessage } from './storage-error.ts'

export interface LogManagerOptions extends MaintenanceOptions {
  /** `log.dirs`. */
  readonly directories: readonly string[]
  readonly durable: boolean
  /** `cordoned.log.dirs`: directories that get no new partitions; `*` is all. */
  readonly cordonedDirectories: () => readonly string[]
  /** Directory of the metadata log, without which the broker cannot continue. */
  readonly metadataDirectory: string
  /** Called when the last log directory, or that of the metadata, has failed. */
  readonly onFailure: (error: ProtocolError) => void
}

/** All partition logs of a broker in its log directories. A log is opened on first use. */
export class LogManager {
  readonly #options: LogManagerOptions
  readonly #world: World
  readonly #logger: Logger
  readonly #directories: LogDirectory[] = []
  readonly #partitions = new Map<string, PartitionHandle>()
  readonly #maintenance: LogMaintenance
  #closed = false

  constructor(options: LogManagerOptions) {
    this.#options = options
    this.#world = options.world
    this.#logger = options.logger
    this.#maintenance = new LogMaintenance(options, {
      all: () => this.#partitions.values(),
      has: (name) => this.#partitions.has(name),
      open: (name) => this.log(name),
      checkpoint: () => this.checkpoint(),
    })
    const { fileSystem } = options.world
    for (const path of options.directories) {
      const { logger, durable } = options
      this.#directories.push(openLogDirectory(path, { fileSystem, logger, durable }))
    }
    const failures = this.#directories.flatMap(({ failure }) => failure ?? [])
    const [first] = failures
    const isLast = failures.length === this.#directories.length
    const isMetadata = this.#directories.some(
      ({ path, failure }) => path === options.metadataDirectory && failure !== undefined,
    )
    if (first !== undefined && (isLast || isMetadata)) {
      for (const { lock } of this.#directories) lock?.release()
      throw first
    }
    for (const { message } of failures) this.#logger.error(message)
  }

  get directories(): readonly {
    readonly path: string
    readonly failure: ProtocolError | undefined
  }[] {
    return this.#directories
  }

  /** Whether every directory was shut down cleanly. */
  get wasClean(): boolean {
    return this.#directories.every((directory) => directory.wasClean)
  }

  /**
   * Finds the partition directories on disk. `expectedId` returns a partition's topic id in the
   * metadata.
   */
  scan(expectedId: (topic: string, partition: number) => string | undefined): void {
    for (const directory of this.#directories) {
      if (directory.failure !== undefined) continue
      this.#orOffline(directory, 'list it', () => this.#scanDirectory(directory, expectedId))
    }
  }

  #scanDirectory(
    directory: LogDirectory,
    expectedId: (topic: string, partition: number) => string | undefined,
  ): void {
    const fs = this.#world.fileSystem
    for (const entry of fs.list(directory.path)) {
      if (!entry.isDirectory) continue
      const { name } = entry
      const path = `${directory.path}/${name}`
      const named = classifyDirectory(name)
      if (named.kind === 'discarded') fs.remove(path)
      if (named.kind !== 'partition' && named.kind !== 'unnamed') continue
      const expected =
        named.kind === 'partition' ? expectedId(named.topic, named.partition) : undefined
      const found = this.#topicIdOf(path)
      const topicId = found ?? expected
      if (topicId === undefined || topicId !== expected) {
        this.#setAside(directory, name)
        continue
      }
      const other = this.#partitions.get(name)
      if (other !== undefined) {
        // A move between directories was interrupted after the copy was complete; the longer log
        // was written to since.
        const otherPath = `${other.directory.path}/${name}`
        if (compareEnds(endOfLog(fs, path), endOfLog(fs, otherPath)) <= 0) {
          this.#setAside(directory, name)
          continue
        }
        this.#setAside(other.directory, name)
      }
      if (found === undefined) restorePartitionMetadata(fs, path, topicId)
      this.#partitions.set(name, {
        name,
        topicId,
        directory,
        log: undefined,
        config: undefined,
      })
    }
  }

  /**
   * Renames a directory whose partition is not in the metadata: its contents need manual
   * inspection.
   */
  #setAside(directory: LogDirectory, name: string): void {
    const fs = this.#world.fileSystem
    const path = `${directory.path}/${name}`
    this.#logger.warn('renamed a directory whose partition is not in the metadata', { path })
    fs.rename(path, `${directory.path}/${retiredDirectory(name, 'stray', this.#world.random)}`)
  }

  /** Runs an operation on a directory; if it fails, the directory goes offline. */
  #orOffline(directory: LogDirectory, what: string, run: () => void): void {
    try {
      run()
    } catch (error) {
      const failure = offline(directory.path, what, error)
      if (!(failure instanceof ProtocolError)) throw error
      this.#failDirectory(directory, failure)
    }
  }

  /** Takes a directory and all its logs offline. */
  #failDirectory(directory: LogDirectory, failure: ProtocolError): void {
    if (directory.failure !== undefined || this.#closed) return
    directory.failure = failure
    this.#logger.error(failure.message)
    for (const { directory: home, log } of this.#partitions.values()) {
      if (home === directory) log?.fail(failure)
    }
    const isLast = this.#directories.every((each) => each.failure !== undefined)
    if (isLast || directory.path === this.#options.metadataDirectory) {
      this.#options.onFailure(failure)
    }
  }

  /**
   * Topic id in the directory. A power failure may have lost the file, but only while the partition
   * had no durable record: the first flush syncs it.
   */
  #topicIdOf(path: string): string | undefined {
    try {
      return readPartitionMetadata(this.#world.fileSystem, path)
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      this.#logger.warn('found corrupt partition metadata', { path, error: error.message })
      return undefined
    }
  }

  /**
   * Creates the directory of a new partition, before the metadata refers to it. Throws
   * `KAFKA_STORAGE_ERROR` if that fails, and then nothing has changed;
   * `MILLRACE_INVALID_TOPIC_NAME` for a topic whose name must not be used in a path.
   */
  create({ topic, partition, topicId }: NewPartition): void {
    const name = partitionDirectory(topic, partition)
    const directory = this.#directoryForNew()
    const path = `${directory.path}/${name}`
    const fs = this.#world.fileSystem
    try {
      // Remains of a deleted topic of the same name must not become part of this one.
      if (fs.isDirectory(path)) this.#setAside(directory, name)
      fs.makeDirectory(path)
      writePartitionMetadata(fs, path, topicId)
    } catch (error) {
      this.#tidy(path)
      throw storageError(`create ${name}`, error)
    }
    this.#partitions.set(name, {
      name,
      topicId,
      directory,
      log: undefined,
      config: undefined,
    })
  }

  /** Reverts `create` if the metadata was not changed after all. */
  discard({ topic, partition, topicId }: NewPartition): void {
    const name = partitionDirectory(topic, partition)
    const handle = this.#partitions.get(name)
    if (handle === undefined || handle.topicId !== topicId) return
    this.#partitions.delete(name)
    this.#tidy(`${handle.directory.path}/${name}`)
  }

  /** Removes files that do no harm if they stay: the next start checks them again. */
  #tidy(path: string): void {
    try {
      this.#world.fileSystem.remove(path)
    } catch (error) {
      this.#logger.warn('could not remove a file', { path, error: systemMessage(error) })
    }
  }

  /**
   * Registers a partition of the metadata. If it is not on disk it is created, unless it may be in
   * an offline directory.
   */
  register(options: NewPartition & { readonly config: () => LogConfig }): void {
    const name = partitionDirectory(options.topic, options.partition)
    const known = this.#partitions.get(name)
    if (known?.topicId !== options.topicId) {
      const home = this.#directories.find(({ failure }) => failure !== undefined)
      if (home === undefined) this.create(options)
      else this.#registerOffline(name, options, home)
    }
    const handle = this.#partitions.get(name)
    if (handle !== undefined) handle.config = options.config
  }

  #registerOffline(name: string, { topicId }: NewPartition, directory: LogDirectory): void {
    this.#partitions.set(name, { name, topicId, directory, log: undefined, config: undefined })
  }

  #directoryForNew(): LogDirectory {
    const sound = this.#directories.filter(({ failure }) => failure === undefined)
    const cordoned = this.#options.cordonedDirectories()
    const open = sound.filter(({ path }) => !cordoned.includes(path))
    const counts = new Map((open.length === 0 ? sound : open).map((each) => [each, 0]))
    for (const { directory } of this.#partitions.values()) {
      const count = counts.get(directory)
      if (count !== undefined) counts.set(directory, count + 1)
    }
    const [least] = [...counts].sort((a, b) => a[1] - b[1])
    if (least === undefined) {
      throw new ProtocolError('KAFKA_STORAGE_ERROR', 'all log directories are offline')
    }
    return least[0]
  }

  /**
   * The log of a registered partition, opened if needed. Throws `KAFKA_STORAGE_ERROR` if its
   * directory is offline, or if it cannot be opened now.
   */
  log(name: string): PartitionLog {
    const handle = this.#partitions.get(name)
    if (handle === undefined) throw new Error(`partition ${name} is not registered`)
    if (handle.directory.failure !== undefined) throw handle.directory.failure
    handle.log ??= this.#open(handle)
    return handle.log
  }

  /** Why the directory of a partition is offline, or undefined if it is not. */
  failureOf(name: string): ProtocolError | undefined {
    return this.#partitions.get(name)?.directory.failure
  }

  /** The log, if it is already open. */
  openLog(name: string): PartitionLog | undefined {
    return this.#partitions.get(name)?.log
  }

  #open(handle: PartitionHandle): PartitionLog {
    const { directory, name, config } = handle
    if (config === undefined) throw new Error(`partition ${name} is not in the metadata yet`)
    const log = PartitionLog.open({
      world: this.#world,
      logger: this.#logger,
      directory: `${directory.path}/${name}`,
      name,
      config: config(),
      wasClean: directory.wasClean,
      recoveryPoint: directory.recoveryPoints.get(name) ?? 0n,
      logStartOffset: directory.logStartOffsets.get(name) ?? 0n,
      durable: this.#options.durable,
      onFailure: (failure) => this.#failDirectory(handle.directory, failure),
    })
    log.cleanedUpTo = directory.cleanerOffsets.get(name) ?? 0n
    return log
  }

  /** Applies a changed topic configuration. */
  reconfigure(name: string): void {
    const handle = this.#partitions.get(name)
    if (handle?.log !== undefined && handle.config !== undefined) {
      handle.log.config = handle.config()
    }
  }

  directoryOf(name: string): string | undefined {
    return this.#partitions.get(name)?.directory.path
  }

  partitionsIn(path: string): string[] {
    return [...this.#partitions.values()]
      .filter((handle) => handle.directory.path === path)
      .map((handle) => handle.name)
  }

  /** Deletes a partition's files. */
  remove(name: string): void {
    const handle = this.#partitions.get(name)
    if (handle === undefined) return
    this.#partitions.delete(name)
    handle.log?.abandon()
    const fs = this.#world.fileSystem
    const path = `${handle.directory.path}/${name}`
    const doomed = `${handle.directory.path}/${retiredDirectory(name, 'delete', this.#world.random)}`
    for (const map of [
      handle.directory.recoveryPoints,
      handle.directory.logStartOffsets,
      handle.directory.cleanerOffsets,
    ]) {
      map.delete(name)
    }
    if (handle.directory.failure !== undefined) return
    try {
      if (!fs.isDirectory(path)) return
      fs.rename(path, doomed)
      fs.remove(doomed)
    } catch (error) {
      // The next start finds it missing in the metadata, and a new partition of that name renames
      // it.
      this.#logger.error('could not remove a deleted partition', {
        path,
        error: systemMessage(error),
      })
    }
  }

  /**
   * Moves a partition to another log directory (`AlterReplicaLogDirs`), which must be one of them.
   */
  async move(name: string, target: string): Promise<void> {
    const handle = this.#partitions.get(name)
    const directory = this.#directories.find((candidate) => candidate.path === target)
    if (handle === undefined || directory === undefined || handle.directory === directory) return
    if (directory.failure !== undefined) throw directory.failure
    const log = this.log(name)
    const future = `${directory.path}/${futureDirectory(name, this.#world.random)}`
    try {
      await this.#copyInto(future, { handle, directory, log })
    } catch (error) {
      this.#tidy(future)
      throw storageError(`move ${name} to ${target}`, error)
    }
  }

  async #copyInto(
    future: string,
    {
      handle,
      directory,
      log,
    }: {
      readonly handle: PartitionHandle
      readonly directory: LogDirectory
      readonly log: PartitionLog
    },
  ): Promise<void> {
    const { name } = handle
    const fs = this.#world.fileSystem
    const from = `${handle.directory.path}/${name}`
    fs.makeDirectory(future)
    // Sealed segments are most of the data, and are copied while the log is used.
    const copied = new Map<string, Segment>()
    for (const segment of log.segments.slice(0, -1)) {
      const file = `${segmentName(segment.baseOffset)}.log`
      for (const _chunk of copyFile(fs, `${from}/${file}`, `${future}/${file}`)) {
        await this.#world.clock.yield()
        if (this.#partitions.get(name) !== handle || this.#closed) {
          fs.remove(future)
          return
        }
        // Retention or compaction removed the segment: its replacement is copied at the end.
        if (!log.segments.includes(segment)) break
      }
      copied.set(file, segment)
    }
    await log.flush()
    // The rest is copied within one turn of the event loop, so that no append comes in between.
    log.roll()
    for (const segment of log.segments) segment.storeIndexes()
    const names = new Set(fs.list(from).map((entry) => entry.name))
    for (const file of copied.keys()) if (!names.has(file)) fs.remove(`${future}/${file}`)
    for (const file of names) {
      const segment = copied.get(file)
      if (segment !== undefined && log.segments.includes(segment)) continue
      for (const _chunk of copyFile(fs, `${from}/${file}`, `${future}/${file}`));
    }
    // The files' names, or a power cut after the switch would leave an empty directory.
    fs.syncDirectory(future)
    this.#switchTo(future, { handle, directory })
    log.moveTo(`${directory.path}/${name}`)
    for (const key of ['recoveryPoints', 'logStartOffsets', 'cleanerOffsets'] as const) {
      const offset = handle.directory[key].get(name)
      handle.directory[key].delete(name)
      if (offset !== undefined) directory[key].set(name, offset)
    }
    handle.directory = directory
  }

  /**
   * Replaces the original by a complete copy. With two directories of one name, the next start
   * could not decide which one was written to, so a failed step reverts the previous ones; if that
   * fails too, the directory of the copy goes offline.
   */
  #switchTo(
    future: string,
    { handle, directory }: { readonly handle: PartitionHandle; readonly directory: LogDirectory },
  ): void {
    const fs = this.#world.fileSystem
    const from = `${handle.directory.path}/${handle.name}`
    const to = `${directory.path}/${handle.name}`
    const retired = retiredDirectory(handle.name, 'delete', this.#world.random)
    try {
      fs.rename(future, to)
      fs.syncDirectory(directory.path)
      fs.rename(from, `${handle.directory.path}/${retired}`)
    } catch (error) {
      let isThere: boolean | undefined
      this.#orOffline(handle.directory, 'look for a partition', () => {
        isThere = fs.isDirectory(from)
      })
      if (isThere === true) {
        this.#orOffline(directory, 'revert a move', () => {
          if (fs.isDirectory(to)) fs.rename(to, `${directory.path}/${retired}`)
        })
        this.#tidy(`${directory.path}/${retired}`)
      }
      if (isThere !== false) throw error
    }
    this.#tidy(`${handle.directory.path}/${retired}`)
  }

  /** Starts the maintenance of the logs. */
  start(): void {
    this.#maintenance.start()
  }

  /** Applies retention to every log, including those not opened yet. */
  enforceRetention(): Promise<void> {
    return this.#maintenance.enforceRetention()
  }

  /** Removes producers that have not written for `producer.id.expiration.ms`. */
  expireProducers(): Promise<void> {
    return this.#maintenance.expireProducers()
  }

  /** Compacts the dirtiest logs until none is dirty enough. */
  clean(): Promise<void> {
    return this.#maintenance.clean()
  }

  /**
   * Writes the checkpoint files of every directory. If it fails, recovery starts at the old
   * checkpoints.
   */
  checkpoint(): void {
    for (const directory of this.#directories) {
      if (!this.#options.durable || directory.failure !== undefined) continue
      try {
        this.#checkpointDirectory(directory)
      } catch (error) {
        this.#logger.error('could not write the checkpoints of a log directory', {
          path: directory.path,
          error: systemMessage(error),
        })
      }
    }
  }

  #checkpointDirectory(directory: LogDirectory): void {
    const logs = [...this.#partitions.values()].flatMap(({ name, log, directory: home }) =>
      home !== directory || log === undefined ? [] : [[name, log] as const],
    )
    checkpointDirectory(directory, logs, this.#world.fileSystem)
  }

  /**
   * Advances log start offsets. The new offsets are made durable first, or deleted records would
   * reappear after a crash. Returns the logs that are unchanged, with the reason.
   */
  advanceLogStarts(starts: ReadonlyMap<string, bigint>): Map<string, unknown> {
    const failed = new Map<string, unknown>()
    for (const directory of this.#directories) {
      const here = [...starts].filter(
        ([name]) => this.#partitions.get(name)?.directory === directory,
      )
      if (here.length === 0) continue
      try {
        if (directory.failure !== undefined) throw directory.failure
        const offsets = new Map([...directory.logStartOffsets, ...here])
        if (this.#options.durable) {
          const path = `${directory.path}/log-start-offset-checkpoint`
          writeOffsetCheckpoint(this.#world.fileSystem, path, offsets)
        }
        for (const [name, offset] of here) {
          directory.logStartOffsets.set(name, offset)
          this.log(name).advanceLogStart(offset)
        }
      } catch (error) {
        for (const [name] of here) {
          failed.set(name, storageError(`move the start of ${name}`, error))
        }
      }
    }
    return failed
  }

  /** Flushes and closes all logs and marks the directories clean. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#maintenance.stop()
    await this.#maintenance.ended()
    const failures: unknown[] = []
    for (const directory of this.#directories) {
      try {
        await this.#closeDirectory(directory)
      } catch (error) {
        failures.push(storageError(`close ${directory.path}`, error))
      }
      try {
        directory.lock?.release()
      } catch (error) {
        failures.push(storageError(`unlock ${directory.path}`, error))
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Closes all logs of a directory, and marks it clean if that succeeded. */
  async #closeDirectory(directory: LogDirectory): Promise<void> {
    const failures: unknown[] = []
    for (const { directory: home, log } of this.#partitions.values()) {
      if (home !== directory) continue
      try {
        await log?.close()
      } catch (error) {
        log?.abandon()
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
    if (!this.#options.durable || directory.failure !== undefined) return
    this.#checkpointDirectory(directory)
    // A log not opened since an unclean shutdown is still unchecked, so the directory stays
    // unclean.
    const hasUnchecked =
      !directory.wasClean &&
      [...this.#partitions.values()].some(
        (handle) => handle.directory === directory && handle.log === undefined,
      )
    if (hasUnchecked) return
    markClean(directory, this.#world.fileSystem)
  }

  /** Stops at once and leaves the files as a crash would. For tests. */
  abandon(): void {
    this.#closed = true
    this.#maintenance.stop()
    for (const { log } of this.#partitions.values()) log?.abandon()
    for (const { lock } of this.#directories) lock?.release()
  }
}

/** A partition that is about to be added to the metadata. */
export interface NewPartition {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
}
