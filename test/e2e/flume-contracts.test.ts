// SPDX-License-Identifier: Apache-2.0
// Every built-in source, channel and sink of Flume agents passes the common contract suite.
import { createSocket } from 'node:dgram'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { nodeWorld, silentLogger } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { Admin, Consumer, Producer } from '@millrace/client'
import {
  Agent,
  builtIn,
  type Channel,
  type Definition,
  defineAgent,
  type Event,
  type Sink,
  type Source,
  type SourceContext,
} from '@millrace/flume'
import {
  channelContract,
  componentContext,
  type SinkUnderTest,
  type SourceUnderTest,
  sinkContract,
  sourceContract,
  testChannel,
} from '@millrace/flume/testing'
import { ConnectionFactory, Queue, Session, type TextMessage } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { SimulatedDisk, seededRandom } from '@millrace/testkit'

const directory = mkdtempSync(join(tmpdir(), 'flume-contracts-'))
const broker = await Broker.start({ config: new Map([['listeners', 'PLAINTEXT://127.0.0.1:0']]) })
const provider = await JmsProvider.start({
  client: { bootstrapServers: broker.address },
  config: new Map([['amqp.listener', '127.0.0.1:0']]),
})
after(async () => {
  await provider.close()
  await broker.close()
  rmSync(directory, { recursive: true, force: true })
})

let number = 0
function fresh(name: string): string {
  return join(directory, `${name}-${number++}`)
}

/** Creates a built-in component with default values of its keys, and the given ones. */
// biome-ignore lint/suspicious/noExplicitAny: components of every configuration
function make<T>(definition: Definition<any, T, any, any>, values: object, context: unknown): T {
  const defaults = Object.fromEntries(
    Object.entries(definition.keys as Record<string, { kind: string; fallback?: unknown }>).map(
      ([name, key]) => [name, key.kind === 'prefix' ? new Map() : key.fallback],
    ),
  )
  return definition.create({ ...defaults, ...values }, context)
}

// biome-ignore lint/suspicious/noExplicitAny: components of every configuration
function named(role: keyof typeof builtIn, type: string): Definition<any, any, any, any> {
  const list: readonly { readonly type: string }[] = builtIn[role]
  // biome-ignore lint/suspicious/noExplicitAny: components of every configuration
  return list.find((each) => each.type === type) as Definition<any, any, any, any>
}

const bounds = { capacity: 100, transactionCapacity: 50, keepAlive: 1 }

async function started(channel: Channel): Promise<Channel> {
  await channel.start?.()
  return channel
}

channelContract({
  name: 'memory',
  create: () => started(make(named('channel', 'memory'), bounds, componentContext('CHANNEL', 'c'))),
})

const disks = new WeakMap<Channel, SimulatedDisk>()
async function fileChannel(disk: SimulatedDisk): Promise<Channel> {
  const world = { ...nodeWorld, fileSystem: disk }
  const values = {
    ...bounds,
    dataDirs: '/data',
    checkpointDir: '/checkpoint',
    minimumRequiredSpace: 0,
  }
  const channel: Channel = make(
    named('channel', 'file'),
    values,
    componentContext('CHANNEL', 'c', { world }),
  )
  disks.set(channel, disk)
  return started(channel)
}
channelContract({
  name: 'file',
  create: () => fileChannel(new SimulatedDisk()),
  reopen: (killed) =>
    fileChannel((disks.get(killed) as SimulatedDisk).afterPowerCut(seededRandom(1))),
})

channelContract({
  name: 'SPILLABLEMEMORY, all in memory',
  create: () => {
    const path = fresh('spill')
    const values = {
      ...bounds,
      memoryCapacity: 100,
      overflowCapacity: 0,
      overflowTimeout: 1,
      dataDirs: `${path}/d`,
      checkpointDir: `${path}/c`,
    }
    return started(
      make(named('channel', 'SPILLABLEMEMORY'), values, componentContext('CHANNEL', 'c')),
    )
  },
})
channelContract({
  name: 'SPILLABLEMEMORY, most on disk',
  create: () => {
    const path = fresh('spill')
    const values = {
      ...bounds,
      memoryCapacity: 3,
      overflowCapacity: 97,
      dataDirs: `${path}/d`,
      checkpointDir: `${path}/c`,
      minimumRequiredSpace: 0,
    }
    return started(
      make(named('channel', 'SPILLABLEMEMORY'), values, componentContext('CHANNEL', 'c')),
    )
  },
  isUnbounded: true,
})
channelContract({
  name: 'kafka',
  isUnbounded: true,
  waitMs: 10_000,
  async create() {
    const topic = `channel-${number++}`
    await using admin = new Admin({ bootstrapServers: broker.address })
    await admin.createTopics([{ name: topic, numPartitions: 1 }])
    const consumer = new Map([['auto.offset.reset', 'earliest']])
    const values = { bootstrapServers: broker.address, topic, groupId: topic, consumer }
    return started(make(named('channel', 'kafka'), values, componentContext('CHANNEL', 'c')))
  },
})

/** Sends lines over TCP and waits until the peer has closed the connection or replied to each. */
async function sendLines(address: string, lines: readonly string[], answers = 0): Promise<void> {
  const [host, port] = address.split(':')
  const socket = connect({ host: host as string, port: Number(port) })
  let seen = 0
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (data) => {
      seen += data.toString().split('\n').length - 1
      if (seen >= answers) socket.end()
    })
    socket.on('close', () => resolve())
    socket.write(lines.map((line) => `${line}\n`).join(''), () => {
      if (answers === 0) socket.end()
    })
  })
}

function addressOf(source: Source): string {
  const [address = ''] = source.addresses ?? []
  return address.replace('0.0.0.0', '127.0.0.1')
}

async function post(address: string, bodies: readonly string[]): Promise<void> {
  for (;;) {
    const body = JSON.stringify(bodies.map((each) => ({ headers: {}, body: each })))
    const { status } = await fetch(`http://${address}`, { method: 'POST', body })
    if (status === 200) return
  }
}

/** Sends through one of our sinks, which retries until the source has the events. */
async function sendThrough(sink: Sink, bodies: readonly string[]): Promise<void> {
  const channel = testChannel()
  await (
    await channel.put(
      bodies.map((body) => ({ body: Buffer.from(body), headers: {}, lineage: undefined }) as Event),
    )
  ).commit()
  for (;;) {
    const batch = await channel.take(100, { waitMs: 0 })
    if (batch === undefined) break
    await Promise.resolve(sink.process(batch)).then(
      () => batch.commit(),
      () => batch.rollback(),
    )
  }
  await sink.stop?.()
}

const listening = { bind: '127.0.0.1', host: '127.0.0.1', port: 0 }
const sourceContracts: SourceUnderTest[] = [
  {
    name: 'netcat',
    // A sender that gets FAILED retries; this one does not.
    mayLose: true,
    async create(context) {
      const source: Source = make(named('source', 'netcat'), listening, context)
      return {
        source,
        feed: (bodies) => sendLines(addressOf(source), bodies, bodies.length),
        close: async () => {},
      }
    },
  },
  {
    name: 'netcatudp',
    mayLose: true,
    async create(context) {
      const source: Source = make(named('source', 'netcatudp'), listening, context)
      return {
        source,
        feed: (bodies) => sendDatagrams(addressOf(source), bodies),
        close: async () => {},
      }
    },
  },
  ...(['syslogtcp', 'syslogudp', 'multiport_syslogtcp'] as const).map(
    (type): SourceUnderTest => ({
      name: type,
      mayLose: type === 'syslogudp',
      async create(context) {
        const values = { ...listening, ports: [0], keepFields: 'none', eventSize: 2500 }
        const source: Source = make(named('source', type), values, context)
        const line = (body: string): string => `<13>1 2026-01-01T00:00:00Z host ${body}`
        return {
          source,
          feed: (bodies) =>
            type === 'syslogudp'
              ? sendDatagrams(addressOf(source), bodies.map(line))
              : sendLines(addressOf(source), bodies.map(line)),
          close: async () => {},
        }
      },
    }),
  ),
  {
    name: 'http',
    async create(context) {
      const source: Source = make(named('source', 'http'), listening, context)
      return { source, feed: (bodies) => post(addressOf(source), bodies), close: async () => {} }
    },
  },
  ...(['avro', 'thrift'] as const).map(
    (type): SourceUnderTest => ({
      name: type,
      async create(context) {
        const source: Source = make(named('source', type), listening, context)
        return {
          source,
          feed(bodies) {
            const [hostname, port] = addressOf(source).split(':')
            const values = { hostname, port: Number(port), batchSize: 100 }
            return sendThrough(
              make(named('sink', type), values, componentContext('SINK', 'k')),
              bodies,
            )
          },
          close: async () => {},
        }
      },
    }),
  ),
  {
    name: 'exec',
    async create(context) {
      const path = fresh('exec')
      writeFileSync(path, '')
      const source: Source = make(
        named('source', 'exec'),
        { command: `tail -n +1 -F ${path}`, batchSize: 20 },
        context,
      )
      return {
        source,
        feed: async (bodies) => appendFileSync(path, bodies.map((body) => `${body}\n`).join('')),
        close: async () => {},
      }
    },
  },
  {
    name: 'spooldir',
    async create(context) {
      const path = mkdtempSync(fresh('spool'))
      const source: Source = make(
        named('source', 'spooldir'),
        { spoolDir: path, batchSize: 7 },
        context,
      )
      return {
        source,
        feed: async (bodies) =>
          writeFileSync(join(path, 'file'), bodies.map((body) => `${body}\n`).join('')),
        close: async () => {},
      }
    },
  },
  {
    name: 'TAILDIR',
    async create(context) {
      const path = mkdtempSync(fresh('tail'))
      const values = {
        filegroups: ['g'],
        patterns: new Map([['g', `${path}/app\\..*`]]),
        positionFile: `${path}/positions.json`,
        batchSize: 7,
      }
      const source: Source = make(named('source', 'TAILDIR'), values, context)
      return {
        source,
        feed: async (bodies) =>
          appendFileSync(join(path, 'app.log'), bodies.map((body) => `${body}\n`).join('')),
        close: async () => {},
      }
    },
  },
  {
    name: 'sql',
    async create(context) {
      const { DatabaseSync } = await import('node:sqlite')
      const path = fresh('source.db')
      const database = new DatabaseSync(path)
      database.exec('CREATE TABLE lines (id INTEGER PRIMARY KEY, body TEXT)')
      const values = {
        connection: `sqlite:${path}`,
        table: 'lines',
        columns: 'id, body',
        query: undefined,
        statusFile: `${path}.status`,
        pollInterval: 20,
        batchSize: 7,
        format: 'csv',
      }
      const inner: Source = make(named('source', 'sql'), values, {
        ...context,
        // The database assigns the id in front.
        channels: stripped(context.channels),
      })
      return {
        source: inner,
        feed: async (bodies) => {
          const insert = database.prepare('INSERT INTO lines (body) VALUES (?)')
          for (const body of bodies) insert.run(body)
        },
        close: async () => database.close(),
      }
    },
  },
  {
    name: 'kafka',
    async create(context) {
      const topic = `source-${number++}`
      await using admin = new Admin({ bootstrapServers: broker.address })
      await admin.createTopics([{ name: topic, numPartitions: 1 }])
      const consumer = new Map([['auto.offset.reset', 'earliest']])
      const values = { bootstrapServers: broker.address, topics: topic, groupId: topic, consumer }
      const producer = new Producer({ bootstrapServers: broker.address })
      return {
        source: make(named('source', 'kafka'), values, context),
        feed: async (bodies) => {
          await producer.send(bodies.map((value) => ({ topic, value })))
        },
        close: () => producer.close(),
      }
    },
  },
  {
    name: 'jms',
    async create(context) {
      const queue = `source-${number++}`
      const values = { providerURL: `amqp://${provider.address}`, destinationName: queue }
      return {
        source: make(named('source', 'jms'), values, context),
        feed: (bodies) =>
          sendThrough(make(named('sink', 'jms'), values, componentContext('SINK', 'k')), bodies),
        close: async () => {},
      }
    },
  },
  ...(['seq', 'stress'] as const).map(
    (type): SourceUnderTest => ({
      name: type,
      feedsItself: true,
      async create(context) {
        const values =
          type === 'seq'
            ? { totalEvents: 20_000 }
            : { maxTotalEvents: 20_000, maxEventsPerSecond: 2000 }
        return {
          source: make(named('source', type), values, context),
          feed: async () => {},
          close: async () => {},
        }
      },
    }),
  ),
  {
    name: 'scheduled',
    feedsItself: true,
    async create(context) {
      const source: Source = make(
        named('source', 'scheduled'),
        { interval: 20, body: 'tick' },
        context,
      )
      return { source, feed: async () => {}, close: async () => {} }
    },
  },
]

/** Removes the id that the database assigned to each row. */
function stripped(channels: SourceContext['channels']): SourceContext['channels'] {
  const own = Object.create(channels) as SourceContext['channels']
  return Object.defineProperties(own, {
    maxBatchSize: { value: channels.maxBatchSize },
    receivedUpTo: { value: (id: string) => channels.receivedUpTo(id) },
    process: {
      value: (events: readonly Event[], options?: object) => {
        for (const event of events) {
          event.body = Buffer.from(event.body.toString().replace(/^\d+,/, ''))
        }
        return channels.process(events, options)
      },
    },
  })
}

async function sendDatagrams(address: string, bodies: readonly string[]): Promise<void> {
  const [host, port] = address.split(':')
  const socket = createSocket('udp4')
  for (const body of bodies) {
    await new Promise<void>((resolve) => socket.send(body, Number(port), host, () => resolve()))
  }
  socket.close()
}

for (const each of sourceContracts) sourceContract(each)

/** A server that can be switched to reject everything. */
async function refusingServer(
  handle: (request: IncomingMessage, body: Buffer, response: ServerResponse) => void,
): Promise<{ readonly url: string; refuse(isBroken: boolean): void; close(): Promise<void> }> {
  let isBroken = false
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (isBroken) response.writeHead(503).end()
      else handle(request, Buffer.concat(chunks), response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { readonly port: number }
  return {
    url: `http://127.0.0.1:${address.port}`,
    refuse(should) {
      isBroken = should
    },
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

/** One of our sources with a channel that can be switched to reject events. */
async function receivingAgent(type: 'avro' | 'thrift') {
  const channel = testChannel()
  const plan = await defineAgent({
    name: 'receiver',
    channels: { c1: { type: { type: 'test', about: '', keys: {}, create: () => channel } } },
    sources: { r1: { type, bind: '127.0.0.1', port: 0, channels: ['c1'] } },
  })
  const agent = new Agent(plan, { logger: silentLogger, drainTimeoutMs: 0 })
  await agent.start()
  const [hostname, port] = (agent.addressesOf('r1')[0] as string).split(':')
  return { agent, channel, target: { hostname, port: Number(port) } }
}

const sinkContracts: SinkUnderTest[] = [
  ...(['null', 'logger'] as const).map(
    (type): SinkUnderTest => ({
      name: type,
      keepsNothing: true,
      create: async (context) => ({
        sink: make(named('sink', type), {}, context),
        received: async () => [],
        close: async () => {},
      }),
    }),
  ),
  {
    name: 'file_roll',
    async create(context) {
      const path = mkdtempSync(fresh('roll'))
      const values = { directory: path, batchSize: 100 }
      return {
        sink: make(named('sink', 'file_roll'), values, context),
        received: async () =>
          readdirSync(path)
            .sort()
            .flatMap((name) => linesOf(readFileSync(join(path, name), 'utf8'))),
        close: async () => {},
      }
    },
  },
  ...(['avro', 'thrift'] as const).map(
    (type): SinkUnderTest => ({
      name: type,
      mayDouble: type === 'thrift',
      async create(context) {
        const { agent, channel, target } = await receivingAgent(type)
        const received = async (): Promise<string[]> =>
          channel.committed.map(({ body }) => body.toString())
        return {
          sink: make(named('sink', type), { ...target, batchSize: 100 }, context),
          received,
          breakTarget: async () => channel.failPuts(Number.MAX_SAFE_INTEGER),
          mendTarget: async () => channel.failPuts(0),
          close: () => agent.stop(),
        }
      },
    }),
  ),
  {
    name: 'http',
    async create(context) {
      const bodies: string[] = []
      const server = await refusingServer((_request, body, response) => {
        bodies.push(body.toString())
        response.end()
      })
      const overrides = {
        rollback: new Map([['200', 'false']]),
        backoff: new Map([['200', 'false']]),
      }
      return {
        sink: make(named('sink', 'http'), { endpoint: server.url, ...overrides }, context),
        received: async () => bodies,
        breakTarget: async () => server.refuse(true),
        mendTarget: async () => server.refuse(false),
        close: () => server.close(),
      }
    },
  },
  {
    name: 'elasticsearch',
    async create(context) {
      const documents = new Map<string, string>()
      const server = await refusingServer((_request, body, response) => {
        const lines = linesOf(body.toString())
        const items: object[] = []
        for (let i = 0; i < lines.length; i += 2) {
          const action = JSON.parse(lines[i] as string) as {
            readonly index: { readonly _id: string }
          }
          const document = JSON.parse(lines[i + 1] as string) as { readonly body: string }
          documents.set(action.index._id, document.body)
          items.push({ index: { status: 201 } })
        }
        response.end(JSON.stringify({ errors: false, items }))
      })
      return {
        sink: make(named('sink', 'elasticsearch'), { hosts: [server.url] }, context),
        received: async () => [...documents.values()],
        breakTarget: async () => server.refuse(true),
        mendTarget: async () => server.refuse(false),
        close: () => server.close(),
      }
    },
  },
  {
    name: 's3',
    async create(context) {
      const objects = new Map<string, string>()
      const server = await refusingServer((request, body, response) => {
        objects.set(request.url ?? '', body.toString())
        response.end()
      })
      const values = {
        bucket: 'b',
        endpoint: server.url,
        accessKeyId: 'a',
        secretAccessKey: 's',
        rollCount: 30,
        rollInterval: 1,
        batchSize: 10,
      }
      return {
        sink: make(named('sink', 's3'), values, context),
        received: async () => [...objects.values()].flatMap(linesOf),
        breakTarget: async () => server.refuse(true),
        mendTarget: async () => server.refuse(false),
        close: () => server.close(),
      }
    },
  },
  {
    name: 'hdfs',
    // An append whose reply is lost is stored twice.
    mayDouble: true,
    async create(context) {
      const files = new Map<string, string>()
      const server = await refusingServer((request, body, response) => {
        const url = new URL(request.url ?? '', server.url)
        const operation = url.searchParams.get('op')
        if (operation === 'RENAME') {
          const to = url.searchParams.get('destination') as string
          files.set(to, files.get(url.pathname.slice('/webhdfs/v1'.length)) ?? '')
          files.delete(url.pathname.slice('/webhdfs/v1'.length))
          response.end('{"boolean": true}')
          return
        }
        if (!url.searchParams.has('here')) {
          url.searchParams.set('here', '1')
          response.writeHead(307, { location: url.href }).end()
          return
        }
        const path = url.pathname.slice('/webhdfs/v1'.length)
        files.set(path, (files.get(path) ?? '') + body.toString())
        response.writeHead(operation === 'CREATE' ? 201 : 200).end()
      })
      const values = {
        path: 'hdfs://name/logs',
        webHdfs: server.url,
        fileType: 'DataStream',
        rollCount: 30,
        rollSize: 0,
      }
      return {
        sink: make(named('sink', 'hdfs'), values, context),
        received: async () => [...files.values()].flatMap(linesOf),
        breakTarget: async () => server.refuse(true),
        mendTarget: async () => server.refuse(false),
        close: () => server.close(),
      }
    },
  },
  {
    name: 'sql',
    async create(context) {
      const { DatabaseSync } = await import('node:sqlite')
      const path = fresh('sink.db')
      const database = new DatabaseSync(path, { timeout: 100 })
      database.exec('CREATE TABLE lines (place TEXT PRIMARY KEY, body TEXT)')
      const columns = new Map([
        ['place', 'position'],
        ['body', 'body'],
      ])
      return {
        sink: make(
          named('sink', 'sql'),
          { connection: `sqlite:${path}`, table: 'lines', columns },
          context,
        ),
        received: async () =>
          database
            .prepare('SELECT body FROM lines')
            .all()
            .map(({ body }) => String(body)),
        breakTarget: async () =>
          database.exec('ALTER TABLE lines RENAME TO gone; CREATE VIEW lines AS SELECT 1 AS place'),
        mendTarget: async () => database.exec('DROP VIEW lines; ALTER TABLE gone RENAME TO lines'),
        close: async () => database.close(),
      }
    },
  },
  {
    name: 'kafka',
    async create(context) {
      const topic = `sink-${number++}`
      await using admin = new Admin({ bootstrapServers: broker.address })
      await admin.createTopics([{ name: topic, numPartitions: 1 }])
      const consumer = new Consumer({ bootstrapServers: broker.address })
      consumer.assign([{ topic, partition: 0 }])
      consumer.seekToBeginning()
      const bodies: string[] = []
      return {
        sink: make(named('sink', 'kafka'), { bootstrapServers: broker.address, topic }, context),
        received: async () => {
          for (const { value } of await consumer.poll(100)) bodies.push(value?.toString() ?? '')
          return bodies
        },
        close: () => consumer.close(),
      }
    },
  },
  {
    name: 'jms',
    async create(context) {
      const queue = `sink-${number++}`
      const connection = await new ConnectionFactory(
        `amqp://${provider.address}`,
      ).createConnection()
      const session = await connection.createSession(Session.AUTO_ACKNOWLEDGE)
      const consumer = await session.createConsumer(new Queue(queue))
      await connection.start()
      const bodies: string[] = []
      return {
        sink: make(
          named('sink', 'jms'),
          { providerURL: provider.address, destinationName: queue },
          context,
        ),
        received: async () => {
          for (
            let message = await consumer.receive(50);
            message !== null;
            message = await consumer.receive(50)
          ) {
            bodies.push((message as TextMessage).getText() ?? '')
          }
          return bodies
        },
        close: () => connection.close(),
      }
    },
  },
]

for (const each of sinkContracts) sinkContract(each)
