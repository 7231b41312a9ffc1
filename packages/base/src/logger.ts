// SPDX-License-Identifier: Apache-2.0
import { isSystemError, MillraceError } from './errors.ts'

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

/**
 * Fields of a log line. An error is printed as its message and those of its causes if it was to be
 * expected (a `MillraceError` or a system error), otherwise, and at level `debug`, with its stack.
 */
export type LogFields = Readonly<Record<string, unknown>>

/** The messages of an error and its causes that are not part of the message before. */
function messagesOf(error: unknown): string {
  const messages: string[] = []
  for (let each = error; each instanceof Error && messages.length < 8; each = each.cause) {
    if (messages.at(-1)?.includes(each.message) !== true) messages.push(each.message)
  }
  return messages.join(': ')
}

function formatField(value: unknown, withStacks: boolean): string {
  if (value instanceof Error) {
    const isExpected = value instanceof MillraceError || isSystemError(value)
    const isShort = isExpected && !withStacks
    return JSON.stringify(isShort ? messagesOf(value) : (value.stack ?? value.message))
  }
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
        line += ` ${key}=${formatField(value, threshold === LogLevel.debug)}`
      options.write(line)
    }
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Logs nothing. The default of an embedded broker. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
