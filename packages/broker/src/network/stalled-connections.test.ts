// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ReplyMemory } from './reply-memory.ts'
import { RequestMemory } from './request-memory.ts'
import { closeStalled, type StallableConnection } from './stalled-connections.ts'

const LIMIT = 1000
/** Request bytes that every connection may hold regardless of the limit. */
const FREE_BYTES = 64 * 1024
const NOW_MS = 10_000
const STALL_MS = 2000

interface Given {
  readonly name: string
  /** Since when it is stalled; undefined if it is not. */
  readonly since?: number
  readonly requestBytes?: number
  readonly replyBytes?: number
  readonly isClosed?: boolean
}

/** Closes what is stalled; returns the names of the closed, in order, each with the reason. */
function closedOf(all: readonly Given[], stallMs = STALL_MS): string[] {
  const requests = new RequestMemory(LIMIT)
  const replies = new ReplyMemory(LIMIT)
  const closed: string[] = []
  const connections = all.map(
    ({ name, since, requestBytes = 0, replyBytes = 0, isClosed = false }) => {
      const connection: StallableConnection = {
        isClosed,
        missingBytes: undefined,
        onMayRead() {},
        stalledSinceMs: () => since,
        evict(why) {
          closed.push(`${name}: ${why}`)
          requests.remove(connection)
          replies.update(connection, 0)
        },
      }
      requests.update(connection, requestBytes === 0 ? 0 : FREE_BYTES + requestBytes)
      replies.update(connection, replyBytes)
      return connection
    },
  )
  const isEnough = (): boolean => !requests.isExhausted && !replies.isExhausted
  closeStalled(connections, { requests, replies, nowMs: NOW_MS, stallMs, isEnough })
  return closed
}

const UNREAD = 'its client does not read replies, and queued.max.response.bytes is used up'
const PARTIAL =
  'its client does not send the rest of a request, and queued.max.request.bytes is used up'
const LEFT = 'its client left requests that are throttled, and queued.max.request.bytes is used up'

describe('closing stalled connections', () => {
  const cells: readonly (readonly [
    what: string,
    connections: readonly Given[],
    closed: readonly string[],
  ])[] = [
    ['none while there is memory', [{ name: 'a', since: 0, requestBytes: 999 }], []],
    [
      'a client that sends part of a request',
      [{ name: 'a', since: 0, requestBytes: 1000 }],
      [`a: ${PARTIAL}`],
    ],
    [
      'a client that closed and left throttled requests',
      [{ name: 'a', since: 0, requestBytes: 1000, isClosed: true }],
      [`a: ${LEFT}`],
    ],
    ['a client that does not read', [{ name: 'a', since: 0, replyBytes: 1000 }], [`a: ${UNREAD}`]],
    ['not one that makes progress', [{ name: 'a', requestBytes: 1000 }], []],
    ['not one stalled for too short', [{ name: 'a', since: 8001, requestBytes: 1000 }], []],
    ['from exactly the limit', [{ name: 'a', since: 8000, replyBytes: 1000 }], [`a: ${UNREAD}`]],
    [
      'the longest stalled first, and no more than needed',
      [
        { name: 'a', since: 5000, requestBytes: 600 },
        { name: 'b', since: 1000, requestBytes: 600 },
        { name: 'c', since: 3000, requestBytes: 600 },
      ],
      [`b: ${PARTIAL}`, `c: ${PARTIAL}`],
    ],
    [
      'an open and a closed one in the same order',
      [
        { name: 'open', since: 5000, requestBytes: 900 },
        { name: 'closed', since: 4000, requestBytes: 900, isClosed: true },
      ],
      [`closed: ${LEFT}`],
    ],
    [
      'not those that hold none of the memory that is used up',
      [
        { name: 'reads nothing', since: 0, replyBytes: 500 },
        { name: 'holds nothing', since: 1 },
        { name: 'sends slowly', since: 2, requestBytes: 1000 },
      ],
      [`sends slowly: ${PARTIAL}`],
    ],
    [
      'both kinds if both are used up',
      [
        { name: 'reads nothing', since: 2, replyBytes: 1000 },
        { name: 'sends slowly', since: 1, requestBytes: 1000 },
      ],
      [`sends slowly: ${PARTIAL}`, `reads nothing: ${UNREAD}`],
    ],
    [
      'unread replies before partial requests',
      [{ name: 'a', since: 0, requestBytes: 1000, replyBytes: 1000 }],
      [`a: ${UNREAD}`],
    ],
  ]
  for (const [what, connections, closed] of cells) {
    it(what, () => assert.deepEqual(closedOf(connections), closed))
  }

  it('closes at once without a limit, as when replies exceed the memory by far', () => {
    assert.deepEqual(closedOf([{ name: 'a', since: NOW_MS, replyBytes: 1000 }], 0), [
      `a: ${UNREAD}`,
    ])
  })
})
