// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { FrameReader } from './codec/frames.ts'
import type { SenderLink } from './link.ts'
import { SessionEndpoint } from './session-endpoint.ts'
import { SessionMemory, type SessionOwner } from './session-owner.ts'

const FRAME = 512
/** Message bytes that fit into a frame after the transfer performative. */
const ROOM = FRAME - 128
const WINDOW = 2048

/** Drives a session as its peer would, and logs the frames it sends as text. */
class Script {
  readonly log: string[] = []
  readonly session: SessionEndpoint
  readonly #reader = new FrameReader()

  constructor(begin: { readonly window: number; readonly nextOutgoingId?: number }) {
    this.#reader.maxFrameSize = 1 << 20
    const owner: SessionOwner = {
      // No rule of a session depends on it.
      connection: undefined as never,
      logger: silentLogger,
      memory: new SessionMemory(),
      maxFrameSizeOut: FRAME,
      isCongested: false,
      write: (head, payload) => this.#onFrame(head, payload),
      flushLater: () => {},
      forget: () => {},
    }
    this.session = new SessionEndpoint(owner, 0)
    this.session.handler = {
      onEnd() {},
      onLink(link) {
        link.handler = {
          onDelivery() {},
          onDetach() {},
          onSendable() {},
          onDisposition() {},
        }
        link.attach({ source: link.remote?.source, target: link.remote?.target })
      },
    }
    this.session.onBegin({
      kind: 'begin',
      nextOutgoingId: begin.nextOutgoingId ?? 0,
      incomingWindow: begin.window,
      outgoingWindow: WINDOW,
    } as Parameters<SessionEndpoint['onBegin']>[0])
  }

  #onFrame(head: Buffer, payload: readonly Uint8Array[]): void {
    this.#reader.push(Buffer.concat([head, ...payload]))
    const frame = this.#reader.frame()
    const body = frame?.body as
      | { readonly kind: string; readonly more?: boolean; readonly nextIncomingId?: number }
      | undefined
    if (body?.kind === 'transfer') {
      this.log.push(`${frame?.payload.length}${body.more === true ? '+' : ''}`)
    } else if (body?.kind === 'flow') this.log.push(`flow after ${body.nextIncomingId}`)
  }

  attach(role: 'sender' | 'receiver', credit: number): SenderLink {
    this.session.onAttach(
      { kind: 'attach', name: role, handle: 0, role: role === 'sender' } as never,
      100,
    )
    const [link] = this.session.links
    if (role === 'sender') this.flow({ window: WINDOW, credit })
    this.log.length = 0
    return link as never
  }

  /** The peer has received this many transfers and accepts `window` more. */
  flow(options: {
    readonly received?: number | undefined
    readonly window: number
    readonly credit?: number
  }): void {
    const link =
      options.credit === undefined
        ? {}
        : { handle: 0, deliveryCount: 0, linkCredit: options.credit }
    this.session.onFlow({
      kind: 'flow',
      nextIncomingId: options.received,
      incomingWindow: options.window,
      nextOutgoingId: 0,
      outgoingWindow: WINDOW,
      ...link,
    } as never)
  }
}

/** Sizes of messages, flows of the peer (`transfers received/window`), and the frames sent. */
const outgoing: readonly (readonly [string, readonly (number | string)[], readonly string[]])[] = [
  ['a message in one frame', [100], ['100']],
  ['a message of several frames', [2 * ROOM + 1], [`${ROOM}+`, `${ROOM}+`, '1']],
  ['a message that fills its frames', [2 * ROOM], [`${ROOM}+`, `${ROOM}`]],
  ['no more frames than the window allows', ['0/2', 10, 11, 12], ['10', '11']],
  ['the rest when the window opens', ['0/2', 10, 11, 12, '2/1'], ['10', '11', '12']],
  [
    'part of a message, and the rest when the window opens',
    ['0/1', 2 * ROOM + 1, '1/1', '2/1'],
    [`${ROOM}+`, `${ROOM}+`, '1'],
  ],
  [
    'as much as the peer accepts in addition to transfers in flight',
    ['0/3', 10, 11, '0/3', 12, 13],
    ['10', '11', '12'],
  ],
  ['nothing when the peer shrinks the window', ['0/3', 10, '0/1', 11], ['10']],
  [
    'nothing when the window ends before the last transfer sent',
    ['0/2', 10, 11, '0/1', 12],
    ['10', '11'],
  ],
]

describe('the outgoing window of a session', () => {
  for (const [what, steps, expected] of outgoing) {
    it(`sends ${what}`, () => {
      const script = new Script({ window: WINDOW })
      const link = script.attach('sender', 100)
      for (const step of steps) {
        if (typeof step === 'number') {
          link.send([Buffer.alloc(step)], { settled: true })
          continue
        }
        const [received, window] = step.split('/').map(Number)
        script.flow({ received, window: window ?? 0 })
      }
      assert.deepEqual(script.log, expected)
    })
  }

  it('does not accept messages without credit', () => {
    const link = new Script({ window: WINDOW }).attach('sender', 1)
    link.send([Buffer.alloc(1)], { settled: true })
    assert.throws(() => link.send([Buffer.alloc(1)], { settled: true }), {
      code: 'amqp:link:transfer-limit-exceeded',
    })
  })
})

describe('the incoming window of a session', () => {
  const receive = (script: Script, count: number): void => {
    for (let i = 0; i < count; i++) {
      const transfer = { kind: 'transfer', handle: 0, deliveryId: i, deliveryTag: Buffer.from([i]) }
      script.session.onTransfer({ ...transfer, settled: true } as never, Buffer.alloc(1))
    }
  }

  for (const [begin, after] of [
    [0, 1024],
    [7, 1031],
    // Ids wrap after 32 bits.
    [0xffffffff, 1023],
  ] as const) {
    it(`is renewed when half of it is used, starting at id ${begin}`, () => {
      const script = new Script({ window: WINDOW, nextOutgoingId: begin })
      const link = script.attach('receiver', 0) as never as { setCredit(credit: number): void }
      link.setCredit(5000)
      // Granting credit renews the window too.
      assert.deepEqual(script.log.splice(0), [`flow after ${begin}`])
      receive(script, WINDOW / 2 - 1)
      assert.deepEqual(script.log, [])
      receive(script, 1)
      assert.deepEqual(script.log, [`flow after ${after}`])
      receive(script, WINDOW / 2)
      assert.equal(script.log.length, 2)
    })
  }
})
