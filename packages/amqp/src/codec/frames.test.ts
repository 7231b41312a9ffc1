// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteReader } from '@millrace/base'
import { type AnyComposite, compositeFrom, decodeComposite, encodeComposite } from './composite.ts'
import { Encoder } from './encoder.ts'
import { amqpHeader, encodeFrame, FrameReader, FrameType, heartbeat } from './frames.ts'
import { AmqpArray, type AmqpValue, Described, symbol, Typed, ubyte, uint, ulong } from './types.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

function reader(limit = 512, ...chunks: readonly Buffer[]): FrameReader {
  const frames = new FrameReader()
  frames.maxFrameSize = limit
  for (const chunk of chunks) frames.push(chunk)
  return frames
}

describe('a frame', () => {
  const flow = { kind: 'flow', incomingWindow: 1, nextOutgoingId: 0, outgoingWindow: 2 }

  it('has its size with the payload, its type and its channel in the header', () => {
    const frame = encodeFrame(FrameType.sasl, 258, flow as AnyComposite, 1000)
    assert.equal(frame.readUInt32BE(0), frame.length + 1000)
    assert.deepEqual([...frame.subarray(4, 8)], [2, 1, 1, 2])
  })

  it('is read from chunks of any size', () => {
    const payload = Buffer.from('payload')
    const head = encodeFrame(FrameType.amqp, 7, flow as AnyComposite, payload.length)
    const bytes = Buffer.concat([head, payload, heartbeat])
    for (let size = 1; size <= bytes.length; size++) {
      const frames = reader()
      const found: unknown[] = []
      for (let at = 0; at < bytes.length; at += size) {
        frames.push(bytes.subarray(at, at + size))
        for (let frame = frames.frame(); frame !== undefined; frame = frames.frame()) {
          found.push([frame.channel, frame.body?.kind, frame.payload.toString(), frame.size])
        }
      }
      const whole = head.length + payload.length
      assert.deepEqual(found, [
        [7, 'flow', 'payload', whole],
        [0, undefined, '', 8],
      ])
      assert.equal(frames.size, 0)
    }
  })

  it('has an extended header, which is skipped', () => {
    const body = encodeFrame(0, 0, { kind: 'end' }).subarray(8)
    const frame = Buffer.concat([hex('00000000 03 00 0001 deadbeef'), body])
    frame.writeUInt32BE(frame.length, 0)
    const found = reader(512, frame).frame()
    assert.deepEqual([found?.channel, found?.body?.kind], [1, 'end'])
  })

  const refused: readonly (readonly [what: string, bytes: string, message: RegExp])[] = [
    ['smaller than its header', '00000007 02 00 0000', /frame size 7 is smaller/],
    [
      'larger than max-frame-size',
      '00000201 02 00 0000',
      /frame size 513 exceeds max-frame-size 512/,
    ],
    ['with its data inside of the header', '00000008 01 00 0000', /invalid data offset 4/],
    ['with its data behind its end', '00000008 03 00 0000', /invalid data offset 12/],
    ['whose body is not described', '00000009 02 00 0000 40', /expected a described value at 8/],
    [
      'with an unknown performative',
      '0000000c 02 00 0000 005301 45',
      /unknown composite type at 8/,
    ],
  ]
  for (const [what, bytes, message] of refused) {
    it(`is refused ${what}`, () => assert.throws(() => reader(512, hex(bytes)).frame(), message))
  }

  it('is refused as soon as its size has arrived', () => {
    assert.throws(() => reader(512, hex('7fffffff 02 00 0000')).frame(), /exceeds/)
    assert.equal(reader(512, hex('00000200 02 00 0000')).frame(), undefined)
    assert.equal(reader(512, hex('000002')).frame(), undefined)
  })

  it('follows a protocol header of eight bytes', () => {
    const frames = reader(512, amqpHeader.subarray(0, 7))
    assert.equal(frames.header(), undefined)
    frames.push(Buffer.concat([amqpHeader.subarray(7), heartbeat]))
    assert.deepEqual(frames.header(), amqpHeader)
    assert.equal(frames.frame()?.size, 8)
  })

  it('in part is discarded by clear', () => {
    const frames = reader(512, hex('00000010 02 00'))
    frames.clear()
    assert.equal(frames.size, 0)
  })
})

function encoded(value: object): string {
  const encoder = new Encoder()
  encodeComposite(encoder, value as AnyComposite)
  return encoder.finish().toString('hex')
}
function decoded(text: string): object {
  const input = new ByteReader(hex(text))
  const value = decodeComposite(input)
  assert.equal(input.remaining, 0)
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined))
}

/** Composites, their bytes, and why they are so. */
const composites: readonly (readonly [why: string, value: object, bytes: string])[] = [
  ['no field, so an empty list', { kind: 'accepted' }, '005324 45'],
  [
    'fields at the end are left out',
    { kind: 'modified', deliveryFailed: true },
    '005327 c00201 41',
  ],
  [
    'fields before others are null',
    { kind: 'modified', undeliverableHere: false },
    '005327 c00302 4042',
  ],
  [
    'a composite in a composite',
    { kind: 'rejected', error: { kind: 'error', condition: 'a' } },
    '005325 c00a01 00531d c00401 a30161',
  ],
  [
    'one symbol without an array',
    { kind: 'coordinator', capabilities: ['a'] },
    '005330 c00401 a30161',
  ],
  [
    'several symbols in an array',
    { kind: 'coordinator', capabilities: ['a', 'b'] },
    '005330 c01501 f00000000f00000002b300000001610000000162',
  ],
  [
    'a ulong in its short form',
    { kind: 'received', sectionNumber: 0, sectionOffset: 1n },
    '005323 c00402 435301',
  ],
  ['an ubyte', { kind: 'saslOutcome', code: 1 }, '005344 c00301 5001'],
  [
    'an ushort',
    { kind: 'begin', remoteChannel: 1, nextOutgoingId: 0, incomingWindow: 0, outgoingWindow: 0 },
    '005311 c00704 60000143 4343',
  ],
]

describe('a composite value', () => {
  for (const [why, value, bytes] of composites) {
    it(`is encoded with ${why}`, () => {
      assert.equal(encoded(value), bytes.replaceAll(' ', ''))
      if (why !== 'fields before others are null') {
        const given = value as { readonly error?: object }
        const expected =
          given.error === undefined
            ? value
            : { ...value, error: { description: undefined, info: undefined, ...given.error } }
        assert.deepEqual(decoded(bytes), expected)
      }
    })
  }

  const peers: readonly (readonly [what: string, bytes: string, value: object])[] = [
    [
      'a symbolic descriptor',
      '00a312616d71703a61636365707465643a6c697374 45',
      { kind: 'accepted' },
    ],
    ['a wide numeric descriptor', '00800000000000000024 45', { kind: 'accepted' }],
    ['a wide list', '005327 d00000000500000001 41', { kind: 'modified', deliveryFailed: true }],
    ['a boolean in two bytes', '005327 c00301 5601', { kind: 'modified', deliveryFailed: true }],
    ['a string for a symbol', '00531d c00401 a10161', { kind: 'error', condition: 'a' }],
    [
      'a wide uint',
      '005323 c00702 7000000005 44',
      { kind: 'received', sectionNumber: 5, sectionOffset: 0n },
    ],
    ['fields of a later revision', '005326 c00401 a10161', { kind: 'released' }],
    ['a field that is null', '005327 c00302 4041', { kind: 'modified', undeliverableHere: true }],
  ]
  for (const [what, bytes, value] of peers) {
    it(`is read with ${what}`, () => assert.deepEqual(decoded(bytes), value))
  }

  const refused: readonly (readonly [what: string, bytes: string, message: RegExp])[] = [
    [
      'a mandatory field is absent',
      '005325 c00701 00531d c00201 40',
      /error: mandatory field condition is missing/,
    ],
    ['all fields are absent and one is mandatory', '005332 45', /discharge: mandatory field txnId/],
    ['it is a map', '005327 c10100', /modified: expected a list, found constructor 0xc1/],
    ['its size is too large', '005327 c00301 4141', /modified: size does not match its fields/],
    ['its size exceeds the input', '005327 c00901 41', /exceeds/],
    ['a boolean is a number', '005327 c00301 5001', /deliveryFailed is not a boolean/],
    ['an uint is an ubyte', '005323 c00402 5001 44', /sectionNumber is not a uint/],
    ['a symbol is binary', '00531d c00401 a00161', /condition is not a symbol/],
    ['binary is text', '005332 c00401 a10161', /txnId is not a binary/],
    [
      'one of several symbols is a number',
      '005330 c00701 e00402 500102',
      /capabilities is not a symbols/,
    ],
    [
      'the keys of fields are numbers',
      '005327 c00903 4040 c1040254 0141',
      /messageAnnotations has a key that is not a symbol/,
    ],
    ['fields are a list', '005327 c00403 404045', /messageAnnotations is not a fields/],
    ['its descriptor is unknown', '005301 45', /unknown composite type at 0/],
    ['its descriptor is no number', '00a10161 45', /unknown composite type at 0/],
  ]
  for (const [what, bytes, message] of refused) {
    it(`is refused if ${what}`, () => {
      assert.throws(() => decoded(bytes), message)
      assert.throws(() => decoded(bytes), { name: 'MalformedInputError' })
    })
  }

  it('of an unknown kind is a mistake of the caller', () => {
    assert.throws(() => encoded({ kind: 'nothing' }), /unknown AMQP composite type: nothing/)
  })

  for (const [what, value, kind] of [
    ['a described list with a known code', new Described(ulong(0x24), []), 'accepted'],
    [
      'a described list with a known symbol',
      new Described(symbol('amqp:released:list'), []),
      'released',
    ],
    ['an unknown code', new Described(ulong(1), []), undefined],
    ['an unknown symbol', new Described(symbol('amqp:none:list'), []), undefined],
    ['a descriptor that is text', new Described('amqp:released:list', []), undefined],
    ['a plain value', 'text', undefined],
  ] as const satisfies readonly (readonly [string, AmqpValue, string | undefined])[]) {
    it(`is ${kind ?? 'none'} for ${what}`, () => assert.equal(compositeFrom(value)?.kind, kind))
  }
})

describe('fields of the termini and messages', () => {
  const source = {
    kind: 'source',
    address: 'q',
    durable: 2,
    expiryPolicy: 'never',
    timeout: 300,
    dynamic: true,
    dynamicNodeProperties: new Map<string, AmqpValue>([
      ['lifetime-policy', new Described(ulong(0x2b), [])],
    ]),
    distributionMode: 'copy',
    filter: new Map<string, AmqpValue>([['jms-selector', new Described(symbol('x'), 'a = 1')]]),
    outcomes: ['amqp:accepted:list', 'amqp:rejected:list'],
    capabilities: ['queue'],
  }
  const values: readonly object[] = [
    source,
    { kind: 'target', address: 'q', durable: 1, expiryPolicy: 'session-end', timeout: 0 },
    {
      kind: 'header',
      durable: true,
      priority: 9,
      ttl: 1000,
      firstAcquirer: false,
      deliveryCount: 3,
    },
    {
      kind: 'properties',
      messageId: 'm',
      userId: Buffer.from('u'),
      to: 't',
      subject: 's',
      replyTo: 'r',
      correlationId: ulong(7),
      contentType: 'text/plain',
      contentEncoding: 'gzip',
      absoluteExpiryTime: 1_700_000_000_001,
      creationTime: 0,
      groupId: 'g',
      groupSequence: 0xffffffff,
      replyToGroupId: 'rg',
    },
    {
      kind: 'attach',
      name: 'l',
      handle: 1,
      role: true,
      sndSettleMode: 1,
      rcvSettleMode: 1,
      unsettled: new Map<AmqpValue, AmqpValue>([[Buffer.from('t'), null]]),
      incompleteUnsettled: true,
      initialDeliveryCount: 5,
      maxMessageSize: 2n ** 40n,
      properties: new Map<string, AmqpValue>([['p', uint(1)]]),
    },
    { kind: 'transfer', handle: 0, deliveryTag: Buffer.from([1]), aborted: true, batchable: false },
    { kind: 'transactionalState', txnId: Buffer.from('x'), outcome: { kind: 'accepted' } },
    { kind: 'declare', globalId: new AmqpArray('ubyte', [ubyte(1), new Typed('ubyte', 2)]) },
  ]
  for (const value of values) {
    it(`of ${(value as AnyComposite).kind} are unchanged after a round trip`, () => {
      assert.deepEqual(decoded(encoded(value)), value)
    })
  }
})
