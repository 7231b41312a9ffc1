// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAgent } from '@millrace/flume'
import { freePort } from '@millrace/testkit'
import type { Protocol, Watched } from './hostile-suite.ts'
import { RecordingProxy } from './recording-proxy.ts'
import { ServerUnderTest } from './server-under-test.ts'

/** `millrace agent` with every listening source, and the traffic of honest clients. */
export interface AgentUnderTest extends Watched, AsyncDisposable {
  readonly protocols: readonly Protocol[]
}

const sourceTypes = [
  'netcat',
  'syslogtcp',
  'multiport_syslogtcp',
  'http',
  'avro',
  'thrift',
] as const

export async function startAgentUnderTest(): Promise<AgentUnderTest> {
  const ports = new Map<string, number>()
  for (const type of [...sourceTypes, 'metrics']) ports.set(type, await freePort())
  const port = (type: string): number => ports.get(type) ?? 0
  const lines = [
    `a1.sources = ${sourceTypes.join(' ')}`,
    'a1.channels = c1',
    'a1.sinks = k1',
    'a1.channels.c1.type = memory',
    'a1.channels.c1.capacity = 10000',
    'a1.channels.c1.transactionCapacity = 1000',
    'a1.sinks.k1.type = null',
    'a1.sinks.k1.channel = c1',
    ...sourceTypes.flatMap((type) => [
      `a1.sources.${type}.type = ${type}`,
      `a1.sources.${type}.channels = c1`,
      type.startsWith('syslog') || type.startsWith('multi')
        ? `a1.sources.${type}.host = 127.0.0.1`
        : `a1.sources.${type}.bind = 127.0.0.1`,
      type.startsWith('multi')
        ? `a1.sources.${type}.ports = ${port(type)}`
        : `a1.sources.${type}.port = ${port(type)}`,
    ]),
  ]
  const file = join(mkdtempSync(join(tmpdir(), 'hostile-agent-')), 'agent.conf')
  writeFileSync(file, lines.join('\n'))
  const metrics = `127.0.0.1:${port('metrics')}`
  const { server } = await ServerUnderTest.start(
    ['agent', '-n', 'a1', '-f', file, '--metrics', metrics, '--log-level', 'warn'],
    /^millrace ready agent=a1/m,
  )
  const text = (...chunks: string[]): Buffer[][] => [chunks.map((chunk) => Buffer.from(chunk))]
  const body = '[{"headers":{"a":"b"},"body":"hello"}]'
  const post = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`
  const message = '<13>Nov 28 10:00:00 host app: hello\n'
  const protocols: Protocol[] = [
    {
      name: 'netcat',
      port: port('netcat'),
      conversations: text('one\n', 'two\n', 'three\n', 'four'),
      hugeLengths: [Buffer.alloc(4_000_000, 'x')],
    },
    ...(['syslogtcp', 'multiport_syslogtcp'] as const).map((type) => ({
      name: type,
      port: port(type),
      conversations: text(message, message, message.slice(0, 20)),
      hugeLengths: [Buffer.from('999999999 <13>'), Buffer.alloc(4_000_000, 'x')],
    })),
    {
      name: 'HTTP source',
      port: port('http'),
      conversations: text(post, body.slice(0, 10), body.slice(10), post, body),
      hugeLengths: [
        Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n['),
        Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(2_000_000)}`),
      ],
    },
    {
      name: 'Avro RPC',
      port: port('avro'),
      conversations: await recordSink('avro', port('avro')),
      // A frame of 2^31 - 1 bytes; a list of 2^31 - 1 frames.
      hugeLengths: [
        Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff]),
        Buffer.from([0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff]),
      ],
    },
    {
      name: 'Thrift RPC',
      port: port('thrift'),
      conversations: await recordSink('thrift', port('thrift')),
      hugeLengths: [Buffer.from([0x7f, 0xff, 0xff, 0xff]), Buffer.from([0xff, 0xff, 0xff, 0xff])],
    },
    {
      name: 'metrics',
      port: port('metrics'),
      conversations: text('GET /metrics HTTP/1.1\r\n', 'Host: a\r\n\r\n'),
      hugeLengths: [Buffer.from(`GET /${'x'.repeat(2_000_000)}`)],
    },
  ]
  const exchange = async (): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${port('http')}/`, {
      method: 'POST',
      body,
      headers: { connection: 'close' },
    })
    // 503: the channel is full of the events of others; the reply is immediate.
    if (response.status !== 200 && response.status !== 503) {
      throw new Error(`the HTTP source answered ${response.status}`)
    }
    await response.arrayBuffer()
  }
  return {
    server,
    protocols,
    exchange,
    leftovers: async () => [],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** The traffic of an agent's sink to the next agent. */
async function recordSink(type: 'avro' | 'thrift', port: number): Promise<Buffer[][]> {
  await using proxy = await RecordingProxy.start(port)
  await using agent = await startAgent({
    name: 'recorded',
    sources: { s: { type: 'seq', totalEvents: 500, channels: ['c'] } },
    channels: { c: { type: 'memory' } },
    sinks: { k: { type, hostname: '127.0.0.1', port: proxy.port, channel: 'c' } },
  })
  await agent.stop()
  return proxy.conversations.filter((chunks) => chunks.length > 0).map((chunks) => [...chunks])
}
