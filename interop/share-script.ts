// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { createTopic, errorText, until } from './wire-steps.ts'

/** Ranges of offsets and their acknowledgement types, as in a request. */
export interface Acknowledged {
  readonly first: number
  readonly last: number
  /** 0 gap, 1 accept, 2 release, 3 reject, 4 renew; one for all, or one per offset. */
  readonly types: readonly number[]
}

export interface Acquired {
  readonly first: number
  readonly last: number
  readonly deliveryCount: number
}

/** Fields of a ShareFetch or ShareAcknowledge; missing ones have common defaults. */
export interface ShareRequest {
  readonly acks?: readonly Acknowledged[]
  readonly maxRecords?: number
  readonly batchSize?: number
  /** 0 acquires whole batches, 1 exactly up to `maxRecords`. */
  readonly mode?: number
  readonly maxWaitMs?: number
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly isRenewal?: boolean
  readonly version?: number
  readonly group?: string | null
  readonly member?: string | null
  /** Partitions to include; default `[0]`. */
  readonly partitions?: readonly number[]
  readonly forgotten?: readonly number[]
  readonly topicId?: string
}

interface Place {
  readonly address: string
  readonly name: string
  readonly partitions: number
}

const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

export const ACCEPT = [1]
export const RELEASE = [2]
export const REJECT = [3]

/** One group and one topic on one broker, and the replies as lines. */
export class ShareScript {
  readonly lines: string[] = []
  readonly topic: string
  readonly group: string
  readonly #address: string
  readonly #control: WireClient
  readonly #members = new Map<string, WireClient>()
  #topicId = NO_TOPIC_ID

  private constructor(address: string, name: string, control: WireClient) {
    this.#address = address
    this.#control = control
    this.topic = `topic-${name}`
    this.group = `group-${name}`
  }

  static async start({ address, name, partitions }: Place): Promise<ShareScript> {
    const script = new ShareScript(address, name, await WireClient.connect(address))
    script.#topicId = await createTopic(script.#control, script.topic, partitions)
    await script.#findCoordinator()
    return script
  }

  get control(): WireClient {
    return this.#control
  }

  /** Adds a line, with the topic id replaced. */
  note(line: string): void {
    this.lines.push(line.replaceAll(this.#topicId, 'ID').replaceAll(NO_TOPIC_ID, 'ZERO'))
  }

  close(): void {
    this.#control.close()
    for (const client of this.#members.values()) client.close()
  }

  /** Adds partitions to the topic. */
  async grow(count: number): Promise<void> {
    await this.#control.request(p.CreatePartitionsRequest, p.CreatePartitionsResponse, {
      topics: [{ name: this.topic, count, assignments: null }],
      timeoutMs: 10_000,
      validateOnly: false,
    })
    await until(async () => {
      const { topics } = await this.#control.request(p.MetadataRequest, p.MetadataResponse, {
        topics: [{ name: this.topic }],
      })
      const partitions = topics[0]?.partitions ?? []
      const isReady =
        partitions.length === count && partitions.every(({ leaderId }) => leaderId >= 0)
      return isReady ? true : undefined
    })
    // The partition exists before it has a leader.
    await sleep(200)
  }

  async deleteTopic(): Promise<void> {
    await this.#control.request(p.DeleteTopicsRequest, p.DeleteTopicsResponse, {
      topics: [{ name: this.topic }],
      timeoutMs: 10_000,
    })
  }

  async #findCoordinator(): Promise<void> {
    await until(async () => {
      const { coordinators } = await this.#control.request(
        p.FindCoordinatorRequest,
        p.FindCoordinatorResponse,
        { keyType: 0, coordinatorKeys: [this.group] },
        6,
      )
      return coordinators[0]?.errorCode === 0 ? true : undefined
    })
  }

  /** Sets configurations of the group. */
  async configure(configs: Readonly<Record<string, string | number | boolean>>): Promise<void> {
    const { responses } = await this.#control.request(
      p.IncrementalAlterConfigsRequest,
      p.IncrementalAlterConfigsResponse,
      {
        resources: [
          {
            resourceType: 32,
            resourceName: this.group,
            configs: Object.entries(configs).map(([name, value]) => ({
              name,
              configOperation: 0,
              value: String(value),
            })),
          },
        ],
        validateOnly: false,
      },
    )
    const code = responses[0]?.errorCode ?? -2
    if (code !== 0) throw new Error(`configure: ${responses[0]?.errorMessage}`)
  }

  /** Appends one batch. */
  async produce(
    count: number,
    {
      partition = 0,
      size = 4,
      timestamp = Date.now(),
    }: { partition?: number; size?: number; timestamp?: number } = {},
  ): Promise<void> {
    const records = p.buildBatch(
      Array.from({ length: count }, () => ({
        timestamp: BigInt(timestamp),
        key: null,
        value: Buffer.alloc(size),
      })),
    )
    await this.write(records, partition)
  }

  async write(
    records: Buffer,
    partition = 0,
    transactionalId: string | null = null,
  ): Promise<void> {
    const { responses } = await this.#control.request(
      p.ProduceRequest,
      p.ProduceResponse,
      {
        transactionalId,
        acks: -1,
        timeoutMs: 10_000,
        topicData: [{ name: this.topic, partitionData: [{ index: partition, records }] }],
      },
      12,
    )
    const code = responses[0]?.partitionResponses[0]?.errorCode ?? -2
    if (code !== 0) throw new Error(`Produce: ${errorText(code)}`)
  }

  /** Initializes the start offset of a partition, so that no member needs to join. */
  async begin(offset = 0, partitions: readonly number[] = [0]): Promise<void> {
    await until(async () => {
      const { errorCode, responses } = await this.#control.request(
        p.AlterShareGroupOffsetsRequest,
        p.AlterShareGroupOffsetsResponse,
        {
          groupId: this.group,
          topics: [
            {
              topicName: this.topic,
              partitions: partitions.map((partitionIndex) => ({
                partitionIndex,
                startOffset: BigInt(offset),
              })),
            },
          ],
        },
      )
      const codes = [
        errorCode,
        ...responses.flatMap(({ partitions }) => partitions.map((each) => each.errorCode)),
      ]
      return codes.every((code) => code === 0) ? true : undefined
    })
  }

  async #member(name: string): Promise<WireClient> {
    const known = this.#members.get(name)
    if (known !== undefined && !known.isClosed) return known
    const client = await WireClient.connect(this.#address)
    this.#members.set(name, client)
    return client
  }

  /** Closes the connection of a member, which ends its session. */
  disconnect(member: string): void {
    this.#members.get(member)?.close()
    this.#members.delete(member)
  }

  /** Sends a ShareFetch, records the reply and returns the ranges acquired of partition 0. */
  async fetch(member: string, epoch: number, request: ShareRequest = {}): Promise<Acquired[]> {
    const { acks, partitions = [0], topicId = this.#topicId } = request
    const client = await this.#member(member)
    const response = await client.request(
      p.ShareFetchRequest,
      p.ShareFetchResponse,
      {
        groupId: request.group === undefined ? this.group : request.group,
        memberId: request.member === undefined ? member : request.member,
        shareSessionEpoch: epoch,
        maxWaitMs: request.maxWaitMs ?? 300,
        minBytes: request.minBytes ?? 1,
        maxBytes: request.maxBytes ?? 50_000_000,
        maxRecords: request.maxRecords ?? 500,
        batchSize: request.batchSize ?? 500,
        ...((request.version ?? 2) >= 2
          ? { shareAcquireMode: request.mode ?? 0, isRenewAck: request.isRenewal ?? false }
          : {}),
        topics: topicsOf(topicId, partitions, acks),
        forgottenTopicsData:
          request.forgotten === undefined ? [] : [{ topicId, partitions: [...request.forgotten] }],
      },
      request.version ?? 2,
    )
    const shown = response.responses.flatMap(({ partitions: answered }) =>
      answered.map((each) => {
        const acquired = each.acquiredRecords.map(
          ({ firstOffset, lastOffset, deliveryCount }) =>
            `${firstOffset}-${lastOffset}x${deliveryCount}`,
        )
        return [
          each.partitionIndex,
          errorText(each.errorCode),
          errorText(each.acknowledgeErrorCode),
          `[${acquired.join(' ')}]`,
          `{${shownBatches(each.records)}}`,
        ].join(' ')
      }),
    )
    this.note(
      `fetch ${member} ${epoch}${shownAcks(acks)}: ${errorText(response.errorCode)} ${response.acquisitionLockTimeoutMs} ${shown.sort().join(', ')}`,
    )
    const first = response.responses
      .flatMap((each) => each.partitions)
      .find(({ partitionIndex }) => partitionIndex === 0)
    return (first?.acquiredRecords ?? []).map(({ firstOffset, lastOffset, deliveryCount }) => ({
      first: Number(firstOffset),
      last: Number(lastOffset),
      deliveryCount,
    }))
  }

  /**
   * Fetches with a new session until records are acquired, at most twice, and records the result.
   * The first fetch after records were deleted may return none.
   */
  async read(member: string): Promise<void> {
    const before = this.lines.length
    let acquired = await this.fetch(member, 0, { maxWaitMs: 500 })
    if (acquired.length === 0) acquired = await this.fetch(member, 1)
    this.lines.length = before
    const shown = acquired.map((each) => `${each.first}-${each.last}x${each.deliveryCount}`)
    this.note(`read ${member}: ${shown.join(' ')}`)
  }

  /** Sends a ShareAcknowledge and records the reply. */
  async acknowledge(member: string, epoch: number, request: ShareRequest = {}): Promise<void> {
    const { acks, partitions = [0], topicId = this.#topicId } = request
    const client = await this.#member(member)
    const response = await client.request(
      p.ShareAcknowledgeRequest,
      p.ShareAcknowledgeResponse,
      {
        groupId: request.group === undefined ? this.group : request.group,
        memberId: request.member === undefined ? member : request.member,
        shareSessionEpoch: epoch,
        ...((request.version ?? 2) >= 2 ? { isRenewAck: request.isRenewal ?? false } : {}),
        topics: topicsOf(topicId, partitions, acks),
      },
      request.version ?? 2,
    )
    const shown = response.responses.flatMap(({ partitions: answered }) =>
      answered.map((each) => `${each.partitionIndex} ${errorText(each.errorCode)}`),
    )
    this.note(
      `acknowledge ${member} ${epoch}${shownAcks(acks)}: ${errorText(response.errorCode)} ${response.acquisitionLockTimeoutMs} ${shown.sort().join(', ')}`,
    )
  }

  /** Joins with a member, until it is assigned the topic; returns its epoch. */
  async join(member: string): Promise<number> {
    let memberEpoch = 0
    return until(async () => {
      const reply = await this.#control.request(
        p.ShareGroupHeartbeatRequest,
        p.ShareGroupHeartbeatResponse,
        {
          groupId: this.group,
          memberId: member,
          memberEpoch,
          subscribedTopicNames: memberEpoch === 0 ? [this.topic] : null,
        },
      )
      if (reply.errorCode !== 0) throw new Error(`join: ${reply.errorMessage}`)
      memberEpoch = reply.memberEpoch
      const isAssigned = (reply.assignment?.topicPartitions.length ?? 0) > 0
      if (!isAssigned) await sleep(50)
      return isAssigned ? memberEpoch : undefined
    })
  }

  /** Leaves with a member. */
  async leave(member: string): Promise<void> {
    const { errorCode } = await this.#control.request(
      p.ShareGroupHeartbeatRequest,
      p.ShareGroupHeartbeatResponse,
      { groupId: this.group, memberId: member, memberEpoch: -1 },
    )
    if (errorCode !== 0) throw new Error(`leave: ${errorText(errorCode)}`)
  }

  /** Records the reply to AlterShareGroupOffsets. */
  async alter(
    topics: readonly {
      readonly name: string
      readonly offsets: Readonly<Record<number, number>>
    }[],
    group = this.group,
  ): Promise<void> {
    const { errorCode, errorMessage, responses } = await this.#control.request(
      p.AlterShareGroupOffsetsRequest,
      p.AlterShareGroupOffsetsResponse,
      {
        groupId: group,
        topics: topics.map(({ name, offsets }) => ({
          topicName: name,
          partitions: Object.entries(offsets).map(([partition, offset]) => ({
            partitionIndex: Number(partition),
            startOffset: BigInt(offset),
          })),
        })),
      },
    )
    const shown = responses.flatMap(({ topicName, topicId, partitions }) =>
      partitions.map(
        (each) =>
          `${topicName} ${topicId} ${each.partitionIndex} ${errorText(each.errorCode)} ${each.errorMessage}`,
      ),
    )
    this.#noteNamed(`alter: ${errorText(errorCode)} ${errorMessage} ${shown.sort().join(', ')}`)
  }

  /** Records the reply to DeleteShareGroupOffsets. */
  async deleteOffsets(topics: readonly string[], group = this.group): Promise<void> {
    const { errorCode, errorMessage, responses } = await this.#control.request(
      p.DeleteShareGroupOffsetsRequest,
      p.DeleteShareGroupOffsetsResponse,
      { groupId: group, topics: topics.map((topicName) => ({ topicName })) },
    )
    const shown = responses.map(
      (each) =>
        `${each.topicName} ${each.topicId} ${errorText(each.errorCode)} ${each.errorMessage}`,
    )
    this.#noteNamed(
      `delete offsets: ${errorText(errorCode)} ${errorMessage} ${shown.sort().join(', ')}`,
    )
  }

  /** Records the group's description, topics and offsets. */
  async describeAll(group = this.group): Promise<void> {
    const [offsets, state] = await Promise.all([
      this.#control.request(
        p.DescribeShareGroupOffsetsRequest,
        p.DescribeShareGroupOffsetsResponse,
        { groups: [{ groupId: group, topics: null }] },
      ),
      this.#control.request(p.ShareGroupDescribeRequest, p.ShareGroupDescribeResponse, {
        groupIds: [group],
        includeAuthorizedOperations: false,
      }),
    ])
    for (const { errorCode, errorMessage, topics } of offsets.groups) {
      const shown = topics.flatMap(({ topicName, topicId, partitions }) =>
        partitions.map(
          (each) =>
            `${topicName} ${topicId} ${each.partitionIndex} ${errorText(each.errorCode)} ${each.errorMessage} ${each.startOffset} lag ${each.lag}`,
        ),
      )
      this.#noteNamed(`offsets: ${errorText(errorCode)} ${errorMessage} ${shown.sort().join(', ')}`)
    }
    for (const { errorCode, errorMessage, groupState, members } of state.groups) {
      this.#noteNamed(
        `group: ${errorText(errorCode)} ${errorMessage} ${groupState} ${members.length} members`,
      )
    }
  }

  /** Records the reply to DeleteGroups. */
  async deleteGroup(): Promise<void> {
    const { results } = await this.#control.request(p.DeleteGroupsRequest, p.DeleteGroupsResponse, {
      groupsNames: [this.group],
    })
    this.note(`delete group: ${errorText(results[0]?.errorCode ?? -2)}`)
  }

  /** Like `note`, but with the names of topic and group replaced as well. */
  #noteNamed(line: string): void {
    this.note(line.replaceAll(this.topic, 'TOPIC').replaceAll(this.group, 'GROUP'))
  }

  /** Creates a topic that does not belong to the group. */
  async createOther(name: string, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#control.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
      topics: [
        {
          name,
          numPartitions: 2,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 10_000,
    })
    await until(async () => {
      const { topics } = await this.#control.request(p.MetadataRequest, p.MetadataResponse, {
        topics: [{ name }],
      })
      return topics[0]?.errorCode === 0 ? true : undefined
    })
  }

  /** Records all records of a topic, once there are as many as expected, or after a time-out. */
  async noteRecords(topic: string, count: number): Promise<void> {
    let shown: string[] = []
    for (let i = 0; i < 60; i++) {
      shown = await this.#recordsOf(topic)
      if (shown.length >= count && i > 5) break
      await sleep(50)
    }
    for (const line of shown) this.#noteNamed(line)
    this.note(`${shown.length} records`)
  }

  async #recordsOf(topic: string): Promise<string[]> {
    const { responses } = await this.#control.request(
      p.FetchRequest,
      p.FetchResponse,
      {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [
          {
            topic,
            partitions: [0, 1].map((partition) => ({
              partition,
              fetchOffset: 0n,
              partitionMaxBytes: 1_000_000,
            })),
          },
        ],
        forgottenTopicsData: [],
      },
      12,
    )
    return responses.flatMap(({ partitions }) =>
      partitions.flatMap(({ partitionIndex, errorCode, records: data }) => {
        if (errorCode !== 0) return [`${partitionIndex} ${errorText(errorCode)}`]
        const shown: string[] = []
        for (let at = 0; data !== null && p.hasWholeBatch(data, at); ) {
          const batch = new p.RecordBatch(data, at)
          at += batch.size
          for (const { key, value, headers } of p.readRecords(batch)) {
            const texts = headers.map((each) => `${each.key}=${each.value}`)
            shown.push(`${partitionIndex} ${key} ${value?.toString('hex')} ${texts.join(' ')}`)
          }
        }
        return shown
      }),
    )
  }

  /** Records the offsets of the group. */
  async describe(partitions: readonly number[] = [0]): Promise<void> {
    const { groups } = await this.#control.request(
      p.DescribeShareGroupOffsetsRequest,
      p.DescribeShareGroupOffsetsResponse,
      {
        groups: [
          {
            groupId: this.group,
            topics: [{ topicName: this.topic, partitions: [...partitions] }],
          },
        ],
      },
    )
    const shown = groups.flatMap(({ topics }) =>
      topics.flatMap((topic) =>
        topic.partitions.map(
          (each) =>
            `${each.partitionIndex} ${errorText(each.errorCode)} ${each.startOffset} lag ${each.lag}`,
        ),
      ),
    )
    this.note(`describe: ${errorText(groups[0]?.errorCode ?? -2)} ${shown.sort().join(', ')}`)
  }
}

function topicsOf(
  topicId: string,
  partitions: readonly number[],
  acks: readonly Acknowledged[] = [],
) {
  if (partitions.length === 0) return []
  return [
    {
      topicId,
      partitions: partitions.map((partitionIndex) => ({
        partitionIndex,
        acknowledgementBatches: acks.map(({ first, last, types }) => ({
          firstOffset: BigInt(first),
          lastOffset: BigInt(last),
          acknowledgeTypes: [...types],
        })),
      })),
    },
  ]
}

function shownAcks(acks: readonly Acknowledged[] = []): string {
  return acks.map(({ first, last, types }) => ` ${first}-${last}=${types.join('')}`).join('')
}

function shownBatches(records: Buffer | null): string {
  const shown: string[] = []
  for (let at = 0; records !== null && p.hasWholeBatch(records, at); ) {
    const batch = new p.RecordBatch(records, at)
    shown.push(`${batch.baseOffset}-${batch.lastOffset}`)
    at += batch.size
  }
  return shown.join(' ')
}
