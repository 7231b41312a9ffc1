// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { ChannelError, reasonOf } from '../errors.ts'

export type Value = string | number | bigint | boolean | null | Date | Uint8Array
export type Row = Readonly<Record<string, unknown>>

/** A connection to PostgreSQL, MySQL or SQLite. Parameters stand as `?` in every dialect. */
export interface Database {
  query(sql: string, parameters: readonly Value[]): Promise<readonly Row[]>
  /** Runs a statement with each set of parameters, in one transaction. */
  transaction(sql: string, sets: readonly (readonly Value[])[]): Promise<void>
  /** A quoted name. */
  quote(name: string): string
  /** Clause of an insert that skips existing rows. */
  readonly ignoreClause: { readonly before: string; readonly after: string }
  close(): Promise<void>
}

/**
 * Checks `postgres://…`, `mysql://…` or `sqlite:file`; throws an `Error` that lists the allowed
 * forms.
 */
export function parseConnection(text: string): string {
  if (/^(postgres(ql)?|mysql|mariadb):\/\/./.test(text) || /^sqlite:./.test(text)) return text
  throw new Error('postgres://user:password@host/database, mysql://…, or sqlite:file')
}

/** The URL without its password, for logs and ids. */
export function withoutPassword(connection: string): string {
  return connection.replace(/^(\w+:\/\/[^:@/]*):[^@/]*@/, '$1@')
}

/** Connects. The user installs the libraries of PostgreSQL (`pg`) and MySQL (`mysql2`). */
export async function openDatabase(connection: string, directory: string): Promise<Database> {
  try {
    if (connection.startsWith('sqlite:'))
      return await openSqlite(resolve(directory, connection.slice(7)))
    if (connection.startsWith('postgres')) return await openPostgres(connection)
    return await openMysql(connection)
  } catch (error) {
    throw new ChannelError(`${withoutPassword(connection)}: ${reasonOf(error)}`, error)
  }
}

async function library<T>(load: () => Promise<T>, name: string): Promise<T> {
  try {
    return await load()
  } catch {
    throw new Error(`the package ${name} is needed: npm install ${name}`)
  }
}

async function openSqlite(path: string): Promise<Database> {
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(path, { timeout: 5000 })
  return {
    async query(sql, parameters) {
      return database.prepare(sql).all(...parameters.map(sqliteValue)) as Row[]
    },
    async transaction(sql, sets) {
      database.exec('BEGIN IMMEDIATE')
      try {
        const statement = database.prepare(sql)
        for (const set of sets) statement.run(...set.map(sqliteValue))
        database.exec('COMMIT')
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    quote: (name) => `"${name.replaceAll('"', '""')}"`,
    ignoreClause: { before: 'OR IGNORE ', after: '' },
    async close() {
      database.close()
    },
  }
}

function sqliteValue(value: Value): string | number | bigint | null | Uint8Array {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'boolean' ? Number(value) : value
}

async function openPostgres(connection: string): Promise<Database> {
  const { default: pg } = await library(() => import('pg'), 'pg')
  const client = new pg.Client({ connectionString: connection })
  // An error of the idle connection is reported by the next query.
  client.on('error', () => {})
  await client.connect()
  const numbered = (sql: string): string => {
    let index = 0
    return sql.replaceAll('?', () => `$${++index}`)
  }
  return {
    async query(sql, parameters) {
      const { rows } = await client.query(numbered(sql), [...parameters])
      return rows as Row[]
    },
    async transaction(sql, sets) {
      await client.query('BEGIN')
      try {
        const text = numbered(sql)
        // Pipelined: the server runs them in order.
        await Promise.all(sets.map((set) => client.query(text, [...set])))
        await client.query('COMMIT')
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {})
        throw error
      }
    },
    quote: (name) =>
      name
        .split('.')
        .map((part) => `"${part.replaceAll('"', '""')}"`)
        .join('.'),
    ignoreClause: { before: '', after: ' ON CONFLICT DO NOTHING' },
    close: () => client.end(),
  }
}

async function openMysql(connection: string): Promise<Database> {
  const mysql = await library(() => import('mysql2/promise'), 'mysql2')
  const client = await mysql.createConnection(connection.replace(/^mariadb:/, 'mysql:'))
  client.on('error', () => {})
  return {
    async query(sql, parameters) {
      const [rows] = await client.query(sql, [...parameters])
      return rows as unknown as Row[]
    },
    async transaction(sql, sets) {
      await client.beginTransaction()
      try {
        for (const set of sets) await client.query(sql, [...set])
        await client.commit()
      } catch (error) {
        await client.rollback().catch(() => {})
        throw error
      }
    },
    quote: (name) =>
      name
        .split('.')
        .map((part) => `\`${part.replaceAll('`', '``')}\``)
        .join('.'),
    ignoreClause: { before: 'IGNORE ', after: '' },
    close: () => client.end(),
  }
}
