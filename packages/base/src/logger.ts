// SPDX-License-Identifier: Apache-2.0

/** Levels of log lines, from the least to the most important. */
export const LogLevel = { debug: 10, info: 20, warn: 30, error: 40, silent: 100 } as const
/** Levels of log lines, from the least to the most important. */
export type LogLevel = keyof typeof LogLevel

/** Log sink of a component. Each call writes one line; `fields` are appended as `key=value`. */
export interface Logger {
  /** Logs a detail for developers. */
  debug(message: string, fields?: LogFields): void
  /** Logs a change of state for operators. */
  info(message: string, fields?: LogFields): void
  /** Logs an error of a client or in a file. */
  warn(message: string, fields?: LogFields): void
  /** Logs a fault of this process or of the machine. */
  error(message: string, fields?: LogFields): void
}

/** Fields of a log line; an `error` is printed with its cause. */
export type LogFields = Readonly<Record<string, unknown>>

function formatField(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.stack ?? value.message)
  if (typeof value === 'string') return /^[\w.:/@+-]*$/.test(value) ? value : JSON.stringify(value)
  if (typeof value === 'object' && value !== null) return JSON.stringify(value)
  return String(value)
}

/** A logger that passes finished lines (without a newline) to `write`. */
export function createLogger(options: {
  readonly level?: LogLevel
  readonly now: () => number
  readonly write: (line: string) => void
}): Logger {
  const threshold = LogLevel[options.level ?? 'info']
  function at(level: Exclude<LogLevel, 'silent'>) {
    return (message: string, fields?: LogFields): void => {
      if (LogLevel[level] < threshold) return
      let line = `${new Date(options.now()).toISOString()} ${level.toUpperCase().padEnd(5)} ${message}`
      for (const [key, value] of Object.entries(fields ?? {}))
        line += ` ${key}=${formatField(value)}`
      options.write(line)
    }
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Logs nothing. The default of an embedded broker. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
