// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { effort, seededRandom } from '@millrace/testkit'

const ROUNDS = effort(6, 40)
const CLIENTS = 6

interface Registry {
  readonly child: ChildProcess
  readonly address: string
}

async function start(bootstrapServers: string): Promise<Registry> {
  const script = join(import.meta.dirname, 'schema-registry-process.ts')
  const config = {
    'kafkagroup.session.timeout.ms': '1000',
    'kafkagroup.heartbeat.interval.ms': '100',
  }
  const child = spawn(process.execPath, [
    '--conditions=millrace-src',
    script,
    bootstrapServers,
    JSON.stringify(config),
  ])
  let output = ''
  const address = await new Promise<string>((resolve, reject) => {
    const look = (data: Buffer): void => {
      output += data
      const ready = /^ready (\S+)$/m.exec(output)?.[1]
      if (ready !== undefined) resolve(ready)
    }
    child.stdout.on('data', look)
    child.stderr.on('data', look)
    child.on('exit', () => reject(new Error(`the registry did not start:\n${output}`)))
  })
  return { child, address }
}

async function kill({ child }: Registry): Promise<void> {
  const gone = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

interface Acknowledged {
  readonly subject: string
  readonly version: number
  readonly schema: string
}

const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }

/** Registers schemas until the registry is gone, and deletes some; notes what was acknowledged. */
class Client {
  readonly name: string
  readonly #seen: Map<number, string>
  readonly #kept: Map<number, Acknowledged>
  #count = 0

  constructor(name: string, seen: Map<number, string>, kept: Map<number, Acknowledged>) {
    this.name = name
    this.#seen = seen
    this.#kept = kept
  }

  async work(address: string, isOver: () => boolean): Promise<void> {
    try {
      while (!isOver()) await this.#step(address)
    } catch (error) {
      // The registry was killed; anything else is a finding.
      if (!(error instanceof TypeError && error.message.includes('fetch failed'))) {
        if (!(error instanceof TypeError && error.message.includes('terminated'))) throw error
      }
    }
  }

  /** Registers schemas up to one that it removes for good: no other client may be working. */
  async removeHighest(address: string): Promise<void> {
    do await this.#step(address)
    while (this.#count % 5 !== 0)
  }

  async #step(address: string): Promise<void> {
    const count = this.#count++
    const subject = `${this.name}-${count % 3}`
    const symbol = `${this.name}_${count}`
    const schema = JSON.stringify({ type: 'enum', name: 'E', symbols: ['A', symbol], default: 'A' })
    const response = await fetch(`${address}/subjects/${subject}/versions`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ schema }),
    })
    const reply = (await response.json()) as { readonly id: number; readonly version: number }
    assert.equal(response.status, 200, JSON.stringify(reply))
    const { id, version } = reply
    const other = this.#seen.get(id)
    assert.ok(other === undefined || other === schema, `id ${id}: ${other} and ${schema}`)
    this.#seen.set(id, schema)
    // Now and then the newest id is removed for good.
    if (count % 5 !== 4) {
      this.#kept.set(id, { subject, version, schema })
      return
    }
    for (const permanent of [false, true]) {
      const path = `/subjects/${subject}/versions/${version}?permanent=${permanent}`
      const deleted = await fetch(address + path, { method: 'DELETE' })
      await deleted.text()
      assert.equal(deleted.status, 200)
    }
  }
}

describe('a schema registry that is killed while clients register', () => {
  let broker: Broker
  before(async () => {
    // A killed registry is replaced when its session expires.
    broker = await Broker.start({ config: { 'group.min.session.timeout.ms': '100' } })
  })
  after(() => broker.close())

  it(`assigns no id twice and loses no schema in ${ROUNDS} rounds`, async () => {
    const seed = Math.trunc(Math.random() * 2 ** 31)
    const random = seededRandom(seed)
    const seen = new Map<number, string>()
    const kept = new Map<number, Acknowledged>()
    const clients = Array.from({ length: CLIENTS }, (_, i) => new Client(`c${i}`, seen, kept))
    for (let round = 0; round < ROUNDS; round++) {
      const registry = await start(broker.address)
      try {
        for (const [id, { subject, version, schema }] of kept) {
          const response = await fetch(
            `${registry.address}/subjects/${subject}/versions/${version}`,
          )
          const found = (await response.json()) as { readonly id: number; readonly schema: string }
          const where = `seed ${seed}, round ${round}, ${subject} v${version}`
          assert.deepEqual({ id: found.id, schema: found.schema }, { id, schema }, where)
        }
        let isOver = false
        const work = Promise.all(
          clients.map((client) => client.work(registry.address, () => isOver)),
        )
        const minimum = kept.size + 20
        const pauseMs = random.integer(60)
        while (kept.size < minimum) {
          await Promise.race([work, new Promise((resolve) => setTimeout(resolve, 5))])
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
        // In every other round the highest id has been removed when the registry is killed.
        isOver = round % 2 === 1
        if (isOver) {
          await work
          await clients[0]?.removeHighest(registry.address)
        }
        await kill(registry)
        await work
      } finally {
        registry.child.kill('SIGKILL')
      }
    }
    assert.ok(kept.size >= ROUNDS * 20)
  })
})
