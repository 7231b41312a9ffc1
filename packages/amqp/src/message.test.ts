// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AmqpValue, Described, symbol, Typed, ulong } from './codec/types.ts'
import {
  describedBody,
  EncodedMessage,
  encodeMessage,
  type MessageBody,
  Section,
} from './message.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const read = (text: string): EncodedMessage => new EncodedMessage(hex(text))

/** Sections with one field each. */
const header = '005370 c00201 41'
const deliveryAnnotations = '005371 c10702 a30164 a10131'
const annotations = '005372 c10702 a3016d a10132'
const properties = '005373 c00401 a10169'
const application = '005374 c10702 a10170 a10133'
const data = '005375 a00164'
const sequence = '005376 c00301 5401'
const value = '005377 a10176'
const footer = '005378 c10702 a30166 a10134'
const compact = (text: string): string => text.replaceAll(' ', '')

describe('the sections of a message', () => {
  it('are found and decoded on demand', () => {
    const message = read(
      [header, deliveryAnnotations, annotations, properties, application, value, footer].join(''),
    )
    assert.equal(message.header.durable, true)
    assert.deepEqual([...message.deliveryAnnotations], [['d', '1']])
    assert.deepEqual([...message.messageAnnotations], [['m', '2']])
    assert.equal(message.properties.messageId, 'i')
    assert.deepEqual([...message.applicationProperties], [['p', '3']])
    assert.deepEqual(message.body, { kind: 'value', value: 'v' })
    assert.equal(message.footerBytes.toString('hex'), compact(footer))
    assert.equal(message.bodyBytes.toString('hex'), compact(value))
    assert.equal(message.slice(Section.properties).toString('hex'), compact(properties))
    assert.ok(message.has(Section.footer) && !message.has(Section.data))
  })

  it('are all optional', () => {
    const message = read('')
    assert.deepEqual(message.header, {})
    assert.deepEqual(message.properties, {})
    assert.equal(message.messageAnnotations.size, 0)
    assert.deepEqual(message.body, { kind: 'none' })
    assert.deepEqual(
      [message.bodyBytes, message.footerBytes, message.lasting, message.slice(Section.data)].map(
        ({ length }) => length,
      ),
      [0, 0, 0, 0],
    )
  })

  /** Intermediaries may change header and delivery annotations; the rest reaches the receiver. */
  const lasting: readonly (readonly [what: string, sections: string, kept: string])[] = [
    [
      'annotations and all that follows',
      header + annotations + properties + value,
      annotations + properties,
    ],
    [
      'properties, without annotations',
      header + deliveryAnnotations + properties + value,
      properties,
    ],
    ['application properties alone', application + value, application],
    ['nothing of a bare body', header + value, ''],
    ['annotations in front of a footer', annotations + footer, annotations],
  ]
  for (const [what, sections, kept] of lasting) {
    it(`that last are ${what}`, () => {
      assert.equal(read(sections).lasting.toString('hex'), compact(kept))
    })
  }

  const bodies: readonly (readonly [what: string, sections: string, body: MessageBody])[] = [
    ['data', data, { kind: 'data', data: Buffer.from('d') }],
    ['several data sections, joined', data + data, { kind: 'data', data: Buffer.from('dd') }],
    ['an absent body before a footer', footer, { kind: 'none' }],
    ['a null value', '005377 40', { kind: 'value', value: null }],
  ]
  for (const [what, sections, body] of bodies) {
    it(`give the body: ${what}`, () => {
      assert.deepEqual(read(sections).body, body)
    })
  }

  it('of several sequences are one list', () => {
    const message = read(sequence + sequence)
    assert.equal(message.bodyCount, 2)
    const one = new Typed('int', 1)
    assert.deepEqual(message.body, { kind: 'sequence', items: [one, one] })
    // The slice of a repeated section is its first.
    assert.equal(message.slice(Section.sequence).toString('hex'), compact(sequence))
  })

  for (const [what, sections] of [
    ['a symbolic descriptor', '00a311616d71703a616d71702d76616c75653a2a a10176'],
    ['a wide descriptor', '00 800000000000000077 a10176'],
  ] as const) {
    it(`are found by ${what}`, () => {
      assert.deepEqual(read(sections).body, { kind: 'value', value: 'v' })
    })
  }

  const refused: readonly (readonly [what: string, sections: string, message: RegExp])[] = [
    ['out of order', properties + annotations, /section 0x72 after 0x73/],
    ['repeated', properties + properties, /section 0x73 after 0x73/],
    ['two values', value + value, /section 0x77 after 0x77/],
    ['bodies of two types', data + sequence, /body with sections of different types/],
    ['a body after the footer', footer + value, /section 0x77 after 0x78/],
    ['an unknown section', '005379 40', /unknown message section 0x79 at 0/],
    ['a section below the header', '00536f 40', /unknown message section 0x6f/],
    ['an unknown symbol', '00a30161 40', /unknown message section 0x-1/],
    ['a value without a descriptor', 'a10176', /expected a message section at 0/],
    ['a section that is cut', '005377 a105', /./],
  ]
  for (const [what, sections, message] of refused) {
    it(`are refused: ${what}`, () => {
      assert.throws(() => read(sections), message)
      assert.throws(() => read(sections), { name: 'MalformedInputError' })
    })
  }

  for (const [what, sections, get] of [
    ['data that is text', '005375 a10164', (message: EncodedMessage) => message.body],
    ['a sequence that is text', '005376 a10164', (message: EncodedMessage) => message.body],
    [
      'annotations that are a list',
      '005372 45',
      (message: EncodedMessage) => message.messageAnnotations,
    ],
  ] as const) {
    it(`are refused when read: ${what}`, () => {
      const message = read(sections)
      assert.throws(() => get(message), { name: 'MalformedInputError' })
    })
  }

  it('with annotations that are null have none', () => {
    assert.equal(read('005372 40').messageAnnotations.size, 0)
  })

  it('have annotations with a number as key, as text', () => {
    assert.deepEqual([...read('005372 c10402 5307 41').messageAnnotations], [['7', true]])
  })
})

describe('an encoded message', () => {
  const map = (key: string, entry: AmqpValue): ReadonlyMap<string, AmqpValue> =>
    new Map([[key, entry]])
  const inputs: readonly (readonly [
    what: string,
    input: Parameters<typeof encodeMessage>[0],
    bytes: string,
  ])[] = [
    ['nothing', {}, ''],
    [
      'empty maps are left out',
      {
        messageAnnotations: new Map(),
        deliveryAnnotations: new Map(),
        applicationProperties: new Map(),
      },
      '',
    ],
    ['an empty header', { header: {} }, '005370 45'],
    ['a header', { header: { durable: true } }, header],
    ['annotations with symbols as keys', { messageAnnotations: map('m', '2') }, annotations],
    ['delivery annotations', { deliveryAnnotations: map('d', '1') }, deliveryAnnotations],
    ['properties', { properties: { messageId: 'i' } }, properties],
    [
      'application properties with strings as keys',
      { applicationProperties: map('p', '3') },
      application,
    ],
    ['no body', { body: { kind: 'none' } }, ''],
    ['data', { body: { kind: 'data', data: Buffer.from('d') } }, data],
    ['a sequence', { body: { kind: 'sequence', items: [1] } }, sequence],
    ['a value', { body: { kind: 'value', value: 'v' } }, value],
    [
      'sections in their order',
      {
        body: { kind: 'value', value: 'v' },
        properties: { messageId: 'i' },
        header: { durable: true },
        messageAnnotations: map('m', '2'),
      },
      header + annotations + properties + value,
    ],
  ]
  for (const [what, input, bytes] of inputs) {
    it(`has ${what}`, () => assert.equal(encodeMessage(input).toString('hex'), compact(bytes)))
  }

  it('has a described value as its command, if it is one', () => {
    const declare = new Described(ulong(0x31), [])
    const of = (body: MessageBody): Described | undefined =>
      describedBody(new EncodedMessage(encodeMessage({ body })))
    assert.deepEqual(of({ kind: 'value', value: declare }), declare)
    assert.equal(of({ kind: 'value', value: symbol('x') }), undefined)
    assert.equal(of({ kind: 'data', data: Buffer.alloc(0) }), undefined)
  })
})
