// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type ConsumerRequest,
  checkConsumerRequest,
  checkDomain,
  type RequestContext,
} from './consumer-request.ts'
import { Queue, TemporaryQueue, TemporaryTopic, Topic } from './destination.ts'

const deleted = new Queue('deleted')
const context: RequestContext = {
  domain: 'any',
  hasClientId: true,
  isDeleted: (destination) => destination === deleted,
  deleteTemporary: async () => {},
}
const anonymous: RequestContext = { ...context, hasClientId: false }
const queue = new Queue('q')
const topic = new Topic('t')
const own = (made: RequestContext) => new TemporaryTopic('temp', made)

const durable = { subscription: 's', isDurable: true } as const
const shared = { subscription: 's', isShared: true } as const
const destination = 'InvalidDestinationException'
const state = 'IllegalStateException'
const option = 'InvalidOptionException'

/** Requests, the connection, and the exception; undefined if the provider is asked. */
const rows: readonly (readonly [
  what: string,
  request: Partial<ConsumerRequest>,
  context: RequestContext,
  exception: string | undefined,
])[] = [
  ['a queue', {}, context, undefined],
  ['a topic', { destination: topic }, context, undefined],
  ['a selector', { selector: 'a = 1' }, context, undefined],
  ['noLocal', { noLocal: true }, context, undefined],
  ['no destination', { destination: null }, context, destination],
  ['the name of a destination', { destination: 'q' as never }, context, destination],
  ['a deleted destination', { destination: deleted }, context, destination],
  ['a selector that is no text', { selector: 7 as never }, context, option],
  ['noLocal that is no flag', { noLocal: 'yes' as never }, context, option],
  [
    'a temporary queue of the connection',
    { destination: new TemporaryQueue('x', context) },
    context,
    undefined,
  ],
  [
    'a temporary queue of another connection',
    { destination: new TemporaryQueue('x', anonymous) },
    context,
    destination,
  ],
  [
    'a temporary queue of a reply-to',
    { destination: new TemporaryQueue('x') },
    context,
    destination,
  ],
  ['a shared subscription', { destination: topic, ...shared }, context, undefined],
  [
    'a shared subscription without a client id',
    { destination: topic, ...shared },
    anonymous,
    undefined,
  ],
  ['a shared subscription of a queue', shared, context, destination],
  [
    'a shared subscription of a temporary topic',
    { destination: own(context), ...shared },
    context,
    undefined,
  ],
  [
    'a shared subscription without a name',
    { destination: topic, ...shared, subscription: '' },
    context,
    option,
  ],
  ['a durable subscription', { destination: topic, ...durable }, context, undefined],
  [
    'a durable subscription without a client id',
    { destination: topic, ...durable },
    anonymous,
    state,
  ],
  ['a durable subscription of a queue', durable, context, destination],
  [
    'a durable subscription of a temporary topic',
    { destination: own(context), ...durable },
    context,
    destination,
  ],
  [
    'a durable subscription without a name',
    { destination: topic, isDurable: true },
    context,
    option,
  ],
  [
    'a shared durable subscription without a client id',
    { destination: topic, ...durable, ...shared },
    anonymous,
    undefined,
  ],
  [
    'a subscription on a queue connection',
    { destination: topic, ...shared },
    { ...context, domain: 'queue' },
    state,
  ],
  [
    'a subscription on a topic connection',
    { destination: topic, ...shared },
    { ...context, domain: 'topic' },
    undefined,
  ],
]

describe('a request for a consumer', () => {
  for (const [what, request, connection, exception] of rows) {
    it(`with ${what} is ${exception === undefined ? 'sent to the provider' : `refused: ${exception}`}`, () => {
      const check = (): void =>
        checkConsumerRequest(connection, { destination: queue, selector: null, ...request })
      if (exception === undefined) check()
      else assert.throws(check, { name: exception })
    })
  }
})

describe('a session of a domain', () => {
  for (const [domain, wanted, isAllowed] of [
    ['any', 'queue', true],
    ['any', 'topic', true],
    ['queue', 'queue', true],
    ['queue', 'topic', false],
    ['topic', 'queue', false],
    ['topic', 'topic', true],
  ] as const) {
    it(`${domain} ${isAllowed ? 'supports' : 'does not support'} calls for a ${wanted}`, () => {
      const check = (): void => checkDomain({ domain }, wanted, 'it')
      if (isAllowed) check()
      else
        assert.throws(check, { name: state, message: `it is not supported by a ${domain} session` })
    })
  }
})
