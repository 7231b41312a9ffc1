// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectionPair, type Logger, nodeWorld, silentLogger } from '@millrace/base'
import { AmqpConnection } from './connection.ts'
import type { ReceiverLink, SenderLink } from './link.ts'
import type { Session } from './session.ts'

/** Callbacks of the server's owner. Each one throws in one of the runs. */
const callbacks = [
  'onOpen',
  'onSession',
  'onClose',
  'onLink',
  'onEnd',
  'onDelivery',
  'onDrained',
  'onSendable',
  'onDisposition',
  'onDetach',
] as const
type Callback = (typeof callbacks)[number]

/** Callbacks whose failure ends one link and leaves the connection and its other links intact. */
const ofLinks: readonly Callback[] = ['onLink', 'onDelivery', 'onSendable', 'onDisposition']

class Server {
  readonly calls: string[] = []
  readonly logged: unknown[] = []
  readonly connection: AmqpConnection
  readonly #failing: Callback

  constructor(transport: ConstructorParameters<typeof AmqpConnection>[0], failing: Callback) {
    this.#failing = failing
    const logger: Logger = {
      ...silentLogger,
      error: (_message, fields) => this.logged.push(String(fields?.error)),
    }
    this.connection = new AmqpConnection(transport, {
      role: 'server',
      clock: nodeWorld.clock,
      containerId: 'server',
      logger,
      handler: {
        onOpen: () => {
          this.#called('onOpen')
          this.connection.open()
        },
        onSession: (session) => this.#onSession(session),
        onClose: () => this.#called('onClose'),
      },
    })
  }

  /** Throws only for the link named `bad` and for callbacks that belong to no link. */
  #called(callback: Callback, link?: string): void {
    this.calls.push(link === undefined ? callback : `${callback} ${link}`)
    if (callback === this.#failing && link !== 'good') throw new Error(`${callback} failed`)
  }

  #onSession(session: Session): void {
    session.handler = {
      onLink: (link) => this.#onLink(link),
      onEnd: () => this.#called('onEnd'),
    }
    this.#called('onSession')
  }

  #onLink(link: SenderLink | ReceiverLink): void {
    const { name } = link
    const onDetach = (): void => {
      this.#called('onDetach', name)
      link.detach({ closed: true })
    }
    if (link.role === 'receiver') {
      link.handler = {
        onDelivery: (delivery) => {
          this.#called('onDelivery', name)
          delivery.update({ kind: 'accepted' })
          if (link.credit < 2) link.drain()
        },
        onDrained: () => this.#called('onDrained', name),
        onDetach,
      }
      link.attach({ target: link.remote?.target })
      link.setCredit(2)
    } else {
      link.handler = {
        onSendable: () => {
          if (link.isSendable) link.send([Buffer.alloc(10)], { settled: false })
          this.#called('onSendable', name)
        },
        onDisposition: (delivery) => {
          delivery.settle()
          this.#called('onDisposition', name)
        },
        onDetach,
      }
      link.attach({ source: link.remote?.source })
    }
    this.#called('onLink', name)
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A client that triggers every callback, on a link that fails and on one that does not. */
async function use(client: AmqpConnection): Promise<void> {
  const session = client.begin()
  for (const name of ['bad', 'good']) {
    const sender = session.sender(name)
    sender.handler = {
      onSendable() {
        if (sender.isDraining) sender.drained()
      },
      onDisposition: (delivery) => delivery.settle(),
      onDetach: () => sender.detach({ closed: true }),
    }
    sender.attach({ source: { kind: 'source' }, target: { kind: 'target', address: 'q' } })
    const receiver = session.receiver(name)
    receiver.handler = {
      onDelivery: (delivery) => delivery.update({ kind: 'accepted' }),
      onDetach: () => receiver.detach({ closed: true }),
    }
    receiver.attach({ source: { kind: 'source', address: 'q' }, target: { kind: 'target' } })
    receiver.setCredit(1)
    await turn()
    if (sender.credit > 0 && !sender.isOver) sender.send([Buffer.alloc(10)], { settled: false })
    await turn()
  }
}

describe('an exception in a callback', () => {
  for (const failing of callbacks) {
    it(`in ${failing} is logged, and all state is released`, async () => {
      const [near, far] = connectionPair(5672)
      const server = new Server(far, failing)
      const client = new AmqpConnection(near, {
        role: 'client',
        clock: nodeWorld.clock,
        containerId: 'client',
        handler: { onClose() {} },
      })
      await use(client)
      const usesLinks = failing !== 'onOpen' && failing !== 'onSession'
      const survives = ofLinks.includes(failing) || failing === 'onDrained'
      assert.equal(server.connection.isGone, !survives && !usesLinks)
      if (ofLinks.includes(failing)) {
        for (const callback of ['onDelivery', 'onDisposition', 'onSendable'] as const) {
          assert.ok(server.calls.includes(`${callback} good`), `${callback}: ${server.calls}`)
        }
        assert.ok(server.calls.includes('onDetach bad'))
        assert.ok(!server.calls.includes('onDetach good'))
      }
      near.destroy()
      await turn()
      assert.ok(server.connection.isGone)
      assert.equal(server.calls.at(-1), 'onClose')
      if (usesLinks) {
        assert.equal(server.calls.filter((call) => call === 'onEnd').length, 1)
        // Two links of each name.
        for (const name of ['bad', 'good']) {
          const ends = server.calls.filter((call) => call === `onDetach ${name}`)
          assert.equal(ends.length, 2, `${server.calls}`)
        }
      }
      assert.ok(server.logged.length > 0)
      for (const message of server.logged) assert.equal(message, `Error: ${failing} failed`)
      const failures = server.calls.filter((call) => call.startsWith(failing) && !/good/.test(call))
      assert.equal(server.logged.length, failures.length, `${server.calls}`)
    })
  }
})
