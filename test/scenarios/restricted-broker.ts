// SPDX-License-Identifier: Apache-2.0
import { type Connection, MemoryNetwork, nodeWorld } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { SimulatedDisk, WireClient } from '@millrace/testkit'
import type { Fixture } from './access-cases.ts'
import { accessRuns, type CaseRun, prepare } from './access-script.ts'

const AUTHORIZER = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'
const LOG_DIRECTORY = '/data'

/** A broker in memory with ACLs for the clients of all cases, which differ by their addresses. */
export interface RestrictedBroker extends AsyncDisposable {
  readonly broker: Broker
  readonly fixture: Fixture
  readonly runs: readonly CaseRun[]
  connect(clientAddress: string): Promise<WireClient>
}

/** Starts such a broker. Until its ACLs are created, every client is allowed everything. */
export async function startRestrictedBroker(): Promise<RestrictedBroker> {
  const network = new MemoryNetwork()
  const fileSystem = new SimulatedDisk()
  const runs = accessRuns()
  const start = (superUsers: string): Promise<Broker> =>
    Broker.start({
      dataDirectory: LOG_DIRECTORY,
      world: { ...nodeWorld, network, fileSystem },
      config: { 'authorizer.class.name': AUTHORIZER, 'super.users': superUsers },
    })
  const connectTo = async ({ address }: Broker, clientAddress: string): Promise<WireClient> => {
    const port = Number(address.split(':').at(-1))
    return new WireClient(pipeOf(await network.connect({ port, clientAddress })))
  }
  const open = await start('User:ANONYMOUS')
  const admin = await connectTo(open, '127.0.0.1')
  const fixture = await prepare(admin, runs, { logDirectory: LOG_DIRECTORY, nodeId: 1 })
  await open.close()
  const broker = await start('')
  return {
    broker,
    fixture,
    runs,
    connect: (clientAddress) => connectTo(broker, clientAddress),
    [Symbol.asyncDispose]: () => broker.close(),
  }
}

/** The transport of a `WireClient` over a connection in memory. */
export function pipeOf(connection: Connection) {
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
