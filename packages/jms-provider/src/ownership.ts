// SPDX-License-Identifier: Apache-2.0
import type { Clock, Logger } from '@millrace/base'
import { Admin, type ClientOptions, Consumer, type ConsumerRecord } from '@millrace/client'
import { pause } from './pause.ts'
import { EPOCH_HEADER, StateImage, TOPIC_ID_HEADER } from './state/state-image.ts'

/**
 * Time until a failed provider is replaced: the smallest session timeout that brokers accept by
 * default.
 */
const SESSION_TIMEOUT_MS = 6000
const HEARTBEAT_INTERVAL_MS = 500
const POLL_MS = 500
/**
 * Poll interval of the follower. It is short because only a poll advances past a transaction
 * marker.
 */
const FOLLOW_MS = 20

/** Creates the state topic if it does not exist. */
export async function createStateTopic(
  client: ClientOptions,
  {
    topic,
    replicationFactor,
  }: { readonly topic: string; readonly replicationFactor: number | undefined },
): Promise<void> {
  const admin = new Admin(client)
  try {
    await admin.createTopics([
      {
        name: topic,
        numPartitions: 1,
        ...(replicationFactor === undefined ? {} : { replicationFactor }),
        configs: {
          'cleanup.policy': 'compact',
          'segment.bytes': String(16 * 1024 * 1024),
          'min.cleanable.dirty.ratio': '0.2',
        },
      },
    ])
  } catch (error) {
    if ((error as { readonly code?: string }).code !== 'TOPIC_ALREADY_EXISTS') throw error
  } finally {
    await admin.close()
  }
}

/** Whether the state topic has a record of a later owner at or after an offset. */
export async function isSuperseded(
  client: ClientOptions,
  options: { readonly topic: string; readonly offset: number; readonly epoch: number },
): Promise<boolean> {
  await using consumer = new Consumer({
    ...client,
    enableAutoCommit: false,
    allowAutoCreateTopics: false,
  })
  const partition = { topic: options.topic, partition: 0 }
  const [end] = await consumer.endOffsets([partition])
  consumer.assign([partition])
  consumer.seek(partition, BigInt(options.offset))
  while ((await consumer.position(partition)) < (end ?? 0n)) {
    for (const record of await consumer.poll(POLL_MS)) {
      const epoch = Number(record.header(EPOCH_HEADER)?.toString('utf8') ?? 0)
      if (epoch > options.epoch) return true
    }
  }
  return false
}

/** Follows the state topic, so that a new owner already has the current state. */
export class StateFollower {
  readonly #consumer: Consumer
  readonly #topic: string
  readonly #clock: Clock
  readonly #logger: Logger
  image = new StateImage()
  #position = 0
  #isStopped = true
  #running: Promise<void> | undefined
  #waiters: (() => void)[] = []

  constructor(
    client: ClientOptions,
    options: { readonly topic: string; readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#topic = options.topic
    this.#clock = options.clock
    this.#logger = options.logger
    this.#consumer = new Consumer({
      ...client,
      isolationLevel: 'read_committed',
      autoOffsetReset: 'earliest',
      enableAutoCommit: false,
      maxPollRecords: 5000,
      allowAutoCreateTopics: false,
    })
    this.#consumer.assign([{ topic: this.#topic, partition: 0 }])
  }

  /** Starts following from the beginning. */
  start(): void {
    this.image = new StateImage()
    this.#consumer.seekToBeginning()
    this.#position = 0
    this.#isStopped = false
    this.#running = this.#follow()
  }

  /** Stops following, so that the owner can modify the image. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      try {
        for (const record of await this.#consumer.poll(FOLLOW_MS)) {
          this.#apply(record)
        }
        this.#position = Number(await this.#consumer.position({ topic: this.#topic, partition: 0 }))
      } catch (error) {
        if (this.#isStopped) return
        this.#logger.debug('cannot read the state topic; retrying', { error })
        await pause(this.#clock, 200)
      }
      for (const wake of this.#waiters.splice(0)) wake()
    }
    for (const wake of this.#waiters.splice(0)) wake()
  }

  /** Applies a record. Records that cannot be decoded are logged and skipped. */
  #apply(record: ConsumerRecord): void {
    const key = record.keyBytes?.toString('utf8') ?? ''
    try {
      const epoch = Number(record.header(EPOCH_HEADER)?.toString('utf8') ?? 0)
      const topicId = record.header(TOPIC_ID_HEADER)?.toString('utf8')
      this.image.apply(key, record.valueBytes, { epoch, topicId })
    } catch (error) {
      this.#logger.warn(`cannot decode record ${record.offset} of ${this.#topic}`, { key, error })
    }
  }

  /** Resolves when all records that are now in the topic have been applied. */
  async caughtUp(): Promise<void> {
    const [end] = await this.#consumer.endOffsets([{ topic: this.#topic, partition: 0 }])
    while (this.#position < Number(end) && !this.#isStopped) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }

  async close(): Promise<void> {
    this.#isStopped = true
    await this.#consumer.close()
    await this.#running
  }
}

/**
 * Membership in the consumer group of providers. The member that is assigned its only partition
 * owns all destinations.
 */
export class Ownership {
  readonly #consumer: Consumer
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #onOwner: (isOwner: boolean) => void
  #isStopped = false
  readonly #running: Promise<void>

  constructor(
    client: ClientOptions,
    options: {
      readonly topic: string
      readonly groupId: string
      /** Static member id; empty for a dynamic member. */
      readonly instanceId: string
      readonly clock: Clock
      readonly logger: Logger
      readonly onOwner: (isOwner: boolean) => void
    },
  ) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#onOwner = options.onOwner
    this.#consumer = new Consumer({
      ...client,
      groupId: options.groupId,
      ...(options.instanceId === '' ? {} : { groupInstanceId: options.instanceId }),
      groupProtocol: 'classic',
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
      enableAutoCommit: false,
      autoOffsetReset: 'latest',
      allowAutoCreateTopics: false,
      excludeInternalTopics: false,
    })
    this.#running = this.#run(options.topic)
  }

  async #run(topic: string): Promise<void> {
    this.#consumer.subscribe([topic], {
      onPartitionsAssigned: (partitions) => {
        if (partitions.length > 0) this.#onOwner(true)
      },
      onPartitionsRevoked: (partitions) => {
        if (partitions.length > 0) this.#onOwner(false)
      },
      onPartitionsLost: (partitions) => {
        if (partitions.length > 0) this.#onOwner(false)
      },
    })
    while (!this.#isStopped) {
      try {
        await this.#consumer.poll(POLL_MS)
      } catch (error) {
        if (this.#isStopped) return
        this.#logger.debug('cannot reach the group of providers; retrying', { error })
        await pause(this.#clock, 200)
      }
    }
  }

  /** Leaves the group, so that another provider can take over immediately. */
  async close(): Promise<void> {
    this.#isStopped = true
    await this.#consumer.close({ timeoutMs: 3000 })
    await this.#running
  }
}
