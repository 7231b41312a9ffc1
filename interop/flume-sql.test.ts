// SPDX-License-Identifier: Apache-2.0
// The source and the sink of tables on PostgreSQL and MariaDB.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { until } from '../test/e2e/until.ts'
import { type DatabaseServer, startMariadb, startPostgres } from './databases.ts'
import { fileRoll, netcatOnly, outputOf, placeFor, run, send } from './flume-agents.ts'

/** A connection that executes statements one after another. */
interface Session {
  run(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  close(): Promise<void>
}

interface Database {
  readonly name: string
  readonly start: () => Promise<DatabaseServer>
  readonly connect: (url: string) => Promise<Session>
  /** A table with an auto-increment key and a column of each common type. */
  readonly table: string
  /** Values of a row's other columns, and their JSON representation. */
  readonly values: string
  readonly json: Readonly<Record<string, unknown>>
}

const databases: readonly Database[] = [
  {
    name: 'PostgreSQL',
    start: startPostgres,
    async connect(url) {
      const client = new pg.Client(url)
      await client.connect()
      return {
        run: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
        close: () => client.end(),
      }
    },
    table:
      'id BIGSERIAL PRIMARY KEY, name TEXT, price NUMERIC(10,2), paid BOOLEAN, at TIMESTAMPTZ, more JSONB',
    values: `'Ünï "x"', 12.50, true, '2026-01-02 03:04:05.678+00', '{"a": [1]}'`,
    json: {
      name: 'Ünï "x"',
      price: '12.50',
      paid: true,
      at: '2026-01-02T03:04:05.678Z',
      more: { a: [1] },
    },
  },
  {
    name: 'MariaDB',
    start: startMariadb,
    async connect(url) {
      const connection = await mysql.createConnection({ uri: url, timezone: 'Z' })
      return {
        run: async (sql) => (await connection.query(sql))[0] as Record<string, unknown>[],
        close: () => connection.end(),
      }
    },
    table:
      'id BIGINT AUTO_INCREMENT PRIMARY KEY, name TEXT CHARACTER SET utf8mb4, price DECIMAL(10,2), paid BOOLEAN, at DATETIME(3), more JSON',
    values: `'Ünï "x"', 12.50, true, '2026-01-02 03:04:05.678', '{"a": [1]}'`,
    json: { name: 'Ünï "x"', price: '12.50', paid: 1, more: { a: [1] } },
  },
]

for (const database of databases) {
  describe(`tables of ${database.name}`, () => {
    let server: DatabaseServer
    let session: Session
    before(async () => {
      server = await database.start()
      session = await database.connect(server.url)
    })
    after(async () => {
      await session?.close()
      await server?.[Symbol.asyncDispose]()
    })

    const following = (table: string): string => `${fileRoll.replace('HEADER_AND_TEXT', 'TEXT')}
a1.sources.r1.type = sql
a1.sources.r1.connection = ${server.url}
a1.sources.r1.table = ${table}
a1.sources.r1.statusFile = DIR/status
a1.sources.r1.pollInterval = 50
`
    const columns = 'name, price, paid, at, more'

    it('returns each row once, with all columns, over a restart', async () => {
      await session.run(`CREATE TABLE orders (${database.table})`)
      const insert = () =>
        session.run(`INSERT INTO orders (${columns}) VALUES (${database.values})`)
      await insert()
      const place = await placeFor('millrace')
      const first = await run(place, following('orders'))
      await insert()
      await until(() => outputOf(place).split('\n').length === 3)
      await first.stop()
      await insert()
      const second = await run(place, following('orders'))
      await until(() => outputOf(place).split('\n').length === 4)
      await second.stop()
      const rows = outputOf(place)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      assert.deepEqual(
        rows.map(({ id }) => Number(id)),
        [1, 2, 3],
      )
      for (const row of rows) {
        for (const [name, value] of Object.entries(database.json))
          assert.deepEqual(row[name], value, name)
      }
    })

    it('returns a row whose transaction ends after that of a later row', async () => {
      await session.run(`CREATE TABLE late (${database.table})`)
      const place = await placeFor('millrace')
      const agent = await run(place, following('late'))
      const slow = await database.connect(server.url)
      await slow.run('START TRANSACTION')
      await slow.run(`INSERT INTO late (name) VALUES ('first')`)
      await session.run(`INSERT INTO late (name) VALUES ('second')`)
      await until(() => outputOf(place).includes('second'))
      assert.doesNotMatch(outputOf(place), /first/)
      await slow.run('COMMIT')
      await until(() => outputOf(place).includes('first'))
      await agent.stop()
      await slow.close()
      const names = outputOf(place)
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { readonly name: string }).name)
      assert.deepEqual(names, ['second', 'first'])
    })

    it('inserts each event once, and waits while the server is unavailable', async () => {
      await session.run(
        'CREATE TABLE entries (place VARCHAR(100) PRIMARY KEY, kind TEXT, body TEXT, n INTEGER)',
      )
      const place = await placeFor('millrace')
      const agent = await run(
        place,
        `${netcatOnly()}
a1.sources.r1.interceptors = i1
a1.sources.r1.interceptors.i1.type = static
a1.sources.r1.interceptors.i1.key = kind
a1.sources.r1.interceptors.i1.value = it's
a1.sinks.k1.type = sql
a1.sinks.k1.connection = ${server.url}
a1.sinks.k1.table = entries
a1.sinks.k1.column.place = position
a1.sinks.k1.column.kind = header:kind
a1.sinks.k1.column.body = body
a1.sinks.k1.column.n = json:order.n
a1.sinks.k1.onConflict = ignore
`,
      )
      const count = async () =>
        Number((await session.run('SELECT count(*) AS c FROM entries'))[0]?.c)
      await session.run('ALTER TABLE entries RENAME TO entries_away')
      await send(place.port, '{"order":{"n":7}}\nplain ü\n')
      await until(() => /cannot deliver/.test(agent.log()))
      await session.run('ALTER TABLE entries_away RENAME TO entries')
      await until(async () => (await count()) === 2)
      await agent.stop()
      assert.deepEqual(
        (await session.run('SELECT kind, body, n FROM entries ORDER BY body'))
          .map((row) => ({ ...row }))
          .sort((a, b) => (String(a.body) < String(b.body) ? -1 : 1)),
        [
          { kind: "it's", body: 'plain ü', n: null },
          { kind: "it's", body: '{"order":{"n":7}}', n: 7 },
        ],
      )
    })
  })
}
