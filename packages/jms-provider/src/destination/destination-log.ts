// SPDX-License-Identifier: Apache-2.0
import type { StoredMessage } from '../mapping/stored-message.ts'
import type { NewRecord } from '../mapping/to-record.ts'

/** Position of a message in a log. */
export interface LogPosition {
  readonly partition: number
  readonly offset: number
}

/**
 * Ordered storage for the messages of a destination: a Kafka topic, or memory for temporary
 * destinations.
 */
export interface DestinationLog {
  /** Name of the Kafka topic; undefined for a log in memory. */
  readonly topic: string | undefined
  /** Id of the topic; undefined for a log in memory and for clusters without topic ids. */
  readonly topicId: string | undefined
  readonly partitions: number
  /**
   * Writes a message. Resolves when it is durable; the destination receives its position like that
   * of any other writer's message.
   */
  append(record: NewRecord): Promise<LogPosition>
  /**
   * Writes messages to the first partition atomically. Resolves with the position of the first one.
   */
  appendTogether(records: readonly NewRecord[]): Promise<LogPosition>
  /**
   * Reads messages from an offset. Returns at least one, unless the offset is the end of the log.
   */
  read(partition: number, offset: number): Promise<readonly StoredMessage[]>
  /**
   * Offset below which all records have been delivered or are being delivered. Control records of
   * transactions, which are not messages, count as delivered.
   */
  readTo(partition: number): Promise<number>
  /** Marks messages below an offset as no longer needed. */
  trim(partition: number, floor: number): void
  /** Stops following the log. */
  close(): void
}

/** Whether an error reports that a topic was deleted. */
export function isMissingTopic(error: unknown): boolean {
  const code = (error as { readonly code?: string } | undefined)?.code
  return code === 'UNKNOWN_TOPIC_OR_PARTITION' || code === 'UNKNOWN_TOPIC_ID'
}
