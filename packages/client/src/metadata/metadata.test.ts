// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ErrorCode, type ErrorName, type MetadataResponse, ZERO_UUID } from '@millrace/protocol'
import { type ClusterMetadata, mergeMetadata, noMetadata, withLeader } from './metadata.ts'

const ID = 'id'.padEnd(21, 'x').concat('A')
const OTHER = 'other'.padEnd(21, 'x').concat('A')

/** A response about topic `t`: `1@5 2@5` are leaders and leader epochs, by partition. */
function response(
  leaders: string,
  { id = ID, error = 'NONE' as ErrorName, nodes = [1, 2] } = {},
): MetadataResponse {
  return {
    throttleTimeMs: 0,
    clusterId: 'c',
    controllerId: 1,
    clusterAuthorizedOperations: 0,
    errorCode: 0,
    brokers: nodes.map((nodeId) => ({ nodeId, host: `h${nodeId}`, port: 9092, rack: null })),
    topics: [
      {
        errorCode: ErrorCode[error],
        name: 't',
        topicId: id,
        isInternal: false,
        topicAuthorizedOperations: 0,
        partitions: leaders
          .split(' ')
          .filter(Boolean)
          .map((text, partitionIndex) => {
            const [leaderId = -1, leaderEpoch = -1] = text.split('@').map(Number)
            return {
              errorCode: 0,
              partitionIndex,
              leaderId,
              leaderEpoch,
              replicaNodes: [leaderId],
              isrNodes: [leaderId],
              offlineReplicas: [],
            }
          }),
      },
    ],
  }
}

function textOf({ topics, topicErrors }: ClusterMetadata): string {
  const topic = topics.get('t')
  const error = topicErrors.get('t')
  const leaders = topic?.partitions.map(({ leader, leaderEpoch }) => `${leader}@${leaderEpoch}`)
  return [leaders?.join(' ') ?? 'unknown', error === undefined ? '' : `error ${error}`]
    .filter(Boolean)
    .join(', ')
}

describe('metadata that a response is merged into', () => {
  const cells: readonly (readonly [
    known: string,
    given: string,
    options: Parameters<typeof response>[1],
    merged: string,
    why: string,
  ])[] = [
    ['', '1@0', {}, '1@0', 'a new topic'],
    ['1@5', '2@6', {}, '2@6', 'a newer epoch counts'],
    ['1@5', '2@5', {}, '2@5', 'of the same epoch the newer response counts'],
    ['1@5', '2@4', {}, '1@5', 'a broker that lags behind does not revert a leader'],
    ['1@5 1@5', '2@4 2@6', {}, '1@5 2@6', 'each partition on its own'],
    ['1@5', '2@-1', {}, '2@-1', 'brokers older than KIP-320 send no epoch'],
    ['1@5', '-1@6', {}, '-1@6', 'a partition may lose its leader'],
    ['1@5 1@5 1@5', '2@6', {}, '2@6 1@5 1@5', 'the number of partitions never falls'],
    ['1@5', '2@6 2@6', {}, '2@6 2@6', 'and may rise'],
    ['1@5 1@5', '2@0', { id: OTHER }, '2@0', 'another id is another topic, with its own epochs'],
    ['1@5', '2@4', { id: ZERO_UUID }, '1@5', 'without an id it is the same topic'],
    ['1@5', '', { error: 'LEADER_NOT_AVAILABLE' }, '1@5, error 5', 'an error that may pass'],
    ['1@5', '', { error: 'UNKNOWN_TOPIC_OR_PARTITION' }, 'unknown, error 3', 'a deleted topic'],
    ['', '', { error: 'TOPIC_AUTHORIZATION_FAILED' }, 'unknown, error 29', 'an error to report'],
  ]
  for (const [known, given, options, merged, why] of cells) {
    it(`${known || 'none'} + ${given || 'error'} = ${merged}: ${why}`, () => {
      const before = known === '' ? noMetadata : mergeMetadata(noMetadata, response(known))
      const text = JSON.stringify([...before.topics])
      assert.equal(textOf(mergeMetadata(before, response(given, options))), merged)
      assert.equal(JSON.stringify([...before.topics]), text, 'the old metadata is unchanged')
    })
  }

  it('has no controller before the first response', () => {
    assert.equal(noMetadata.controllerId, -1)
    assert.equal(mergeMetadata(noMetadata, response('1@0')).controllerId, 1)
  })

  it('forgets the error of a topic that has metadata again', () => {
    const lost = mergeMetadata(noMetadata, response('', { error: 'UNKNOWN_TOPIC_OR_PARTITION' }))
    assert.equal(textOf(mergeMetadata(lost, response('1@0'))), '1@0')
  })

  it('keeps topics that the response is not about, and replaces all brokers', () => {
    const before = mergeMetadata(noMetadata, response('1@0'))
    const after = mergeMetadata(before, { ...response(''), topics: [], brokers: [] })
    assert.equal(textOf(after), '1@0')
    assert.equal(after.nodes.size, 0)
  })
})

describe('a leader in an error reply (KIP-951)', () => {
  const known = mergeMetadata(noMetadata, response('1@5 1@5'))
  const told = { topic: 't', partition: 0, leader: 2, leaderEpoch: 6, nodes: [] }
  const zero = { id: 0, host: 'h0', port: 9, rack: null }
  const three = { id: 3, host: 'h3', port: 9, rack: null }
  const cells: readonly (readonly [Partial<Parameters<typeof withLeader>[1]>, string, string])[] = [
    [{}, '2@6 1@5', 'is used if its epoch is newer'],
    [{ leaderEpoch: 5 }, 'refused', 'is not used if its epoch is the known one'],
    [{ leaderEpoch: 4 }, 'refused', 'nor an older one'],
    [{ leader: -1 }, 'refused', 'is not named'],
    [{ leader: 0, nodes: [zero] }, '0@6 1@5', 'may be broker 0'],
    [{ leader: 3 }, 'refused', 'has no address'],
    [{ leader: 3, nodes: [three] }, '3@6 1@5', 'has its address in the reply'],
    [{ topic: 'x' }, 'refused', 'of a topic without metadata'],
    [{ partition: 2 }, 'refused', 'of a partition without metadata'],
  ]
  for (const [change, merged, why] of cells) {
    it(`${JSON.stringify(change)}: ${why}`, () => {
      const after = withLeader(known, { ...told, ...change })
      assert.equal(after === undefined ? 'refused' : textOf(after), merged)
      assert.equal(textOf(known), '1@5 1@5', 'the old metadata is unchanged')
    })
  }

  it('adds its node', () => {
    const after = withLeader(known, { ...told, leader: 3, nodes: [three] })
    assert.deepEqual(after?.nodes.get(3), three)
    assert.equal(known.nodes.has(3), false)
  })
})
