// SPDX-License-Identifier: Apache-2.0
// Credentials of `millrace agent status`.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { millraceArguments } from '@millrace/testkit'

const directory = mkdtempSync(join(tmpdir(), 'millrace-status-'))
const secretFile = join(directory, 'secret')
const seen: (string | undefined)[] = []
const server = createServer((request, response) => {
  seen.push(request.headers.authorization)
  const status = { agent: 'a', pid: 1, upMs: 1, residentBytes: 1, metrics: {} }
  response.end(JSON.stringify({ ...status, sources: [], channels: [], sinks: [] }))
})
const port = (): number => (server.address() as AddressInfo).port
/** Reaches this machine, but is not a loopback address. */
const OUTSIDE = '0.0.0.0'

async function status(host: string, ...args: readonly string[]) {
  const child = spawn(
    process.execPath,
    millraceArguments('agent', 'status', '--json', '--at', `${host}:${port()}`, ...args),
  )
  let stderr = ''
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stderr, authorization: seen.splice(0).at(-1) }
}

describe('agent status', () => {
  before(async () => {
    writeFileSync(secretFile, 's3cr3t\n')
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  })
  after(() => {
    server.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const token = ['--token-file', secretFile]
  const user = ['--user', 'olga', '--password-file', secretFile]

  it('sends a token, or a user and a password', async () => {
    assert.equal((await status('127.0.0.1')).authorization, undefined)
    const withToken = await status('127.0.0.1', ...token)
    assert.deepEqual(withToken, { code: 0, stderr: '', authorization: 'Bearer s3cr3t' })
    const withUser = await status('127.0.0.1', ...user)
    assert.equal(withUser.authorization, `Basic ${btoa('olga:s3cr3t')}`)
  })

  it('refuses options that contradict each other', async () => {
    assert.match((await status('127.0.0.1', ...token, ...user)).stderr, /only one of/)
    assert.match((await status('127.0.0.1', '--user', 'olga')).stderr, /need each other/)
  })

  it('warns of credentials without encryption to another machine', async () => {
    for (const args of [token, user]) {
      const { stderr } = await status(OUTSIDE, ...args)
      assert.match(stderr, /credentials are sent to \S+ without encryption/)
      assert.doesNotMatch(stderr, /s3cr3t/)
    }
    assert.equal((await status(OUTSIDE)).stderr, '')
  })
})
