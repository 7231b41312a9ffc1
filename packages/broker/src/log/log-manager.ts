// SPDX-License-Identifier: Apache-2.0
import {
  attempt,
  type FileLock,
  type FileSystem,
  type Logger,
  MillraceError,
  makeDirectoryDurably,
  type Timer,
  type World,
  writeFileAtomically,
} from '@millrace/base'
import {
  readOffsetCheckpoint,
  readPartitionMetadata,
  writeOffsetCheckpoint,
  writePartitionMetadata,
} from './checkpoint-files.ts'
import { cleanLog, dirtiness } from './cleaner.ts'
import type { LogConfig } from './log-config.ts'
import {
  classifyDirectory,
  futureDirectory,
  partitionDirectory,
  retiredDirectory,
} from './partition-directory.ts'
import { PartitionLog } from './partition-log.ts'
import { type Segment, segmentName } from './segment.ts'

const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown'

export interface LogManagerOptions {
  readonly world: World
  readonly logger: Logger
  /** `log.dirs`. */
  readonly directories: readonly string[]
  readonly durable: boolean
  readonly retentionCheckIntervalMs: number
  readonly checkpointIntervalMs: number
  readonly cleanerEnabled: boolean
  readonly producerIdExpirationCheckIntervalMs: number
  // The rest may change while the broker runs.
  readonly cleanerBackoffMs: () => number
  readonly cleanerMemoryBytes: () => number
  readonly producerIdExpirationMs: () => number
  /** `cordoned.log.dirs`: directories that take no new partitions; `*` is all. */
  readonly cordonedDirectories: () => readonly string[]
}

interface LogDirectory {
  readonly path: string
  readonly lock: FileLock | undefined
  /** Whether the last user of the directory closed it in order. */
  readonly wasClean: boolean
  readonly recoveryPoints: Map<string, bigint>
  readonly logStartOffsets: Map<string, bigint>
  readonly cleanerOffsets: Map<string, bigint>
}

interface PartitionHandle {
  readonly name: string
  readonly topicId: string
  directory: LogDirectory
  log: PartitionLog | undefined
  config: () => LogConfig
}

/** All partition logs of a broker over its log directories. A log is opened when it is first used. */
export class LogManager {
  readonly #options: LogManagerOptions
  readonly #world: World
  readonly #logger: Logger
  readonly #directories: LogDirectory[] = []
  readonly #partitions = new Map<string, PartitionHandle>()
  readonly #timers = new Set<Timer>()
  #closed = false
  #maintenance: Promise<void> = Promise.resolve()

  constructor(options: LogManagerOptions) {
    this.#options = options
    this.#world = options.world
    this.#logger = options.logger
    for (const path of options.directories) this.#directories.push(this.#openDirectory(path))
  }

  get directories(): readonly { readonly path: string }[] {
    return this.#directories
  }

  /** Whether every directory was left in order by its last user. */
  get wasClean(): boolean {
    return this.#directories.every((directory) => directory.wasClean)
  }

  #openDirectory(path: string): LogDirectory {
    const fs = this.#world.fileSystem
    makeDirectoryDurably(fs, path)
    const lock = this.#options.durable ? fs.lock(`${path}/.lock`) : undefined
    if (this.#options.durable && lock === undefined) {
      throw new MillraceError(
        'MILLRACE_DIRECTORY_LOCKED',
        `data directory ${path} is in use by another process: stop it, or choose another directory`,
      )
    }
    const cleanPath = `${path}/${CLEAN_SHUTDOWN_FILE}`
    const wasClean = fs.fileSize(cleanPath) !== undefined
    fs.remove(cleanPath)
    fs.syncDirectory(path)
    const read = (name: string): Map<string, bigint> => {
      try {
        return readOffsetCheckpoint(fs, `${path}/${name}`)
      } catch (error) {
        this.#logger.warn('ignored a damaged checkpoint', { path: `${path}/${name}`, error })
        return new Map()
      }
    }
    return {
      path,
      lock,
      wasClean,
      recoveryPoints: read('recovery-point-offset-checkpoint'),
      logStartOffsets: read('log-start-offset-checkpoint'),
      cleanerOffsets: read('cleaner-offset-checkpoint'),
    }
  }

  /** Finds the partition directories on disk. `expectedId` gives the topic id that the metadata has for a partition. */
  scan(expectedId: (topic: string, partition: number) => string | undefined): void {
    const fs = this.#world.fileSystem
    for (const directory of this.#directories) {
      for (const entry of fs.list(directory.path)) {
        if (!entry.isDirectory) continue
        const path = `${directory.path}/${entry.name}`
        const named = classifyDirectory(entry.name)
        if (named.kind === 'discarded') fs.remove(path)
        if (named.kind !== 'partition' && named.kind !== 'unnamed') continue
        const expected =
          named.kind === 'partition' ? expectedId(named.topic, named.partition) : undefined
        const found = this.#topicIdOf(path)
        const topicId = found ?? expected
        if (topicId === undefined || topicId !== expected) {
          this.#logger.warn('set aside a directory whose partition is not in the metadata', {
            path,
          })
          fs.rename(
            path,
            `${directory.path}/${retiredDirectory(entry.name, 'stray', this.#world.random)}`,
          )
          continue
        }
        if (found === undefined) writePartitionMetadata(fs, path, topicId)
        this.#partitions.set(entry.name, {
          name: entry.name,
          topicId,
          directory,
          log: undefined,
          config: () => {
            throw new Error(`${entry.name} has no configuration yet`)
          },
        })
      }
    }
  }

  /**
   * Topic id in the directory. A power cut may have taken the file, but only while the partition had no durable record:
   * the first flush syncs it.
   */
  #topicIdOf(path: string): string | undefined {
    try {
      return readPartitionMetadata(this.#world.fileSystem, path)
    } catch (error) {
      this.#logger.warn('found damaged partition metadata', { path, error })
      return undefined
    }
  }

  /**
   * Registers a partition. Its directory is created at once, so that it exists before anything refers to it. Throws
   * `MILLRACE_INVALID_TOPIC_NAME` for a topic whose name must not become a path.
   */
  register(options: {
    readonly topic: string
    readonly partition: number
    readonly topicId: string
    readonly config: () => LogConfig
    readonly directory?: string
  }): void {
    const name = partitionDirectory(options.topic, options.partition)
    const known = this.#partitions.get(name)
    if (known !== undefined && known.topicId === options.topicId) {
      known.config = options.config
      return
    }
    const directory = this.#directoryForNew(options.directory)
    const path = `${directory.path}/${name}`
    const fs = this.#world.fileSystem
    fs.makeDirectory(path)
    writePartitionMetadata(fs, path, options.topicId)
    this.#partitions.set(name, {
      name,
      topicId: options.topicId,
      directory,
      log: undefined,
      config: options.config,
    })
  }

  #directoryForNew(wanted: string | undefined): LogDirectory {
    const named = this.#directories.find((directory) => directory.path === wanted)
    if (named !== undefined) return named
    const cordoned = this.#options.cordonedDirectories()
    const open = this.#directories.filter(({ path }) => !cordoned.includes(path))
    const counts = new Map((open.length === 0 ? this.#directories : open).map((each) => [each, 0]))
    for (const { directory } of this.#partitions.values()) {
      const count = counts.get(directory)
      if (count !== undefined) counts.set(directory, count + 1)
    }
    const [least] = [...counts].sort((a, b) => a[1] - b[1])
    return (least as [LogDirectory, number])[0]
  }

  /** The log of a registered partition, opened if need be. */
  log(name: string): PartitionLog {
    const handle = this.#partitions.get(name)
    if (handle === undefined) throw new Error(`partition ${name} is not registered`)
    handle.log ??= this.#open(handle)
    return handle.log
  }

  /** The log if it is open already. */
  openLog(name: string): PartitionLog | undefined {
    return this.#partitions.get(name)?.log
  }

  #open(handle: PartitionHandle): PartitionLog {
    const { directory, name } = handle
    const log = PartitionLog.open({
      world: this.#world,
      logger: this.#logger,
      directory: `${directory.path}/${name}`,
      name,
      config: handle.config(),
      wasClean: directory.wasClean,
      recoveryPoint: directory.recoveryPoints.get(name) ?? 0n,
      logStartOffset: directory.logStartOffsets.get(name) ?? 0n,
      durable: this.#options.durable,
    })
    log.cleanedUpTo = directory.cleanerOffsets.get(name) ?? 0n
    return log
  }

  /** Takes over a changed topic configuration. */
  reconfigure(name: string): void {
    const handle = this.#partitions.get(name)
    if (handle?.log !== undefined) handle.log.config = handle.config()
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
    if (!fs.isDirectory(path)) return
    fs.rename(path, doomed)
    fs.remove(doomed)
  }

  /** Moves a partition to another log directory (`AlterReplicaLogDirs`), which must be one of them. */
  async move(name: string, target: string): Promise<void> {
    const handle = this.#partitions.get(name)
    const directory = this.#directories.find((candidate) => candidate.path === target)
    if (handle === undefined || directory === undefined || handle.directory === directory) return
    const log = this.log(name)
    const fs = this.#world.fileSystem
    const from = `${handle.directory.path}/${name}`
    const future = `${directory.path}/${futureDirectory(name, this.#world.random)}`
    fs.makeDirectory(future)
    // Sealed segments are most of it, and are copied while the log is used.
    const copied = new Map<string, Segment>()
    for (const segment of log.segments.slice(0, -1)) {
      const file = `${segmentName(segment.baseOffset)}.log`
      for (const _chunk of copyFile(fs, `${from}/${file}`, `${future}/${file}`)) {
        await this.#world.clock.yield()
        if (this.#partitions.get(name) !== handle || this.#closed) {
          fs.remove(future)
          return
        }
        // Retention or compaction took the segment away: what replaced it is copied at the end.
        if (!log.segments.includes(segment)) break
      }
      copied.set(file, segment)
    }
    await log.flush()
    // The rest in one turn of the event loop, so that no append comes in between.
    log.roll()
    for (const segment of log.segments) segment.storeIndexes()
    const names = new Set(fs.list(from).map((entry) => entry.name))
    for (const file of copied.keys()) if (!names.has(file)) fs.remove(`${future}/${file}`)
    for (const file of names) {
      const segment = copied.get(file)
      if (segment !== undefined && log.segments.includes(segment)) continue
      for (const _chunk of copyFile(fs, `${from}/${file}`, `${future}/${file}`));
    }
    fs.rename(future, `${directory.path}/${name}`)
    fs.syncDirectory(directory.path)
    log.moveTo(`${directory.path}/${name}`)
    fs.remove(from)
    fs.syncDirectory(handle.directory.path)
    for (const key of ['recoveryPoints', 'logStartOffsets', 'cleanerOffsets'] as const) {
      const offset = handle.directory[key].get(name)
      handle.directory[key].delete(name)
      if (offset !== undefined) directory[key].set(name, offset)
    }
    handle.directory = directory
  }

  // ---------------------------------------------------------------------------------------------- schedules

  start(): void {
    const options = this.#options
    this.#every(
      () => options.retentionCheckIntervalMs,
      () => this.enforceRetention(),
    )
    this.#every(
      () => options.checkpointIntervalMs,
      async () => this.checkpoint(),
    )
    this.#every(
      () => options.producerIdExpirationCheckIntervalMs,
      () => this.expireProducers(),
    )
    this.#every(
      () => 1000,
      async () => {
        const now = this.#world.clock.now()
        for (const { log } of this.#partitions.values()) log?.flushIfDue(now)
      },
    )
    if (options.cleanerEnabled) this.#every(options.cleanerBackoffMs, () => this.clean())
  }

  #every(intervalMs: () => number, task: () => Promise<void>): void {
    const again = (): void => {
      const timer = this.#world.clock.setTimer(intervalMs(), () => {
        this.#timers.delete(timer)
        this.#maintenance = this.#maintenance
          .then(task)
          .catch((error) => this.#logger.error('log maintenance failed', { error }))
        attempt(this.#logger, 'scheduling log maintenance', () =>
          this.#maintenance.then(() => {
            if (!this.#closed) again()
          }),
        )
      })
      this.#timers.add(timer)
    }
    again()
  }

  /** Applies retention to every log, those not opened yet included. */
  async enforceRetention(): Promise<void> {
    for (const handle of [...this.#partitions.values()]) {
      if (this.#closed || !this.#partitions.has(handle.name)) continue
      const now = this.#world.clock.now()
      this.#visit(handle, (log) => {
        const deleted = log.enforceRetention(now)
        if (deleted > 0)
          this.#logger.info('deleted old segments', { log: handle.name, count: deleted })
      })
      await this.#world.clock.yield()
    }
  }

  /** Forgets the producers that have not written for `producer.id.expiration.ms`. */
  async expireProducers(): Promise<void> {
    for (const handle of [...this.#partitions.values()]) {
      if (this.#closed || !this.#partitions.has(handle.name)) continue
      const before = this.#world.clock.now() - this.#options.producerIdExpirationMs()
      // A log that is not open has no producers in memory; those on disk are judged after it was opened.
      handle.log?.expireProducers(BigInt(before))
      await this.#world.clock.yield()
    }
  }

  /** Looks at a log within one turn of the event loop. One that nobody uses is closed again: maintenance costs no files. */
  #visit<T>(handle: PartitionHandle, look: (log: PartitionLog) => T): T {
    const wasOpen = handle.log !== undefined
    const log = this.log(handle.name)
    try {
      return look(log)
    } finally {
      if (!wasOpen) {
        log.abandon()
        handle.log = undefined
      }
    }
  }

  /** Compacts the dirtiest logs until none is dirty enough. */
  async clean(): Promise<void> {
    for (;;) {
      const now = this.#world.clock.now()
      let dirtiest: { readonly name: string; readonly ratio: number } | undefined
      for (const handle of this.#partitions.values()) {
        if (!handle.config().cleanupPolicy.compact) continue
        const ratio = this.#visit(handle, (log) => dirtiness(log, now))
        if (ratio !== undefined && ratio > (dirtiest?.ratio ?? -1))
          dirtiest = { name: handle.name, ratio }
      }
      if (dirtiest === undefined || this.#closed) return
      const log = this.log(dirtiest.name)
      const before = log.cleanedUpTo
      await cleanLog(log, {
        world: this.#world,
        memoryBytes: this.#options.cleanerMemoryBytes(),
        isCancelled: () => this.#closed,
      })
      if (log.cleanedUpTo === before) return
    }
  }

  /** Writes the checkpoint files of every directory. */
  checkpoint(): void {
    const fs = this.#world.fileSystem
    if (!this.#options.durable) return
    for (const directory of this.#directories) {
      const highWatermarks = new Map<string, bigint>()
      for (const { name, log, directory: home } of this.#partitions.values()) {
        if (home !== directory || log === undefined) continue
        // Indexes of the active segment are in memory: recovery starts at its beginning at the latest.
        directory.recoveryPoints.set(name, log.flushedOffset)
        if (log.logStartOffset > (log.segments[0]?.baseOffset ?? 0n)) {
          directory.logStartOffsets.set(name, log.logStartOffset)
        } else directory.logStartOffsets.delete(name)
        if (log.cleanedUpTo > 0n) directory.cleanerOffsets.set(name, log.cleanedUpTo)
        highWatermarks.set(name, log.highWatermark)
      }
      writeOffsetCheckpoint(
        fs,
        `${directory.path}/recovery-point-offset-checkpoint`,
        directory.recoveryPoints,
      )
      writeOffsetCheckpoint(
        fs,
        `${directory.path}/log-start-offset-checkpoint`,
        directory.logStartOffsets,
      )
      writeOffsetCheckpoint(
        fs,
        `${directory.path}/cleaner-offset-checkpoint`,
        directory.cleanerOffsets,
      )
      writeOffsetCheckpoint(fs, `${directory.path}/replication-offset-checkpoint`, highWatermarks)
    }
  }

  /** Flushes and closes everything and marks the directories clean. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
    await this.#maintenance
    const failures: unknown[] = []
    for (const { log } of this.#partitions.values()) {
      try {
        await log?.close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (this.#options.durable && failures.length === 0) {
      this.checkpoint()
      for (const { path } of this.#directories) this.#markClean(path)
    }
    for (const { lock } of this.#directories) lock?.release()
    if (failures.length > 0) throw failures[0]
  }

  /** An unopened log of an uncleanly stopped directory is still unchecked, so the directory stays unclean. */
  #markClean(path: string): void {
    const unchecked = this.#directories.some(
      (directory) =>
        directory.path === path &&
        !directory.wasClean &&
        [...this.#partitions.values()].some(
          (handle) => handle.directory === directory && handle.log === undefined,
        ),
    )
    if (unchecked) return
    writeFileAtomically(
      this.#world.fileSystem,
      `${path}/${CLEAN_SHUTDOWN_FILE}`,
      '{"version":0,"brokerEpoch":-1}',
    )
  }

  /** Stops at once and leaves the files as a crash would. For tests. */
  abandon(): void {
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
    for (const { log } of this.#partitions.values()) log?.abandon()
    for (const { lock } of this.#directories) lock?.release()
  }
}

const COPY_CHUNK = 4 * 1024 * 1024

/** Copies a file durably, pausing after every chunk. */
function* copyFile(fs: FileSystem, from: string, to: string): Generator<void> {
  const source = fs.open(from)
  const copy = fs.open(to, { create: true })
  const chunk = Buffer.allocUnsafe(Math.min(COPY_CHUNK, Math.max(source.size(), 1)))
  try {
    let at = 0
    for (;;) {
      const count = source.read(chunk, 0, chunk.length, at)
      if (count === 0) break
      copy.write([chunk.subarray(0, count)], at)
      at += count
      yield
    }
    copy.truncate(at)
    copy.sync()
  } finally {
    copy.close()
    source.close()
  }
}
