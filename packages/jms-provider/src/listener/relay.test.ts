// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Clock, type Connection, connectionPair, nodeWorld } from '@millrace/base'
import { newRelayKey, relay, unwrapRelay, watchClose, withName } from './relay.ts'

/** A clock whose only timer fires when `fire` is called. */
function oneTimer(): { readonly clock: Clock; fire(): void; readonly isSet: () => boolean } {
  let run: (() => void) | undefined
  const clock: Clock = {
    ...nodeWorld.clock,
    setTimer: (_ms, callback) => {
      run = callback
      return {
        cancel: () => {
          run = undefined
        },
      }
    },
  }
  return { clock, fire: () => run?.(), isSet: () => run !== undefined }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const KEY = 'secret'

/** What the owner serves for the bytes of a peer, one chunk after the other. */
async function served(chunks: readonly string[]): Promise<{
  readonly what: string
  readonly timer: ReturnType<typeof oneTimer>
}> {
  const [near, far] = connectionPair(5672)
  const timer = oneTimer()
  let what = 'nothing'
  let isClosed = false
  near.onClose = () => {
    isClosed = true
  }
  unwrapRelay(far, { key: KEY, clock: timer.clock }, (connection) => {
    what = `${connection.remoteAddress} ${connection.peerName}:`
    connection.onData = (chunk) => {
      what += chunk.toString('latin1')
    }
  })
  for (const chunk of chunks) {
    near.write([Buffer.from(chunk, 'latin1')])
    await turn()
  }
  return { what: isClosed ? 'closed' : what, timer }
}

describe('a connection to the owner', () => {
  const rows: readonly (readonly [what: string, chunks: readonly string[], served: string])[] = [
    ['of a client is served with all its bytes', ['AMQP\0'], '127.0.0.1 undefined:AMQP\0'],
    ['of a client is served at its first byte that no relay sends', ['A'], '127.0.0.1 undefined:A'],
    ['waits while it may be a relay', ['MILLRACE'], 'nothing'],
    ['that looks like a relay at first is served', ['MILL', 'ER'], '127.0.0.1 undefined:MILLER'],
    [
      'of a relay has the address of the client',
      [`MILLRACE-RELAY ${KEY} 10.0.0.7 \nAMQP`],
      '10.0.0.7 undefined:AMQP',
    ],
    [
      'of a relay has the name of the client',
      [`MILLRACE-RELAY ${KEY} 10.0.0.7 J%C3%B6rg%20A\n`],
      '10.0.0.7 Jörg A:',
    ],
    [
      'of a relay may arrive in pieces',
      ['MILLRACE-', `RELAY ${KEY} 10.0`, '.0.7 \nAM', 'QP'],
      '10.0.0.7 undefined:AMQP',
    ],
    ['of a relay with another key is closed', ['MILLRACE-RELAY other 10.0.0.7 \n'], 'closed'],
    ['of a relay with a longer key is closed', [`MILLRACE-RELAY ${KEY}x 1 \n`], 'closed'],
    ['of a relay without a key is closed', ['MILLRACE-RELAY \n'], 'closed'],
    ['of a relay with a malformed name is closed', [`MILLRACE-RELAY ${KEY} 1 %zz\n`], 'closed'],
    ['with a line of 8 KiB is awaited', [`MILLRACE-RELAY ${'x'.repeat(8192 - 15)}`], 'nothing'],
    ['with a longer line is closed', [`MILLRACE-RELAY ${'x'.repeat(8193 - 15)}`], 'closed'],
  ]
  for (const [what, chunks, expected] of rows) {
    it(what, async () => assert.equal((await served(chunks)).what, expected))
  }

  it('has 30 s to send its first bytes, and no limit of time afterwards', async () => {
    const waiting = await served(['MILL'])
    assert.ok(waiting.timer.isSet())
    const [near, far] = connectionPair(5672)
    const timer = oneTimer()
    let isClosed = false
    near.onClose = () => {
      isClosed = true
    }
    unwrapRelay(far, { key: KEY, clock: timer.clock }, () => assert.fail('served'))
    timer.fire()
    await turn()
    assert.ok(isClosed)
    assert.ok(!(await served(['AMQP'])).timer.isSet())
  })
})

describe('a relay', () => {
  /** The two ends of the client's connection, and the owner's end once it is connected. */
  async function relayed(held: readonly string[] = [], connected = Promise.resolve()) {
    const [client, own] = connectionPair(5672)
    let ownerEnd: Connection | undefined
    const received: string[] = []
    const answered: string[] = []
    client.onData = (chunk) => answered.push(chunk.toString())
    const work = relay(withName(own, 'me'), {
      network: {
        connect: async () => {
          await connected
          const [outer, inner] = connectionPair(5673)
          ownerEnd = inner
          inner.onData = (chunk) => received.push(chunk.toString())
          return outer
        },
      },
      host: 'owner',
      port: 5673,
      key: KEY,
      held: held.map((text) => Buffer.from(text)),
    })
    return { client, own, work, received, answered, owner: () => ownerEnd as Connection }
  }

  it('sends its line, what was held, and all that follows, and the answers', async () => {
    const { client, work, received, answered, owner } = await relayed(['AM'])
    client.write([Buffer.from('QP')])
    await work
    await turn()
    client.write([Buffer.from('more')])
    await turn()
    owner().write([Buffer.from('answer')])
    await turn()
    assert.equal(received.join(''), `MILLRACE-RELAY ${KEY} 127.0.0.1 me\nAMQPmore`)
    assert.deepEqual(answered, ['answer'])
  })

  it('ends one connection when the other ends', async () => {
    for (const ends of ['client', 'owner'] as const) {
      const { client, work, owner } = await relayed()
      await work
      await turn()
      let isClosed = false
      const other = ends === 'client' ? owner() : client
      other.onClose = () => {
        isClosed = true
      }
      const ended = ends === 'client' ? client : owner()
      ended.destroy()
      await turn()
      assert.ok(isClosed, ends)
    }
  })

  it('closes the connection to the owner if the client has gone in the meantime', async () => {
    const connected = Promise.withResolvers<void>()
    const { client, work, received, owner } = await relayed(['AM'], connected.promise)
    client.destroy()
    await turn()
    connected.resolve()
    await work
    let isClosed = false
    owner().onClose = () => {
      isClosed = true
    }
    await turn()
    assert.deepEqual([isClosed, received], [true, []])
  })

  it('has a new key of 16 bytes each time', () => {
    const [a, b] = [newRelayKey(nodeWorld.random), newRelayKey(nodeWorld.random)]
    assert.match(a, /^[\da-f]{32}$/)
    assert.notEqual(a, b)
  })
})

describe('a view of a connection', () => {
  it('has another name and the handlers of the connection', () => {
    const [near] = connectionPair(1)
    const view = withName(near, 'me')
    const onData = (): void => {}
    view.onData = onData
    assert.deepEqual([view.peerName, near.onData, near.peerName], ['me', onData, undefined])
  })

  it('observes the close in addition to the owner', async () => {
    const [near, far] = connectionPair(1)
    const log: string[] = []
    const watched = watchClose(near, () => log.push('observed'))
    watched.onClose = () => log.push('owner')
    far.destroy()
    await turn()
    assert.deepEqual(log, ['observed', 'owner'])
  })
})
