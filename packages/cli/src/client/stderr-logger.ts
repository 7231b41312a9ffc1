// SPDX-License-Identifier: Apache-2.0
import { createLogger, type Logger, LogLevel, nodeWorld } from '@millrace/base'
import type { ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

/** `--log-level`, or info. */
export function logLevelOf(parsed: ParsedOptions): LogLevel {
  const level = parsed.value('log-level') ?? 'info'
  if (!(level in LogLevel)) {
    throw new UsageError(
      `invalid --log-level ${level}: expected ${Object.keys(LogLevel).join(', ')}`,
    )
  }
  return level as LogLevel
}

/** Writes lines of at least the level of `--log-level` to stderr. */
export function loggerFor(parsed: ParsedOptions): Logger {
  return createLogger({
    level: logLevelOf(parsed),
    now: () => nodeWorld.clock.now(),
    write(line) {
      process.stderr.write(`${line}\n`)
    },
  })
}
