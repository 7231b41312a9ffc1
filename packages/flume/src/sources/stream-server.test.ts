// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { MemoryNetwork, nodeWorld } from '@millrace/base'
import { type Agent, startAgent } from '../index.ts'

const definition = {
  name: 'a',
  sources: { s: { type: 'netcat', bind: '127.0.0.1', port: 0, channels: ['c'] } },
  channels: { c: { type: 'memory', capacity: 10_000, transactionCapacity: 1000 } },
  sinks: { k: { type: 'null', channel: 'c' } },
} as const

function portOf(agent: Agent): number {
  return Number(agent.addressesOf('s')[0]?.split(':')[1])
}

async function withNetcat(test: (socket: Socket, agent: Agent) => Promise<void>): Promise<void> {
  const agent = await startAgent(definition)
  const socket = connect({ host: '127.0.0.1', port: portOf(agent), allowHalfOpen: true })
  socket.on('error', () => {})
  try {
    await once(socket, 'connect')
    await test(socket, agent)
  } finally {
    socket.destroy()
    await agent.stop()
  }
}

function accepted(agent: Agent): number {
  const source = agent.counters.find(({ kind }) => kind === 'SOURCE')
  return Number(new Map(source?.read()).get('EventAcceptedCount') ?? 0)
}

describe('a source that replies', () => {
  it('sends all replies to a peer that has closed its side', async () => {
    await withNetcat(async (socket) => {
      socket.end('line\n'.repeat(20_000))
      let size = 0
      for await (const chunk of socket) size += chunk.length
      assert.equal(size, 20_000 * 'OK\n'.length)
    })
  })

  it('starts no further work for a peer that does not take its replies', async () => {
    const network = new MemoryNetwork()
    const agent = await startAgent(definition, { world: { ...nodeWorld, network } })
    const connection = await network.connect({ port: portOf(agent) })
    connection.pause()
    const lines = 300_000
    connection.write([Buffer.alloc(lines, '\n')])
    const turns = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await nodeWorld.clock.yield()
    }
    let before = -1
    while (accepted(agent) !== before || before === 0) {
      before = accepted(agent)
      await turns()
    }
    assert.ok(before < lines, `${before} lines were taken`)
    connection.resume()
    while (accepted(agent) < lines) await turns()
    connection.destroy()
    await agent.stop()
  })

  it('refuses a line that is too long, and reads nothing more', async () => {
    await withNetcat(async (socket, agent) => {
      socket.write('first\n')
      socket.write('x'.repeat(5_000_000))
      let text = ''
      await new Promise<void>((resolve) => {
        socket.on('data', (chunk) => {
          text += chunk
        })
        socket.once('close', () => resolve())
        socket.once('end', () => resolve())
      })
      assert.match(text, /^OK\nFAILED: Event exceeds the maximum length \(512 chars/)
      assert.equal(accepted(agent), 1)
    })
  })
})
