// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryNetwork } from './memory-network.ts'
import type { Connection, Network } from './network.ts'
import { nodeNetwork } from './node-network.ts'

interface Pair extends AsyncDisposable {
  readonly client: Connection
  readonly server: Connection
  readonly errors: Error[]
}

async function connect(
  network: Network,
  onConnection: (connection: Connection) => void = () => {},
): Promise<Pair> {
  const errors: Error[] = []
  const accepted = Promise.withResolvers<Connection>()
  const listener = await network.listen({
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) => {
      accepted.resolve(connection)
      onConnection(connection)
    },
    onError: (error) => errors.push(error),
  })
  const client = await network.connect({ host: '127.0.0.1', port: listener.port })
  const server = await accepted.promise
  return {
    client,
    server,
    errors,
    async [Symbol.asyncDispose]() {
      client.destroy()
      server.destroy()
      await listener.close()
    },
  }
}

function closed(connection: Connection): Promise<Error | undefined> {
  return new Promise((resolve) => {
    connection.onClose = resolve
  })
}

/** Resolves with all bytes once the other end has closed its side. */
function readAll(connection: Connection): Promise<Buffer> {
  const chunks: Buffer[] = []
  connection.onData = (chunk) => void chunks.push(chunk)
  return new Promise((resolve) => {
    connection.onEnd = () => resolve(Buffer.concat(chunks))
  })
}

for (const [name, network] of [
  ['TCP', nodeNetwork],
  ['an in-memory network', new MemoryNetwork()],
] as const) {
  describe(`a connection over ${name}`, () => {
    it('can still be written to after the other end has closed its side', async () => {
      await using pair = await connect(network)
      const { client, server } = pair
      const request = readAll(server)
      const answer = readAll(client)
      client.write([Buffer.from('ask')])
      client.end()
      assert.equal(`${await request}`, 'ask')
      server.write([Buffer.from('answer')])
      server.end()
      assert.equal(`${await answer}`, 'answer')
    })

    it('is ended by default when the other end has closed its side', async () => {
      await using pair = await connect(network)
      const ends = [closed(pair.client), closed(pair.server)]
      pair.client.end()
      assert.deepEqual(await Promise.all(ends), [undefined, undefined])
    })

    it('reports unsent bytes, and when they were sent', async () => {
      await using pair = await connect(network)
      const { client, server } = pair
      server.pause()
      const data = Buffer.alloc(20_000_000, 'x')
      assert.equal(client.write([data.subarray(0, 3), data.subarray(3)]), false)
      assert.ok(client.unsentBytes > 1_000_000, `${client.unsentBytes} bytes are not sent`)
      const drained = new Promise<void>((resolve) => {
        client.onDrain = resolve
      })
      let size = 0
      const received = new Promise<void>((resolve) => {
        server.onData = (chunk) => {
          size += chunk.length
          if (size === data.length) resolve()
        }
      })
      server.resume()
      await drained
      assert.equal(client.unsentBytes, 0)
      await received
    })

    it('frees chunks that are released, and no other memory', async () => {
      await using pair = await connect(network)
      const { client, server } = pair
      const data = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => i % 251))
      const small = Buffer.allocUnsafe(8).fill(7)
      const received: Buffer[] = []
      let size = 0
      const done = new Promise<void>((resolve) => {
        server.onData = (chunk) => {
          received.push(Buffer.from(chunk))
          size += chunk.length
          const { length } = chunk
          const isOwned = chunk.buffer.byteLength === length && length >= 4096
          server.release?.(chunk)
          assert.equal(chunk.length, isOwned && network === nodeNetwork ? 0 : length)
          if (size === data.length) resolve()
        }
      })
      for (let at = 0; at < data.length; at += 100_000) {
        client.write([data.subarray(at, at + 1), data.subarray(at + 1, at + 100_000)])
      }
      await done
      assert.ok(Buffer.concat(received).equals(data))
      assert.deepEqual([...small], Array(8).fill(7))
    })

    it('sends everything that was written before the end', async () => {
      await using pair = await connect(network)
      const all = readAll(pair.server)
      const data = Buffer.alloc(3_000_000, 'abc')
      pair.client.write([data])
      pair.client.end()
      assert.ok((await all).equals(data))
    })

    for (const callback of ['onData', 'onEnd'] as const) {
      it(`ends with the error that ${callback} throws`, async () => {
        await using pair = await connect(network)
        const { client, server, errors } = pair
        const failure = new Error('in a callback')
        server[callback] = () => {
          throw failure
        }
        const ends = [closed(server), closed(client)] as const
        client.write([Buffer.from('x')])
        client.end()
        assert.equal(await ends[0], failure)
        await ends[1]
        assert.deepEqual(errors, [])
      })
    }

    it('passes the errors of onClose and onConnection to the listener', async () => {
      await using pair = await connect(network)
      const failed = Promise.withResolvers<void>()
      pair.server.onClose = () => {
        failed.resolve()
        throw new Error('in onClose')
      }
      pair.client.destroy()
      await failed.promise
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(
        pair.errors.map(({ message }) => message),
        ['in onClose'],
      )
      await using refused = await connect(network, () => {
        throw new Error('in onConnection')
      })
      await closed(refused.client)
      assert.deepEqual(
        refused.errors.map(({ message }) => message),
        ['in onConnection'],
      )
    })
  })
}

for (const [name, network] of [
  ['TCP', nodeNetwork],
  ['a network in memory', new MemoryNetwork()],
] as const) {
  it(`${name}: closes a connection that is not admitted, before it is served`, async () => {
    const asked: string[] = []
    const errors: Error[] = []
    const listener = await network.listen({
      host: '127.0.0.1',
      port: 0,
      admit: (remoteAddress) => {
        asked.push(remoteAddress)
        if (asked.length === 2) throw new Error('from the owner')
        return false
      },
      onConnection: () => assert.fail('must not be served'),
      onError: (error) => errors.push(error),
    })
    for (const _ of [1, 2]) {
      const client = await network.connect({ host: '127.0.0.1', port: listener.port })
      await closed(client)
    }
    assert.deepEqual(asked, ['127.0.0.1', '127.0.0.1'])
    assert.deepEqual(
      errors.map(({ message }) => message),
      ['from the owner'],
    )
    await listener.close()
  })

  it(`${name}: holds a connection while its admission is pending, and reads nothing of it`, async () => {
    const admissions: PromiseWithResolvers<boolean>[] = []
    const served = Promise.withResolvers<string>()
    const errors: Error[] = []
    const listener = await network.listen({
      host: '127.0.0.1',
      port: 0,
      admit: () => {
        const admission = Promise.withResolvers<boolean>()
        admissions.push(admission)
        return admission.promise
      },
      onConnection: (connection) => {
        connection.onData = (chunk) => served.resolve(String(chunk))
      },
      onError: (error) => errors.push(error),
    })
    const connect = () => network.connect({ host: '127.0.0.1', port: listener.port })
    const arrivals = async (count: number): Promise<void> => {
      while (admissions.length < count) await new Promise(setImmediate)
    }
    const patient = await connect()
    patient.write([Buffer.from('hello')])
    await arrivals(1)
    const refused = await connect()
    await arrivals(2)
    const failed = await connect()
    await arrivals(3)
    admissions[1]?.resolve(false)
    await closed(refused)
    admissions[2]?.reject(new Error('from the owner'))
    await closed(failed)
    admissions[0]?.resolve(true)
    assert.equal(await served.promise, 'hello')
    assert.deepEqual(
      errors.map(({ message }) => message),
      ['from the owner'],
    )
    patient.destroy()
    await listener.close()
  })
}
