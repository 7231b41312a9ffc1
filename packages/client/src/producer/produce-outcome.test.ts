// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MillraceError } from '@millrace/base'
import { ErrorCode, type ErrorName, isRetriable, ProtocolError } from '@millrace/protocol'
import { DisconnectedError } from '../network/broker-connection.ts'
import { type BatchFacts, type Outcome, outcomeOf, outcomeOfLoss } from './produce-outcome.ts'

/** A batch of an idempotent producer, sent once. */
const batch: BatchFacts = {
  attempts: 1,
  retries: 3,
  recordCount: 10,
  isWhole: false,
  hasIdentity: true,
  isOldest: true,
  isTransactional: false,
  isAborting: false,
}

describe('the outcome of a batch by the error code of its partition', () => {
  const cells: readonly (readonly [ErrorName, Partial<BatchFacts>, Outcome, string])[] = [
    ['NONE', {}, 'acknowledged', 'the records are in the log'],
    ['NONE', { attempts: 9 }, 'acknowledged', 'retries are counted before an attempt only'],
    ['NONE', { isAborting: true }, 'acknowledged', 'an abort does not change what is written'],
    ['DUPLICATE_SEQUENCE_NUMBER', {}, 'acknowledged', 'an earlier attempt was written'],

    ['MESSAGE_TOO_LARGE', {}, 'split', 'halves may fit'],
    ['MESSAGE_TOO_LARGE', { recordCount: 2 }, 'split', 'down to single records'],
    ['MESSAGE_TOO_LARGE', { recordCount: 1 }, 'failed', 'a record cannot be split'],
    ['MESSAGE_TOO_LARGE', { isWhole: true }, 'failed', 'an atomic batch stays whole'],
    ['MESSAGE_TOO_LARGE', { attempts: 9 }, 'split', 'a split is not a retry'],
    ['MESSAGE_TOO_LARGE', { isAborting: true }, 'split', 'the halves then fail with the abort'],

    ['NOT_LEADER_OR_FOLLOWER', {}, 'find-leader', 'another broker leads'],
    ['FENCED_LEADER_EPOCH', {}, 'find-leader', 'metadata is old'],
    ['UNKNOWN_TOPIC_OR_PARTITION', {}, 'find-leader', 'the broker may not know of it yet'],
    ['NOT_ENOUGH_REPLICAS', {}, 'find-leader', 'replicas may return'],
    ['KAFKA_STORAGE_ERROR', {}, 'find-leader', 'the log directory is offline there'],
    ['NOT_LEADER_OR_FOLLOWER', { attempts: 3 }, 'find-leader', 'the third retry of three'],
    ['NOT_LEADER_OR_FOLLOWER', { attempts: 4 }, 'failed', 'no retry is left'],
    ['NOT_LEADER_OR_FOLLOWER', { retries: 0 }, 'failed', 'retries are off'],
    ['NOT_LEADER_OR_FOLLOWER', { isAborting: true }, 'failed', 'it would be aborted anyway'],
    ['NOT_LEADER_OR_FOLLOWER', { hasIdentity: false }, 'find-leader', 'not only idempotent ones'],

    ['TOPIC_AUTHORIZATION_FAILED', {}, 'failed', 'no retry changes it'],
    ['INVALID_RECORD', {}, 'failed', 'no retry changes it'],
    ['RECORD_LIST_TOO_LARGE', {}, 'failed', 'no retry changes it'],
    ['INVALID_PRODUCER_EPOCH', {}, 'failed', 'a newer producer exists'],
    ['INVALID_TXN_STATE', { isTransactional: true }, 'failed', 'not part of the transaction'],

    ['OUT_OF_ORDER_SEQUENCE_NUMBER', {}, 'renumber', 'nothing is left to fill the gap'],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', { isOldest: false }, 'retry', 'an older one may fill the gap'],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', { hasIdentity: false }, 'failed', 'it has no number'],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', { attempts: 4 }, 'failed', 'no retry is left'],
    [
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      { isTransactional: true },
      'failed',
      'the end of the transaction starts the new epoch',
    ],
    [
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      { isTransactional: true, isOldest: false },
      'retry',
      'an older one may fill the gap',
    ],
    ['UNKNOWN_PRODUCER_ID', {}, 'renumber', 'the broker forgot the producer with its records'],
    ['UNKNOWN_PRODUCER_ID', { isOldest: false }, 'retry', 'the oldest is renumbered first'],
    ['UNKNOWN_PRODUCER_ID', { isAborting: true }, 'failed', 'it would be aborted anyway'],

    ['CONCURRENT_TRANSACTIONS', { isTransactional: true }, 'retry-soon', 'the end takes a moment'],
    [
      'CONCURRENT_TRANSACTIONS',
      { isTransactional: true, isAborting: true },
      'failed',
      'it would be aborted anyway',
    ],
  ]
  for (const [error, facts, outcome, why] of cells) {
    it(`${error} ${JSON.stringify(facts)}: ${outcome}, ${why}`, () => {
      assert.equal(outcomeOf(error, { ...batch, ...facts }), outcome)
    })
  }

  it('is a failure for each error that is not retriable and has no specific rule', () => {
    const special = [
      'NONE',
      'DUPLICATE_SEQUENCE_NUMBER',
      'MESSAGE_TOO_LARGE',
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      'UNKNOWN_PRODUCER_ID',
      'CONCURRENT_TRANSACTIONS',
    ]
    const names = Object.keys(ErrorCode) as ErrorName[]
    for (const name of names.filter((each) => !special.includes(each))) {
      assert.equal(outcomeOf(name, batch), isRetriable(name) ? 'find-leader' : 'failed', name)
    }
  })
})

describe('the outcome of a batch whose reply was lost', () => {
  const facts = { attempts: 1, retries: 3, isAborting: false, isClosed: false }
  const lost = new DisconnectedError('the connection ended')
  const cells: readonly (readonly [Error, Partial<typeof facts>, 'retry' | 'failed', string])[] = [
    [lost, {}, 'retry', 'the connection may be re-established'],
    [lost, { attempts: 3 }, 'retry', 'the third retry of three'],
    [lost, { attempts: 4 }, 'failed', 'no retry is left'],
    [lost, { isAborting: true }, 'failed', 'its transaction is aborted'],
    [lost, { isClosed: true }, 'failed', 'the producer is closed'],
    [new ProtocolError('UNSUPPORTED_VERSION', 'x'), {}, 'failed', 'no retry changes it'],
    [new MillraceError('MILLRACE_TLS', 'x'), {}, 'failed', 'no retry changes it'],
    [new TypeError('x'), {}, 'failed', 'an error of the program'],
  ]
  for (const [error, change, outcome, why] of cells) {
    it(`${error.name} ${JSON.stringify(change)}: ${outcome}, ${why}`, () => {
      assert.equal(outcomeOfLoss(error, { ...facts, ...change }), outcome)
    })
  }
})
