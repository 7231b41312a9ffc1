// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { elementAt, silentLogger } from '@millrace/base'
import { AmqpError, Condition } from './amqp-error.ts'
import { FrameReader } from './codec/frames.ts'
import type { DeliveryState } from './definitions/messaging.ts'
import type { Detach, Performative } from './definitions/performatives.ts'
import type { IncomingDelivery, OutgoingDelivery } from './delivery.ts'
import type { ReceiverLink, SenderLink } from './link.ts'
import { LinkFailure } from './link-failure.ts'
import { SessionEndpoint } from './session-endpoint.ts'
import { type Flushable, SessionMemory, type SessionOwner } from './session-owner.ts'

type Fields = Readonly<Record<string, unknown>>
type LinkOf<R> = R extends 'sender' ? SenderLink : ReceiverLink

/** One end of a session, its peer, and a log of frames sent (`<`) and of calls of its owner. */
class Peer {
  readonly log: string[] = []
  readonly session: SessionEndpoint
  readonly memory = new SessionMemory()
  readonly received: IncomingDelivery[] = []
  readonly sent: OutgoingDelivery[] = []
  readonly #toFlush: Flushable[] = []
  readonly #reader = new FrameReader()
  /** Options of the answer to an attach; undefined leaves it unanswered. */
  answer: Parameters<SenderLink['attach']>[0] | undefined = {
    source: { kind: 'source' },
    target: { kind: 'target' },
  }
  /** Runs in place of `onDelivery`. */
  onDelivery: (delivery: IncomingDelivery) => void = () => {}

  constructor(begin: Fields = {}) {
    this.#reader.maxFrameSize = 1 << 20
    const owner: SessionOwner = {
      connection: undefined as never,
      logger: silentLogger,
      memory: this.memory,
      maxFrameSizeOut: 512,
      isCongested: false,
      write: (head, payload) => this.#onFrame(Buffer.concat([head, ...payload])),
      flushLater: (session) => this.#toFlush.push(session),
      forget: () => this.log.push('forgotten'),
    }
    this.session = new SessionEndpoint(owner, 3)
    this.session.handler = {
      onEnd: (error) => this.log.push(`ended ${error?.code ?? ''}`.trimEnd()),
      onLink: (link) => {
        this.log.push(`asked for ${link.role} ${link.name}`)
        this.listen(link)
        if (this.answer !== undefined) link.attach(this.answer)
      },
    }
    const windows = { nextOutgoingId: 0, incomingWindow: 100, outgoingWindow: 100 }
    this.session.onBegin({ kind: 'begin', ...windows, ...begin } as never)
  }

  listen(link: SenderLink | ReceiverLink): void {
    link.attached.then(
      () => this.log.push(`attached ${link.name}`),
      (error: AmqpError) => this.log.push(`refused ${link.name} ${error.code}`),
    )
    const onDetach = (detach: Detach | undefined, isLost: boolean): void => {
      const how = detach === undefined ? 'alone' : detach.closed === true ? 'closed' : 'kept'
      this.log.push(`detached ${link.name} ${how}${isLost ? ' lost' : ''}`)
    }
    if (link.role === 'sender') {
      link.handler = {
        onDetach,
        onSendable: () => {
          const drain = link.isDraining ? ' drain' : ''
          this.log.push(`${link.name} may send ${link.credit}${drain}`)
        },
        onDisposition: (delivery) => {
          const settled = delivery.isRemotelySettled ? ' settled' : ''
          this.log.push(`outcome ${delivery.id} ${delivery.remoteState?.kind}${settled}`)
        },
      }
    } else {
      link.handler = {
        onDetach,
        onDelivery: (delivery) => {
          this.received.push(delivery)
          const settled = delivery.isSettled ? ' settled' : ''
          const state = delivery.remoteState === undefined ? '' : ` ${delivery.remoteState.kind}`
          this.log.push(`received ${delivery.id} of ${delivery.payload.length}${settled}${state}`)
          this.onDelivery(delivery)
        },
        onDrained: () => this.log.push(`${link.name} drained`),
        onSettled: (delivery) => this.log.push(`settled ${delivery.id}`),
      }
    }
  }

  #onFrame(bytes: Buffer): void {
    this.#reader.push(bytes)
    const frame = this.#reader.frame()
    const body = frame?.body as Performative
    assert.equal(frame?.channel, 3)
    this.log.push(`< ${textOf(body, frame?.payload.length ?? 0)}`)
  }

  /** A frame of the peer. Errors are logged as what they end. */
  receive(frame: Fields & { readonly kind: string }, payload = Buffer.alloc(0)): void {
    const { session } = this
    try {
      switch (frame.kind) {
        case 'attach':
          return session.onAttach(frame as never, 64)
        case 'flow':
          return session.onFlow(frame as never)
        case 'transfer':
          return session.onTransfer(frame as never, payload)
        case 'disposition':
          return session.onDisposition(frame as never)
        case 'detach':
          return session.onDetach(frame as never)
        default:
          return session.onEnd(frame as never)
      }
    } catch (error) {
      if (error instanceof LinkFailure) {
        this.log.push(`link error ${error.reason.code}`)
        error.link.fail(error.reason)
        return
      }
      assert.ok(error instanceof AmqpError, String(error))
      this.log.push(`session error ${error.code}`)
    }
  }

  /** Attaches a link of the peer: this end has the given role. */
  attach<R extends 'sender' | 'receiver'>(role: R, handle = 0, more: Fields = {}): LinkOf<R> {
    const name = (more.name as string | undefined) ?? role
    const termini = { source: { kind: 'source' }, target: { kind: 'target' } }
    const attach = { kind: 'attach', name, handle, role: role === 'sender', ...termini, ...more }
    this.receive(attach)
    const found = [...this.session.links].find((link) => link.name === name)
    return found as unknown as LinkOf<R>
  }

  flow(more: Fields): void {
    const windows = { nextIncomingId: 0, incomingWindow: 100, nextOutgoingId: 0, outgoingWindow: 9 }
    this.receive({ kind: 'flow', ...windows, ...more })
  }

  transfer(id: number | undefined, more: Fields = {}, size = 1): void {
    const deliveryTag = id === undefined ? undefined : Buffer.from([id])
    const transfer = { kind: 'transfer', handle: 0, deliveryId: id, deliveryTag, ...more }
    this.receive(transfer, Buffer.alloc(size))
  }

  disposition(first: number, last: number | undefined, state: string, more: Fields = {}): void {
    const role = { kind: 'disposition', role: true, first, last, settled: true }
    this.receive({ ...role, state: { kind: state }, ...more })
  }

  send(link: SenderLink, settled = false, size = 1): OutgoingDelivery {
    const delivery = link.send([Buffer.alloc(size)], { settled })
    this.sent.push(delivery)
    return delivery
  }

  /** Ends the turn: merged dispositions are written. */
  flush(): void {
    for (const session of this.#toFlush.splice(0)) session.flush()
  }

  /** Forgets what was logged so far. */
  clear(): void {
    this.log.length = 0
  }
}

function textOf(frame: Performative, size: number): string {
  switch (frame.kind) {
    case 'attach': {
      const has =
        (frame.role ? frame.source : frame.target) === undefined ? ' without terminus' : ''
      return `attach ${frame.name} ${frame.handle} ${frame.role ? 'receiver' : 'sender'}${has}`
    }
    case 'flow': {
      const link =
        frame.handle === undefined
          ? ''
          : ` ${frame.handle}: ${frame.linkCredit} from ${frame.deliveryCount}`
      return `flow${link}${frame.drain ? ' drain' : ''}${frame.echo ? ' echo' : ''}`
    }
    case 'transfer':
      return `transfer ${frame.handle}: ${frame.deliveryId ?? 'more'} of ${size}${frame.settled ? ' settled' : ''}`
    case 'disposition':
      return `${frame.role ? 'receiver' : 'sender'}: ${frame.first}-${frame.last ?? frame.first} ${frame.state?.kind}${frame.settled ? ' settled' : ''}`
    case 'detach':
      return `detach ${frame.handle}${frame.closed ? ' closed' : ''}${frame.error === undefined ? '' : ` ${frame.error.condition}`}`
    case 'end':
      return `end${frame.error === undefined ? '' : ` ${frame.error.condition}`}`
    default:
      return frame.kind
  }
}

/** Rules: what happens, and what the session then does. */
type Rules = readonly (readonly [rule: string, run: (peer: Peer) => void, log: readonly string[]])[]

function check(rules: Rules, begin: Fields = {}): void {
  for (const [rule, run, log] of rules) {
    it(rule, async () => {
      const peer = new Peer(begin)
      run(peer)
      // Promises of the links settle.
      await undefined
      await undefined
      peer.flush()
      assert.deepEqual(peer.log, log)
    })
  }
}

const accepted: DeliveryState = { kind: 'accepted' }
const released: DeliveryState = { kind: 'released' }
const target = { target: { kind: 'target' as const } }

describe('attaching a link', () => {
  check([
    [
      'of the peer: its receiver is a sender here, and the owner answers',
      (peer) => peer.attach('sender', 7),
      ['asked for sender sender', '< attach sender 0 sender', 'attached sender'],
    ],
    [
      'of the peer: its sender is a receiver here',
      (peer) => peer.attach('receiver', 7),
      ['asked for receiver receiver', '< attach receiver 0 receiver', 'attached receiver'],
    ],
    [
      'of the same name in each direction makes two links',
      (peer) => {
        peer.attach('sender', 0, { name: 'l' })
        peer.attach('receiver', 1, { name: 'l' })
        peer.log.push(`links ${peer.session.linkCount}`)
      },
      [
        'asked for sender l',
        '< attach l 0 sender',
        'asked for receiver l',
        '< attach l 1 receiver',
        'links 2',
        'attached l',
        'attached l',
      ],
    ],
    [
      'on a handle in use ends the session',
      (peer) => {
        peer.attach('sender', 0)
        peer.clear()
        peer.attach('receiver', 0)
      },
      ['session error amqp:session:handle-in-use', 'attached sender'],
    ],
    [
      'on a handle above handle-max is an error of framing',
      (peer) => peer.attach('sender', 8192),
      ['session error amqp:connection:framing-error'],
    ],
    [
      'on the largest handle is accepted',
      (peer) => peer.attach('sender', 8191),
      ['asked for sender sender', '< attach sender 0 sender', 'attached sender'],
    ],
    [
      'again by the same name takes the link over',
      (peer) => {
        peer.attach('sender', 0)
        peer.clear()
        peer.attach('sender', 5)
        peer.log.push(`links ${peer.session.linkCount}`)
      },
      [
        '< detach 0 amqp:link:stolen',
        'detached sender alone',
        'asked for sender sender',
        '< attach sender 1 sender',
        'links 1',
        'attached sender',
        'attached sender',
      ],
    ],
    [
      'again by the same name frees the handle of the old link',
      (peer) => {
        peer.attach('receiver', 0)
        peer.attach('receiver', 5)
        peer.clear()
        peer.receive({ kind: 'detach', handle: 0 })
        peer.log.push(`${[...peer.session.links].map(({ remoteHandle }) => remoteHandle)}`)
      },
      [
        'session error amqp:session:unattached-handle',
        '5',
        'attached receiver',
        'attached receiver',
      ],
    ],
    [
      'without an owner of the session is refused',
      (peer) => {
        peer.session.handler = undefined
        peer.attach('receiver')
      },
      ['< attach receiver 0 receiver', '< detach 0 closed amqp:not-allowed'],
    ],
    [
      'that the owner refuses is answered without a terminus, then detached',
      (peer) => {
        peer.answer = undefined
        peer
          .attach('receiver')
          .refuse({ kind: 'error', condition: Condition.notFound, description: 'no q' })
      },
      [
        'asked for receiver receiver',
        '< attach receiver 0 receiver',
        '< detach 0 closed amqp:not-found',
        'attached receiver',
      ],
    ],
    [
      'of this end is attached when the peer answers with a terminus',
      (peer) => {
        const link = peer.session.sender('out')
        peer.listen(link)
        link.attach({ target: { kind: 'target', address: 'q' } })
        peer.attach('sender', 4, { name: 'out' })
      },
      ['< attach out 0 sender', 'attached out'],
    ],
    [
      'of this end is refused by an answer without a terminus and the detach that follows',
      (peer) => {
        const link = peer.session.sender('out')
        peer.listen(link)
        link.attach({ target: { kind: 'target', address: 'q' } })
        peer.attach('sender', 4, { name: 'out', target: undefined })
        peer.log.push('answered')
        const error = { kind: 'error', condition: Condition.notFound }
        peer.receive({ kind: 'detach', handle: 4, closed: true, error })
      },
      ['< attach out 0 sender', 'answered', 'detached out closed', 'refused out amqp:not-found'],
    ],
    [
      'of this end by a name in use is refused here',
      (peer) => {
        peer.session.receiver('in')
        peer.session.sender('in')
        assert.throws(() => peer.session.receiver('in'), { code: Condition.notAllowed })
      },
      [],
    ],
    [
      'of this end uses the lowest free handle after the last one',
      (peer) => {
        for (const name of ['a', 'b']) peer.session.sender(name).attach(target)
        peer.attach('sender', 0, { name: 'a' }).detach({ closed: true })
        peer.session.sender('c').attach(target)
      },
      ['< attach a 0 sender', '< attach b 1 sender', '< detach 0 closed', '< attach c 2 sender'],
    ],
    [
      'after the session ended sends nothing',
      (peer) => {
        peer.session.end()
        peer.session.sender('a').attach(target)
      },
      ['< end'],
    ],
  ])
  check(
    [
      [
        'beyond handle-max of the peer is refused here',
        (peer) => {
          peer.session.sender('a').attach(target)
          peer.session.sender('b').attach(target)
          assert.throws(
            () => peer.session.sender('c').attach(target),
            /at most 2 links per session/,
          )
        },
        ['< attach a 0 sender', '< attach b 1 sender'],
      ],
    ],
    { handleMax: 1 },
  )
})

describe('detaching a link', () => {
  const withSender = (run: (peer: Peer, link: SenderLink) => void) => (peer: Peer) => {
    const link = peer.attach('sender', 9)
    peer.clear()
    run(peer, link)
    peer.log.push(`links ${peer.session.linkCount}`)
  }
  check([
    [
      'is announced once; the link remains until the peer answers',
      withSender((_, link) => {
        link.detach({ closed: true })
        link.detach({ closed: false })
      }),
      ['< detach 0 closed', 'links 1', 'attached sender'],
    ],
    [
      'on both sides removes the link',
      withSender((peer, link) => {
        link.detach({ closed: true })
        peer.receive({ kind: 'detach', handle: 9, closed: true })
      }),
      ['< detach 0 closed', 'detached sender closed', 'links 0', 'attached sender'],
    ],
    [
      'by the peer without closing keeps the terminus',
      withSender((peer) => peer.receive({ kind: 'detach', handle: 9 })),
      ['detached sender kept', 'links 1', 'attached sender'],
    ],
    [
      'of a handle that is not attached is an error of the session',
      withSender((peer) => peer.receive({ kind: 'detach', handle: 1 })),
      ['session error amqp:session:unattached-handle', 'links 1', 'attached sender'],
    ],
    [
      'frees the handle of the peer',
      withSender((peer, link) => {
        link.detach({ closed: true })
        peer.receive({ kind: 'detach', handle: 9, closed: true })
        peer.attach('receiver', 9)
      }),
      [
        '< detach 0 closed',
        'detached sender closed',
        'asked for receiver receiver',
        '< attach receiver 1 receiver',
        'links 1',
        'attached sender',
        'attached receiver',
      ],
    ],
    [
      'because of an error notifies the owner without waiting for the peer',
      withSender((_, link) => link.fail(new AmqpError(Condition.notFound, 'gone'))),
      [
        '< detach 0 closed amqp:not-found',
        'detached sender alone lost',
        'links 1',
        'attached sender',
      ],
    ],
    [
      'because of an exception reports an internal error',
      withSender((_, link) => link.fail(new TypeError('x'))),
      [
        '< detach 0 closed amqp:internal-error',
        'detached sender alone lost',
        'links 1',
        'attached sender',
      ],
    ],
    [
      'notifies the owner once',
      withSender((peer, link) => {
        link.fail(new AmqpError(Condition.notFound, 'gone'))
        peer.receive({ kind: 'detach', handle: 9, closed: true })
        link.run(() => peer.log.push('never'))
      }),
      [
        '< detach 0 closed amqp:not-found',
        'detached sender alone lost',
        'links 0',
        'attached sender',
      ],
    ],
    [
      'is answered although the owner throws',
      withSender((peer, link) => {
        link.handler = {
          onSendable() {},
          onDisposition() {},
          onDetach() {
            throw new AmqpError(Condition.illegalState, 'x')
          },
        }
        peer.receive({ kind: 'detach', handle: 9, closed: true })
      }),
      ['< detach 0 closed amqp:illegal-state', 'links 0', 'attached sender'],
    ],
  ])

  it('releases the memory of its attach frame and the deliveries that are not settled', () => {
    const peer = new Peer()
    const link = peer.attach('sender', 9)
    peer.flow({ handle: 9, deliveryCount: 0, linkCredit: 5 })
    peer.send(link)
    assert.deepEqual([peer.memory.attachBytes, peer.session.unsettledOutgoing], [64, 1])
    link.detach({ closed: true })
    assert.deepEqual([peer.memory.attachBytes, peer.session.unsettledOutgoing], [64, 1])
    peer.receive({ kind: 'detach', handle: 9, closed: true })
    assert.deepEqual([peer.memory.attachBytes, peer.session.unsettledOutgoing], [0, 0])
  })
})

describe('credit of a sending link', () => {
  const withCredit =
    (credit: number, run: (peer: Peer, link: SenderLink) => void) => (peer: Peer) => {
      const link = peer.attach('sender')
      if (credit > 0) peer.flow({ handle: 0, deliveryCount: 0, linkCredit: credit })
      peer.clear()
      run(peer, link)
      peer.log.push(`credit ${link.credit} at ${link.deliveryCount}`, 'end')
    }
  const rules: Rules = [
    [
      'arrives with a flow of the link',
      withCredit(0, (peer) => peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 3 })),
      ['sender may send 3', 'credit 3 at 0'],
    ],
    [
      'is reduced by what was sent and not yet seen by the peer',
      withCredit(3, (peer, link) => {
        peer.send(link, true)
        peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 3, nextIncomingId: 0 })
      }),
      ['< transfer 0: 0 of 1 settled', 'sender may send 2', 'credit 2 at 1'],
    ],
    [
      'is never negative',
      withCredit(3, (peer, link) => {
        peer.send(link, true)
        peer.send(link, true)
        peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 1 })
      }),
      [
        '< transfer 0: 0 of 1 settled',
        '< transfer 0: 1 of 1 settled',
        'sender may send 0',
        'credit 0 at 2',
      ],
    ],
    [
      'is unchanged by a flow of the session, which announces it again',
      withCredit(3, (peer) => peer.flow({})),
      ['sender may send 3', 'credit 3 at 0'],
    ],
    [
      'is unchanged by a flow of the link without credit',
      withCredit(3, (peer) => peer.flow({ handle: 0 })),
      ['sender may send 3', 'credit 3 at 0'],
    ],
    [
      'is taken back by a flow with credit 0',
      withCredit(3, (peer) => peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 0 })),
      ['sender may send 0', 'credit 0 at 0'],
    ],
    [
      'is returned after a drain: the delivery count advances over it',
      withCredit(0, (peer, link) => {
        peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 3, drain: true })
        peer.send(link, true)
        link.drained()
        link.drained()
      }),
      [
        'sender may send 3 drain',
        '< transfer 0: 0 of 1 settled',
        '< flow 0: 0 from 3 drain',
        'credit 0 at 3',
      ],
    ],
    [
      'is not returned without a drain',
      withCredit(3, (_, link) => link.drained()),
      ['credit 3 at 0'],
    ],
    [
      'is reported if the peer asks for it',
      withCredit(3, (peer) =>
        peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 4, echo: true }),
      ),
      ['sender may send 4', '< flow 0: 4 from 0', 'credit 4 at 0'],
    ],
    [
      'and the window are reported if the peer asks the session',
      withCredit(0, (peer) => peer.flow({ echo: true })),
      ['< flow', 'credit 0 at 0'],
    ],
    [
      'of a handle that is not attached is an error',
      withCredit(0, (peer) => peer.flow({ handle: 1, linkCredit: 1 })),
      ['session error amqp:session:unattached-handle', 'credit 0 at 0'],
    ],
    [
      'is none at first',
      withCredit(0, (peer, link) => peer.log.push(`${link.isSendable} ${link.isDraining}`)),
      ['false false', 'credit 0 at 0'],
    ],
    [
      'allows to send',
      withCredit(1, (peer, link) => peer.log.push(String(link.isSendable))),
      ['true', 'credit 1 at 0'],
    ],
    [
      'is not returned while messages wait for the window',
      withCredit(0, (peer, link) => {
        peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 3, drain: true, incomingWindow: 0 })
        peer.send(link, true)
        link.drained()
        peer.log.push(`${link.isDraining} ${link.isSendable}`)
      }),
      ['sender may send 3 drain', 'true false', 'credit 2 at 1'],
    ],
    [
      'is no use once the link is detached',
      withCredit(3, (peer, link) => {
        link.detach({ closed: true })
        peer.log.push(String(link.isSendable))
      }),
      ['< detach 0 closed', 'false', 'credit 3 at 0'],
    ],
    [
      'is no use while the window is closed',
      withCredit(3, (peer, link) => {
        peer.flow({ incomingWindow: 0 })
        peer.log.push(String(link.isSendable))
      }),
      ['false', 'credit 3 at 0'],
    ],
  ]
  check(rules.map(([rule, run, log]) => [rule, run, [...log, 'end', 'attached sender']]))

  it('wraps after 32 bits', () => {
    const peer = new Peer()
    const link = peer.attach('receiver', 0, { initialDeliveryCount: 0xffffffff })
    link.setCredit(5)
    peer.transfer(0, { settled: true })
    assert.equal(link.deliveryCount, 0)
    peer.flow({ handle: 0, deliveryCount: 2 })
    assert.deepEqual([link.credit, link.deliveryCount], [2, 2])
  })
})

describe('messages to a receiving link', () => {
  const withCredit =
    (credit: number, run: (peer: Peer, link: ReceiverLink) => void, answer: Fields = {}) =>
    (peer: Peer) => {
      peer.answer = { source: { kind: 'source' }, target: { kind: 'target' }, ...answer }
      const link = peer.attach('receiver')
      if (credit > 0) link.setCredit(credit)
      peer.clear()
      run(peer, link)
      peer.log.push(`credit ${link.credit}, ${peer.memory.incompleteBytes} incomplete`)
    }
  const rules: Rules = [
    [
      'use one credit each',
      withCredit(2, (peer) => peer.transfer(0)),
      ['received 0 of 1', 'credit 1, 0 incomplete'],
    ],
    [
      'may be settled by the sender',
      withCredit(2, (peer) => peer.transfer(0, { settled: true })),
      ['received 0 of 1 settled', 'credit 1, 0 incomplete'],
    ],
    [
      'without credit end the link',
      withCredit(0, (peer) => peer.transfer(0)),
      [
        'link error amqp:link:transfer-limit-exceeded',
        '< detach 0 closed amqp:link:transfer-limit-exceeded',
        'detached receiver alone lost',
        'credit 0, 0 incomplete',
      ],
    ],
    [
      'of several frames are joined; one credit is used',
      withCredit(2, (peer) => {
        peer.transfer(0, { more: true }, 10)
        peer.log.push(`${peer.memory.incompleteBytes}`)
        peer.transfer(undefined, { more: true }, 20)
        peer.log.push(`${peer.memory.incompleteBytes}`)
        peer.transfer(0, {}, 5)
      }),
      ['10', '30', 'received 0 of 35', 'credit 1, 0 incomplete'],
    ],
    [
      'are settled and have a state if any of their frames says so',
      withCredit(2, (peer) => {
        peer.transfer(0, { more: true, settled: true, state: { kind: 'released' } })
        peer.transfer(undefined, { more: true, state: { kind: 'accepted' } })
        peer.transfer(undefined)
      }),
      ['received 0 of 3 settled accepted', 'credit 1, 0 incomplete'],
    ],
    [
      'that are aborted are dropped, and their credit is used',
      withCredit(2, (peer) => {
        peer.transfer(0, { more: true }, 10)
        peer.transfer(undefined, { aborted: true }, 10)
        peer.transfer(1)
      }),
      ['received 1 of 1', 'credit 0, 0 incomplete'],
    ],
    [
      'may not be interleaved on a link',
      withCredit(2, (peer) => {
        peer.transfer(0, { more: true }, 10)
        peer.transfer(1)
      }),
      ['session error amqp:illegal-state', 'credit 1, 10 incomplete'],
    ],
    [
      'need an id',
      withCredit(2, (peer) => peer.transfer(undefined, { deliveryTag: Buffer.alloc(1) })),
      ['session error amqp:invalid-field', 'credit 2, 0 incomplete'],
    ],
    [
      'need a tag',
      withCredit(2, (peer) => peer.transfer(0, { deliveryTag: undefined })),
      ['session error amqp:invalid-field', 'credit 2, 0 incomplete'],
    ],
    [
      'of the largest size are accepted',
      withCredit(2, (peer) => peer.transfer(0, {}, 30), { maxMessageSize: 30 }),
      ['received 0 of 30', 'credit 1, 0 incomplete'],
    ],
    [
      'that are too large end the link as soon as that is known',
      withCredit(
        2,
        (peer) => {
          peer.transfer(0, { more: true }, 30)
          peer.transfer(undefined, { more: true }, 1)
        },
        { maxMessageSize: 30 },
      ),
      [
        'link error amqp:link:message-size-exceeded',
        '< detach 0 closed amqp:link:message-size-exceeded',
        'detached receiver alone lost',
        'credit 1, 0 incomplete',
      ],
    ],
    [
      'have no largest size if it is 0',
      withCredit(2, (peer) => peer.transfer(0, {}, 3000), { maxMessageSize: 0 }),
      ['received 0 of 3000', 'credit 1, 0 incomplete'],
    ],
    [
      'to the sending end are an error of the session',
      (peer) => {
        peer.attach('sender', 1)
        peer.clear()
        peer.transfer(0, { handle: 1 })
      },
      ['session error amqp:illegal-state'],
    ],
    [
      'to a handle that is not attached are an error of the session',
      withCredit(2, (peer) => peer.transfer(0, { handle: 5 })),
      ['session error amqp:session:unattached-handle', 'credit 2, 0 incomplete'],
    ],
    [
      'that were sent before the peer saw the detach are ignored',
      withCredit(2, (peer, link) => {
        link.detach({ closed: true })
        peer.transfer(0)
      }),
      ['< detach 0 closed', 'credit 2, 0 incomplete'],
    ],
    [
      'whose handler throws end the link',
      withCredit(2, (peer) => {
        peer.onDelivery = () => {
          throw new Error('x')
        }
        peer.transfer(0)
      }),
      [
        'received 0 of 1',
        '< detach 0 closed amqp:internal-error',
        'detached receiver alone lost',
        'credit 1, 0 incomplete',
      ],
    ],
  ]
  check(
    rules.map(([rule, run, log]) => [
      rule,
      run,
      rule.includes('sending end') ? [...log, 'attached sender'] : [...log, 'attached receiver'],
    ]),
  )
})

describe('credit of a receiving link', () => {
  const attached = (run: (peer: Peer, link: ReceiverLink) => void) => (peer: Peer) => {
    const link = peer.attach('receiver')
    peer.clear()
    run(peer, link)
  }
  const rules: Rules = [
    ['is granted by a flow', attached((_, link) => link.setCredit(5)), ['< flow 0: 5 from 0']],
    [
      'is added to what is left',
      attached((peer, link) => {
        link.setCredit(5)
        peer.transfer(0, { settled: true })
        link.addCredit(3)
      }),
      ['< flow 0: 5 from 0', 'received 0 of 1 settled', '< flow 0: 7 from 1'],
    ],
    [
      'is drained: the peer uses all of it',
      attached((peer, link) => {
        link.setCredit(1)
        link.drain()
        peer.transfer(0, { settled: true })
        peer.log.push(String(link.isDraining))
      }),
      [
        '< flow 0: 1 from 0',
        '< flow 0: 1 from 0 drain echo',
        'received 0 of 1 settled',
        'receiver drained',
        'false',
      ],
    ],
    [
      'is drained: the peer returns it by advancing the delivery count',
      attached((peer, link) => {
        link.setCredit(5)
        link.drain()
        peer.flow({ handle: 0, deliveryCount: 3, linkCredit: 0 })
        peer.log.push(`${link.credit}`)
        peer.flow({ handle: 0, deliveryCount: 5, linkCredit: 0 })
      }),
      ['< flow 0: 5 from 0', '< flow 0: 5 from 0 drain echo', '2', 'receiver drained'],
    ],
    [
      'is none at first',
      attached((peer, link) => {
        peer.log.push(`${link.credit} from ${link.deliveryCount} ${link.isDraining}`)
      }),
      ['0 from 0 false'],
    ],
    [
      'is not drained while one is left',
      attached((peer, link) => {
        link.setCredit(2)
        link.drain()
        peer.transfer(0, { settled: true })
        peer.flow({ handle: 0, deliveryCount: 2, linkCredit: 0 })
      }),
      [
        '< flow 0: 2 from 0',
        '< flow 0: 2 from 0 drain echo',
        'received 0 of 1 settled',
        'receiver drained',
      ],
    ],
    [
      'is drained by a message that is aborted',
      attached((peer, link) => {
        link.setCredit(1)
        link.drain()
        peer.transfer(0, { more: true })
        peer.transfer(undefined, { aborted: true })
      }),
      ['< flow 0: 1 from 0', '< flow 0: 1 from 0 drain echo', 'receiver drained'],
    ],
    [
      'is not given twice: an older delivery count changes nothing',
      attached((peer, link) => {
        link.setCredit(5)
        peer.transfer(0, { settled: true })
        peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 5 })
        peer.log.push(`${link.credit} from ${link.deliveryCount}`)
      }),
      ['< flow 0: 5 from 0', 'received 0 of 1 settled', '4 from 1'],
    ],
    [
      'that is granted again ends the drain',
      attached((peer, link) => {
        link.setCredit(1)
        link.drain()
        link.setCredit(2)
        peer.log.push(String(link.isDraining))
      }),
      ['< flow 0: 1 from 0', '< flow 0: 1 from 0 drain echo', '< flow 0: 2 from 0', 'false'],
    ],
    [
      'is not granted after the detach',
      attached((_, link) => {
        link.detach({ closed: true })
        link.setCredit(5)
        link.drain()
      }),
      ['< detach 0 closed'],
    ],
    [
      'is not granted after the peer detached',
      attached((peer, link) => {
        peer.receive({ kind: 'detach', handle: 0, closed: true })
        link.setCredit(5)
      }),
      ['detached receiver closed'],
    ],
    [
      'is reported if the peer asks for it',
      attached((peer, link) => {
        link.setCredit(2)
        peer.flow({ handle: 0, deliveryCount: 0, echo: true })
      }),
      ['< flow 0: 2 from 0', '< flow 0: 2 from 0'],
    ],
  ]
  check(rules.map(([rule, run, log]) => [rule, run, [...log, 'attached receiver']]))
})

describe('outcomes of received messages', () => {
  const withMessages =
    (count: number, run: (peer: Peer) => void, answer: Fields = {}, attach: Fields = {}) =>
    (peer: Peer) => {
      peer.answer = { source: { kind: 'source' }, target: { kind: 'target' }, ...answer }
      peer.attach('receiver', 0, attach).setCredit(100)
      for (let i = 0; i < count; i++) peer.transfer(i)
      peer.clear()
      run(peer)
    }
  const updateAll = (peer: Peer, ids: readonly number[]): void => {
    for (const id of ids) update(peer, id, accepted)
  }
  const update = (peer: Peer, id: number, state: DeliveryState, settle = true): void =>
    peer.received[id]?.update(state, { settle })
  const rules: Rules = [
    [
      'of one turn share a frame if they are equal and consecutive',
      withMessages(3, (peer) => updateAll(peer, [0, 1, 2])),
      ['< receiver: 0-2 accepted settled'],
    ],
    [
      'do not share a frame if one is missing between them',
      withMessages(3, (peer) => updateAll(peer, [0, 2])),
      ['< receiver: 0-0 accepted settled', '< receiver: 2-2 accepted settled'],
    ],
    [
      'do not share a frame if they differ',
      withMessages(2, (peer) => {
        update(peer, 0, accepted)
        update(peer, 1, released)
      }),
      ['< receiver: 0-0 accepted settled', '< receiver: 1-1 released settled'],
    ],
    [
      'do not share a frame if only one settles',
      withMessages(2, (peer) => {
        update(peer, 0, accepted)
        update(peer, 1, accepted, false)
      }),
      ['< receiver: 0-0 accepted settled', '< receiver: 1-1 accepted'],
    ],
    [
      'with details share a frame only if they are the same object',
      withMessages(3, (peer) => {
        const modified: DeliveryState = { kind: 'modified', deliveryFailed: true }
        update(peer, 0, modified)
        update(peer, 1, modified)
        update(peer, 2, { kind: 'modified', deliveryFailed: false })
      }),
      ['< receiver: 0-1 modified settled', '< receiver: 2-2 modified settled'],
    ],
    [
      'are sent before any later frame',
      withMessages(1, (peer) => {
        update(peer, 0, accepted)
        peer.flow({ echo: true })
      }),
      ['< receiver: 0-0 accepted settled', '< flow'],
    ],
    [
      'are reported once',
      withMessages(1, (peer) => {
        update(peer, 0, accepted)
        update(peer, 0, released)
      }),
      ['< receiver: 0-0 accepted settled'],
    ],
    [
      'are not sent after the end of the session',
      withMessages(1, (peer) => {
        peer.session.end()
        update(peer, 0, accepted)
      }),
      ['< end'],
    ],
    [
      'in settle mode second are settled by the sender first',
      withMessages(
        1,
        (peer) => {
          update(peer, 0, accepted)
          peer.flush()
          peer.disposition(0, undefined, 'accepted', { role: false })
          peer.log.push(String(peer.received[0]?.isSettled))
        },
        { rcvSettleMode: 1 },
      ),
      ['< receiver: 0-0 accepted', 'settled 0', 'true'],
    ],
    [
      'are settled here if only the peer asked for settle mode second',
      withMessages(1, (peer) => update(peer, 0, accepted), {}, { rcvSettleMode: 1 }),
      ['< receiver: 0-0 accepted settled'],
    ],
    [
      'that the sender only announces change nothing',
      withMessages(1, (peer) => {
        peer.disposition(0, undefined, 'accepted', { role: false, settled: false })
        peer.log.push(String(peer.received[0]?.isSettled))
      }),
      ['false'],
    ],
  ]
  check(
    rules.map(([rule, run, log]) => [
      rule,
      run,
      log.includes('< end') ? [...log, 'attached receiver'] : withAttached(log),
    ]),
  )
})

/** The promise of the link settles before the turn ends, when merged dispositions are written. */
function withAttached(log: readonly string[]): readonly string[] {
  const last = log.at(-1) ?? ''
  const isMerged = last.startsWith('< receiver') || last.startsWith('< sender')
  return isMerged ? [...log.slice(0, -1), 'attached receiver', last] : [...log, 'attached receiver']
}

describe('outcomes of sent messages', () => {
  const withSent = (count: number, run: (peer: Peer) => void) => (peer: Peer) => {
    const link = peer.attach('sender')
    peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 100 })
    for (let i = 0; i < count; i++) peer.send(link)
    peer.clear()
    run(peer)
    peer.log.push(`unsettled ${peer.session.unsettledOutgoing}`)
  }
  const rules: Rules = [
    [
      'arrive for a range',
      withSent(3, (peer) => peer.disposition(0, 1, 'accepted')),
      ['outcome 0 accepted settled', 'outcome 1 accepted settled', 'unsettled 3'],
    ],
    [
      'arrive for one delivery',
      withSent(3, (peer) => peer.disposition(1, undefined, 'released')),
      ['outcome 1 released settled', 'unsettled 3'],
    ],
    [
      'of a range much larger than what is unsettled are found',
      withSent(2, (peer) => peer.disposition(1, 0x7ffffffe, 'accepted')),
      ['outcome 1 accepted settled', 'unsettled 2'],
    ],
    [
      'of a large range are found up to its end',
      withSent(3, (peer) => peer.disposition(0x80000002, 1, 'accepted')),
      ['outcome 0 accepted settled', 'outcome 1 accepted settled', 'unsettled 3'],
    ],
    [
      'of a range that wraps are found',
      withSent(2, (peer) => peer.disposition(0xfffffffe, 0, 'accepted')),
      ['outcome 0 accepted settled', 'unsettled 2'],
    ],
    [
      'of a range that runs backwards are an error',
      withSent(3, (peer) => peer.disposition(2, 1, 'accepted')),
      ['session error amqp:invalid-field', 'unsettled 3'],
    ],
    [
      'of unknown deliveries are ignored',
      withSent(1, (peer) => peer.disposition(5, 6, 'accepted')),
      ['unsettled 1'],
    ],
    [
      'without a state keep the one before',
      withSent(1, (peer) => {
        peer.disposition(0, undefined, 'accepted', { settled: false })
        peer.disposition(0, undefined, '', { state: undefined })
      }),
      ['outcome 0 accepted', 'outcome 0 accepted settled', 'unsettled 1'],
    ],
    [
      'that the receiver settled need no answer',
      withSent(1, (peer) => {
        peer.disposition(0, undefined, 'accepted')
        peer.sent[0]?.settle()
        peer.sent[0]?.settle()
      }),
      ['outcome 0 accepted settled', 'unsettled 0'],
    ],
    [
      'that the receiver did not settle are settled with its state',
      withSent(1, (peer) => {
        peer.disposition(0, undefined, 'accepted', { settled: false })
        peer.sent[0]?.settle()
      }),
      ['outcome 0 accepted', 'unsettled 0', '< sender: 0-0 accepted settled'],
    ],
    [
      'are settled with another state if this end says so',
      withSent(1, (peer) => peer.sent[0]?.settle(released)),
      ['unsettled 0', '< sender: 0-0 released settled'],
    ],
    [
      'may be announced by this end without settling',
      withSent(1, (peer) => peer.sent[0]?.update(accepted)),
      ['unsettled 1', '< sender: 0-0 accepted'],
    ],
    [
      'are not announced once settled',
      withSent(1, (peer) => {
        peer.disposition(0, undefined, 'accepted')
        peer.sent[0]?.settle()
        peer.sent[0]?.update(released)
      }),
      ['outcome 0 accepted settled', 'unsettled 0'],
    ],
  ]
  check(
    rules.map(([rule, run, log]) => {
      const merged = log.filter((line) => line.startsWith('< sender'))
      const others = log.filter((line) => !line.startsWith('< sender'))
      return [rule, run, [...others, 'attached sender', ...merged]]
    }),
  )
})

describe('the end of a session', () => {
  check([
    [
      'by this end is announced once and waits for the peer',
      (peer) => {
        peer.session.end()
        peer.session.end()
        peer.log.push(String(peer.session.isEnded))
      },
      ['< end', 'true'],
    ],
    [
      'by the peer is answered, and its links end',
      (peer) => {
        peer.attach('receiver')
        peer.clear()
        peer.receive({ kind: 'end' })
      },
      ['detached receiver alone', 'ended', '< end', 'forgotten', 'attached receiver'],
    ],
    [
      'by the peer with an error has its condition',
      (peer) => peer.receive({ kind: 'end', error: { kind: 'error', condition: 'x' } }),
      ['ended x', '< end', 'forgotten'],
    ],
    [
      'because of an error of the peer releases everything at once',
      (peer) => {
        peer.attach('receiver').setCredit(1)
        peer.transfer(0, { more: true }, 50)
        peer.clear()
        peer.session.fail(new AmqpError(Condition.windowViolation, 'x'))
        peer.log.push(`${peer.memory.attachBytes} ${peer.memory.incompleteBytes}`)
        peer.receive({ kind: 'end' })
      },
      [
        '< end amqp:session:window-violation',
        'detached receiver alone lost',
        'ended amqp:session:window-violation',
        '0 0',
        'forgotten',
        'attached receiver',
      ],
    ],
    [
      'with the connection is no frame; deliveries may be lost if there was an error',
      (peer) => {
        peer.attach('sender')
        peer.clear()
        peer.session.onConnectionGone(new AmqpError(Condition.connectionForced, 'x'))
      },
      ['detached sender alone lost', 'ended amqp:connection:forced', 'attached sender'],
    ],
    [
      'with a connection that closed regularly loses nothing',
      (peer) => {
        peer.attach('sender')
        peer.clear()
        peer.session.onConnectionGone(undefined)
      },
      ['detached sender alone', 'ended', 'attached sender'],
    ],
    [
      'refuses links that the peer has not answered',
      (peer) => {
        const link = peer.session.sender('out')
        peer.listen(link)
        link.attach({ target: { kind: 'target' } })
        peer.receive({ kind: 'end' })
      },
      [
        '< attach out 0 sender',
        'detached out alone',
        'ended',
        '< end',
        'forgotten',
        'refused out amqp:link:detach-forced',
      ],
    ],
  ])

  it('releases all links, deliveries and messages that wait', () => {
    const peer = new Peer()
    const link = peer.attach('sender')
    peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 9 })
    peer.send(link)
    peer.flow({ incomingWindow: 0 })
    peer.send(link)
    const { session, memory } = peer
    assert.deepEqual([session.linkCount, session.unsettledOutgoing, memory.holding.size], [1, 2, 1])
    session.fail(new AmqpError(Condition.illegalState, 'x'))
    assert.deepEqual([session.linkCount, session.unsettledOutgoing, memory.holding.size], [0, 0, 0])
    assert.ok(link.isDetached && link.isOver)
    peer.clear()
    peer.transfer(0)
    assert.deepEqual(peer.log, ['session error amqp:session:unattached-handle'])
  })

  it('rejects the promise of a session that was never begun', async () => {
    const session = new SessionEndpoint(
      { logger: silentLogger, memory: new SessionMemory() } as never,
      0,
    )
    session.onConnectionGone(new AmqpError(Condition.connectionForced, 'x'))
    await assert.rejects(session.begun, { code: Condition.connectionForced })
  })
})

describe('a sent message', () => {
  it('has a tag that counts, or the one that it is given, and keeps a value of its owner', () => {
    const peer = new Peer()
    const link = peer.attach('sender')
    peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 9 })
    const [first, second] = [peer.send(link), peer.send(link)]
    const tag = Buffer.from('own')
    const third = link.send([], { settled: false, tag, context: 'mine' })
    assert.deepEqual(
      [first, second, third].map(({ tag, id }) => [tag.toString('hex'), id]),
      [
        ['00000000', 0],
        ['00000001', 1],
        [tag.toString('hex'), 2],
      ],
    )
    assert.deepEqual([first.context, third.context], [undefined, 'mine'])
  })
})

describe('messages that wait for the window', () => {
  it('are served in turn, one link after the other, and count as memory', () => {
    const peer = new Peer()
    const links = ['a', 'b'].map((name, handle) => {
      const link = peer.attach('sender', handle, { name })
      peer.flow({ handle, deliveryCount: 0, linkCredit: 10 })
      return link
    })
    peer.flow({ incomingWindow: 0 })
    peer.clear()
    // Three frames for a, one for b.
    peer.send(elementAt(links, 0), true, 1000)
    peer.send(elementAt(links, 1), true, 10)
    assert.equal(peer.memory.heldBytes, 1010)
    peer.flow({ incomingWindow: 1 })
    assert.deepEqual(peer.log.splice(0), ['< transfer 0: 0 of 384 settled'])
    assert.equal(peer.memory.heldBytes, 626)
    peer.flow({ incomingWindow: 100, nextIncomingId: 1 })
    assert.deepEqual(
      peer.log.filter((line) => line.startsWith('<')),
      [
        '< transfer 1: 1 of 10 settled',
        '< transfer 0: more of 384',
        '< transfer 0: more of 232',
      ].map((line) => (line.includes('more') ? `${line} settled` : line)),
    )
    assert.equal(peer.memory.heldBytes, 0)
  })

  it('are dropped with their link', () => {
    const peer = new Peer()
    const link = peer.attach('sender')
    peer.flow({ handle: 0, deliveryCount: 0, linkCredit: 10 })
    peer.flow({ incomingWindow: 0 })
    peer.send(link, true, 1000)
    peer.receive({ kind: 'detach', handle: 0, closed: true })
    assert.equal(peer.memory.heldBytes, 0)
    peer.clear()
    peer.flow({ incomingWindow: 100 })
    assert.deepEqual(peer.log, [])
  })
})
