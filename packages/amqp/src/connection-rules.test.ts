// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock, Connection, Timer } from '@millrace/base'
import { AmqpError, Condition } from './amqp-error.ts'
import { amqpHeader, encodeFrame, FrameReader, heartbeat, saslHeader } from './codec/frames.ts'
import { AmqpConnection, type ConnectionOptions, type SaslStep } from './connection.ts'
import type { Performative } from './definitions/performatives.ts'

type Fields = Readonly<Record<string, unknown>>

/** A clock whose time a test sets. */
class TestClock implements Clock {
  #nowMs = 0
  #timers: { readonly dueMs: number; readonly run: () => void }[] = []

  now(): number {
    return this.#nowMs
  }
  monotonic(): number {
    return this.#nowMs
  }
  setTimer(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, run }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((each) => each !== timer)
      },
    }
  }
  yield(): Promise<void> {
    return Promise.resolve()
  }
  get timerCount(): number {
    return this.#timers.length
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const [first] = this.#timers.toSorted((a, b) => a.dueMs - b.dueMs)
      if (first === undefined || first.dueMs > endMs) break
      this.#timers = this.#timers.filter((each) => each !== first)
      this.#nowMs = first.dueMs
      first.run()
    }
    this.#nowMs = endMs
  }
}

/** A connection over a transport that the test drives, and a log of both sides of it. */
class Wire {
  readonly log: string[] = []
  readonly clock = new TestClock()
  readonly connection: AmqpConnection
  readonly transport = {
    remoteAddress: '10.0.0.9',
    unsentBytes: 77,
    onData: (_chunk: Buffer): void => {},
    onEnd: (): void => {},
    onDrain: (): void => {},
    onClose: (_error: Error | undefined): void => {},
    write: (buffers: readonly Uint8Array[]): boolean => {
      this.#written(Buffer.concat(buffers))
      return true
    },
    pause: () => this.log.push('pause'),
    resume: () => this.log.push('resume'),
    end: () => this.log.push('end of the socket'),
    destroy: () => this.log.push('socket destroyed'),
  }
  readonly #reader = new FrameReader()

  constructor(options: Partial<ConnectionOptions> = {}) {
    this.#reader.maxFrameSize = 1 << 20
    this.connection = new AmqpConnection(this.transport as unknown as Connection, {
      role: 'server',
      clock: this.clock,
      containerId: 'here',
      handler: {
        onOpen: (open) => {
          this.log.push(`opened by ${open.containerId}`)
          this.connection.open()
        },
        onSession: (session) => this.log.push(`session on ${session.channel}`),
        onClose: (error) => this.log.push(`closed ${error?.code ?? ''}`.trimEnd()),
      },
      ...options,
    })
  }

  #written(bytes: Buffer): void {
    let rest = bytes
    while (rest.subarray(0, 4).toString() === 'AMQP') {
      this.log.push(`< header ${rest[4] === 3 ? 'SASL' : 'AMQP'}`)
      rest = rest.subarray(8)
    }
    if (rest.subarray(0, 5).toString() === 'HTTP/') {
      this.log.push('< HTTP')
      return
    }
    this.#reader.push(rest)
    for (let frame = this.#reader.frame(); frame !== undefined; frame = this.#reader.frame()) {
      const body = frame.body as Performative | undefined
      const error =
        body?.kind === 'close' && body.error !== undefined ? ` ${body.error.condition}` : ''
      this.log.push(`< ${frame.channel}: ${body?.kind ?? 'empty'}${error}`)
    }
  }

  bytes(...chunks: readonly Buffer[]): void {
    this.transport.onData(Buffer.concat(chunks))
  }

  frame(
    kind: string,
    fields: Fields = {},
    options: { channel?: number; type?: number } = {},
  ): void {
    this.bytes(encodeFrame(options.type ?? 0, options.channel ?? 0, { kind, ...fields } as never))
  }

  /** The peer sends its header and its open frame. */
  open(fields: Fields = {}): this {
    this.bytes(amqpHeader)
    this.frame('open', { containerId: 'peer', ...fields })
    return this
  }

  begin(channel = 0, fields: Fields = {}): void {
    const windows = { nextOutgoingId: 0, incomingWindow: 10, outgoingWindow: 10 }
    this.frame('begin', { ...windows, ...fields }, { channel })
  }

  clear(): this {
    this.log.length = 0
    return this
  }
}

type Rules = readonly (readonly [
  rule: string,
  run: (wire: Wire) => void | Promise<void>,
  log: readonly string[],
])[]

function check(rules: Rules, options: Partial<ConnectionOptions> = {}): void {
  for (const [rule, run, log] of rules) {
    it(rule, async () => {
      const wire = new Wire(options)
      await run(wire)
      // What a turn has queued is written.
      await undefined
      assert.deepEqual(wire.log, log)
    })
  }
}

const noSasl = { sasl: undefined }
const neverAnswers = { onFrame: () => new Promise<SaslStep>(() => {}) }
const gone = ['< 0: open', '< 0: close amqp:connection:framing-error', 'end of the socket']

describe('the header of a peer', () => {
  check(
    [
      ['is answered', (wire) => wire.bytes(amqpHeader), ['< header AMQP']],
      [
        'is awaited until all of it has arrived',
        (wire) => wire.bytes(amqpHeader.subarray(0, 7)),
        [],
      ],
      [
        'of the SASL layer is refused without one',
        (wire) => wire.bytes(saslHeader),
        ['< header AMQP', 'end of the socket', 'closed amqp:connection:framing-error'],
      ],
      [
        'of another version is answered with the one that is supported',
        (wire) => wire.bytes(Buffer.from('AMQP\0\0\x09\x01')),
        ['< header AMQP', 'end of the socket', 'closed amqp:connection:framing-error'],
      ],
      [
        'of HTTP is answered in HTTP',
        (wire) => wire.bytes(Buffer.from('GET / HTTP/1.1\r\n')),
        ['< HTTP', 'end of the socket', 'closed amqp:connection:framing-error'],
      ],
      [
        'of STOMP has no answer',
        (wire) => wire.bytes(Buffer.from('CONNECT\n')),
        ['end of the socket', 'closed amqp:connection:framing-error'],
      ],
    ],
    noSasl,
  )
  check(
    [
      [
        'without SASL is answered with the header of SASL',
        (wire) => wire.bytes(amqpHeader),
        ['< header SASL', 'end of the socket', 'closed amqp:connection:framing-error'],
      ],
      ['of the SASL layer starts it', (wire) => wire.bytes(saslHeader), ['< header SASL']],
    ],
    { sasl: neverAnswers },
  )
  check(
    [
      [
        'without SASL is accepted if the owner admits it',
        (wire) => wire.bytes(amqpHeader),
        ['< header AMQP'],
      ],
    ],
    { sasl: neverAnswers, admitsWithoutSasl: () => true },
  )

  it('of another protocol is reported to the owner', () => {
    const names: string[] = []
    const wire = new Wire({ onForeignProtocol: ({ name }) => names.push(name) })
    wire.bytes(Buffer.from('GET / HTTP/1.1\r\n'))
    assert.deepEqual(names, ['HTTP'])
  })
})

describe('the SASL layer', () => {
  const mechanisms: SaslStep = {
    kind: 'reply',
    frame: { kind: 'saslMechanisms', mechanisms: ['PLAIN'] },
  }
  const steps = (...list: readonly SaslStep[]): Partial<ConnectionOptions> => {
    const left = [mechanisms, ...list]
    return { sasl: { onFrame: async () => left.shift() as SaslStep } }
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const init = (wire: Wire): void => wire.frame('saslInit', { mechanism: 'PLAIN' }, { type: 1 })

  it('precedes the AMQP header', async () => {
    const outcome: SaslStep = { kind: 'done', frame: { kind: 'saslOutcome', code: 0 } }
    const wire = new Wire(steps(outcome))
    wire.bytes(saslHeader)
    await turn()
    init(wire)
    await turn()
    wire.open()
    assert.deepEqual(wire.log, [
      '< header SASL',
      '< 0: saslMechanisms',
      '< 0: saslOutcome',
      '< header AMQP',
      'opened by peer',
      '< 0: open',
    ])
  })

  it('sends its outcome before the socket is closed when it fails', async () => {
    const error = new AmqpError(Condition.unauthorizedAccess, 'no')
    const wire = new Wire(steps({ kind: 'failed', error, frame: { kind: 'saslOutcome', code: 1 } }))
    wire.bytes(saslHeader)
    await turn()
    init(wire)
    await turn()
    assert.deepEqual(wire.log.slice(2), [
      '< 0: saslOutcome',
      'end of the socket',
      'closed amqp:unauthorized-access',
    ])
  })

  it('that throws closes the connection', async () => {
    const wire = new Wire({ sasl: { onFrame: () => Promise.reject(new Error('x')) } })
    wire.bytes(saslHeader)
    await turn()
    assert.deepEqual(wire.log, ['< header SASL', 'end of the socket', 'closed amqp:internal-error'])
  })

  it('does not accept frames of AMQP', async () => {
    const wire = new Wire(steps())
    wire.bytes(saslHeader)
    await turn()
    wire.frame('open', { containerId: 'peer' })
    assert.equal(wire.log.at(-1), 'closed amqp:connection:framing-error')
  })

  it('is not read ahead: bytes that arrive during a step wait, and reading stops at 64 KiB', async () => {
    const wire = new Wire({ sasl: neverAnswers })
    wire.bytes(saslHeader)
    wire.bytes(Buffer.alloc(64 * 1024))
    assert.ok(!wire.log.includes('pause'))
    wire.bytes(Buffer.alloc(1))
    assert.ok(wire.log.includes('pause'))
  })

  it('of a client is used if it is given; the AMQP header follows', async () => {
    const wire = new Wire({ role: 'client', sasl: { onFrame: async () => ({ kind: 'done' }) } })
    wire.bytes(saslHeader)
    wire.frame('saslOutcome', { code: 0 }, { type: 1 })
    await turn()
    assert.deepEqual(wire.log, ['< header SASL', '< header AMQP', '< 0: open'])
  })

  it('is left out by a client without one', async () => {
    const wire = new Wire({ role: 'client' })
    await undefined
    assert.deepEqual(wire.log, ['< header AMQP', '< 0: open'])
  })
})

describe('opening a connection', () => {
  const opened = (run: (wire: Wire) => void) => (wire: Wire) => run(wire.open().clear())
  check([
    [
      'is asked for by the peer and answered by the owner',
      (wire) => void wire.open(),
      ['< header AMQP', 'opened by peer', '< 0: open'],
    ],
    [
      'twice is an error',
      opened((wire) => wire.frame('open', { containerId: 'peer' })),
      ['< 0: close amqp:illegal-state', 'end of the socket', 'closed amqp:illegal-state'],
    ],
    [
      'comes first: any other frame is an error',
      (wire) => {
        wire.bytes(amqpHeader)
        wire.clear().begin()
      },
      [
        '< 0: open',
        '< 0: close amqp:illegal-state',
        'end of the socket',
        'closed amqp:illegal-state',
      ],
    ],
    [
      'with a max-frame-size below 512 is an error',
      (wire) => void wire.open({ maxFrameSize: 511 }),
      [
        '< header AMQP',
        '< 0: open',
        '< 0: close amqp:invalid-field',
        'end of the socket',
        'closed amqp:invalid-field',
      ],
    ],
    [
      'with frames of an unknown type is an error',
      (wire) => {
        wire.bytes(amqpHeader)
        wire.clear().frame('open', { containerId: 'peer' }, { type: 1 })
      },
      [...gone, 'closed amqp:connection:framing-error'],
    ],
    [
      'is not answered by empty frames, which are heartbeats',
      opened((wire) => wire.bytes(heartbeat)),
      [],
    ],
    [
      'takes 30 s at most',
      (wire) => {
        wire.clock.advance(29_999)
        wire.log.push('30 s')
        wire.clock.advance(1)
      },
      ['30 s', 'end of the socket', 'closed amqp:resource-limit-exceeded'],
    ],
    [
      'has no limit of time once the peer has opened',
      opened((wire) => {
        for (let i = 0; i < 4; i++) {
          wire.clock.advance(10_000)
          wire.bytes(heartbeat)
        }
      }),
      [],
    ],
    [
      'may be refused: an open frame, then a close with the error',
      (wire) => {
        wire.bytes(amqpHeader)
        wire.clear().connection.refuse({ kind: 'error', condition: Condition.notAllowed })
      },
      ['< 0: open', '< 0: close amqp:not-allowed'],
    ],
  ])

  const sizes: readonly (readonly [of: number | undefined, expected: number])[] = [
    [512, 512],
    [4096, 4096],
    [1 << 20, 1 << 20],
    [(1 << 20) + 1, 1 << 20],
    [undefined, 1 << 20],
  ]
  for (const [size, expected] of sizes) {
    it(`with max-frame-size ${size ?? 'absent'} sends frames of ${expected} bytes`, () => {
      assert.equal(new Wire().open({ maxFrameSize: size }).connection.maxFrameSizeOut, expected)
    })
  }

  it('resolves the promise of the open frame', async () => {
    const wire = new Wire().open()
    assert.equal((await wire.connection.opened).containerId, 'peer')
    assert.equal(wire.connection.remote?.containerId, 'peer')
  })

  it('that never happens rejects the promise', async () => {
    const wire = new Wire()
    wire.transport.onClose(undefined)
    await assert.rejects(wire.connection.opened, {
      code: Condition.connectionForced,
      message: 'the peer closed the connection before its AMQP header',
    })
    await wire.connection.closed
  })

  it('frames above our max-frame-size are refused', () => {
    const wire = new Wire({ maxFrameSize: 600 }).open().clear()
    wire.bytes(Buffer.from([0, 0, 2, 0x59, 2, 0, 0, 0]))
    assert.deepEqual(wire.log, [
      '< 0: close amqp:connection:framing-error',
      'end of the socket',
      'closed amqp:connection:framing-error',
    ])
  })

  it('frames without message data are limited to 256 KiB', () => {
    const wire = new Wire().open().clear()
    wire.frame('attach', { name: 'x'.repeat(256 * 1024), handle: 0, role: true })
    assert.equal(wire.log.at(-1), 'closed amqp:resource-limit-exceeded')
  })
})

describe('sessions of a connection', () => {
  const opened = (run: (wire: Wire) => void) => (wire: Wire) => run(wire.open().clear())
  check(
    [
      [
        'begin on the lowest free channel of this end',
        opened((wire) => {
          wire.begin(2)
          wire.begin(1)
        }),
        ['session on 0', '< 0: begin', 'session on 1', '< 1: begin'],
      ],
      [
        'on a channel in use are an error of the connection',
        opened((wire) => {
          wire.begin(1)
          wire.clear().begin(1)
        }),
        ['< 0: close amqp:illegal-state', 'end of the socket', 'closed amqp:illegal-state'],
      ],
      [
        'above channel-max are an error of the connection',
        opened((wire) => wire.begin(4)),
        [
          '< 0: close amqp:connection:framing-error',
          'end of the socket',
          'closed amqp:connection:framing-error',
        ],
      ],
      [
        'that answer no begin are an error',
        opened((wire) => wire.begin(0, { remoteChannel: 3 })),
        ['< 0: close amqp:invalid-field', 'end of the socket', 'closed amqp:invalid-field'],
      ],
      [
        'need a begin before any of their frames',
        opened((wire) => wire.frame('end', {}, { channel: 1 })),
        [
          '< 0: close amqp:connection:framing-error',
          'end of the socket',
          'closed amqp:connection:framing-error',
        ],
      ],
      [
        'end because of their own errors, and the connection stays',
        opened((wire) => {
          wire.begin(1)
          wire.clear().frame('detach', { handle: 5 }, { channel: 1 })
          wire.frame(
            'flow',
            { incomingWindow: 0, nextOutgoingId: 0, outgoingWindow: 0 },
            { channel: 1 },
          )
          wire.frame('end', {}, { channel: 1 })
          wire.log.push(`${[...wire.connection.sessions].length} left, ${wire.connection.isGone}`)
        }),
        ['< 0: end', '0 left, false'],
      ],
      [
        'reuse a channel after both ends have ended',
        opened((wire) => {
          wire.begin(1)
          wire.frame('end', {}, { channel: 1 })
          wire.clear().begin(1)
        }),
        ['session on 0', '< 0: begin'],
      ],
      [
        'are not told what is no performative of theirs',
        opened((wire) => {
          wire.begin(1)
          wire.clear().frame('accepted', {}, { channel: 1 })
        }),
        [
          '< 0: close amqp:connection:framing-error',
          'end of the socket',
          'closed amqp:connection:framing-error',
        ],
      ],
    ],
    { channelMax: 3 },
  )

  it('of this end begin when the peer answers', async () => {
    const wire = new Wire().open({ channelMax: 1 })
    const [first, second] = [wire.connection.begin(), wire.connection.begin()]
    assert.deepEqual([first.channel, second.channel], [0, 1])
    assert.throws(() => wire.connection.begin(), /at most 2 sessions per connection/)
    wire.begin(9, { remoteChannel: 1 })
    await second.begun
  })

  it('of this end are refused once the connection is gone', () => {
    const wire = new Wire().open()
    wire.frame('close')
    assert.throws(() => wire.connection.begin(), { code: Condition.connectionForced })
  })
})

describe('closing a connection', () => {
  const opened = (run: (wire: Wire) => void) => (wire: Wire) => run(wire.open().clear())
  check([
    [
      'by the peer is answered',
      opened((wire) => wire.frame('close')),
      ['< 0: close', 'end of the socket', 'closed'],
    ],
    [
      'by the peer with an error has its condition',
      opened((wire) => wire.frame('close', { error: { kind: 'error', condition: 'x' } })),
      ['< 0: close', 'end of the socket', 'closed x'],
    ],
    [
      'by this end waits for the answer, and ignores everything else',
      opened((wire) => {
        void wire.connection.close()
        wire.begin()
        wire.frame('close')
        void wire.connection.close()
      }),
      ['< 0: close', 'end of the socket', 'closed'],
    ],
    [
      'by this end waits 5 s at most',
      opened((wire) => {
        void wire.connection.close({ kind: 'error', condition: 'x' })
        wire.clock.advance(4_999)
        wire.log.push('5 s')
        wire.clock.advance(1)
      }),
      ['5 s', 'socket destroyed', 'closed'],
    ],
    [
      'before it was opened destroys the socket',
      (wire) => void wire.connection.close(),
      ['socket destroyed', 'closed amqp:connection:forced'],
    ],
    [
      'by an error of the owner does not wait for the peer',
      opened((wire) =>
        wire.connection.terminate(new AmqpError(Condition.resourceLimitExceeded, 'x')),
      ),
      [
        '< 0: close amqp:resource-limit-exceeded',
        'end of the socket',
        'closed amqp:resource-limit-exceeded',
      ],
    ],
    [
      'by the loss of the socket',
      opened((wire) => wire.transport.onClose(new Error('reset'))),
      ['socket destroyed', 'closed amqp:connection:forced'],
    ],
    [
      'by the socket after our close is no error',
      opened((wire) => {
        void wire.connection.close()
        wire.transport.onClose(undefined)
      }),
      ['socket destroyed', 'closed'],
    ],
    [
      'at once sends no close frame',
      opened((wire) => wire.connection.destroy()),
      ['socket destroyed', 'socket destroyed', 'closed amqp:connection:forced'],
    ],
    [
      'because of malformed bytes reports a decode error',
      opened((wire) => wire.bytes(Buffer.from([0, 0, 0, 12, 2, 0, 0, 0, 0, 0x53, 1, 0x45]))),
      ['< 0: close amqp:decode-error', 'end of the socket', 'closed amqp:decode-error'],
    ],
    [
      'happens once',
      opened((wire) => {
        wire.frame('close')
        wire.frame('close')
        wire.connection.terminate(new AmqpError(Condition.internalError, 'x'))
        wire.connection.destroy()
      }),
      ['< 0: close', 'end of the socket', 'closed', 'socket destroyed'],
    ],
  ])

  it('leaves one timer, which destroys a socket that does not close', () => {
    const wire = new Wire().open()
    wire.frame('close')
    assert.equal(wire.clock.timerCount, 1)
    wire.clear().clock.advance(5_000)
    assert.deepEqual(wire.log, ['socket destroyed'])
    const closed = new Wire().open()
    closed.frame('close')
    closed.transport.onClose(undefined)
    assert.equal(closed.clock.timerCount, 0)
  })
})

describe('silence on a connection', () => {
  it('of the peer closes it after the idle timeout', () => {
    const wire = new Wire({ idleTimeoutMs: 1000 }).open().clear()
    wire.clock.advance(999)
    wire.bytes(heartbeat)
    wire.clock.advance(999)
    assert.deepEqual(wire.log, [])
    wire.clock.advance(1)
    wire.clock.advance(250)
    assert.deepEqual(wire.log, [
      '< 0: close amqp:resource-limit-exceeded',
      'end of the socket',
      'closed amqp:resource-limit-exceeded',
    ])
  })

  it('of the peer has no limit if the timeout is 0', () => {
    const wire = new Wire({ idleTimeoutMs: 0 }).open().clear()
    wire.clock.advance(10_000_000)
    assert.deepEqual(wire.log, [])
  })

  it('of a peer that is not read does not count', () => {
    const wire = new Wire({ idleTimeoutMs: 1000 }).open().clear()
    wire.connection.pause()
    wire.clock.advance(5000)
    wire.connection.resume()
    wire.clock.advance(999)
    assert.deepEqual(wire.log, ['pause', 'resume'])
  })

  it('of this end is broken by an empty frame at half of the timeout of the peer', () => {
    const wire = new Wire({ idleTimeoutMs: 0 }).open({ idleTimeout: 1000 })
    // The open frame was sent in the first half.
    wire.clear().clock.advance(500)
    assert.deepEqual(wire.log, [])
    wire.clock.advance(500)
    assert.deepEqual(wire.log, ['< 0: empty'])
  })

  it('of this end needs no frames if the peer has no timeout', () => {
    const wire = new Wire({ idleTimeoutMs: 0 }).open({ idleTimeout: 0 }).clear()
    wire.clock.advance(1_000_000)
    assert.deepEqual(wire.log, [])
  })
})

describe('back-pressure of a connection', () => {
  const echo = { incomingWindow: 0, nextOutgoingId: 0, outgoingWindow: 0, echo: true }

  it('stops reading from a peer that does not read 256 KiB of replies, until it does', () => {
    const wire = new Wire().open()
    wire.begin()
    let written = 0
    wire.transport.write = (buffers) => {
      for (const { length } of buffers) written += length
      return false
    }
    wire.clear()
    const flow = encodeFrame(0, 0, { kind: 'flow', ...echo } as never)
    const requests = Buffer.concat(Array<Buffer>(500).fill(flow))
    while (!wire.log.includes('pause')) {
      assert.ok(written <= 256 * 1024)
      wire.bytes(requests)
    }
    assert.ok(written > 256 * 1024)
    assert.equal(wire.connection.unreadBytes, 77)
    wire.clear().transport.onDrain()
    assert.deepEqual(wire.log, ['resume'])
    assert.equal(wire.connection.unreadBytes, 0)
  })

  it('of the owner and of the connection are both needed to resume', () => {
    const wire = new Wire({ sasl: neverAnswers })
    wire.bytes(saslHeader)
    wire.bytes(Buffer.alloc(70_000))
    wire.clear().connection.pause()
    wire.connection.resume()
    assert.deepEqual(wire.log, ['pause', 'pause'])
  })

  it('reports the memory that is used, when it changes', () => {
    const held: unknown[] = []
    const wire = new Wire({ handler: { onClose() {}, onHeld: (bytes) => held.push({ ...bytes }) } })
    wire.bytes(amqpHeader.subarray(0, 3))
    wire.bytes(amqpHeader.subarray(3, 3))
    wire.bytes(amqpHeader.subarray(3))
    wire.connection.destroy()
    assert.deepEqual(held, [
      { incomplete: 3, attached: 0, unread: 0 },
      { incomplete: 0, attached: 0, unread: 0 },
    ])
  })
})
