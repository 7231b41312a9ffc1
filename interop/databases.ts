// SPDX-License-Identifier: Apache-2.0
// Databases for table sources and sinks.
import { spawn } from 'node:child_process'
import { chownSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@millrace/testkit'
import { execute, readyLine, stopping } from './peers.ts'

export interface DatabaseServer extends AsyncDisposable {
  readonly url: string
}

/**
 * Starts PostgreSQL on a free port with a new database. It refuses to run as root, so root runs it
 * as Debian's user for it.
 */
export async function startPostgres(): Promise<DatabaseServer> {
  const version = readdirSync('/usr/lib/postgresql').sort().at(-1) ?? ''
  const programs = join('/usr/lib/postgresql', version, 'bin')
  const directory = mkdtempSync(join(tmpdir(), 'postgres-'))
  const user = await unprivileged('postgres', directory)
  const data = join(directory, 'data')
  const made = await execute(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'],
    { user },
  )
  if (made.code !== 0) throw new Error(`initdb: ${made.stderr}`)
  const port = await freePort()
  const child = spawn(
    join(programs, 'postgres'),
    ['-D', data, '-p', String(port), '-k', directory, '-h', '127.0.0.1'],
    user,
  )
  await readyLine(child, /ready to accept connections/)
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    [Symbol.asyncDispose]: stopping(child),
  }
}

/** Starts MariaDB on a free port; root needs no password. */
export async function startMariadb(): Promise<DatabaseServer> {
  const directory = mkdtempSync(join(tmpdir(), 'mariadb-'))
  const user = await unprivileged('mysql', directory)
  const data = join(directory, 'data')
  const made = await execute(
    'mariadb-install-db',
    [
      '--no-defaults',
      `--datadir=${data}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
    ],
    { user },
  )
  if (made.code !== 0) throw new Error(`mariadb-install-db: ${made.stdout}${made.stderr}`)
  const port = await freePort()
  const child = spawn(
    'mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${directory}/socket`,
      `--pid-file=${directory}/pid`,
    ],
    user,
  )
  await readyLine(child, /ready for connections/)
  return { url: `mysql://root@127.0.0.1:${port}/mysql`, [Symbol.asyncDispose]: stopping(child) }
}

/**
 * The user for a server that refuses to run as root: the one that Debian created for it, which
 * becomes the owner of the directory.
 */
async function unprivileged(
  name: string,
  directory: string,
): Promise<{ readonly uid?: number; readonly gid?: number }> {
  if (process.getuid?.() !== 0) return {}
  const id = async (flag: string) => Number((await execute('id', [flag, name])).stdout)
  const [uid, gid] = [await id('-u'), await id('-g')]
  chownSync(directory, uid, gid)
  return { uid, gid }
}
