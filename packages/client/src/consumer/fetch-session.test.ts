// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ErrorCode, type ErrorName } from '@millrace/protocol'
import { type FetchPartition, FetchSession, nextSessionEpoch } from './fetch-session.ts'

/** `0@5 1@7/2#x`: partition 0 from offset 5; partition 1 from 7, leader epoch 2, topic id x. */
function placesOf(text: string): FetchPartition[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((each) => {
      const [, partition, offset, epoch = '0', topicId = 'id'] =
        /^(\d+)@(\d+)(?:\/(\d+))?(?:#(\w+))?$/.exec(each) ?? []
      return {
        topic: 't',
        topicId,
        partition: Number(partition),
        fetchOffset: BigInt(offset ?? 0),
        currentLeaderEpoch: Number(epoch),
        partitionMaxBytes: 1,
      }
    })
}

/** The requests for partitions in turn; a broker's answers between them. */
function run(steps: readonly (string | { error: ErrorName; id?: number } | 'lost')[]): string[] {
  const session = new FetchSession()
  const requests: string[] = []
  for (const step of steps) {
    if (step === 'lost') session.lost()
    else if (typeof step === 'string') {
      const { sessionId, sessionEpoch, changed, forgotten } = session.build(placesOf(step))
      const names = [
        ...changed.map(
          ({ partition, topicId }) => `+${partition}${topicId === 'id' ? '' : topicId}`,
        ),
        ...forgotten.map(
          ({ partition, topicId }) => `-${partition}${topicId === 'id' ? '' : topicId}`,
        ),
      ]
      requests.push([`${sessionId}/${sessionEpoch}:`, ...names].join(' '))
    } else session.answered({ errorCode: ErrorCode[step.error], sessionId: step.id ?? 0 })
  }
  return requests
}

const ok = { error: 'NONE', id: 9 } as const

describe('a fetch session (KIP-227)', () => {
  const cells: readonly (readonly [
    rule: string,
    steps: Parameters<typeof run>[0],
    requests: readonly string[],
  ])[] = [
    ['the first request is complete', ['0@0 1@0'], ['0/0: +0 +1']],
    ['a further one names what changed', ['0@0 1@0', ok, '0@5 1@0'], ['0/0: +0 +1', '9/1: +0']],
    ['or nothing', ['0@0', ok, '0@0', ok, '0@0'], ['0/0: +0', '9/1:', '9/2:']],
    ['a new leader epoch is a change', ['0@0', ok, '0@0/1'], ['0/0: +0', '9/1: +0']],
    ['a partition may be added', ['0@0', ok, '0@0 1@3'], ['0/0: +0', '9/1: +1']],
    ['and removed', ['0@0 1@3', ok, '1@3'], ['0/0: +0 +1', '9/1: -0']],
    [
      'a topic that was created again is removed by its old id',
      ['0@0', ok, '0@0#other'],
      ['0/0: +0', '9/1: +0other -0'],
    ],
    [
      'a broker without room for a session gets complete requests',
      ['0@0', { error: 'NONE', id: 0 }, '0@5 1@0'],
      ['0/0: +0', '0/0: +0 +1'],
    ],
    [
      'so does a broker that discarded the session',
      ['0@0', ok, '0@5', { error: 'NONE', id: 0 }, '0@5'],
      ['0/0: +0', '9/1: +0', '0/0: +0'],
    ],
    [
      'an unknown session is created again without its id',
      ['0@0', ok, '0@5', { error: 'FETCH_SESSION_ID_NOT_FOUND' }, '0@5'],
      ['0/0: +0', '9/1: +0', '0/0: +0'],
    ],
    [
      'a wrong epoch creates it again with its id, so that the broker can discard it',
      ['0@0', ok, '0@5', { error: 'INVALID_FETCH_SESSION_EPOCH' }, '0@5'],
      ['0/0: +0', '9/1: +0', '9/0: +0'],
    ],
    [
      'after a lost connection the request is complete, with the id',
      ['0@0', ok, '0@5', 'lost', '0@5'],
      ['0/0: +0', '9/1: +0', '9/0: +0'],
    ],
    [
      'an error of another kind opens a new session',
      ['0@0', ok, '0@5', { error: 'UNKNOWN_TOPIC_ID' }, '0@5'],
      ['0/0: +0', '9/1: +0', '0/0: +0'],
    ],
  ]
  for (const [rule, steps, requests] of cells) {
    it(rule, () => assert.deepEqual(run(steps), requests))
  }

  it('has epochs that return to 1: 0 would create another session', () => {
    assert.deepEqual([0, 1, 0x7ffffffe, 0x7fffffff].map(nextSessionEpoch), [1, 2, 0x7fffffff, 1])
  })

  it('finds the last requested partition by the topic name or id of a reply', () => {
    const session = new FetchSession()
    session.build(placesOf('0@0 1@4'))
    assert.equal(session.find({ name: 't', id: '' }, 1)?.fetchOffset, 4n)
    assert.equal(session.find({ name: '', id: 'id' }, 1)?.fetchOffset, 4n)
    assert.equal(session.find({ name: '', id: 'other' }, 1), undefined)
    assert.equal(session.find({ name: 't', id: '' }, 2), undefined)
    session.build(placesOf('0@0 1@8'))
    assert.equal(session.find({ name: 't', id: '' }, 1)?.fetchOffset, 8n)
  })

  it('ends with epoch -1, once, and only if the broker has it', () => {
    const session = new FetchSession()
    assert.equal(session.end(), undefined)
    session.build(placesOf('0@0'))
    session.answered({ errorCode: 0, sessionId: 9 })
    const { sessionId, sessionEpoch, changed } = session.end() ?? {}
    assert.deepEqual([sessionId, sessionEpoch, changed], [9, -1, []])
    assert.equal(session.end(), undefined)
    assert.equal(session.build(placesOf('0@0')).sessionEpoch, 0, 'the next one is another')
  })

  it('reports whether the broker knows it', () => {
    const session = new FetchSession()
    session.build(placesOf('0@0'))
    assert.equal(session.answered({ errorCode: 0, sessionId: 9 }), true)
    const errorCode = ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert.equal(session.answered({ errorCode, sessionId: 0 }), false)
  })
})
