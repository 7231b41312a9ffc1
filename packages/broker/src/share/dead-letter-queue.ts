// SPDX-License-Identifier: Apache-2.0
import { type Clock, elementAt, type Logger } from '@millrace/base'
import {
  buildBatch,
  type NewRecord,
  ProtocolError,
  type Record,
  RecordBatch,
  readRecords,
} from '@millrace/protocol'
import { prepareBatch } from '../log/produce-validation.ts'
import type { NewTopic } from '../metadata/topic-operations.ts'
import type { Partition, Topic, Topics } from '../topics.ts'
import type { UndeliverableRecords } from './share-partition.ts'

export interface DeadLetterSettings {
  /** Empty for none. */
  readonly topicName: string
  readonly copiesRecord: boolean
}

/** Produce version for the validation of the batches. */
const PRODUCE_VERSION = 13

const REASONS = {
  rejected: 'Offset rejected by client.',
  limit: 'Offset delivery count exceeded the threshold.',
} as const

/**
 * Writes undeliverable records to a dead letter topic, with their origin in the headers (KIP-1191).
 */
export class DeadLetterQueue {
  readonly #topics: Topics
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #prefix: () => string
  readonly #creates: () => boolean
  readonly #createTopic: (topic: NewTopic) => Promise<void>
  readonly #topicDefaults: Omit<NewTopic, 'name' | 'configs'>

  constructor(options: {
    readonly topics: Topics
    readonly clock: Clock
    readonly logger: Logger
    /** `errors.deadletterqueue.topic.name.prefix`. */
    readonly prefix: () => string
    /** `errors.deadletterqueue.auto.create.topics.enable`. */
    readonly creates: () => boolean
    readonly createTopic: (topic: NewTopic) => Promise<void>
    readonly topicDefaults: Omit<NewTopic, 'name' | 'configs'>
  }) {
    this.#topics = options.topics
    this.#clock = options.clock
    this.#logger = options.logger
    this.#prefix = options.prefix
    this.#creates = options.creates
    this.#createTopic = options.createTopic
    this.#topicDefaults = options.topicDefaults
  }

  /**
   * Resolves when the records are durable there, or cannot be written at all; the latter is only
   * logged.
   */
  async write(
    source: Partition,
    groupId: string,
    undeliverable: readonly UndeliverableRecords[],
    { topicName, copiesRecord }: DeadLetterSettings,
  ): Promise<void> {
    const topic = await this.#topic(topicName)
    if (topic === undefined) {
      this.#logger.warn('no dead letter queue for records of a share group', { groupId, topicName })
      return
    }
    const target = elementAt(topic.partitions, source.index % topic.partitions.length)
    const now = BigInt(this.#clock.now())
    const header = (name: string, value: string | number) => ({
      key: `__dlq.errors.${name}`,
      value: Buffer.from(String(value)),
    })
    const records = undeliverable.flatMap(({ first, last, deliveryCount, cause }) => {
      const copies = copiesRecord ? recordsBetween(source, first, last) : undefined
      return Array.from({ length: last - first + 1 }, (_, i) => {
        const copy = copies?.get(first + i)
        return {
          timestamp: now,
          key: copy?.key ?? null,
          value: copy?.value ?? null,
          headers: [
            ...(copy?.headers ?? []),
            header('topic', source.topic.name),
            header('partition', source.index),
            header('offset', first + i),
            header('group', groupId),
            header('delivery.count', deliveryCount),
            header('message', REASONS[cause]),
          ],
        }
      })
    })
    for (const batch of this.#batchesOf(records, target, groupId)) {
      const { lastOffset } = target.log.append([batch], target.leaderEpoch)
      await target.log.acknowledged(lastOffset + 1n)
    }
  }

  /**
   * Splits the records into batches that the topic accepts, as from any client. A record that is
   * too large or lacks a required key is omitted.
   */
  *#batchesOf(
    records: readonly NewRecord[],
    target: Partition,
    groupId: string,
  ): Generator<RecordBatch> {
    const { name, topic } = target
    const check = (part: readonly NewRecord[]): RecordBatch =>
      prepareBatch(new RecordBatch(buildBatch(part)), {
        partition: name,
        config: topic.config,
        nowMs: this.#clock.now(),
        version: PRODUCE_VERSION,
        maxDecompressedBytes: Number.MAX_SAFE_INTEGER,
      })
    let part: readonly NewRecord[] = records
    const rest: (readonly NewRecord[])[] = []
    for (;;) {
      try {
        if (part.length > 0) yield check(part)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        if (part.length === 1) {
          this.#logger.warn('a dead letter queue rejects a record of a share group', {
            groupId,
            topicName: topic.name,
            error,
          })
        } else {
          const half = part.length >> 1
          rest.push(part.slice(half), part.slice(0, half))
        }
      }
      const next = rest.pop()
      if (next === undefined) return
      part = next
    }
  }

  async #topic(name: string): Promise<Topic | undefined> {
    if (!name.startsWith(this.#prefix()) || name.startsWith('__')) return undefined
    const known = this.#topics.get(name)
    if (known !== undefined) {
      const isMeant = this.#topics.overrides(name).get('errors.deadletterqueue.group.enable')
      return isMeant?.trim().toLowerCase() === 'true' ? known : undefined
    }
    if (!this.#creates()) return undefined
    await this.#createTopic({
      name,
      ...this.#topicDefaults,
      configs: [
        { name: 'errors.deadletterqueue.group.enable', value: 'true' },
        { name: 'message.timestamp.type', value: 'CreateTime' },
      ],
    })
    return this.#topics.get(name)
  }
}

function recordsBetween({ log }: Partition, first: number, last: number): Map<number, Record> {
  const found = new Map<number, Record>()
  for (const batch of log.batches(BigInt(first), BigInt(last) + 1n)) {
    if (batch.isControl) continue
    for (const record of readRecords(batch)) {
      const offset = Number(record.offset)
      if (offset >= first && offset <= last) found.set(offset, record)
    }
  }
  return found
}
