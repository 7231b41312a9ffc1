// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MillraceError, silentLogger } from '@millrace/base'
import { ErrorCode, type ErrorName, ProtocolError } from '@millrace/protocol'
import type { RequestContext } from './handler.ts'
import {
  attempt,
  denialOf,
  itemOutcome,
  protocolError,
  refusedItems,
  textUnlessDenied,
} from './outcome.ts'

/** A request's context that counts the errors in the log. */
function context(): { readonly context: RequestContext; readonly errors: () => number } {
  let count = 0
  const logger = { ...silentLogger, error: () => void count++ }
  const broker = { logger }
  return { context: { broker, clientId: 'c' } as unknown as RequestContext, errors: () => count }
}

describe('the code of an error', () => {
  /** An error, its code in the reply, and whether it is logged. */
  const rows: readonly (readonly [
    title: string,
    error: unknown,
    code: ErrorName,
    isLogged: boolean,
  ])[] = [
    ["is Kafka's", new ProtocolError('NOT_CONTROLLER', 'no'), 'NOT_CONTROLLER', false],
    [
      'is that of another error with one',
      new MillraceError('UNKNOWN_TOPIC_ID', 'no'),
      'UNKNOWN_TOPIC_ID',
      false,
    ],
    ['is none of ours', new MillraceError('MILLRACE_CLOSED', 'no'), 'UNKNOWN_SERVER_ERROR', true],
    ['is not that of a bug', new TypeError('undefined'), 'UNKNOWN_SERVER_ERROR', true],
    ['is not that of a thrown text', 'text', 'UNKNOWN_SERVER_ERROR', true],
  ]
  for (const [title, error, code, isLogged] of rows) {
    it(title, async () => {
      const under = context()
      const found = protocolError(error, under.context)
      assert.equal(found.code, code)
      assert.equal(under.errors(), isLogged ? 1 : 0)
      // What a bug says is for the log only.
      if (isLogged) assert.doesNotMatch(found.message, /no|undefined|text/)
      const outcome = await attempt(
        under.context,
        () => {
          throw error
        },
        ({ errorCode }) => errorCode,
      )
      assert.equal(outcome, ErrorCode[code])
    })
  }

  it('is that of rejected promises, too', async () => {
    const under = context()
    const rejects = () => Promise.reject(new ProtocolError('NOT_CONTROLLER', 'no'))
    const outcome = await attempt(under.context, rejects, async ({ code }) => code)
    assert.equal(outcome, 'NOT_CONTROLLER')
    assert.equal(
      await attempt(
        under.context,
        () => 5,
        () => 6,
      ),
      5,
    )
  })
})

describe('an item of a request', () => {
  const fail = (error: Error) => (): void => {
    throw error
  }

  it('has its own outcome; a bug is that of the request', () => {
    assert.deepEqual(
      itemOutcome(() => {}),
      { errorCode: 0, errorMessage: null },
    )
    assert.deepEqual(itemOutcome(fail(new ProtocolError('INVALID_CONFIG', 'bad'))), {
      errorCode: ErrorCode.INVALID_CONFIG,
      errorMessage: 'bad',
    })
    assert.throws(() => itemOutcome(fail(new TypeError('bug'))), /bug/)
    assert.equal(
      denialOf(() => {}),
      undefined,
    )
    assert.equal(denialOf(fail(new ProtocolError('INVALID_CONFIG', 'bad')))?.code, 'INVALID_CONFIG')
    assert.throws(() => denialOf(fail(new TypeError('bug'))), /bug/)
  })

  it('that succeeded has failed if the records could not be written', () => {
    const items = [
      { name: 'a', errorCode: 0, errorMessage: null },
      { name: 'b', errorCode: ErrorCode.INVALID_CONFIG, errorMessage: 'bad' },
    ]
    const refused = refusedItems(items, new ProtocolError('KAFKA_STORAGE_ERROR', 'disk'))
    assert.deepEqual(
      refused.map(({ name, errorCode, errorMessage }) => [name, errorCode, errorMessage]),
      [
        ['a', ErrorCode.KAFKA_STORAGE_ERROR, 'disk'],
        ['b', ErrorCode.INVALID_CONFIG, 'bad'],
      ],
    )
  })

  it('has no message when it is denied', () => {
    const rows: readonly (readonly [ErrorName, string | null])[] = [
      ['TOPIC_AUTHORIZATION_FAILED', null],
      ['CLUSTER_AUTHORIZATION_FAILED', null],
      ['SASL_AUTHENTICATION_FAILED', 'why'],
      ['INVALID_CONFIG', 'why'],
    ]
    for (const [code, text] of rows) {
      assert.equal(textUnlessDenied(new ProtocolError(code, 'why')), text, code)
    }
  })
})
