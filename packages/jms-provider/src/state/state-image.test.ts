// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StateImage } from './state-image.ts'
import { decodeKey, encodeKey, type StateKey } from './state-record.ts'

describe('a key of the state topic', () => {
  const keys: readonly (readonly [text: string, key: StateKey])[] = [
    ['owner', { kind: 'owner' }],
    ['destination/queue/a', { kind: 'destination', destinationKind: 'queue', name: 'a' }],
    ['destination/topic/a/b', { kind: 'destination', destinationKind: 'topic', name: 'a/b' }],
    ['destination/queue/', { kind: 'destination', destinationKind: 'queue', name: '' }],
    ['subscription/durable/me/sub', { kind: 'subscription', id: 'durable/me/sub' }],
    ['floor/12/queue/a', { kind: 'floor', partition: 12, id: 'queue/a' }],
    ['chunk/1/2048/queue/a\nb', { kind: 'chunk', partition: 1, number: 2048, id: 'queue/a\nb' }],
  ]
  for (const [text, key] of keys) {
    it(`is ${JSON.stringify(text)}`, () => {
      assert.equal(encodeKey(key), text)
      assert.deepEqual(decodeKey(text), key)
    })
  }

  for (const text of ['', 'owners', 'destination/other/a', 'floor/x/a', 'chunk/1/a', 'later/1/a']) {
    it(`of a later version is unknown: ${JSON.stringify(text)}`, () => {
      assert.equal(decodeKey(text), undefined)
    })
  }
})

describe('the replayed state', () => {
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
  type Step = readonly [key: string, value: Buffer | null, epoch?: number, topicId?: string]

  function replayed(...steps: readonly Step[]): StateImage {
    const image = new StateImage()
    for (const [key, value, epoch = 0, topicId] of steps)
      image.apply(key, value, { epoch, topicId })
    return image
  }
  const floors = (image: StateImage, id = 'q'): unknown =>
    [...image.progressOf(id)].map(([partition, { floor }]) => [
      partition,
      floor?.value,
      floor?.topicId,
    ])
  const chunks = (image: StateImage): unknown =>
    [...image.progressOf('q')].flatMap(([, each]) =>
      [...each.chunks].map(([number, { value, topicId }]) => [number, value.toString(), topicId]),
    )
  const owner = (epoch: number): Step => ['owner', json({ epoch, address: 'a' }), epoch]
  const text = (value: string): Buffer => Buffer.from(value)

  const rules: readonly (readonly [
    rule: string,
    steps: readonly Step[],
    read: (image: StateImage) => unknown,
    expected: unknown,
  ])[] = [
    [
      'has the last value of a key',
      [
        ['floor/0/q', text('5')],
        ['floor/0/q', text('9')],
      ],
      floors,
      [[0, 9, undefined]],
    ],
    [
      'has a floor per partition',
      [
        ['floor/0/q', text('5')],
        ['floor/1/q', text('7')],
      ],
      floors,
      [
        [0, 5, undefined],
        [1, 7, undefined],
      ],
    ],
    ['has the topic of a floor', [['floor/0/q', text('5'), 0, 'id']], floors, [[0, 5, 'id']]],
    [
      'has no floor that was deleted',
      [
        ['floor/0/q', text('5')],
        ['floor/0/q', null],
      ],
      floors,
      [[0, undefined, undefined]],
    ],
    [
      'has no floor that is no number',
      [['floor/0/q', text('x')]],
      floors,
      [[0, undefined, undefined]],
    ],
    [
      'has no floor beyond what a number holds',
      [['floor/0/q', text('9007199254740993')]],
      floors,
      [[0, undefined, undefined]],
    ],
    ['has chunks', [['chunk/0/3/q', text('c'), 0, 'id']], chunks, [[3, 'c', 'id']]],
    [
      'has no chunk that was deleted',
      [
        ['chunk/0/3/q', text('c')],
        ['chunk/0/3/q', null],
      ],
      chunks,
      [],
    ],
    [
      'ignores a former owner',
      [owner(5), ['floor/0/q', text('5'), 5], ['floor/0/q', text('9'), 4]],
      floors,
      [[0, 5, undefined]],
    ],
    [
      'accepts a new owner',
      [owner(5), ['floor/0/q', text('5'), 5], owner(6), ['floor/0/q', text('9'), 6]],
      floors,
      [[0, 9, undefined]],
    ],
    [
      'keeps the owner of the highest epoch',
      [owner(6), owner(5)],
      ({ owner: last }) => last?.epoch,
      6,
    ],
    [
      'keeps the owner if its record is deleted',
      [owner(6), ['owner', null, 6]],
      ({ owner: last }) => last?.epoch,
      6,
    ],
    [
      'ignores keys of a later version',
      [['later/1', text('x')]],
      (image) => [image.destinations.size, image.subscriptions.size],
      [0, 0],
    ],
    [
      'has destinations by kind and name',
      [
        ['destination/queue/a', json({ name: 'a' })],
        ['destination/topic/a', json({ name: 'a' })],
      ],
      ({ destinations }) => [...destinations.keys()],
      ['queue/a', 'topic/a'],
    ],
    [
      'has no destination that was deleted',
      [
        ['destination/queue/a', json({})],
        ['destination/queue/a', null],
      ],
      ({ destinations }) => destinations.size,
      0,
    ],
    [
      'has subscriptions',
      [['subscription/s', json({ id: 's' })]],
      ({ subscriptions }) => [...subscriptions.keys()],
      ['s'],
    ],
    [
      'deletes the progress with the subscription',
      [
        ['subscription/q', json({})],
        ['floor/0/q', text('5')],
        ['subscription/q', null],
      ],
      (image) => [floors(image), image.subscriptions.size],
      [[], 0],
    ],
    [
      'has no progress of others',
      [['floor/0/q', text('5')]],
      (image) => floors(image, 'other'),
      [],
    ],
  ]
  for (const [rule, steps, read, expected] of rules) {
    it(rule, () => assert.deepEqual(read(replayed(...steps)), expected))
  }

  it('forgets progress that an index was restored from', () => {
    const image = replayed(['floor/0/q', text('5')])
    image.forgetProgress('q')
    assert.deepEqual(floors(image), [])
  })

  it('keeps its own copy of a chunk', () => {
    const value = text('c')
    const image = replayed(['chunk/0/3/q', value])
    value.fill('x')
    assert.deepEqual(chunks(image), [[3, 'c', undefined]])
  })
})
