// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { elementAt, systemErrorCode } from '@millrace/base'
import { defineSource, type Source, type SourceContext } from '../component.ts'
import {
  choice,
  integer,
  optionalText,
  requiredParsed,
  requiredText,
  text,
  type ValuesOf,
} from '../config/keys.ts'
import { pathOf } from '../config/paths.ts'
import { ChannelError, reasonOf } from '../errors.ts'
import { Event, newHeaders } from '../event.ts'
import {
  type Database,
  openDatabase,
  parseConnection,
  type Row,
  type Value,
  withoutPassword,
} from '../sql/database.ts'
import { type Gap, gapsAfter, openGaps } from '../sql/gaps.ts'
import { sleep } from '../waiting.ts'
import { putPatiently } from './patient-put.ts'

const keys = {
  connection: requiredParsed(parseConnection),
  /** The table to follow, or a custom query in `query`. */
  table: optionalText(),
  /** Columns, separated by commas. */
  columns: text('*'),
  /** Column that grows with every row: an identity, a sequence, a time of insertion. */
  column: text('id'),
  /** Further condition. */
  where: optionalText(),
  /** Has one `?` for the last value of `column`, and returns rows in its order. */
  query: optionalText(),
  /** Initial value of `column` without a status file; later rows are read. */
  startFrom: text('0'),
  statusFile: requiredText(),
  pollInterval: integer(1000, { min: 1 }),
  /**
   * Time, ms, for which skipped numbers are looked up again: a transaction may commit a row after
   * later rows.
   */
  lateRows: integer(60_000, { min: 0 }),
  batchSize: integer(1000, { min: 1 }),
  format: choice(['json', 'csv'], 'json'),
}

type Config = ValuesOf<typeof keys>
type Last = string | number

interface Status {
  readonly last: Last
  /** Created with the file: without the file all rows are read again. */
  readonly epoch: string
  /** Numbers below the last one without a row yet. */
  readonly gaps?: readonly Gap[]
}

/**
 * Reads new rows of a table. The position is stored when the channels have the rows; durable
 * channels also recognize duplicates if `column` is a whole number.
 */
class SqlSource implements Source {
  readonly #config: Config
  readonly #context: SourceContext
  readonly #statusPath: string
  readonly #stopping = new AbortController()
  #status: Status = { last: 0, epoch: '' }
  #running: Promise<void> | undefined

  constructor(config: Config, context: SourceContext) {
    this.#config = config
    this.#context = context
    this.#statusPath = pathOf(config.statusFile, context.directory)
  }

  async start(): Promise<void> {
    this.#status = await this.#readStatus()
    this.#running = this.#run()
  }

  async #readStatus(): Promise<Status> {
    try {
      return JSON.parse(await readFile(this.#statusPath, 'utf8')) as Status
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') {
        throw new ChannelError(
          `cannot read statusFile ${this.#statusPath}: ${reasonOf(error)}`,
          error,
        )
      }
    }
    const { startFrom } = this.#config
    const number = Number(startFrom)
    const status = {
      last: startFrom.trim() === '' || Number.isNaN(number) ? startFrom : number,
      epoch: this.#context.world.random.bytes(6).toString('hex'),
    }
    await this.#writeStatus(status)
    return status
  }

  async #writeStatus(status: Status): Promise<void> {
    await mkdir(dirname(this.#statusPath), { recursive: true })
    await writeFile(`${this.#statusPath}.tmp`, JSON.stringify(status))
    await rename(`${this.#statusPath}.tmp`, this.#statusPath)
    this.#status = status
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { clock } = this.#context.world
    let database: Database | undefined
    while (!signal.aborted) {
      try {
        database ??= await openDatabase(this.#config.connection, this.#context.directory)
        const count = await this.#poll(database)
        if (count >= this.#config.batchSize) continue
      } catch (error) {
        this.#context.counters.add('EventReadFail')
        this.#context.logger.warn('cannot read the table; retrying', {
          source: this.#context.name,
          reason: reasonOf(error),
        })
        await database?.close().catch(() => {})
        database = undefined
      }
      await sleep(clock, this.#config.pollInterval, signal)
    }
    await database?.close().catch(() => {})
  }

  /** Puts the next rows and resolves with their number. */
  async #poll(database: Database): Promise<number> {
    const { column, batchSize, lateRows } = this.#config
    const { clock } = this.#context.world
    const gaps = openGaps(this.#status.gaps ?? [], clock.now(), lateRows)
    const rows = await database.query(this.#sql(database, gaps), [this.#status.last as Value])
    const max = this.#context.channels.batchSizeWithin(batchSize)
    for (let at = 0; at < rows.length; at += max) {
      const batch = rows.slice(at, at + max)
      const values = batch.map((row) => this.#valueOf(row, column))
      const isNumbered = values.every(
        (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0,
      )
      const positions = values as number[]
      const origin = isNumbered
        ? {
            id: `sql:${withoutPassword(this.#config.connection)}:${this.#config.table ?? this.#config.query}:${this.#status.epoch}`,
            floor: this.#floor(elementAt(positions, 0)),
            positions,
          }
        : undefined
      const events = batch.map((row) => this.#event(row))
      if (!(await putPatiently(this.#context, events, this.#stopping.signal, { origin }))) return 0
      await this.#writeStatus(this.#statusAfter(values))
    }
    return rows.length
  }

  /** The lowest number whose row may still appear. */
  #floor(first: number): number {
    const { last, gaps } = this.#status
    const next = typeof last === 'number' ? Math.min(last + 1, first) : first
    return Math.max(0, Math.min(next, gaps?.[0]?.from ?? next))
  }

  #statusAfter(values: readonly Last[]): Status {
    const { epoch, last, gaps = [] } = this.#status
    const now = this.#context.world.clock.now()
    const newest = values.at(-1) as Last
    const isNumbered = [last, ...values].every((value) => Number.isSafeInteger(value))
    if (!isNumbered || this.#config.query !== undefined) return { epoch, last: newest }
    return {
      epoch,
      last: Math.max(last as number, newest as number),
      gaps: openGaps(
        gapsAfter(gaps, values as number[], last as number, now),
        now,
        this.#config.lateRows,
      ),
    }
  }

  #sql(database: Database, gaps: readonly Gap[]): string {
    const { query, table, columns, column, where, batchSize } = this.#config
    if (query !== undefined) return query
    const key = database.quote(column)
    const late = gaps.map(({ from, to }) => ` OR ${key} BETWEEN ${from} AND ${to}`).join('')
    const more = where === undefined ? '' : ` AND (${where})`
    return `SELECT ${columns} FROM ${database.quote(table as string)} WHERE (${key} > ?${late})${more} ORDER BY ${key} LIMIT ${batchSize}`
  }

  #valueOf(row: Row, column: string): Last {
    const value = row[column]
    if (value === undefined || value === null) {
      throw new ChannelError(`a row has no ${column}: the rows have ${Object.keys(row).join(', ')}`)
    }
    if (value instanceof Date) return value.toISOString()
    if (typeof value === 'bigint') return Number(value)
    // PostgreSQL returns 64-bit numbers as strings.
    if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value)
    return typeof value === 'number' ? value : String(value)
  }

  #event(row: Row): Event {
    const headers = newHeaders()
    if (this.#config.table !== undefined) headers.table = this.#config.table
    const body =
      this.#config.format === 'json'
        ? JSON.stringify(row, (_key, value: unknown) =>
            typeof value === 'bigint' ? value.toString() : value,
          )
        : Object.values(row).map(csvField).join(',')
    return new Event(Buffer.from(body), headers)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }
}

/** RFC 4180. */
function csvField(value: unknown): string {
  const text =
    value === null || value === undefined
      ? ''
      : value instanceof Date
        ? value.toISOString()
        : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const sqlSource = defineSource({
  type: 'sql',
  about: 'new rows of a table in PostgreSQL, MySQL or SQLite',
  keys,
  check({ table, query }) {
    if ((table === undefined) === (query === undefined)) {
      return [{ key: 'table', message: 'or query has to be given, and not both' }]
    }
    if (query !== undefined && query.split('?').length !== 2) {
      return [{ key: 'query', message: 'has to have one ?, the last value that was read' }]
    }
    return []
  },
  create: (config, context) => new SqlSource(config, context),
})
