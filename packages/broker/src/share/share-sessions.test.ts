// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError } from '@millrace/protocol'
import { nextSessionEpoch } from '../session-epoch.ts'
import { ShareSession, ShareSessions } from './share-sessions.ts'

const partitionsOf = (text: string) =>
  text
    .split(' ')
    .filter(Boolean)
    .map((partition) => ({ topicId: 't', partition: Number(partition), isKnown: true }))

/** The share sessions of a broker, by requests such as `fetch m 1: 0 1 -2`. */
class Bench {
  readonly sessions: ShareSessions

  constructor(maxSessions = 10) {
    this.sessions = new ShareSessions(maxSessions)
  }

  /** The partitions of the session and its next epoch, or the error. */
  request(text: string): string {
    const [, api, memberId = '', epoch, names = ''] =
      /^(\w+) (\w+) (-?\d+):? ?(.*)$/.exec(text) ?? []
    const parts = names.split(' ')
    try {
      const request = { groupId: 'g', memberId, epoch: Number(epoch) }
      const session =
        api === 'fetch'
          ? this.sessions.forFetch({
              ...request,
              added: partitionsOf(parts.filter((part) => /^\d/.test(part)).join(' ')),
              forgotten: partitionsOf(
                parts
                  .filter((part) => /^-\d/.test(part))
                  .map((part) => part.slice(1))
                  .join(' '),
              ),
              hasAcknowledgements: parts.includes('ack'),
            })
          : this.sessions.forAcknowledge('g', memberId, Number(epoch))
      const partitions = [...session.partitions.values()].map(({ partition }) => partition)
      return `${partitions.join(' ')} @${session.epoch}`.trim()
    } catch (error) {
      assert.ok(error instanceof ProtocolError)
      return error.code
    }
  }
}

describe('a share session of the broker (KIP-932), by request', () => {
  const scripts: Readonly<Record<string, readonly (readonly [request: string, reply: string])[]>> =
    {
      'epoch 0 creates it; each request has the next epoch': [
        ['fetch m 0: 0 1', '0 1 @1'],
        ['fetch m 1', '0 1 @2'],
        ['acknowledge m 2', '0 1 @3'],
        ['fetch m 3', '0 1 @4'],
      ],
      'requests name only what changed': [
        ['fetch m 0: 0 1', '0 1 @1'],
        ['fetch m 1: 2 -0', '1 2 @2'],
        ['fetch m 2: 1', '1 2 @3'],
        ['fetch m 3: -7', '1 2 @4'],
      ],
      'a repeated or future epoch is an error, and changes nothing': [
        ['fetch m 0: 0', '0 @1'],
        ['fetch m 1: 1', '0 1 @2'],
        ['fetch m 1: 2', 'INVALID_SHARE_SESSION_EPOCH'],
        ['fetch m 3: 2', 'INVALID_SHARE_SESSION_EPOCH'],
        ['acknowledge m 1', 'INVALID_SHARE_SESSION_EPOCH'],
        ['fetch m 2', '0 1 @3'],
      ],
      'epoch 0 replaces the session of the member': [
        ['fetch m 0: 0', '0 @1'],
        ['fetch m 1: 1', '0 1 @2'],
        ['fetch m 0: 5', '5 @1'],
        ['fetch m 2', 'INVALID_SHARE_SESSION_EPOCH'],
      ],
      'it cannot begin with acknowledgements': [
        ['fetch m 0: 0 ack', 'INVALID_REQUEST'],
        ['acknowledge m 0', 'INVALID_SHARE_SESSION_EPOCH'],
        ['acknowledge m 1', 'SHARE_SESSION_NOT_FOUND'],
      ],
      'the final epoch needs the session, whatever its epoch, and adds nothing': [
        ['fetch m -1: 0', 'SHARE_SESSION_NOT_FOUND'],
        ['fetch m 0: 0', '0 @1'],
        ['fetch m -1: 3', '0 @1'],
        ['acknowledge m -1', '0 @1'],
      ],
      'members have their own': [
        ['fetch m 0: 0', '0 @1'],
        ['fetch n 1', 'SHARE_SESSION_NOT_FOUND'],
        ['fetch n 0: 1', '1 @1'],
        ['fetch m 1', '0 @2'],
      ],
    }
  for (const [rule, steps] of Object.entries(scripts)) {
    it(rule, () => {
      const bench = new Bench()
      for (const [request, reply] of steps) assert.equal(bench.request(request), reply, request)
    })
  }

  it('is refused when there are too many, unless the member has one', () => {
    const bench = new Bench(2)
    bench.request('fetch a 0: 0')
    bench.request('fetch b 0: 0')
    assert.equal(bench.request('fetch c 0: 0'), 'SHARE_SESSION_LIMIT_REACHED')
    assert.equal(bench.request('fetch a 0: 1'), '1 @1')
    assert.equal(bench.sessions.size, 2)
  })

  it('ends once; another one of the member is not ended with it', () => {
    const { sessions } = new Bench()
    const open = () =>
      sessions.forFetch({
        groupId: 'g',
        memberId: 'm',
        epoch: 0,
        added: [],
        forgotten: [],
        hasAcknowledgements: false,
      })
    const first = open()
    const second = open()
    assert.deepEqual([sessions.has(first), sessions.has(second)], [false, true])
    assert.equal(sessions.end(first), false)
    assert.equal(sessions.hasGroup('g'), true)
    assert.equal(sessions.end(second), true)
    assert.deepEqual([sessions.hasGroup('g'), sessions.size], [false, 0])
  })

  it('has epochs that return to 1: 0 would create another session', () => {
    assert.deepEqual([1, 0x7ffffffe, 0x7fffffff].map(nextSessionEpoch), [2, 0x7fffffff, 1])
  })
})

describe('partitions of a share session', () => {
  const sessionOf = (names: string): ShareSession => {
    const session = new ShareSession('g', 'm')
    session.add(partitionsOf(names))
    return session
  }

  it('are served in turn: each request begins with another one', () => {
    const session = sessionOf('0 1 2')
    const cells: readonly (readonly [epoch: number, order: readonly number[]])[] = [
      [0, [0, 1, 2]],
      [-1, [0, 1, 2]],
      [1, [1, 2, 0]],
      [2, [2, 0, 1]],
      [3, [0, 1, 2]],
    ]
    for (const [epoch, order] of cells) {
      assert.deepEqual(
        session.inTurn(epoch).map(({ partition }) => partition),
        order,
        `epoch ${epoch}`,
      )
    }
    assert.deepEqual(sessionOf('').inTurn(3), [])
  })

  it('are in a response with records, with an error, and once after an error', () => {
    const session = sessionOf('0 1')
    const steps: readonly (readonly [records: boolean, error: boolean, responds: boolean])[] = [
      [false, false, false],
      [true, false, true],
      [false, true, true],
      [false, true, true],
      [false, false, true],
      [false, false, false],
    ]
    for (const [i, [hasRecords, hasError, responds]] of steps.entries()) {
      const at = { topicId: 't', partition: 0 }
      assert.equal(session.responds(at, { hasRecords, hasError }), responds, `step ${i}`)
    }
  })

  it('with records go behind the others', () => {
    const session = sessionOf('0 1 2')
    session.responds({ topicId: 't', partition: 0 }, { hasRecords: true, hasError: false })
    session.responds({ topicId: 't', partition: 1 }, { hasRecords: false, hasError: true })
    assert.deepEqual(
      [...session.partitions.values()].map(({ partition }) => partition),
      [1, 2, 0],
    )
  })

  it('that are forgotten forget their error', () => {
    const session = sessionOf('0')
    const at = { topicId: 't', partition: 0 }
    session.responds(at, { hasRecords: false, hasError: true })
    session.forget([at])
    session.add(partitionsOf('0'))
    assert.equal(session.responds(at, { hasRecords: false, hasError: false }), false)
  })
})
