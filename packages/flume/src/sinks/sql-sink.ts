// SPDX-License-Identifier: Apache-2.0
import type { TakeTransaction } from '../channel.ts'
import { type ComponentContext, defineSink, type Sink } from '../component.ts'
import {
  choice,
  integer,
  prefixed,
  requiredParsed,
  requiredText,
  type ValuesOf,
} from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import {
  type Database,
  openDatabase,
  parseConnection,
  type Value,
  withoutPassword,
} from '../sql/database.ts'

const keys = {
  connection: requiredParsed(parseConnection),
  table: requiredText(),
  /**
   * `column.<name> = body`, `header:<name>`, `json:<path>`, `time:<header>`, `position`, or a text
   * with `%{header}`.
   */
  columns: prefixed('column.'),
  batchSize: integer(100, { min: 1 }),
  onConflict: choice(['error', 'ignore'], 'error'),
}

type Config = ValuesOf<typeof keys>

/** Value of a column, from an event and its position in the channel. */
type ColumnReader = (event: Event, place: string) => Value

function columnReader(template: string): ColumnReader {
  const [kind = '', ...rest] = template.split(':')
  const argument = rest.join(':')
  if (template === 'body') return ({ body }) => body.toString()
  if (template === 'bytes') return ({ body }) => body
  if (template === 'position') return (_event, place) => place
  if (kind === 'header' && argument !== '') return ({ headers }) => headers[argument] ?? null
  if (kind === 'time') {
    return ({ headers }) => {
      const ms = Number(headers[argument === '' ? 'timestamp' : argument])
      return Number.isNaN(ms) ? null : new Date(ms)
    }
  }
  if (kind === 'json' && argument !== '') {
    const path = argument.split('.')
    return ({ body }) => jsonValue(body, path)
  }
  return ({ headers }) =>
    template.replaceAll(/%\{([\w.-]+)\}/g, (_all, name: string) => headers[name] ?? '')
}

function jsonValue(body: Buffer, path: readonly string[]): Value {
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch {
    return null
  }
  for (const name of path) {
    value =
      typeof value === 'object' && value !== null
        ? (value as Record<string, unknown>)[name]
        : undefined
  }
  if (value === undefined || value === null) return null
  return typeof value === 'object' ? JSON.stringify(value) : (value as Value)
}

/** Inserts events as rows; a batch is one transaction of the database. */
class SqlSink implements Sink {
  readonly batchSize: number
  readonly #config: Config
  readonly #context: ComponentContext
  readonly #columns: readonly { readonly name: string; readonly read: ColumnReader }[]
  #database: Database | undefined

  constructor(config: Config, context: ComponentContext) {
    this.#config = config
    this.#context = context
    this.batchSize = config.batchSize
    this.#columns = [...config.columns].map(([name, template]) => ({
      name,
      read: columnReader(template),
    }))
  }

  async process({ events, origin }: TakeTransaction): Promise<void> {
    const { connection } = this.#config
    try {
      if (this.#database === undefined) {
        this.#database = await openDatabase(connection, this.#context.directory)
        this.#context.counters.add('ConnectionCreatedCount')
      }
      const sets = events.map((event, index) => {
        const place = `${origin.id}-${origin.positions[index]}`
        return this.#columns.map(({ read }) => read(event, place))
      })
      await this.#database.transaction(this.#sql(this.#database), sets)
    } catch (error) {
      await this.stop()
      throw new DeliveryError(`${withoutPassword(connection)}: ${reasonOf(error)}`, error)
    }
  }

  #sql(database: Database): string {
    const { table, onConflict } = this.#config
    const names = this.#columns.map(({ name }) => database.quote(name)).join(', ')
    const marks = this.#columns.map(() => '?').join(', ')
    const { before, after } =
      onConflict === 'ignore' ? database.ignoreClause : { before: '', after: '' }
    return `INSERT ${before}INTO ${database.quote(table)} (${names}) VALUES (${marks})${after}`
  }

  async stop(): Promise<void> {
    const database = this.#database
    this.#database = undefined
    if (database === undefined) return
    await database.close().catch(() => {})
    this.#context.counters.add('ConnectionClosedCount')
  }
}

export const sqlSink = defineSink({
  type: 'sql',
  about: 'rows of a table in PostgreSQL, MySQL or SQLite',
  keys,
  check: ({ columns }) =>
    columns.size > 0
      ? []
      : [
          {
            key: 'column',
            message: 'is missing: say what each column gets, as in column.message = body',
          },
        ],
  create: (config, context) => new SqlSink(config, context),
})
