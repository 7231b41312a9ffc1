// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  type MessageOf,
  ProtocolError,
  ShareAcknowledgeRequest,
  ShareAcknowledgeResponse,
  ShareFetchRequest,
  ShareFetchResponse,
} from '@millrace/protocol'
import { nextSessionEpoch } from '../consumer/fetch-session.ts'
import type { Cluster } from '../metadata/cluster.ts'
import type { TopicPartition } from '../topic-partition.ts'
import type { PartitionAcknowledgements } from './acknowledgements.ts'
import type { ResolvedShareConsumerOptions } from './share-consumer-options.ts'

export type FetchedSharePartition = MessageOf<
  typeof ShareFetchResponse
>['responses'][number]['partitions'][number]

export interface SharePlace extends TopicPartition {
  readonly topicId: string
}

/** Result of the acknowledgements of one partition. */
export interface AcknowledgeOutcome {
  readonly acknowledgements: PartitionAcknowledgements
  readonly error: Error | undefined
}

export interface ShareFetchResult {
  readonly fetched: readonly { readonly at: SharePlace; readonly data: FetchedSharePartition }[]
  readonly outcomes: readonly AcknowledgeOutcome[]
  readonly lockTimeoutMs: number
  /** `number` of the session that the records were acquired in. */
  readonly session: number
}

const FINAL_EPOCH = -1

/** State of a share session with one broker (KIP-932); its requests are sent one after another. */
export class ShareSession {
  readonly nodeId: number
  readonly #cluster: Cluster
  readonly #options: ResolvedShareConsumerOptions
  readonly #memberId: string
  #epoch = 0
  #number = 1
  readonly #sessionPartitions = new Map<string, SharePlace>()
  /** The previous request, which must be answered first. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: {
    readonly nodeId: number
    readonly cluster: Cluster
    readonly options: ResolvedShareConsumerOptions
    readonly memberId: string
  }) {
    this.nodeId = options.nodeId
    this.#cluster = options.cluster
    this.#options = options.options
    this.#memberId = options.memberId
  }

  get isOpen(): boolean {
    return this.#epoch > 0
  }

  /** Counts the sessions with this broker: the locks of a session end when the next one starts. */
  get number(): number {
    return this.#number
  }

  /** Whether these are of records that this session has acquired. */
  #covers({ session }: PartitionAcknowledgements): boolean {
    return this.#epoch > 0 && session === this.#number
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Fetches records of exactly these partitions, and acknowledges others along the way. */
  fetch(
    places: readonly SharePlace[],
    acknowledged: readonly {
      readonly place: SharePlace
      readonly list: PartitionAcknowledgements
    }[],
    maxWaitMs: number,
  ): Promise<ShareFetchResult> {
    return this.#inTurn(() => this.#fetch(places, acknowledged, maxWaitMs))
  }

  async #fetch(
    places: readonly SharePlace[],
    acknowledged: readonly {
      readonly place: SharePlace
      readonly list: PartitionAcknowledgements
    }[],
    maxWaitMs: number,
  ): Promise<ShareFetchResult> {
    const { groupId, fetchMinBytes, fetchMaxBytes, maxPollRecords, acquireMode } = this.#options
    const wanted = new Map(places.map((place) => [keyOf(place), place]))
    const added = places.filter((place) => !this.#sessionPartitions.has(keyOf(place)))
    // A new session has none of the acquired records of the previous one.
    const sent = acknowledged.filter(({ list }) => this.#covers(list))
    const session = this.#number
    // Naming a partition fetches its records: one that is only acknowledged is removed in the same
    // request.
    const named = new Map([
      ...this.#sessionPartitions,
      ...sent.map(({ place }) => [keyOf(place), place] as const),
    ])
    const forgotten = [...named].filter(([key]) => !wanted.has(key))
    const response = await this.#request(async (connection) =>
      connection.request(
        ShareFetchRequest,
        ShareFetchResponse,
        (version) => ({
          groupId,
          memberId: this.#memberId,
          shareSessionEpoch: this.#epoch,
          maxWaitMs,
          minBytes: fetchMinBytes,
          maxBytes: fetchMaxBytes,
          maxRecords: maxPollRecords,
          batchSize: maxPollRecords,
          ...(version >= 2 ? { shareAcquireMode: acquireMode } : {}),
          topics: byTopic([
            ...added.map((place) => ({ place, batches: [] })),
            ...sent.map(({ place, list }) => ({ place, batches: list.batches() })),
          ]),
          forgottenTopicsData: [...Map.groupBy(forgotten, ([, { topicId }]) => topicId)].map(
            ([topicId, list]) => ({
              topicId,
              partitions: list.map(([, { partition }]) => partition),
            }),
          ),
        }),
        { timeoutMs: maxWaitMs + this.#cluster.options.requestTimeoutMs },
      ),
    )
    this.#sessionPartitions.clear()
    for (const [key, place] of wanted) this.#sessionPartitions.set(key, place)
    this.#next()
    const known = new Map([...places, ...sent.map(({ place }) => place)].map((p) => [keyOf(p), p]))
    const fetched = response.responses.flatMap(({ topicId, partitions }) =>
      partitions.flatMap((data) => {
        const at = known.get(`${topicId}:${data.partitionIndex}`)
        return at === undefined ? [] : [{ at, data }]
      }),
    )
    const outcomes = acknowledged.map(({ place, list }) => {
      if (list.session !== session) return { acknowledgements: list, error: lostSession() }
      const found = fetched.find(({ at }) => keyOf(at) === keyOf(place))?.data
      return {
        acknowledgements: list,
        error: errorOf(found?.acknowledgeErrorCode ?? 0, found?.acknowledgeErrorMessage ?? null),
      }
    })
    return { fetched, outcomes, lockTimeoutMs: response.acquisitionLockTimeoutMs, session }
  }

  /** Acknowledges records without fetching. */
  acknowledge(
    acknowledged: readonly {
      readonly place: SharePlace
      readonly list: PartitionAcknowledgements
    }[],
    { isRenewal = false, isFinal = false } = {},
  ): Promise<readonly AcknowledgeOutcome[]> {
    return this.#inTurn(async () => {
      const sent = acknowledged.filter(({ list }) => this.#covers(list))
      const lost = acknowledged
        .filter(({ list }) => !this.#covers(list))
        .map(({ list }) => ({ acknowledgements: list, error: lostSession() }))
      if (this.#epoch === 0 || (sent.length === 0 && !isFinal)) return lost
      const response = await this.#request((connection) =>
        connection.request(ShareAcknowledgeRequest, ShareAcknowledgeResponse, {
          groupId: this.#options.groupId,
          memberId: this.#memberId,
          shareSessionEpoch: isFinal ? FINAL_EPOCH : this.#epoch,
          ...(isRenewal ? { isRenewAck: true } : {}),
          topics: byTopic(sent.map(({ place, list }) => ({ place, batches: list.batches() }))),
        }),
      )
      if (isFinal) this.reset()
      else this.#next()
      const told = sent.map(({ place, list }) => {
        const found = response.responses
          .find(({ topicId }) => topicId === place.topicId)
          ?.partitions.find(({ partitionIndex }) => partitionIndex === place.partition)
        return {
          acknowledgements: list,
          error: errorOf(found?.errorCode ?? 0, found?.errorMessage ?? null),
        }
      })
      return [...lost, ...told]
    })
  }

  async #request<R extends { readonly errorCode: number; readonly errorMessage: string | null }>(
    send: (connection: Awaited<ReturnType<Cluster['connect']>>) => Promise<R>,
  ): Promise<R> {
    try {
      const response = await send(await this.#cluster.connect(this.nodeId, 'data'))
      const error = errorOf(response.errorCode, response.errorMessage)
      if (error === undefined) return response
      throw error
    } catch (error) {
      // The state of the session is unknown now, and the locks have ended with the connection.
      this.reset()
      throw error
    }
  }

  #next(): void {
    this.#epoch = nextSessionEpoch(this.#epoch)
  }

  /** Restarts with the next request. */
  reset(): void {
    this.#epoch = 0
    this.#number++
    this.#sessionPartitions.clear()
  }
}

function keyOf({ topicId, partition }: SharePlace): string {
  return `${topicId}:${partition}`
}

function byTopic<B>(
  partitions: readonly { readonly place: SharePlace; readonly batches: readonly B[] }[],
) {
  const unique = new Map<string, { place: SharePlace; batches: readonly B[] }>()
  for (const each of partitions) {
    const key = keyOf(each.place)
    if ((unique.get(key)?.batches.length ?? 0) === 0) unique.set(key, each)
  }
  return [...Map.groupBy(unique.values(), ({ place }) => place.topicId)].map(([topicId, list]) => ({
    topicId,
    partitions: list.map(({ place, batches }) => ({
      partitionIndex: place.partition,
      acknowledgementBatches: batches,
    })),
  }))
}

function errorOf(errorCode: number, message: string | null): ProtocolError | undefined {
  if (errorCode === ErrorCode.NONE) return undefined
  const code = errorName(errorCode)
  return new ProtocolError(code, message ?? code)
}

function lostSession(): MillraceError {
  return new MillraceError(
    'MILLRACE_LOST_LOCKS',
    'the session with the broker ended in the meantime, and with it the locks: the records are delivered to other members',
  )
}
