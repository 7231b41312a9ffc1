// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type FileSystem, nodeWorld, silentLogger } from '@millrace/base'
import { AclOperation, ResourceType } from '@millrace/protocol'
import {
  type DiskFault,
  type DiskOperation,
  SimulatedClock,
  SimulatedDisk,
} from '@millrace/testkit'
import { AuditFile } from './audit-file.ts'
import type { AuditEvent } from './audit-log.ts'
import { clientSession } from './client-session.ts'

const session = clientSession({
  identity: { type: 'User', name: 'alice', isTokenAuthenticated: false },
  host: '10.0.0.7',
  listenerName: 'L',
  securityProtocol: 'SASL_SSL',
})

function denied(resourceName: string): AuditEvent {
  return {
    session,
    clientId: 'app',
    request: 'Fetch',
    action: { operation: AclOperation.READ, resourceType: ResourceType.TOPIC, resourceName },
    count: 1,
    decision: { isAllowed: false, rule: { kind: 'DefaultDeny' } },
  }
}

/** An audit file, and the errors that were logged. */
class Bench {
  readonly #clock = new SimulatedClock()
  readonly errors: string[] = []
  readonly audit: AuditFile

  constructor(path: string, fileSystem: FileSystem) {
    this.audit = new AuditFile({
      path,
      fileSystem,
      clock: this.#clock.process(),
      logger: {
        ...silentLogger,
        error: (message, fields) => this.errors.push(`${message} ${fields?.count ?? ''}`.trim()),
      },
      logsAllowed: false,
    })
  }

  log(...topics: string[]): this {
    for (const topic of topics) this.audit.log(denied(topic))
    return this
  }

  async wait(ms: number): Promise<void> {
    const waits = new Promise<void>((resolve) => this.#clock.schedule(ms, resolve))
    await this.#clock.run(waits, Number.POSITIVE_INFINITY)
  }
}

function topicsOf(file: Buffer): string[] {
  return file
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { readonly resourceName: string }).resourceName)
}

type Rotate = (fs: FileSystem, path: string) => void
const rotations: readonly [
  title: string,
  rotate: Rotate,
  renamed: readonly string[],
  current: readonly string[],
][] = [
  ['not rotated', () => {}, [], ['one', 'two', 'three']],
  ['renamed', (fs, path) => fs.rename(path, `${path}.1`), ['one'], ['two', 'three']],
  [
    'renamed, then created',
    (fs, path) => {
      fs.rename(path, `${path}.1`)
      fs.writeFile(path, '')
    },
    ['one'],
    ['two', 'three'],
  ],
  [
    'renamed, then replaced by a copy',
    (fs, path) => {
      fs.rename(path, `${path}.1`)
      fs.writeFile(path, fs.readFile(`${path}.1`))
    },
    ['one'],
    ['one', 'two', 'three'],
  ],
  ['truncated', (fs, path) => fs.writeFile(path, ''), [], ['two', 'three']],
  ['removed', (fs, path) => fs.remove(path), [], ['two', 'three']],
]
const systems: readonly [title: string, fileSystem: () => FileSystem][] = [
  ['disk', () => nodeWorld.fileSystem],
  ['simulated disk', () => new SimulatedDisk()],
]

describe('an audit file', () => {
  for (const [title, rotate, renamed, current] of rotations) {
    for (const [kind, open] of systems) {
      it(`has later lines in the file of its name: ${title} (${kind})`, async () => {
        const directory = mkdtempSync(join(tmpdir(), 'millrace-audit-'))
        try {
          const fs = open()
          fs.makeDirectory(directory)
          const path = join(directory, 'a.log')
          const bench = new Bench(path, fs)
          await bench.log('one').wait(100)
          rotate(fs, path)
          await bench.log('two').wait(100)
          bench.log('three').audit.close()
          assert.deepEqual(topicsOf(fs.readFile(path)), current)
          const old = `${path}.1`
          const before = fs.fileSize(old) === undefined ? [] : topicsOf(fs.readFile(old))
          assert.deepEqual(before, renamed)
          assert.deepEqual(bench.errors, [])
        } finally {
          rmSync(directory, { recursive: true })
        }
      })
    }
  }

  const faults: readonly [kind: DiskOperation['kind'], fault: DiskFault][] = [
    ['write', 'EIO'],
    ['write', 'ENOSPC'],
    ['write', 'short'],
    ['write', 'late'],
    ['stat', 'EIO'],
    ['size', 'EIO'],
  ]
  for (const [kind, fault] of faults) {
    it(`is written without a further decision after ${fault} of ${kind}`, async () => {
      const disk = new SimulatedDisk()
      const bench = new Bench('/a.log', disk)
      await bench.log('one').wait(100)
      disk.faultOf = (operation) => (operation.kind === kind ? fault : undefined)
      await bench.log('two', 'three').wait(500)
      disk.faultOf = () => undefined
      assert.deepEqual(topicsOf(disk.readFile('/a.log')), ['one'])
      await bench.wait(100)
      assert.deepEqual(topicsOf(disk.readFile('/a.log')), ['one', 'two', 'three'])
      assert.deepEqual(bench.errors, ['cannot write the audit log'])
    })
  }

  it('that cannot be written reports on close how many decisions it lacks', async () => {
    const disk = new SimulatedDisk()
    const bench = new Bench('/a.log', disk)
    disk.faultOf = ({ kind }) => (kind === 'write' ? 'ENOSPC' : undefined)
    bench.log('one', 'two').audit.close()
    assert.deepEqual(bench.errors, [
      'cannot write the audit log',
      'the audit log lacks decisions, because it could not be written 2',
    ])
  })
})
