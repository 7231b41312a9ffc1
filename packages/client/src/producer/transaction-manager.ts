// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  EndTxnRequest,
  EndTxnResponse,
  ErrorCode,
  type ErrorName,
  errorName,
  InitProducerIdRequest,
  InitProducerIdResponse,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  ProtocolError,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '@millrace/protocol'
import { commitTopics, type OffsetAndMetadata } from '../consumer/offset-messages.ts'
import type { Cluster, CoordinatorType } from '../metadata/cluster.ts'
import type { BrokerConnection } from '../network/broker-connection.ts'
import { sleep } from '../network/waiting.ts'
import { partitionName, partitionsByTopic, type TopicPartition } from '../topic-partition.ts'

/**
 * The group that commits offsets with a transaction: a consumer's `groupMetadata`, or only the
 * group's id.
 */
export interface ConsumerGroupMetadata {
  /** Id of the group. */
  readonly groupId: string
  /** Generation of a classic group, or epoch of the member. */
  readonly generationId: number
  /** Id of the member. */
  readonly memberId: string
  /** Name of a static member (KIP-345), or null. */
  readonly groupInstanceId: string | null
}

export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/**
 * `abortable`: the transaction can only be aborted, then the producer continues. `fatal`: the
 * producer was fenced or the like; it can only be closed.
 */
type State = 'new' | 'ready' | 'ongoing' | 'ending' | 'abortable' | 'fatal'

/**
 * `transaction.version` from which an epoch belongs to one transaction, and brokers add partitions
 * themselves (KIP-890).
 */
const EPOCH_BUMPING_VERSION = 2
/** The last versions that leave adding partitions to the client. */
const LAST_EXPLICIT_PRODUCE = 11
const LAST_EXPLICIT_OFFSET_COMMIT = 4
const LAST_KEEPING_END = 4
/** Offsets are committed by topic name, so the version with ids only is not used. */
const LAST_OFFSET_COMMIT_BY_NAME = 5
/** First wait for the previous transaction to complete; brokers take milliseconds. */
const CONCURRENT_BACKOFF_MS = 2
const CONCURRENT_BACKOFF_MAX_MS = 20

const FATAL: ReadonlySet<string> = new Set<ErrorName>([
  'PRODUCER_FENCED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'UNSUPPORTED_VERSION',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'INVALID_PRODUCER_ID_MAPPING',
])

/**
 * The transactions of one producer, one after another: its identity, its partitions, and the end of
 * each.
 */
export class TransactionManager {
  readonly #cluster: Cluster
  readonly #transactionalId: string
  readonly #timeoutMs: number
  readonly #maxBlockMs: number
  #state: State = 'new'
  #error: Error | undefined
  #identity: ProducerIdentity | undefined
  #bumpsEpoch = false
  /**
   * Whether a sequence number was used by a batch that is not in the log, so that only a new epoch
   * can continue.
   */
  #lostSequence = false
  /** Whether the coordinator may know the transaction; otherwise there is nothing to end. */
  #hasBegun = false
  #initializing: Promise<void> | undefined
  /** How the end in progress, or the one that was interrupted, must end: it may be retried. */
  #ending: 'commit' | 'abort' | undefined
  readonly #added = new Set<string>()
  readonly #toAdd = new Map<string, TopicPartition>()
  #adding: Promise<void> | undefined
  readonly #addedGroups = new Set<string>()
  /** Called when waiting batches may be sent, or never will be. */
  onChange: () => void = () => {}

  constructor(
    cluster: Cluster,
    options: {
      readonly transactionalId: string
      readonly timeoutMs: number
      readonly maxBlockMs: number
    },
  ) {
    this.#cluster = cluster
    this.#transactionalId = options.transactionalId
    this.#timeoutMs = options.timeoutMs
    this.#maxBlockMs = options.maxBlockMs
  }

  get identity(): ProducerIdentity | undefined {
    return this.#identity
  }

  get isAborting(): boolean {
    return this.#state === 'abortable' || this.#state === 'fatal' || this.#ending === 'abort'
  }

  /** Whether a transaction was begun and not ended, and can still be ended. */
  get isUnderWay(): boolean {
    return this.#state === 'ongoing' || this.#state === 'ending' || this.#state === 'abortable'
  }

  /** Newest version of Produce to use, undefined for any. */
  get maxProduceVersion(): number | undefined {
    return this.#bumpsEpoch ? undefined : LAST_EXPLICIT_PRODUCE
  }

  // ----------------------------------------------------------------------------------------------
  // identity

  /**
   * Obtains the producer's id and epoch, fencing earlier producers with this id and aborting their
   * transaction.
   */
  async init(): Promise<void> {
    this.#throwIfFatal()
    if (this.#state !== 'new') return
    this.#initializing ??= this.#init({ producerId: -1n, producerEpoch: -1 }).finally(() => {
      this.#initializing = undefined
    })
    await this.#initializing
  }

  async #init(expected: ProducerIdentity): Promise<void> {
    const response = await this.#ask(InitProducerIdRequest, InitProducerIdResponse, {
      what: 'no producer id',
      message: (version) => ({
        transactionalId: this.#transactionalId,
        transactionTimeoutMs: this.#timeoutMs,
        ...(version >= 3 ? expected : {}),
      }),
      code: ({ errorCode }) => errorCode,
    })
    this.#identity = { producerId: response.producerId, producerEpoch: response.producerEpoch }
    this.#lostSequence = false
    this.#state = 'ready'
  }

  begin(): void {
    this.#throwIfFatal()
    if (this.#state !== 'ready') {
      const why = {
        new: 'initTransactions must be called first',
        ongoing: 'a transaction is in progress',
        ending: 'the one before is not ended',
        abortable: 'the one before failed and must be aborted',
      } as const
      throw this.#stateError('begin a transaction', why[this.#state as keyof typeof why])
    }
    this.#state = 'ongoing'
  }

  /** Throws unless records may be sent now. */
  checkSend(): void {
    this.#throwIfFatal()
    if (this.#state === 'abortable') throw this.#error
    if (this.#state !== 'ongoing') {
      throw this.#stateError('send', 'no transaction is in progress: call beginTransaction first')
    }
  }

  #stateError(what: string, why: string): MillraceError {
    return new MillraceError(
      'MILLRACE_INVALID_STATE',
      `transactional id ${this.#transactionalId} cannot ${what}: ${why}`,
    )
  }

  #throwIfFatal(): void {
    if (this.#state === 'fatal') throw this.#error
  }

  /** Part of the transaction failed: it cannot be committed any more. */
  fail(error: Error, { lostSequence = false } = {}): void {
    if (this.#state === 'fatal') return
    if (lostSequence) this.#lostSequence = true
    const isFatal = error instanceof MillraceError && FATAL.has(error.code)
    if (isFatal) this.#state = 'fatal'
    else if (this.#state === 'ongoing') this.#state = 'abortable'
    else if (this.#state !== 'ending') return
    this.#error ??= error
    this.onChange()
  }

  /** The first error of the open transaction. */
  get error(): Error | undefined {
    return this.#error
  }

  // ----------------------------------------------------------------------------------------------
  // partitions

  /** Whether a partition's batches may be sent; else adds the partition to the transaction. */
  mayWrite(partition: TopicPartition): boolean {
    if (this.#identity === undefined || this.isAborting) return false
    if (this.#state !== 'ongoing' && this.#state !== 'ending') return false
    if (this.#bumpsEpoch) {
      this.#hasBegun = true
      return true
    }
    const name = partitionName(partition)
    if (this.#added.has(name)) return true
    this.#toAdd.set(name, partition)
    this.#adding ??= this.#addPartitions().finally(() => {
      this.#adding = undefined
      this.onChange()
    })
    return false
  }

  async #addPartitions(): Promise<void> {
    // Partitions that are added in the same turn share a request.
    await undefined
    const identity = this.#identity as ProducerIdentity
    const partitions = [...this.#toAdd.values()]
    this.#hasBegun = true
    try {
      await this.#ask(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, {
        what: 'cannot add partitions to the transaction',
        maxVersion: 3,
        message: () => ({
          v3AndBelowTransactionalId: this.#transactionalId,
          v3AndBelowProducerId: identity.producerId,
          v3AndBelowProducerEpoch: identity.producerEpoch,
          v3AndBelowTopics: [...partitionsByTopic(partitions)].map(([name, indexes]) => ({
            name,
            partitions: indexes,
          })),
        }),
        code: ({ resultsByTopicV3AndBelow }) => {
          const codes = resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
            resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
          )
          // One failed partition keeps the others from being attempted.
          const isReal = (code: number): boolean =>
            code !== ErrorCode.NONE && code !== ErrorCode.OPERATION_NOT_ATTEMPTED
          return codes.find(isReal) ?? ErrorCode.NONE
        },
      })
      for (const partition of partitions) {
        const name = partitionName(partition)
        this.#added.add(name)
        this.#toAdd.delete(name)
      }
    } catch (error) {
      this.#toAdd.clear()
      this.fail(error as Error)
    }
  }

  /** Commits offsets as part of the transaction. */
  async sendOffsets(
    offsets: readonly (TopicPartition & OffsetAndMetadata)[],
    group: ConsumerGroupMetadata,
  ): Promise<void> {
    this.checkSend()
    if (offsets.length === 0) return
    try {
      await this.#sendOffsets(offsets, group)
    } catch (error) {
      this.fail(error as Error)
      throw error
    }
  }

  async #sendOffsets(
    offsets: readonly (TopicPartition & OffsetAndMetadata)[],
    group: ConsumerGroupMetadata,
  ): Promise<void> {
    const identity = this.#identity as ProducerIdentity
    const { groupId } = group
    this.#hasBegun = true
    if (!this.#bumpsEpoch && !this.#addedGroups.has(groupId)) {
      await this.#ask(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, {
        what: `cannot add group ${groupId} to the transaction`,
        message: () => ({ transactionalId: this.#transactionalId, ...identity, groupId }),
        code: ({ errorCode }) => errorCode,
      })
      this.#addedGroups.add(groupId)
    }
    await this.#ask(TxnOffsetCommitRequest, TxnOffsetCommitResponse, {
      what: `cannot commit offsets of group ${groupId} with the transaction`,
      coordinator: { type: 'group', key: groupId },
      maxVersion: this.#bumpsEpoch ? LAST_OFFSET_COMMIT_BY_NAME : LAST_EXPLICIT_OFFSET_COMMIT,
      message: (version) => ({
        transactionalId: this.#transactionalId,
        groupId,
        ...identity,
        ...(version >= 3
          ? {
              memberId: group.memberId,
              generationIdOrMemberEpoch: group.generationId,
              groupInstanceId: group.groupInstanceId,
            }
          : {}),
        topics: commitTopics(offsets),
      }),
      code: ({ topics }) =>
        topics
          .flatMap(({ partitions }) => partitions)
          .find(({ errorCode }) => errorCode !== ErrorCode.NONE)?.errorCode ?? ErrorCode.NONE,
    })
  }

  // ----------------------------------------------------------------------------------------------
  // ending

  /** Checks that the transaction may end this way; an interrupted end may only be repeated. */
  startEnd(how: 'commit' | 'abort'): void {
    this.#throwIfFatal()
    if (this.#state === 'ending') {
      if (this.#ending === how) return
      throw this.#stateError(
        how,
        `the ${this.#ending} before has no answer yet and can only be repeated`,
      )
    }
    if (this.#state === 'abortable') {
      if (how === 'commit') throw this.#error
    } else if (this.#state !== 'ongoing')
      throw this.#stateError(how, 'no transaction is in progress')
    if (how === 'abort') this.#ending = how
  }

  /** Ends the transaction at the coordinator, once nothing is in flight. */
  async end(how: 'commit' | 'abort'): Promise<void> {
    this.#throwIfFatal()
    if (how === 'commit' && this.#state === 'abortable') throw this.#error
    this.#state = 'ending'
    this.#ending = how
    await this.#adding
    if (this.#hasBegun) await this.#end(how)
    if (this.#lostSequence && !this.#bumpsEpoch)
      await this.#init(this.#identity as ProducerIdentity)
    this.#reset()
  }

  async #end(how: 'commit' | 'abort'): Promise<void> {
    const identity = this.#identity as ProducerIdentity
    const response = await this.#ask(EndTxnRequest, EndTxnResponse, {
      what: `cannot ${how} the transaction`,
      ...(this.#bumpsEpoch ? {} : { maxVersion: LAST_KEEPING_END }),
      message: () => ({
        transactionalId: this.#transactionalId,
        ...identity,
        committed: how === 'commit',
      }),
      code: ({ errorCode }) => errorCode,
    })
    if (response.producerId >= 0n) {
      this.#identity = { producerId: response.producerId, producerEpoch: response.producerEpoch }
      this.#lostSequence = false
    }
  }

  #reset(): void {
    this.#state = 'ready'
    this.#ending = undefined
    this.#error = undefined
    this.#hasBegun = false
    this.#added.clear()
    this.#toAdd.clear()
    this.#addedGroups.clear()
  }

  // ----------------------------------------------------------------------------------------------
  // requests

  /**
   * Sends a request to the coordinator and retries for at most `maxBlockMs`; other errors are
   * thrown, and fatal ones end the producer.
   */
  async #ask<Q extends MessageSchema, S extends MessageSchema>(
    request: Q,
    response: S,
    options: {
      readonly what: string
      readonly message: (version: number) => MessageInput<Q>
      readonly code: (response: MessageOf<S>) => number
      readonly maxVersion?: number
      readonly coordinator?: { readonly type: CoordinatorType; readonly key: string }
    },
  ): Promise<MessageOf<S>> {
    const { clock } = this.#cluster
    const { type, key } = options.coordinator ?? {
      type: 'transaction' as const,
      key: this.#transactionalId,
    }
    const deadline = clock.monotonic() + this.#maxBlockMs
    let concurrentWaitMs = CONCURRENT_BACKOFF_MS
    for (let attempt = 0; ; attempt++) {
      let failure: MillraceError
      try {
        const node = await this.#cluster.coordinator(type, key)
        const connection = await this.#cluster.connect(node.id, 'coordinator')
        if (type === 'transaction') this.#learnVersion(connection)
        const { maxVersion } = options
        const reply = await connection.request(
          request,
          response,
          options.message,
          maxVersion === undefined ? {} : { maxVersion },
        )
        const errorCode = options.code(reply)
        if (errorCode === ErrorCode.NONE) return reply
        failure = this.#failureOf(errorCode, options.what)
      } catch (error) {
        if (!(error instanceof MillraceError) || !error.retriable) throw this.#ended(error)
        failure = error
        this.#cluster.forgetCoordinator(type, key)
      }
      if (!failure.retriable) throw this.#ended(failure)
      if (this.#cluster.isClosed)
        throw new MillraceError('MILLRACE_CLOSED', 'the producer is closed')
      if (clock.monotonic() >= deadline) {
        throw new MillraceError(
          'MILLRACE_TIMEOUT',
          `${options.what} within maxBlockMs ${this.#maxBlockMs}: ${failure.message}`,
          { retriable: true, cause: failure },
        )
      }
      if (failure.code === 'CONCURRENT_TRANSACTIONS') {
        await sleep(clock, concurrentWaitMs)
        concurrentWaitMs = Math.min(concurrentWaitMs * 2, CONCURRENT_BACKOFF_MAX_MS)
        continue
      }
      if (failure.code === 'NOT_COORDINATOR' || failure.code === 'COORDINATOR_NOT_AVAILABLE') {
        this.#cluster.forgetCoordinator(type, key)
      }
      await this.#cluster.backOff(attempt)
    }
  }

  #failureOf(errorCode: number, what: string): ProtocolError {
    // The error code of older coordinators.
    const code =
      errorCode === ErrorCode.INVALID_PRODUCER_EPOCH ? 'PRODUCER_FENCED' : errorName(errorCode)
    const why =
      code === 'PRODUCER_FENCED'
        ? 'a newer producer with this transactional id is there, or the transaction timed out'
        : code
    return new ProtocolError(code, `transactional id ${this.#transactionalId}: ${what}: ${why}`)
  }

  /** An error that no retry can resolve ends the producer, or the transaction. */
  #ended(error: unknown): unknown {
    const isFatal = error instanceof MillraceError && FATAL.has(error.code)
    if (isFatal || error instanceof ProtocolError) {
      if (isFatal || error.code === 'INVALID_TXN_STATE') {
        this.#state = 'fatal'
        this.#error = error
        this.onChange()
      } else if (this.#state === 'ending' && this.#ending === 'commit') {
        this.#state = 'abortable'
        this.#error = error
      }
    }
    return error
  }

  /**
   * Whether the cluster follows KIP-890 part 2. Checked between transactions only, as it decides
   * about each as a whole.
   */
  #learnVersion(connection: BrokerConnection): void {
    if (this.#hasBegun) return
    const level = connection.features?.finalizedFeatures.find(
      ({ name }) => name === 'transaction.version',
    )?.maxVersionLevel
    const knows = (connection.versionOf(EndTxnRequest) ?? 0) > LAST_KEEPING_END
    this.#bumpsEpoch = knows && (level ?? 0) >= EPOCH_BUMPING_VERSION
  }
}
