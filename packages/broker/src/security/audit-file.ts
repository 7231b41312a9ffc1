// SPDX-License-Identifier: Apache-2.0
import {
  type Clock,
  type FileSystem,
  guard,
  type Logger,
  type OpenFile,
  type Timer,
} from '@millrace/base'
import { type AuditEvent, type AuditLog, auditJson } from './audit-log.ts'

/** Lines are written together, after this time at the latest. */
const WRITE_INTERVAL_MS = 100
/** Or when there are so many bytes of them. */
const WRITE_BYTES = 64 * 1024
/** While the file cannot be written, further lines are dropped and counted. */
const MAX_WAITING_BYTES = 1024 * 1024

interface AuditFileOptions {
  readonly path: string
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly logger: Logger
  /** Whether allowed actions are logged, too. */
  readonly logsAllowed: boolean
}

/**
 * Appends decisions to a file, a JSON object a line. The file may be renamed, removed, replaced or
 * truncated at any time: later lines are written to the file that has the name then, which is
 * created if it is missing. Lines that could not be written are retried until `close`.
 */
export class AuditFile implements AuditLog {
  readonly logsAllowed: boolean
  readonly #options: AuditFileOptions
  #file: OpenFile | undefined
  #lines: string[] = []
  #bytes = 0
  #dropped = 0
  #timer: Timer | undefined
  #hasFailed = false

  /** Opens the file. Throws a system error if that fails. */
  constructor(options: AuditFileOptions) {
    this.#options = options
    this.logsAllowed = options.logsAllowed
    this.#file = options.fileSystem.open(options.path, { create: true })
  }

  log(event: AuditEvent): void {
    const { clock } = this.#options
    if (this.#bytes > MAX_WAITING_BYTES) {
      this.#dropped++
      return
    }
    const line = `${auditJson(event, clock.now())}\n`
    this.#lines.push(line)
    this.#bytes += line.length
    if (this.#bytes >= WRITE_BYTES && !this.#hasFailed) this.#write()
    else this.#setTimer()
  }

  #setTimer(): void {
    const { clock, logger } = this.#options
    this.#timer ??= clock.setTimer(WRITE_INTERVAL_MS, () =>
      guard(
        () => this.#write(),
        (error) => logger.error('writing the audit log failed', { error }),
      ),
    )
  }

  #write(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#lines.length === 0) return
    const { path, fileSystem, logger } = this.#options
    try {
      if (this.#file?.isAtPath() === false) {
        this.#file.close()
        this.#file = undefined
      }
      this.#file ??= fileSystem.open(path, { create: true })
      append(this.#file, Buffer.from(this.#lines.join('')))
    } catch (error) {
      if (!this.#hasFailed) logger.error('cannot write the audit log', { path, error })
      this.#hasFailed = true
      this.#setTimer()
      return
    }
    this.#lines = []
    this.#bytes = 0
    this.#reportDropped()
    this.#hasFailed = false
  }

  #reportDropped(): void {
    const { path, logger } = this.#options
    if (this.#dropped > 0) {
      logger.error('the audit log lacks decisions, because it could not be written', {
        path,
        count: this.#dropped,
      })
    }
    this.#dropped = 0
  }

  /** Writes what waits and closes the file. */
  close(): void {
    this.#write()
    this.#timer?.cancel()
    this.#timer = undefined
    this.#dropped += this.#lines.length
    this.#lines = []
    this.#bytes = 0
    this.#reportDropped()
    this.#file?.close()
    this.#file = undefined
  }
}

/** Appends all bytes or none, so that a retry does not repeat lines. */
function append(file: OpenFile, bytes: Buffer): void {
  const start = file.size()
  try {
    file.write([bytes], start)
  } catch (error) {
    if (file.size() > start) file.truncate(start)
    throw error
  }
}
