// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect, EncodedMessage, encodeMessage, listen } from '@millrace/amqp'
import { Broker } from '@millrace/broker'
import { JmsProvider } from '@millrace/jms-provider'
import rhea from 'rhea'
import { execute, type Peer, peersDirectory, startArtemis } from './peers.ts'

describe('AMQP clients of other projects', () => {
  let broker: Broker
  let provider: JmsProvider
  let artemis: Peer

  before(async () => {
    broker = await Broker.start()
    provider = await JmsProvider.start({
      client: { bootstrapServers: broker.address, network: broker.network },
      config: { 'amqp.listener': '127.0.0.1:0' },
    })
    artemis = await startArtemis()
  })
  after(async () => {
    await artemis.stop()
    await provider.close()
    await broker.close()
  })

  async function same(
    run: (address: string) => Promise<{ stdout: string; stderr: string; code: number }>,
  ): Promise<void> {
    const expected = await run(artemis.address)
    assert.equal(expected.code, 0, expected.stdout + expected.stderr)
    assert.equal((await run(provider.address)).stdout, expected.stdout)
  }

  it('in Go (Azure/go-amqp) have the same results with our provider and with Artemis', () =>
    same((address) => execute(join(peersDirectory, 'go/amqp'), [`amqp://${address}`, 'go-amqp'])))

  it('in Python (Qpid Proton) have the same results with our provider and with Artemis', () =>
    same((address) =>
      execute('/usr/bin/python3', [
        join(import.meta.dirname, 'python/proton_scenario.py'),
        `amqp://${address}`,
        'proton',
      ]),
    ))

  it('in JavaScript (rhea) send and receive through our provider', async () => {
    const [host, port] = provider.address.split(':')
    const container = rhea.create_container()
    const got: unknown[] = []
    await new Promise<void>((resolve, reject) => {
      container.on('connection_open', (context) => {
        context.connection.open_receiver('rhea')
        context.connection.open_sender('rhea')
      })
      let sent = 0
      container.on('sendable', (context) => {
        while (context.sender?.sendable() && sent < 20) {
          context.sender.send({ body: `rhea ${sent}`, durable: true })
          sent++
        }
      })
      container.on('message', (context) => {
        got.push(context.message?.body)
        if (got.length === 20) context.connection.close()
      })
      container.on('connection_close', () => resolve())
      container.on('connection_error', (context) => reject(context.connection.error))
      container.connect({ host, port: Number(port), reconnect: false })
    })
    assert.deepEqual(
      got,
      Array.from({ length: 20 }, (_, i) => `rhea ${i}`),
    )
  })

  it('in JavaScript (rhea) serve our client', async () => {
    const container = rhea.create_container()
    const server = container.listen({ port: 0, host: '127.0.0.1' })
    await new Promise((resolve) => server.on('listening', resolve))
    const { port } = server.address() as { readonly port: number }
    const seen: unknown[] = []
    // Without a target, rhea would refuse the link.
    container.on('receiver_open', ({ receiver }) => {
      receiver?.set_target({ address: receiver.target.address })
    })
    container.on('message', (context) => {
      seen.push(context.message?.body)
      context.delivery?.accept()
    })
    const url = `amqp://127.0.0.1:${port}`
    const connection = await connect({ url, containerId: 'us', sasl: false })
    const session = connection.begin()
    await session.begun
    const link = session.sender('out')
    const done = Promise.withResolvers<void>()
    let left = 3
    link.handler = {
      onSendable() {
        while (link.credit > 0 && left > 0) {
          link.send([encodeMessage({ body: { kind: 'value', value: `m${3 - left}` } })], {
            settled: false,
          })
          left--
        }
      },
      onDisposition(delivery) {
        delivery.settle()
        if (seen.length === 3) done.resolve()
      },
      onDetach() {},
    }
    link.attach({ source: { kind: 'source' }, target: { kind: 'target', address: 'q' } })
    await link.attached
    await done.promise
    assert.deepEqual(seen, ['m0', 'm1', 'm2'])
    await connection.close()
    server.close()
  })
})

describe('our AMQP server', () => {
  it('serves Go and Python', async () => {
    const bodies: Buffer[] = []
    const server = await listen({
      host: '127.0.0.1',
      port: 0,
      containerId: 'echo',
      onConnection: (connection) => ({
        onOpen: () => connection.open(),
        onSession(session) {
          session.handler = {
            onLink(link) {
              if (link.role === 'sender') {
                link.refuse({ kind: 'error', condition: 'amqp:not-found' })
                return
              }
              link.handler = {
                onDelivery(delivery) {
                  bodies.push(new EncodedMessage(delivery.payload).bodyBytes)
                  delivery.update({ kind: 'accepted' })
                  link.setCredit(10)
                },
                onDetach: (detach) => link.detach({ closed: detach?.closed ?? true }),
              }
              link.attach({ source: link.remote?.source, target: link.remote?.target })
              link.setCredit(10)
            },
            onEnd() {},
          }
        },
        onClose() {},
      }),
    })
    const { stdout } = await execute(join(peersDirectory, 'go/amqp'), [
      `amqp://127.0.0.1:${server.port}`,
      'q',
    ])
    // It sends six messages; the server refuses its receiving link.
    assert.equal(bodies.length, 6)
    assert.match(stdout, /amqp:not-found/)
    await server.close()
  })
})
