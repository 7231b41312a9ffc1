// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Agent, startAgent } from '../index.ts'

async function withNetcat(test: (socket: Socket, agent: Agent) => Promise<void>): Promise<void> {
  const agent = await startAgent({
    name: 'a',
    sources: { s: { type: 'netcat', bind: '127.0.0.1', port: 0, channels: ['c'] } },
    channels: { c: { type: 'memory', capacity: 10_000, transactionCapacity: 1000 } },
    sinks: { k: { type: 'null', channel: 'c' } },
  })
  const socket = connect({
    host: '127.0.0.1',
    port: Number(agent.addressesOf('s')[0]?.split(':')[1]),
    allowHalfOpen: true,
  })
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
    await withNetcat(async (socket, agent) => {
      socket.pause()
      const lines = 6_000_000
      socket.write('\n'.repeat(lines))
      let before = -1
      while (accepted(agent) !== before || before === 0) {
        before = accepted(agent)
        await sleep(200)
      }
      assert.ok(before < lines, `${before} lines were taken`)
      socket.resume()
      while (accepted(agent) === before) await sleep(10)
    })
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
