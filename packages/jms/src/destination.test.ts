// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AmqpError, symbol } from '@millrace/amqp'
import type { Clock } from '@millrace/base'
import { json } from './body-codec.ts'
import {
  capabilityOf,
  Destination,
  destinationOf,
  Queue,
  TemporaryQueue,
  TemporaryTopic,
  Topic,
  typeOf,
} from './destination.ts'
import {
  endedBy,
  InvalidDestinationException,
  JMSException,
  jmsException,
  runtimeException,
  TransactionInDoubtException,
  unchecked,
} from './exceptions.ts'
import { messageFactories } from './message-factories.ts'
import { SubscriptionNames } from './subscription-names.ts'
import { limited, pause } from './waiting.ts'

describe('a destination', () => {
  const kinds = [
    [new Queue('a'), 'queue', 0],
    [new Topic('a'), 'topic', 1],
    [new TemporaryQueue('a'), 'temporary-queue', 2],
    [new TemporaryTopic('a'), 'temporary-topic', 3],
  ] as const
  for (const [destination, capability, type] of kinds) {
    it(`of type ${type} has the capability ${capability}`, () => {
      assert.equal(capabilityOf(destination), capability)
      assert.equal(typeOf(destination), type)
      assert.equal(destinationOf('a', type).constructor, destination.constructor)
    })
  }

  it('of no known type is a queue', () => {
    for (const type of [undefined, 4]) assert.ok(destinationOf('a', type) instanceof Queue)
  })

  it('equals another one of the same kind and name', () => {
    const queue = new Queue('a')
    for (const [other, isEqual] of [
      [new Queue('a'), true],
      [new TemporaryQueue('a'), true],
      [new Queue('b'), false],
      [new Topic('a'), false],
      ['a', false],
      [null, false],
    ] as const) {
      assert.equal(queue.equals(other), isEqual, String(other))
    }
    assert.ok(queue instanceof Destination && String(queue) === 'a')
    assert.deepEqual([queue.getQueueName(), new Topic('t').getTopicName()], ['a', 't'])
  })

  for (const name of ['', null, undefined, 7]) {
    it(`has no name ${JSON.stringify(name)}`, () => {
      assert.throws(() => new Queue(name as string), { name: 'InvalidDestinationException' })
    })
  }

  it('that is temporary belongs to its connection, which deletes it', async () => {
    const deleted: unknown[] = []
    const owner = { deleteTemporary: async (each: unknown) => void deleted.push(each) }
    const queue = new TemporaryQueue('a', owner)
    const topic = new TemporaryTopic('a', owner)
    assert.ok(queue.isOwnedBy(owner) && topic.isOwnedBy(owner) && queue.isTemporary)
    assert.equal(queue.isOwnedBy({ deleteTemporary: async () => {} }), false)
    await queue.delete()
    await topic.delete()
    assert.deepEqual(deleted, [queue, topic])
    queue.changeAddress('b')
    assert.equal(queue.address, 'b')
    // Of another connection, from JMSReplyTo.
    await new TemporaryQueue('c').delete()
  })
})

describe('link names of a subscription', () => {
  const kinds: readonly (readonly [
    isShared: boolean,
    isDurable: boolean,
    hasClientId: boolean,
    names: readonly string[],
  ])[] = [
    [false, true, true, ['s', 's']],
    [true, true, true, ['s', 's|2', 's|3']],
    [true, true, false, ['s|global', 's|global2']],
    [true, false, true, ['s|volatile1', 's|volatile2']],
    [true, false, false, ['s|global-volatile1', 's|global-volatile2']],
  ]
  for (const [isShared, isDurable, hasClientId, expected] of kinds) {
    it(`are those of Qpid JMS: ${expected.join()}`, () => {
      const names = new SubscriptionNames()
      const kind = { isShared, isDurable, hasClientId }
      assert.deepEqual(
        expected.map(() => names.reserve('s', kind)),
        expected,
      )
    })
  }

  it('are reused once released', () => {
    const names = new SubscriptionNames()
    const kind = { isShared: true, isDurable: true, hasClientId: true }
    const reserve = (): string => names.reserve('s', kind)
    assert.deepEqual([reserve(), reserve(), reserve()], ['s', 's|2', 's|3'])
    names.release('s|2')
    names.release('unknown')
    assert.deepEqual([reserve(), reserve()], ['s|2', 's|4'])
    assert.equal(names.reserve('other', kind), 'other')
  })
})

describe('the exception for an AMQP error', () => {
  for (const [code, name] of [
    ['amqp:not-found', 'InvalidDestinationException'],
    ['amqp:resource-deleted', 'InvalidDestinationException'],
    ['amqp:unauthorized-access', 'JMSSecurityException'],
    ['amqp:resource-limit-exceeded', 'ResourceAllocationException'],
    ['amqp:transaction:rollback', 'TransactionRolledBackException'],
    ['amqp:transaction:unknown-id', 'TransactionRolledBackException'],
    ['amqp:transaction:timeout', 'TransactionRolledBackException'],
    ['amqp:invalid-field', 'JMSException'],
    ['amqp:internal-error', 'JMSException'],
    ['amqp:resource-locked', 'JMSException'],
  ] as const) {
    it(`${code} is ${name}`, () => {
      const error = new AmqpError(code, 'why')
      const exception = jmsException(error, 'sending')
      assert.deepEqual(
        [exception.name, exception.code, exception.message, exception.cause],
        [name, code, 'sending: why', error],
      )
    })
  }

  it('of a client id that is in use says so', () => {
    const info = new Map([['invalid-field', symbol('container-id')]])
    const error = new AmqpError('amqp:invalid-field', 'why', { info })
    assert.equal(jmsException(error).name, 'InvalidClientIDException')
  })

  it('is left alone if it is one already', () => {
    const exception = new InvalidDestinationException('a')
    assert.equal(jmsException(exception, 'sending'), exception)
  })

  it('has the code of the system, or JMS_ERROR', () => {
    const system = Object.assign(new Error('x'), { code: 'ECONNREFUSED' })
    assert.deepEqual(
      [jmsException(system).code, jmsException(new Error('x')).code, jmsException('text').message],
      ['ECONNREFUSED', 'JMS_ERROR', 'text'],
    )
  })

  it('of a link that the provider ended has its reason', () => {
    const error = { kind: 'error', condition: 'amqp:not-found', description: 'gone' } as const
    assert.deepEqual(
      [
        endedBy({ kind: 'detach', handle: 0 } as never, 'ended').message,
        endedBy({ kind: 'detach', handle: 0, error } as never, 'ended').message,
        endedBy({ kind: 'detach', handle: 0, error } as never, 'ended').name,
      ],
      ['ended', 'ended: gone', 'InvalidDestinationException'],
    )
  })
})

describe('exceptions of the simplified API', () => {
  it('have the name, code and cause of the classic one', () => {
    const classic = new InvalidDestinationException('a', 'code')
    const exception = runtimeException(classic) as Error & { readonly code: string }
    assert.deepEqual(
      [exception.name, exception.code, exception.message, exception.cause],
      ['InvalidDestinationRuntimeException', 'code', 'a', classic],
    )
    assert.equal((runtimeException(new JMSException('a')) as Error).name, 'JMSRuntimeException')
    const inDoubt = runtimeException(new TransactionInDoubtException('a')) as Error
    assert.match(inDoubt.name, /RuntimeException$/)
    const other = new TypeError('a')
    assert.equal(runtimeException(other), other)
  })

  it('are thrown in place of the classic ones, or rejected with', async () => {
    const fail = (): never => {
      throw new InvalidDestinationException('a')
    }
    assert.throws(() => unchecked(fail), { name: 'InvalidDestinationRuntimeException' })
    await assert.rejects(
      unchecked(async () => fail()),
      { name: 'InvalidDestinationRuntimeException' },
    )
    assert.equal(
      unchecked(() => 7),
      7,
    )
    assert.equal(await unchecked(async () => 7), 7)
  })
})

describe('the JSON codec', () => {
  const codec = json()
  it('writes text and reads it', () => {
    const message = codec.encode({ a: [1, null] })
    assert.equal(message.getBody(String), '{"a":[1,null]}')
    assert.deepEqual(codec.decode(message), { a: [1, null] })
  })

  it('reads bytes, maps and objects', () => {
    const bytes = messageFactories.createBytesMessage()
    bytes.writeBytes(Buffer.from('{"a":1}'))
    const map = messageFactories.createMapMessage()
    map.setInt('a', 1)
    for (const message of [bytes, map, messageFactories.createObjectMessage({ a: 1 })]) {
      assert.deepEqual(codec.decode(message), { a: 1 }, message.constructor.name)
    }
  })

  const cyclic: unknown[] = []
  cyclic.push(cyclic)
  for (const [what, value] of [
    ['a bigint', 7n],
    ['undefined', undefined],
    ['a function', () => {}],
    ['a cycle', cyclic],
  ] as const) {
    it(`does not write ${what}`, () => {
      assert.throws(() => codec.encode(value), { name: 'MessageFormatException' })
    })
  }

  for (const [what, message] of [
    ['a message without a body', messageFactories.createMessage()],
    ['no text', messageFactories.createTextMessage(null)],
    ['text that is no JSON', messageFactories.createTextMessage('{')],
    ['a stream', messageFactories.createStreamMessage()],
  ] as const) {
    it(`does not read ${what}`, () => {
      assert.throws(() => codec.decode(message), { name: 'MessageFormatException' })
    })
  }

  it('checks with its parse function', () => {
    const numbers = json((value) => {
      if (typeof value !== 'number') throw new TypeError('no number')
      return value
    })
    assert.equal(numbers.decode(messageFactories.createTextMessage('7')), 7)
    assert.throws(() => numbers.decode(messageFactories.createTextMessage('"a"')), {
      name: 'MessageFormatException',
      message: 'cannot decode the body of message null: no number',
    })
    assert.throws(() => json('x' as never), /expected a function/)
  })
})

describe('waiting', () => {
  function testClock() {
    const timers = new Set<() => void>()
    const clock = {
      setTimer: (_ms: number, run: () => void) => {
        timers.add(run)
        return { cancel: () => timers.delete(run) }
      },
    } as unknown as Clock
    return { clock, timers, fire: () => [...timers].map((run) => run()) }
  }
  const never = new Promise<never>(() => {})

  it('for a promise ends with it, and leaves no timer', async () => {
    const { clock, timers } = testClock()
    assert.equal(await limited(clock, Promise.resolve(7), { what: 'x', timeoutMs: 5 }), 7)
    await assert.rejects(
      limited(clock, Promise.reject(new Error('no')), { what: 'x', timeoutMs: 5 }),
      /no/,
    )
    assert.equal(timers.size, 0)
  })

  it('for a promise ends with its limit', async () => {
    const { clock, timers, fire } = testClock()
    const result = limited(clock, never, { what: 'sending', timeoutMs: 5 })
    fire()
    await assert.rejects(result, { code: 'JMS_TIMEOUT', message: 'sending: no answer within 5 ms' })
    assert.equal(timers.size, 0)
  })

  for (const timeoutMs of [0, -1]) {
    it(`for a promise has no limit if it is ${timeoutMs}`, () => {
      const { clock, timers } = testClock()
      void limited(clock, never, { what: 'x', timeoutMs })
      assert.equal(timers.size, 0)
    })
  }

  it('for a time ends with it or with the signal', async () => {
    const { clock, timers, fire } = testClock()
    const waited = pause(clock, 5, new AbortController().signal)
    fire()
    await waited
    const controller = new AbortController()
    const aborted = pause(clock, 5, controller.signal)
    controller.abort()
    await aborted
    assert.equal(timers.size, 0)
    await pause(clock, 5, AbortSignal.abort())
    assert.equal(timers.size, 0)
  })
})
