// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Connection, MemoryNetwork, nodeWorld } from '@millrace/base'
import { Broker, handlers } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { SimulatedDisk, WireClient } from '@millrace/testkit'
import { type Fixture, openApis } from '../scenarios/access-cases.ts'
import {
  accessRuns,
  assertOutcome,
  outcomeOf,
  prepare,
  send,
  versionsOf,
} from '../scenarios/access-script.ts'

const AUTHORIZER = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'
const LOG_DIRECTORY = '/data'

describe('what clients may do', () => {
  const network = new MemoryNetwork()
  const runs = accessRuns()
  let broker: Broker
  let port: number
  let fixture: Fixture

  async function start(disk: SimulatedDisk, superUsers: string): Promise<void> {
    broker = await Broker.start({
      dataDirectory: LOG_DIRECTORY,
      world: { ...nodeWorld, network, fileSystem: disk },
      config: {
        'authorizer.class.name': AUTHORIZER,
        'super.users': superUsers,
        'group.streams.initial.rebalance.delay.ms': '0',
      },
    })
    port = Number(broker.address.split(':').at(-1))
  }

  async function connect(clientAddress: string): Promise<WireClient> {
    return new WireClient(pipeOf(await network.connect({ port, clientAddress })))
  }

  // Timers of a broker do not keep a process running.
  const alive = setInterval(() => {}, 60_000)

  before(async () => {
    const disk = new SimulatedDisk()
    // Everybody may do everything at first, which makes the ACLs for later.
    await start(disk, 'User:ANONYMOUS')
    const admin = await connect('127.0.0.1')
    fixture = await prepare(admin, runs, { logDirectory: LOG_DIRECTORY, nodeId: 1 })
    await broker.close()
    await start(disk, '')
  })
  after(async () => {
    clearInterval(alive)
    await broker.close()
  })

  it('has a case for every API that is served', () => {
    const covered = new Set([...runs.map((run) => run.case.api), ...openApis])
    const served = [...handlers.keys()].map((key) => p.apis.get(key)?.name)
    assert.deepEqual(
      served.filter((name) => name === undefined || !covered.has(name)),
      [],
    )
  })

  for (const run of runs) {
    const { api, about } = run.case
    it(`${api}${about === undefined ? '' : `, ${about}`}`, async () => {
      const versions = versionsOf(run.case)
      for (const { address, rights, expected, allVersions } of run.clients) {
        for (const version of allVersions ? versions : versions.slice(-1)) {
          // Each on a connection of its own: sessions end with it.
          const client = await connect(address)
          const response = await send(client, run.case, { version, fixture })
          const outcome = outcomeOf(response, run.case.request(fixture))
          const what = `${api} v${version} with ${rights.join(', ') || 'no rights'}`
          assertOutcome(outcome, expected === 'created' ? '' : expected, what)
          client.close()
        }
      }
      assert.ok(versions.length > 0)
    })
  }

  it('creates a topic for a client that may create it', () => {
    assert.ok(broker.topicNames.includes('fresh'))
  })
})

function pipeOf(connection: Connection) {
  const pipe = {
    write: (data: Buffer) => void connection.write([data]),
    close: () => connection.destroy(),
    onData(_chunk: Buffer) {},
    onClose() {},
  }
  connection.onData = (chunk) => pipe.onData(chunk)
  connection.onClose = () => pipe.onClose()
  return pipe
}
