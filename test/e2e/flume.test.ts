// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, nodeWorld } from '@millrace/base'
import {
  Agent,
  type AgentDefinition,
  ConfigurationError,
  defineAgent,
  Event,
  loadAgents,
  OperationServer,
  problemText,
  startAgent,
} from '@millrace/flume'
import { testChannel } from '@millrace/flume/testing'
import { until } from './until.ts'

const root = mkdtempSync(join(tmpdir(), 'flume-'))
after(() => rmSync(root, { recursive: true, force: true }))

let number = 0
function fresh(name: string): string {
  const path = join(root, `${name}-${number++}`)
  mkdirSync(path)
  return path
}

function load(text: string, agent = 'a1') {
  return loadAgents([{ where: 'agent.conf', text }], {
    agent,
    environment: { HOME: root },
    directory: root,
  })
}

async function problemsOf(text: string): Promise<readonly string[]> {
  try {
    await loadAgents([{ where: 'agent.conf', text }], {
      agent: 'a1',
      environment: { HOME: root },
      directory: root,
      strict: true,
    })
  } catch (error) {
    assert.ok(error instanceof ConfigurationError, String(error))
    return error.problems.map(problemText)
  }
  return []
}

const good = `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = 0
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.sinks.k1.type = null
a1.sinks.k1.channel = c1
`

function linesIn(directory: string): string[] {
  return readdirSync(directory)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .flatMap((name) =>
      readFileSync(join(directory, name), 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    )
}

function fileChannel(name: string) {
  const path = fresh(name)
  return {
    type: 'file',
    dataDirs: join(path, 'data'),
    checkpointDir: join(path, 'checkpoint'),
    minimumRequiredSpace: 0,
  } as const
}

async function send(address: string, text: string): Promise<string> {
  const [host, port] = address.split(':')
  const socket = connect({ host: host as string, port: Number(port) })
  socket.end(text)
  let answer = ''
  socket.on('data', (data) => {
    answer += data
  })
  await once(socket, 'close')
  return answer
}

describe('configuration', () => {
  it('is accepted if it is valid', async () => {
    const [plan] = await load(good)
    assert.equal(plan?.sources[0]?.values.port, 0)
  })

  it('reports each error with file, line, key and nearest spelling', async () => {
    const cases: readonly [string, string][] = [
      [
        'a1.channels.c1.capasity = 5',
        'agent.conf:12: a1.channels.c1.capasity is not known; did you mean capacity?',
      ],
      [
        'a1.sources.r1.max-line-length = long',
        'agent.conf:12: a1.sources.r1.max-line-length is "long"; expected a whole number from 1',
      ],
      [
        'a1.sources.r1.channels = c2',
        'agent.conf:12: a1.sources.r1.channels names channel c2, which does not exist; did you mean c1?',
      ],
      [
        'a1.sinks.k1.channel = c9',
        'agent.conf:12: a1.sinks.k1.channel names channel c9, which does not exist; did you mean c1?',
      ],
      [
        'a1.sources.r1.type = netcta',
        'agent.conf:12: a1.sources.r1.type is "netcta", which is not a source; did you mean netcat?',
      ],
      [
        'a1.sinks.k2.type = null',
        'agent.conf:12: a1.sinks.k2.type is for k2, which a1.sinks does not list; did you mean k1?',
      ],
      [
        'a1.source.r1.port = 1',
        'agent.conf:12: a1.source.r1.port is not known; did you mean a1.sources?',
      ],
      [
        'a1.sources.r1.selector.type = multiplexing\na1.sources.r1.selector.mapping.x = c7',
        'agent.conf:13: a1.sources.r1.selector.mapping.x names channel c7, which the source does not have; it has c1',
      ],
      [
        'a1.channels.c1.transactionCapacity = 1000',
        "agent.conf:12: a1.channels.c1.transactionCapacity is 1000, more than the channel's capacity of 100",
      ],
      [
        'a1.sinks.k1.type = hbase',
        'agent.conf:12: a1.sinks.k1.type is hbase, which is not supported: HBase has no client here; send to a topic with type = kafka and load it from there',
      ],
      [
        'a1.sinks.k1.batchSize = 5000',
        'agent.conf:12: a1.sinks.k1.batchSize is 5000, more than the transactionCapacity of channel c1 (100)',
      ],
      [
        `a1.sources.r1.bind = \${env:NOWHERE}`,
        `agent.conf:12: a1.sources.r1.bind has \${env:NOWHERE}, and the environment has no NOWHERE`,
      ],
    ]
    for (const [line, expected] of cases) {
      assert.deepEqual(await problemsOf(`${good}${line}\n`), [expected])
    }
  })

  it('lists the agents in a file', async () => {
    await assert.rejects(load(good, 'a2'), /there is no agent a2; did you mean a1\?/)
  })

  it('may contain class names, several agents, and references to other sources', async () => {
    const [plan] = await load(`
where = 127.0.0.1
a2.sources = other
a2.sources.other.type = nonsense
a1.configfilters = f1
a1.configfilters.f1.type = env
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = org.apache.flume.source.NetcatSource
a1.sources.r1.bind = \${where}
a1.sources.r1.port = 0
a1.sources.r1.channels = c1
a1.channels.c1.type = org.apache.flume.channel.MemoryChannel
a1.sinks.k1.type = file_roll
a1.sinks.k1.sink.directory = \${f1["HOME"]}/out
a1.sinks.k1.channel = c1
`)
    assert.equal(plan?.sources[0]?.values.bind, '127.0.0.1')
    assert.equal(plan?.sinkGroups[0]?.sinks[0]?.values.directory, `${root}/out`)
  })

  it('is reported with its line if a port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { readonly port: number }
    const [plan] = await load(good.replace('port = 0', `port = ${port}`))
    const agent = new Agent(plan as NonNullable<typeof plan>)
    await assert.rejects(
      agent.start(),
      new RegExp(
        `agent.conf:7: a1.sources.r1.port: cannot listen on 127.0.0.1:${port}: the port is taken`,
      ),
    )
    server.close()
  })
})

describe('an agent', () => {
  it('delivers a single event without waiting for a timer', async () => {
    const out = fresh('out')
    const clock: Clock = { ...nodeWorld.clock, setTimer: () => ({ cancel: () => {} }) }
    const agent = await startAgent(
      {
        name: 'a1',
        sources: { r1: { type: 'netcat', bind: '127.0.0.1', port: 0, channels: ['c1'] } },
        channels: { c1: { type: 'memory' } },
        sinks: { k1: { type: 'file_roll', directory: out, channel: 'c1' } },
      },
      { world: { ...nodeWorld, clock } },
    )
    const [address = ''] = agent.addressesOf('r1')
    for (const body of ['first', 'second', 'third']) {
      assert.equal(await send(address, `${body}\n`), 'OK\n')
      await until(() => linesIn(out).includes(body))
    }
    await agent.stop()
  })

  it('reads and writes with user-defined components', async () => {
    const [spool, out] = [fresh('spool'), fresh('out')]
    writeFileSync(join(spool, 'texts'), 'one\ntwo\n\nthree\n')
    const file = `
a1.sources = h s
a1.channels = c
a1.sinks = k
a1.sources.h.type = http
a1.sources.h.bind = 127.0.0.1
a1.sources.h.port = 0
a1.sources.h.handler = ./flume-parts.ts#Cells
a1.sources.h.channels = c
a1.sources.s.type = spooldir
a1.sources.s.spoolDir = ${spool}
a1.sources.s.deserializer = ./flume-parts.ts#Paragraphs
a1.sources.s.deserializer.prefix = text:
a1.sources.s.channels = c
a1.channels.c.type = memory
a1.sinks.k.type = file_roll
a1.sinks.k.channel = c
a1.sinks.k.sink.directory = ${out}
a1.sinks.k.sink.serializer = ./flume-parts.ts#Shouting
a1.sinks.k.sink.serializer.mark = ?
`
    const load = (text: string) =>
      loadAgents([{ where: 'agent.conf', text }], {
        agent: 'a1',
        directory: import.meta.dirname,
        strict: true,
      })
    const [plan] = await load(file)
    const agent = new Agent(plan as NonNullable<typeof plan>)
    await agent.start()
    await until(() => linesIn(out).length === 3)
    const [address] = agent.addressesOf('h')
    const post = (body: string) => fetch(`http://${address}/`, { method: 'POST', body })
    assert.equal((await post('a,b')).status, 200)
    const refused = await post('')
    assert.deepEqual(
      [refused.status, await refused.text()],
      [400, 'Bad request: there are no cells\n'],
    )
    await until(() => linesIn(out).length === 5)
    await agent.stop()
    assert.deepEqual(linesIn(out), ['HEAD', 'TEXT:ONE TWO?', 'TEXT:THREE?', 'A?', 'B?'])

    await assert.rejects(
      load(file.replace('mark = ?', 'marks = ?').replace('#Cells', '#Rows')),
      (error: ConfigurationError) => {
        assert.deepEqual(error.problems.map(problemText), [
          'agent.conf:8: a1.sources.h.handler ./flume-parts.ts has no component Rows; it has Cells, Paragraphs, Shouting',
          'agent.conf:20: a1.sinks.k.sink.serializer.marks is not known; did you mean mark?',
        ])
        return true
      },
    )
  })

  it('drains its memory channels before it stops', async () => {
    const out = fresh('out')
    const agent = await startAgent({
      name: 'a1',
      sources: { r1: { type: 'seq', totalEvents: 5000, batchSize: 100, channels: ['c1'] } },
      channels: { c1: { type: 'memory', capacity: 10_000 } },
      sinks: { k1: { type: 'file_roll', directory: out, channel: 'c1', batchSize: 7 } },
    })
    await until(
      () =>
        Number(agent.counters.find(({ name }) => name === 'r1')?.value('EventAcceptedCount')) ===
        5000,
    )
    await agent.stop()
    assert.equal(linesIn(out).length, 5000)
  })

  it('slows senders down while a sink is down, and loses nothing', async () => {
    let isDead = true
    let delivered = 0
    class Slow {
      readonly batchSize = 1000
      async process({ events }: { readonly events: readonly Event[] }): Promise<void> {
        if (isDead) throw new Error('dead')
        delivered += events.length
      }
    }
    const agent = await startAgent({
      name: 'a1',
      sources: { r1: { type: 'syslogtcp', host: '127.0.0.1', port: 0, channels: ['c1'] } },
      channels: {
        c1: { type: 'memory', capacity: 2000, transactionCapacity: 1000, keepAlive: 1 },
      },
      sinks: { k1: { type: Slow, channel: 'c1' } },
    })
    const port = Number(agent.addressesOf('r1')[0]?.split(':')[1])
    const socket = connect({ host: '127.0.0.1', port })
    const total = 300_000
    const block = `<13>1 2026-01-01T00:00:00Z host ${'x'.repeat(67)}\n`.repeat(1000)
    let sent = 0
    const sending = (async () => {
      for (; sent < total; sent += 1000) {
        if (!socket.write(block)) await once(socket, 'drain')
      }
      socket.end()
    })()
    let before = -1
    const isStuck = async (): Promise<boolean> => {
      before = sent
      await sleep(300)
      return before === sent
    }
    await until(isStuck, 30_000)
    assert.ok(sent < total, 'the sender waits')
    assert.ok(Number(agent.channels.get('c1')?.size) <= 2000)
    isDead = false
    await sending
    await until(() => delivered === total)
    await agent.stop()
  })

  it('stops while its channel is full and its sink is down', async () => {
    class Dead {
      readonly batchSize = 10
      async process(): Promise<void> {
        throw new Error('dead')
      }
    }
    const plan = await defineAgent({
      name: 'a1',
      sources: { r1: { type: 'syslogtcp', host: '127.0.0.1', port: 0, channels: ['c1'] } },
      channels: { c1: { type: 'memory', capacity: 10, transactionCapacity: 10, keepAlive: 0 } },
      sinks: { k1: { type: Dead, channel: 'c1' } },
    })
    const agent = new Agent(plan, { drainTimeoutMs: 100 })
    await agent.start()
    const port = Number(agent.addressesOf('r1')[0]?.split(':')[1])
    const socket = connect({ host: '127.0.0.1', port })
    socket.write('<13>1 2026-01-01T00:00:00Z host x\n'.repeat(100))
    await until(() => agent.channels.get('c1')?.size === 10)
    await sleep(50)
    await agent.stop()
    socket.destroy()
  })

  it('fails over to another sink, and back when the first one has recovered', async () => {
    const arrived: string[] = []
    let isBroken = false
    const sink = (name: string, fails: () => boolean) =>
      class {
        readonly batchSize = 10
        async process({ events }: { readonly events: readonly Event[] }): Promise<void> {
          if (fails()) throw new Error('broken')
          for (const { body } of events) arrived.push(`${name} ${body}`)
        }
      }
    const channel = testChannel()
    const agent = await startAgent({
      name: 'a1',
      channels: { c1: { type: { type: 'test', about: '', keys: {}, create: () => channel } } },
      sinks: {
        k1: { type: sink('k1', () => isBroken), channel: 'c1' },
        k2: { type: sink('k2', () => false), channel: 'c1' },
      },
      sinkGroups: {
        g1: {
          sinks: ['k1', 'k2'],
          processor: { type: 'failover', priorities: { k1: 10, k2: 5 }, maxPenalty: 50 },
        },
      },
    })
    const put = async (body: string): Promise<void> => {
      const count = arrived.length
      await (await channel.put([Event.text(body)])).commit()
      await until(() => arrived.length > count)
    }
    await put('a')
    isBroken = true
    await put('b')
    isBroken = false
    await sleep(80)
    await put('c')
    assert.deepEqual(arrived, ['k1 a', 'k2 b', 'k1 c'])
    await agent.stop()
  })

  it('puts events into several durable channels atomically', async () => {
    const outs = [fresh('one'), fresh('two')]
    const definition = (capacity: number): AgentDefinition => ({
      name: 'a1',
      sources: { r1: { type: 'http', bind: '127.0.0.1', port: 0, channels: ['c1', 'c2'] } },
      channels: {
        c1: { ...one, transactionCapacity: 10 },
        c2: { ...two, capacity, transactionCapacity: Math.min(capacity, 10), keepAlive: 0 },
      },
      sinks: {
        k1: { type: 'file_roll', directory: outs[0] as string, channel: 'c1' },
        k2: { type: 'file_roll', directory: outs[1] as string, channel: 'c2' },
      },
    })
    const one = fileChannel('c1')
    const two = fileChannel('c2')
    const post = async (agent: Agent, bodies: readonly string[]): Promise<number> => {
      const [address] = agent.addressesOf('r1')
      const body = JSON.stringify(bodies.map((each) => ({ headers: {}, body: each })))
      return (await fetch(`http://${address}`, { method: 'POST', body })).status
    }
    const agent = await startAgent(definition(1))
    // As observed with Flume: first second second second.
    assert.equal(await post(agent, ['first']), 200)
    await until(() => linesIn(outs[1] as string).length === 1)
    for (let i = 0; i < 3; i++) assert.equal(await post(agent, ['second', 'third']), 503)
    await agent.stop()
    const larger = await startAgent(definition(10))
    assert.equal(await post(larger, ['second', 'third']), 200)
    await until(() => outs.every((out) => linesIn(out).length === 3))
    await larger.stop()
    for (const out of outs) assert.deepEqual(linesIn(out), ['first', 'second', 'third'])
  })

  it('reads a rotated file once, even if the pattern matches its new name', async () => {
    const path = fresh('logs')
    const out = fresh('out')
    const definition: AgentDefinition = {
      name: 'a1',
      sources: {
        r1: {
          type: 'TAILDIR',
          filegroups: ['g'],
          patterns: { g: `${path}/app.*` },
          positionFile: join(root, 'positions.json'),
          channels: ['c1'],
        },
      },
      channels: { c1: fileChannel('tail') },
      sinks: { k1: { type: 'file_roll', directory: out, channel: 'c1' } },
    }
    writeFileSync(join(path, 'app.log'), 'l1\nl2\nl3\n')
    const agent = await startAgent(definition)
    await until(() => linesIn(out).length === 3)
    renameSync(join(path, 'app.log'), join(path, 'app.log.1'))
    appendFileSync(join(path, 'app.log.1'), 'l4\n')
    writeFileSync(join(path, 'app.log'), 'l5\n')
    await until(() => linesIn(out).length >= 5)
    await agent.stop()
    const again = await startAgent(definition)
    appendFileSync(join(path, 'app.log'), 'l6\n')
    await until(() => linesIn(out).length >= 6)
    await sleep(100)
    await again.stop()
    assert.deepEqual(linesIn(out).sort(), ['l1', 'l2', 'l3', 'l4', 'l5', 'l6'])
  })

  it('reads rows whose transactions ended after those of later rows', async () => {
    const { DatabaseSync } = await import('node:sqlite')
    const path = fresh('table')
    const out = fresh('out')
    const database = new DatabaseSync(join(path, 'orders.db'))
    database.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY)')
    const insert = (...ids: readonly number[]): void => {
      for (const id of ids) database.prepare('INSERT INTO orders VALUES (?)').run(id)
    }
    const definition: AgentDefinition = {
      name: 'a1',
      sources: {
        r1: {
          type: 'sql',
          connection: `sqlite:${path}/orders.db`,
          table: 'orders',
          statusFile: join(path, 'status'),
          pollInterval: 10,
          batchSize: 3,
          format: 'csv',
          channels: ['c1'],
        },
      },
      channels: { c1: fileChannel('late-rows') },
      sinks: { k1: { type: 'file_roll', directory: out, channel: 'c1' } },
    }
    const agent = await startAgent(definition)
    insert(2, 6, 9)
    await until(() => linesIn(out).length === 3)
    insert(4, 10)
    await until(() => linesIn(out).length === 5)
    await agent.stop()
    insert(1, 3, 8, 11)
    const again = await startAgent(definition)
    await until(() => linesIn(out).length === 9)
    insert(5, 7)
    await until(() => linesIn(out).length === 11)
    await sleep(50)
    await again.stop()
    assert.deepEqual(
      linesIn(out)
        .map(Number)
        .sort((a, b) => a - b),
      Array.from({ length: 11 }, (_, index) => index + 1),
    )
    const { last, gaps } = JSON.parse(readFileSync(join(path, 'status'), 'utf8'))
    assert.deepEqual([last, gaps], [11, []])
    database.close()
  })

  it("adopts Flume's position file", async () => {
    const path = fresh('logs')
    const out = fresh('out')
    const log = join(path, 'app.log')
    writeFileSync(log, 'old\nnew\n')
    const { ino } = (await import('node:fs')).statSync(log)
    const positionFile = join(path, 'position.json')
    writeFileSync(positionFile, JSON.stringify([{ inode: ino, pos: 4, file: log }]))
    const agent = await startAgent({
      name: 'a1',
      sources: {
        r1: {
          type: 'TAILDIR',
          filegroups: ['g'],
          patterns: { g: log },
          positionFile,
          channels: ['c1'],
        },
      },
      channels: { c1: { type: 'memory' } },
      sinks: { k1: { type: 'file_roll', directory: out, channel: 'c1' } },
    })
    await until(() => linesIn(out).length >= 1)
    await agent.stop()
    assert.deepEqual(linesIn(out), ['new'])
    assert.deepEqual(JSON.parse(readFileSync(positionFile, 'utf8')), [
      { inode: ino, pos: 8, file: log },
    ])
  })

  it('restarts only the changed components, and keeps events in memory channels', async () => {
    const out = fresh('out')
    const definition = (more: Partial<AgentDefinition>, capacity = 100): AgentDefinition => ({
      name: 'a1',
      sources: { r1: { type: 'netcat', bind: '127.0.0.1', port: 0, channels: ['c1'] } },
      channels: { c1: { type: 'memory', capacity } },
      ...more,
    })
    const agent = await startAgent(definition({}))
    const [address = ''] = agent.addressesOf('r1')
    await send(address, 'one\ntwo\n')
    const sinks = { k1: { type: 'file_roll' as const, directory: out, channel: 'c1' } }
    const changes = await agent.reload(await defineAgent(definition({ sinks }, 200)))
    assert.deepEqual(changes.kept, ['channel c1', 'source r1'])
    assert.deepEqual(changes.started, ['sink k1'])
    await send(address, 'three\n')
    await until(() => linesIn(out).length === 3)
    const broken = definition({
      sinks,
      sources: { r1: { type: 'netcat', bind: '203.0.113.1', port: 0, channels: ['c1'] } },
    })
    await assert.rejects(agent.reload(await defineAgent(broken)), /cannot listen on 203.0.113.1/)
    const [same = ''] = agent.addressesOf('r1')
    await send(same, 'four\n')
    await until(() => linesIn(out).length === 4)
    await agent.stop()
  })

  it('changes events with user functions, and records their lineage', async () => {
    const channel = testChannel()
    const receiver = await startAgent({
      name: 'last',
      sources: { in: { type: 'avro', bind: '127.0.0.1', port: 0, channels: ['c1'] } },
      channels: { c1: { type: { type: 'test', about: '', keys: {}, create: () => channel } } },
    })
    const [hostname = '', port] = (receiver.addressesOf('in')[0] ?? '').split(':')
    const sender = await startAgent({
      name: 'first',
      sources: {
        lines: {
          type: 'netcat',
          bind: '127.0.0.1',
          port: 0,
          channels: ['c1'],
          interceptors: {
            mask: (event) => {
              if (event.body.includes('secret')) return null
              event.headers.size = String(event.body.length)
              return event
            },
            fixed: { type: 'static', key: 'datacenter', value: 'fra' },
          },
        },
      },
      channels: { c1: fileChannel('lineage') },
      sinks: { out: { type: 'avro', hostname, port: Number(port), channel: 'c1' } },
    })
    const server = new OperationServer(receiver, { port: 0 })
    await server.start()
    const tap = await fetch(`http://${server.address}/tap/in`)
    await send(sender.addressesOf('lines')[0] ?? '', 'hello\na secret\nworld\n')
    await until(() => channel.committed.length === 2)
    assert.deepEqual(
      channel.committed.map(({ headers, body }) => [{ ...headers }, body.toString()]),
      [
        [{ size: '5', datacenter: 'fra' }, 'hello'],
        [{ size: '5', datacenter: 'fra' }, 'world'],
      ],
    )
    const reader = tap.body?.getReader()
    const seen = JSON.parse(
      new TextDecoder().decode((await reader?.read())?.value).split('\n')[0] ?? '',
    ) as {
      readonly body: string
      readonly lineage: readonly { readonly agent: string; readonly source: string }[]
    }
    await reader?.cancel()
    assert.equal(seen.body, 'hello')
    assert.deepEqual(
      seen.lineage.map(({ agent, source }) => `${agent}.${source}`),
      ['first.lines', 'last.in'],
    )
    const flume = (await (await fetch(`http://${server.address}/metrics`)).json()) as Record<
      string,
      Record<string, string>
    >
    assert.equal(flume['SOURCE.in']?.EventAcceptedCount, '2')
    assert.equal(flume['CHANNEL.c1']?.Type, 'CHANNEL')
    const prometheus = await fetch(`http://${server.address}/metrics`, {
      headers: { accept: 'text/plain' },
    })
    assert.match(
      await prometheus.text(),
      /flume_source_event_accepted_total\{agent="last",component="in"\} 2/,
    )
    await server.stop()
    await sender.stop()
    await receiver.stop()
  })
})
