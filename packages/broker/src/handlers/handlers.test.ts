// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as p from '@millrace/protocol'
import { BrokerBench } from './testing/broker-bench.ts'

const NO_ID = p.ZERO_UUID
const UNKNOWN_ID = 'unknown'.padEnd(21, 'x').concat('A')

/** The names of error codes. */
function namesOf(codes: Iterable<{ readonly errorCode: number }>): string {
  return [...codes].map(({ errorCode }) => p.errorName(errorCode)).join(' ')
}

let bench: BrokerBench
before(async () => {
  bench = await BrokerBench.start()
  await bench.createTopic('a', { numPartitions: 2 })
  for (const timestamp of [10, 20, 30]) await bench.produce('a', [timestamp])
})
after(() => bench.close())

describe('topics', () => {
  it('are created item by item: each has its own outcome', async () => {
    const topic = (name: string, numPartitions = 1) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })
    const create = async (names: readonly string[], validateOnly = false) => {
      const reply = await bench.client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
        topics: names.map((name) => topic(name)),
        validateOnly,
      })
      return namesOf(reply.topics)
    }
    assert.equal(
      await create(['one', 'a', 'b c']),
      'NONE TOPIC_ALREADY_EXISTS INVALID_TOPIC_EXCEPTION',
    )
    assert.equal(await create(['two'], true), 'NONE')
    assert.equal(await create(['two'], true), 'NONE', 'validated only')
    assert.equal(await create(['twice', 'twice']), 'INVALID_REQUEST')
  })

  it('are deleted by name or id', async () => {
    await bench.createTopic('gone')
    await bench.createTopic('gone-by-id')
    const topicId = await bench.topicId('gone-by-id')
    const reply = await bench.client.request(p.DeleteTopicsRequest, p.DeleteTopicsResponse, {
      topics: [
        { name: 'gone', topicId: NO_ID },
        { name: null, topicId },
        { name: 'missing', topicId: NO_ID },
        { name: null, topicId: UNKNOWN_ID },
      ],
      timeoutMs: 1000,
    })
    const outcomes = new Map(
      reply.responses.map(({ name, topicId: id, errorCode }) => [
        name ?? id,
        p.errorName(errorCode),
      ]),
    )
    assert.deepEqual(
      ['gone', 'gone-by-id', 'missing', UNKNOWN_ID].map((name) => outcomes.get(name)),
      ['NONE', 'NONE', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID'],
    )
  })

  it('get partitions item by item', async () => {
    await bench.createTopic('grows')
    const add = async (name: string, count: number) => {
      const reply = await bench.client.request(
        p.CreatePartitionsRequest,
        p.CreatePartitionsResponse,
        { topics: [{ name, count, assignments: null }], timeoutMs: 1000, validateOnly: false },
      )
      return namesOf(reply.results)
    }
    assert.equal(await add('grows', 3), 'NONE')
    assert.equal(await add('grows', 3), 'INVALID_PARTITIONS')
    assert.equal(await add('grows', 1), 'INVALID_PARTITIONS')
    assert.equal(await add('missing', 3), 'UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('are described by Metadata: all, none, by name and by id', async () => {
    const names = async (topics: readonly { name: string | null; topicId?: string }[] | null) => {
      const reply = await bench.client.request(p.MetadataRequest, p.MetadataResponse, {
        topics: topics?.map((topic) => ({ topicId: NO_ID, ...topic })) ?? null,
        allowAutoTopicCreation: false,
      })
      return reply.topics.map(
        ({ name, errorCode, partitions }) =>
          `${name} ${errorCode === 0 ? partitions.length : p.errorName(errorCode)}`,
      )
    }
    assert.ok((await names(null)).includes('a 2'))
    assert.deepEqual(await names([]), [])
    assert.deepEqual(await names([{ name: 'a' }]), ['a 2'])
    assert.deepEqual(await names([{ name: null, topicId: await bench.topicId('a') }]), ['a 2'])
    assert.deepEqual(await names([{ name: 'missing' }, { name: 'b c' }]), [
      'missing UNKNOWN_TOPIC_OR_PARTITION',
      'b c INVALID_TOPIC_EXCEPTION',
    ])
    assert.deepEqual(await names([{ name: null, topicId: UNKNOWN_ID }]), ['null UNKNOWN_TOPIC_ID'])
  })

  it('are described page by page by DescribeTopicPartitions', async () => {
    const page = async (
      limit: number,
      cursor: { topicName: string; partitionIndex: number } | null,
    ) => {
      const reply = await bench.client.request(
        p.DescribeTopicPartitionsRequest,
        p.DescribeTopicPartitionsResponse,
        { topics: [{ name: 'a' }, { name: 'missing' }], responsePartitionLimit: limit, cursor },
      )
      const { nextCursor } = reply
      const topics = reply.topics.map(
        ({ name, errorCode, partitions }) =>
          `${name}:${partitions.map(({ partitionIndex }) => partitionIndex).join('')}${errorCode === 0 ? '' : p.errorName(errorCode)}`,
      )
      return [
        topics.join(' '),
        nextCursor && `${nextCursor.topicName}-${nextCursor.partitionIndex}`,
      ]
    }
    assert.deepEqual(await page(10, null), ['a:01 missing:UNKNOWN_TOPIC_OR_PARTITION', null])
    assert.deepEqual(await page(1, null), ['a:0', 'a-1'])
    const last = await page(10, { topicName: 'a', partitionIndex: 1 })
    assert.match(String(last[0]), /^a:1/)
  })
})

describe('Produce', () => {
  const cells: readonly (readonly [what: string, run: () => Promise<string>, outcome: string])[] = [
    ['a batch', () => bench.produce('a', [1, 2], { partition: 1 }), '0'],
    ['the next one', () => bench.produce('a', [3], { partition: 1 }), '2'],
    [
      'an unknown partition',
      () => bench.produce('a', [1], { partition: 9 }),
      'UNKNOWN_TOPIC_OR_PARTITION',
    ],
    ['an unknown topic', () => bench.produce('missing', [1]), 'UNKNOWN_TOPIC_OR_PARTITION'],
    [
      'a producer id that begins in the middle',
      () =>
        bench.produce('a', [1], {
          partition: 1,
          more: { producerId: 900n, producerEpoch: 0, baseSequence: 5 },
        }),
      '3',
    ],
    [
      'a gap in its sequence',
      () =>
        bench.produce('a', [1], {
          partition: 1,
          more: { producerId: 900n, producerEpoch: 0, baseSequence: 9 },
        }),
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    ],
    [
      'the same sequence again: the offset that it had',
      () =>
        bench.produce('a', [1], {
          partition: 1,
          more: { producerId: 900n, producerEpoch: 0, baseSequence: 5 },
        }),
      '3',
    ],
    [
      'a new epoch that does not begin at 0',
      () =>
        bench.produce('a', [1], {
          partition: 1,
          more: { producerId: 900n, producerEpoch: 1, baseSequence: 6 },
        }),
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    ],
    [
      'a new epoch from 0',
      () =>
        bench.produce('a', [1], {
          partition: 1,
          more: { producerId: 900n, producerEpoch: 1, baseSequence: 0 },
        }),
      '4',
    ],
    [
      'an old epoch',
      () =>
        bench.produce('a', [1], {
          partition: 1,
          more: { producerId: 900n, producerEpoch: 0, baseSequence: 6 },
        }),
      'INVALID_PRODUCER_EPOCH',
    ],
  ]
  for (const [what, run, outcome] of cells) {
    it(`${what}: ${outcome}`, async () => assert.equal(await run(), outcome))
  }
})

describe('ListOffsets', () => {
  const lookUp = async (
    timestamp: bigint,
    partitionIndex = 0,
    name = 'a',
    currentLeaderEpoch = -1,
  ) => {
    const reply = await bench.client.request(p.ListOffsetsRequest, p.ListOffsetsResponse, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name, partitions: [{ partitionIndex, currentLeaderEpoch, timestamp }] }],
    })
    const [found] = reply.topics[0]?.partitions ?? []
    return found?.errorCode === 0
      ? `${found.offset} @${found.timestamp}`
      : namesOf([found ?? { errorCode: -1 }])
  }
  const cells: readonly (readonly [what: string, run: () => Promise<string>, outcome: string])[] = [
    ['the end', () => lookUp(-1n), '3 @-1'],
    ['the start', () => lookUp(-2n), '0 @-1'],
    ['the latest timestamp', () => lookUp(-3n), '2 @30'],
    ['a time before all records', () => lookUp(0n), '0 @10'],
    ['the time of a record', () => lookUp(20n), '1 @20'],
    ['a time between records', () => lookUp(21n), '2 @30'],
    ['a time after all records', () => lookUp(31n), '-1 @-1'],
    ['an unknown partition', () => lookUp(-1n, 9), 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['an unknown topic', () => lookUp(-1n, 0, 'missing'), 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['a later leader epoch', () => lookUp(-1n, 0, 'a', 99), 'UNKNOWN_LEADER_EPOCH'],
  ]
  for (const [what, run, outcome] of cells) {
    it(`${what}: ${outcome}`, async () => assert.equal(await run(), outcome))
  }
})

describe('OffsetForLeaderEpoch', () => {
  for (const [epoch, current, outcome] of [
    [0, -1, '0 3'],
    [5, -1, '-1 -1'],
    [-1, -1, '-1 -1'],
    [0, 9, 'UNKNOWN_LEADER_EPOCH'],
  ] as const) {
    it(`epoch ${epoch} at leader epoch ${current}: ${outcome}`, async () => {
      const reply = await bench.client.request(
        p.OffsetForLeaderEpochRequest,
        p.OffsetForLeaderEpochResponse,
        {
          replicaId: -1,
          topics: [
            {
              topic: 'a',
              partitions: [{ partition: 0, currentLeaderEpoch: current, leaderEpoch: epoch }],
            },
          ],
        },
      )
      const [found] = reply.topics[0]?.partitions ?? []
      assert.ok(found)
      const text =
        found.errorCode === 0 ? `${found.leaderEpoch} ${found.endOffset}` : namesOf([found])
      assert.equal(text, outcome)
    })
  }
})

describe('DeleteRecords', () => {
  it('moves the start of the log, never back and never past the end', async () => {
    await bench.createTopic('trimmed')
    await bench.produce('trimmed', [1, 2, 3, 4, 5])
    const trim = async (offset: bigint, partitionIndex = 0) => {
      const reply = await bench.client.request(p.DeleteRecordsRequest, p.DeleteRecordsResponse, {
        topics: [{ name: 'trimmed', partitions: [{ partitionIndex, offset }] }],
        timeoutMs: 1000,
      })
      const [result] = reply.topics[0]?.partitions ?? []
      assert.ok(result)
      return result.errorCode === 0 ? String(result.lowWatermark) : namesOf([result])
    }
    assert.equal(await trim(2n), '2')
    assert.equal(await trim(1n), '2')
    assert.equal(await trim(9n), 'OFFSET_OUT_OF_RANGE')
    assert.equal(await trim(0n, 7), 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal(await trim(-1n), '5')
  })
})

describe('groups', () => {
  const commit = async (groupId: string, topic: string, offset: bigint, generation = -1) => {
    const reply = await bench.client.request(
      p.OffsetCommitRequest,
      p.OffsetCommitResponse,
      {
        groupId,
        generationIdOrMemberEpoch: generation,
        memberId: generation < 0 ? '' : 'm',
        topics: [
          {
            name: topic,
            partitions: [
              {
                partitionIndex: 0,
                committedOffset: offset,
                committedLeaderEpoch: -1,
                committedMetadata: '',
              },
            ],
          },
        ],
      },
      9,
    )
    return namesOf(reply.topics[0]?.partitions ?? [])
  }
  const fetch = async (groupId: string, topics: readonly string[] | null) => {
    const reply = await bench.client.request(
      p.OffsetFetchRequest,
      p.OffsetFetchResponse,
      {
        groups: [
          { groupId, topics: topics?.map((name) => ({ name, partitionIndexes: [0] })) ?? null },
        ],
        requireStable: false,
      },
      9,
    )
    return (reply.groups[0]?.topics ?? [])
      .map(({ name, partitions }) => `${name}@${partitions[0]?.committedOffset}`)
      .join(' ')
  }

  it('keep offsets without members; unknown ones are -1', async () => {
    assert.equal(await commit('offsets', 'a', 7n), 'NONE')
    assert.equal(await commit('offsets', 'missing', 7n), 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal(await commit('offsets', 'a', 8n, 3), 'UNKNOWN_MEMBER_ID')
    assert.equal(await fetch('offsets', ['a']), 'a@7')
    assert.equal(await fetch('offsets', null), 'a@7')
    assert.equal(await fetch('none', ['a']), 'a@-1')
    assert.equal(await fetch('none', null), '')
  })

  it('are listed by state and type', async () => {
    const list = async (statesFilter: string[], typesFilter: string[]) => {
      const reply = await bench.client.request(p.ListGroupsRequest, p.ListGroupsResponse, {
        statesFilter,
        typesFilter,
      })
      return reply.groups.some(({ groupId }) => groupId === 'offsets')
    }
    assert.equal(await list([], []), true)
    assert.equal(await list(['Empty'], ['classic']), true)
    assert.equal(await list(['Stable'], []), false)
    assert.equal(await list([], ['share']), false)
  })

  it('are described, and those that do not exist are an error', async () => {
    const describeGroup = async (groupId: string) => {
      const reply = await bench.client.request(p.DescribeGroupsRequest, p.DescribeGroupsResponse, {
        groups: [groupId],
      })
      const [group] = reply.groups
      return `${namesOf(reply.groups)} ${group?.groupState}`
    }
    assert.equal(await describeGroup('offsets'), 'NONE Empty')
    assert.equal(await describeGroup('none'), 'GROUP_ID_NOT_FOUND Dead')
    for (const [request, response] of [
      [p.ConsumerGroupDescribeRequest, p.ConsumerGroupDescribeResponse],
      [p.ShareGroupDescribeRequest, p.ShareGroupDescribeResponse],
      [p.StreamsGroupDescribeRequest, p.StreamsGroupDescribeResponse],
    ] as const) {
      const reply = await bench.client.request(
        request,
        response as never,
        {
          groupIds: ['offsets', 'none'],
        } as never,
      )
      const { groups } = reply as unknown as { groups: { errorCode: number }[] }
      assert.equal(namesOf(groups), 'GROUP_ID_NOT_FOUND GROUP_ID_NOT_FOUND', request.name)
    }
  })

  it('lose offsets by partition, and are deleted as a whole', async () => {
    await commit('doomed', 'a', 1n)
    const forget = async (groupId: string) => {
      const reply = await bench.client.request(p.OffsetDeleteRequest, p.OffsetDeleteResponse, {
        groupId,
        topics: [{ name: 'a', partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] }],
      })
      return `${namesOf([reply])}: ${namesOf(reply.topics[0]?.partitions ?? [])}`.trim()
    }
    assert.equal(await forget('doomed'), 'NONE: NONE UNKNOWN_TOPIC_OR_PARTITION')
    assert.match(await forget('none'), /^GROUP_ID_NOT_FOUND/)
    const { results } = await bench.client.request(p.DeleteGroupsRequest, p.DeleteGroupsResponse, {
      groupsNames: ['doomed', 'none'],
    })
    assert.equal(namesOf(results), 'NONE GROUP_ID_NOT_FOUND')
  })

  it('have a coordinator; an unknown kind of key is an error', async () => {
    const find = async (keyType: number, key = 'k') => {
      const reply = await bench.client.request(
        p.FindCoordinatorRequest,
        p.FindCoordinatorResponse,
        {
          keyType,
          coordinatorKeys: [key],
        },
      )
      return namesOf(reply.coordinators.length > 0 ? reply.coordinators : [reply])
    }
    assert.equal(await find(0), 'NONE')
    assert.equal(await find(1), 'NONE')
    assert.equal(await find(2, `g:${await bench.topicId('a')}:0`), 'NONE')
    assert.equal(await find(2, 'not a share partition'), 'INVALID_REQUEST')
    assert.equal(await find(9), 'INVALID_REQUEST')
  })
})

describe('transactions', () => {
  it('are begun, listed, described and ended', async () => {
    const transactionalId = 'tx'
    const { producerId, producerEpoch } = await bench.client.request(
      p.InitProducerIdRequest,
      p.InitProducerIdResponse,
      { transactionalId, transactionTimeoutMs: 60_000 },
      5,
    )
    const add = async (partition: number, epoch = producerEpoch) => {
      const reply = await bench.client.request(
        p.AddPartitionsToTxnRequest,
        p.AddPartitionsToTxnResponse,
        {
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: epoch,
          v3AndBelowTopics: [{ name: 'a', partitions: [0, partition] }],
        },
        3,
      )
      return (reply.resultsByTopicV3AndBelow[0]?.resultsByPartition ?? [])
        .map(({ partitionErrorCode }) => p.errorName(partitionErrorCode))
        .join(' ')
    }
    assert.equal(await add(9), 'OPERATION_NOT_ATTEMPTED UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal(await add(1, producerEpoch + 1), 'PRODUCER_FENCED PRODUCER_FENCED')
    assert.equal(await add(1), 'NONE NONE')

    const state = async () => {
      const reply = await bench.client.request(
        p.DescribeTransactionsRequest,
        p.DescribeTransactionsResponse,
        { transactionalIds: [transactionalId, 'none'] },
      )
      return reply.transactionStates.map(({ errorCode, transactionState, topics }) =>
        `${p.errorName(errorCode)} ${transactionState} ${topics[0]?.partitions.join('') ?? ''}`.trim(),
      )
    }
    assert.deepEqual(await state(), ['NONE Ongoing 01', 'TRANSACTIONAL_ID_NOT_FOUND'])
    const list = async (stateFilters: string[]) => {
      const reply = await bench.client.request(
        p.ListTransactionsRequest,
        p.ListTransactionsResponse,
        { stateFilters, producerIdFilters: [], durationFilter: -1n, transactionalIdPattern: null },
      )
      return reply.transactionStates.map(({ transactionalId: id }) => id)
    }
    assert.deepEqual(await list(['Ongoing']), ['tx'])
    assert.deepEqual(await list(['CompleteCommit']), [])

    const end = async (epoch: number) =>
      namesOf([
        await bench.client.request(
          p.EndTxnRequest,
          p.EndTxnResponse,
          { transactionalId, producerId, producerEpoch: epoch, committed: true },
          4,
        ),
      ])
    assert.equal(await end(producerEpoch + 1), 'PRODUCER_FENCED')
    assert.equal(await end(producerEpoch), 'NONE')
    const [ended] = await state()
    assert.match(ended ?? '', /NONE (PrepareCommit|CompleteCommit)/)
  })

  it('need a time-out that the broker allows', async () => {
    for (const [transactionTimeoutMs, error] of [
      [0, 'INVALID_TRANSACTION_TIMEOUT'],
      [900_001, 'INVALID_TRANSACTION_TIMEOUT'],
      [900_000, 'NONE'],
    ] as const) {
      const reply = await bench.client.request(
        p.InitProducerIdRequest,
        p.InitProducerIdResponse,
        { transactionalId: 'bounds', transactionTimeoutMs },
        5,
      )
      assert.equal(namesOf([reply]), error, `${transactionTimeoutMs}`)
    }
  })
})

describe('configurations', () => {
  const set = async (resourceType: number, resourceName: string, name: string, value: string) => {
    const reply = await bench.client.request(
      p.IncrementalAlterConfigsRequest,
      p.IncrementalAlterConfigsResponse,
      {
        resources: [{ resourceType, resourceName, configs: [{ name, configOperation: 0, value }] }],
        validateOnly: false,
      },
    )
    return namesOf(reply.responses)
  }
  const get = async (resourceType: number, resourceName: string, keys: string[] | null) => {
    const reply = await bench.client.request(p.DescribeConfigsRequest, p.DescribeConfigsResponse, {
      resources: [{ resourceType, resourceName, configurationKeys: keys }],
    })
    const [result] = reply.results
    assert.ok(result)
    if (result.errorCode !== 0) return namesOf([result])
    return result.configs.map(({ name, value }) => `${name}=${value}`).join(' ')
  }

  it('of a topic are set and read', async () => {
    assert.equal(await set(2, 'a', 'retention.ms', '12345'), 'NONE')
    assert.equal(await get(2, 'a', ['retention.ms']), 'retention.ms=12345')
    assert.equal(await set(2, 'a', 'retention.ms', 'soon'), 'INVALID_CONFIG')
    assert.equal(await set(2, 'a', 'no.such.key', '1'), 'INVALID_CONFIG')
    assert.equal(await set(2, 'missing', 'retention.ms', '1'), 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal(await get(2, 'missing', null), 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal(await get(2, 'a', ['no.such.key']), '')
  })

  it('of a group and of the broker', async () => {
    assert.equal(await set(32, 'g', 'consumer.session.timeout.ms', '50000'), 'NONE')
    assert.match(
      await get(32, 'g', ['consumer.session.timeout.ms']),
      /consumer\.session\.timeout\.ms=50000/,
    )
    const node = String(await bench.nodeId())
    assert.match(await get(4, node, ['num.partitions']), /num\.partitions=1/)
    assert.equal(await get(4, '999', null), 'INVALID_REQUEST')
  })
})

describe('replicas of a single node', () => {
  it('have their preferred leader already', async () => {
    const reply = await bench.client.request(p.ElectLeadersRequest, p.ElectLeadersResponse, {
      electionType: 0,
      topicPartitions: [{ topic: 'a', partitions: [0, 9] }],
      timeoutMs: 1000,
    })
    assert.equal(
      namesOf(reply.replicaElectionResults[0]?.partitionResult ?? []),
      'ELECTION_NOT_NEEDED UNKNOWN_TOPIC_OR_PARTITION',
    )
  })

  it('are not being moved', async () => {
    const reply = await bench.client.request(
      p.ListPartitionReassignmentsRequest,
      p.ListPartitionReassignmentsResponse,
      { topics: null, timeoutMs: 1000 },
    )
    assert.deepEqual([reply.errorCode, reply.topics], [0, []])
  })

  it('are in log directories with their sizes', async () => {
    const reply = await bench.client.request(p.DescribeLogDirsRequest, p.DescribeLogDirsResponse, {
      topics: [{ topic: 'a', partitions: [0, 1] }],
    })
    const [directory] = reply.results
    assert.equal(directory?.errorCode, 0)
    assert.deepEqual(
      directory?.topics[0]?.partitions.map(({ partitionIndex }) => partitionIndex).sort(),
      [0, 1],
    )
    assert.ok(directory?.topics[0]?.partitions.every(({ partitionSize }) => partitionSize > 0n))
  })
})
