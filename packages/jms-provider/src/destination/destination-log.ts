// SPDX-License-Identifier: Apache-2.0
import type { StoredMessage } from '../mapping/stored-message.ts'
import type { NewRecord } from '../mapping/to-record.ts'

/** Where a message went. */
export interface LogPlace {
  readonly partition: number
  readonly offset: number
}

/** What keeps the messages of a destination, in order: a Kafka topic, or memory for temporary destinations. */
export interface DestinationLog {
  /** The Kafka topic, undefined in memory. */
  readonly topic: string | undefined
  /** Its id; undefined in memory, and where the cluster does not tell ids. */
  readonly topicId: string | undefined
  readonly partitions: number
  /** Resolves when the message is safe; its place is told to the destination like that of any other writer's. */
  append(record: NewRecord): Promise<LogPlace>
  /** Writes messages to the first partition, all of them or none; resolves with the place of the first. */
  appendTogether(records: readonly NewRecord[]): Promise<LogPlace>
  /** Messages from an offset on, some at least unless it is the end. */
  read(partition: number, offset: number): Promise<readonly StoredMessage[]>
  /** Nothing below is needed any more. */
  trim(partition: number, floor: number): void
  /** Tells what is written from now on no longer. */
  close(): void
}

/** Whether an error says that a topic was deleted. */
export function isMissingTopic(error: unknown): boolean {
  const code = (error as { readonly code?: string } | undefined)?.code
  return code === 'UNKNOWN_TOPIC_OR_PARTITION' || code === 'UNKNOWN_TOPIC_ID'
}
