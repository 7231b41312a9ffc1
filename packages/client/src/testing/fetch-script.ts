// SPDX-License-Identifier: Apache-2.0
import {
  buildBatch,
  ErrorCode,
  type ErrorName,
  FetchRequest,
  FetchResponse,
  ListOffsetsRequest,
  ListOffsetsResponse,
  type MessageOf,
  OffsetFetchRequest,
  OffsetFetchResponse,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '@millrace/protocol'
import { ClassicGroupScript } from './classic-group-script.ts'
import type { Reply } from './scripted-cluster.ts'

type FetchReply = Reply<typeof FetchResponse>
type PartitionReply = FetchReply['responses'][number]['partitions'][number]

/** Reply for one partition of a fetch: an error, or specific fields. */
export type FetchStep = ErrorName | Partial<PartitionReply>

/**
 * Brokers with logs of numbered records in batches of ten, for fetches without sessions, and a
 * classic group that reads them.
 */
export class FetchScript extends ClassicGroupScript {
  /** Number of records by `topic-partition`. */
  readonly ends = new Map<string, number>()
  /** First offset by `topic-partition`; 0 if absent. */
  readonly starts = new Map<string, number>()
  /** Committed offsets by `topic-partition`. */
  readonly committed = new Map<string, number>()
  /** Answers for the next fetches of a partition, by `topic-partition`. */
  readonly #steps = new Map<string, FetchStep[]>()

  constructor(nodeCount = 1) {
    super(nodeCount)
    this.answer(FetchRequest, FetchResponse, (request) => this.heldReply(request))
    this.answer(ListOffsetsRequest, ListOffsetsResponse, (request) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          errorCode: 0,
          timestamp: -1n,
          offset: BigInt(this.#offsetAt(`${name}-${partitionIndex}`, timestamp)),
          leaderEpoch: 0,
        })),
      })),
    }))
    this.answer(OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, (request) => ({
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({
          partition,
          errorCode: 0,
          leaderEpoch: 0,
          endOffset: BigInt(this.ends.get(`${topic}-${partition}`) ?? 0),
        })),
      })),
    }))
    this.answer(OffsetFetchRequest, OffsetFetchResponse, (request) => ({
      groups: request.groups.map(({ groupId, topics }) => ({
        groupId,
        errorCode: 0,
        topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({
            partitionIndex,
            committedOffset: BigInt(this.committed.get(`${name}-${partitionIndex}`) ?? -1),
            committedLeaderEpoch: -1,
            metadata: null,
            errorCode: 0,
          })),
        })),
      })),
    }))
  }

  /** As a broker: a reply without records is held for the time that the request allows. */
  heldReply(request: MessageOf<typeof FetchRequest>): Promise<FetchReply> {
    const reply = this.fetchReply(request)
    const isNews = reply.responses.some(({ partitions }) =>
      partitions.some(
        ({ records, errorCode, preferredReadReplica = -1 }) =>
          errorCode !== 0 || (records?.length ?? 0) > 0 || preferredReadReplica >= 0,
      ),
    )
    if (isNews || request.maxWaitMs === 0) return Promise.resolve(reply)
    return new Promise((resolve) => this.timer(request.maxWaitMs, () => resolve(reply)))
  }

  #offsetAt(name: string, timestamp: bigint): number {
    if (timestamp === -2n) return this.starts.get(name) ?? 0
    if (timestamp === -1n) return this.ends.get(name) ?? 0
    // The timestamp of record n is n.
    const end = this.ends.get(name) ?? 0
    return Number(timestamp) < end ? Number(timestamp) : -1
  }

  /** The next fetches of a partition get these answers. */
  fetchSteps(name: string, ...steps: readonly FetchStep[]): void {
    const queue = this.#steps.get(name) ?? []
    this.#steps.set(name, queue)
    queue.push(...steps)
  }

  fetchReply(request: MessageOf<typeof FetchRequest>): FetchReply {
    const names = new Map([...this.topics].map(([name, { id }]) => [id, name]))
    return {
      errorCode: 0,
      sessionId: 0,
      responses: request.topics.map(({ topic, topicId, partitions }) => ({
        topic,
        topicId,
        partitions: partitions.map(({ partition, fetchOffset }) => {
          const name = `${topic === '' ? names.get(topicId) : topic}-${partition}`
          return this.#partition(name, partition, Number(fetchOffset))
        }),
      })),
    }
  }

  #partition(name: string, partitionIndex: number, offset: number): PartitionReply {
    const end = this.ends.get(name) ?? 0
    const start = this.starts.get(name) ?? 0
    const step = this.#steps.get(name)?.shift() ?? {}
    const more = typeof step === 'string' ? { errorCode: ErrorCode[step] } : step
    const isInRange = offset >= start && offset <= end
    const errorCode = more.errorCode ?? (isInRange ? 0 : ErrorCode.OFFSET_OUT_OF_RANGE)
    const first = Math.floor(offset / 10) * 10
    const count = Math.min(10, end - first)
    const isData = errorCode === 0 && offset < end
    return {
      partitionIndex,
      errorCode,
      highWatermark: BigInt(end),
      lastStableOffset: BigInt(end),
      logStartOffset: BigInt(start),
      abortedTransactions: null,
      preferredReadReplica: -1,
      records: isData ? numberedBatch(first, count) : Buffer.alloc(0),
      ...more,
    }
  }

  /** Offset of each partition in each fetch. */
  get fetchOffsets(): string[] {
    return this.requests(FetchRequest).map(({ node, message }) =>
      [
        `${node}:`,
        ...message.topics.flatMap(({ partitions }) =>
          partitions.map(({ partition, fetchOffset }) => `${partition}@${fetchOffset}`),
        ),
      ].join(' '),
    )
  }
}

/** A batch of records whose value and timestamp is their offset. */
export function numberedBatch(first: number, count: number): Buffer {
  return buildBatch(
    Array.from({ length: count }, (_, i) => ({
      timestamp: BigInt(first + i),
      key: null,
      value: Buffer.from(String(first + i)),
    })),
    { baseOffset: BigInt(first), partitionLeaderEpoch: 0 },
  )
}
