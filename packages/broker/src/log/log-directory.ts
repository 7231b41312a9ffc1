// SPDX-License-Identifier: Apache-2.0
import {
  type FileLock,
  type FileSystem,
  isSystemError,
  type Logger,
  MillraceError,
  makeDirectoryDurably,
  writeFileAtomically,
} from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import {
  type OffsetCheckpoint,
  readOffsetCheckpoint,
  writeOffsetCheckpoint,
} from './checkpoint-files.ts'
import type { PartitionLog } from './partition-log.ts'
import { systemMessage } from './storage-error.ts'

const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown'

/** A log directory of the broker, with its checkpoints. */
export interface LogDirectory {
  readonly path: string
  readonly lock: FileLock | undefined
  /** Why the directory is offline, once it is. */
  failure: ProtocolError | undefined
  /** Whether the previous user of the directory shut down cleanly. */
  readonly wasClean: boolean
  readonly recoveryPoints: Map<string, bigint>
  readonly logStartOffsets: Map<string, bigint>
  readonly cleanerOffsets: Map<string, bigint>
}

interface OpenOptions {
  readonly fileSystem: FileSystem
  readonly logger: Logger
  /** Whether the directory is locked: false in memory. */
  readonly durable: boolean
}

/** Opens a directory; one that cannot be opened is offline from the start. */
export function openLogDirectory(path: string, options: OpenOptions): LogDirectory {
  try {
    return openSoundDirectory(path, options)
  } catch (error) {
    const failure = offline(path, 'open it', error)
    if (!(failure instanceof ProtocolError)) throw error
    return {
      path,
      lock: undefined,
      failure,
      wasClean: false,
      recoveryPoints: new Map(),
      logStartOffsets: new Map(),
      cleanerOffsets: new Map(),
    }
  }
}

function openSoundDirectory(
  path: string,
  { fileSystem: fs, logger, durable }: OpenOptions,
): LogDirectory {
  makeDirectoryDurably(fs, path)
  const lock = durable ? fs.lock(`${path}/.lock`) : undefined
  if (durable && lock === undefined) {
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
      if (!(error instanceof MillraceError)) throw error
      logger.warn('ignored a corrupt checkpoint', {
        path: `${path}/${name}`,
        error: error.message,
      })
      return new Map()
    }
  }
  return {
    path,
    lock,
    failure: undefined,
    wasClean,
    recoveryPoints: read('recovery-point-offset-checkpoint'),
    logStartOffsets: read('log-start-offset-checkpoint'),
    cleanerOffsets: read('cleaner-offset-checkpoint'),
  }
}

/** Writes the checkpoint files of a directory with its open logs. */
export function checkpointDirectory(
  directory: LogDirectory,
  logs: Iterable<readonly [name: string, log: PartitionLog]>,
  fs: FileSystem,
): void {
  const highWatermarks = new Map<string, bigint>()
  for (const [name, log] of logs) {
    // Indexes of the active segment are in memory: recovery starts at the latest at its
    // beginning.
    directory.recoveryPoints.set(name, log.flushedOffset)
    if (log.logStartOffset > (log.segments[0]?.baseOffset ?? 0n)) {
      directory.logStartOffsets.set(name, log.logStartOffset)
    } else directory.logStartOffsets.delete(name)
    if (log.cleanedUpTo > 0n) directory.cleanerOffsets.set(name, log.cleanedUpTo)
    highWatermarks.set(name, log.highWatermark)
  }
  const write = (file: string, offsets: OffsetCheckpoint): void =>
    writeOffsetCheckpoint(fs, `${directory.path}/${file}-offset-checkpoint`, offsets)
  write('recovery-point', directory.recoveryPoints)
  write('log-start', directory.logStartOffsets)
  write('cleaner', directory.cleanerOffsets)
  write('replication', highWatermarks)
}

/** Marks a directory as shut down cleanly. */
export function markClean(directory: LogDirectory, fs: FileSystem): void {
  writeFileAtomically(
    fs,
    `${directory.path}/${CLEAN_SHUTDOWN_FILE}`,
    '{"version":0,"brokerEpoch":-1}',
  )
}

/** Converts a disk error to that of a whole log directory; other errors are returned unchanged. */
export function offline(path: string, what: string, error: unknown): unknown {
  if (!isSystemError(error)) return error
  return new ProtocolError(
    'KAFKA_STORAGE_ERROR',
    `log directory ${path} is offline: cannot ${what}: ${systemMessage(error)}`,
    { cause: error },
  )
}
